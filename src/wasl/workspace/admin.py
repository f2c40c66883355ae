"""The pages of administration, as the settings list them."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Page:
    """A page of administration: where it is, and what it is for."""

    address: str
    icon: str
    name: str
    about: str


def pages() -> list[Page]:
    """Every one, in the order in which a workspace is set up."""
    return [
        Page(reverse("inboxes"), "inbox", _("Inboxes"), _("Where messages come in, and how answers leave")),
        Page(
            reverse("branches"), "store", _("Branches"), _("Where customers come in person, and their kiosks")
        ),
        Page(reverse("people"), "user", _("People"), _("Who works here, invitations and roles")),
        Page(reverse("teams"), "users", _("Teams"), _("Agents who share inboxes and work")),
        Page(reverse("hours"), "calendar", _("Opening hours"), _("When somebody is there, and holidays")),
        Page(
            reverse("acknowledgements"),
            "check",
            _("Acknowledgements"),
            _("What customers hear at once, and the link to their conversation"),
        ),
        Page(
            reverse("quarantine"),
            "hold",
            _("Set aside"),
            _("Messages that could not be read, to be read again"),
        ),
        Page(reverse("imports"), "download", _("Bring in"), _("Orders and customers, from tables")),
        Page(reverse("webhooks"), "out", _("Webhooks"), _("Other programs that are told what happens")),
        Page(reverse("access"), "eye", _("Access log"), _("Who looked at or changed what")),
    ]
