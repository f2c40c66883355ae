"""Letters from Wasl to its own agents. They leave by the workspace's own e-mail inbox."""

from uuid import UUID

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
    _send(inbox, sender, Address(user.name, user.email), subject, body, user.language)


def to_newcomer(workspace_id: UUID, address: str, subject: str, body: str, language: str) -> None:
    """Send a letter to someone who does not work here yet. Raises as `to_agent` does."""
    found = _inbox_of(workspace_id)
    if found is None:
        raise NoWayOut
    _send(*found, Address("", address), subject, body, language)


def _send(inbox: Inbox, sender: str, to: Address, subject: str, body: str, language: str) -> None:
    message = OutboundMessage(
        message_id=f"{uuid7().hex}@{inbox.address.rpartition('@')[2]}",
        date=now(),
        from_=Address(sender, inbox.address),
        to=(to,),
        subject=subject,
        text=body,
        language=language,
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
        if found := _inbox_of(place.workspace_id):
            return found
    raise NoWayOut


def _inbox_of(workspace_id: UUID) -> tuple[Inbox, str] | None:
    with tenant(workspace_id):
        inbox = Inbox.objects.filter(channel="email", is_active=True).order_by("created_at", "id").first()
        return (inbox, Workspace.objects.get(id=workspace_id).name) if inbox else None
