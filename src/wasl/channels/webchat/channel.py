"""Web chat as a channel. What visitors write comes through a door of its own (`doors/chat.py`); there is no webhook."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop as _

from wasl.channels.base import Sent
from wasl.channels.port import Channel, Field, Limits, OutboundChat, Settings, Step
from wasl.channels.webchat.parse import CHANNEL as NAME
from wasl.channels.webchat.parse import parse

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Line:
    """The way to a visitor. An answer is already durable when it is handed over, in its own delivery: that it has left
    is what makes it part of what the visitor's stream reads. So there is nothing to call, and nothing in doubt."""

    def __init__(self, inbox: Settings) -> None:
        del inbox

    def send(self, message: OutboundChat) -> Sent:
        """It is there from now on, whether or not the visitor is; what they see of it they acknowledge."""
        return Sent(message.delivery)

    def close(self) -> None:
        """Nothing is kept between calls."""


def origins(inbox: Settings) -> frozenset[str]:
    """The origins (RFC 6454) whose pages may hold the widget, as browsers write them."""
    return frozenset(origin for each in _written(inbox) if (origin := _origin(each)))


def _written(inbox: Settings) -> list[str]:
    return [inbox.address, *re.split(r"[\s,]+", inbox.text("origins"))]


def _origin(said: str) -> str:
    try:
        parts = urlsplit(said.strip().rstrip("/").lower())
        fine = parts.scheme in ("https", "http") and parts.hostname and not (parts.path or parts.query)
        default = {"https": 443, "http": 80}.get(parts.scheme)
        port = "" if parts.port in (None, default) else f":{parts.port}"
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}{port}" if fine else ""


def colour(inbox: Settings) -> str:
    """The colour of the business as #rrggbb; '' for ours."""
    said = inbox.text("colour")
    return said.lower() if _COLOUR.fullmatch(said) else ""


def probe(inbox: Settings) -> Iterator[Step]:
    """Whether what was entered can be used; there is nobody to call."""
    wrong = [
        each
        for each in [inbox.address, *re.split(r"[\s,]+", inbox.text("origins"))]
        if each and not _origin(each)
    ]
    yield Step(
        _("The addresses of the websites"), not wrong,
        _("Write them as https://www.example.com, without a path."), " ".join(wrong),
    )  # fmt: skip
    fine = not inbox.text("colour") or bool(colour(inbox))
    yield Step(
        _("The colour"), fine, _("Write it as #0b6075: six digits after the sign."), inbox.text("colour")
    )


CHANNEL = Channel(
    name=NAME,
    label=_("Web chat"),
    icon="webchat",
    parse=parse,
    line=Line,
    probe=probe,
    fields=(
        Field(
            name="address",
            label=_("Website"),
            kind="link",
            help=_("Where the chat is to appear, as https://www.example.com. Other websites cannot use it."),
        ),
        Field(
            name="origins",
            label=_("Further websites"),
            help=_("With spaces between them."),
            shape=r"(https?://[^\s,/]+/?[\s,]*)+",
            required=False,
        ),
        Field(
            name="title",
            label=_("Title"),
            kind="words",
            help=_("At the top of the chat; empty: the name of the workspace."),
            required=False,
        ),
        Field(
            name="colour",
            label=_("Colour"),
            help=_("As #0b6075; empty: a calm petrol."),
            required=False,
            shape=r"#[0-9A-Fa-f]{6}",
        ),
        Field(
            name="calls",
            label=_("Call-backs"),
            options=(("yes", _("Offered in the chat")), ("no", _("Not offered"))),
            default="yes",
        ),
        Field(name="greeting_ar", label=_("Greeting in Arabic"), kind="words", required=False),
        Field(name="greeting_fr", label=_("Greeting in French"), kind="words", required=False),
        Field(name="greeting_it", label=_("Greeting in Italian"), kind="words", required=False),
        Field(name="greeting_en", label=_("Greeting in English"), kind="words", required=False),
        Field(
            name="identity_secret",
            label=_("Secret for signed-in visitors"),
            kind="secret",
            made=True,
            help=_("Your server signs with it who is signed in; it never belongs into a page."),
        ),
    ),
    snippet='<script src="{public}/widget/{inbox}.js" async></script>',
    limits=Limits(text=20_000, files=10, file_size=25_000_000, choices=10, models=True),
)  # fmt: skip
