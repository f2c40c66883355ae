"""From the addresses of a batch of incoming messages to the customers behind them, set-based.

Under READ COMMITTED a batch goes: lock its identities, read them, make what is missing; then lock the
customers. Each lock is a statement of its own before the read it guards, so that the read sees what the
previous holder of the lock committed; and each set is locked in ascending order, so that batches wait for
each other and never in a circle. A merge takes the same locks in the same order: what `resolve` returns
stays true until the transaction ends.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from wasl.customers.closeness import key_of, words_of
from wasl.customers.learning import Heard, Told, hear, tell, vouched
from wasl.customers.points import CLAIMED, TOKEN, is_desk, point_of
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7


class Sender(NamedTuple):
    """Who wrote, as a message says: `identity_key` is compared, `display` is shown. `aliases` are other keys by which
    the same channel knows the same person; verified are (channel, key) pairs of theirs on other channels, on the word
    of somebody whom the inbox trusts. `known` is how the address is known to be theirs, `claimed` are points that they
    left besides (both: `points`)."""

    channel: str
    identity_key: str
    display: str
    name: str
    language: str
    at: datetime
    aliases: tuple[str, ...] = ()
    verified: tuple[tuple[str, str], ...] = ()
    known: str = CLAIMED
    claimed: tuple[str, ...] = ()

    @property
    def others(self) -> list[tuple[str, str]]:
        """What else is theirs, the surest first."""
        return [*self.verified, *((self.channel, alias) for alias in self.aliases)]


class Resolved(NamedTuple):
    """The identity of a sender, the customer it belongs to, and the customer at the root of that one's family.

    `created` is true once for a customer that this call made, `learnt` when something became known of them that was
    not.
    """

    identity_id: UUID
    customer_id: UUID
    root_id: UUID
    created: bool
    learnt: bool = False


_LOCK_IDENTITIES: LiteralString = """
SELECT pg_advisory_xact_lock(h) FROM (
  SELECT DISTINCT hashtextextended(%b::uuid::text || t.channel || ' ' || t.address, 1) AS h
  FROM unnest(%b::text[], %b::text[]) AS t (channel, address) ORDER BY h
) AS sorted
"""
_LOCK_CUSTOMERS: LiteralString = """
SELECT pg_advisory_xact_lock(h) FROM (
  SELECT DISTINCT uuid_hash_extended(t.id, uuid_hash_extended(%b, 2)) AS h FROM unnest(%b::uuid[]) AS t (id) ORDER BY h
) AS sorted
"""
# Written so that no plan can be quadratic, also while the statistics do not know yet how much a workspace has grown
# (as plain joins it has compared every sender with every customer: 54 ms for 500 senders, and 3 ms this way).
_READ: LiteralString = """
SELECT i.channel, i.address, i.id, i.customer_id, c.root_id, i.name, i.known
FROM customers_identity i CROSS JOIN LATERAL (
  SELECT c.root_id FROM customers_customer c WHERE c.workspace_id = %(workspace)b AND c.id = i.customer_id LIMIT 1
) c
WHERE i.workspace_id = %(workspace)b
  AND i.channel = ANY(%(channels)b::text[]) AND i.address = ANY(%(addresses)b::text[])
"""
_MAKE: LiteralString = """
WITH fresh AS (
  SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
                       %b::timestamptz[], %b::text[], %b::text[], %b::text[])
    AS t (id, customer_id, channel, address, display, name, language, at, known, point, name_key)
), customers AS (
  INSERT INTO customers_customer (workspace_id, id, root_id, name, language, timezone, place, created_at)
  SELECT %b, customer_id, customer_id, name, language, '', '', at FROM fresh
)
INSERT INTO customers_identity
  (workspace_id, id, customer_id, channel, address, display, name, created_at, known, point, name_key)
SELECT %b, id, customer_id, channel, address, display, name, at, known, point, name_key FROM fresh
"""


def lock_identities(conn: Connection, workspace_id: UUID, keys: Iterable[tuple[str, str]]) -> None:
    """Hold these (channel, address) pairs until the transaction ends; whether they exist yet does not matter."""
    channels, addresses = _columns(keys)
    conn.execute(_LOCK_IDENTITIES, [workspace_id, channels, addresses])


def lock_customers(conn: Connection, workspace_id: UUID, root_ids: Iterable[UUID]) -> None:
    """Hold these families until the transaction ends: nobody opens a conversation or merges them meanwhile."""
    conn.execute(_LOCK_CUSTOMERS, [workspace_id, list(root_ids)])


def resolve(conn: Connection, workspace_id: UUID, senders: Sequence[Sender]) -> list[Resolved]:
    """The customers behind `senders`, in their order; those nobody knows yet are made, once each.

    `conn` is inside a READ COMMITTED transaction of the workspace that holds no customer's lock yet. Three
    statements, two when everybody is known. At most 4,000 senders: every identity is a lock.
    """
    if not senders:
        return []
    wanted = {(sender.channel, sender.identity_key): sender for sender in reversed(senders)}
    keys = [*wanted, *(key for sender in senders for key in sender.others)]
    lock_identities(conn, workspace_id, keys)
    channels, addresses = _columns(keys)
    values = {"channels": sorted(set(channels)), "addresses": addresses, "workspace": workspace_id}
    found, kept = dict[tuple[str, str], Resolved](), dict[tuple[str, str], tuple[str, str]]()
    for channel, address, identity, customer, root, name, known in conn.execute(_READ, values):
        found[channel, address] = Resolved(identity, customer, root, False)
        kept[channel, address] = name, known
    news = set[UUID]()
    if len(keys) > len(wanted):
        news |= _know_aliases(conn, workspace_id, senders, found, kept)
    missing = [sender for key, sender in reversed(wanted.items()) if key not in found]
    made = _make(conn, workspace_id, missing) if missing else {}
    if len(keys) > len(wanted):
        news |= _know_aliases(conn, workspace_id, senders, {**made, **found}, kept)
    news |= _learn(conn, workspace_id, senders, {**made, **found}, kept)
    resolved = []
    for sender in senders:
        key = (sender.channel, sender.identity_key)
        if key in made:
            resolved.append(made[key])
            found[key] = made.pop(key)._replace(created=False)
        else:
            known_one = found[key]
            resolved.append(known_one._replace(learnt=True) if known_one.customer_id in news else known_one)
    return resolved


def _learn(
    conn: Connection,
    workspace_id: UUID,
    senders: Sequence[Sender],
    known: dict[tuple[str, str], Resolved],
    kept: dict[tuple[str, str], tuple[str, str]],
) -> set[UUID]:
    """What these messages say that was not known: names, proofs, addresses. Whom it is about."""
    heard, left = [], list[Told]()
    for sender in senders:
        key = (sender.channel, sender.identity_key)
        one = known[key]
        if key in kept and (sender.name, sender.known) != kept[key]:
            name, how = kept[key]
            said = sender.name or name
            heard.append(
                Heard(one.identity_id, one.customer_id, key, name, how, said, sender.known, sender.at)
            )
        if sender.verified or sender.claimed:
            owners = {other: known[other].customer_id for other in sender.verified if other in known}
            left += vouched(one.customer_id, sender.name, sender.at, sender.verified, sender.claimed, owners)
    news = hear(conn, workspace_id, heard) if heard else set[UUID]()
    return news | tell(conn, workspace_id, left) if left else news


_COLUMNS = Sender._fields.index("aliases")


def _make(conn: Connection, workspace_id: UUID, senders: Sequence[Sender]) -> dict[tuple[str, str], Resolved]:
    """A customer and an identity for each sender."""
    made = [(uuid7(), uuid7()) for _ in senders]
    columns = [[sender[field] for sender in senders] for field in range(_COLUMNS)]
    columns.append([sender.known for sender in senders])
    columns.append([point_of(sender.channel, sender.identity_key) for sender in senders])
    columns.append([key_of(words_of(sender.name)) for sender in senders])
    identities, customers = [pair[0] for pair in made], [pair[1] for pair in made]
    conn.execute(_MAKE, [identities, customers, *columns, workspace_id, workspace_id])
    return {
        (sender.channel, sender.identity_key): Resolved(identity, customer, customer, True)
        for sender, (identity, customer) in zip(senders, made, strict=True)
    }


_ALSO: LiteralString = """
INSERT INTO customers_identity
  (workspace_id, id, customer_id, channel, address, display, name, created_at, known, point, name_key)
SELECT %b, * FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[],
                         %b::text[], %b::text[], %b::text[])
"""


def _know_aliases(
    conn: Connection,
    workspace_id: UUID,
    senders: Sequence[Sender],
    known: dict[tuple[str, str], Resolved],
    kept: dict[tuple[str, str], tuple[str, str]],
) -> set[UUID]:
    """One key of somebody is known and another is not: then it is theirs as well; whose it became.

    Two that are known already and belong to two customers are left alone; that they are one is for a merge to say. And
    nobody becomes part of a customer who only claimed to have an address, or of a desk that answers for many.
    """
    lines = []
    for sender in senders:
        own = (sender.channel, sender.identity_key)
        keys = [own, *sender.others]
        sure = [key for key in keys if key in known and (key[0] == sender.channel or _is_own(key, kept))]
        owner = known[sure[0]] if sure else None
        for key in keys if owner else ():
            if owner and key not in known:
                fresh = uuid7()
                known[key] = Resolved(fresh, owner.customer_id, owner.root_id, False)
                how = TOKEN if key in sender.verified else sender.known
                kept[key] = sender.name, how
                shown = sender.display if key == own else key[1]
                about = how, point_of(*key), key_of(words_of(sender.name))
                lines.append((fresh, owner.customer_id, *key, shown, sender.name, sender.at, *about))
    if lines:
        conn.execute(_ALSO, [workspace_id, *(list(column) for column in zip(*lines, strict=True))])
    return {line[1] for line in lines}


def _is_own(key: tuple[str, str], kept: dict[tuple[str, str], tuple[str, str]]) -> bool:
    """Whether an address of another channel is proved to be of who has it."""
    _, known = kept.get(key, ("", CLAIMED))
    return known != CLAIMED and not is_desk(point_of(*key))


def _columns(keys: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    channels, addresses = [], []
    for channel, address in keys:
        channels.append(channel)
        addresses.append(address)
    return channels, addresses
