"""Trying a mail server, one step after the other, and saying which of them works.

What is tried is what fetching and sending do, with shorter timeouts and without touching a message: for a mailbox
resolve, connect, TLS, sign in, open the folder; for a server that sends resolve, connect, TLS, sign in, MAIL FROM
(taken back by RSET, so that nothing is sent).
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from wasl.channels.email import dial, imap, oauth
from wasl.channels.email.dial import Certificate
from wasl.channels.email.outside import Imap, Opening, Smtp
from wasl.channels.email.trouble import Fault, Step, Trouble, said

TIMEOUT = 7.0
"""Seconds for each answer: short, because somebody waits in front of the page."""

CERTIFICATE = frozenset(
    {
        Fault.TLS_EXPIRED,
        Fault.TLS_NOT_YET,
        Fault.TLS_SELF_SIGNED,
        Fault.TLS_UNKNOWN_ISSUER,
        Fault.TLS_OTHER_NAME,
    }
)

Mark = Literal["ok", "failed", "untried", "unwanted"]


@dataclass(frozen=True, slots=True)
class Tried:
    """One step: how it went, and why it did not go."""

    step: Step
    mark: Mark
    fault: Fault | None = None
    detail: str = ""


@dataclass(slots=True)
class Findings:
    """All steps in their order. `certificate` is what the server showed when it was refused."""

    host: str
    port: int
    steps: list[Tried] = field(default_factory=list)
    certificate: Certificate | None = None
    renewed: str = field(default="", repr=False)

    @property
    def works(self) -> bool:
        """Whether nothing failed."""
        return all(each.mark in ("ok", "unwanted") for each in self.steps)


class _Walk:
    """The steps there are; `done` says how each went, from where it ended."""

    def __init__(self, host: str, port: int, steps: Sequence[Step], unwanted: Sequence[Step] = ()) -> None:
        self.findings = Findings(host, port)
        self._steps = steps
        self._unwanted = unwanted

    def done(self, trouble: Trouble | None) -> Findings:
        failed = trouble.step if trouble else None
        stopped = False
        for step in self._steps:
            if step == failed and trouble:
                self.findings.steps.append(Tried(step, "failed", trouble.fault, trouble.detail))
                stopped = True
            elif stopped:
                self.findings.steps.append(Tried(step, "untried"))
            else:
                self.findings.steps.append(Tried(step, "unwanted" if step in self._unwanted else "ok"))
        return self.findings


def mailbox(settings: Imap, opening: Opening, *, private: bool = True, seconds: float = TIMEOUT) -> Findings:
    """Try a mailbox. Never raises."""
    unwanted = [] if settings.tls != "none" else [Step.TLS]
    walk = _Walk(settings.host, settings.port, _MAILBOX, unwanted)
    try:
        with imap.call(settings, private=private, timeout=seconds) as session:
            session.sign_in(settings, lambda anew: _password(walk, settings, opening, private, anew))
            session.open(settings.folder, writing=settings.after != "leave")
            if settings.after == "move" and not session.has(settings.after_folder):
                raise Trouble(Step.FOLDER, Fault.AFTER_FOLDER_MISSING, settings.after_folder)
    except Trouble as trouble:
        found = walk.done(trouble)
        if trouble.fault in CERTIFICATE:
            with _looking():
                found.certificate = _certificate(settings, private, seconds)
        return found
    return walk.done(None)


_MAILBOX = (Step.RESOLVE, Step.CONNECT, Step.TLS, Step.SIGN_IN, Step.FOLDER)
_SENDER = (Step.RESOLVE, Step.CONNECT, Step.TLS, Step.SIGN_IN, Step.SENDER)


def _password(walk: _Walk, settings: Imap, opening: Opening, private: bool, anew: bool) -> str:
    if settings.auth != "oauth":
        return opening.password
    token = oauth.token(settings, opening, private=private, anew=anew)
    walk.findings.renewed = token.renewed
    return token.access


def sender(
    settings: Smtp, password: str, address: str, *, private: bool = True, seconds: float = TIMEOUT
) -> Findings:
    """Try a server that sends mail from an address. Never raises."""
    unwanted = [] if settings.tls != "none" else [Step.TLS]
    unwanted += [] if settings.user else [Step.SIGN_IN]
    walk = _Walk(settings.host, settings.port, _SENDER, unwanted)
    smtp: smtplib.SMTP | None = None
    try:
        addresses = dial.resolve(settings.host, settings.port, private=private)
        sock: socket.socket = dial.connect(addresses, timeout=seconds)
        if settings.tls == "tls":
            sock = dial.encrypt(sock, settings.host)
        smtp = _greeted(sock, settings, address, seconds)
        if settings.tls == "starttls":
            _start_tls(smtp)
        if settings.user:
            _sign_in(smtp, settings.user, password)
        _mail_from(smtp, address)
    except Trouble as trouble:
        found = walk.done(trouble)
        if trouble.fault in CERTIFICATE:
            with _looking():
                found.certificate = _shown_over_smtp(settings, address, private, seconds)
        return found
    finally:
        if smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()
    return walk.done(None)


class _Over(smtplib.SMTP):
    """SMTP over a connection that is there already."""

    def __init__(self, sock: socket.socket, host: str, local_name: str, seconds: float) -> None:
        self._given = sock
        super().__init__(local_hostname=local_name, timeout=seconds)
        self._host = host  # what STARTTLS checks the certificate against

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._given


def _greeted(sock: socket.socket, settings: Smtp, address: str, seconds: float) -> smtplib.SMTP:
    smtp = _Over(sock, settings.host, address.rpartition("@")[2] or "localhost", seconds)
    try:
        code, words = smtp.connect(settings.host, settings.port)
        if code != 220:
            fault = Fault.BUSY if 400 <= code < 600 else Fault.NOT_MAIL
            raise Trouble(Step.CONNECT, fault, f"{code} {said(words)}")
        smtp.ehlo_or_helo_if_needed()
    except Trouble:
        smtp.close()
        raise
    except (OSError, smtplib.SMTPException, ValueError) as error:
        smtp.close()
        fault = Fault.SILENT if _in_vain(error) else Fault.NOT_MAIL
        raise Trouble(Step.CONNECT, fault, said(error)) from error
    return smtp


def _in_vain(error: Exception) -> bool:
    """Whether an answer was waited for in vain; the library tells of that as of a lost connection."""
    return isinstance(error, TimeoutError) or "timed out" in str(error)


def _start_tls(smtp: smtplib.SMTP, context: ssl.SSLContext | None = None) -> None:
    if not smtp.has_extn("starttls"):
        raise Trouble(Step.TLS, Fault.TLS_NOT_OFFERED)
    try:
        smtp.starttls(context=context or dial.trust())
        smtp.ehlo_or_helo_if_needed()
    except smtplib.SMTPResponseException as error:
        raise Trouble(Step.TLS, Fault.TLS_NOT_OFFERED, _reply(error)) from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise dial.untrusted(error) from error


def _sign_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    if not smtp.has_extn("auth"):
        raise Trouble(Step.SIGN_IN, Fault.SIGN_IN_NOT_OFFERED)
    try:
        smtp.login(user, password)
    except smtplib.SMTPAuthenticationError as error:
        words = _reply(error)
        if 400 <= error.smtp_code < 500:
            raise Trouble(Step.SIGN_IN, Fault.SIGN_IN_NOT_NOW, words) from error
        fault = Fault.APP_PASSWORD if "application-specific" in words.lower() else Fault.SIGN_IN_REFUSED
        raise Trouble(Step.SIGN_IN, fault, words) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Trouble(Step.SIGN_IN, Fault.SIGN_IN_NOT_OFFERED, said(error)) from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        fault = Fault.TIMED_OUT if _in_vain(error) else Fault.LOST
        raise Trouble(Step.SIGN_IN, fault, said(error)) from error


def _mail_from(smtp: smtplib.SMTP, address: str) -> None:
    try:
        code, words = smtp.docmd(f"MAIL FROM:<{address}>")
        smtp.rset()
    except (OSError, smtplib.SMTPException) as error:
        fault = Fault.TIMED_OUT if _in_vain(error) else Fault.LOST
        raise Trouble(Step.SENDER, fault, said(error)) from error
    if code in (530, 535, 538):
        raise Trouble(Step.SENDER, Fault.SIGN_IN_NEEDED, f"{code} {said(words)}")
    if not 200 <= code < 300:
        raise Trouble(Step.SENDER, Fault.SENDER_REFUSED, f"{code} {said(words)}")


def _reply(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {said(error.smtp_error)}"


@contextmanager
def _looking() -> Iterator[None]:
    """To look at a certificate once more may fail: then there is nothing to show."""
    with contextlib.suppress(Trouble, OSError, ValueError, AttributeError, smtplib.SMTPException):
        yield


def _certificate(settings: Imap, private: bool, seconds: float) -> Certificate | None:
    with imap.call(settings, private=private, timeout=seconds, context=dial.unchecked()) as session:
        return _of(session.connection)


def _shown_over_smtp(settings: Smtp, address: str, private: bool, seconds: float) -> Certificate | None:
    sock = dial.connect(dial.resolve(settings.host, settings.port, private=private), timeout=seconds)
    if settings.tls == "tls":
        with dial.encrypt(sock, settings.host, dial.unchecked()) as encrypted:
            return _of(encrypted)
    smtp = _greeted(sock, settings, address, seconds)
    try:
        _start_tls(smtp, dial.unchecked())
        return _of(smtp.sock)
    finally:
        smtp.close()


def _of(sock: object) -> Certificate | None:
    der = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
    return dial.describe(der) if der else None
