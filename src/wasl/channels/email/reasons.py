"""SMTP replies and RFC 3463 status codes → the reasons people are shown."""

from __future__ import annotations

import re
from typing import Literal

from wasl.channels.base import Reason

Stage = Literal["mail", "rcpt", "data"]

STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")

# By subject and detail of the status (RFC 3463 and its registry), then by subject alone.
_DETAIL = {
    **dict.fromkeys(("1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.1"), Reason.ADDRESS_UNKNOWN),
    **dict.fromkeys(("1.7", "1.8"), Reason.UNWANTED),  # these two speak of the sender's address
    "2.2": Reason.MAILBOX_FULL,
    **dict.fromkeys(("2.3", "3.4"), Reason.TOO_LARGE),
    **dict.fromkeys(("7.8", "7.9", "7.12", "7.13", "7.14"), Reason.SIGN_IN),
    **dict.fromkeys(("7.10", "7.11"), Reason.INSECURE),
    **dict.fromkeys(("3.1", "3.2", "4.5"), Reason.NOT_NOW),
    "4.4": Reason.ADDRESS_UNKNOWN,  # nothing in the DNS says where its mail goes
}
# Where the class of the code (its first number) makes the difference.
_PERMANENT = {"3.2": Reason.UNREACHABLE}
_TRANSIENT = dict.fromkeys(("4.1", "4.2", "4.4", "4.7"), Reason.UNREACHABLE)
_SUBJECT = {
    "1": Reason.ADDRESS_UNKNOWN,
    "2": Reason.ADDRESS_UNKNOWN,
    "4": Reason.UNREACHABLE,
    "6": Reason.BAD_MESSAGE,
    "7": Reason.UNWANTED,
}
_SIGN_IN = {"530", "534", "535", "538"}


def of_status(status: str) -> Reason | None:
    """The reason an RFC 3463 code gives, None when it gives none."""
    detail = status.partition(".")[2]
    return detail_of_status(status) or _SUBJECT.get(detail.partition(".")[0])


def detail_of_status(status: str) -> Reason | None:
    """The same, only where the last number of the code tells."""
    detail = status.partition(".")[2]
    if status == "4.7.1":  # what greylisting says
        return Reason.NOT_NOW
    by_class = _PERMANENT if status.startswith("5.") else _TRANSIENT
    return by_class.get(detail) or _DETAIL.get(detail)


def of_reply(code: str, text: str, stage: Stage) -> Reason:
    """The reason behind an SMTP reply: its enhanced status if it has one, else its code and stage."""
    if code in _SIGN_IN:
        return Reason.SIGN_IN
    status = STATUS.match(text)
    if status and (reason := of_status(status[1])):
        return reason
    if code == "552":
        return Reason.MAILBOX_FULL if stage == "rcpt" else Reason.TOO_LARGE
    if code == "523":
        return Reason.TOO_LARGE
    if code.startswith("4"):
        return Reason.MAILBOX_FULL if code == "452" and stage == "rcpt" else Reason.NOT_NOW
    if stage == "rcpt" and code in ("550", "551", "553"):
        return Reason.ADDRESS_UNKNOWN
    if code in ("550", "554"):
        return Reason.UNWANTED
    return Reason.OTHER
