"""Letters from Wasl to its own agents. They leave by the workspace's own e-mail inbox."""

from wasl.accounts.models import User, Workspace
from wasl.channels.base import Address, OutboundMessage
from wasl.channels.email import EmailChannel
from wasl.channels.email.send import SmtpConnection
from wasl.channels.models import Inbox
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7
from wasl.workspace import seat

TIMEOUT = 10.0


class NoWayOut(Exception):
    """The person works in no workspace that has an e-mail inbox."""


def to_agent(user: User, subject: str, body: str) -> None:
    """Send a letter to someone who works here, in their own language.

    Raises NoWayOut, and what `EmailChannel.send` raises.
    """
    inbox, sender = _way_out(user)
    server = inbox.config.get("smtp", {})
    letter = OutboundMessage(
        message_id=f"{uuid7().hex}@{inbox.address.rpartition('@')[2]}",
        date=now(),
        from_=Address(sender, inbox.address),
        to=(Address(user.name, user.email),),
        subject=subject,
        text=body,
        language=user.language,
        headers=(("Auto-Submitted", "auto-generated"),),
    )
    with SmtpConnection(
        server["host"],
        int(server["port"]),
        server.get("tls", "starttls"),
        timeout=TIMEOUT,
        final_timeout=TIMEOUT,
    ) as connection:
        EmailChannel(connection).send(letter)


def _way_out(user: User) -> tuple[Inbox, str]:
    for place in seat.places(user.id):
        with tenant(place.workspace_id):
            inbox = Inbox.objects.filter(channel="email", is_active=True).order_by("created_at", "id").first()
            if inbox is not None:
                return inbox, Workspace.objects.get(id=place.workspace_id).name
    raise NoWayOut
