"""Who came: by their code, by an address they name, or by nothing but a name.

The channel "visit" knows a customer by a card: a number of its own, which nobody needs to carry. A code that is scanned
proves who came; an address that somebody types is what they say, and says so on the visit. One that several customers
share (a reception's number) leads to none of them.
"""

import secrets
from dataclasses import dataclass, replace
from typing import LiteralString
from uuid import UUID

from wasl.channels.base import Address
from wasl.channels.registry import of_medium
from wasl.channels.visit.parse import CHANNEL
from wasl.customers.points import CLAIMED, TOKEN, point_of
from wasl.customers.resolve import Resolved, Sender, lock_identities, resolve
from wasl.kit.clock import now
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7
from wasl.kit.phones import e164
from wasl.visits import codes
from wasl.visits.models import Via

NAME = 120
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none is taken for another


class Unknown(Exception):
    """Nobody can be told from it: `reason` is nobody, address, bad_code or old_code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Came:
    """Somebody who came. `card` is the number of their card, `said` an address that was named and proves nothing;
    `about` the conversation on whose page the code was that they showed."""

    customer_id: UUID
    root_id: UUID
    card: str
    name: str
    via: Via
    said: str = ""
    about: UUID | None = None

    @property
    def is_sure(self) -> bool:
        """Whether it is known for certain who it is: nobody else showed their code, or an agent knew them."""
        return self.via in (Via.CODE, Via.AGENT)


_BY_ID: LiteralString = """
SELECT i.customer_id, c.root_id FROM customers_identity i
JOIN customers_customer c ON c.workspace_id = i.workspace_id AND c.id = i.customer_id
WHERE i.workspace_id = %s AND i.id = %s
"""
_CUSTOMER: LiteralString = "SELECT id, root_id FROM customers_customer WHERE workspace_id = %s AND id = %s"
_BY_ADDRESS: LiteralString = """
SELECT DISTINCT ON (c.root_id) i.customer_id, c.root_id FROM customers_identity i
JOIN customers_customer c ON c.workspace_id = i.workspace_id AND c.id = i.customer_id
WHERE i.workspace_id = %s AND i.address = ANY(%s) AND (i.channel = 'email') = %s
  AND i.channel NOT IN ('api', 'visit', 'post')
ORDER BY c.root_id, i.created_at LIMIT 2
"""
_CARD: LiteralString = """
SELECT i.address FROM customers_identity i
WHERE i.workspace_id = %s AND i.channel = 'visit' AND i.customer_id = %s ORDER BY i.created_at, i.id LIMIT 1
"""
_NEW_CARD: LiteralString = """
INSERT INTO customers_identity (workspace_id, id, customer_id, channel, address, display, name, created_at, known)
VALUES (%s, %s, %s, 'visit', %s, %s, '', %s, %s)
"""


def who(
    conn: Connection, workspace_id: UUID, said: str, name: str, *, country: str = "", language: str = ""
) -> Came:
    """Who came, inside the workspace's transaction: `said` is a code, an address, or ''. Raises Unknown."""
    said, name = said.strip(), " ".join(name.split())[:NAME]
    if codes.is_code(said):
        return _by_code(conn, workspace_id, said)
    if said:
        return _by_address(conn, workspace_id, said, name, country, language)
    if not name:
        raise Unknown("nobody")
    return _stranger(conn, workspace_id, name, language, "")


def known(conn: Connection, workspace_id: UUID, customer_id: UUID) -> Came:
    """The same of a customer whom an agent recognised. Raises Unknown."""
    row = conn.execute(_CUSTOMER, [workspace_id, customer_id]).fetchone()
    if row is None:
        raise Unknown("nobody")
    return _carded(conn, workspace_id, row[0], row[1], "", Via.AGENT)


def _by_code(conn: Connection, workspace_id: UUID, code: str) -> Came:
    try:
        said = codes.read(workspace_id, code)
    except codes.WrongCode as error:
        raise Unknown(error.reason) from error
    row = conn.execute(_BY_ID, [workspace_id, said.identity_id]).fetchone()
    if row is None:
        raise Unknown("bad_code")
    return replace(_carded(conn, workspace_id, row[0], row[1], "", Via.CODE), about=said.conversation_id)


def _by_address(
    conn: Connection, workspace_id: UUID, said: str, name: str, country: str, language: str
) -> Came:
    channel, address = _address(conn, workspace_id, said, country)
    keys = [address, address.removeprefix("+")]
    found = conn.execute(_BY_ADDRESS, [workspace_id, keys, channel == "email"]).fetchall()
    if len(found) == 1:
        customer_id, root_id = found[0]
        return _carded(conn, workspace_id, customer_id, root_id, name, Via.ADDRESS, said)
    if found:
        return _stranger(conn, workspace_id, name, language, said, point_of(channel, address))
    made = resolve(conn, workspace_id, [Sender(channel, address, said, name, language, now())])[0]
    return _carded(conn, workspace_id, made.customer_id, made.root_id, name, Via.ADDRESS, said)


_TEXTS: LiteralString = """
SELECT channel FROM channels_inbox
WHERE workspace_id = %s AND channel = ANY(%s) AND is_active ORDER BY created_at, id LIMIT 1
"""


def _address(conn: Connection, workspace_id: UUID, said: str, country: str) -> tuple[str, str]:
    """Channel and key of what was typed; a number is for short messages, by the way the workspace sends them. Raises
    Unknown."""
    if "@" in said and " " not in said and "." in said.rpartition("@")[2] and len(said) <= 254:
        return "email", Address("", said).identity_key
    if number := e164(said, country):
        row = conn.execute(_TEXTS, [workspace_id, list(of_medium("sms"))]).fetchone()
        return row[0] if row else "sms", number
    raise Unknown("address")


def _stranger(
    conn: Connection, workspace_id: UUID, name: str, language: str, said: str, point: str = ""
) -> Came:
    """Somebody of whom nothing is known but a `point` that they named; told from all others by a card of their own."""
    card = _number()
    claimed = (point,) if point else ()
    sender = Sender(CHANNEL, card, card, name, language, now(), claimed=claimed)
    made: Resolved = resolve(conn, workspace_id, [sender])[0]
    via = Via.ADDRESS if said else Via.NAME
    return Came(made.customer_id, made.root_id, card, name, via, said)


def _carded(
    conn: Connection,
    workspace_id: UUID,
    customer_id: UUID,
    root_id: UUID,
    name: str,
    via: Via,
    said: str = "",
) -> Came:
    lock_identities(conn, workspace_id, [("a visit's card", str(customer_id))])
    row = conn.execute(_CARD, [workspace_id, customer_id]).fetchone()
    card = row[0] if row else _number()
    how = TOKEN if via == Via.CODE else CLAIMED
    if row is None:
        conn.execute(_NEW_CARD, [workspace_id, uuid7(), customer_id, card, card, now(), how])
    return Came(customer_id, root_id, card, name, via, said)


def _number() -> str:
    """A new card's number: 60 bits, in groups that can be read out."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(12))
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"
