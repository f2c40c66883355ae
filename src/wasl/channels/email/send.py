"""Sending over SMTP (RFC 5321) with the moment of every failure known.

The standard library's `sendmail` does not say at which step a connection died, and that is what
decides between trying again and being in doubt. So the steps are taken one by one here:

- before MAIL any failure is the connection's, not the message's: temporary, whatever its code;
- from MAIL to the last byte before the final dot a lost connection is temporary: the server cannot
  have taken a message it does not know the end of;
- from the final dot until its reply a lost connection is in doubt.
"""

from __future__ import annotations

import contextlib
import io
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Literal

from wasl.channels.base import (
    Failure,
    InDoubt,
    PermanentFailure,
    Reason,
    Refusal,
    Sent,
    TemporaryFailure,
    Unreached,
)
from wasl.channels.email import dial, refusals
from wasl.channels.email.reasons import Stage, of_reply
from wasl.channels.email.trouble import Trouble

Tls = Literal["none", "starttls", "tls"]

MAX_DETAIL = 1_000
PIECE = 256 * 1024
_LINE_END = re.compile(rb"\r\n|\r|\n")
_QUEUED = re.compile(r"queued (?:mail for delivery )?as ([^\s>;,)]+)|\bid=(\S+)", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f]+@[^\s<>\x00-\x1f\x7f]+\Z")
_SIGN_IN_CODES = (530, 534, 535, 538)


class _Lost(Exception):
    """The connection ended or said nothing in time."""


class SmtpConnection:
    """A connection to one server, kept between messages; for one thread at a time.

    timeout is that of every step, final_timeout that of the reply to the final dot, both in seconds;
    RFC 5321, 4.5.3.2.6 asks for ten minutes there: who gives up too early is in doubt for nothing.
    Not `private`: a server inside the local network counts as unreachable.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: Tls = "starttls",
        user: str = "",
        password: str = "",
        timeout: float = 30,
        *,
        final_timeout: float = 120,
        local_name: str = "",
        context: ssl.SSLContext | None = None,
        private: bool = True,
    ) -> None:
        self.private = private
        self.host = host
        self.port = port
        self.tls = tls
        self.user = user
        self.password = password
        self.timeout = timeout
        self.final_timeout = final_timeout
        # The library's own default asks the DNS, which may take seconds.
        self.local_name = local_name or socket.gethostname() or "localhost"
        self._context = context
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> SmtpConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, envelope_from: str, recipients: Sequence[str], raw: bytes | BinaryIO) -> Sent:
        """Hand the message over. Raises TemporaryFailure, PermanentFailure or InDoubt.

        A large one is better given as a file, whose lines then must end in CRLF already. It is written to
        the first of several recipients: when that one is refused nobody gets it, and a later try brings
        nobody a second copy. Others who are refused are in `Sent.refused`.
        ValueError for an address that would break out of its command.
        """
        for address in (*recipients, *filter(None, (envelope_from,))):
            if not _ADDRESS.match(address):
                raise ValueError(f"not a mail address: {address!r}")
        if not recipients:
            raise ValueError("the message has no recipient")
        letter = io.BytesIO(_mended(raw)) if isinstance(raw, bytes) else raw
        smtp = self._begin(envelope_from, recipients, letter)
        try:
            refused = self._recipients(smtp, recipients)
            self._content(smtp, letter)
        except _Lost as lost:
            self._drop()
            raise TemporaryFailure("", str(lost), reason=Reason.UNREACHABLE) from lost
        except Failure as failure:
            self._reset(failure)
            raise
        reply = self._final_dot(smtp)
        ref = _QUEUED.search(reply)
        return Sent((ref[1] or ref[2]) if ref else "", reply, tuple(refused))

    def close(self) -> None:
        """Say goodbye if there is anyone to say it to."""
        if self._smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
        self._drop()

    def _begin(self, envelope_from: str, recipients: Sequence[str], letter: BinaryIO) -> smtplib.SMTP:
        """Connected, and MAIL accepted. A kept connection gone stale is replaced, once."""
        kept = self._smtp is not None
        for fresh in (False, True) if kept else (True,):
            smtp = self._connect() if self._smtp is None else self._smtp
            try:
                self._mail(smtp, envelope_from, recipients, letter)
            except _Lost as lost:
                self._drop()
                if fresh:
                    raise TemporaryFailure("", str(lost), reason=Reason.UNREACHABLE) from lost
            except Failure as failure:
                self._reset(failure)
                # 421 to the first command of a kept connection only says that it had been idle.
                if fresh or failure.code != "421":
                    raise
            else:
                return smtp
        raise AssertionError("the last round returns or raises")

    def _mail(
        self, smtp: smtplib.SMTP, envelope_from: str, recipients: Sequence[str], letter: BinaryIO
    ) -> None:
        options, size = "", letter.seek(0, io.SEEK_END)
        if smtp.has_extn("size"):
            limit = smtp.esmtp_features["size"]
            if limit.isdigit() and 0 < int(limit) < size:
                raise PermanentFailure("552", f"larger than the server's {limit} bytes", Reason.TOO_LARGE)
            options = f" SIZE={size}"
        letter.seek(0)
        header = letter.read(PIECE).partition(b"\r\n\r\n")[0]
        if not (header.isascii() and all(map(str.isascii, (envelope_from, *recipients)))):
            if not smtp.has_extn("smtputf8"):
                text = "the server does not take addresses beyond ASCII"
                raise PermanentFailure("553", text, Reason.ADDRESS_UNKNOWN)
            smtp.command_encoding = "utf-8"
            options += " SMTPUTF8"
        self._expect("mail", *self._command(smtp, f"MAIL FROM:<{envelope_from}>{options}"))

    def _recipients(self, smtp: smtplib.SMTP, recipients: Sequence[str]) -> list[Refusal]:
        refused: list[Refusal] = []
        for address in recipients:
            code, text = self._command(smtp, f"RCPT TO:<{address}>")
            try:
                self._expect("rcpt", code, text)
            except Failure as failure:
                if code == 421 or address == recipients[0]:
                    raise
                permanent = isinstance(failure, PermanentFailure)
                refused.append(Refusal(address, permanent, failure.code, failure.detail, failure.reason))
        return refused

    def _content(self, smtp: smtplib.SMTP, letter: BinaryIO) -> None:
        """DATA and all of the message but the final dot, which is sent apart to know it was not sent."""
        code, text = self._command(smtp, "DATA")
        if code != 354:
            self._expect("data", code, text)
            raise _Lost(f"DATA was answered {code} {text}")
        letter.seek(0)
        with _losing():
            for piece in _stuffed(letter):
                smtp.send(piece)

    def _final_dot(self, smtp: smtplib.SMTP) -> str:
        try:
            with _losing():
                if smtp.sock is not None:
                    smtp.sock.settimeout(self.final_timeout)
                smtp.send(b".\r\n")
                code, reply = smtp.getreply()
                if smtp.sock is not None:
                    smtp.sock.settimeout(self.timeout)
        except _Lost as lost:
            self._drop()
            raise InDoubt(f"no answer after the message was sent: {lost}") from lost
        text = _text(reply)
        if 200 <= code < 300:
            return text
        try:
            self._expect("data", code, text)
        except _Lost as lost:
            self._drop()
            raise InDoubt(str(lost)) from lost
        except Failure as failure:
            self._reset(failure)
            raise
        raise AssertionError("every other code raised")

    def _command(self, smtp: smtplib.SMTP, command: str) -> tuple[int, str]:
        with _losing():
            code, text = smtp.docmd(command)
        return code, _text(text)

    def _expect(self, stage: Stage, code: int, text: str) -> None:
        """Nothing for 2xx; the failure that a 4xx or a 5xx is; _Lost when this is not SMTP any more."""
        if 200 <= code < 300:
            return
        reason = of_reply(str(code), text, stage)
        if stage != "mail" and reason is not Reason.SIGN_IN:
            reason = refusals.words(text) or reason
        if 400 <= code < 500 or code in _SIGN_IN_CODES:
            raise TemporaryFailure(str(code), text, reason=reason)
        if 500 <= code < 600:
            raise PermanentFailure(str(code), text, reason)
        raise _Lost(f"not an answer: {code} {text}")

    def _connect(self) -> smtplib.SMTP:
        """Greeted, encrypted and signed in as asked. Raises Unreached."""
        try:
            smtp = self._open()
        except (ssl.SSLError, ssl.CertificateError) as error:
            raise Unreached("", str(error), reason=Reason.INSECURE) from error
        except smtplib.SMTPResponseException as error:
            reason = Reason.SIGN_IN if isinstance(error, smtplib.SMTPAuthenticationError) else Reason.NOT_NOW
            raise Unreached(str(error.smtp_code), _text(error.smtp_error), reason=reason) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Unreached("", str(error), reason=Reason.INSECURE) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Unreached("", _words(error), reason=Reason.UNREACHABLE) from error
        self._smtp = smtp
        return smtp

    def _open(self) -> smtplib.SMTP:
        # Made once: reading the system's certificates takes 20 ms.
        if self._context is None and self.tls != "none":
            self._context = ssl.create_default_context()
        if self.tls == "tls":
            smtp: smtplib.SMTP = (smtplib.SMTP_SSL if self.private else _PublicTls)(
                local_hostname=self.local_name, timeout=self.timeout, context=self._context
            )
        else:
            smtp = (smtplib.SMTP if self.private else _Public)(
                local_hostname=self.local_name, timeout=self.timeout
            )
        # The name a certificate is checked against; set by the library only when it connects itself.
        smtp._host = self.host  # type: ignore[attr-defined]
        try:
            code, text = smtp.connect(self.host, self.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, text)
            if smtp.sock is not None:
                # The final dot is a small packet of its own; Nagle would hold it back for an ACK.
                smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            smtp.ehlo_or_helo_if_needed()
            if self.tls == "starttls":
                smtp.starttls(context=self._context)
                smtp.ehlo_or_helo_if_needed()
            if self.user:
                smtp.login(self.user, self.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _reset(self, failure: Failure) -> None:
        """Back to where MAIL may be said; without a connection when that does not work."""
        if self._smtp is None:
            return
        if failure.code == "421":  # the server is about to close (RFC 5321, 3.8)
            self._drop()
            return
        try:
            with _losing():
                code, _ = self._smtp.rset()
        except _Lost:
            code = 0
        if code != 250:
            self._drop()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(OSError):
                smtp.close()


def _publicly(host: str, port: int, timeout: float) -> socket.socket:
    try:
        return dial.connect(dial.resolve(host, port, private=False), timeout, timeout)
    except Trouble as trouble:
        raise OSError(str(trouble)) from trouble


class _Public(smtplib.SMTP):
    """Goes nowhere inside the local network."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return _publicly(host, port, timeout)


class _PublicTls(smtplib.SMTP_SSL):
    """The same, encrypted from the start."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(
            _publicly(host, port, timeout),
            server_hostname=self._host,  # type: ignore[attr-defined]
        )


class _losing(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a statement
    """Every way a connection can end → _Lost."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (OSError, smtplib.SMTPException)):
            raise _Lost(_words(error)) from error


def _mended(raw: bytes) -> bytes:
    """With every line ended by CRLF: servers must refuse CR or LF alone (RFC 5321, 2.3.8)."""
    pairs = raw.count(b"\r\n")
    return raw if raw.count(b"\n") == pairs == raw.count(b"\r") else _LINE_END.sub(b"\r\n", raw)


def _stuffed(letter: BinaryIO) -> Iterator[bytes]:
    """The message in pieces, with a second dot before each that begins a line, and a line end at its end."""
    held, begun = b"\r\n", False  # what may belong to the next piece; as if a line had ended before the first
    while piece := letter.read(PIECE):
        piece = held + piece
        keep = 2 if piece.endswith(b"\r\n") else int(piece.endswith(b"\r"))
        piece, held = piece[: len(piece) - keep], piece[len(piece) - keep :]
        piece = piece.replace(b"\r\n.", b"\r\n..")
        yield piece if begun else piece[2:]
        begun = True
    yield held if held == b"\r\n" else held + b"\r\n"


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join(text.replace("\x00", "").split())[:MAX_DETAIL]


def _words(error: Exception) -> str:
    return _text(str(error)) or type(error).__name__
