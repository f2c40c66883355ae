"""WhatsApp (Cloud API) as a channel."""

from datetime import timedelta

from django.utils.translation import gettext_noop as _

from wasl.channels.meta.graph import FIELDS
from wasl.channels.port import Channel, Field, Limits
from wasl.channels.whatsapp.approved import approved
from wasl.channels.whatsapp.hook import Hook
from wasl.channels.whatsapp.parse import CHANNEL as NAME
from wasl.channels.whatsapp.parse import parse
from wasl.channels.whatsapp.send import CAPTION, Line, fetch, probe

CHANNEL = Channel(
    name=NAME,
    label="WhatsApp",
    icon="whatsapp",
    parse=parse,
    greets="on",
    hook=Hook(),
    line=Line,
    fetch=fetch,
    probe=probe,
    approved=approved,
    fields=(
        Field(
            name="address",
            label=_("Phone number ID"),
            help=_("From WhatsApp, API setup. It is not the number itself."),
            shape=r"\d+",
        ),
        Field(
            name="access_token",
            label=_("Access token"),
            kind="secret",
            help=_("A permanent one."),
        ),
        Field(
            name="account",
            label=_("Business account ID"),
            required=False,
            shape=r"\d+",
            help=_(
                "For the texts that WhatsApp has approved: only these may be sent a day after the customer wrote."
            ),
        ),
        *FIELDS,
    ),
    limits=Limits(
        text=4096,
        files=1,
        file_size=100_000_000,
        caption=CAPTION,
        mute="audio/",
        captioned_choices=False,
        window=timedelta(hours=24),
        choices=10,
        templates=True,
    ),
)
