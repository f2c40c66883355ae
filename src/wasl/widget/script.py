"""The one script that a page loads: the element, its stylesheet, its texts in four languages, and the inbox's own.

Put together here rather than by a build step: the parts lie in `static/` as they were written.
"""

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from django.utils.translation import gettext_noop as _

from wasl.kit.languages import CODES
from wasl.widget.asks import FILE, TEXT, told
from wasl.widget.place import Place

PARTS = ("keep.js", "wire.js", "draw.js", "bell.js", "calls.js", "element.js")
_FOLDER = Path(__file__).parent / "static"

TEXTS = MappingProxyType(
    {
        "launch": _("Chat with us"),
        "unread": _("Chat with us, new messages"),
        "close": _("Close the chat"),
        "greeting": _("Hello. How can we help?"),
        "log": _("Messages"),
        "write": _("Write a message"),
        "send": _("Send"),
        "attach": _("Attach a file"),
        "live": _("We are here and answer now."),
        "soon": _("We answer as soon as we can."),
        "usual": _("We usually answer within %(time)s."),
        "later": _("We are away now. We answer from %(when)s."),
        "away": _("We are away now. Write to us: we answer as soon as we are back."),
        "leave": _("If you have to go: where may we write to you?"),
        "email": _("E-mail address"),
        "keep": _("Leave it"),
        "left": _("If you are gone, we write to %(email)s."),
        "waiting": _("Waits for the connection"),
        "sending": _("Sending"),
        "sent": _("Sent"),
        "failed": _("Could not be sent"),
        "again": _("Try again"),
        "discard": _("Discard"),
        "offline": _("No connection. What you write is kept, and sent as soon as there is one."),
        "typing": _("%(name)s is writing"),
        "you": _("You"),
        "large": _("That is too large: at most %(size)s MB."),
        "newtab": _("opens in a new tab"),
        "bell": _("Notices for you"),
        "bellnew": _("Notices for you, new ones"),
        "none": _("There are no notices."),
        "fresh": _("New"),
        "chosen": _("You chose: %(choice)s"),
        "unsaid": _("That did not get through. Try it again."),
        "notify": _("Notify me on this device"),
        "notified": _("This device is notified."),
        "mute": _("Stop"),
        "denied": _("Your browser does not let this website notify you."),
        "call": _("Shall we call you back?"),
        "times": _("When does it suit you?"),
        "another": _("Another time"),
        "number": _("Telephone number"),
        "known": _("Empty: the number we know, which ends in %(end)s."),
        "callme": _("Call me"),
        "move": _("Move the call"),
        "agreed": _("We call you %(when)s."),
        "thanks": _("Thank you. We call you %(when)s."),
        "nocall": _("I need no call any more"),
        "off": _("The call is off."),
        "nobody": _("Nobody can call at the moment. Write to us, and we answer here."),
        "loading": _("Looking for times …"),
        "back": _("Back to the chat"),
    }
)


@dataclass(frozen=True, slots=True)
class Made:
    """The script as it goes out."""

    plain: bytes
    gzipped: bytes
    tag: bytes


def of(place: Place) -> Made:
    """The script of an inbox."""
    own = {
        "inbox": str(place.inbox_id),
        "title": place.title,
        "colour": place.colour,
        "greetings": dict(place.greetings),
        "fallback": place.language,
        "calls": place.calls,
    }
    return _made(json.dumps(own, ensure_ascii=False, sort_keys=True))


@lru_cache(200)
def _made(own: str) -> Made:
    plain = f'(() => {{\n"use strict";\nconst OWN = {_safe(own)};\n{_common()}}})();\n'.encode()
    tag = f'"{hashlib.sha256(plain).hexdigest()[:24]}"'
    return Made(plain, gzip.compress(plain, 9, mtime=0), tag.encode())


@cache
def _common() -> str:
    texts = {language: {name: told(language, text) for name, text in TEXTS.items()} for language in CODES}
    said = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    style = json.dumps((_FOLDER / "chat.css").read_text(), ensure_ascii=False)
    limits = f"const TEXT_LIMIT = {TEXT};\nconst FILE_LIMIT = {FILE};\n"
    parts = "".join((_FOLDER / part).read_text() for part in PARTS)
    return f"const TEXTS = {_safe(said)};\nconst STYLE = {_safe(style)};\n{limits}{parts}"


def _safe(text: str) -> str:
    """JSON as it may stand in a script: two line ends that JSON allows once were none in JavaScript."""
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("</", "<\\/")
