"""What mail servers say when they refuse or give up, in the words of many programs and languages → Reason.

Words come before codes where they are certain: servers answer "550 5.1.1 over quota" and "550 5.7.1 user unknown".
"""

from __future__ import annotations

import re

from wasl.channels.base import Permanence, Reason
from wasl.channels.email.reasons import detail_of_status, of_reply, of_status
from wasl.channels.email.refusal_words import CERTAIN, LIKELY, Table

MAX_WORDS = 4_000

STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\.\d)")
_REPLY = re.compile(
    r"(?<![\d.:/\w-])([245]\d\d)(?=[\s:;,\-#]|$)(?! (?:days?|hours?|minutes?|seconds?|bytes)\b)"
)
_URL = re.compile(r"https?:?\s*//\S+|www\.\S+")
_ADDRESS = re.compile(r"[^\s()]+@[^\s:;()]+")
# Codes repeated on every line of an answer, in the middle of its sentences.
_LINE_CODE = re.compile(r"[245]\d\d[- ](?:#?[245]\.\d{1,3}\.\d{1,3}[ :])?")

# Exchange Online of an address that its directory does not have; elsewhere "access denied" means us.
_NOT_IN_DIRECTORY = re.compile(
    r"5\.4\.1 .{0,400}?addresse?s? rejected ?: access denied", re.IGNORECASE | re.DOTALL
)
# What Postfix puts before every answer of a policy, whatever the policy then says.
_PREFIX = re.compile(r"recipient address rejected: (?=\w+ \w)", re.IGNORECASE)
_LISTS = re.compile(
    r"spamhaus|spamcop|sorbs|barracuda|dnsbl|\brbl\b|blacklist|blocklist|surbl|uribl|cloudmark"
)
_FROM_STAGE = re.compile(
    r"after (?:mail from|helo|ehlo|initial connection|connect)|in reply to (?:mail from|helo|ehlo)"
    r"|>>> ?mail from[^\n]*\n+ ?<<< ?5\d\d",
    re.IGNORECASE,
)
_PASSING = frozenset((Reason.MAILBOX_FULL, Reason.UNREACHABLE, Reason.NOT_NOW))


def reason(said: str, status: str = "", *, about: str = "") -> Reason:
    """Why, from a server's answer, a status of the report beside it, and what the report says around it.

    OTHER when nobody says.
    """
    if _NOT_IN_DIRECTORY.search(said):
        return Reason.ADDRESS_UNKNOWN
    text = plain(said)
    found = _certain(text) or _listed(said)
    own = STATUS.search(said)
    codes = [code for code in (own[0] if own else "", status) if code and not is_general(code)]
    found = found or next(filter(None, map(detail_of_status, codes)), None)
    found = found or _look(LIKELY, text)
    context = plain(about)
    found = (
        found
        or next(filter(None, map(of_status, codes)), None)
        or _certain(context)
        or _look(LIKELY, context)
    )
    reply = _REPLY.search(said)
    if found is None and reply:
        found = of_reply(reply[1], "", "rcpt")
    if found is Reason.ADDRESS_UNKNOWN and _FROM_STAGE.search(f"{said}\n{about}"):
        return Reason.UNWANTED  # it is our own address they do not know
    if found is Reason.SIGN_IN:  # what a server further along asks of the server that wrote to it
        return Reason.UNWANTED
    return found or Reason.OTHER


def permanence(said: str, status: str, why: Reason, about: str = "") -> Permanence:
    """Whether another try could help: as the refusing server said it, else as its reason suggests."""
    own = STATUS.search(said)
    reply = _REPLY.search(said)
    digit = own[1] if own and own[1] in "45" else reply[1][0] if reply and reply[1][0] in "45" else ""
    if not digit and status and not is_general(status):
        digit = status[0]
    if not digit and why is not Reason.OTHER:
        digit = "4" if why in _PASSING else "5"
    if not digit and status[:1] in ("4", "5"):
        digit = status[0]
    if not digit and re.search(r"permanent|unrecoverable|fatal", about, re.IGNORECASE):
        digit = "5"
    return "permanent" if digit == "5" else "temporary" if digit == "4" else "unknown"


def words(text: str) -> Reason | None:
    """The reason that an answer's words give for certain."""
    return _certain(plain(text)) or _listed(text)


def is_general(status: str) -> bool:
    """5.0.0 and the like, which many write when they do not know better."""
    return status.endswith(".0.0")


def plain(text: str) -> str:
    """Lower case, on one line, without addresses, links and the codes of continued lines: they mislead."""
    text = " ".join(text[:MAX_WORDS].split())
    text = _PREFIX.sub("", _ADDRESS.sub("…", _URL.sub("…", text)))
    return _LINE_CODE.sub(lambda code: code[0] if code.start() == 0 else "", text).lower()


def _certain(text: str) -> Reason | None:
    return _look(CERTAIN, text)


def _look(table: Table, text: str) -> Reason | None:
    return next((reason for reason, pattern in table if pattern.search(text)), None) if text else None


def _listed(said: str) -> Reason | None:
    return Reason.UNWANTED if _LISTS.search(said.lower()) else None
