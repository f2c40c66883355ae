"""Customers of networks that say nothing of who writes are asked after: their profile has a name.

Once in a day for each of them who has none, by a loop of the worker, between two short transactions. What was heard is
kept in memory only: whoever is forgotten with it is asked after when they write next. Having no name harms nobody.
"""

import logging
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from queue import Empty, SimpleQueue
from typing import LiteralString, NamedTuple
from uuid import UUID

from wasl.channels.base import Failure
from wasl.channels.chat_inboxes import settings_of
from wasl.channels.models import Inbox
from wasl.channels.port import Settings
from wasl.channels.registry import channels
from wasl.customers.closeness import key_of, words_of
from wasl.customers.learning import LONGEST
from wasl.kit.db import Connection, raw, tenant
from wasl.kit.memory import Recent
from wasl.kit.signal import Signal, send

log = logging.getLogger(__name__)

REST = 2.0
"""Seconds between looking whether somebody wrote."""
MOST = 200
"""Who is asked after in one turn."""
WAITING = 10_000


class Nameless(NamedTuple):
    """Somebody without a name, and the inbox to which they wrote."""

    identity_id: UUID
    root_id: UUID
    channel: str
    address: str
    inbox_id: UUID


_heard: SimpleQueue[tuple[UUID, UUID]] = SimpleQueue()
_asked: Recent[UUID, bool] = Recent(86_400.0, 50_000)


def hear(workspace_id: UUID, messages: Iterable[tuple[str, UUID]]) -> None:
    """Note who wrote, as pairs of channel and message; those of channels with profiles."""
    for channel, message_id in messages:
        known = channels().get(channel)
        if known is not None and known.profile is not None and _heard.qsize() < WAITING:
            _heard.put((workspace_id, message_id))


def step() -> float:
    """Ask after those who wrote since; the seconds until the next look. Not inside a transaction."""
    heard: list[tuple[UUID, UUID]] = []
    try:
        while len(heard) < MOST:
            heard.append(_heard.get_nowait())
    except Empty:
        pass
    for workspace_id, group in groupby(sorted(heard), key=itemgetter(0)):
        _ask(workspace_id, [message_id for _, message_id in group])
    return 0.0 if len(heard) == MOST else REST


_NAMELESS: LiteralString = """
SELECT DISTINCT ON (i.id) i.id, c.root_id, i.channel, i.address, r.inbox_id
FROM conversations_message m
JOIN customers_identity i ON i.workspace_id = m.workspace_id AND i.id = m.identity_id AND i.name = ''
JOIN customers_customer c ON c.workspace_id = i.workspace_id AND c.id = i.customer_id
JOIN intake_inbound r ON r.workspace_id = m.workspace_id AND r.id = m.id
WHERE m.workspace_id = %s AND m.id = ANY(%s::uuid[])
ORDER BY i.id, m.at DESC
"""


def _ask(workspace_id: UUID, message_ids: list[UUID]) -> None:
    with tenant(workspace_id):
        rows = raw().execute(_NAMELESS, [workspace_id, message_ids]).fetchall()
        found = [each for each in map(Nameless._make, rows) if _asked.get(each.identity_id) is None]
        inboxes = {
            row.id: settings_of(row) for row in Inbox.objects.filter(id__in={e.inbox_id for e in found})
        }
    for each in found:
        _asked.put(each.identity_id, True)
        if name := _name(each, inboxes.get(each.inbox_id)):
            with tenant(workspace_id):
                _keep(raw(), workspace_id, each, name)


def _name(one: Nameless, inbox: Settings | None) -> str:
    """What their profile calls them; '' where that cannot be had."""
    ask = channels()[one.channel].profile
    if ask is None or inbox is None:
        return ""
    try:
        return " ".join(ask(inbox, one.address).split())[:LONGEST]
    except Failure as error:
        log.info("a profile on %s could not be read: %s", one.channel, error)
        return ""


_NAME: LiteralString = """
UPDATE customers_identity SET name = %s, name_key = %s WHERE workspace_id = %s AND id = %s AND name = ''
"""
_CALL: LiteralString = (
    "UPDATE customers_customer SET name = %s WHERE workspace_id = %s AND id = %s AND name = ''"
)


def _keep(conn: Connection, workspace_id: UUID, one: Nameless, name: str) -> None:
    conn.execute(_NAME, [name, key_of(words_of(name)), workspace_id, one.identity_id])
    conn.execute(_CALL, [name, workspace_id, one.root_id])
    send(conn, [Signal("customer", workspace_id, customers=(one.root_id,))])
