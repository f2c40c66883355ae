"""Letters from Wasl to its own agents. They leave by the workspace's own e-mail inbox."""

from wasl.accounts.models import User, Workspace
from wasl.channels.base import Address, OutboundMessage
from wasl.channels.models import Inbox
from wasl.channels.secret import unseal
from wasl.delivery.claim import Key
from wasl.delivery.lines import Letter, Outlet, SmtpLine
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7
from wasl.workspace import seat


class NoWayOut(Exception):
    """The person works in no workspace that has an e-mail inbox."""


def to_agent(user: User, subject: str, body: str) -> None:
    """Send a letter to someone who works here, in their own language.

    Raises NoWayOut, and what a channel's `send` raises.
    """
    inbox, sender = _way_out(user)
    message = OutboundMessage(
        message_id=f"{uuid7().hex}@{inbox.address.rpartition('@')[2]}",
        date=now(),
        from_=Address(sender, inbox.address),
        to=(Address(user.name, user.email),),
        subject=subject,
        text=body,
        language=user.language,
        headers=(("Auto-Submitted", "auto-generated"),),
    )
    line, letter = SmtpLine(_outlet(inbox)), Letter.of(message)
    try:
        with letter.file:
            line.send(letter)
    finally:
        line.close()


def _outlet(inbox: Inbox) -> Outlet:
    password = unseal(inbox.workspace_id, inbox.id, bytes(inbox.secret)) if inbox.secret else ""
    return Outlet(Key(inbox.workspace_id, inbox.id), inbox.channel, inbox.address, inbox.config, password)


def _way_out(user: User) -> tuple[Inbox, str]:
    for place in seat.places(user.id):
        with tenant(place.workspace_id):
            inbox = Inbox.objects.filter(channel="email", is_active=True).order_by("created_at", "id").first()
            if inbox is not None:
                return inbox, Workspace.objects.get(id=place.workspace_id).name
    raise NoWayOut
