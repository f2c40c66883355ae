"""Customers change what they wrote: edits, deletions, reactions; and the key by which a provider knows them.

Events come late, twice and in any order: the newest edit and the newest reaction of each person count, and what was
deleted stays so.
"""

from collections.abc import Sequence
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from wasl.channels.port import Change
from wasl.conversations import follow
from wasl.customers.succession import succeed
from wasl.intake.awaiting import wait_for
from wasl.intake.claim import Waiting
from wasl.kit.db import Connection
from wasl.kit.signal import Signal, send
from wasl.timeline.actions import Touch, append

# A message of theirs by the provider's id; one of ours by the id under which the provider took it.
_FIND: LiteralString = """
SELECT m.id, m.conversation_id, m.customer_id, m.way, m.text, m.meta, c.inbox_id, k.root_id
FROM (
  SELECT x.id FROM conversations_message x WHERE x.workspace_id = %(w)s AND x.rfc_id = %(ref)s AND x.rfc_id <> ''
  UNION ALL
  SELECT d.message_id FROM delivery_delivery d WHERE d.workspace_id = %(w)s AND d.ref = %(ref)s AND d.ref <> ''
  LIMIT 1) u
JOIN conversations_message m ON m.workspace_id = %(w)s AND m.id = u.id AND m.channel = %(channel)s
JOIN conversations_conversation c ON c.workspace_id = %(w)s AND c.id = m.conversation_id
JOIN customers_customer k ON k.workspace_id = %(w)s AND k.id = m.customer_id
FOR UPDATE OF m
"""
_ROOT: LiteralString = """
SELECT k.root_id FROM customers_identity i JOIN customers_customer k ON k.workspace_id = %(w)s AND k.id = i.customer_id
WHERE i.workspace_id = %(w)s AND i.channel = %(channel)s AND i.address = %(who)s
"""
_WRITE: LiteralString = """
UPDATE conversations_message SET text = %s, html = CASE WHEN text = %s THEN html ELSE '' END, meta = %s
WHERE workspace_id = %s AND id = %s
"""
KEPT = 20
"""Earlier wordings of an edited message that are kept."""


class _Found(NamedTuple):
    id: UUID
    conversation_id: UUID
    customer_id: UUID
    way: str
    text: str
    meta: dict[str, Any]
    inbox_id: UUID
    root_id: UUID


def take(conn: Connection, workspace_id: UUID, changes: Sequence[tuple[Waiting, Change]]) -> None:
    """Carry changes out; one of a message that is not there yet waits for it. The caller takes them off the queue."""
    for item, change in changes:
        if change.kind == "moved":
            keys = [change.sender.identity_key, *change.aliases]
            succeed(conn, workspace_id, item.channel, keys, change.text, change.sender.name, change.at)
            continue
        values = {"w": workspace_id, "ref": change.of, "channel": item.channel}
        row = conn.execute(_FIND, values).fetchone() if change.of else None
        if row is None and change.of:
            wait_for(conn, item, change.of)
        elif row is not None and _may(conn, workspace_id, item, change, found := _Found(*row)):
            _carry_out(conn, workspace_id, item, change, found)


def _may(conn: Connection, workspace_id: UUID, item: Waiting, change: Change, found: _Found) -> bool:
    """Whether it is theirs to change: their own words; a reaction is anybody's who takes part."""
    who = change.sender.identity_key
    if not who:  # the business itself, in another program
        public = dict(found.meta.get("content") or {}).get("public") is True
        return found.way == "out" or (public and change.kind in ("deleted", "hidden", "shown"))
    if found.way != "in" and change.kind != "reacted":
        return False
    row = conn.execute(_ROOT, {"w": workspace_id, "channel": item.channel, "who": who}).fetchone()
    return row is not None and row[0] == found.root_id


def _carry_out(conn: Connection, workspace_id: UUID, item: Waiting, change: Change, found: _Found) -> None:
    text, meta = changed(change, found.text, dict(found.meta))
    if (text, meta) == (found.text, found.meta):
        return
    conn.execute(_WRITE, [text, text, Jsonb(meta), workspace_id, found.id])
    facts: dict[str, int | str] = {"by": "customer" if change.sender.address else "system"}
    if change.kind == "reacted":
        facts["taken_back"] = int(not change.emoji)
    if change.kind in ("hidden", "shown"):
        facts["taken_back"] = int(change.kind == "shown")
    kind = "message.hidden" if change.kind == "shown" else f"message.{change.kind}"
    touch = Touch(
        found.customer_id, kind, change.at, item.channel, found.conversation_id, found.id, facts,
        {"emoji": change.emoji} if change.emoji else None,
    )  # fmt: skip
    append(conn, workspace_id, [touch])
    if change.kind in ("edited", "deleted"):
        follow.refresh(conn, workspace_id, [found.conversation_id])
    concerned = (found.conversation_id,), (found.root_id,)
    send(conn, [Signal("message", workspace_id, found.inbox_id, *concerned)])


def changed(change: Change, text: str, meta: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Text and meta of a message afterwards; as before, where the change is an old one."""
    at = change.at.isoformat()
    if change.kind == "reacted":
        mine = change.sender.identity_key or "us"
        known = dict(meta.get("reactions") or {})
        if known.get(mine, ["", ""])[1] >= at:
            return text, meta
        known[mine] = [change.emoji, at]
        return text, meta | {"reactions": known}
    if meta.get("deleted_at"):
        return text, meta
    if change.kind in ("hidden", "shown"):
        if str((meta.get("hidden") or ["", ""])[1]) >= at:
            return text, meta
        return text, meta | {"hidden": [change.kind == "hidden", at]}
    if change.kind == "deleted":
        rest = {name: value for name, value in meta.items() if name not in ("earlier", "content")}
        was = dict(meta.get("content") or {})
        kept = {"content": {"public": True}} if was.get("public") else {}
        return "", rest | kept | {"deleted_at": at}
    if str(meta.get("edited_at") or "") >= at or change.text == text:
        return text, meta
    earlier = [*(meta.get("earlier") or ()), text][-KEPT:]
    return change.text, meta | {"edited_at": at, "earlier": earlier}
