"""What may happen with a customer, and what may be said of it in clear.

Facts stay readable for ever, also after an erasure, so they hold numbers and words from closed lists and
nothing that came from a person. Whatever a person wrote belongs in `detail`, which is sealed.
"""

from collections.abc import Mapping
from typing import Final

from wasl.kit.languages import CODES

Fact = int | str  # a bool is written as 0 or 1
Allowed = Mapping[str, frozenset[str] | None]  # the words a fact may be; None: a whole number

INT: Final = None
LARGEST: Final = 2**53 - 1  # what every JSON reader keeps exact (RFC 7493, 2.2)

LANGUAGES: Final = frozenset({"", *CODES})
AUTO: Final = frozenset({"", "auto-replied", "auto-generated", "bulk", "list"})
REASONS: Final = frozenset(
    {
        "",
        "address_unknown",
        "mailbox_full",
        "unwanted",
        "too_large",
        "unreachable",
        "not_now",
        "sign_in",
        "insecure",
        "bad_message",
        "window_closed",
        "template",
        "stopped",
        "account",
        "other",
        "gave_up",
        "bounced",
        "unsure",
    }
)
ORDERS: Final = frozenset(
    {"placed", "paid", "packed", "sent", "delivered", "cancelled", "returned", "refunded"}
)
CALLS: Final = frozenset({"reached", "no_answer", "busy", "voicemail", "wrong_number", "failed"})
MISSED: Final = frozenset({"closed", "nobody", "unanswered", "left"})
RECORDING: Final = frozenset({"", "given", "refused"})
CONSENT: Final = frozenset(
    {"word", "provider", "wrote"}
)  # STOP or START; the provider said so; they wrote again
BY: Final = frozenset({"agent", "api", "customer", "rule", "system"})

PURPOSES: Final = frozenset({"advice", "pickup", "return", "repair", "payment", "complaint", "other"})
VIA: Final = frozenset({"code", "address", "name", "agent"})
VISIT_OUTCOMES: Final = frozenset({"done", "follows", "elsewhere", "nothing"})
_VISIT: Final[Allowed] = {"number": INT, "wait": INT, "by": BY}  # seconds
_ATTEMPT: Final[Allowed] = {"attempt": INT, "reason": REASONS, "code": INT, "wait": INT, "by": BY}

KINDS: Final[Mapping[str, Allowed]] = {
    "message.received": {
        "opened": INT,
        "new_customer": INT,
        "learnt": INT,  # something became known of the customer: another name, a proof, an address
        "reopened": INT,
        "size": INT,
        "files": INT,
        "language": LANGUAGES,
        "auto": AUTO,
    },
    "message.sent": {"size": INT, "files": INT, "language": LANGUAGES, "by": BY},
    "message.withdrawn": {"by": BY},
    "message.edited": {"by": BY},
    "message.deleted": {"by": BY},
    "message.reacted": {"by": BY, "taken_back": INT},
    "message.hidden": {"by": BY, "taken_back": INT},
    "message.forwarded": {"by": BY, "said": INT},
    "note.added": {"size": INT, "files": INT, "mentions": INT, "by": BY},
    "delivery.sent": _ATTEMPT,
    "delivery.delivered": _ATTEMPT,
    "delivery.read": _ATTEMPT,
    "delivery.seen": {},
    "delivery.acted": {},
    "delivery.failed": _ATTEMPT,
    "delivery.in_doubt": _ATTEMPT,
    "delivery.retried": _ATTEMPT,
    "delivery.retry": _ATTEMPT,
    "delivery.complained": {},
    "delivery.copy_failed": {"reason": REASONS, "by": BY},
    "conversation.assigned": {"assigned": INT, "self": INT, "by": BY},
    "conversation.resolved": {"by": BY},
    "conversation.reopened": {"by": BY},
    "conversation.pended": {"by": BY},
    "conversation.snoozed": {"timed": INT, "by": BY},
    "conversation.woken": {"by": BY},
    "conversation.team": {"assigned": INT, "by": BY},
    "conversation.moved": {"by": BY},
    "conversation.tagged": {"by": BY},
    "conversation.untagged": {"by": BY},
    "conversation.merged": {"messages": INT, "by": BY},
    "conversation.unmerged": {"messages": INT, "by": BY},
    "conversation.split": {"messages": INT, "by": BY},
    "conversation.taken_over": {"by": BY},
    "conversation.handed_back": {"by": BY},
    "customer.merged": {"by": BY},
    "customer.unmerged": {"by": BY},
    "customer.erased": {"by": BY},
    "order.placed": {"status": ORDERS, "amount": INT, "items": INT, "by": BY},
    "order.changed": {"status": ORDERS, "was": ORDERS, "amount": INT, "items": INT, "by": BY},
    "identity.added": {"by": BY},
    "consent.withdrawn": {"by": BY, "why": CONSENT},
    "consent.given": {"by": BY, "why": CONSENT},
    "visit.checked_in": {"number": INT, "purpose": PURPOSES, "via": VIA, "by": BY},
    "visit.called": _VISIT,
    "visit.requeued": {"number": INT, "by": BY},
    "visit.served": {**_VISIT, "took": INT, "outcome": VISIT_OUTCOMES},
    "visit.left": _VISIT,
    "call.requested": {"due": INT, "by": BY},
    "call.rescheduled": {"due": INT, "by": BY},
    "call.claimed": {"assigned": INT, "by": BY},
    "call.cancelled": {"by": BY},
    "call.given_up": {"tries": INT, "by": BY},
    "call.started": {"inbound": INT, "attempt": INT, "by": BY},
    "call.ended": {
        "inbound": INT,
        "attempt": INT,
        "outcome": CALLS,
        "seconds": INT,
        "next": INT,  # when we try again, seconds since 1970; 0: not
        "consent": RECORDING,
        "by": BY,
    },
    "call.missed": {"reason": MISSED, "seconds": INT, "by": BY},
    "call.recorded": {"seconds": INT, "voicemail": INT, "consent": RECORDING, "by": BY},
    "call.priced": {"millionths": INT, "by": BY},
    "promise.changed": {"due": INT, "was": INT, "by": BY},  # seconds since 1970
    "promise.made": {
        "due": INT,  # seconds since 1970; 0 when no time was named
        "minutes": INT,
        "basis": frozenset({"median", "configured"}),
        "samples": INT,
        "open": INT,
        "language": LANGUAGES,
    },
}


def clear(kind: str, facts: Mapping[str, Fact]) -> str:
    """The facts of one touchpoint as canonical JSON (RFC 8785): sorted keys, no spaces.

    Raises ValueError for a kind that is not registered, a fact that the kind does not have, and a value that
    is neither a whole number up to 2**53 - 1 nor one of the fact's words.
    """
    allowed = KINDS.get(kind)
    if allowed is None:
        raise ValueError(f"{kind!r} is not a kind of touchpoint")
    if not facts:
        return "{}"
    parts = []
    for name in sorted(facts):
        value = facts[name]
        words = allowed.get(name, _UNKNOWN)
        if words is INT and isinstance(value, int) and -LARGEST <= value <= LARGEST:
            parts.append(f'"{name}":{value:d}')
        elif words is not None and isinstance(value, str) and value in words:
            parts.append(f'"{name}":"{value}"')
        else:
            raise ValueError(f"{kind} does not say {name}={value!r} in clear")
    return "{" + ",".join(parts) + "}"


_UNKNOWN: Final[frozenset[str]] = frozenset()
