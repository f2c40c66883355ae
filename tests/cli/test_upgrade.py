"""`wasl upgrade`: what it says beforehand, the backup it takes, and what it refuses."""

import json
from pathlib import Path

import psycopg

from tests.cli.other import Other
from wasl.kit.postgres import Cluster


def lacks(there: psycopg.Connection[object]) -> bool:
    return there.execute("SELECT to_regclass('accounts_calendar') IS NULL").fetchone() == (True,)


def test_what_it_would_change_is_listed_and_then_done(behind: Other, words: Path) -> None:
    other = behind
    record = other.data / "installed.json"
    known = json.loads(record.read_text())
    known["wasl"] = "0.0.9"
    known["settings"].remove("WASL_API_RATE")
    known["settings"].append("WASL_OLD_THING")
    record.write_text(json.dumps(known))
    said = other.wasl("upgrade", "--dry-run")
    assert "From 0.0.9 to 0." in said
    assert "accounts 0003_calendars\n    Create model Calendar" in said
    assert "WASL_API_RATE is new (5000)" in said
    assert "WASL_OLD_THING is no more" in said
    assert "Epoch of the timeline: 1, stays" in said
    assert "Last backup: none" in said
    assert "CREATE TABLE" not in said
    assert 'CREATE TABLE "accounts_calendar"' in other.wasl("upgrade", "--dry-run", "--sql")
    with other.opened() as there:
        assert lacks(there)
        with psycopg.connect(there.info.dsn, password=there.info.password, application_name="wasl web"):
            assert "in use (wasl web)" in other.wasl("upgrade", code=1)
    said = other.wasl("upgrade", "--passphrase-file", words)
    assert "Upgraded to 0." in said
    assert "rows, 0 files" in said  # though the database is older than backups are
    (file,) = (other.data / "backups").glob("*.backup")
    with other.opened() as there:
        assert not lacks(there)
    said = other.wasl("upgrade", "--dry-run")
    assert "Tables: nothing changes." in said
    assert "Settings: the same." in said
    assert f"Last backup: {file}" in said
    assert "Nothing to upgrade" in other.wasl("upgrade")
    assert len(list((other.data / "backups").glob("*.backup"))) == 1


def test_without_a_backup_when_told_so(behind: Other) -> None:
    assert "Upgraded" in behind.wasl("upgrade", "--without-backup")
    assert not (behind.data / "backups").exists()


def test_a_database_of_a_newer_wasl_is_left_alone(behind: Other) -> None:
    with behind.opened() as there:
        there.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('desk', '9999_later', now())"
        )
        assert "made by a newer Wasl" in behind.wasl("upgrade", code=1)
        assert "made by a newer Wasl" in behind.wasl("upgrade", "--dry-run", code=1)
    assert not (behind.data / "backups").exists()


def test_where_nothing_is_installed(place: Path) -> None:
    assert "nothing to upgrade" in Other(place / "nothing").wasl("upgrade", code=1)
    assert not Cluster(place / "nothing", "").data_dir.exists()
