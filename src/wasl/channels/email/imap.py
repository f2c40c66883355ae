"""One signed-in IMAP connection (RFC 3501), with the few things that fetching mail needs.

Whatever goes wrong is a Trouble that says at which step. Reads give up after a while, and another thread may end the
connection at any moment with `abort`, which makes a call under way fail: that is how a server which sends a byte now
and then is got rid of.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError
from imapclient.response_parser import ProtocolError

from wasl.channels.email import dial
from wasl.channels.email.outside import Imap
from wasl.channels.email.trouble import Fault, Step, Trouble, said

TIMEOUT = 45.0
"""Seconds of silence after which a server is given up."""

PIECE = 1024 * 1024
LITERAL = 32 * PIECE

# A line of a search over a mailbox of two million messages; the library's own limit is a megabyte.
imaplib._MAXLINE = 20_000_000  # type: ignore[attr-defined]

Password = Callable[[bool], str]
"""What signs in: the password, or an access token; called with True when the last one was refused."""

_DISABLED = re.compile(
    r"not enabled for imap|imap (?:access )?(?:is )?(?:disabled|not (?:enabled|allowed))|imap4? is disabled"
    r"|authenticated but not connected",
    re.IGNORECASE,
)
_APP_PASSWORD = re.compile(
    r"application-specific password|app[- ]password|web ?login required|WEBALERT", re.IGNORECASE
)
_NOT_NOW = re.compile(
    r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA)\]|too many|try again|temporar", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it was when it was opened. `next_uid` is 0 when the server does not say."""

    uidvalidity: int
    next_uid: int


@dataclass(frozen=True, slots=True)
class Brief:
    """A message before it is fetched. `arrived` is the server's INTERNALDATE, aware."""

    uid: int
    size: int
    arrived: datetime | None


class Gone(Exception):
    """A message that is not in the folder any more."""


class _Over(imaplib.IMAP4):
    """IMAP over a connection that is there already."""

    def __init__(self, sock: socket.socket, host: str) -> None:
        self._given = sock
        super().__init__(host)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._given

    def read(self, size: int) -> bytes:
        """A literal; no server may announce one that fills our memory."""
        if size > LITERAL:
            raise self.abort(f"a literal of {size} bytes")
        return super().read(size)


class _Client(IMAPClient):  # type: ignore[misc]  # no types
    """IMAPClient over a connection that is there already; writes nothing of the talk to the log."""

    def __init__(self, sock: socket.socket, host: str) -> None:
        self._given = sock
        super().__init__(host, ssl=False, timeout=TIMEOUT)
        self._imap.debug = 0
        self.normalise_times = False

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's name
        return _Over(self._given, self.host)


class Session:
    """A mailbox that is open. One thread works with it; `abort` may be called by any."""

    def __init__(self, sock: socket.socket, client: Any) -> None:
        self._sock = sock
        self._client = client
        self._can: frozenset[str] = frozenset()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Log out politely, unless something went wrong."""
        if kind is None:
            with contextlib.suppress(Exception):
                self._sock.settimeout(3.0)
                self._client.logout()
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.abort()
        with contextlib.suppress(Exception):
            self._client.shutdown()

    @property
    def idles(self) -> bool:
        """Whether the server tells of new mail by itself (RFC 2177)."""
        return "IDLE" in self._can

    @property
    def connection(self) -> object:
        """The connection underneath, to look at its certificate."""
        return self._client.socket()

    def abort(self) -> None:
        """End the connection under a call that does not return."""
        with contextlib.suppress(OSError):
            # The plain socket's: an SSL socket would take its state away under the thread that reads.
            socket.socket.shutdown(self._client.socket(), socket.SHUT_RDWR)

    def sign_in(self, mailbox: Imap, password: Password) -> None:
        """Raises Trouble (sign_in_refused and its kin)."""
        with _at(Step.SIGN_IN):
            can = self._capabilities()
        if mailbox.auth == "oauth":
            self._with_token(mailbox.user, password)
        elif "AUTH=PLAIN" in can:
            self._authenticate("PLAIN", f"\0{mailbox.user}\0{password(False)}".encode())
        elif "LOGINDISABLED" in can:
            raise Trouble(Step.SIGN_IN, Fault.SIGN_IN_NEEDS_TLS)
        else:
            with _signing_in():
                self._client.login(mailbox.user, password(False))
        with _at(Step.SIGN_IN):
            self._capabilities()

    def open(self, folder: str, *, writing: bool) -> Folder:
        """Open a folder. Raises Trouble (folder_missing)."""
        with _at(Step.FOLDER, Fault.FOLDER_MISSING):
            said_ = self._client.select_folder(folder, readonly=not writing)
        # A server that knows no UIDVALIDITY counts as one whose numbers hold.
        return Folder(int(said_.get(b"UIDVALIDITY") or 1), int(said_.get(b"UIDNEXT") or 0))

    def has(self, folder: str) -> bool:
        """Whether there is a folder of that name."""
        with _at(Step.FOLDER):
            return bool(self._client.folder_exists(folder))

    def after(self, uid: int, until: int | None = None, since: date | None = None) -> list[int]:
        """Messages above a uid, lowest first; with `until` up to one, with `since` of that day or later."""
        criteria: list[Any] = ["UID", f"{uid + 1}:{until or '*'}"]
        if since:
            criteria += ["SINCE", since]
        with _at(Step.FOLDER, Fault.NOT_UNDERSTOOD):
            self._told_of_more()
            found = self._client.search(criteria)
        # `n:*` names the last message even when its uid is below n.
        return sorted(n for n in set(found) if n > uid)

    def briefs(self, uids: Sequence[int]) -> list[Brief]:
        """Size and arrival of messages, lowest uid first; those that are gone are left out."""
        with _at(Step.FOLDER, Fault.NOT_UNDERSTOOD):
            rows = self._client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
        return [
            Brief(uid, int(row.get(b"RFC822.SIZE") or 0), _aware(row.get(b"INTERNALDATE")))
            for uid, row in sorted(rows.items())
        ]

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Messages as they came, without marking them as read."""
        with _at(Step.FOLDER, Fault.NOT_UNDERSTOOD):
            rows = self._client.fetch(uids, ["BODY.PEEK[]"])
        return {uid: body for uid, row in rows.items() if isinstance(body := row.get(b"BODY[]"), bytes)}

    def pieces(self, uid: int) -> Iterator[bytes]:
        """A large message, a piece at a time. Raises Gone."""
        start = 0
        while True:
            with _at(Step.FOLDER, Fault.NOT_UNDERSTOOD):
                rows = self._client.fetch([uid], [f"BODY.PEEK[]<{start}.{PIECE}>"])
            row = rows.get(uid)
            if row is None:
                raise Gone
            piece = next((v for k, v in row.items() if k.startswith(b"BODY[") and isinstance(v, bytes)), b"")
            if piece:
                yield piece
            if len(piece) < PIECE:
                return
            start += len(piece)

    def header(self, uid: int) -> bytes | None:
        """The beginning of a message's header; None when the message is gone."""
        with _at(Step.FOLDER, Fault.NOT_UNDERSTOOD):
            rows = self._client.fetch([uid], [f"BODY.PEEK[HEADER]<0.{64 * 1024}>"])
        row = rows.get(uid)
        if row is None:
            return None
        return next((v for k, v in row.items() if k.startswith(b"BODY[") and isinstance(v, bytes)), b"")

    def mark_seen(self, uids: Sequence[int]) -> None:
        """Mark messages as read."""
        with _at(Step.FOLDER, Fault.NOT_UNDERSTOOD):
            self._client.add_flags(uids, [b"\\Seen"], silent=True)

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move messages away; a folder that does not exist is Trouble (after_folder_missing)."""
        with _at(Step.FOLDER, Fault.AFTER_FOLDER_MISSING):
            if "MOVE" in self._can:
                self._client.move(uids, folder)
                return
            self._client.copy(uids, folder)
        with _at(Step.FOLDER, Fault.NOT_UNDERSTOOD):
            self._client.add_flags(uids, [b"\\Deleted"], silent=True)
            # A plain EXPUNGE would take messages that somebody else has marked.
            if "UIDPLUS" in self._can:
                self._client.uid_expunge(uids)

    def idle(self, seconds: float) -> None:
        """Wait until the folder has changed since messages were last looked for (`after`), for so long at most.

        What the server told of with another answer meanwhile, it does not tell again (RFC 3501 section 7).
        """
        if self._told_of_more():
            return
        with _at(Step.FOLDER):
            self._client.idle()
            self._client.idle_check(timeout=seconds)
            self._client.idle_done()

    def _told_of_more(self) -> bool:
        """Whether the server has said since the last time how many messages there are."""
        return bool(self._client._imap.untagged_responses.pop("EXISTS", None))

    def _capabilities(self) -> frozenset[str]:
        self._client._cached_capabilities = None
        self._can = frozenset(_text(each).upper() for each in self._client.capabilities())
        return self._can

    def _with_token(self, user: str, password: Password) -> None:
        """XOAUTH2, once more with a new token when one that should be good was refused."""
        try:
            self._authenticate("XOAUTH2", _xoauth2(user, password(False)))
        except Trouble as trouble:
            if trouble.fault is not Fault.SIGN_IN_REFUSED:
                raise
            self._authenticate("XOAUTH2", _xoauth2(user, password(True)))

    def _authenticate(self, mechanism: str, answer: bytes) -> None:
        """SASL with one answer; to a challenge that tells of an error, the empty one that ends it."""
        if f"AUTH={mechanism}" not in self._can:
            raise Trouble(Step.SIGN_IN, Fault.SIGN_IN_NOT_OFFERED, mechanism)
        given: list[bytes] = []

        def respond(challenge: bytes) -> bytes:
            given.append(challenge)
            return answer if len(given) == 1 else b""

        with _signing_in():
            typ, data = self._client._imap.authenticate(mechanism, respond)
            self._client._checkok("authenticate", typ, data)


def call(
    mailbox: Imap,
    *,
    private: bool = True,
    context: ssl.SSLContext | None = None,
    timeout: float = TIMEOUT,
    connected: Callable[[socket.socket], object] = bool,
) -> Session:
    """Reach the mailbox's server, encrypted as asked. Raises Trouble.

    `connected` gets the connection early, so that it can be ended from elsewhere.
    """
    addresses = dial.resolve(mailbox.host, mailbox.port, private=private)
    sock = dial.connect(addresses, timeout=timeout)
    connected(sock)
    if mailbox.tls == "tls":
        sock = dial.encrypt(sock, mailbox.host, context)
    try:
        session = _greeted(sock, mailbox.host, timeout)
        if mailbox.tls == "starttls":
            _start_tls(session, context)
    except BaseException:
        sock.close()
        raise
    return session


def _greeted(sock: socket.socket, host: str, timeout: float) -> Session:
    try:
        client = _Client(sock, host)
    except TimeoutError as error:
        raise Trouble(Step.CONNECT, Fault.SILENT) from error
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        words = said(error)
        fault = Fault.BUSY if "BYE" in words else Fault.LOST if "EOF" in words else Fault.NOT_MAIL
        raise Trouble(Step.CONNECT, fault, words) from error
    client.socket().settimeout(timeout)
    return Session(sock, client)


def _start_tls(session: Session, context: ssl.SSLContext | None) -> None:
    with _at(Step.TLS):
        can = session._capabilities()
    if "STARTTLS" not in can:
        raise Trouble(Step.TLS, Fault.TLS_NOT_OFFERED)
    try:
        session._client.starttls(context or dial.trust())
    except (imaplib.IMAP4.abort, OSError, ValueError) as error:
        raise dial.untrusted(error) from error
    except imaplib.IMAP4.error as error:
        raise Trouble(Step.TLS, Fault.TLS_NOT_OFFERED, said(error)) from error


@contextmanager
def _at(step: Step, refused: Fault = Fault.LOST) -> Iterator[None]:
    """Every way a command can fail → Trouble; `refused` is what a NO or a BAD of a living server means."""
    try:
        yield
    except TimeoutError as error:
        raise Trouble(step, Fault.TIMED_OUT) from error
    except imaplib.IMAP4.readonly as error:
        raise Trouble(step, refused, said(error)) from error
    except (imaplib.IMAP4.abort, ProtocolError, OSError) as error:
        raise Trouble(step, Fault.LOST, said(error)) from error
    except (imaplib.IMAP4.error, IMAPClientError) as error:
        raise Trouble(step, refused, said(error)) from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError) as error:
        # What the library makes of an answer that is no IMAP.
        raise Trouble(step, Fault.NOT_UNDERSTOOD, f"{type(error).__name__}: {said(error)}") from error


@contextmanager
def _signing_in() -> Iterator[None]:
    try:
        with _at(Step.SIGN_IN, Fault.SIGN_IN_REFUSED):
            yield
    except Trouble as trouble:
        if trouble.fault is not Fault.SIGN_IN_REFUSED:
            raise
        raise Trouble(Step.SIGN_IN, _refusal(trouble.detail), trouble.detail) from trouble


def _refusal(words: str) -> Fault:
    """What a refused sign-in means (RFC 5530, and what large providers write)."""
    if _DISABLED.search(words):
        return Fault.IMAP_DISABLED
    if _APP_PASSWORD.search(words):
        return Fault.APP_PASSWORD
    if "[PRIVACYREQUIRED]" in words.upper():
        return Fault.SIGN_IN_NEEDS_TLS
    return Fault.SIGN_IN_NOT_NOW if _NOT_NOW.search(words) else Fault.SIGN_IN_REFUSED


def _xoauth2(user: str, token: str) -> bytes:
    return f"user={user}\1auth=Bearer {token}\1\1".encode()


def _aware(moment: Any) -> datetime | None:
    if not isinstance(moment, datetime):
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(each: Any) -> str:
    return each.decode("ascii", "replace") if isinstance(each, bytes) else str(each)
