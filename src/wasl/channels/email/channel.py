"""E-mail as a channel. Its doors, its sender and its settings are its own: see `doors.mail`, `delivery.lines`."""

from django.utils.translation import gettext_noop as _

from wasl.channels.email.parse import parse
from wasl.channels.port import Channel

CHANNEL = Channel(
    name="email",
    label=_("E-mail"),
    icon="mail",
    parse=parse,
    greets="off",
)
