"""Searching, as an actor: conversations in the inboxes they may see, each at its newest message that was meant.

Call inside `tenant(…)`. With words, the database's one search function is asked (0006_search); without, conversations
are listed by their last message.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.conversations.asking import Asked
from wasl.conversations.excerpts import Piece, excerpt
from wasl.conversations.models import Status, Tag
from wasl.conversations.queries import inboxes
from wasl.conversations.threading import unprefixed
from wasl.conversations.wordless import OF_LAST, OF_MESSAGE
from wasl.kit.db import raw
from wasl.kit.folding import fold

PAGE = 30
FAR = datetime(9999, 1, 1, tzinfo=UTC)
EVER = datetime(1, 1, 2, tzinfo=UTC)
LAST = UUID(int=2**128 - 1)

Cursor = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation, and the message it was found by (none when no words were asked for). `subject` and `text` are
    pieces with what was found marked; `wordless` is what it is without a text."""

    id: UUID
    inbox_id: UUID
    status: str
    customer_id: UUID
    customer: str
    assignee: str
    unread: bool
    message_id: UUID | None
    at: datetime
    way: str
    author: str
    wordless: str
    subject: list[Piece]
    text: list[Piece]
    files: list[list[Piece]]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of results; `after` is where the next begins. `unfinished`: it was looked back to there, and what is
    older was not looked at yet. `unknown`: parts of the question that mean nothing here."""

    rows: list[Hit]
    after: Cursor | None = None
    unfinished: bool = False
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Within:
    """What a search is narrowed to."""

    inboxes: list[UUID]
    tags: list[UUID] | None
    unknown: list[str]


_WORDS: LiteralString = """
SELECT conversation_id, message_id, at FROM wasl_search(
  %(workspace)s, %(inboxes)s::uuid[], %(words)s::tsquery, %(statuses)s::text[], %(assignee)s, %(nobody)s,
  %(tags)s::uuid[], %(unread)s, %(since)s, %(until)s, %(at)s, %(id)s, %(most)s)
"""
_CONDITIONS: LiteralString = """
  AND c.merged_into_id IS NULL AND c.last_at >= %(since)s AND (c.last_at, c.id) < (%(at)s, %(id)s)
  AND (%(assignee)s::uuid IS NULL OR c.assignee_id = %(assignee)s)
  AND (NOT %(nobody)s OR c.assignee_id IS NULL)
  AND (%(unread)s::uuid IS NULL OR c.last_way = 'in' AND c.last_in_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM conversations_seen e WHERE e.workspace_id = c.workspace_id AND e.agent_id = %(unread)s
      AND e.conversation_id = c.id AND e.at >= c.last_in_at))
"""
# Each inbox and state has its own walk down the index, so that a small inbox is not looked for in large ones.
_PLAIN: LiteralString = f"""
SELECT c.id, NULL::uuid, c.last_at FROM unnest(%(inboxes)s::uuid[]) AS i (id)
CROSS JOIN unnest(%(statuses)s::text[]) AS s (name) CROSS JOIN LATERAL (
  SELECT c.id, c.last_at FROM conversations_conversation c
  WHERE c.workspace_id = %(workspace)s AND c.inbox_id = i.id AND c.status = s.name {_CONDITIONS}
  ORDER BY c.last_at DESC, c.id DESC LIMIT %(most)s) c
ORDER BY c.last_at DESC, c.id DESC LIMIT %(most)s
"""
_MINE: LiteralString = f"""
SELECT c.id, NULL::uuid, c.last_at FROM unnest(%(statuses)s::text[]) AS s (name) CROSS JOIN LATERAL (
  SELECT c.id, c.last_at FROM conversations_conversation c
  WHERE c.workspace_id = %(workspace)s AND c.assignee_id = %(assignee)s AND c.status = s.name
    AND c.inbox_id = ANY (%(inboxes)s::uuid[]) {_CONDITIONS}
  ORDER BY c.last_at DESC, c.id DESC LIMIT %(most)s) c
ORDER BY c.last_at DESC, c.id DESC LIMIT %(most)s
"""
_TAGGED: LiteralString = f"""
SELECT c.id, NULL::uuid, c.last_at FROM (
  SELECT g.conversation_id FROM conversations_tagging g
  WHERE g.workspace_id = %(workspace)s AND g.tag_id = ANY (%(tags)s::uuid[])
  GROUP BY g.conversation_id HAVING count(*) = cardinality(%(tags)s::uuid[])
) g JOIN conversations_conversation c ON c.workspace_id = %(workspace)s AND c.id = g.conversation_id
WHERE c.status = ANY (%(statuses)s::text[]) AND c.inbox_id = ANY (%(inboxes)s::uuid[]) {_CONDITIONS}
ORDER BY c.last_at DESC, c.id DESC LIMIT %(most)s
"""
# A tag that many bear is asked of the newest conversations, in their order; each condition is that of _TAGGED.
_COMMON: LiteralString = """
SELECT count(*) > %(few)s FROM (
  SELECT FROM conversations_tagging g WHERE g.workspace_id = %(workspace)s AND g.tag_id = ANY (%(tags)s::uuid[])
  LIMIT %(few)s + 1) g
"""
_TAGGED_LATELY: LiteralString = """
SELECT c.id, NULL::uuid, c.last_at FROM (
  SELECT * FROM conversations_conversation c
  WHERE c.workspace_id = %(workspace)s AND {status} AND c.last_at >= %(since)s AND (c.last_at, c.id) < (%(at)s, %(id)s)
  ORDER BY c.last_at DESC, c.id DESC LIMIT %(walk)s
) c WHERE c.inbox_id = ANY (%(inboxes)s::uuid[]) {conditions} AND cardinality(%(tags)s::uuid[]) = (
  SELECT count(*) FROM conversations_tagging g WHERE g.workspace_id = %(workspace)s AND g.conversation_id = c.id
    AND g.tag_id = ANY (%(tags)s::uuid[]))
ORDER BY c.last_at DESC, c.id DESC LIMIT %(most)s
"""
FEW_TAGGED, WALK = 3_000, 5_000
_ONE_STATE: LiteralString = "c.status = (%(statuses)s::text[])[1]"
_STATES: LiteralString = "c.status = ANY (%(statuses)s::text[])"


def search(actor: Actor, asked: Asked, before: Cursor | None = None, limit: int = PAGE) -> Found:
    """A page of what is asked for, newest first."""
    within = _within(actor, asked)
    if asked.empty or not within.inboxes or within.tags == []:
        return Found([], unknown=tuple(within.unknown))
    values = _values(actor, asked, within, before, limit)
    if within.tags and not asked.parts:
        rows = _tagged(values)
    else:
        query = _WORDS if asked.parts else _MINE if asked.mine else _PLAIN
        rows = raw().execute(query, values).fetchall()
    stopped = bool(rows) and rows[-1][0] is None
    places = [row for row in rows if row[0]]
    hits = _hits(actor, asked, places[:limit])
    if len(places) > limit:
        return Found(hits, (places[limit - 1][2], places[limit - 1][1] or places[limit - 1][0]), False,
                     tuple(within.unknown))  # fmt: skip
    after = (rows[-1][2], UUID(int=0)) if stopped else None
    return Found(hits, after, stopped, tuple(within.unknown))


_SUBJECTS: LiteralString = """
SELECT c.subject FROM conversations_conversation c
WHERE c.workspace_id = %s AND c.inbox_id = ANY (%s::uuid[]) AND c.subject <> '' AND c.merged_into_id IS NULL
ORDER BY c.last_at DESC LIMIT 300
"""


def subjects(actor: Actor) -> list[str]:
    """The subjects of late, newest first."""
    return [row[0] for row in raw().execute(_SUBJECTS, [actor.workspace_id, list(actor.inboxes)])]


def _tagged(values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Conversations with tags: of many, those found on the way down the list, as long as that soon fills a page."""
    values |= {"few": FEW_TAGGED, "walk": WALK}
    (common,) = raw().execute(_COMMON, values).fetchone() or (False,)
    if common:
        status = _ONE_STATE if len(values["statuses"]) == 1 else _STATES
        walked = _TAGGED_LATELY.format(status=status, conditions=_CONDITIONS)
        rows = raw().execute(walked, values).fetchall()
        if len(rows) == values["most"]:
            return rows
    return raw().execute(_TAGGED, values).fetchall()


def _within(actor: Actor, asked: Asked) -> _Within:
    places, unknown = list(actor.inboxes), list(asked.unknown)
    if asked.inboxes:
        known = {inbox.id: f" {fold(inbox.name)} {fold(inbox.address)}" for inbox in inboxes(actor)}
        places = []
        for wanted in asked.inboxes:
            meant = [id_ for id_, name in known.items() if f" {wanted}" in name]
            places += meant
            if not meant:
                unknown.append(f"in:{wanted}")
    if not asked.tags:
        return _Within(places, None, unknown)
    tags = dict(Tag.objects.filter(folded__in=asked.tags).values_list("folded", "id"))
    unknown += [f"tag:{tag}" for tag in asked.tags if tag not in tags]
    return _Within(places, list(tags.values()) if len(tags) == len(set(asked.tags)) else [], unknown)


def _values(actor: Actor, asked: Asked, within: _Within, before: Cursor | None, limit: int) -> dict[str, Any]:
    until = asked.until or FAR
    at, last = min(before or (FAR, LAST), (until, UUID(int=0)))
    statuses = sorted(asked.statuses) or None
    return {
        "workspace": actor.workspace_id,
        "inboxes": within.inboxes,
        "words": asked.words,
        "statuses": statuses if asked.parts else statuses or Status.values,
        "assignee": (actor.agent_id or LAST) if asked.mine else None,
        "nobody": asked.nobody,
        "tags": within.tags,
        "unread": (actor.agent_id or LAST) if asked.unread else None,
        "since": asked.since or EVER,
        "until": until,
        "at": at,
        "id": last,
        "most": limit + 1,
    }


_SHOWN: LiteralString = f"""
SELECT c.id, c.inbox_id, c.status, r.id, r.name, coalesce(a.name, ''),
  c.last_way = 'in' AND c.last_in_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM conversations_seen s WHERE s.workspace_id = c.workspace_id AND s.agent_id = %(agent)s
      AND s.conversation_id = c.id AND s.at >= c.last_in_at),
  m.id, u.at, coalesce(m.way, c.last_way), coalesce(w.name, ''),
  CASE WHEN m.id IS NULL THEN {OF_LAST} WHEN m.text = '' THEN {OF_MESSAGE} ELSE '' END,
  coalesce(nullif(m.subject, ''), c.subject), coalesce(left(m.text, 20000), c.preview),
  coalesce(nullif(m.language, ''), k.language),
  coalesce((SELECT array_agg(filename ORDER BY position) FROM conversations_attachment f
            WHERE f.workspace_id = m.workspace_id AND f.message_id = m.id AND NOT f.inline), '{{}}')
FROM unnest(%(conversations)s::uuid[], %(messages)s::uuid[], %(ats)s::timestamptz[])
  WITH ORDINALITY AS u (conversation_id, message_id, at, place)
JOIN conversations_conversation c ON c.workspace_id = %(workspace)s AND c.id = u.conversation_id
  AND c.inbox_id = ANY (%(inboxes)s::uuid[])
JOIN customers_customer k ON k.workspace_id = %(workspace)s AND k.id = c.customer_id
JOIN customers_customer r ON r.workspace_id = %(workspace)s AND r.id = k.root_id
LEFT JOIN accounts_agent a ON a.workspace_id = %(workspace)s AND a.id = c.assignee_id
LEFT JOIN conversations_message m ON m.workspace_id = %(workspace)s AND m.id = u.message_id
LEFT JOIN accounts_agent w ON w.workspace_id = %(workspace)s AND w.id = m.author_id
ORDER BY u.place
"""


def _hits(actor: Actor, asked: Asked, places: list[tuple[Any, ...]]) -> list[Hit]:
    if not places:
        return []
    ids, messages, ats = (list(column) for column in zip(*places, strict=True))
    values = {
        "workspace": actor.workspace_id, "inboxes": list(actor.inboxes), "agent": actor.agent_id,
        "conversations": ids, "messages": messages, "ats": ats,
    }  # fmt: skip
    return [_hit(asked, row) for row in raw().execute(_SHOWN, values)]


def _hit(asked: Asked, row: tuple[Any, ...]) -> Hit:
    subject, text, language, files = row[-4:]
    marked = [excerpt(asked, name, language, 80) for name in files]
    pieces: dict[str, Any] = {
        # "Re:" before Arabic would turn the whole line round.
        "subject": excerpt(asked, unprefixed(subject), language, 120),
        "text": excerpt(asked, text, language, 160),
        "files": [pieces for pieces in marked if any(piece.found for piece in pieces)][:2],
    }
    return Hit(**dict(zip(_COLUMNS, row, strict=False)), **pieces)


_COLUMNS = tuple(Hit.__slots__[:-3])
