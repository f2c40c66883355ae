"""The command for what followers could not digest: seen, given again after a fix, and kept where there is none."""

import psycopg
import pytest

from tests.timeline.conftest import Place
from wasl.cli import main
from wasl.config import followers
from wasl.kit.db import Connection
from wasl.timeline.follow import Follower, Seen, lag, run_once


def test_what_is_parked_is_seen_and_given_again(
    place: Place, queue: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = place.write(5)
    bad, digested = {ids[1], ids[3]}, []

    def handle(conn: Connection, batch: list[Seen]) -> None:
        for row in batch:
            if row.id in bad:
                conn.execute("SELECT 1 / 0")
        digested.extend(row.id for row in batch)

    follower = Follower(name="test", handle=handle)
    monkeypatch.setattr(followers, "FOLLOWERS", [follower])
    while run_once(queue, follower):
        pass
    assert digested == [ids[0], ids[2], ids[4]]
    first, second = (row[0] for row in queue.execute("SELECT id FROM timeline_parked ORDER BY id"))
    queue.execute(
        "INSERT INTO timeline_parked (follower, workspace_id, touchpoint_id, error, parked_at)"
        " VALUES ('left', %s, %s, 'ValueError', now())",
        [place.id, ids[0]],
    )

    assert main(["parked"]) == 0
    shown = capsys.readouterr()
    assert f"test  message.sent {ids[1]}  DivisionByZero" in shown.out
    assert len(shown.out.splitlines()) == 3
    assert "wasl parked --retry" in shown.err

    bad.remove(ids[1])
    assert main(["parked", "--retry"]) == 1
    said = capsys.readouterr()
    assert said.out == "Digested: 1. Still parked: 2.\n"
    assert f"{second}  " in said.err
    assert "DivisionByZero" in said.err
    assert "There is no follower left any more." in said.err

    bad.clear()
    assert main(["parked", "--retry", str(second), str(first)]) == 1
    said = capsys.readouterr()
    assert said.out == "Digested: 1. Still parked: 0.\n"
    assert said.err == f"{first}  Nothing of that number is parked.\n"
    assert sorted(digested) == sorted(ids)
    assert [(one.name, one.parked) for one in lag(queue)] == [("test", 0)]


def test_nothing_parked_is_said(queue: psycopg.Connection, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parked"]) == 0
    assert capsys.readouterr().err == "Nothing is parked.\n"
