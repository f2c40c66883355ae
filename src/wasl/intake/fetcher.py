"""The mailboxes that this worker visits at the moment, each in a thread of its own.

A server that hangs holds up its own mailbox and no other. When more mailboxes are due than there are places, those
that only wait for news make room.
"""

from __future__ import annotations

import threading
import time

from django.conf import settings

from wasl.intake import mailboxes
from wasl.intake.fetch import Visit
from wasl.kit.db import Connection, pool

LOOK = 2.0
"""Seconds between two looks at what is due."""

RENEW = 10.0


class Fetcher:
    """`step` is called by the worker again and again; `close` when it ends."""

    def __init__(self, places: int | None = None) -> None:
        self._places = places
        self._visits: list[tuple[Visit, threading.Thread]] = []
        self._ended: list[Visit] = []
        """Those of which it is not known whether they could give their mailbox back."""
        self._renewed = 0.0
        self._crowded = False

    @property
    def visiting(self) -> int:
        """How many visits are under way."""
        return len(self._visits)

    def step(self) -> float:
        """Look after the visits and begin those that are due; the seconds until the next look."""
        self._ended += [visit for visit, thread in self._visits if not thread.is_alive()]
        self._visits = [(visit, thread) for visit, thread in self._visits if visit not in self._ended]
        for visit, _ in self._visits:
            if visit.late:
                visit.abort(overdue=True)
        free = (self._places or settings.ENV.imap_mailboxes) - len(self._visits)
        with pool("queue", "worker").connection() as conn:
            if self._ended:
                mailboxes.release(conn, [visit.held.token for visit in self._ended])
            if self._visits and time.monotonic() - self._renewed > RENEW:
                self._renew(conn)
            taken = mailboxes.take(conn, free) if free > 0 else []
            self._crowded = len(taken) >= free and mailboxes.waiting(conn)
        self._ended = []
        for held in taken:
            self._begin(held)
        return LOOK

    def _renew(self, conn: Connection) -> None:
        ours = {visit.held.token: visit for visit, _ in self._visits}
        kept = mailboxes.renew(conn, list(ours))
        for token, visit in ours.items():
            if token not in kept:
                visit.abort()
        self._renewed = time.monotonic()

    def _begin(self, held: mailboxes.Held) -> None:
        visit = Visit(held, lambda: self._crowded)
        thread = threading.Thread(target=visit.run, name=f"mailbox {held.id}", daemon=True)
        self._visits.append((visit, thread))
        thread.start()

    def close(self, patience: float = 5.0) -> None:
        """End every visit and give the mailboxes back."""
        for visit, _ in self._visits:
            visit.abort()
        deadline = time.monotonic() + patience
        for _, thread in self._visits:
            thread.join(max(0.0, deadline - time.monotonic()))
