"""What can be wrong between us and somebody's mail server, in codes from which pages make sentences."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """The steps towards a mail server, in their order."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    SIGN_IN = "sign_in"
    FOLDER = "folder"
    SENDER = "sender"


class Fault(StrEnum):
    """What went wrong at a step. Never a server's own code or words."""

    NAME_UNKNOWN = "name_unknown"
    NAME_NOT_NOW = "name_not_now"
    NOT_ALLOWED = "not_allowed"
    PORT_CLOSED = "port_closed"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    NOT_MAIL = "not_mail"
    BUSY = "busy"
    LOST = "lost"

    TLS_NOT_OFFERED = "tls_not_offered"
    TLS_NOT_SPOKEN = "tls_not_spoken"
    TLS_EXPIRED = "tls_expired"
    TLS_NOT_YET = "tls_not_yet"
    TLS_SELF_SIGNED = "tls_self_signed"
    TLS_UNKNOWN_ISSUER = "tls_unknown_issuer"
    TLS_OTHER_NAME = "tls_other_name"
    TLS_BROKEN = "tls_broken"

    SIGN_IN_REFUSED = "sign_in_refused"
    APP_PASSWORD = "app_password"  # noqa: S105 - the name of a fault
    IMAP_DISABLED = "imap_disabled"
    SIGN_IN_NEEDS_TLS = "sign_in_needs_tls"
    SIGN_IN_NOT_OFFERED = "sign_in_not_offered"
    SIGN_IN_NEEDED = "sign_in_needed"
    SIGN_IN_NOT_NOW = "sign_in_not_now"
    NO_PASSWORD = "no_password"  # noqa: S105 - the name of a fault
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the name of a fault
    TOKEN_CLIENT = "token_client"  # noqa: S105 - the name of a fault
    TOKEN_UNREACHABLE = "token_unreachable"  # noqa: S105 - the name of a fault

    FOLDER_MISSING = "folder_missing"
    AFTER_FOLDER_MISSING = "after_folder_missing"
    NOT_UNDERSTOOD = "not_understood"
    SENDER_REFUSED = "sender_refused"
    OURS = "ours"


FOR_PEOPLE = frozenset(
    {
        Fault.NO_PASSWORD,
        Fault.SIGN_IN_REFUSED,
        Fault.APP_PASSWORD,
        Fault.IMAP_DISABLED,
        Fault.TOKEN_REFUSED,
        Fault.TOKEN_CLIENT,
    }
)
"""Faults that only a person can mend. Trying again soon does not help and may lock the account."""

DETAIL = 300


class Trouble(Exception):
    """A step that failed. `detail` is what the other side or the system said; never a secret."""

    def __init__(self, step: Step, fault: Fault, detail: str = "") -> None:
        super().__init__(step, fault, detail)
        self.step = step
        self.fault = fault
        self.detail = " ".join(detail.replace("\x00", "").split())[:DETAIL]

    def __str__(self) -> str:
        return f"{self.fault}: {self.detail}" if self.detail else str(self.fault)


def said(words: object) -> str:
    """A server's or the system's words as text that can be stored and shown."""
    if isinstance(words, bytes | bytearray):
        words = bytes(words).decode("utf-8", "replace")
    if isinstance(words, OSError) and words.strerror:
        words = words.strerror
    return str(words) or type(words).__name__
