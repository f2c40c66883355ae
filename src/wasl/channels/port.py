"""What Wasl asks of a channel. A channel is a folder here whose `channel.py` defines `CHANNEL`; nothing else names it.

    door      `Hook`: is this request the provider's, what does it bring, how is it answered
    parse     what was stored → ParsedMessage, Report, Change or Nothing
    line      a connection that sends one `OutboundChat`
    fields    what an administrator enters, and `probe`: is that right
    limits    what it can carry, and when it may be used

Pure but for `line`, `fetch` and `probe`, which call the provider: no Django, no database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any, BinaryIO, Literal, Protocol

from wasl.channels.base import Address, ParsedMessage, Reason, Sent

ChangeKind = Literal["edited", "deleted", "reacted", "hidden", "shown", "moved"]
ReportKind = Literal["sent", "delivered", "seen", "read", "acted", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a provider says of a message of ours (a receipt).

    `ref` is the provider's id of it; `delivery` our own, where the provider gives back what we said ('' otherwise).
    With neither, `upto` says that everything sent to `recipient` until then is meant (a watermark). `code` and
    `detail` are the provider's, `reason` is for people. Seen is a notice whose list was opened, acted one of whose
    buttons was pressed (`detail`: which).
    """

    kind: ReportKind
    at: datetime
    ref: str = ""
    delivery: str = ""
    recipient: str = ""
    upto: datetime | None = None
    code: str = ""
    detail: str = ""
    reason: Reason = Reason.OTHER
    temporary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """That somebody changed a message that is there already, by the provider's id of it; or their own key.

    `text` is the new text of an edited message, `emoji` of a reaction ('' takes it back). Hidden and shown again is
    what others wrote in public. Moved is somebody whom the provider knows by another key from now on, `text`; `sender`
    and `aliases` are the keys until then, and `of` is empty.
    """

    kind: ChangeKind
    of: str
    sender: Address
    at: datetime
    text: str = ""
    emoji: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nothing:
    """What is no news for anybody, and why: kept as it came, shown nowhere."""

    why: str


Parsed = ParsedMessage | Report | Change | Nothing


@dataclass(frozen=True, slots=True)
class Slip:
    """One thing a request brought, as it is stored: a webhook of fifty messages makes fifty.

    `key` tells it from every other of its inbox: the same again is not stored again. `to` is the address of the inbox
    it is for, when the request names it; '' for the one whose door it came through.
    """

    key: str
    content: bytes
    to: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """An inbox as its channel knows it: address, what was entered, and what of that is secret."""

    address: str
    config: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    private: bool = False
    """Whether addresses of one's own network may be called."""
    webhook: str = ""
    """The public address of its webhook, for calls that name where to answer; '' where nobody said."""

    def text(self, name: str, default: str = "") -> str:
        """A setting that is text."""
        value = self.config.get(name)
        return value if isinstance(value, str) and value else default


@dataclass(frozen=True, slots=True)
class Request:
    """What came to a door. Header names are lower case; `url` is the public one that the provider was given."""

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Hook(Protocol):
    """A channel's webhook."""

    def challenge(self, request: Request, inbox: Settings) -> str | None:
        """What to answer a provider that asks whether we are there (GET); None when it is not the provider."""

    def genuine(self, request: Request, inbox: Settings) -> bool:
        """Whether the provider signed these very bytes."""

    def split(self, request: Request) -> list[Slip]:
        """What it brings. Raises ValueError for what is no such webhook: it is then kept whole, in quarantine."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A button or a line of a list: `key` comes back when it is chosen."""

    key: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A message text that the provider has approved; `values` fill its places in order."""

    name: str
    language: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send; `read` opens its bytes."""

    filename: str
    content_type: str
    size: int
    read: Callable[[], BinaryIO] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundChat:
    """A message to send on a channel that is not mail.

    `delivery` is our own id, given along where the provider gives it back in receipts. `answers` is the provider's id
    of the message it answers. `mark_read` is the id of the customer's last message, '' when that is not to be said;
    `wrote_at` when they last wrote there. With `comment`, what it answers is a public comment: below it for everybody,
    or to its author alone.
    """

    delivery: str
    to: str
    text: str = ""
    language: str = ""
    answers: str = ""
    choices: tuple[Choice, ...] = ()
    template: Template | None = None
    reaction: str = ""
    files: tuple[Upload, ...] = ()
    mark_read: str = ""
    wrote_at: datetime | None = None
    comment: Literal["", "public", "private"] = ""


class Line(Protocol):
    """One connection to a provider, for one thread at a time."""

    def send(self, message: OutboundChat) -> Sent:
        """Raises Unreached, TemporaryFailure, PermanentFailure or InDoubt (`channels.base`)."""

    def close(self) -> None:
        """Let go of it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that a provider held for us."""

    content: bytes
    content_type: str


FieldKind = Literal["text", "secret", "link", "words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What an administrator enters. Texts are English and translated where they are shown.

    With `options` it is one of these values, each with the words that are shown; the `default` should be among them.
    A `secret` is sealed and never shown again. `made` secrets are ours to invent, and are shown for the provider's
    own settings page. A `link` is a web address; `words` are read by people, in whatever direction they are written.
    `shape` is a regular expression for the whole of what may be entered; the `help` says the same in words.
    """

    name: str
    label: str
    help: str = ""
    kind: FieldKind = "text"
    required: bool = True
    default: str = ""
    made: bool = False
    options: Sequence[tuple[str, str]] = ()
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of "test this connection": what was tried, whether it went well, and what to do when it did not."""

    what: str
    fine: bool
    advice: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a channel can carry. Sizes in bytes, lengths in letters; `window` is how long after the customer's last
    message one may write freely (None: always); outside it only a template goes, but that a person (not a program) may
    still answer until `late` after that message.

    `files` is how many go with one message: more, and they go as further messages, one after the other; 0: none goes.
    `kinds` are the content types that go there, by how they begin, each with its own size; empty: whatever there is.
    `caption` is how long a text may stand by a file, `mute` how the types of files begin that carry none; words that
    cannot stand by a file go as a message of their own. `captioned_choices`: whether choices may stand by a file.
    `choices` is how many buttons or lines of a list it shows itself: more, and they become a numbered text.
    `templates`: whether there are texts approved beforehand. `models`: whether a 3D model is of use as a file; else its
    picture goes, and a link. `parts` counts the pieces that a text is sent in, where that costs.
    """

    text: int = 100_000
    files: int = 10
    file_size: int = 25_000_000
    kinds: tuple[tuple[str, int], ...] = ()
    caption: int = 100_000
    mute: str = "-"
    captioned_choices: bool = True
    window: timedelta | None = None
    late: timedelta | None = None
    choices: int = 0
    templates: bool = False
    models: bool = False
    parts: Callable[[str], Parts] | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """How a text is cut: into `count` pieces, with `left` letters to go in the last; `alphabet` is for people."""

    count: int
    left: int
    alphabet: str


Take = Callable[[Sequence[Slip]], None]
"""Makes slips durable; when it returns they may be acknowledged. Raises when that failed: let that through.

Without any slips it says that the connection works; do so once it stands, and now and then.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel, whole. `label` is English; `icon` the name of a symbol in icons.svg.

    `listen` is for what is not brought by webhook (long polling, a standing connection): it runs until the event is set
    or the connection fails (then it raises Unreached or TemporaryFailure), and is called again after a while. It is
    given the settings and does nothing by returning at once when the inbox does not want it. `approved` asks the
    provider for the texts it has approved: name, language, and text with numbered places `{{1}}`. `said` is what the
    webhook's door answers: content type and body, or how they follow from the request. `snippet` is what the business
    puts into pages of its own, with {public} and {inbox} to be filled in; `snippet_label` and `snippet_help` say where,
    when it is not in every page.
    `typed` makes of what an agent typed the address of a customer, or raises ValueError; None: they write first.
    Channels of one `medium` come to the same device under the same address: whoever says STOP on one means all of
    them, and only START undoes it. `greets`: whether who writes for the first time is told at once that it came and
    by when an answer does; `on` or `off` unless the inbox says otherwise (on where that costs nothing), '' never.
    `receives`: whether customers can write by it, rather than only receipts come in.
    `profile` asks the provider what somebody is called, where messages do not say it; it raises Failure.
    """

    name: str
    label: str
    icon: str
    parse: Callable[[bytes], Parsed]
    hook: Hook | None = None
    said: tuple[str, bytes] | Callable[[Request], tuple[str, bytes]] = ("application/json", b"{}")
    listen: Callable[[Settings, Take, Event], None] | None = None
    line: Callable[[Settings], Line] | None = None
    fetch: Callable[[Settings, Mapping[str, Any]], Fetched] | None = None
    approved: Callable[[Settings], list[dict[str, str]]] | None = None
    profile: Callable[[Settings, str], str] | None = None
    typed: Callable[[str], str] | None = None
    fields: Sequence[Field] = ()
    probe: Callable[[Settings], Iterator[Step]] | None = None
    limits: Limits = Limits()
    snippet: str = ""
    snippet_label: str = ""
    snippet_help: str = ""
    medium: str = ""
    receives: bool = True
    greets: Literal["", "off", "on"] = ""
