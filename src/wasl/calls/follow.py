"""What calls make of the timeline: a customer answers with one of the times that they were offered, or asks for a call
themselves, and a missed call has got its conversation, in which they can be written to."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from wasl.calls import texts, transcribing
from wasl.calls.offers import GOOD
from wasl.conversations.follow import LIVED
from wasl.kit.clock import now
from wasl.kit.db import Connection, as_tenant
from wasl.kit.ids import uuid7
from wasl.kit.phones import e164
from wasl.kit.signal import wake
from wasl.timeline.follow import Follower

SOON = timedelta(minutes=10)


class Row(NamedTuple):
    """What the follower needs of a touchpoint."""

    workspace_id: UUID
    kind: str
    channel: str
    conversation_id: UUID | None
    about_id: UUID | None


# Messages that may mean a call-back: those after an open offer, the latest of the conversation; those of our own chat
# that ask for a time; and short ones, which may be the word for it.
_SAID: LiteralString = f"""
SELECT m.id, m.conversation_id, m.customer_id, left(m.text, 60), m.at,
  CASE WHEN m.channel = 'webchat' THEN m.meta->'content'->'call' END, coalesce(m.meta->'content', '{{}}'),
  o.id, jsonb_array_length(o.slots), o.number, o.made_at
FROM conversations_message m
LEFT JOIN LATERAL (
  SELECT x.* FROM calls_offer x
  WHERE x.workspace_id = m.workspace_id AND x.conversation_id = m.conversation_id
  ORDER BY x.made_at DESC LIMIT 1) o ON o.chosen IS NULL AND m.at > o.made_at AND o.made_at > %(since)s
WHERE m.workspace_id = %(workspace)s AND m.id = ANY(%(ids)b::uuid[]) AND m.way = 'in' AND m.auto = ''
  AND {LIVED}
  AND (o.id IS NOT NULL OR octet_length(m.text) <= %(asking)s OR m.channel = 'webchat' AND m.meta->'content' ? 'call')
ORDER BY m.at, m.id
"""
_CHOOSE: LiteralString = """
UPDATE calls_offer SET chosen = %s, number = coalesce(%s, number) WHERE workspace_id = %s AND id = %s AND chosen IS NULL
"""
_WISH: LiteralString = """
INSERT INTO calls_offer
  (workspace_id, id, conversation_id, customer_id, message_id, number, language, zone, slots, made_at, chosen)
VALUES (%(workspace)s, %(id)s, %(conversation)s, %(customer)s, %(message)s, %(number)s, 'en', 'UTC', %(slots)s, %(at)s,
        %(chosen)s)
"""


# The call of a message that says it was missed: the message's id on the channel is the provider's of the call.
_MISSED: LiteralString = """
UPDATE calls_call c SET conversation_id = coalesce(c.conversation_id, m.conversation_id), due_at = %(now)s
FROM conversations_message m JOIN intake_inbound i ON i.workspace_id = m.workspace_id AND i.id = m.id
WHERE m.workspace_id = %(workspace)s AND m.id = ANY(%(ids)s::uuid[]) AND m.rfc_id <> ''
  AND c.workspace_id = m.workspace_id AND c.inbox_id = i.inbox_id AND c.ref = m.rfc_id AND c.ref <> ''
  AND c.way = 'in' AND c.state = 'ended'
RETURNING c.id, c.recording <> ''
"""


def handle(conn: Connection, rows: list[Row]) -> None:
    """Note which times were chosen and who asks for a call; the worker does what follows from it."""
    said = sorted(filter(_concerns, rows), key=attrgetter("workspace_id"))
    for workspace_id, group in groupby(said, key=attrgetter("workspace_id")):
        with as_tenant(conn, workspace_id):
            here = list(group)
            _choose(conn, workspace_id, [row.about_id for row in here if row.about_id])
            _missed(
                conn, workspace_id, [row.about_id for row in here if row.about_id and row.channel == "voice"]
            )


def _concerns(row: Row) -> bool:
    return row.kind == "message.received" and row.about_id is not None and row.conversation_id is not None


class Said(NamedTuple):
    """A message that may mean a call-back, and the offer that it may answer: `offered` times on `number`."""

    message: UUID
    conversation: UUID
    customer: UUID
    text: str
    at: datetime
    call: Any
    content: Any
    offer: UUID | None
    offered: int | None
    number: str | None
    made_at: datetime | None


def _choose(conn: Connection, workspace_id: UUID, ids: Iterable[UUID]) -> None:
    values = {"workspace": workspace_id, "ids": list(ids), "since": now() - GOOD, "asking": texts.ASKING}
    for row in conn.execute(_SAID, values).fetchall():
        if _understood(conn, workspace_id, Said(*row)):
            wake(conn, "calls")


def _understood(conn: Connection, workspace_id: UUID, said: Said) -> bool:
    """Whether there is something to do now: a time was chosen, a number was told, or a call is asked for."""
    if isinstance(said.call, dict):
        slot = [str(said.call["start"]), str(said.call["end"])]
        return _wish(conn, workspace_id, said, 1, str(said.call["number"]), [slot])
    if said.offer:
        content = said.content if isinstance(said.content, dict) else {}
        chosen = texts.choice(said.text, content, said.offered or 0)
        number = None if chosen or said.number else e164(said.text) or None
        if chosen or number:
            values = [chosen or 0, number, workspace_id, said.offer]
            return conn.execute(_CHOOSE, values).rowcount > 0
    # What was written a moment ago still stands: nobody is asked twice.
    fresh = said.made_at is not None and said.at - said.made_at < SOON
    return not fresh and texts.asks(said.text) and _wish(conn, workspace_id, said, 0)


def _wish(
    conn: Connection, workspace_id: UUID, said: Said, chosen: int, number: str = "", slots: Sequence[Any] = ()
) -> bool:
    values = {
        "workspace": workspace_id, "id": uuid7(), "conversation": said.conversation, "customer": said.customer,
        "message": said.message, "number": number, "slots": Jsonb(list(slots)), "at": said.at, "chosen": chosen,
    }  # fmt: skip
    conn.execute(_WISH, values)
    return True


def _missed(conn: Connection, workspace_id: UUID, ids: list[UUID]) -> None:
    values = {"workspace": workspace_id, "ids": ids, "now": now()}
    found = conn.execute(_MISSED, values).fetchall() if ids else []
    if found:
        wake(conn, "calls")
    for call_id, recorded in found:
        if recorded:
            transcribing.hear(workspace_id, call_id)


FOLLOWER = Follower(name="calls.offers", handle=handle, row=Row)
