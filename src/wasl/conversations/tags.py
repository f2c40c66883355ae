"""Tags: words that agents put on conversations. Two words that fold to the same (case, accents, Arabic forms) are one.

Call inside `tenant(…)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from wasl.accounts.actor import Actor, NotFound
from wasl.conversations.changes import State
from wasl.conversations.models import Tag, Tagging
from wasl.conversations.states import one
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send

LONGEST = 60
SHOWN = 500
COUNTED = 1000
_NOTHING = UUID(int=0)


class CannotTag(Exception):
    """Why a tag cannot be called so: empty, too_long, taken (by another, whose id is `other`)."""

    def __init__(self, reason: str, other: UUID | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.other = other


@dataclass(frozen=True, slots=True)
class Used:
    """A tag and on how many conversations it is, up to 1,000."""

    id: UUID
    name: str
    conversations: int


def ensure(actor: Actor, name: str) -> Tag:
    """The tag of this name, made when there is none. Raises Forbidden, CannotTag."""
    actor.require_write()
    name = _checked(name)
    conn = raw()
    conn.execute(_MAKE, [actor.workspace_id, uuid7(), name, name, now()])
    return Tag.objects.get(folded=_fold(name))


def tag(actor: Actor, conversation_id: UUID, name: str) -> Tag:
    """Put a tag on a conversation. Raises NotFound, Forbidden, CannotTag."""
    found = ensure(actor, name)
    one(actor, conversation_id, State(tags={str(found.id): True}))
    return found


def untag(actor: Actor, conversation_id: UUID, tag_id: UUID) -> None:
    """Take a tag off a conversation. Raises NotFound, Forbidden."""
    one(actor, conversation_id, State(tags={str(tag_id): False}))


def replace(actor: Actor, conversation_id: UUID, wanted: Sequence[str]) -> None:
    """Let a conversation have exactly these tags. Raises NotFound, Forbidden, CannotTag."""
    keep = {str(ensure(actor, name).id): True for name in wanted}
    gone = {str(each.id): False for each in of(conversation_id) if str(each.id) not in keep}
    one(actor, conversation_id, State(tags={**gone, **keep}))


def of(conversation_id: UUID) -> list[Tag]:
    """The tags of a conversation that the caller has made sure may be seen, by name."""
    on = Tagging.objects.filter(conversation_id=conversation_id)
    return list(Tag.objects.filter(id__in=on.values("tag_id")).order_by("folded")[:SHOWN])


def names(conversation_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The names of the tags of each of these conversations that has any."""
    found: dict[UUID, list[str]] = {}
    rows = Tagging.objects.filter(conversation_id__in=conversation_ids).order_by("tag__folded")
    for conversation_id, name in rows.values_list("conversation_id", "tag__name"):
        found.setdefault(conversation_id, []).append(name)
    return found


def called(name: str) -> tuple[UUID, ...]:
    """The id of the tag of this name, for a filter; for an unknown one an id that nothing has."""
    known = Tag.objects.filter(folded=_fold(" ".join(name.split()))).values_list("id", flat=True).first()
    return (known or _NOTHING,)


def suggest(text: str, limit: int = 8) -> list[Tag]:
    """Tags whose name holds these letters, those that begin with them first; without letters the first by name."""
    rows = (
        raw()
        .execute(_SUGGEST, {"text": " ".join(text.replace("\0", " ").split())[:LONGEST], "limit": limit})
        .fetchall()
    )
    known = Tag.objects.in_bulk([row[0] for row in rows])
    return [known[row[0]] for row in rows]


def known(name: str, among: set[str]) -> bool:
    """Whether one of these folded names is this name."""
    return _fold(" ".join(name.split())) in among


def every() -> list[Tag]:
    """Every tag, by name; at most 500."""
    return list(Tag.objects.order_by("folded")[:SHOWN])


def used(actor: Actor) -> list[Used]:
    """Every tag with how much it is used, by name; at most 500. Raises Forbidden."""
    actor.require_admin()
    return [Used(*row) for row in raw().execute(_USED, [COUNTED, actor.workspace_id, SHOWN])]


def rename(actor: Actor, tag_id: UUID, name: str) -> None:
    """Call a tag otherwise. Raises Forbidden, NotFound, CannotTag; "taken" when another is called so: merge them."""
    actor.require_admin()
    found, name = _lock(tag_id), _checked(name)
    folded = _fold(name)
    if other := Tag.objects.filter(folded=folded).exclude(id=tag_id).first():
        raise CannotTag("taken", other.id)
    found.name, found.folded = name, folded
    found.save(update_fields=["name", "folded"])
    _tell(actor)


def merge(actor: Actor, tag_id: UUID, into_id: UUID) -> None:
    """Let one tag become another, on conversations and in saved views. Raises Forbidden, NotFound."""
    actor.require_admin()
    if tag_id == into_id:
        raise NotFound
    for each in sorted((tag_id, into_id)):
        _lock(each)
    values = {"workspace": actor.workspace_id, "tag": tag_id, "into": into_id}
    raw().execute(_MERGE, values)
    raw().execute(_VIEWS, {"workspace": actor.workspace_id, "tag": str(tag_id), "into": str(into_id)})
    _remove(actor, tag_id)


def delete(actor: Actor, tag_id: UUID) -> None:
    """Take a tag off everything and forget it. Raises Forbidden, NotFound."""
    actor.require_admin()
    _lock(tag_id)
    _remove(actor, tag_id)


def _remove(actor: Actor, tag_id: UUID) -> None:
    Tagging.objects.filter(tag_id=tag_id).delete()
    Tag.objects.filter(id=tag_id).delete()
    _tell(actor)


def _lock(tag_id: UUID) -> Tag:
    found = Tag.objects.select_for_update().filter(id=tag_id).first()
    if found is None:
        raise NotFound
    return found


def _tell(actor: Actor) -> None:
    send(raw(), [Signal("conversation", actor.workspace_id)])


def _checked(name: str) -> str:
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not name:
        raise CannotTag("empty")
    if len(name) > LONGEST:
        raise CannotTag("too_long")
    return name


def _fold(name: str) -> str:
    row = raw().execute("SELECT left(wasl_fold(%s), 60)", [name.replace("\0", " ")]).fetchone()
    return str(row[0]) if row else name


_MAKE: LiteralString = """
INSERT INTO conversations_tag (workspace_id, id, name, folded, created_at)
VALUES (%s, %s, %s, left(wasl_fold(%s), 60), %s) ON CONFLICT (workspace_id, folded) DO NOTHING
"""
_SUGGEST: LiteralString = """
SELECT id FROM conversations_tag WHERE strpos(folded, wasl_fold(%(text)s)) > 0
ORDER BY NOT starts_with(folded, wasl_fold(%(text)s)), folded LIMIT %(limit)s
"""
_USED: LiteralString = """
SELECT t.id, t.name, (SELECT count(*) FROM (
  SELECT FROM conversations_tagging g WHERE g.workspace_id = t.workspace_id AND g.tag_id = t.id LIMIT %s) AS there)
FROM conversations_tag t WHERE t.workspace_id = %s ORDER BY t.folded LIMIT %s
"""
_MERGE: LiteralString = """
INSERT INTO conversations_tagging (workspace_id, id, tag_id, conversation_id, at)
SELECT workspace_id, gen_random_uuid(), %(into)s, conversation_id, at FROM conversations_tagging
WHERE workspace_id = %(workspace)s AND tag_id = %(tag)s
ON CONFLICT (workspace_id, conversation_id, tag_id) DO NOTHING
"""
_VIEWS: LiteralString = """
UPDATE conversations_savedview SET filter = jsonb_set(filter, '{tags}', to_jsonb(ARRAY(
  SELECT DISTINCT CASE WHEN t = %(tag)s THEN %(into)s ELSE t END FROM jsonb_array_elements_text(filter->'tags') AS t)))
WHERE workspace_id = %(workspace)s AND filter->'tags' ? %(tag)s
"""
