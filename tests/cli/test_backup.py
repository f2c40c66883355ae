"""Backups: made under load, restored into another cluster, and compared table by table."""

import itertools
import re
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from moto.server import ThreadedMotoServer

from tests.cli.backups import dump, follow_all, furnish, make, quiet, with_file
from tests.cli.other import PASSPHRASE, Other
from tests.inbound import receive, work
from tests.worlds import Shop
from wasl.cli import progress
from wasl.config import backup
from wasl.kit import blobs
from wasl.kit.clock import now
from wasl.kit.postgres import Cluster, role_password

Owner = psycopg.Connection[Any]


def test_restored_in_another_cluster_it_is_the_same(
    shop: Shop, owner: Owner, other: Other, place: Path, words: Path
) -> None:
    furnish(shop)
    before = dump(owner)
    file = make(place / "backups")
    said = other.wasl("restore", file, "--passphrase-file", words)
    assert "Restored the backup of" in said
    with other.opened() as there:
        after = dump(there)
        assert before.pop("timeline_epoch") != after.pop("timeline_epoch")
        assert before == after
        assert len(before["conversations_message"]) == 15
        assert _foreign_keys(owner) == _foreign_keys(there)
        forced = "SELECT count(*) FROM pg_class WHERE relforcerowsecurity"
        assert owner.execute(forced).fetchone() == there.execute(forced).fetchone()
    for name in ("secret", "master", "log"):
        assert (other.data / "keys" / name).stat().st_mode & 0o777 == 0o600
    kept = owner.execute("SELECT DISTINCT encode(digest, 'hex') FROM conversations_attachment").fetchall()
    files = {path.name for path in (other.data / "blobs").rglob("*") if path.is_file()}
    assert {row[0] for row in kept} <= files
    assert len(kept) == 14  # one each of 12 mails, the terms that all of them share, the file of the answers


def _foreign_keys(conn: Owner) -> list[tuple[Any, ...]]:
    query = (
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
    )
    return sorted(conn.execute(query).fetchall())


@pytest.mark.timeout(600)
def test_under_load_no_follower_misses_a_touchpoint_or_reads_one_twice(
    shop: Shop, owner: Owner, other: Other, place: Path, words: Path
) -> None:
    """Writers and followers go on while the backup is made. Then, in the other cluster, the followers go on where
    the snapshot has them: the log must come to hold exactly the touchpoints, each once."""
    furnish(shop)
    stop, rest, numbers = threading.Event(), threading.Event(), itertools.count(100)

    def write() -> None:
        from django.db import connection

        while not stop.is_set():
            receive(
                shop, *(with_file(n, f"L <l{n % 50}@people.example>") for n in itertools.islice(numbers, 5))
            )
            work(50)
        connection.close()

    def read() -> None:  # for half of the time, so that the snapshot finds followers that are behind
        while not rest.is_set():
            follow_all()

    writers, reader = [threading.Thread(target=write) for _ in range(2)], threading.Thread(target=read)
    for thread in (*writers, reader):
        thread.start()
    try:
        _grow(owner, 20)
        rest.set()
        reader.join()
        _grow(owner, 20)
        first = _count(owner)
        file = make(place / "backups")
        _grow(owner, 1)
    finally:
        rest.set()
        stop.set()
        for thread in writers:
            thread.join()
    assert _count(owner) > first
    said = other.wasl("restore", file, "--passphrase-file", words)
    assert "stay erased" not in said
    with other.opened() as there:
        lag = there.execute(
            "SELECT count(*) FROM timeline_touchpoint t, timeline_follower f "
            "WHERE f.name = 'log' AND (t.epoch, t.tx, t.id) > (f.epoch, f.tx, f.last_id)"
        ).fetchone()
        assert lag
        assert lag[0] > 0, "the load was too light: the followers had read everything"
        restored = {row[0] for row in there.execute("SELECT id FROM timeline_touchpoint")}
        everything = {row[0] for row in owner.execute("SELECT id FROM timeline_touchpoint")}
        assert restored < everything
        other.wasl("manage", "shell", "-c", _FOLLOW)
        leaves = there.execute(
            "SELECT sum(length(hashes) / 32) FROM timeline_logtile WHERE level = 0"
        ).fetchone()
        assert leaves == (len(restored),)
        assert there.execute("SELECT count(*) FROM timeline_parked").fetchone() == (0,)
        # What is written from now on is behind what was restored, in the readers' order.
        other.wasl("manage", "shell", "-c", _WRITE)
        other.wasl("manage", "shell", "-c", _FOLLOW)
        more = there.execute(
            "SELECT sum(length(hashes) / 32) FROM timeline_logtile WHERE level = 0"
        ).fetchone()
        assert more == (len(restored) + 1,)
        assert "no differences" in other.wasl("rebuild")


_FOLLOW = """
from wasl.config.followers import FOLLOWERS
from wasl.kit.db import pool
from wasl.timeline import follow
with pool('queue', 'test', 2).connection() as conn:
    for one in FOLLOWERS:
        while follow.run_once(conn, one): pass
pool('queue', 'test', 2).close()
"""
_WRITE = """
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant
from wasl.timeline.actions import Touch, append
import psycopg
from django.conf import settings
with psycopg.connect(settings.WASL_DSN['owner']) as owner:
    workspace, customer = owner.execute('SELECT workspace_id, id FROM customers_customer LIMIT 1').fetchone()
with tenant(workspace):
    append(raw(), workspace, [Touch(customer, 'identity.added', now(), facts={'by': 'system'})])
"""


def _grow(owner: Owner, by: int) -> None:
    """Until so many touchpoints more have been written."""
    wanted = _count(owner) + by
    while _count(owner) < wanted:
        time.sleep(0.05)


def _count(owner: Owner) -> int:
    row = owner.execute("SELECT count(*) FROM timeline_touchpoint").fetchone()
    assert row
    return int(row[0])


# The key file -----------------------------------------------------------------------------------------------------


def test_without_a_passphrase_the_keys_stay_behind_and_it_says_so(
    shop: Shop, other: Other, place: Path
) -> None:
    from django.conf import settings

    furnish(shop, 2)
    file = make(place / "backups", None)
    said = other.wasl("restore", file, code=1)
    assert "holds no keys" in said
    assert not other.data.exists()
    env = settings.ENV
    for name, value in (
        ("secret", env.keys.secret_key),
        ("master", env.keys.master_key.hex()),
        ("log", env.log_seed.hex()),
    ):
        (other.data / "keys").mkdir(parents=True, exist_ok=True)
        (other.data / "keys" / name).write_text(value)
    other.data.chmod(0o711)
    other.wasl("restore", file)


def test_what_the_command_says(shop: Shop, other: Other, place: Path, words: Path) -> None:
    furnish(shop, 2)
    file = make(place / "backups")
    other.wasl("restore", file, "--passphrase-file", words)
    said = other.wasl("backup", place / "again")
    assert "The keys are NOT in it" in said
    said = other.wasl("backup", place / "sealed", "--passphrase-file", words)
    assert re.search(r"wasl-\d{8}-\d{6}\.backup  [\d.]+ MB: \d+ rows, 6 files", said), said
    assert "under the passphrase" in said
    assert "█" not in said
    said = other.wasl("backup", place / "sealed", "--keys-only", "--passphrase-file", words)
    assert said.strip().endswith("wasl.keys is that of now.")
    said = Other(place / "nowhere").wasl("restore", place / "nothing.backup", code=1)
    assert said.strip() == f"Nothing was restored: there is no {place / 'nothing.backup'}."
    assert {path.stat().st_mode & 0o777 for path in (place / "sealed").iterdir()} == {0o600}
    words.write_text("short")
    assert "too short" in other.wasl("backup", place / "x", "--passphrase-file", words, code=1)
    empty = Other(place / "nothing").wasl("backup", place / "x", code=1)
    assert "never used by Wasl" in empty


def test_a_wrong_passphrase_or_key_file(shop: Shop, other: Other, place: Path, words: Path) -> None:
    furnish(shop, 2)
    file = make(place / "backups")
    words.write_text("another long passphrase")
    said = other.wasl("restore", file, "--passphrase-file", words, code=1)
    assert "the passphrase is not the one" in said
    assert "opens with a passphrase" in other.wasl("restore", file, code=1)
    key_file = place / "backups" / "wasl.keys"
    key_file.rename(place / "elsewhere.keys")
    assert "opens with its key file only" in other.wasl("restore", file, code=1)
    stranger = Other(place / "stranger", master_key="ab" * 32)
    words.write_text(PASSPHRASE)
    said = stranger.wasl(
        "restore", file, "--keys", place / "elsewhere.keys", "--passphrase-file", words, code=1
    )
    assert "keys of its own" in said
    assert "Nothing was changed" in said
    assert not other.data.exists()


def test_a_folder_is_for_one_installation(shop: Shop, behind: Other, place: Path) -> None:
    furnish(shop, 2)
    make(place / "backups")
    assert "backups of another installation" in behind.wasl("backup", place / "backups", code=1)


# Refusals ---------------------------------------------------------------------------------------------------------


def test_a_place_that_is_in_use_is_left_alone(shop: Shop, other: Other, place: Path, words: Path) -> None:
    furnish(shop, 2)
    file = make(place / "backups")
    other.wasl("restore", file, "--passphrase-file", words)
    with other.opened() as there:
        before = dump(there)
    said = other.wasl("restore", file, "--passphrase-file", words, code=1)
    assert "The database is not empty" in said
    assert "Nothing was changed" in said
    with other.opened() as there:
        assert dump(there) == before


def test_a_backup_of_a_newer_wasl(shop: Shop, owner: Owner, other: Other, place: Path, words: Path) -> None:
    owner.execute(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('timeline', '9999_later', now())"
    )
    try:
        file = make(place / "backups")
    finally:
        owner.execute("DELETE FROM django_migrations WHERE name = '9999_later'")
    said = other.wasl("restore", file, "--passphrase-file", words, code=1)
    assert "made by a newer Wasl" in said
    assert "Upgrade this one first" in said
    assert not (other.data / "pg").exists()


@pytest.mark.parametrize("part", ["magic", "header", "first", "table", "file", "cut", "more"])
def test_a_damaged_backup_says_where_and_changes_nothing(
    part: str, shop: Shop, other: Other, place: Path, words: Path
) -> None:
    furnish(shop, 2)
    file = make(place / "backups")
    data = bytearray(file.read_bytes())
    size = len(data)
    where = {"magic": 3, "header": 60, "first": 2200, "table": 9000, "file": size - 3000}
    if part == "cut":
        del data[-size // 3 :]
    elif part == "more":
        data += b"more"
    else:
        data[where[part]] ^= 1
    file.write_bytes(data)
    said = other.wasl("restore", file, "--passphrase-file", words, code=1)
    words_of = {
        "magic": "is not a backup of Wasl",
        "header": "damaged in its header",
        "first": "damaged in ",
        "table": "damaged in the table ",
        "file": "damaged in the files",
        "cut": "cut short",
        "more": "something follows its end",
    }
    assert words_of[part] in said
    assert "Nothing was restored" in said
    assert not (other.data / "pg").exists()


def test_a_restore_cut_short_is_begun_again(shop: Shop, other: Other, place: Path, words: Path) -> None:
    """Whatever stops it, the tables stay empty: here a file store that cannot be written to."""
    furnish(shop, 4)
    file = make(place / "backups")
    (place / "no-folder").write_text("a file where a folder should be")
    other.environment["WASL_BLOB_STORE"] = str(place / "no-folder")
    said = other.wasl("restore", file, "--passphrase-file", words, code=1)
    assert "Nothing was restored" in said
    with other.opened() as there:
        assert there.execute("SELECT count(*) FROM accounts_workspace").fetchone() == (0,)
    del other.environment["WASL_BLOB_STORE"]
    assert "Restored" in other.wasl("restore", file, "--passphrase-file", words)


def test_a_file_that_is_missing_or_damaged_in_the_store_is_named(
    shop: Shop, owner: Owner, other: Other, place: Path, words: Path
) -> None:
    furnish(shop, 3)
    rows = owner.execute(
        "SELECT digest FROM conversations_attachment WHERE filename = ANY(%s)", [["0.txt", "1.txt"]]
    )
    missing, damaged = [bytes(row[0]) for row in rows.fetchall()]
    store = blobs.store()
    assert isinstance(store, blobs.DiskStore)
    store.delete(shop.id, missing)
    store._path(shop.id, damaged).write_bytes(b"not it")
    report = backup.make(place / "backups", PASSPHRASE, quiet)
    assert sorted(report.missing) == sorted(
        [
            f"{shop.id}/{missing.hex()} is not in the store",
            f"{shop.id}/{damaged.hex()} is damaged in the store",
        ]
    )
    said = other.wasl("restore", report.path, "--passphrase-file", words, code=1)
    assert said.count("The backup itself lacked the file") == 2
    with other.opened() as there:
        assert there.execute("SELECT count(*) FROM conversations_message").fetchone() == (6,)


def test_one_at_a_time_and_nothing_half_made_stays(shop: Shop, place: Path) -> None:
    furnish(shop, 2)
    folder = place / "backups"
    make(folder)
    (folder / ".wasl-20200101-000000.backup.999.part").write_bytes(b"of one that was killed")
    tried: list[str] = []

    def meanwhile(_: int, what: str) -> None:
        if not tried:
            with pytest.raises(backup.CannotBackUp, match="Another backup") as caught:
                backup.make(folder, PASSPHRASE, quiet)
            tried.append(str(caught.value))
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        backup.make(folder, PASSPHRASE, meanwhile, now() + timedelta(seconds=5))
    assert tried
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 2, names
    assert names[0].endswith(".backup")
    assert names[1] == "wasl.keys"


def test_a_bucket_that_cannot_be_reached(shop: Shop, other: Other, place: Path, words: Path) -> None:
    furnish(shop, 2)
    file = make(place / "backups")
    nobody = {
        "BLOB_STORE": "s3://none/x",
        "S3_ENDPOINT": "http://127.0.0.1:9",
        "S3_ACCESS_KEY": "a",
        "S3_SECRET_KEY": "b",
    }
    other.environment |= {f"WASL_{name}": value for name, value in nobody.items()}
    said = other.wasl("restore", file, "--passphrase-file", words, code=1)
    assert "Nothing was restored" in said
    assert "Traceback" not in said


# Elsewhere --------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket() -> Iterator[dict[str, str]]:
    """Settings of a store that speaks S3."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "blob_store": "s3://wasl/files",
        "s3_endpoint": f"http://{host}:{port}",
        "s3_access_key": "a",
        "s3_secret_key": "b",
    }
    store = blobs.S3Store(
        "wasl", "files", endpoint_url=settings["s3_endpoint"], region_name="us-east-1",
        aws_access_key_id="a", aws_secret_access_key="b",
    )  # fmt: skip
    store._client.create_bucket(Bucket="wasl")
    yield settings
    server.stop()


def test_files_go_into_a_bucket_and_come_out_of_it(
    shop: Shop, owner: Owner, other: Other, place: Path, words: Path, bucket: dict[str, str]
) -> None:
    furnish(shop, 3)
    file = make(place / "backups")
    other.environment |= {f"WASL_{name.upper()}": value for name, value in bucket.items()}
    other.wasl("restore", file, "--passphrase-file", words)
    assert not list((other.data / "blobs").rglob("*")) if (other.data / "blobs").exists() else True
    other.wasl("backup", place / "second", "--passphrase-file", words)
    (second,) = (place / "second").glob("*.backup")
    third = Other(place / "third")
    try:
        third.wasl("restore", second, "--passphrase-file", words)
        kept = owner.execute("SELECT DISTINCT encode(digest, 'hex') FROM conversations_attachment").fetchall()
        files = {path.name for path in (third.data / "blobs").rglob("*") if path.is_file()}
        assert {row[0] for row in kept} <= files
    finally:
        third.remove()


def test_into_a_postgresql_of_ones_own(
    shop: Shop, owner: Owner, other: Other, place: Path, words: Path
) -> None:
    furnish(shop, 3)
    file = make(place / "backups")
    given = Cluster(place / "given", "g" * 40, fast=True)
    (place / "given").mkdir(mode=0o711)
    (place / "given").chmod(0o711)
    given.start()
    try:
        socket = quote(str(given.socket_dir), safe="")
        password = role_password("g" * 40, "wasl_owner")
        url = f"postgresql://wasl_owner:{password}@{socket}:5432/wasl"
        other.environment["WASL_DATABASE_URL"] = url
        other.wasl("restore", file, "--passphrase-file", words)
        assert "The database is not empty" in other.wasl("restore", file, "--passphrase-file", words, code=1)
        assert not (other.data / "pg").exists()
        with psycopg.connect(url, autocommit=True) as there:
            after, before = dump(there), dump(owner)
        del after["timeline_epoch"], before["timeline_epoch"]
        assert after == before
        with psycopg.connect(url, application_name="wasl web"):
            assert "in use (wasl web)" in other.wasl("restore", file, "--passphrase-file", words, code=1)
        other.wasl("backup", place / "from-there", "--passphrase-file", words)
    finally:
        given.stop()
        given.remove()


def test_an_older_backup_is_migrated_forward(behind: Other, place: Path, words: Path) -> None:
    """Its tables are made as they were and then brought forward; here, as they were before a room's last migration."""
    with behind.opened() as there:
        assert there.execute("SELECT to_regclass('accounts_calendar') IS NULL").fetchone() == (True,)
        behind.wasl("backup", place / "backups", "--passphrase-file", words)
    (file,) = (place / "backups").glob("*.backup")
    third = Other(place / "third")
    try:
        third.wasl("restore", file, "--passphrase-file", words)
        with third.opened() as there:
            assert there.execute("SELECT slug, language FROM accounts_workspace").fetchall() == [
                ("old", "fr")
            ]
            assert there.execute("SELECT to_regclass('accounts_calendar') IS NULL").fetchone() == (False,)
    finally:
        third.remove()


# The bar ----------------------------------------------------------------------------------------------------------


def test_the_bar_is_drawn_for_a_terminal_and_taken_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    bar = progress.Progress(2_000_000, "Backing up")
    bar(1_000_000, "conversations_message")
    drawn = capsys.readouterr().err
    assert "Backing up ██████████████░░░░░░░░░░░░░░  50%  1.0 MB" in drawn
    assert "conversations_message" in drawn
    bar(9_000_000, "files")
    assert " 99%" in capsys.readouterr().err  # the total was an estimate
    bar.end()
    assert capsys.readouterr().err.strip() == ""


def test_there_is_no_bar_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    bar = progress.Progress(10, "Backing up")
    bar(5, "x")
    bar.end()
    assert capsys.readouterr().err == ""
