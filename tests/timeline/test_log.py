"""The log: everything in it, everything provable, and what was changed found by whoever kept a checkpoint."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.timeline.conftest import Place
from wasl.kit.db import Connection
from wasl.timeline import keys, log, merkle, note
from wasl.timeline.audit import Audit, audit
from wasl.timeline.follow import run_once


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "EVERY", 0.0)
    monkeypatch.setattr(log, "_looked", -1e9)


def follow(queue: Connection) -> None:
    """Bring the log up to date and sign it."""
    while run_once(queue, log.LOG):
        pass


def newest(place: Place) -> str:
    """The newest checkpoint, as an outsider gets it."""
    with place.conn.transaction():
        place.enter()
        return log.checkpoint(place.conn, place.id)


def read(place: Place, text: str) -> note.Checkpoint:
    """Verified with the workspace's key."""
    return note.read(text, log.verifier_key(place.id))


def audited(place: Place, **more: str) -> Audit:
    """What an audit finds."""
    with place.conn.transaction():
        place.enter()
        return audit(place.conn, place.id, **more)


def stored_leaves(owner: psycopg.Connection[Any], workspace_id: UUID) -> list[bytes]:
    """The leaves in the readers' order, from the rows."""
    rows = owner.execute(
        "SELECT leaf FROM timeline_touchpoint WHERE workspace_id = %s ORDER BY epoch, tx, id", [workspace_id]
    )
    return [row[0] for row in rows]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def test_two_workspaces_have_two_logs_of_exactly_their_touchpoints(
    place: Place, queue: Connection, app: Connection, owner: psycopg.Connection[Any]
) -> None:
    other = Place(owner, app)
    for count in (1, 300, 3, 256, 41):
        place.write(count)
        other.write(count // 3)
        follow(queue)
    for one, size in ((place, 601), (other, 199)):
        checkpoint = read(one, newest(one))
        leaves = stored_leaves(owner, one.id)
        assert (checkpoint.size, checkpoint.size) == (len(leaves), size)
        assert checkpoint.root == naive_root(leaves)
        assert audited(one) == Audit(size)


def test_every_touchpoint_is_proved_to_be_in_the_log_and_every_old_checkpoint_a_part_of_it(
    place: Place, queue: Connection
) -> None:
    ids, notes = [], []
    for count in (1, 2, 253, 1, 120, 300):
        ids += place.write(count)
        follow(queue)
        notes.append(newest(place))
    last = read(place, notes[-1])
    with place.conn.transaction():
        place.enter()
        for index, touchpoint in enumerate(ids):
            proof = log.inclusion(place.conn, place.id, touchpoint)
            assert (proof.index, proof.size) == (index, last.size)
            assert last.includes(proof.leaf, proof.index, proof.path)
        for text in notes:
            older = read(place, text)
            path = log.consistency(place.conn, place.id, older.size, last.size)
            assert last.extends(older, path)
            assert log.checkpoint(place.conn, place.id, older.size) == text
        early = read(place, notes[2])
        proof = log.inclusion(place.conn, place.id, ids[5], size=early.size)
        assert early.includes(proof.leaf, proof.index, proof.path)
        with pytest.raises(log.NotLogged):
            log.inclusion(place.conn, place.id, ids[300], size=early.size)
        with pytest.raises(log.NotLogged):
            log.inclusion(place.conn, place.id, UUID(int=1))
        with pytest.raises(log.NotLogged):
            log.consistency(place.conn, place.id, 2, last.size)


def test_another_workspace_is_given_no_proof(
    place: Place, queue: Connection, app: Connection, owner: psycopg.Connection[Any]
) -> None:
    (mine,) = place.write(1)
    follow(queue)
    other = Place(owner, app)
    with app.transaction():
        other.enter()
        with pytest.raises(log.NotLogged):
            log.checkpoint(app, place.id)
        with pytest.raises(log.NotLogged):
            log.inclusion(app, place.id, mine)


def test_an_erasure_changes_no_leaf(place: Place, queue: Connection) -> None:
    place.write(10, detail={"subject": "hello"})
    follow(queue)
    kept = newest(place)
    with place.conn.transaction():
        place.enter()
        keys.destroy(place.conn, place.id, place.people[0])
    place.write(10, detail={"subject": "hello again"})
    follow(queue)
    assert audited(place, witness=kept) == Audit(20)


def test_transaction_ids_are_in_the_order_of_numbers(
    place: Place, queue: Connection, owner: psycopg.Connection[Any]
) -> None:
    ids = [place.write(1)[0] for _ in range(4)]
    for touchpoint, tx in zip(ids, (100, 99, 101, 7), strict=True):
        owner.execute("UPDATE timeline_touchpoint SET tx = %s::text::xid8 WHERE id = %s", [tx, touchpoint])
    follow(queue)
    assert audited(place) == Audit(4)
    with place.conn.transaction():
        place.enter()
        proofs = [log.inclusion(place.conn, place.id, touchpoint).index for touchpoint in ids]
    assert proofs == [2, 1, 3, 0]


def test_checkpoints_are_signed_at_most_once_a_second(
    place: Place, queue: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "EVERY", 3600.0)
    for _ in range(3):
        place.write(2)
        follow(queue)
    assert read(place, newest(place)).size == 2
    monkeypatch.setattr(log, "EVERY", 0.0)
    assert log.sign_due(queue) == 1
    assert log.sign_due(queue) == 0
    assert read(place, newest(place)).size == 6


class TestTampering:
    """The owner of the database changes history; somebody has kept a checkpoint."""

    Change = Callable[[psycopg.Connection[Any], UUID], Any]

    def alter(self, owner: psycopg.Connection[Any], touchpoint: UUID) -> None:
        owner.execute("UPDATE timeline_touchpoint SET facts = '{\"size\": 1}' WHERE id = %s", [touchpoint])

    def delete(self, owner: psycopg.Connection[Any], touchpoint: UUID) -> None:
        owner.execute("DELETE FROM timeline_touchpoint WHERE id = %s", [touchpoint])

    def written(self, place: Place, queue: Connection) -> tuple[list[UUID], str]:
        ids = place.write(400)
        follow(queue)
        return ids, newest(place)

    def test_a_row_that_was_altered_or_deleted_is_named(
        self, place: Place, queue: Connection, owner: psycopg.Connection[Any]
    ) -> None:
        ids, kept = self.written(place, queue)
        self.alter(owner, ids[7])
        self.delete(owner, ids[300])
        assert audited(place, witness=kept) == Audit(400, lost=[7, 300], strange=[ids[7]])

    @pytest.mark.parametrize(
        "column", ["kind = 'x'", "channel = 'x'", "customer_id = (SELECT max(id::text)::uuid FROM customers_customer)",
                   "occurred_at = now()", "recorded_at = now()", "about_id = NULL", "detail = 'x'", "facts = '[]'"]
    )  # fmt: skip
    def test_no_column_can_be_altered_unseen(
        self, place: Place, queue: Connection, owner: psycopg.Connection[Any], column: str
    ) -> None:
        ids = place.write(3)
        follow(queue)
        owner.execute(f"UPDATE timeline_touchpoint SET {column} WHERE id = %s", [ids[1]])  # type: ignore[arg-type]
        assert audited(place) == Audit(3, lost=[1], strange=[ids[1]])

    def test_a_touchpoint_slipped_in_behind_the_readers_is_named(
        self, place: Place, queue: Connection, owner: psycopg.Connection[Any]
    ) -> None:
        _, kept = self.written(place, queue)
        (late,) = place.write(1)
        owner.execute("UPDATE timeline_touchpoint SET tx = '3' WHERE id = %s", [late])
        follow(queue)
        assert audited(place, witness=kept) == Audit(400, strange=[late])

    def test_a_log_rewritten_to_match_is_betrayed_by_the_older_checkpoint(
        self, place: Place, queue: Connection, owner: psycopg.Connection[Any]
    ) -> None:
        """With the signing key, and everything here made to agree again."""
        ids, kept = self.written(place, queue)
        self.delete(owner, ids[7])
        for table in ("timeline_logtile", "timeline_checkpoint"):
            owner.execute(f"DELETE FROM {table}")  # type: ignore[arg-type]
        owner.execute("DELETE FROM timeline_follower")
        follow(queue)
        place.write(50)
        follow(queue)
        assert audited(place) == Audit(449)
        assert audited(place, witness=kept) == Audit(449, forks=[400])
        older, last = read(place, kept), read(place, newest(place))
        path = merkle.consistency(400, 449, _tiles(owner, place.id))
        assert not last.extends(older, path)

    def test_tiles_that_no_longer_fit_their_checkpoint_are_noticed(
        self, place: Place, queue: Connection, owner: psycopg.Connection[Any]
    ) -> None:
        ids, kept = self.written(place, queue)
        self.delete(owner, ids[399])
        owner.execute(
            "UPDATE timeline_logtile SET hashes = substring(hashes FROM 1 FOR octet_length(hashes) - 32) "
            "WHERE level = 0 AND number = 1"
        )
        assert audited(place) == Audit(399, forks=[400])
        assert audited(place, witness=kept) == Audit(399, forks=[400])

    def test_a_checkpoint_changed_here_is_noticed(
        self, place: Place, queue: Connection, owner: psycopg.Connection[Any]
    ) -> None:
        self.written(place, queue)
        owner.execute("UPDATE timeline_checkpoint SET signed_at = signed_at - interval '1 day'")
        assert audited(place).forks == [400]


def _tiles(owner: psycopg.Connection[Any], workspace_id: UUID) -> merkle.Read:
    def tile(level: int, number: int) -> bytes:
        row = owner.execute(
            "SELECT hashes FROM timeline_logtile WHERE workspace_id = %s AND level = %s AND number = %s",
            [workspace_id, level, number],
        ).fetchone()
        assert row is not None
        return bytes(row[0])

    return tile


class TestNotes:
    """The text that leaves the house."""

    KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
    NAME = note.origin(UUID(int=5))

    def text(self) -> str:
        from datetime import UTC, datetime

        stated = note.Checkpoint(
            self.NAME, 7, bytes(range(32)), datetime(2026, 3, 1, 12, 30, 15, 5, tzinfo=UTC)
        )
        hash_ = note.key_hash(self.NAME, self.KEY.public_key().public_bytes_raw())
        return note.write(stated, hash_, note.sign(self.KEY, stated))

    def test_a_note_is_byte_for_byte_as_documented(self) -> None:
        lines = self.text().split("\n")
        assert lines[:5] == [
            "wasl/00000000-0000-0000-0000-000000000005",
            "7",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "2026-03-01T12:30:15.000005Z",
            "",
        ]
        assert lines[5].startswith("— wasl/00000000-0000-0000-0000-000000000005 ")
        assert lines[6:] == [""]
        verifier = note.verifier_key(self.NAME, self.KEY)
        assert verifier.startswith(self.NAME + "+")
        assert note.read(self.text(), verifier).size == 7

    def test_any_change_is_refused(self) -> None:
        good, verifier = self.text(), note.verifier_key(self.NAME, self.KEY)
        other = note.verifier_key(self.NAME, Ed25519PrivateKey.from_private_bytes(b"1" * 32))
        for place in range(len(good)):
            for change in (good[:place] + "x" + good[place + 1 :], good[:place] + good[place + 1 :]):
                if change != good and change != good[:-1]:
                    with pytest.raises(note.BadNote):
                        note.read(change, verifier)
        for bad in ("", "\n\n", good[:40], good.replace("\n7\n", "\n8\n")):
            with pytest.raises(note.BadNote):
                note.read(bad, verifier)
        for wrong in (other, "", "a+b", verifier[:-4], verifier.replace("5+", "6+")):
            with pytest.raises(note.BadNote):
                note.read(good, wrong)
