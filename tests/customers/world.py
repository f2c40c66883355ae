"""A workspace in which customers write and are answered, put together from the rooms below conversations."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from tests.timeline.people import make_workspace
from wasl.accounts.actor import Actor
from wasl.customers.resolve import Resolved, Sender, resolve
from wasl.kit.db import conninfo, prepare, raw, tenant
from wasl.kit.ids import uuid7
from wasl.timeline.actions import Touch, append
from wasl.timeline.follow import run_once

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


class World:
    """One workspace with two inboxes."""

    def __init__(self, owner: psycopg.Connection[Any]) -> None:
        self.owner = owner
        self.id = make_workspace(owner)
        self.open, self.private = self._inbox("open"), self._inbox("private")
        self.ticks = 0

    def actor(self, role: str = "agent", *, all_inboxes: bool = False) -> Actor:
        """Somebody who sees the open inbox, or both."""
        seen = {self.open, self.private} if all_inboxes else {self.open}
        return Actor(self.id, role, frozenset(seen), agent_id=uuid7(), name="Nadia")

    def _inbox(self, name: str) -> UUID:
        with tenant(self.id):
            from wasl.channels.models import Inbox

            made = Inbox.objects.create(
                workspace_id=self.id, channel="email", name=name, address=f"{name}@{self.id}.example"
            )
            return made.id

    def now(self) -> datetime:
        """Each moment a minute after the one before."""
        self.ticks += 1
        return AT + timedelta(minutes=self.ticks)

    def meet(self, *names: str) -> list[Resolved]:
        """Customers of these names write for the first time (or again)."""
        senders = [
            Sender("email", f"{n.lower()}@example.com", f"{n}@Example.com", n, "fr", AT) for n in names
        ]
        with tenant(self.id):
            return resolve(raw(), self.id, senders)

    def converse(self, customer: UUID, inbox: UUID | None = None) -> UUID:
        """A conversation of that customer."""
        from wasl.conversations.models import Conversation

        with tenant(self.id):
            made = Conversation.objects.create(
                workspace_id=self.id,
                customer_id=customer,
                inbox_id=inbox or self.open,
                subject="Question",
                created_at=AT,
                last_at=AT,
            )
            return made.id

    def say(self, kind: str, customer: UUID, conversation: UUID | None = None, **more: Any) -> UUID:
        """One touchpoint, about something of a new id, which is returned."""
        about = uuid7()
        touch = Touch(customer, kind, self.now(), "email", conversation, about, **more)
        with tenant(self.id):
            append(raw(), self.id, [touch])
        return about

    def dump(self, *, without: Sequence[str] = ("timeline_", "customers_merge")) -> dict[str, list[str]]:
        """Every row of every tenant table as text, but for tables whose names begin like these."""
        tables = self.owner.execute(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'workspace_id' ORDER BY 1"
        ).fetchall()
        return {
            name: [
                row[0]
                for row in self.owner.execute(
                    f"SELECT t::text FROM {name} t ORDER BY 1"  # type: ignore[arg-type]
                )
            ]
            for (name,) in tables
            if not name.startswith(tuple(without))
        }

    def follow(self) -> None:
        """Let the summaries follow."""
        from wasl.customers.follow import SUMMARY

        with psycopg.connect(conninfo("queue", "test"), autocommit=True) as conn:
            prepare(conn)
            while run_once(conn, SUMMARY):
                pass
