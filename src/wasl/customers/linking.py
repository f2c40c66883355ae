"""Who may be one with somebody new, or with somebody of whom something new is known: linked, suggested, or left.

Customers are compared with those who have a telephone number, a mailbox or a full name in common, and no more than
`BLOCK` of each: that many holders of one name say nothing. So what a customer costs does not grow with their number.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from wasl.customers.actions import CannotMerge, join, part
from wasl.customers.closeness import words_of
from wasl.customers.points import CLAIMED
from wasl.customers.resolve import Resolved
from wasl.customers.sameness import Record, Verdict, codes, is_news, look
from wasl.kit.clock import now
from wasl.kit.db import Connection
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send

BLOCK = 20
AT_ONCE = 200
"""Customers that are looked at together."""

_SAID: LiteralString = """
SELECT c.id, c.root_id, t.point, t.known, t.name, t.name_key
FROM unnest(%(ids)b::uuid[]) AS w (id) CROSS JOIN LATERAL (
  SELECT id, root_id FROM customers_customer WHERE workspace_id = %(workspace)b AND id = w.id LIMIT 1
) c CROSS JOIN LATERAL (
  (SELECT point, known, name, name_key FROM customers_identity
   WHERE workspace_id = %(workspace)b AND customer_id = c.id LIMIT 100)
  UNION ALL
  (SELECT point, known, name, name_key FROM customers_claim
   WHERE workspace_id = %(workspace)b AND customer_id = c.id LIMIT 100)
) t
"""
_WITH_POINT: LiteralString = """
SELECT w.what, t.customer_id, t.name FROM unnest(%(what)b::text[]) AS w (what) CROSS JOIN LATERAL (
  (SELECT customer_id, name FROM customers_identity
   WHERE workspace_id = %(workspace)b AND point = w.what AND point <> '' LIMIT %(most)b)
  UNION ALL
  (SELECT customer_id, name FROM customers_claim
   WHERE workspace_id = %(workspace)b AND point = w.what AND point <> '' LIMIT %(most)b)
) t
"""
_WITH_NAME: LiteralString = """
SELECT w.what, t.customer_id FROM unnest(%(what)b::text[]) AS w (what) CROSS JOIN LATERAL (
  (SELECT customer_id FROM customers_identity
   WHERE workspace_id = %(workspace)b AND name_key = w.what AND name_key <> '' LIMIT %(most)b)
  UNION ALL
  (SELECT customer_id FROM customers_claim
   WHERE workspace_id = %(workspace)b AND name_key = w.what AND name_key <> '' LIMIT %(most)b)
) t
"""
_EARLIER: LiteralString = """
SELECT left_id, right_id, id, answer, found, merge_id FROM customers_suggestion
WHERE workspace_id = %(workspace)b AND left_id = ANY(%(ids)b::uuid[])
UNION
SELECT left_id, right_id, id, answer, found, merge_id FROM customers_suggestion
WHERE workspace_id = %(workspace)b AND right_id = ANY(%(ids)b::uuid[])
"""
_PUT: LiteralString = """
INSERT INTO customers_suggestion (workspace_id, id, left_id, right_id, probability, found, answer, at, merge_id)
VALUES (%b, %b, %b, %b, %b, to_jsonb(%b::text[]), %b, %b, %b)
ON CONFLICT (workspace_id, left_id, right_id) DO UPDATE SET
  probability = EXCLUDED.probability, found = EXCLUDED.found, answer = EXCLUDED.answer, at = EXCLUDED.at,
  merge_id = EXCLUDED.merge_id, answered_at = NULL, answered_by_id = NULL
"""
_DROP: LiteralString = "DELETE FROM customers_suggestion WHERE workspace_id = %b AND id = %b"
_APART: LiteralString = """
SELECT kept_id, merged_id FROM customers_merge
WHERE workspace_id = %b AND id = ANY(%b::uuid[]) AND undone_at IS NOT NULL
"""

Pair = tuple[UUID, UUID]


class Earlier(NamedTuple):
    """What was suggested of a pair before, and what became of it."""

    id: UUID
    answer: str
    found: list[str]
    merge_id: UUID | None


@dataclass(slots=True)
class _Known:
    """What is known of customers: their records and roots, and who has what in common."""

    records: dict[UUID, Record[UUID]] = field(default_factory=dict)
    roots: dict[UUID, UUID] = field(default_factory=dict)
    names: dict[str, set[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(set))
    with_point: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    with_name: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))

    def judge(self, a: UUID, b: UUID) -> Verdict:
        """What is to become of the two."""
        return look(
            self.records[a],
            self.records[b],
            lambda point: frozenset(self.names[point]),
            lambda key: len({self.roots.get(one, one) for one in self.with_name[key]}),
        )


def consider(
    conn: Connection, workspace_id: UUID, customer_ids: Collection[UUID], undone: Collection[UUID] = ()
) -> int:
    """Compare these customers with those they have something in common with, and link or suggest; how many of either.

    `conn` is inside a transaction of the workspace. `undone` are merges that a person took back just now.
    """
    ids, done = sorted(customer_ids), 0
    apart = _apart(conn, workspace_id, undone)
    for start in range(0, len(ids), AT_ONCE):
        done += _consider(conn, workspace_id, ids[start : start + AT_ONCE], apart)
    return done


_ALSO: LiteralString = """
SELECT i.customer_id FROM customers_identity i
WHERE i.workspace_id = %(workspace)b AND i.customer_id = ANY(%(ids)b::uuid[])
  AND i.point LIKE 'tel:%%' AND i.known <> %(no)b
  AND EXISTS (SELECT FROM customers_identity o
    WHERE o.workspace_id = %(workspace)b AND o.point = i.point AND o.customer_id <> i.customer_id)
LIMIT 500
"""
_ROOTS: LiteralString = (
    "SELECT id, root_id FROM customers_customer WHERE workspace_id = %b AND id = ANY(%b::uuid[])"
)


def at_once(conn: Connection, workspace_id: UUID, senders: list[Resolved]) -> list[Resolved]:
    """The same senders, those made just now being one with whoever has their telephone number, where that is certain.

    Otherwise their first message would open a conversation of its own, and they would be found out a moment later.
    """
    made = [one.customer_id for one in senders if one.created]
    values = {"workspace": workspace_id, "ids": made, "no": CLAIMED}
    found = {row[0] for row in conn.execute(_ALSO, values)} if made else set[UUID]()
    if not found or not consider(conn, workspace_id, found):
        return senders
    roots: dict[UUID, UUID] = dict(conn.execute(_ROOTS, [workspace_id, list(found)]).fetchall())
    return [
        one._replace(
            root_id=roots[one.customer_id], created=one.created and roots[one.customer_id] == one.customer_id
        )
        if one.customer_id in roots
        else one
        for one in senders
    ]


def _apart(conn: Connection, workspace_id: UUID, undone: Collection[UUID]) -> set[Pair]:
    if not undone:
        return set()
    return {_pair(*row) for row in conn.execute(_APART, [workspace_id, list(undone)])}


def _pair(a: UUID, b: UUID) -> Pair:
    return (a, b) if a < b else (b, a)


def _consider(conn: Connection, workspace_id: UUID, ids: list[UUID], apart: set[Pair]) -> int:
    known = _Known()
    _read(conn, workspace_id, known, ids)
    _find(conn, workspace_id, known)
    pairs = _pairs(known, ids) | apart
    # Whoever has a point in common with these may have been linked by it: does that still hold?
    near = set(ids).union(
        *(known.with_point[point] for one in known.records.values() for point in one.points)
    )
    if not pairs and len(near) == len(ids):
        return 0
    rows = conn.execute(_EARLIER, {"workspace": workspace_id, "ids": sorted(near)})
    earlier = {(row[0], row[1]): Earlier(*row[2:]) for row in rows}
    pairs |= {pair for pair, one in earlier.items() if one.answer == "linked"}
    _read(conn, workspace_id, known, {one for pair in pairs for one in pair} - known.records.keys())
    _find(conn, workspace_id, known)
    return sum(
        _settle(conn, workspace_id, known, pair, earlier.get(pair), pair in apart) for pair in sorted(pairs)
    )


def _read(conn: Connection, workspace_id: UUID, known: _Known, ids: Collection[UUID]) -> None:
    """Add the records of these customers."""
    if not ids:
        return
    said: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
    for customer, root, *rest in conn.execute(_SAID, {"ids": sorted(ids), "workspace": workspace_id}):
        known.roots[customer] = root
        said[customer].append(tuple(rest))
    known.records |= {customer: _record(customer, rows) for customer, rows in said.items()}


def _record(customer: UUID, rows: Iterable[tuple[Any, ...]]) -> Record[UUID]:
    points: dict[str, str] = {}
    names, keys = set(), set()
    for point, how, name, key in rows:
        if point and (point not in points or how != CLAIMED):
            points[point] = how
        names.add(words_of(name))
        keys.add(key)
    return Record(customer, frozenset(names - {()}), points, frozenset(keys - {""}))


def _find(conn: Connection, workspace_id: UUID, known: _Known) -> None:
    """Who else has the points and names of these records, as far as it was not asked yet."""
    points = {point for record in known.records.values() for point in record.points} - known.with_point.keys()
    keys = {key for record in known.records.values() for key in record.keys} - known.with_name.keys()
    values: dict[str, Any] = {"workspace": workspace_id, "most": BLOCK + 1}
    if points:
        for point, customer, name in conn.execute(_WITH_POINT, {**values, "what": sorted(points)}):
            known.with_point[point].add(customer)
            if words := words_of(name):
                known.names[point].add(words)
    if keys:
        for key, customer in conn.execute(_WITH_NAME, {**values, "what": sorted(keys)}):
            known.with_name[key].add(customer)


def _pairs(known: _Known, ids: Iterable[UUID]) -> set[Pair]:
    """Everybody of these with everybody they have something in common with."""
    found = set()
    for one in ids:
        record = known.records.get(one)
        for block in _blocks(known, record) if record else ():
            found |= {_pair(one, other) for other in block if other != one}
    return found


def _blocks(known: _Known, record: Record[UUID]) -> Iterable[set[UUID]]:
    for blocks, what in ((known.with_point, record.points), (known.with_name, record.keys)):
        for one in what:
            if 1 < len(blocks[one]) <= BLOCK:
                yield blocks[one]


def _settle(
    conn: Connection, workspace_id: UUID, known: _Known, pair: Pair, earlier: Earlier | None, apart: bool
) -> bool:
    """Do with a pair what follows from the verdict and from what was answered before; whether anything was done."""
    a, b = pair
    standing = earlier is not None and earlier.answer == "linked"
    if a not in known.records or b not in known.records or (known.roots[a] == known.roots[b]) != standing:
        return False
    verdict = known.judge(a, b)
    found = codes(verdict.likeness.reasons)
    if standing and earlier:
        return verdict.what != "one" and _take_back(conn, workspace_id, known, pair, earlier, verdict)
    if apart and earlier is None:
        return _put(conn, workspace_id, known, pair, verdict, "refused")
    if earlier and (
        earlier.answer == "accepted" or (earlier.answer == "refused" and not is_news(found, earlier.found))
    ):
        return False
    if verdict.what == "no":
        if earlier and earlier.answer == "open":
            conn.execute(_DROP, [workspace_id, earlier.id])
            return True
        return False
    if verdict.what == "one" and (earlier is None or earlier.answer == "open"):
        return _link(conn, workspace_id, known, pair, verdict)
    return _put(conn, workspace_id, known, pair, verdict, "open")


def _link(conn: Connection, workspace_id: UUID, known: _Known, pair: Pair, verdict: Verdict) -> bool:
    """The older one keeps its place; ids grow with time."""
    kept, merged = sorted(known.roots[one] for one in pair)
    try:
        merge_id = join(conn, workspace_id, kept, merged)
    except CannotMerge:  # by another pair of this batch
        return False
    _move(known, merged, kept)
    return _put(conn, workspace_id, known, pair, verdict, "linked", merge_id)


def _move(known: _Known, was: UUID, root: UUID) -> None:
    known.roots |= {one: root for one, at in known.roots.items() if at == was}


def _take_back(
    conn: Connection, workspace_id: UUID, known: _Known, pair: Pair, earlier: Earlier, verdict: Verdict
) -> bool:
    """A link made by itself no longer holds: the address turned out to be shared. It is for an agent to say now."""
    try:
        if earlier.merge_id:
            part(conn, workspace_id, earlier.merge_id)
    except CannotMerge:
        return False
    return _put(conn, workspace_id, known, pair, verdict, "open")


def _put(
    conn: Connection,
    workspace_id: UUID,
    known: _Known,
    pair: Pair,
    verdict: Verdict,
    answer: str,
    merge_id: UUID | None = None,
) -> bool:
    found = codes(verdict.likeness.reasons)
    probability = verdict.likeness.probability
    conn.execute(_PUT, [workspace_id, uuid7(), *pair, probability, found, answer, now(), merge_id])
    send(conn, [Signal("customer", workspace_id, customers=(known.roots[pair[0]], known.roots[pair[1]]))])
    return True


class Common(NamedTuple):
    """A point that two customers have in common, and whether either of them only claims it."""

    point: str
    claimed: bool


def in_common(conn: Connection, workspace_id: UUID, pairs: Collection[Pair]) -> Mapping[Pair, list[Common]]:
    """What each of these pairs has in common as things stand."""
    known = _Known()
    _read(conn, workspace_id, known, {one for pair in pairs for one in pair})
    there = [pair for pair in pairs if set(pair) <= known.records.keys()]
    return {pair: _common(*(known.records[one].points for one in pair)) for pair in there}


def _common(a: Mapping[str, str], b: Mapping[str, str]) -> list[Common]:
    return [Common(point, CLAIMED in (a[point], b[point])) for point in sorted(a.keys() & b.keys())]
