"""The worker's loop that lets devices ring and writes digests, for agents who have not seen what there is."""

import json
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg_pool import ConnectionPool

from wasl.conversations.wordless import OF_LAST
from wasl.desk import notices, push
from wasl.desk.push import Refused, Ring
from wasl.kit import outside
from wasl.kit.clock import now
from wasl.kit.db import Connection, as_tenant

log = logging.getLogger(__name__)

AT_ONCE = 20
IDLE = 15.0
AGAIN = timedelta(minutes=2)
LISTED = 20
"""Conversations that a digest names; the rest are counted."""

Way = Literal["push", "mail"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing an agent has not seen."""

    kind: str
    conversation_id: UUID
    subject: str
    customer: str
    times: int
    at: datetime
    id: UUID
    wordless: str = ""
    """What the last message is where it has no words."""


@dataclass(frozen=True, slots=True)
class Told:
    """An agent with what they have not seen of one way, the latest first, and how to reach them."""

    workspace_id: UUID
    agent_id: UUID
    user_id: UUID
    language: str
    items: tuple[Item, ...]
    devices: tuple[Ring, ...]


Letter = Callable[[Told], None]
Words = Callable[[Told], dict[str, str]]


class Teller:
    """`step` takes one turn. `letter` sends a digest; `words` says what a device shows."""

    def __init__(
        self,
        pool: Callable[[], ConnectionPool[Any]],
        *,
        letter: Letter,
        words: Words,
        subject: str,
        private: bool = False,
    ) -> None:
        self._pool, self._letter, self._words = pool, letter, words
        self._subject, self._private = subject, private

    def step(self) -> float:
        """Seconds until it wants to be called again."""
        rung = self._turn("push", self._ring)
        written = self._turn("mail", self._write)
        return 0.0 if rung >= AT_ONCE or written >= AT_ONCE else self._wait()

    def _wait(self) -> float:
        with self._pool().connection() as conn:
            row = conn.execute(_NEXT).fetchone()
        if row is None or row[0] is None:
            return IDLE
        wait: float = (row[0] - now()).total_seconds()
        return min(IDLE, max(0.2, wait))

    def _turn(self, way: Way, tell: Callable[[Told], bool]) -> int:
        """Take those who are due off the queue, then tell each, outside any transaction."""
        with self._pool().connection() as conn, conn.transaction():
            due = conn.execute(_CLAIM[way], [now(), AT_ONCE]).fetchall()
            told = [one for pair in due if (one := _told(conn, pair[0], pair[1], way))]
        for one in told:
            try:
                done = tell(one)
            except Exception:
                log.exception("agent %s could not be told", one.agent_id)
                done = False
            self._note(one, way, done)
        return len(due)

    def _note(self, told: Told, way: Way, done: bool) -> None:
        at = now()
        again = at + AGAIN * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load
        with self._pool().connection() as conn, conn.transaction(), as_tenant(conn, told.workspace_id):
            if done:
                conn.execute(_DONE[way], [at, told.workspace_id, [item.id for item in told.items]])
            else:
                conn.execute(
                    _PUT_OFF[way], [again, told.workspace_id, told.agent_id, at - timedelta(hours=2)]
                )

    def _ring(self, told: Told) -> bool:
        text = json.dumps(self._words(told), ensure_ascii=False).encode()
        topic = told.items[0].conversation_id.hex
        gone, failed = [], False
        for device in told.devices:
            try:
                if not push.ring(device, text, self._subject, topic, private=self._private):
                    gone.append(device.id)
            except (outside.NotCalled, Refused) as error:
                log.info("a device could not be rung: %s", error)
                failed = True
        if gone:
            with self._pool().connection() as conn, conn.transaction(), as_tenant(conn, told.workspace_id):
                conn.execute(_FORGET, [told.workspace_id, gone])
        return not failed

    def _write(self, told: Told) -> bool:
        self._letter(told)
        return True


_NEXT: LiteralString = "SELECT least(min(push_at), min(mail_at)) FROM desk_due"
_CLAIM: dict[Way, LiteralString] = {
    "push": "UPDATE desk_due d SET push_at = NULL FROM (SELECT workspace_id, id FROM desk_due WHERE push_at <= %s"
    " ORDER BY push_at LIMIT %s FOR UPDATE SKIP LOCKED) c"
    " WHERE d.workspace_id = c.workspace_id AND d.id = c.id RETURNING d.workspace_id, d.id",
    "mail": "UPDATE desk_due d SET mail_at = NULL FROM (SELECT workspace_id, id FROM desk_due WHERE mail_at <= %s"
    " ORDER BY mail_at LIMIT %s FOR UPDATE SKIP LOCKED) c"
    " WHERE d.workspace_id = c.workspace_id AND d.id = c.id RETURNING d.workspace_id, d.id",
}
_AGENT: LiteralString = """
SELECT u.id, u.language, coalesce(t.ways, '{}'::jsonb) FROM accounts_agent a JOIN accounts_user u ON u.id = a.user_id
LEFT JOIN desk_telling t ON t.workspace_id = a.workspace_id AND t.id = a.id
WHERE a.workspace_id = %s AND a.id = %s AND a.is_active
"""
# Told once of each thing; again only when it happened again.
_WAITING: LiteralString = f"""
SELECT n.kind, n.conversation_id, c.subject, r.name, n.times, n.at, n.id, {OF_LAST}
FROM desk_notice n
JOIN conversations_conversation c ON c.workspace_id = n.workspace_id AND c.id = n.conversation_id
JOIN customers_customer k ON k.workspace_id = c.workspace_id AND k.id = c.customer_id
JOIN customers_customer r ON r.workspace_id = k.workspace_id AND r.id = k.root_id
WHERE n.workspace_id = %s AND n.agent_id = %s AND n.seen_at IS NULL AND n.kind = ANY(%s)
"""
_ITEMS: dict[Way, LiteralString] = {
    "push": _WAITING + " AND (n.pushed_at IS NULL OR n.pushed_at < n.at) ORDER BY n.at DESC LIMIT 200",
    "mail": _WAITING + " AND (n.mailed_at IS NULL OR n.mailed_at < n.at) ORDER BY n.at DESC LIMIT 200",
}
_DONE: dict[Way, LiteralString] = {
    "push": "UPDATE desk_notice SET pushed_at = %s WHERE workspace_id = %s AND id = ANY(%s::uuid[])",
    "mail": "UPDATE desk_notice SET mailed_at = %s WHERE workspace_id = %s AND id = ANY(%s::uuid[])",
}
_DEVICES: LiteralString = """
SELECT id, endpoint, key, auth FROM desk_device WHERE workspace_id = %s AND agent_id = %s ORDER BY created_at
"""
_FORGET: LiteralString = "DELETE FROM desk_device WHERE workspace_id = %s AND id = ANY(%s::uuid[])"
# Not for ever: what is older than two hours is left to the page.
_PUT_OFF: dict[Way, LiteralString] = {
    "push": "UPDATE desk_due SET push_at = %s WHERE workspace_id = %s AND id = %s AND EXISTS (SELECT FROM desk_notice n"
    " WHERE n.workspace_id = desk_due.workspace_id AND n.agent_id = desk_due.id AND n.seen_at IS NULL AND n.at > %s)",
    "mail": "UPDATE desk_due SET mail_at = %s WHERE workspace_id = %s AND id = %s AND EXISTS (SELECT FROM desk_notice n"
    " WHERE n.workspace_id = desk_due.workspace_id AND n.agent_id = desk_due.id AND n.seen_at IS NULL AND n.at > %s)",
}


def _told(conn: Connection, workspace_id: UUID, agent_id: UUID, way: Way) -> Told | None:
    """What there is to tell an agent, which counts as told from now on; None when there is nothing or nobody."""
    with as_tenant(conn, workspace_id):
        agent = conn.execute(_AGENT, [workspace_id, agent_id]).fetchone()
        devices = conn.execute(_DEVICES, [workspace_id, agent_id]).fetchall() if way == "push" else []
        if agent is None or (way == "push" and not devices):
            return None
        user_id, language, chosen = agent
        kinds = [kind for kind, ways in notices.complete(chosen).items() if way in ways]
        items = [Item(*row) for row in conn.execute(_ITEMS[way], [workspace_id, agent_id, kinds])]
    if not items:
        return None
    rings = tuple(Ring(id_, endpoint, bytes(key), bytes(auth)) for id_, endpoint, key, auth in devices)
    return Told(workspace_id, agent_id, user_id, language, tuple(items), rings)


def more(items: Sequence[Item]) -> int:
    """How many a digest does not name."""
    return max(0, len(items) - LISTED)
