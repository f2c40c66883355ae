"""Where agents are rung up, and who is on duty. Inside `tenant(…)`."""

import re
from typing import Any

from wasl.accounts.actor import Actor, Forbidden
from wasl.calls.actions import CannotCall, checked_number
from wasl.calls.models import Telephone
from wasl.channels.models import Inbox

CHANNEL = "voice"
_SIP = re.compile(r"sips?:[A-Za-z0-9._~!$&'*+=-]{1,64}@[A-Za-z0-9.-]{1,190}(?::\d{1,5})?", re.IGNORECASE)


def keep(actor: Actor, address: str, *, on_duty: bool) -> Telephone:
    """Say where the actor is rung up; '' for nowhere. Raises Forbidden, CannotCall: bad_number, no_telephone."""
    actor.require_write()
    if actor.agent_id is None:
        raise Forbidden("read_only")
    address = checked(address) if address.strip() else ""
    if on_duty and not address:
        raise CannotCall("no_telephone")
    wanted: dict[str, Any] = {"address": address, "on_duty": on_duty, "workspace_id": actor.workspace_id}
    row, _ = Telephone.objects.update_or_create(id=actor.agent_id, defaults=wanted)
    return row


def checked(address: str) -> str:
    """A SIP address (RFC 3261, 19.1: user and host) as it is, or a number as E.164. Raises CannotCall."""
    address = address.strip()
    return address if _SIP.fullmatch(address) else checked_number(address)


def has_line() -> bool:
    """Whether there is a telephone inbox that calls come in on and leave from."""
    return Inbox.objects.filter(channel=CHANNEL, is_active=True).exists()


def line(actor: Actor) -> Inbox | None:
    """The telephone inbox from which the actor's calls leave."""
    found = Inbox.objects.filter(channel=CHANNEL, is_active=True, id__in=actor.inboxes)
    return found.order_by("created_at", "id").first()


def bridges(actor: Actor) -> bool:
    """Whether the actor can be connected with customers through a provider."""
    return bool(address_of(actor)) and line(actor) is not None


def address_of(actor: Actor) -> str:
    """Where the actor is rung up; '' for nowhere."""
    if actor.agent_id is None:
        return ""
    found = Telephone.objects.filter(id=actor.agent_id).values_list("address", flat=True).first()
    return found or ""


def is_mobile(number: str) -> bool:
    """Whether a number (E.164) may be that of a mobile telephone."""
    from phonenumbers import NumberParseException, PhoneNumberType, number_type, parse

    try:
        kind = number_type(parse(number))
    except NumberParseException:
        return False
    return kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
