"""An inbox with an outside mailbox, and visits to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.mailservers.dovecot import Dovecot
from tests.worlds import Shop
from wasl.channels.email.outside import Opening
from wasl.channels.models import Inbox, Mailbox
from wasl.channels.secret import MAILBOX, seal
from wasl.conversations import understand
from wasl.intake import mailboxes
from wasl.intake.fetch import Visit
from wasl.intake.models import Inbound, Quarantine
from wasl.kit.clock import now
from wasl.kit.db import pool, tenant


@dataclass
class Box:
    """One inbox's mailbox. `visit()` looks into it once."""

    shop: Shop
    server: Dovecot
    user: str
    id: UUID

    @classmethod
    def create(cls, shop: Shop, server: Dovecot, user: str, **settings: Any) -> Box:
        """The shop's mail inbox, fetched from the server; what arrived in the last day is fetched too."""
        made = cls(shop, server, user, shop.mail.id)
        made.settle(host="localhost", port=server.port, tls="starttls", user=user, **settings)
        made.secret(Opening(password=server.password))
        with tenant(shop.id):
            Mailbox.objects.create(
                id=shop.mail.id, workspace_id=shop.id, due_at=now(), since=now() - timedelta(days=1)
            )
        return made

    def settle(self, **settings: Any) -> None:
        """Change settings."""
        with tenant(self.shop.id):
            inbox = Inbox.objects.get(id=self.id)
            inbox.config = {**inbox.config, "imap": {**inbox.config.get("imap", {}), **settings}}
            inbox.save(update_fields=["config"])

    def secret(self, opening: Opening) -> None:
        """Change what opens it."""
        with tenant(self.shop.id):
            Inbox.objects.filter(id=self.id).update(
                incoming_secret=seal(self.shop.id, self.id, opening.pack(), MAILBOX)
            )

    def take(self) -> Visit:
        """Hold the mailbox, whenever it was due."""
        with tenant(self.shop.id):
            Mailbox.objects.filter(id=self.id).update(due_at=now(), held_by=None, held_until=None)
        with pool("queue", "worker").connection() as conn:
            (held,) = mailboxes.take(conn, 10)
        return Visit(held, crowded=lambda: True)

    def visit(self) -> Mailbox:
        """Look into it once, without staying; how it stands afterwards."""
        self.take().run()
        return self.row()

    def row(self) -> Mailbox:
        """How it stands."""
        with tenant(self.shop.id):
            return Mailbox.objects.get(id=self.id)

    def stored(self) -> list[Inbound]:
        """What was stored."""
        with tenant(self.shop.id):
            return list(Inbound.objects.order_by("id"))

    def understood(self) -> list[Quarantine]:
        """Let the worker understand everything; what it set aside."""
        with pool("queue", "worker").connection() as conn:
            while understand.step(conn):
                pass
        with tenant(self.shop.id):
            return list(Quarantine.objects.order_by("id"))


def wait(row: Mailbox) -> float:
    """Seconds until a mailbox is looked into again."""
    return (_aware(row.due_at) - now()).total_seconds()


def _aware(moment: datetime) -> datetime:
    return moment
