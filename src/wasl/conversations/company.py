"""Who else takes part in a conversation: the people in copy, whom an answer goes to as well unless it is taken away.

Everybody whom a customer's mail names, and everybody who wrote, takes part from then on; an answer of ours says anew
who does, so that a name once taken away stays away until a customer brings it back. Never our own addresses: they
would answer themselves.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from wasl.channels.base import Address
from wasl.channels.email.tokens import base_address
from wasl.channels.models import Inbox
from wasl.conversations.models import Message
from wasl.kit.db import raw

MOST = 50
"""People in copy of one answer."""

LOOKED_AT = 60
"""The newest messages, which say who takes part."""

WRITERS = 20

_USABLE = re.compile(
    r"[^\s<>,;:()\"\x00-\x1f\x7f]+@[^\s<>,;:()\"@\x00-\x1f\x7f]+\.[^\s<>,;:()\"@\x00-\x1f\x7f.]+\Z"
)
_NOBODY = re.compile(r"(?:no|do-?not)[._-]?reply|mailer-daemon|postmaster", re.IGNORECASE)


class BadAddress(ValueError):
    """What was written is no mail address."""


class Person(NamedTuple):
    """Somebody of the other side, by an address of theirs as they write it."""

    id: UUID
    name: str
    display: str


class Line(NamedTuple):
    """What a message says of who takes part: who wrote it or was answered, and whom it names."""

    id: UUID
    way: str
    auto: str
    person: Person | None
    meta: dict[str, Any]


class Writer(NamedTuple):
    """Who wrote a message, and what sort of program if any did."""

    person: Person | None
    auto: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What tells whom an answer goes to, the newest first: messages that say who takes part, who wrote, and the
    addresses of our own inboxes."""

    lines: list[Line]
    writers: list[Writer]
    ours: frozenset[str]

    def without_ours(self, people: Iterable[Address]) -> list[Address]:
        """Those who are not an inbox of the workspace, with or without a token behind the plus."""
        return [each for each in people if base_address(each.identity_key) not in self.ours]


_PERSON: LiteralString = """
(SELECT json_build_array(i.id, i.name, i.display) FROM customers_identity i
 WHERE i.workspace_id = m.workspace_id AND i.id = m.identity_id)
"""
_HEARD: LiteralString = f"""
SELECT (
  SELECT coalesce(json_agg(json_build_array(m.id, m.way, m.auto, {_PERSON}, m.meta)
    ORDER BY m.at DESC, m.id DESC), '[]')::text FROM (
    SELECT * FROM conversations_message
    WHERE conversation_id = %(conversation)s AND channel = 'email' AND auto IN ('', 'list') AND way <> 'note'
    ORDER BY at DESC, id DESC LIMIT %(looked_at)s
  ) m
), (
  SELECT coalesce(json_agg(json_build_array({_PERSON}, m.auto)
    ORDER BY m.at DESC, m.id DESC), '[]')::text FROM (
    SELECT * FROM conversations_message
    WHERE conversation_id = %(conversation)s AND way = 'in' AND identity_id IS NOT NULL
    ORDER BY at DESC, id DESC LIMIT %(writers)s
  ) m
), ARRAY(SELECT address FROM channels_inbox WHERE channel = 'email')
"""


def heard(conversation_id: UUID) -> Heard:
    """Read it, in one statement. Inside `tenant`."""
    values = {"conversation": conversation_id, "looked_at": LOOKED_AT, "writers": WRITERS}
    lines, writers, ours = raw().execute(_HEARD, values).fetchone() or ("[]", "[]", ())
    return Heard(
        msgspec.json.decode(lines, type=list[Line]),
        msgspec.json.decode(writers, type=list[Writer]),
        frozenset(ours),
    )


def takes_part(conversation_id: UUID, but: UUID | None = None, known: Heard | None = None) -> list[Address]:
    """Everybody in a conversation as it stands, in the order in which they came; none of our own. Inside `tenant`.

    `but` is a message that does not count yet: the answer being written. `known` is what was read of it already.
    """
    known = known or heard(conversation_id)
    found: dict[str, Address] = {}
    for line in reversed(known.lines):
        if line.id == but:
            continue
        if line.way == "out":
            found = {}
        if line.person is not None:
            _put(found, Address(line.person.name, line.person.display))
        names = line.meta.get("names", {})
        for address in (*line.meta.get("to", ()), *line.meta.get("cc", ())):
            _put(found, Address(names.get(address, ""), address))
    return known.without_ours(found.values())


def _put(found: dict[str, Address], person: Address) -> None:
    known = found.get(person.identity_key)
    if known is None or (person.name and not known.name):
        found[person.identity_key] = person


def copied(
    conversation_id: UUID, writer: str, but: UUID | None = None, known: Heard | None = None
) -> list[Address]:
    """Whom an answer to `writer` goes to as well, unless somebody says otherwise."""
    key = Address("", writer).identity_key
    people = (each for each in takes_part(conversation_id, but, known) if each.identity_key != key)
    return [each for each in people if not _NOBODY.match(each.address)][:MOST]


def chosen(
    conversation_id: UUID, addresses: Iterable[str], writer: str, but: UUID | None = None
) -> list[Address]:
    """The people somebody wants in copy, with the names we know them by; ours left out. Raises BadAddress."""
    said = heard(conversation_id)
    known = {each.identity_key: each for each in takes_part(conversation_id, but, said)}
    own = Address("", writer).identity_key
    found: dict[str, Address] = {}
    for each in addresses:
        address = each.strip().strip("<>")
        if not address:
            continue
        if not _USABLE.match(address) or len(address) > 320:
            raise BadAddress(address)
        person = Address("", address)
        if person.identity_key != own:
            found[person.identity_key] = known.get(person.identity_key, person)
    return said.without_ours(found.values())[:MOST]


_WRITERS: LiteralString = """
SELECT m.id, coalesce(nullif(i.name, ''), i.display)
FROM conversations_message m
JOIN conversations_conversation c ON c.workspace_id = m.workspace_id AND c.id = m.conversation_id
JOIN customers_customer k ON k.workspace_id = m.workspace_id AND k.id = c.customer_id
JOIN customers_identity i ON i.workspace_id = m.workspace_id AND i.id = m.identity_id
JOIN customers_customer w ON w.workspace_id = m.workspace_id AND w.id = i.customer_id
WHERE m.workspace_id = %s AND m.id = ANY(%s) AND w.root_id <> k.root_id
"""


def writers(workspace_id: UUID, messages: Iterable[Message]) -> dict[UUID, str]:
    """Who wrote, or was written to, by the message's id, where that was not the customer of the conversation."""
    ids = [message.id for message in messages if message.way != "note" and message.identity_id]
    return dict(raw().execute(_WRITERS, [workspace_id, ids]).fetchall()) if ids else {}


def copies(messages: Iterable[Message]) -> dict[UUID, list[Address]]:
    """Who else each message was for, by its id; none of our own, and not the one an answer was written to."""
    named = {m.id: m.meta for m in messages if m.meta.get("cc") or len(m.meta.get("to", ())) > 1}
    if not named:
        return {}
    ours = _ours()
    found = {}
    for id_, meta in named.items():
        names = meta.get("names", {})
        people = [Address(names.get(each, ""), each) for each in (*meta.get("to", ()), *meta.get("cc", ()))]
        unique = {each.identity_key: each for each in people if base_address(each.identity_key) not in ours}
        if unique:
            found[id_] = list(unique.values())
    return found


def _ours() -> set[str]:
    return set(Inbox.objects.filter(channel="email").values_list("address", flat=True))
