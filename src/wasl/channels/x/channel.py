"""X's direct messages as a channel."""

from django.utils.translation import gettext_noop as _

from wasl.channels.port import Channel, Field, Limits
from wasl.channels.x.hook import Hook
from wasl.channels.x.parse import CHANNEL as NAME
from wasl.channels.x.parse import parse
from wasl.channels.x.send import API, KINDS, Line, fetch, probe

CHANNEL = Channel(
    name=NAME,
    label="X",
    icon="xdm",
    parse=parse,
    greets="off",
    hook=Hook(),
    line=Line,
    fetch=fetch,
    probe=probe,
    fields=(
        Field(
            name="address",
            label=_("Account ID"),
            help=_("The account’s number, not its name. What comes in needs a plan with account activity."),
            shape=r"\d+",
        ),
        Field(name="app_key", label=_("API key"), help=_("From the app’s keys and tokens.")),
        Field(name="app_secret", label=_("API key secret"), kind="secret"),
        Field(
            name="access_token",
            label=_("Access token"),
            kind="secret",
            help=_("Made with the right to read and write direct messages."),
        ),
        Field(
            name="access_secret",
            label=_("Access token secret"),
            kind="secret",
            help=_("How many messages may be sent depends on the app’s plan."),
        ),
        Field(name="base_url", label=_("API address"), kind="link", required=False, default=API),
    ),
    limits=Limits(text=10_000, files=1, file_size=15_000_000, kinds=KINDS),
)
