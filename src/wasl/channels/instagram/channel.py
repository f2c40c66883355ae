"""Instagram as a channel: one inbox a professional account, for its messages, comments and mentions."""

from functools import partial

from django.utils.translation import gettext_noop as _

from wasl.channels.meta.graph import FIELDS
from wasl.channels.meta.hook import Hook
from wasl.channels.meta.probe import probe
from wasl.channels.meta.profile import profile
from wasl.channels.meta.read import reader
from wasl.channels.meta.send import CHOICES, INSTAGRAM, KINDS, LATE, WINDOW, Line, fetch
from wasl.channels.port import Channel, Field, Limits

CHANNEL = Channel(
    name="instagram",
    label="Instagram",
    icon="instagram",
    parse=reader("instagram"),
    greets="on",
    hook=Hook("instagram"),
    line=partial(Line, platform=INSTAGRAM),
    fetch=fetch,
    profile=partial(profile, platform=INSTAGRAM),
    probe=partial(probe, platform=INSTAGRAM),
    fields=(
        Field(
            name="address",
            label=_("Instagram account ID"),
            help=_("The number of the professional account, not its name: webhooks carry it."),
            shape=r"\d+",
        ),
        Field(
            name="access_token",
            label=_("Page access token"),
            kind="secret",
            help=_("Of the Page it is linked to. The documentation names the permissions that it needs."),
        ),
        *FIELDS,
    ),
    limits=Limits(
        text=10_000,
        files=1,
        file_size=25_000_000,
        kinds=KINDS,
        caption=0,
        captioned_choices=False,
        window=WINDOW,
        late=LATE,
        choices=CHOICES,
    ),
)
