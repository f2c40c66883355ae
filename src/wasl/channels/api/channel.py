"""The API inbox as a channel: programs hand in what customers wrote, and read the answers."""

from django.utils.translation import gettext_noop as _

from wasl.channels.api.parse import CHANNEL as NAME
from wasl.channels.api.parse import parse
from wasl.channels.port import Channel

CHANNEL = Channel(name=NAME, label=_("Website form"), icon="form", parse=parse)
