"""Signals: NOTIFY in the writing transaction, so that open pages and idle workers hear of a commit at once.

A signal is small and holds no content: whoever hears it reads again with their own permissions. Losing one is
harmless (workers poll, browsers refetch on reconnect).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal
from uuid import UUID

LIVE = "wasl_live"
WAKE = "wasl_wake"

Kind = Literal["message", "delivery", "conversation", "customer", "access", "quarantine", "notice", "call"]
# fmt: off
Queue = Literal[
    "intake", "delivery", "timeline", "waking", "mailboxes", "webhooks", "notices", "media", "calls", "pushes",
    "awaiting",
]
# fmt: on

_IDS_A_SIGNAL = 90  # twice 90 × 39 bytes stay under NOTIFY's 8,000


def batched(ids: tuple[UUID, ...]) -> list[tuple[UUID, ...]]:
    """Ids in portions that fit a payload."""
    return [ids[i : i + _IDS_A_SIGNAL] for i in range(0, len(ids), _IDS_A_SIGNAL)]


@dataclass(frozen=True, slots=True)
class Signal:
    """Something changed that agents who may see `inbox` (None: everyone in the workspace) may look at.

    With an `agent` only that one hears it.
    """

    kind: Kind
    workspace: UUID
    inbox: UUID | None = None
    conversations: tuple[UUID, ...] = ()
    customers: tuple[UUID, ...] = ()
    agent: UUID | None = None

    def payloads(self) -> Iterator[str]:
        """JSON under NOTIFY's size limit; many conversations or customers become several payloads."""
        chunks = zip_longest(batched(self.conversations), batched(self.customers), fillvalue=())
        for conversations, customers in list(chunks) or [((), ())]:
            body: dict[str, Any] = {"k": self.kind, "w": str(self.workspace)}
            if self.inbox:
                body["i"] = str(self.inbox)
            if self.agent:
                body["a"] = str(self.agent)
            if conversations:
                body["c"] = [str(c) for c in conversations]
            if customers:
                body["u"] = [str(c) for c in customers]
            yield json.dumps(body, separators=(",", ":"))

    @classmethod
    def read(cls, payload: str) -> "Signal":
        """The signal in a payload. Raises ValueError when it is not one of ours."""
        body = json.loads(payload)
        return cls(
            kind=body["k"],
            workspace=UUID(body["w"]),
            inbox=UUID(body["i"]) if "i" in body else None,
            conversations=tuple(UUID(c) for c in body.get("c", ())),
            customers=tuple(UUID(c) for c in body.get("u", ())),
            agent=UUID(body["a"]) if "a" in body else None,
        )


def send(conn: Any, signals: Iterable[Signal]) -> None:
    """Signal open pages when the transaction of `conn` (a psycopg connection or Django cursor) commits."""
    payloads = [payload for signal in signals for payload in signal.payloads()]
    if payloads:
        conn.execute("SELECT pg_notify(%s, p) FROM unnest(%b::text[]) AS p", [LIVE, payloads])


def wake(conn: Any, queue: Queue) -> None:
    """Wake the workers of a queue when the transaction commits."""
    conn.execute("SELECT pg_notify(%s, %s)", [WAKE, queue])
