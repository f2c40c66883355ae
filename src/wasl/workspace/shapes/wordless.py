"""What a message without words is, in the reader's words, with its icon."""

from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from wasl.workspace.shapes.chats import KINDS


class Wordless(NamedTuple):
    """An icon and what it is called."""

    icon: str
    text: str


def wordless(code: str) -> Wordless:
    """Of a code (`conversations.wordless`); without an icon when nothing is known of it."""
    if known := _SHORT.get(code) or KINDS.get(code):
        return Wordless(known[0], _(known[1]))
    kind, slash, _kind = code.partition("/")
    if not slash:
        return Wordless("attach", _("File")) if code in ("document", "file") else Wordless("", _("No text"))
    of_file = {
        "image": ("image", _("Picture")),
        "video": ("image", _("Video")),
        "audio": ("phone", _("Sound")),
    }
    return Wordless(*of_file.get(kind, ("attach", _("File"))))


_SHORT = {
    "voicemail": ("phone", gettext_noop("Voicemail")),
    "location": ("globe", gettext_noop("Place on the map")),
    "visit": ("store", gettext_noop("Branch visit")),
    "unsupported": ("question", gettext_noop("Content that is not supported")),
    "address": ("mail", gettext_noop("Left an address")),
}
"""What a message calls by a longer name than a list has room for."""
