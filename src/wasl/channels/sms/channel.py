"""SMS by a Twilio-style API as a channel."""

from django.utils.translation import gettext_noop as _

from wasl.channels.port import Channel, Field, Limits
from wasl.channels.sms.fields import words
from wasl.channels.sms.hook import Hook
from wasl.channels.sms.numbers import typed
from wasl.channels.sms.parse import CHANNEL as NAME
from wasl.channels.sms.parse import parse
from wasl.channels.sms.segments import parts
from wasl.channels.sms.send import API, LONGEST, Line, fetch, probe

CHANNEL = Channel(
    name=NAME,
    label="SMS",
    icon="sms",
    parse=parse,
    greets="off",
    hook=Hook(),
    said=("text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>'),
    line=Line,
    fetch=fetch,
    probe=probe,
    fields=(
        Field(
            name="address",
            label=_("Number"),
            help=_(
                "With + and the code of the country; or the SID of a messaging service, which begins with MG."
            ),
            shape=r"\+\d{6,15}|MG[0-9A-Za-z]+",
        ),
        Field(name="account_sid", label=_("Account SID"), help=_("From the first page of the console.")),
        Field(
            name="auth_token",
            label=_("Auth token"),
            kind="secret",
            help=_("It signs what comes in, too; an API key cannot take its place."),
        ),
        *words("provider", _("Twilio answers these words itself.")),
        Field(name="base_url", label=_("API address"), kind="link", required=False, default=API),
    ),
    limits=Limits(text=LONGEST, files=0, parts=parts),
    typed=typed,
    medium="sms",
)
