"""A connection to a message centre: bytes in and out, one PDU after the other, every wait bounded."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from functools import cache

from wasl.channels.base import Reason, Unreached
from wasl.channels.port import Settings
from wasl.channels.smpp import pdu
from wasl.channels.smpp.errors import reason_of
from wasl.channels.smpp.pdu import Bind, Garbled, Pdu
from wasl.kit import outside
from wasl.kit.outside import NotCalled

CONNECT, ANSWER = 10.0, 20.0
"""Seconds for a connection, and for the answer to a request."""


class Gone(Exception):
    """The connection is no more, or nobody answers on it."""


class Link:
    """One connection, for one thread. What is asked of us in between is answered by `meanwhile`."""

    def __init__(self, inbox: Settings, meanwhile: Callable[[Pdu], Pdu | None] | None = None) -> None:
        """Connect. Raises Unreached."""
        self._buffer = bytearray()
        self._sequence = 0
        self._meanwhile = meanwhile or refuse
        self._socket = _connect(inbox)

    def bind(self, mode: int, inbox: Settings) -> None:
        """Sign in. Raises Unreached, with why."""
        who = Bind(
            system_id=inbox.text("system_id"),
            password=inbox.secrets.get("password", ""),
            system_type=inbox.text("system_type"),
        )
        try:
            said = self.ask(mode, who.encode())
        except Gone as error:
            raise Unreached("", str(error), reason=Reason.UNREACHABLE) from error
        if said.status:
            reason, _way = reason_of(said.status)
            known = reason in (Reason.SIGN_IN, Reason.NOT_NOW)
            raise Unreached(f"{said.status:#x}", "bind refused", reason=reason if known else Reason.SIGN_IN)

    def ask(self, command: int, body: bytes = b"", patience: float = ANSWER) -> Pdu:
        """Send a request and wait for its answer. Raises Gone."""
        sequence = self.send(command, body)
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            found = self.receive(left)
            if found is None:
                continue
            if found.sequence == sequence and found.command in (command | pdu.RESPONSE, pdu.GENERIC_NACK):
                return found
            self.attend(found)
        raise Gone("no answer in time")

    def attend(self, found: Pdu) -> None:
        """Deal with what the centre asks of us. Raises Gone, also when it takes its leave."""
        if found.command == pdu.ENQUIRE_LINK:
            self.answer(found.answer())
        elif found.command == pdu.UNBIND:
            self.answer(found.answer())
            raise Gone("the message centre ended the connection")
        elif not found.command & pdu.RESPONSE:
            said = self._meanwhile(found)
            if said is not None:
                self.answer(said)

    def send(self, command: int, body: bytes = b"") -> int:
        """Send a request without waiting; its sequence number. Raises Gone."""
        self._sequence = self._sequence % 0x7FFFFFFE + 1
        self.answer(Pdu(command, self._sequence, body))
        return self._sequence

    def answer(self, said: Pdu) -> None:
        """Send a PDU as it is. Raises Gone."""
        try:
            self._socket.settimeout(ANSWER)
            self._socket.sendall(said.encode())
        except OSError as error:
            raise Gone(f"the connection broke: {error}") from error

    def receive(self, patience: float) -> Pdu | None:
        """The next PDU; None when none is there in time, and half of one waits for its other half. Raises Gone."""
        end = time.monotonic() + patience
        while True:
            try:
                found = pdu.take(self._buffer)
            except Garbled as error:
                raise Gone(f"what came is no SMPP: {error}") from error
            if found is not None:
                return found
            left = end - time.monotonic()
            if left <= 0 and patience > 0:
                return None
            if not self._read(max(left, 0.0)):
                return None

    def _read(self, patience: float) -> bool:
        """Whether more has come."""
        try:
            self._socket.settimeout(max(patience, 0.001))
            piece = self._socket.recv(65_536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError as error:
            raise Gone(f"the connection broke: {error}") from error
        if not piece:
            raise Gone("the message centre hung up")
        self._buffer += piece
        return True

    def drain(self) -> None:
        """Attend to whatever has come since the last time. Raises Gone."""
        while (found := self.receive(0.0)) is not None:
            self.attend(found)

    def close(self, *, politely: bool = True) -> None:
        """Take leave and hang up. Raises nothing."""
        with contextlib.suppress(Gone, OSError):
            if politely:
                self.ask(pdu.UNBIND, patience=2.0)
        with contextlib.suppress(OSError):
            self._socket.close()


def refuse(found: Pdu) -> Pdu | None:
    """What is said to requests on a connection that only sends: bring it again later, to one that listens."""
    if found.command in (pdu.DELIVER_SM, pdu.DATA_SM):
        return found.answer(pdu.text(""), pdu.TRY_LATER)
    if found.command in (pdu.ALERT_NOTIFICATION, pdu.OUTBIND):
        return None
    return Pdu(pdu.GENERIC_NACK, found.sequence, b"", pdu.INVALID_COMMAND)


def _connect(inbox: Settings) -> socket.socket:
    host = inbox.text("host")
    try:
        port = int(inbox.text("port", "2775"))
        if not host or not 0 < port < 65536:
            raise ValueError
    except ValueError as error:
        raise Unreached("", "The host or the port is missing.", reason=Reason.UNREACHABLE) from error
    try:
        addresses = outside.resolve(host, port, private=inbox.private)
    except NotCalled as error:
        detail = " ".join(filter(None, (str(error.reason), error.detail)))
        raise Unreached("", detail, reason=Reason.UNREACHABLE) from error
    last = "the name stands for no address"
    for address in addresses[:4]:
        try:
            return _secured(socket.create_connection((address, port), CONNECT), host, inbox)
        except ssl.SSLCertVerificationError as error:
            raise Unreached("", error.verify_message, reason=Reason.INSECURE) from error
        except ssl.SSLError as error:
            raise Unreached("", str(error), reason=Reason.INSECURE) from error
        except OSError as error:
            last = str(error)
    raise Unreached("", last, reason=Reason.UNREACHABLE)


def _secured(plain: socket.socket, host: str, inbox: Settings) -> socket.socket:
    plain.settimeout(CONNECT)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if inbox.text("tls", "yes").lower() == "no":
        return plain
    try:
        return _trust().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
