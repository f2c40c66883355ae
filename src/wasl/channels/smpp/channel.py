"""SMS by SMPP 3.4 as a channel."""

from django.utils.translation import gettext_noop as _

from wasl.channels.port import Channel, Field, Limits
from wasl.channels.smpp.listen import listen
from wasl.channels.smpp.parse import CHANNEL as NAME
from wasl.channels.smpp.parse import parse
from wasl.channels.smpp.send import LONGEST, Line, probe
from wasl.channels.sms.fields import words
from wasl.channels.sms.numbers import typed
from wasl.channels.sms.segments import parts

CHANNEL = Channel(
    name=NAME,
    label=_("SMS (message centre)"),
    icon="sms",
    parse=parse,
    greets="off",
    listen=listen,
    line=Line,
    probe=probe,
    fields=(
        Field(
            name="address",
            label=_("Sender"),
            help=_(
                "The number with + and the code of the country, a short code, or a name of up to 11 letters."
            ),
            shape=r"\+?\d{2,15}|[ -~]{1,11}",
        ),
        Field(name="host", label=_("Host of the message centre"), shape=r"[^\s/@]+"),
        Field(name="port", label=_("Port"), default="2775", shape=r"[1-9]\d{0,4}"),
        Field(
            name="tls",
            label=_("Encryption"),
            required=False,
            default="yes",
            options=(("yes", _("Encrypted")), ("no", _("Not encrypted"))),
            help=_("Not encrypted only over a private line or a tunnel to the network."),
        ),
        Field(name="system_id", label=_("System ID")),
        Field(name="password", label=_("Password"), kind="secret"),
        Field(name="system_type", label=_("System type"), required=False),
        Field(
            name="bind",
            label=_("Connections"),
            required=False,
            default="separate",
            options=(("separate", _("One to send, one to receive")), ("transceiver", _("Both on each"))),
        ),
        Field(
            name="lines",
            label=_("Connections for sending"),
            required=False,
            default="1",
            help=_("As many as the contract allows, for each worker."),
            shape=r"[1-9]\d?",
        ),
        Field(
            name="country",
            label=_("Country"),
            required=False,
            help=_("Two letters, such as FR, for numbers that come without the code of their country."),
            shape=r"[A-Za-z]{2}",
        ),
        Field(
            name="letters",
            label=_("Default alphabet"),
            required=False,
            default="gsm",
            options=(("gsm", "GSM"), ("latin1", "Latin-1")),
            help=_("What the centre means by data coding 0."),
        ),
        Field(
            name="long",
            label=_("Long texts"),
            required=False,
            default="parts",
            options=(("parts", _("In parts")), ("payload", _("Whole"))),
            help=_("Parts are joined by the telephone; what is whole is divided by the message centre."),
        ),
        Field(
            name="ids",
            label=_("Message IDs in receipts"),
            required=False,
            default="same",
            options=(("same", _("As in its answers")), ("hex", _("In decimal"))),
            help=_("Some centres answer in hexadecimal and report in decimal."),
        ),
        *words("wasl"),
    ),
    limits=Limits(text=LONGEST, files=0, parts=parts),
    typed=typed,
    medium="sms",
)
