"""What a message tells of somebody who is known already: another name, a proof, an address they left."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.customers.closeness import key_of, words_of
from wasl.customers.points import CLAIMED, TOKEN, point_of
from wasl.kit.db import Connection

LONGEST = 200
"""Letters of a name that are kept."""

Key = tuple[str, str]
"""Channel and address."""


class Told(NamedTuple):
    """One thing that was said of a customer: a name under which they wrote from a point, or a point of theirs."""

    customer_id: UUID
    point: str
    name: str
    known: str
    at: datetime


class Heard(NamedTuple):
    """An identity as it is kept, and what a message says of it."""

    identity_id: UUID
    customer_id: UUID
    key: Key
    name: str
    known: str
    says_name: str
    says_known: str
    at: datetime


_TELL: LiteralString = """
INSERT INTO customers_claim (workspace_id, id, customer_id, point, name, folded, name_key, known, at)
SELECT %b, gen_random_uuid(), * FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
                                            %b::timestamptz[])
ON CONFLICT (workspace_id, customer_id, point, folded, known) DO NOTHING RETURNING customer_id
"""
_PROVE: LiteralString = """
UPDATE customers_identity i SET known = t.known FROM unnest(%b::uuid[], %b::text[]) AS t (id, known)
WHERE i.workspace_id = %b AND i.id = t.id RETURNING i.customer_id
"""


def tell(conn: Connection, workspace_id: UUID, told: Iterable[Told]) -> set[UUID]:
    """Keep what was said, once each; the customers of whom it was news. Inside a transaction of the workspace."""
    rows = dict[tuple[UUID, str, str, str], tuple[Any, ...]]()
    for one in told:
        words = words_of(one.name[:LONGEST])
        folded = " ".join(words)
        if one.point or folded:
            kept = (
                one.customer_id,
                one.point[:LONGEST],
                one.name[:LONGEST],
                folded,
                key_of(words),
                one.known,
                one.at,
            )
            rows.setdefault((one.customer_id, one.point, folded, one.known), kept)
    if not rows:
        return set()
    columns = [list(column) for column in zip(*rows.values(), strict=True)]
    return {row[0] for row in conn.execute(_TELL, [workspace_id, *columns])}


def hear(conn: Connection, workspace_id: UUID, heard: Sequence[Heard]) -> set[UUID]:
    """Learn another name, and a proof of what was only claimed until now; the customers of whom something was news.

    Costs no statement while everybody writes as they always do.
    """
    names = [
        Told(one.customer_id, point_of(*one.key), one.says_name, one.known, one.at)
        for one in heard
        if one.says_name != one.name and words_of(one.says_name) != words_of(one.name)
    ]
    proved = {
        one.identity_id: one.says_known for one in heard if one.known == CLAIMED and one.says_known != CLAIMED
    }
    news = tell(conn, workspace_id, names) if names else set()
    if proved:
        rows = conn.execute(_PROVE, [list(proved), list(proved.values()), workspace_id])
        news |= {row[0] for row in rows}
    return news


def vouched(
    who: UUID,
    name: str,
    at: datetime,
    verified: Iterable[Key],
    claimed: Iterable[str],
    owners: Mapping[Key, UUID],
) -> Iterable[Told]:
    """What somebody vouches for but belongs to another customer so far, and what was only left; with the name under
    which it was said, for that tells whether an address is shared."""
    for key in verified:
        if owners.get(key) != who and (point := point_of(*key)):
            yield Told(who, point, name, TOKEN, at)
    for point in claimed:
        yield Told(who, point, name, CLAIMED, at)
