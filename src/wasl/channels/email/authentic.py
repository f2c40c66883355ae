"""Whether our own mail server found that a mail is from where it says (RFC 8601, RFC 7489).

Anybody can write such a header. Only the topmost counts, and only with a name that we were told is our server's: a
server takes out of what it receives whatever pretends to be its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from wasl.channels.base import ParsedMessage

MAX_RESULTS = 4_000

_RESULT = re.compile(r"\b(dmarc|dkim|spf)\s*=\s*(\w+)", re.IGNORECASE)
_PROPERTY = re.compile(r"\b(header\.(?:from|d|i)|smtp\.mailfrom)\s*=\s*\"?([^\s;\"()]+)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")


def is_from(message: ParsedMessage, servers: Collection[str]) -> bool:
    """Whether the domain of the sender's address is proved, by the word of one of these servers."""
    domain = message.sender.address.rpartition("@")[2].lower()
    results = _results(message.auth_results, servers)
    if not domain or results is None:
        return False
    for method, said, about in results:
        if said != "pass":
            continue
        if method == "dmarc" and about.get("header.from", domain) == domain:
            return True
        if method == "dkim" and _covers(about.get("header.d") or about.get("header.i", ""), domain):
            return True
        if method == "spf" and _covers(about.get("smtp.mailfrom", ""), domain):
            return True
    return False


def is_forged(message: ParsedMessage, servers: Collection[str]) -> bool:
    """Whether one of these servers found that the sender's domain does not stand for it (DMARC)."""
    results = _results(message.auth_results, servers) or []
    return any(method == "dmarc" and said == "fail" for method, said, _ in results)


def _covers(named: str, domain: str) -> bool:
    """Whether what was proved is the sender's domain, or one above it."""
    proved = named.rpartition("@")[2].lower().strip(".")
    return "." in proved and (domain == proved or domain.endswith("." + proved))


def _results(text: str, servers: Collection[str]) -> list[tuple[str, str, dict[str, str]]] | None:
    """(method, result, properties) of each check; None when the header is nobody's whom we believe."""
    parts = _COMMENT.sub(" ", text[:MAX_RESULTS]).split(";")
    name = parts[0].split()
    if not name or name[0].lower() not in {server.lower() for server in servers}:
        return None
    found = []
    for part in parts[1:]:
        if result := _RESULT.search(part):
            about = {key.lower(): value.lower() for key, value in _PROPERTY.findall(part)}
            found.append((result[1].lower(), result[2].lower(), about))
    return found
