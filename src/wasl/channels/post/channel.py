"""The letter on paper as a channel. It only sends: letters that customers write come in by the scanner's mail."""

from django.utils.translation import gettext_noop as _

from wasl.channels.port import Channel, Field, Limits
from wasl.channels.post.hook import Hook
from wasl.channels.post.parse import CHANNEL as NAME
from wasl.channels.post.parse import parse
from wasl.channels.post.send import Line, probe
from wasl.channels.post.watch import listen

CHANNEL = Channel(
    name=NAME,
    label=_("Letter"),
    icon="doc",
    parse=parse,
    hook=Hook(),
    listen=listen,
    line=Line,
    probe=probe,
    fields=(
        Field(
            name="address",
            label=_("Sender’s address"),
            kind="words",
            help=_("Name, street and town, with semicolons between them."),
        ),
        Field(
            name="country",
            label=_("Sender’s country"),
            help=_("Two letters, such as FR."),
            shape=r"[A-Za-z]{2}",
        ),
        Field(
            name="layout",
            label=_("Envelope"),
            required=False,
            default="din-b",
            options=(
                ("din-b", _("DIN, form B")),
                ("din-a", _("DIN, form A")),
                ("fr", _("French envelope")),
                ("it", _("Italian envelope")),
            ),
            help=_("The window is at the left with DIN, at the right with the French and the Italian one."),
        ),
        Field(
            name="window",
            label=_("Window"),
            required=False,
            help=_("Where another envelope’s is: millimetres from the left, from the top, width, height."),
            shape=r"\d{1,3}(\.\d+)?([\s;,]+\d{1,3}(\.\d+)?){3}",
        ),
        Field(
            name="base_url",
            label=_("API address"),
            kind="link",
            required=False,
            help=_("Of the print provider. Without one, letters go into a folder."),
        ),
        Field(
            name="api_key",
            label=_("API key"),
            kind="secret",
            required=False,
        ),
        Field(
            name="folder",
            label=_("Folder"),
            kind="secret",
            made=True,
            help=_("Below the folder that WASL_PRINT_DIR names: letters in jobs, receipts in receipts."),
        ),
        Field(
            name="hook_secret",
            label=_("Secret of the webhook"),
            kind="secret",
            made=True,
            help=_("The print provider signs its receipts with it."),
        ),
    ),
    limits=Limits(text=20_000, files=0),
    receives=False,
)
