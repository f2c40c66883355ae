"""Apprise as a channel: outbound only."""

from django.utils.translation import gettext_noop as _

from wasl.channels.apprise.send import Line, probe
from wasl.channels.port import Channel, Field, Limits, Nothing, Parsed
from wasl.channels.values import address


def parse(_raw: bytes) -> Parsed:
    """Nothing comes in by this channel."""
    return Nothing("Apprise only sends")


CHANNEL = Channel(
    name="apprise",
    label="Apprise",
    icon="bell",
    parse=parse,
    line=Line,
    typed=address,
    probe=probe,
    fields=(
        Field(
            name="address",
            label=_("What it is called"),
            kind="words",
            help=_("A short name, such as marketplace."),
        ),
        Field(
            name="url",
            label=_("Apprise URL"),
            kind="secret",
            help=_(
                "Apprise’s pages say how it is written for each service. {to} in it becomes the customer’s address. "
                "Messages end at “sent”: nobody tells whether they arrived."
            ),
        ),
    ),
    limits=Limits(text=10_000, files=5, file_size=5_000_000),
)
