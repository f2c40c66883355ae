"""Lines to providers: what an inbox's settings say about sending, and the connections that are kept between calls."""

import json
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, LiteralString, Protocol, Self, cast
from urllib.parse import quote
from uuid import UUID

from django.conf import settings

from wasl.channels.base import OutboundMessage, Reason, Sent, Unreached
from wasl.channels.email.compose import pieces
from wasl.channels.email.send import SmtpConnection
from wasl.channels.port import OutboundChat, Settings
from wasl.channels.registry import channels
from wasl.channels.secret import Unreadable, unseal
from wasl.delivery.claim import Key
from wasl.kit import outside
from wasl.kit.db import Connection, as_tenant
from wasl.kit.outside import NotCalled

IDLE = 20.0
"""Seconds after which a connection that nobody used is closed: servers end theirs after as little as 30."""

IN_MEMORY = 256 * 1024
"""Bytes of a letter that are kept in memory; a larger one is written to disk."""

LOOK_TIMEOUT = 5.0
LOOK_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outlet:
    """How an inbox sends. `fault` says, in words, why it cannot."""

    key: Key
    channel: str
    address: str
    config: Mapping[str, Any] = field(hash=False)
    password: str = field(default="", repr=False)
    fault: str = ""

    @property
    def smtp(self) -> Mapping[str, Any]:
        """The mail server: host, port, tls, user, connections."""
        found = self.config.get("smtp")
        return found if isinstance(found, dict) else {}

    @property
    def lookup(self) -> str:
        """Where the provider can be asked about a message; '' when it cannot."""
        return str(self.config.get("lookup") or "")

    @property
    def settings(self) -> Settings:
        """As its channel knows it: what is kept under `password` are its secrets by name."""
        secrets = json.loads(self.password) if self.password else {}
        hook = f"{settings.ENV.public_url.rstrip('/')}/hooks/{self.channel}/{self.key.inbox_id}"
        private = settings.ENV.private_servers
        return Settings(self.address, self.config, secrets, private=private, webhook=hook)

    def connections(self, senders: int) -> int:
        """How many calls may be under way: what the settings say, else three quarters of the senders."""
        wanted = self.smtp.get("connections") if self.smtp else _lines(self)
        return max(1, min(wanted, senders) if isinstance(wanted, int) else senders * 3 // 4)


def _lines(outlet: Outlet) -> int | None:
    """What a channel's own field "lines" says: some networks sell connections by the piece."""
    channel = channels().get(outlet.channel)
    default = next((each.default for each in channel.fields if each.name == "lines"), "") if channel else ""
    said = str(outlet.config.get("lines") or default)
    return int(said) if said.isascii() and said.isdigit() and len(said) < 4 else None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it travels, in a file that vanishes when it is closed: a large one is not kept in memory."""

    sender: str
    recipients: tuple[str, ...]
    file: BinaryIO

    @classmethod
    def of(cls, message: OutboundMessage) -> Self:
        """An e-mail. Raises ValueError for a wrong message."""
        recipients = tuple(each.address for each in (*message.to, *message.cc))
        file = cast("BinaryIO", SpooledTemporaryFile(IN_MEMORY, dir=str(settings.ENV.run_dir)))  # noqa: SIM115
        try:
            for piece in pieces(message):
                file.write(piece)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return cls(message.envelope_from, recipients, file)

    def close(self) -> None:
        """Let the file vanish."""
        self.file.close()


@dataclass(frozen=True, slots=True)
class Chat:
    """A message of another channel, as its line takes it."""

    message: OutboundChat

    def close(self) -> None:
        """Its files are opened when they are read."""


class Line(Protocol):
    """One connection to a provider, for one thread at a time."""

    def send(self, letter: Any) -> Sent:
        """Raises Unreached, TemporaryFailure, PermanentFailure or InDoubt."""

    def close(self) -> None:
        """Say goodbye."""


class SmtpLine:
    """E-mail by the inbox's own mail server."""

    def __init__(self, outlet: Outlet) -> None:
        smtp, password = outlet.smtp, outlet.password
        if not smtp.get("host"):
            relay = settings.ENV.smtp_relay
            if relay is None:
                raise Unreached("", "This inbox has no outgoing mail server.", reason=Reason.UNREACHABLE)
            smtp, password = asdict(relay), relay.password
        self._smtp = SmtpConnection(
            str(smtp["host"]),
            int(smtp.get("port") or 587),
            smtp.get("tls") or "starttls",
            str(smtp.get("user") or ""),
            password,
            context=_trust(),
            # What the relay's settings name is the operator's own business.
            private=settings.ENV.private_servers or not outlet.smtp.get("host"),
            local_name=outlet.address.rpartition("@")[2],
        )

    def send(self, letter: Letter) -> Sent:
        """Hand over."""
        return self._smtp.send(letter.sender, letter.recipients, letter.file)

    def close(self) -> None:
        """QUIT."""
        self._smtp.close()


class ChatLine:
    """Any other channel, by its own line."""

    def __init__(self, outlet: Outlet) -> None:
        channel = channels().get(outlet.channel)
        if channel is None or channel.line is None:
            raise Unreached("", f"Nothing sends by {outlet.channel}.", reason=Reason.UNREACHABLE)
        self._line = channel.line(outlet.settings)

    def send(self, letter: Chat) -> Sent:
        """Hand over."""
        return self._line.send(letter.message)

    def close(self) -> None:
        """Let go."""
        self._line.close()


@cache
def _trust() -> ssl.SSLContext:
    """The system's certificates, read once: that takes 20 ms each time."""
    return ssl.create_default_context()


class Lines:
    """Kept connections, by inbox. Any thread may take one; a thread has it alone until it gives it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Outlet, list[tuple[float, Line]]] = defaultdict(list)

    @contextmanager
    def line(self, outlet: Outlet) -> Iterator[Line]:
        """A line to the inbox's provider; kept afterwards, whatever came of the call (the line knows its own state).

        Raises Unreached when the inbox has no way out.
        """
        line = self._kept(outlet) or _made(outlet)
        try:
            yield line
        finally:
            with self._lock:
                self._idle[outlet].append((time.monotonic(), line))

    def _kept(self, outlet: Outlet) -> Line | None:
        with self._lock:
            kept = self._idle.get(outlet)
            return kept.pop()[1] if kept else None

    def sweep(self, idle: float = IDLE) -> None:
        """Close what has not been used for a while, and what belongs to settings that have changed."""
        before = time.monotonic() - idle
        with self._lock:
            old = [line for kept in self._idle.values() for at, line in kept if at <= before]
            fresh = {o: [entry for entry in kept if entry[0] > before] for o, kept in self._idle.items()}
            self._idle = defaultdict(list, {outlet: kept for outlet, kept in fresh.items() if kept})
        for line in old:
            line.close()

    def close(self) -> None:
        """Close every line that is not in use."""
        self.sweep(idle=0.0)


def _made(outlet: Outlet) -> Line:
    if outlet.fault:
        raise Unreached("", outlet.fault, reason=Reason.SIGN_IN)
    try:
        return SmtpLine(outlet) if outlet.channel == "email" else ChatLine(outlet)
    except (TypeError, ValueError) as error:
        raise Unreached(
            "", f"The inbox's settings cannot be used: {error}", reason=Reason.UNREACHABLE
        ) from error


def ask(url: str, message_id: str) -> bool | None:
    """Ask a provider whether it took a message; None when it does not say, or lies where nothing may be called.

    GET url?message_id=… is answered {"taken": true} or {"taken": false}.
    """
    address, _, query = url.partition("?")
    query = "&".join(filter(None, (query, f"message_id={quote(message_id, safe='')}")))
    try:
        answer = outside.call(
            "GET",
            f"{address}?{query}",
            timeout=LOOK_TIMEOUT,
            most=LOOK_LIMIT,
            private=settings.ENV.private_servers,
        )
        body = json.loads(answer.body) if answer.status == 200 else {}
    except (NotCalled, ValueError):
        return None
    taken = body.get("taken") if isinstance(body, dict) else None
    return taken if isinstance(taken, bool) else None


_OUTLETS: LiteralString = (
    "SELECT id, channel, address, config, secret FROM channels_inbox WHERE workspace_id = %s AND id = ANY(%s)"
)


def outlets(conn: Connection, keys: Iterable[Key]) -> dict[Key, Outlet]:
    """How these inboxes send, read as each workspace's own role."""
    wanted: dict[UUID, list[UUID]] = defaultdict(list)
    for key in keys:
        wanted[key.workspace_id].append(key.inbox_id)
    found = {}
    for workspace_id, inbox_ids in wanted.items():
        with as_tenant(conn, workspace_id):
            for row in conn.execute(_OUTLETS, [workspace_id, inbox_ids]):
                key = Key(workspace_id, row[0])
                password, fault = _password(key, row[4])
                found[key] = Outlet(key, row[1], row[2], row[3], password, fault)
    return found


def _password(key: Key, sealed: bytes | None) -> tuple[str, str]:
    if not sealed:
        return "", ""
    try:
        return unseal(*key, bytes(sealed)), ""
    except Unreadable as error:
        return "", f"Enter the password of this inbox's mail server again: {error}."
