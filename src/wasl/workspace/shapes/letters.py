"""Letters in people's words: what one looks like before it is sent, and why it cannot be printed."""

from uuid import UUID

from django.utils.translation import gettext as _

from wasl.channels.chat_inboxes import settings_of
from wasl.channels.models import Inbox
from wasl.channels.post.address import BadAddress
from wasl.channels.post.fonts import NoFont
from wasl.channels.post.letter import PAGES, CannotPrint
from wasl.channels.post.parse import CHANNEL
from wasl.channels.post.send import written
from wasl.conversations.models import Conversation
from wasl.customers.models import Identity
from wasl.workspace.format import isolated, number


class NoLetter(Exception):
    """It cannot be printed; the text says why, for people."""


def letter(
    conversation: Conversation, text: str, inbox: Inbox | None = None, identity: Identity | None = None
) -> bytes:
    """The PDF of an answer as it would be printed today, by this inbox (else the workspace's first for letters) and to
    this address (else the customer's latest). Raises NoLetter.
    """
    found = (
        inbox or Inbox.objects.filter(channel=CHANNEL, is_active=True).order_by("created_at", "id").first()
    )
    if found is None:
        raise NoLetter(_("There is no inbox for letters yet. An administrator can make one."))
    to = identity or _latest(conversation.customer.root_id)
    if to is None:
        raise NoLetter(_("The customer has no postal address yet. Enter one on their page."))
    try:
        return written(settings_of(found), to.address, text, conversation.language or found.language)[0]
    except CannotPrint as error:
        raise NoLetter(_why(error)) from error
    except BadAddress as error:
        raise NoLetter(bad_address(error.reason)) from error
    except NoFont as error:
        raise NoLetter(_("The fonts for letters are missing on the server.")) from error
    except ValueError as error:
        raise NoLetter(_("The settings of the inbox for letters are not right.")) from error


def _latest(root_id: UUID) -> Identity | None:
    theirs = Identity.objects.filter(channel=CHANNEL, customer__root_id=root_id)
    return theirs.order_by("-created_at", "-id").first()


def _why(error: CannotPrint) -> str:
    if error.reason == "too_long":
        return _("The letter would have more than %(n)s pages.") % {"n": number(PAGES)}
    if error.reason == "letters":
        return _("These signs cannot be printed: %(signs)s") % {"signs": isolated(error.detail)}
    return _("The address does not fit into the window.")


def bad_address(reason: str) -> str:
    """Why a postal address was refused."""
    return {
        "too_short": _("An address has two lines at least: the name, and where."),
        "too_many_lines": _("An address has five lines at most, without the country."),
        "too_long": _("A line of the address is too long for an envelope."),
        "country": _("Choose the country."),
        "taken": _("This address belongs to another customer already. If they are one, merge them."),
    }.get(reason, _("The address cannot be used."))
