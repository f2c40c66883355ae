"""The branch visit as a channel. Nobody is answered through it: who came is answered at the counter."""

from django.utils.translation import gettext_noop as _

from wasl.channels.port import Channel
from wasl.channels.visit.parse import CHANNEL as NAME
from wasl.channels.visit.parse import parse

CHANNEL = Channel(name=NAME, label=_("Branch visit"), icon="store", parse=parse)
