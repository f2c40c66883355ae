"""A signed webhook as a channel."""

from django.utils.translation import gettext_noop as _

from wasl.channels.port import Channel, Field, Limits
from wasl.channels.values import address
from wasl.channels.webhook.hook import Hook
from wasl.channels.webhook.parse import CHANNEL as NAME
from wasl.channels.webhook.parse import parse
from wasl.channels.webhook.send import Line, fetch, probe

CHANNEL = Channel(
    name=NAME,
    label=_("Your own program"),
    icon="link",
    parse=parse,
    greets="off",
    hook=Hook(),
    line=Line,
    typed=address,
    fetch=fetch,
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
            label=_("Address of your program"),
            kind="link",
            help=_("Answers are posted there, signed. It is an https address."),
        ),
        Field(
            name="secret_in",
            label=_("Secret for what you hand in"),
            kind="secret",
            made=True,
            help=_("Your program signs with it what customers write."),
        ),
        Field(
            name="secret_out",
            label=_("Secret for what Wasl sends"),
            kind="secret",
            made=True,
            help=_("With it your program knows that an answer comes from Wasl."),
        ),
    ),
    limits=Limits(text=100_000, files=5, file_size=5_000_000, choices=20, models=True),
)
