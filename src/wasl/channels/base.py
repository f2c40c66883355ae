"""What every channel makes of an incoming message, and what it takes to send one.

Pure values and exceptions; no Django, no database, no network.
All text in these values can be stored in PostgreSQL as it is: no NUL, encodable as UTF-8; and no
value that comes from a header holds a line break.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from wasl.channels.values import text
from wasl.kit.languages import Code

Language = Literal[Code, ""]
Auto = Literal["", "auto-replied", "auto-generated", "bulk", "list"]
Permanence = Literal["permanent", "temporary", "delayed", "unknown"]
Method = Literal["request", "update", "cancel", "reply", "counter", "publish"]
Answer = Literal["", "accepted", "declined", "tentative"]
BounceKind = Literal[
    "failed",
    "delayed",
    "delivered",
    "relayed",
    "expanded",
    "complaint",
    "unknown",
    "sent",
    "read",
    "seen",
    "acted",
]


class Reason(StrEnum):
    """Why a message did not arrive, in the words a page is built from; never a provider's code."""

    ADDRESS_UNKNOWN = "address_unknown"
    MAILBOX_FULL = "mailbox_full"
    UNWANTED = "unwanted"
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    NOT_NOW = "not_now"
    SIGN_IN = "sign_in"
    INSECURE = "insecure"
    BAD_MESSAGE = "bad_message"
    WINDOW_CLOSED = "window_closed"
    TEMPLATE = "template"
    STOPPED = "stopped"
    ACCOUNT = "account"
    OTHER = "other"


class Unread(StrEnum):
    """Why an incoming message could not be understood and waits in quarantine."""

    EMPTY = "empty"
    NO_SENDER = "no_sender"
    OURS = "ours"
    NESTED_TOO_DEEP = "nested_too_deep"
    TOO_MANY_PARTS = "too_many_parts"
    TOO_LARGE = "too_large"
    UNFETCHED = "unfetched"
    BROKEN = "broken"


def normalise_address(address: str) -> str:
    """`local@domain` with the domain in lower case and as A-labels where IDNA allows; else unchanged.

    The local part keeps its case: only its owner may say that case does not matter (RFC 5321, 2.4).
    """
    local, at, domain = address.strip().rpartition("@")
    if not at:
        return address.strip()
    domain = domain.rstrip(".")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            domain = unicodedata.normalize("NFC", domain)
    return f"{local}@{domain.lower()}"


@dataclass(frozen=True, slots=True)
class Address:
    """A name and an address; the address is normalised on the way in. Phone numbers pass unchanged."""

    name: str
    address: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", normalise_address(self.address))

    @property
    def identity_key(self) -> str:
        """What two addresses of the same mailbox have in common: NFC, case folded.

        Without an @ it is a number or an id of another program, in which case may tell two people apart.
        """
        if "@" not in self.address:
            return self.address
        if self.address.isascii():
            return self.address.lower()
        return unicodedata.normalize("NFC", self.address.casefold())


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment or an inline image; `content_id` is without angle brackets, '' when absent."""

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Enclosed:
    """The same for a message of ours, read piece by piece when it is written: a film need not be in memory."""

    filename: str
    content_type: str
    pieces: Callable[[], Iterator[bytes]]
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A calendar event that came with a message (RFC 5545, 5546); what is not said is ''.

    start and end are ISO 8601: a date for whole days (end is the last of them), else date and time with the offset
    of the event's own zone, without one when it is meant wherever one is. repeats is daily, weekly, monthly, yearly.
    attendee is who answered, in a reply.
    """

    method: Method
    title: str
    start: str
    end: str
    all_day: bool = False
    zone: str = ""
    place: str = ""
    organiser: str = ""
    attendee: str = ""
    answer: Answer = ""
    repeats: str = ""


@dataclass(frozen=True, slots=True)
class BounceReport:
    """What a mail server or a recipient's provider says about a message of ours (RFC 3464, RFC 5965).

    status is an RFC 3463 code such as '5.1.1'; whatever the report does not say is ''. permanence says whether
    the refusal is for good, may pass, or the server still tries; reason is OTHER when nobody says.
    """

    kind: BounceKind
    recipient: str = ""
    status: str = ""
    diagnostic: str = ""
    original_message_id: str = ""
    permanence: Permanence = "unknown"
    reason: Reason = Reason.OTHER


@dataclass(frozen=True, slots=True)
class Media:
    """A file that the provider holds until it is asked for it; `ref` is what its channel needs for that.

    size is in bytes, 0 when the provider does not say; sha256 is raw, empty likewise.
    """

    ref: Mapping[str, str]
    content_type: str
    filename: str = ""
    size: int = 0
    sha256: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMessage:
    """An incoming message, understood.

    html is sanitised and loads nothing: images from elsewhere carry `data-remote-src`, images of the
    message itself `data-cid`. text is never empty when html is not. message_id and its kin are
    without angle brackets; message_id may be '' and is not unique. sent_at is aware and in UTC.
    reply_to says where answers should go; it is never evidence of who wrote. quiet is '' or why no
    program should answer, mark what a mail of our own would carry (both: channels.email.auto). auth_results is the
    topmost Authentication-Results, whoever wrote it (channels.email.authentic).

    Of chats: message_id is the provider's id, in_reply_to what was quoted. aliases are other keys of the sender on the
    same channel, verified (channel, key) pairs of theirs on others, for which somebody vouches whom the inbox trusts.
    shown is what people are shown in the place of an address that would tell them nothing. kind says what it is when it
    is more than text ("location", "choice", "unsupported" …), content holds that in the words of the page, media what
    is still to be fetched. written_by_us: the business sent it itself, from another program; the sender is then whom it
    was sent to. is_old: it was brought in from elsewhere long after it was written.
    """

    channel: str
    sender: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    has_remote: bool = False
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    sent_at: datetime | None = None
    language: Language = ""
    parts: tuple[Part, ...] = ()
    auto: Auto = ""
    quiet: str = ""
    mark: str = ""
    auth_results: str = ""
    bounce: BounceReport | None = None
    invitation: Invitation | None = None
    defects: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    verified: tuple[tuple[str, str], ...] = ()
    shown: str = ""
    kind: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
    media: tuple[Media, ...] = ()
    written_by_us: bool = False
    is_old: bool = False

    @property
    def is_news(self) -> bool:
        """Whether somebody is to look at it: not what a program answered, the business wrote itself, or is history."""
        return not (self.is_echo or self.written_by_us or self.is_old)

    @property
    def is_echo(self) -> bool:
        """A program's answer to a mail of ours ("I am away"): no news, so it wakes and opens nothing."""
        return self.auto == "auto-replied"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """A message to send. The same value composes to the same bytes, so a retry is the same message.

    message_id, in_reply_to and references are without angle brackets. date is aware: the moment the
    message was written, not that of the attempt. envelope_from '' is the null sender (RFC 5321). auto:
    a program of ours wrote it, and it says so, so that no other program answers (RFC 3834).
    """

    message_id: str
    date: datetime
    from_: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    reply_to: Address | None = None
    envelope_from: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    parts: tuple[Part | Enclosed, ...] = ()
    language: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    auto: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """One recipient the server did not take while it took others."""

    address: str
    permanent: bool
    code: str
    detail: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took the message. `refused` lists recipients it did not take; seldom any."""

    provider_ref: str
    detail: str = ""
    refused: tuple[Refusal, ...] = ()


class Failure(Exception):
    """A send that certainly had no effect. code and detail are the provider's, as far as they can be stored; reason is
    for people."""

    def __init__(self, code: str, detail: str, reason: Reason) -> None:
        super().__init__(code, detail)
        self.code = text(code)
        self.detail = text(detail)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code} {self.detail}".strip()


class TemporaryFailure(Failure):
    """Worth another try; `retry_after` in seconds when the provider asked for a wait."""

    def __init__(
        self, code: str, detail: str, retry_after: float | None = None, reason: Reason = Reason.NOT_NOW
    ) -> None:
        super().__init__(code, detail, reason)
        self.retry_after = retry_after


class Unreached(TemporaryFailure):
    """No connection came about: the fault is the provider's or the settings', and no message's."""


NO_ACCOUNT = "no_account"
"""The code of our own for what cannot be asked because the settings do not say of which account."""


class PermanentFailure(Failure):
    """Trying again will not help."""

    def __init__(self, code: str, detail: str, reason: Reason = Reason.OTHER) -> None:
        super().__init__(code, detail, reason)


class InDoubt(Exception):
    """The call may or may not have taken effect, as when the line drops after the last byte."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = text(detail)

    def __str__(self) -> str:
        return self.detail


class Unparseable(Exception):
    """An incoming message that goes to quarantine, with the reason a person is shown."""

    def __init__(self, reason: Unread, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
