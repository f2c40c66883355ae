"""Appending: what is written, what is refused, what is sealed."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from tests.timeline.people import make_customers
from tests.worlds import Shop
from wasl.kit.db import SET_WORKSPACE, conninfo, prepare, raw, tenant
from wasl.timeline import keys, leaf
from wasl.timeline.actions import Touch, append

AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
RECEIVED = {"opened": True, "size": 2048, "language": "ar", "auto": ""}


def rows(owner: psycopg.Connection[Any]) -> list[leaf.Row]:
    """Every touchpoint, in the order of ids."""
    return [
        leaf.Row(*r) for r in owner.execute(f"SELECT {leaf.COLUMNS} FROM timeline_touchpoint ORDER BY id")
    ]


@pytest.mark.parametrize("way", ["raw pool", "under the ORM"])
def test_what_is_appended_can_be_read_and_its_leaf_recomputed(
    shop: Shop, owner: psycopg.Connection[Any], way: str
) -> None:
    first, second = make_customers(owner, shop.id, 2)
    about = UUID(int=7)
    touches = [
        Touch(first, "message.received", AT, "email", None, about, RECEIVED, {"subject": "طلبي رقم ١٢"}),
        Touch(second, "delivery.failed", AT, facts={"reason": "mailbox_full", "code": 552}),
        Touch(first, "conversation.resolved", AT),
    ]
    if way == "under the ORM":
        with tenant(shop.id):
            ids = append(raw(), shop.id, touches)
    else:
        with psycopg.connect(conninfo("app", "test")) as conn:
            prepare(conn)
            conn.execute(SET_WORKSPACE, [str(shop.id)])
            ids = append(conn, shop.id, touches)
    stored = rows(owner)
    assert [row.id for row in stored] == ids == sorted(ids)
    assert [row.kind for row in stored] == [t.kind for t in touches]
    assert stored[0].facts == {"opened": 1, "size": 2048, "language": "ar", "auto": ""}
    assert (stored[0].occurred_at, stored[0].about_id, stored[0].channel) == (AT, about, "email")
    assert stored[1].detail is stored[2].detail is None
    leaves = owner.execute("SELECT leaf FROM timeline_touchpoint ORDER BY id").fetchall()
    assert [leaf.of_row(row) for row in stored] == [row[0] for row in leaves]
    assert "طلبي".encode() not in bytes(stored[0].detail or b"")


def test_a_leaf_is_the_hash_of_the_documented_bytes() -> None:
    from hashlib import sha256

    ids = [UUID(int=n) for n in range(1, 6)]
    expected = (
        b"\x00\x01"
        + b"".join(i.bytes for i in ids[:3])
        + (1_000_000).to_bytes(8, "big")
        + (-1).to_bytes(8, "big", signed=True)
        + ids[3].bytes
        + bytes(16)
        + b"\x0cmessage.sent"
        + b"\x05email"
        + b'\x00\x00\x00\x0a{"size":1}'
        + b"\x00\x00\x00\x03xyz"
    )
    parts = (b"message.sent", b"email", b'{"size":1}', b"xyz")
    assert leaf.leaf(*ids[:3], 1_000_000, -1, ids[3], None, *parts) == sha256(expected).digest()


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("message.eaten", {}),
        ("message.received", {"subject": "Hello"}),
        ("message.received", {"language": "Mario Rossi"}),
        ("message.received", {"size": 1.5}),
        ("message.received", {"size": 2**53}),
        ("message.received", {"size": "12"}),
        ("message.received", {"language": ["ar"]}),
    ],
)
def test_what_is_not_allowed_in_clear_is_refused_and_nothing_is_written(
    shop: Shop, owner: psycopg.Connection[Any], kind: str, facts: dict[str, Any]
) -> None:
    (customer,) = make_customers(owner, shop.id, 1)
    good = Touch(customer, "message.sent", AT, detail={"to": "a@example.com"})
    with tenant(shop.id), pytest.raises(ValueError, match=r"does not say|not a kind"):
        append(raw(), shop.id, [good, Touch(customer, kind, AT, facts=facts)])
    assert rows(owner) == []


def test_nobody_but_the_owner_can_change_or_delete_a_touchpoint(
    shop: Shop, owner: psycopg.Connection[Any]
) -> None:
    (customer,) = make_customers(owner, shop.id, 1)
    with tenant(shop.id):
        append(raw(), shop.id, [Touch(customer, "message.sent", AT)])
    for role in ("app", "queue"):
        for verb in ("UPDATE timeline_touchpoint SET kind = ''", "DELETE FROM timeline_touchpoint"):
            with psycopg.connect(conninfo(role, "test")) as conn:
                conn.execute(SET_WORKSPACE, [str(shop.id)])
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(verb)


def test_a_writer_cannot_choose_its_transaction_id_in_another_workspace(
    shop: Shop, owner: psycopg.Connection[Any]
) -> None:
    other = Shop.create("other", "o@other.example")
    (foreign,) = make_customers(owner, other.id, 1)
    with tenant(shop.id), pytest.raises(psycopg.errors.ForeignKeyViolation):
        append(raw(), shop.id, [Touch(foreign, "message.sent", AT)])
    with tenant(shop.id), pytest.raises(psycopg.errors.InsufficientPrivilege):
        append(raw(), other.id, [Touch(foreign, "message.sent", AT)])


class TestKeys:
    """One key a customer, never lost, never shared."""

    def detail(self, owner: psycopg.Connection[Any], touchpoint: UUID) -> bytes:
        found = owner.execute(
            "SELECT t.detail, t.workspace_id, t.customer_id, k.wrapped FROM timeline_touchpoint t "
            "JOIN timeline_subjectkey k USING (workspace_id, customer_id) WHERE t.id = %s",
            [touchpoint],
        ).fetchone()
        assert found is not None
        return keys.unseal(keys.unwrap(*found[1:]), touchpoint, found[0])

    def test_every_customer_has_a_key_of_their_own(self, shop: Shop, owner: psycopg.Connection[Any]) -> None:
        people = make_customers(owner, shop.id, 5)
        touches = [Touch(p, "message.sent", AT, detail={"n": n}) for n, p in enumerate(people * 2)]
        with tenant(shop.id):
            ids = append(raw(), shop.id, touches)
        assert [self.detail(owner, i) for i in ids] == [b'{"n":%d}' % n for n in range(10)]
        wrapped = owner.execute("SELECT wrapped, workspace_id FROM timeline_subjectkey").fetchall()
        assert len({bytes(row[0]) for row in wrapped}) == 5

    def test_a_key_that_was_rolled_back_is_not_used_again(
        self, shop: Shop, owner: psycopg.Connection[Any]
    ) -> None:
        (customer,) = make_customers(owner, shop.id, 1)
        touch = Touch(customer, "message.sent", AT, detail={"a": 1})
        with tenant(shop.id):
            append(raw(), shop.id, [touch])
            append(raw(), shop.id, [touch])
            transaction.set_rollback(True)
        with tenant(shop.id):
            (kept,) = append(raw(), shop.id, [touch])
        assert self.detail(owner, kept) == b'{"a":1}'

    def test_two_transactions_that_make_the_same_key_agree(
        self, shop: Shop, owner: psycopg.Connection[Any]
    ) -> None:
        from concurrent.futures import ThreadPoolExecutor

        people = make_customers(owner, shop.id, 40)

        def write(turn: int) -> list[UUID]:
            order = people if turn % 2 else people[::-1]
            with psycopg.connect(conninfo("app", "test")) as conn:
                conn.execute(SET_WORKSPACE, [str(shop.id)])
                return append(
                    conn, shop.id, [Touch(p, "message.sent", AT, detail={"t": turn}) for p in order]
                )

        with ThreadPoolExecutor(6) as pool:
            done = list(pool.map(write, range(6)))
        for turn, ids in enumerate(done):
            assert {self.detail(owner, i) for i in ids} == {b'{"t":%d}' % turn}

    def test_a_destroyed_key_opens_nothing_and_none_is_made_again(
        self, shop: Shop, owner: psycopg.Connection[Any]
    ) -> None:
        (customer,) = make_customers(owner, shop.id, 1)
        touch = Touch(customer, "message.sent", AT, detail={"a": 1})
        with tenant(shop.id):
            append(raw(), shop.id, [touch])
        with tenant(shop.id):
            keys.destroy(raw(), shop.id, customer)
        with tenant(shop.id):
            append(raw(), shop.id, [touch])
        stored = rows(owner)
        assert stored[0].detail is not None
        assert stored[1].detail is None
        assert owner.execute("SELECT wrapped, destroyed_at IS NULL FROM timeline_subjectkey").fetchall() == [
            (None, False)
        ]

    def test_a_key_moved_to_another_customer_does_not_open(self) -> None:
        mine, yours, shop = UUID(int=1), UUID(int=2), UUID(int=3)
        wrapped = keys.wrap(shop, mine, bytes(32))
        sealed = keys.seal(keys.unwrap(shop, mine, wrapped), bytes(12), mine, b"secret")
        assert keys.unseal(keys.unwrap(shop, mine, wrapped), mine, sealed) == b"secret"
        with pytest.raises(keys.Unreadable):
            keys.unwrap(shop, yours, wrapped)
        with pytest.raises(keys.Unreadable):
            keys.unseal(keys.unwrap(shop, mine, wrapped), yours, sealed)
        with pytest.raises(keys.Unreadable):
            keys.unseal(keys.unwrap(shop, mine, wrapped), mine, sealed[:20])
        with pytest.raises(keys.Unreadable):
            keys.unwrap(shop, mine, b"")
