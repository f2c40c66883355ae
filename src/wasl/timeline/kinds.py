"""What may happen with a customer, and what may be said of it in clear.

Facts stay readable for ever, also after an erasure, so they hold numbers and words from closed lists and
nothing that came from a person. Whatever a person wrote belongs in `detail`, which is sealed.
"""

from collections.abc import Mapping
from typing import Final

Fact = int | str  # a bool is written as 0 or 1
Allowed = Mapping[str, frozenset[str] | None]  # the words a fact may be; None: a whole number

INT: Final = None
LARGEST: Final = 2**53 - 1  # what every JSON reader keeps exact (RFC 7493, 2.2)

LANGUAGES: Final = frozenset({"", "ar", "fr", "it", "en"})
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
        "other",
        "gave_up",
        "bounced",
        "unsure",
    }
)
BY: Final = frozenset({"agent", "api", "customer", "rule", "system"})

_ATTEMPT: Final[Allowed] = {"attempt": INT, "reason": REASONS, "code": INT, "wait": INT, "by": BY}

KINDS: Final[Mapping[str, Allowed]] = {
    "message.received": {
        "opened": INT,
        "new_customer": INT,
        "reopened": INT,
        "size": INT,
        "files": INT,
        "language": LANGUAGES,
        "auto": AUTO,
    },
    "message.sent": {"size": INT, "files": INT, "language": LANGUAGES, "by": BY},
    "delivery.sent": _ATTEMPT,
    "delivery.delivered": _ATTEMPT,
    "delivery.failed": _ATTEMPT,
    "delivery.in_doubt": _ATTEMPT,
    "delivery.retried": _ATTEMPT,
    "delivery.retry": _ATTEMPT,
    "conversation.assigned": {"assigned": INT, "by": BY},
    "conversation.resolved": {"by": BY},
    "conversation.reopened": {"by": BY},
    "customer.merged": {"by": BY},
    "customer.unmerged": {"by": BY},
    "identity.added": {"by": BY},
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
