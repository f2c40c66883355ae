"""The in-app inbox as a channel. Answers stand in the customer's list from the moment they leave, whether or not a
device can be reached; the devices are rung by the room `devices`, which follows the timeline."""

from django.utils.translation import gettext_noop as _

from wasl.channels.app.parse import CHANNEL as NAME
from wasl.channels.app.parse import parse
from wasl.channels.app.settings import APNS, FCM, TOKENS, probe
from wasl.channels.base import Sent
from wasl.channels.port import Channel, Field, Limits, OutboundChat, Settings


class Line:
    """The way to the list. A notice is durable when it is handed over, in its own delivery: that it has left is what
    makes it part of the list. So there is nothing to call, and nothing in doubt."""

    def __init__(self, inbox: Settings) -> None:
        del inbox

    def send(self, message: OutboundChat) -> Sent:
        """It is there from now on."""
        return Sent(message.delivery)

    def close(self) -> None:
        """Nothing is kept between calls."""


CHANNEL = Channel(
    name=NAME,
    label=_("In-app inbox"),
    icon="bell",
    parse=parse,
    line=Line,
    probe=probe,
    medium="app",
    fields=(
        Field(
            name="address",
            label=_("Website"),
            kind="link",
            help=_("Of the web chat whose button shows the inbox, as it is written there."),
        ),
        Field(
            name="title",
            label=_("Title"),
            kind="words",
            help=_("Over the list and over notices on devices; empty: that of the web chat."),
            required=False,
        ),
        Field(
            name="page",
            label=_("Page that a notice opens"),
            kind="link",
            help=_("On your website; empty: its first page."),
            required=False,
        ),
        Field(
            name="shows",
            label=_("On the screen of a device"),
            help=_("A screen can be seen by others, also while it is locked."),
            options=(("text", _("What was written")), ("hint", _("Only that there is something new"))),
            default="text",
        ),
        Field(
            name="fcm_account",
            label=_("Firebase: key of the service account"),
            help=_("For your Android app: the whole JSON file."),
            kind="secret",
            required=False,
        ),
        Field(
            name="fcm_url", label=_("Firebase: address of the API"), kind="link", required=False, default=FCM
        ),
        Field(
            name="fcm_tokens",
            label=_("Firebase: address for access tokens"),
            kind="link",
            required=False,
            default=TOKENS,
        ),
        Field(
            name="apns_key",
            label=_("Apple: key for notifications"),
            help=_("For your iPhone app: what is in the .p8 file."),
            kind="secret",
            required=False,
        ),
        Field(name="apns_key_id", label=_("Apple: id of that key"), required=False),
        Field(name="apns_team", label=_("Apple: id of your team"), required=False),
        Field(
            name="apns_topic",
            label=_("Apple: bundle id of the app"),
            help=_("As com.example.shop."),
            required=False,
        ),
        Field(
            name="apns_url",
            label=_("Apple: address of the API"),
            kind="link",
            help=_("For an app under development: https://api.sandbox.push.apple.com"),
            required=False,
            default=APNS,
        ),
    ),
    snippet='importScripts("{public}/widget/push.js");',
    snippet_label=_("What is in /wasl-push.js"),
    snippet_help=_(
        "Put a file of that name into the root of your website, with this line in it: then customers can be notified "
        "in their browsers. The list itself is there as soon as the web chat has the same website."
    ),
    limits=Limits(text=20_000, files=10, file_size=25_000_000, choices=4),
)
