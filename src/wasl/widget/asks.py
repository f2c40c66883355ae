"""What a widget may ask, and what is wrong with it when it is wrong, in the visitor's language."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar
from unicodedata import category
from uuid import UUID

import msgspec
from django.utils.translation import gettext, override
from django.utils.translation import gettext_noop as _

from wasl.kit.languages import CODES
from wasl.kit.problem import Problem

TEXT = 20_000
BODY = 200_000
FILE = 10_000_000
"""Letters of a message, bytes of a request, bytes of a file."""
RECEIPTS = 100
VISITOR = _("Visitor %(number)s")
NO_EMAIL = _("This is not an e-mail address.")
EMPTY_FILE = _("This file is empty.")
_UNWELCOME = re.compile(
    r"\.(exe|com|bat|cmd|scr|msi|msp|pif|jar|js|jse|vbs|vbe|wsf|wsh|ps1|lnk|hta|cpl|reg|dll|apk|app|html?|xhtml|svg)\.*$",
    re.IGNORECASE,
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_UNPRINTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,80}")

Key = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f-]{36}$")]
# NUL is what no database keeps in a text.
Short = Annotated[str, msgspec.Meta(max_length=300, pattern="^[^\\x00]*$")]
Link = Annotated[str, msgspec.Meta(max_length=2000, pattern="^[^\\x00]*$")]


class Choice(msgspec.Struct):
    """A button that was pressed."""

    key: Short
    title: Short


class Page(msgspec.Struct, omit_defaults=True):
    """Where the visitor was."""

    url: Link = ""
    title: Short = ""


class Message(msgspec.Struct):
    """Something written. `id` is the browser's (a UUID); `at` milliseconds since 1970 by its clock; `answers` the
    receipt's name of the message whose button was pressed."""

    id: Key
    text: str = ""
    at: float = 0
    choice: Choice | None = None
    answers: Short = ""
    page: Page | None = None


class Receipts(msgspec.Struct):
    """What was shown, and what was looked at, by `ref`."""

    delivered: Annotated[Sequence[UUID], msgspec.Meta(max_length=RECEIPTS)] = ()
    read: Annotated[Sequence[UUID], msgspec.Meta(max_length=RECEIPTS)] = ()


class Address(msgspec.Struct):
    """An e-mail address that the visitor leaves."""

    id: Key
    email: Short
    at: float = 0


class Call(msgspec.Struct):
    """A call-back: from when on, as it was offered, and the number; '' for the one that is known."""

    id: Key
    start: Short
    number: Short = ""
    at: float = 0


class Typing(msgspec.Struct):
    """Whether the visitor writes just now."""

    on: bool = True


T = TypeVar("T")


def told(language: str, text: str, **values: Any) -> str:
    """A text of ours in that language."""
    with override(language if language in CODES else "en"):
        return gettext(text) % values if values else gettext(text)


def read(body: bytes, kind: type[T]) -> T:
    """A request's body. Raises Problem."""
    try:
        return msgspec.json.decode(body, type=kind, strict=True)
    except msgspec.ValidationError as error:
        raise Problem("invalid", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("not-json", str(error)) from error


def words(message: Message, language: str) -> str:
    """The text of a message as it can be kept. Raises Problem without any, and with too much."""
    text = _UNPRINTED.sub("", message.text).strip()
    if len(text) > TEXT:
        most = f"{TEXT:,}".replace(",", "\u202f")
        raise Problem(
            "too-large", told(language, _("That is too long: at most %(most)s letters at once."), most=most)
        )
    if not text and message.choice is None:
        raise Problem("invalid", told(language, _("Write something first.")))
    return text or (message.choice.title if message.choice else "")


def too_large(language: str, most: int) -> Problem:
    """The problem of a file or request that is too large."""
    size = str(most // 1_000_000 or 1)
    return Problem("too-large", told(language, _("That is too large: at most %(size)s MB."), size=size))


def too_many(language: str, wait: float) -> Problem:
    """The problem of somebody who goes on too fast."""
    return Problem(
        "too-many", told(language, _("That was a lot at once. Please wait a moment.")),
        headers={"Retry-After": str(max(1, round(wait + 0.5)))},
    )  # fmt: skip


def file_name(said: str, language: str) -> str:
    """The name of a file without what does not belong into one. Raises Problem for what nobody should open."""
    name = _CONTROL.sub("", said).replace("\\", "/").rpartition("/")[2].strip()[-200:] or "file"
    if _UNWELCOME.search("".join(each for each in name if category(each) != "Cf")):  # nobody sees those
        raise Problem("wrong-type", told(language, _("Files of this kind cannot be sent here.")))
    return name


def file_type(said: str) -> str:
    """A media type as it is kept."""
    kind = said.partition(";")[0].strip().lower()
    return kind if _TYPE.fullmatch(kind) else "application/octet-stream"


def tidy(page: Page | None) -> Mapping[str, str]:
    """Where the visitor was, without what addresses carry behind the question mark: it may be a secret."""
    if page is None or not page.url.startswith(("https://", "http://")):
        return {}
    found = {
        "url": page.url.partition("?")[0].partition("#")[0],
        "title": " ".join(_CONTROL.sub(" ", page.title).split()),
    }
    return {name: value for name, value in found.items() if value}
