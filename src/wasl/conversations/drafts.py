"""What agents are writing, kept on the server as they type: one draft for each agent, conversation and way.

A draft has a version, the moment it was last changed in microseconds (0: there is none). Whoever saves says which
version they saw; of two tabs the one that did not see the other's words is told instead of overwriting them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from django.db.models import F, Sum
from psycopg.types.json import Jsonb

from wasl.accounts.actor import Actor, NotFound
from wasl.channels.email.html import from_text
from wasl.conversations import queries, rich
from wasl.conversations.models import Attachment, Draft, DraftFile, Message
from wasl.conversations.reply import FILES_LIMIT, TEXT_LIMIT, CannotReply, Upload
from wasl.conversations.uploads import checked
from wasl.kit.clock import micros, now
from wasl.kit.db import raw
from wasl.kit.ids import uuid7

WAYS = ("out", "note")
TOTAL_LIMIT = 25_000_000
"""Bytes of a draft's files together: 34 MB as mail encodes them, which most providers still take."""
META = frozenset({"cc", "known"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft as it is kept. `key` becomes the id of the message."""

    way: str
    key: UUID
    text: str = ""
    html: str = ""
    version: int = 0
    meta: dict[str, Any] = field(default_factory=dict)
    files: tuple[DraftFile, ...] = ()


class Conflict(Exception):
    """The draft is not the one that was seen: `kept` is what there is, `sent` says that it went out meanwhile."""

    def __init__(self, kept: Kept, *, sent: bool) -> None:
        super().__init__("conflict")
        self.kept = kept
        self.sent = sent


class CannotAttach(Exception):
    """Why a file cannot be added: too_many_files, too_large (together with the others)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def of(actor: Actor, conversation_id: UUID) -> dict[str, Kept]:
    """The actor's drafts in a conversation, by way; an empty one with a new key where there is none."""
    found = {way: Kept(way, uuid7()) for way in WAYS}
    if actor.agent_id is None:
        return found
    for row in Draft.objects.filter(agent_id=actor.agent_id, conversation_id=conversation_id):
        files = DraftFile.objects.filter(draft_id=row.id).order_by("position", "id")
        version = micros(row.changed_at)
        found[row.way] = Kept(row.way, row.key, row.text, row.html, version, row.meta, tuple(files))
    return found


_SAVE: LiteralString = """
INSERT INTO conversations_draft AS d
  (workspace_id, id, agent_id, conversation_id, way, key, text, html, meta, changed_at)
VALUES (%(workspace)s, %(id)s, %(agent)s, %(conversation)s, %(way)s, %(key)s, %(text)s, %(html)s, %(meta)s, %(at)s)
ON CONFLICT (workspace_id, agent_id, conversation_id, way) DO UPDATE SET
  key = EXCLUDED.key, text = EXCLUDED.text, html = EXCLUDED.html, meta = EXCLUDED.meta,
  changed_at = greatest(EXCLUDED.changed_at, d.changed_at + interval '1 microsecond')
WHERE d.changed_at = %(seen)s OR (d.text = '' AND d.html = '')
RETURNING changed_at
"""


def save(
    actor: Actor,
    conversation_id: UUID,
    way: str,
    text: str,
    html: str = "",
    *,
    key: UUID,
    version: int = 0,
    meta: dict[str, Any] | None = None,
) -> int:
    """Keep what is being written; its new version, 0 when nothing is left of it.

    Raises NotFound, Forbidden, CannotReply('too_long') and Conflict.
    """
    check(actor, conversation_id, way)
    try:
        body = rich.read(text, html)
    except ValueError as error:
        raise CannotReply("too_long") from error
    if len(body.text) > TEXT_LIMIT:
        raise CannotReply("too_long")
    kept = of(actor, conversation_id)[way]
    sent = Message.objects.filter(id=key, conversation_id=conversation_id, author_id=actor.agent_id).exists()
    if sent or (kept.version != version and (kept.text or kept.html or version)):
        raise Conflict(kept, sent=sent)
    if not body.text and not body.html and not kept.files:
        clear(actor, conversation_id, way)
        return 0
    about = {name: value for name, value in (meta or {}).items() if name in META}
    values = _values(actor, conversation_id, way, body, key, version) | {"meta": Jsonb(about)}
    row = raw().execute(_SAVE, values).fetchone()
    if row is None:
        raise Conflict(of(actor, conversation_id)[way], sent=False)
    return micros(row[0])


def _values(
    actor: Actor, conversation_id: UUID, way: str, body: rich.Rich, key: UUID, version: int
) -> dict[str, Any]:
    return {
        "workspace": actor.workspace_id,
        "id": uuid7(),
        "agent": actor.agent_id,
        "conversation": conversation_id,
        "way": way,
        "key": key,
        "text": body.text,
        "html": body.html,
        "at": now(),
        "seen": _EPOCH + timedelta(microseconds=version),
    }


def check(actor: Actor, conversation_id: UUID, way: str) -> None:
    """That the actor may keep a draft there. Raises NotFound, Forbidden."""
    actor.require_write()
    if actor.agent_id is None or way not in WAYS:
        raise NotFound
    if not queries.visible(actor).filter(id=conversation_id).exists():
        raise NotFound


def clear(actor: Actor, conversation_id: UUID, way: str) -> None:
    """Throw a draft away, or let go of it once it was sent. The files' bytes stay: a message may hold them."""
    if actor.agent_id is None:
        return
    rows = Draft.objects.filter(agent_id=actor.agent_id, conversation_id=conversation_id, way=way)
    DraftFile.objects.filter(draft_id__in=list(rows.values_list("id", flat=True))).delete()
    rows.delete()


def add_file(
    actor: Actor, conversation_id: UUID, way: str, upload: Upload, *, key: UUID, at: int | None = None
) -> tuple[DraftFile, int]:
    """Lay a file into a draft, which is made where there is none; the file and the draft's version.

    Files come and go without making the words newer: an upload may overtake what is typed beside it, and other uploads
    as well: `at` is its place among them as they were chosen, at the end where nobody says.

    Raises NotFound, Forbidden, CannotAttach and uploads.Unshowable.
    """
    check(actor, conversation_id, way)
    kind = checked(upload)
    digest, size = upload.keep(actor.workspace_id)
    made = {"key": key, "changed_at": now(), "workspace_id": actor.workspace_id}
    owner = {"agent_id": actor.agent_id, "conversation_id": conversation_id, "way": way}
    draft, _ = Draft.objects.select_for_update().get_or_create(**owner, defaults=made)
    held = DraftFile.objects.filter(draft=draft)
    if held.count() >= FILES_LIMIT:
        raise CannotAttach("too_many_files")
    if (held.aggregate(size=Sum("size"))["size"] or 0) + size > TOTAL_LIMIT:
        raise CannotAttach("too_large")
    file = DraftFile.objects.create(
        workspace_id=actor.workspace_id,
        draft=draft,
        position=held.count() if at is None else at,
        filename=upload.filename[:200],
        content_type=kind[:100] or "application/octet-stream",
        size=size,
        digest=digest,
    )
    return file, micros(draft.changed_at)


def file(actor: Actor, file_id: UUID) -> DraftFile:
    """A file of one of the actor's own drafts. Raises NotFound."""
    if actor.agent_id is None:
        raise NotFound
    mine = DraftFile.objects.filter(id=file_id, draft__agent_id=actor.agent_id)
    found = mine.filter(draft__conversation__inbox_id__in=actor.inboxes).select_related("draft").first()
    if found is None:
        raise NotFound
    return found


def remove_file(actor: Actor, file_id: UUID) -> int:
    """Take a file out of a draft; the draft's version. Raises NotFound, Forbidden."""
    actor.require_write()
    row = file(actor, file_id)
    draft = Draft.objects.select_for_update().get(id=row.draft_id)
    row.delete()
    draft.html = rich.without(draft.html, [file_id.hex])
    draft.save(update_fields=["html"])
    if not draft.text and not draft.html and not DraftFile.objects.filter(draft=draft).exists():
        draft.delete()
        return 0
    return micros(draft.changed_at)


def uploads(actor: Actor, conversation_id: UUID, way: str) -> list[Upload]:
    """The files of a draft, to be sent."""
    return [
        Upload(row.filename, row.content_type, digest=bytes(row.digest), size=row.size, content_id=row.id.hex)
        for row in of(actor, conversation_id)[way].files
    ]


def put_back(actor: Actor, conversation_id: UUID, body: rich.Rich, files: Sequence[Attachment]) -> None:
    """Make a draft of an agent's answer again, before whatever was begun since."""
    assert actor.agent_id
    begun = of(actor, conversation_id)["out"]
    text = "\n\n".join(filter(None, (body.text, begun.text)))
    html = body.html or begun.html
    if html:
        html = "\n".join(
            each.html or from_text(each.text) for each in (body, begun) if each.text or each.html
        )
    draft, made = Draft.objects.get_or_create(
        agent_id=actor.agent_id,
        conversation_id=conversation_id,
        way="out",
        defaults={"workspace_id": actor.workspace_id, "text": text, "html": html, "changed_at": now()},
    )
    if not made:
        draft.text, draft.html, draft.key = text, html, uuid7()
        draft.changed_at = max(now(), draft.changed_at + timedelta(microseconds=1))
        draft.save(update_fields=["text", "html", "key", "changed_at"])
        DraftFile.objects.filter(draft=draft).update(position=F("position") + len(files))
    DraftFile.objects.bulk_create(
        DraftFile(
            id=UUID(row.content_id) if len(row.content_id) == 32 else uuid7(),
            workspace_id=actor.workspace_id,
            draft=draft,
            position=position,
            filename=row.filename,
            content_type=row.content_type,
            size=row.size,
            digest=row.digest,
        )
        for position, row in enumerate(files)
    )
