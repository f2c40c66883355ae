"""Long texts that a network brings in parts, each of them stored by itself, in any order and perhaps twice.

A channel's `parse` says of a part in its message's content: {"part": {"ref": …, "of": n, "number": k}}. Parts wait
(`intake.awaiting`) until the last of them is there: that one carries the message. What is not whole after a quarter of
an hour is shown with a gap, for part of a text says more than none.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from wasl.channels.base import ParsedMessage
from wasl.channels.email.language import guess
from wasl.channels.port import Nothing, Parsed
from wasl.intake.awaiting import wait_for
from wasl.intake.claim import Waiting, parse
from wasl.kit.clock import now
from wasl.kit.db import Connection

LATE = timedelta(minutes=15)
GAP = "[…]"

_LOCK: LiteralString = """
SELECT pg_advisory_xact_lock(h) FROM (
  SELECT DISTINCT hashtextextended(%b::uuid::text || t.key, 3) AS h FROM unnest(%b::text[]) AS t (key) ORDER BY h
) AS sorted
"""
_OTHERS: LiteralString = """
SELECT i.workspace_id, i.id, i.inbox_id, i.channel, i.received_at, i.envelope, i.raw, i.raw_digest, i.size
FROM intake_awaiting a JOIN intake_inbound i ON i.workspace_id = a.workspace_id AND i.id = a.id
WHERE a.workspace_id = %s AND a.ref = %s AND a.id <> %s ORDER BY i.id
"""
# The row says of which message it is a part, so that an erasure of that one's customer finds it.
_JOINED: LiteralString = """
WITH gone AS (DELETE FROM intake_awaiting WHERE workspace_id = %(workspace)s AND id = ANY(%(ids)s))
UPDATE intake_inbound SET envelope = envelope || jsonb_build_object('part_of', %(carrier)s::text)
WHERE workspace_id = %(workspace)s AND id = ANY(%(ids)s)
"""


def join(
    conn: Connection, workspace_id: UUID, said: Sequence[tuple[Waiting, Parsed]]
) -> list[tuple[Waiting, Parsed]]:
    """The same, with parts put together where they are all there, and no news where they are not.

    Inside the workspace's transaction. Who holds a text's lock has it alone: two workers that have a part each would
    both wait for the other's.
    """
    keys = {item.id: key for item, one in said if (key := _key(item, one))}
    if not keys:
        return list(said)
    conn.execute(_LOCK, [workspace_id, list(keys.values())])
    return [
        (item, _piece(conn, item, one, keys[item.id]))
        if item.id in keys and isinstance(one, ParsedMessage)
        else (item, one)
        for item, one in said
    ]


def _key(item: Waiting, one: Parsed) -> str:
    part = one.content.get("part") if isinstance(one, ParsedMessage) else None
    return f"part {item.inbox_id} {part['ref']}" if isinstance(part, dict) else ""


def _piece(conn: Connection, item: Waiting, one: ParsedMessage, key: str) -> Parsed:
    """The whole message when it can be told, else nothing, and the part waits."""
    part: dict[str, Any] = one.content["part"]
    rows = [Waiting(*row) for row in conn.execute(_OTHERS, [item.workspace_id, key, item.id]).fetchall()]
    texts: dict[int, str] = {}
    for each in (*rows, item):
        found = one if each is item else parse(each)
        if isinstance(found, ParsedMessage):
            texts.setdefault(found.content["part"]["number"], found.text)
    total = int(part["of"])
    if len(texts) < total and now() - item.received_at < LATE:
        wait_for(conn, item, key)
        return Nothing("a part of a message")
    values = {"workspace": item.workspace_id, "ids": [each.id for each in rows], "carrier": str(item.id)}
    conn.execute(_JOINED, values)
    return _whole(one, texts, total)


def _whole(one: ParsedMessage, texts: dict[int, str], total: int) -> ParsedMessage:
    missing = [number for number in range(1, total + 1) if number not in texts]
    text = "".join(texts.get(number, GAP) for number in range(1, total + 1))
    # A letter may have been cut in two, half in each part.
    text = (
        text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace").replace("\x00", "").strip()
    )
    defects = (*one.defects, "part_missing") if missing else one.defects
    content = {name: value for name, value in one.content.items() if name != "part"} | {"parts": total}
    return replace(one, text=text, language=guess(text), content=content, defects=defects)
