"""The telephone by a Twilio-style API as a channel."""

from django.utils.translation import gettext_noop as _

from wasl.channels.port import Channel, Field, Limits
from wasl.channels.sms.send import API, probe
from wasl.channels.voice.hook import Hook
from wasl.channels.voice.line import fetch
from wasl.channels.voice.parse import CHANNEL as NAME
from wasl.channels.voice.parse import parse
from wasl.channels.voice.twiml import NOTHING

CHANNEL = Channel(
    name=NAME,
    label=_("Telephone"),
    icon="phone",
    parse=parse,
    hook=Hook(),
    said=("text/xml", NOTHING.encode()),
    fetch=fetch,
    probe=probe,
    fields=(
        Field(
            name="address",
            label=_("Number"),
            help=_("With + and the code of the country."),
            shape=r"\+\d{6,15}",
        ),
        Field(name="account_sid", label=_("Account SID"), help=_("From the first page of the console.")),
        Field(
            name="auth_token",
            label=_("Auth token"),
            kind="secret",
            help=_("It signs what comes in, too; an API key cannot take its place."),
        ),
        Field(
            name="business",
            label=_("Name in the greeting"),
            kind="words",
            required=False,
            help=_("What callers hear first. Leave it empty for a greeting without a name."),
        ),
        Field(
            name="ring",
            label=_("Whom a call rings"),
            required=False,
            default="all",
            options=(("all", _("Everybody on duty at once")), ("turn", _("One after the other"))),
        ),
        Field(
            name="recording",
            label=_("Recording of calls"),
            required=False,
            default="never",
            options=(("never", _("Never")), ("ask", _("Callers are asked"))),
            help=_("Only who is asked and presses 1 is recorded."),
        ),
        Field(
            name="offers",
            label=_("After a missed call"),
            required=False,
            default="yes",
            options=(("yes", _("Offer a call-back")), ("no", _("Write nothing"))),
            help=_("They are written times to choose from, on a channel that reaches them."),
        ),
        Field(
            name="transcribe_url",
            label=_("Program that writes voicemail down"),
            kind="link",
            required=False,
            help=_(
                "Its address. Empty: nobody does. It is sent the link to each recording, and its text becomes a note."
            ),
        ),
        Field(
            name="transcribe_secret",
            label=_("Secret of that program"),
            kind="secret",
            made=True,
            required=False,
            help=_("What is sent to it is signed with this."),
        ),
        Field(name="base_url", label=_("API address"), kind="link", required=False, default=API),
    ),
    limits=Limits(files=0),
)
