"""Telegram (Bot API) as a channel."""

from django.utils.translation import gettext_noop as _

from wasl.channels.port import Channel, Field, Limits
from wasl.channels.telegram.api import API
from wasl.channels.telegram.contents import CHANNEL as NAME
from wasl.channels.telegram.hook import Hook, said
from wasl.channels.telegram.listen import listen, probe
from wasl.channels.telegram.parse import parse
from wasl.channels.telegram.send import CAPTION, Line, fetch

CHANNEL = Channel(
    name=NAME,
    label="Telegram",
    icon="telegram",
    parse=parse,
    greets="on",
    hook=Hook(),
    said=said,
    listen=listen,
    line=Line,
    fetch=fetch,
    probe=probe,
    fields=(
        Field(
            name="address",
            label=_("Name of the bot"),
            help=_("As BotFather shows it, ending in bot."),
            shape=r"@?\w{3,32}",
        ),
        Field(
            name="token",
            label=_("Bot token"),
            kind="secret",
            help=_("From BotFather, in the answer to /newbot."),
        ),
        Field(
            name="mode",
            label=_("How messages come in"),
            required=False,
            default="polling",
            options=(("polling", _("Wasl asks Telegram")), ("webhook", _("Telegram calls Wasl"))),
            help=_(
                "For the call Wasl needs a public https address. Wasl tells Telegram which it is by itself."
            ),
        ),
        Field(
            name="secret_token",
            label=_("Secret of the webhook"),
            kind="secret",
            made=True,
            help=_("Wasl tells it to Telegram; you need not enter it anywhere."),
        ),
        Field(name="base_url", label=_("API address"), kind="link", required=False, default=API),
    ),
    limits=Limits(text=4096, files=1, file_size=50_000_000, caption=CAPTION, choices=20),
)
