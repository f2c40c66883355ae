"""Facebook Messenger as a channel: one inbox a Page, for its messages and for what is said below its posts."""

from functools import partial

from django.utils.translation import gettext_noop as _

from wasl.channels.meta.graph import FIELDS
from wasl.channels.meta.hook import Hook
from wasl.channels.meta.probe import probe
from wasl.channels.meta.profile import profile
from wasl.channels.meta.read import reader
from wasl.channels.meta.send import CHOICES, LATE, MESSENGER, WINDOW, Line, fetch
from wasl.channels.port import Channel, Field, Limits

CHANNEL = Channel(
    name="messenger",
    label="Messenger",
    icon="messenger",
    parse=reader("messenger"),
    greets="on",
    hook=Hook("page"),
    line=partial(Line, platform=MESSENGER),
    fetch=fetch,
    profile=partial(profile, platform=MESSENGER),
    probe=partial(probe, platform=MESSENGER),
    fields=(
        Field(name="address", label=_("Page ID"), help=_("From the Page’s settings, About."), shape=r"\d+"),
        Field(
            name="access_token",
            label=_("Page access token"),
            kind="secret",
            help=_("One that does not expire. The documentation names the permissions that it needs."),
        ),
        *FIELDS,
    ),
    limits=Limits(
        text=20_000,
        files=1,
        file_size=25_000_000,
        caption=0,
        captioned_choices=False,
        window=WINDOW,
        late=LATE,
        choices=CHOICES,
    ),
)
