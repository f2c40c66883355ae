"""An erasure holds for backups that are older than it: in a restore, and for a thief who has all but the ring."""

from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.cli.backups import dump, furnish, make
from tests.cli.other import PASSPHRASE, Other
from tests.worlds import Shop
from wasl.accounts.actor import Forbidden, NotFound
from wasl.config import backup_keys
from wasl.kit import blobs
from wasl.kit.archive import Reader, derive, open_key
from wasl.kit.db import raw, tenant
from wasl.kit.ids import uuid7
from wasl.privacy.actions import erase
from wasl.privacy.subjects import PERSONAL
from wasl.timeline.queries import of_customers

Owner = psycopg.Connection[Any]


def customer_of(owner: Owner, address: str) -> UUID:
    row = owner.execute("SELECT customer_id FROM customers_identity WHERE address = %s", [address]).fetchone()
    assert row
    return row[0]  # type: ignore[no-any-return]


def said(rows: dict[str, list[Any]], *needles: str) -> set[str]:
    """The tables in which one of these words is found."""
    return {name for name, found in rows.items() for row in found if any(needle in row for needle in needles)}


# What is known of customer 3 of `furnish`, in clear and as hexadecimal digits.
MARKS = ("words of 3", "c3@people", "Someone 3", "3.txt", b"words of 3".hex(), b"c3@people".hex())


def test_erased_in_the_database(shop: Shop, owner: Owner) -> None:
    furnish(shop)
    gone = customer_of(owner, "c3@people.example")
    digest = bytes(_file(owner, "3.txt"))
    terms = bytes(_file(owner, "terms.txt"))
    assert said(dump(owner), *MARKS)
    with pytest.raises(Forbidden):
        erase(shop.actor("agent"), gone)
    with pytest.raises(NotFound):
        erase(shop.actor("admin"), uuid7())
    before = owner.execute("SELECT count(*) FROM timeline_touchpoint").fetchone()
    assert erase(shop.actor("admin"), gone) == [gone]
    assert said(dump(owner), *MARKS) == set()
    with pytest.raises(blobs.MissingBlob):
        blobs.read(shop.id, digest)
    assert blobs.read(shop.id, terms) == b"everybody's terms"
    kinds = owner.execute(
        "SELECT kind, detail IS NULL FROM timeline_touchpoint WHERE customer_id = %s ORDER BY id", [gone]
    ).fetchall()
    assert kinds[-1] == ("customer.erased", True)
    after = owner.execute("SELECT count(*) FROM timeline_touchpoint").fetchone()
    assert before
    assert after
    assert after[0] > before[0]
    with tenant(shop.id):
        assert all(not entry.detail for entry in of_customers(raw(), shop.id, [gone]))


def _file(owner: Owner, name: str) -> bytes:
    row = owner.execute("SELECT digest FROM conversations_attachment WHERE filename = %s", [name]).fetchone()
    assert row
    return row[0]  # type: ignore[no-any-return]


def test_an_older_backup_is_restored_without_the_erased(
    shop: Shop, owner: Owner, other: Other, place: Path, words: Path
) -> None:
    furnish(shop)
    gone = customer_of(owner, "c3@people.example")
    digest = bytes(_file(owner, "3.txt"))
    file = make(place / "backups")
    erase(shop.actor("admin"), gone)
    with psycopg.connect(owner.info.dsn, password=owner.info.password, autocommit=True) as conn:
        backup_keys.write(conn, place / "backups", PASSPHRASE, _now())
    out = other.wasl("restore", file, "--passphrase-file", words)
    assert "1 customers were erased after it, and stay erased" in out
    with other.opened() as there:
        after = dump(there)
    live = dump(owner)
    assert said(after, *MARKS) == set()
    assert said(after, "words of 4") != set()
    # Personal columns are what the live erasure left, row for row; only the moments of the two erasures differ.
    for part in PERSONAL:
        if part.table not in ("timeline_subjectkey", "delivery_delivery"):
            assert after[part.table] == live[part.table], part.table
    assert not list((other.data / "blobs").rglob(digest.hex()))
    kept = [row for row in after["timeline_touchpoint"] if str(gone) in row]
    assert len(kept) == len([row for row in live["timeline_touchpoint"] if str(gone) in row])
    assert any("customer.erased" in row for row in kept)


def _now() -> Any:
    from wasl.kit.clock import now

    return now()


def test_a_thief_with_the_archive_the_passphrase_and_todays_keys_reads_nothing_of_the_erased(
    shop: Shop, owner: Owner, place: Path
) -> None:
    furnish(shop)
    file = make(place / "backups")
    whole = b"".join(opened(file, place / "backups" / "wasl.keys", shop.id))
    assert b"words of 3" in whole
    assert b"words of 4" in whole
    assert (b"file 3\n" * 3) in whole
    erase(shop.actor("admin"), customer_of(owner, "c3@people.example"))
    with psycopg.connect(owner.info.dsn, password=owner.info.password, autocommit=True) as conn:
        backup_keys.write(conn, place / "backups", PASSPHRASE, _now())
    whole = b"".join(opened(file, place / "backups" / "wasl.keys", shop.id))
    assert b"words of 4" in whole
    for mark in (
        b"words of 3",
        b"file 3\n" * 3,
        b"c3@people",
        b"Someone 3",
        b"3.txt",
        b"c3@people".hex().encode(),
    ):
        assert mark not in whole, mark


def opened(archive: Path, key_file: Path, workspace: UUID) -> list[bytes]:
    """Everything that can be opened with the archive, the newest key file and the passphrase."""
    from wasl.config.restore_frames import Opener, Shape
    from wasl.timeline.ring import Ring

    keys = backup_keys.read(key_file, PASSPHRASE, None)
    reader = Reader(archive)
    reader.unlock(open_key(reader.header["key"], derive(keys.master, "backup archive")))
    opener = Opener(bytes.fromhex(reader.header["id"]), {w: Ring(nodes) for w, nodes in keys.rings.items()})
    shape, blob = None, None
    found: list[bytes] = []
    for kind, payload, _ in reader.frames():
        found.append(payload)
        if kind == "T":
            shape = Shape.of(payload)
        elif kind == "R" and shape:
            found += opener.lines(shape, payload)
        elif kind == "B":
            blob = opener.blob(payload, archive.parent)
        elif kind == "P" and blob:
            found.append(opener._open(blob._cipher, payload))
    return found


def test_an_erasure_during_a_backup_holds_for_it(
    shop: Shop, owner: Owner, other: Other, place: Path, words: Path
) -> None:
    from wasl.config import backup

    furnish(shop)
    gone = customer_of(owner, "c3@people.example")
    done: list[bool] = []

    def meanwhile(_: int, what: str) -> None:
        if not done:
            done.append(True)
            erase(shop.actor("admin"), gone)

    report = backup.make(place / "backups", PASSPHRASE, meanwhile)
    assert done
    assert report.missing == []  # the file is gone, and so is everybody it belonged to
    assert "erased after it" in other.wasl("restore", report.path, "--passphrase-file", words)
    with other.opened() as there:
        assert said(dump(there), *MARKS) == set()


def test_who_was_erased_before_is_not_in_a_backup_at_all(shop: Shop, owner: Owner, place: Path) -> None:
    furnish(shop)
    make(place / "first")
    gone = customer_of(owner, "c3@people.example")
    erase(shop.actor("admin"), gone)
    # Somebody's mistake: words left behind. A backup does not take them along.
    owner.execute("UPDATE conversations_message SET text = 'left behind' WHERE customer_id = %s", [gone])
    file = make(place / "second")
    whole = b"".join(opened(file, place / "second" / "wasl.keys", shop.id))
    assert b"left behind" not in whole


def test_an_older_key_file_does_not_bring_the_erased_back(
    shop: Shop, owner: Owner, other: Other, place: Path, words: Path
) -> None:
    furnish(shop)
    make(place / "old")
    erase(shop.actor("admin"), customer_of(owner, "c3@people.example"))
    file = make(place / "new")
    out = other.wasl(
        "restore", file, "--passphrase-file", words, "--keys", place / "old" / "wasl.keys", code=1
    )
    assert "older than the backup" in out
    assert "Nothing was changed" in out
    assert not other.data.exists()
