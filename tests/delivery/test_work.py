"""The OUT road over real sockets, against a provider that behaves as it is told."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.delivery.road import FAST, Road, Working, turn_until
from tests.sandbox.stand import Stand, standing
from wasl.channels.base import BounceReport
from wasl.channels.email.parse import parse
from wasl.delivery import actions, claim, rows
from wasl.delivery.course import UNSURE, Ending, Limits, Outcome
from wasl.delivery.payload import File
from wasl.delivery.work import configured_limits
from wasl.kit import blobs, db
from wasl.kit.clock import now
from wasl.kit.ids import uuid7
from wasl.kit.signal import LIVE
from wasl.sandbox.network import Mode


def ended(road: Road, *ids: UUID) -> Callable[[], bool]:
    return lambda: not road.unended(ids)


def test_a_message_leaves_and_its_timeline_says_so(road: Road, stand: Stand) -> None:
    digest = blobs.put(road.shop.id, b"a lamp")
    one = road.send(files=[File("lamp.txt", "text/plain", digest)])
    assert (road.state(one), road.view(one).can_retry) == ("queued", False)
    sender = road.sender()
    turn_until(sender, ended(road, one))
    sender.close()
    view = road.view(one)
    assert (view.state, view.reason, view.attempts, view.next_at) == ("sent", "", 1, None)
    [attempt] = road.attempts(one)
    assert (attempt.number, attempt.outcome, attempt.code) == (1, "sent", "250")
    assert attempt.started_at <= (attempt.finished_at or attempt.started_at)
    assert road.touchpoints(one) == [("delivery.sent", {"attempt": 1, "by": "system", "code": 250})]
    [mail] = stand.place.mails("salma@barid.example")
    parsed = parse(mail.path.read_bytes())
    assert (parsed.text.strip(), parsed.parts[0].content) == ("Hello Salma", b"a lamp")


def test_the_attempt_is_written_before_the_call(road: Road) -> None:
    """A server that looks into the database while it is being talked to."""
    seen: list[tuple[Any, ...]] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        road.configure({"smtp": {"host": "127.0.0.1", "port": server.getsockname()[1], "tls": "none"}})
        one = road.send()

        def look() -> None:
            conn, _ = server.accept()
            seen.extend(
                road.owner.execute(
                    "SELECT d.state, d.attempts, a.number, a.outcome, a.finished_at FROM delivery_delivery d"
                    " JOIN delivery_attempt a ON a.delivery_id = d.id"
                )
            )
            conn.close()

        thread = threading.Thread(target=look)
        thread.start()
        sender = road.sender()
        turn_until(sender, lambda: not thread.is_alive())
        sender.close()
    assert seen == [("sending", 1, 1, "", None)]
    assert road.state(one) == "retry"


def test_refused_for_now_is_tried_again(road: Road, stand: Stand) -> None:
    stand.behave(Mode.REFUSE_NOW, once=True)
    one = road.send()
    sender = road.sender()
    turn_until(sender, lambda: road.state(one) == "retry")
    view = road.view(one)
    assert (view.reason, view.attempts, view.can_retry, view.ended_at) == ("not_now", 1, True, None)
    assert view.next_at is not None
    turn_until(sender, ended(road, one))
    sender.close()
    assert road.outcomes(one) == ["temporary", "sent"]
    assert road.kinds(one) == ["retry", "sent"]
    assert road.touchpoints(one)[0][1].items() >= {"reason": "not_now", "code": 451, "attempt": 1}.items()


def test_tries_are_limited(road: Road, stand: Stand) -> None:
    stand.behave(Mode.REFUSE_NOW)
    one = road.send()
    sender = road.sender()
    turn_until(sender, ended(road, one))
    sender.close()
    assert (road.state(one), road.view(one).reason) == ("failed", "not_now")
    assert road.outcomes(one) == ["temporary"] * FAST.attempts
    assert len(stand.wire()) == FAST.attempts


def test_refused_for_good_is_not_tried_again(road: Road, stand: Stand) -> None:
    stand.behave(Mode.REFUSE)
    one = road.send()
    sender = road.sender()
    turn_until(sender, ended(road, one))
    sender.close()
    view = road.view(one)
    assert (view.state, view.reason, view.attempts, view.can_retry) == ("failed", "address_unknown", 1, True)
    assert road.attempts(one)[0].detail.startswith("5.1.1")


def test_by_hand_a_failed_one_gets_all_its_tries_again(road: Road, stand: Stand) -> None:
    stand.behave(Mode.REFUSE, once=True)
    one = road.send()
    sender = road.sender()
    turn_until(sender, ended(road, one))
    with db.tenant(road.shop.id):
        assert actions.retry(db.raw(), road.shop.id, one)
        assert not actions.retry(db.raw(), road.shop.id, one), "it is queued already"
    assert (road.state(one), road.view(one).attempts) == ("queued", 0)
    turn_until(sender, ended(road, one))
    sender.close()
    assert road.state(one) == "sent"
    assert [a.number for a in road.attempts(one)] == [1, 2]
    assert road.kinds(one) == ["failed", "retried", "sent"]
    with db.tenant(road.shop.id):
        assert not actions.retry(db.raw(), road.shop.id, one)


def test_a_lost_answer_is_cleared_up_by_asking(road: Road, stand: Stand) -> None:
    stand.behave(Mode.LOSE_ANSWER, once=True)
    one = road.send()
    sender = road.sender()
    turn_until(sender, lambda: road.state(one) == "in_doubt")
    view = road.view(one)
    assert view.next_at is not None
    assert view.can_retry
    turn_until(sender, ended(road, one))
    sender.close()
    assert (road.state(one), road.outcomes(one)) == ("sent", ["in_doubt"])
    assert road.kinds(one) == ["in_doubt", "sent"]
    assert len(stand.place.mails("salma@barid.example")) == 1, "it was not sent twice"


def test_a_lost_answer_nobody_can_be_asked_about_is_sent_once_more(road: Road, stand: Stand) -> None:
    road.configure(stand.config(lookup=False))
    stand.behave(Mode.LOSE_ANSWER, once=True)
    one = road.send()
    sender = road.sender()
    turn_until(sender, ended(road, one))
    sender.close()
    assert (road.state(one), road.outcomes(one)) == ("sent", ["in_doubt", "sent"])
    copies = [parse(mail.path.read_bytes()) for mail in stand.place.mails("salma@barid.example")]
    assert len(copies) == 2
    assert len({copy.message_id for copy in copies}) == 1, "mail programs can tell that they are the same"


def test_two_lost_answers_end_in_saying_so(road: Road, stand: Stand) -> None:
    road.configure(stand.config(lookup=False))
    stand.behave(Mode.LOSE_ANSWER)
    one = road.send()
    sender = road.sender()
    turn_until(sender, ended(road, one))
    sender.close()
    view = road.view(one)
    assert (view.state, view.reason, view.can_retry) == ("failed", UNSURE, True)
    assert road.kinds(one) == ["in_doubt", "retry", "in_doubt", "failed"]
    assert len(stand.place.mails("salma@barid.example")) == 2, "never a third"


def test_one_that_did_not_leave_after_all_is_sent(road: Road, stand: Stand) -> None:
    """The line breaks before anything is stored: asked later, the provider says that it has nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        config = stand.config()
        road.configure(
            config | {"smtp": {"host": "127.0.0.1", "port": server.getsockname()[1], "tls": "none"}}
        )
        one = road.send()
        thread = threading.Thread(target=_swallow, args=(server,))
        thread.start()
        sender = road.sender()
        turn_until(sender, lambda: road.state(one) == "in_doubt")
        thread.join(10)
    road.configure(config)
    sender._outlets.clear()
    turn_until(sender, ended(road, one))
    sender.close()
    assert (road.state(one), road.outcomes(one)) == ("sent", ["in_doubt", "sent"])
    assert len(stand.place.mails("salma@barid.example")) == 1


def _swallow(server: socket.socket) -> None:
    """A server that reads a whole message and hangs up without an answer, keeping nothing."""
    conn, _ = server.accept()
    with conn, conn.makefile("rb") as lines:
        conn.sendall(b"220 here\r\n")
        for line in lines:
            if line == b".\r\n":
                return
            if line.upper().startswith(b"DATA"):
                conn.sendall(b"354 go on\r\n")
                for content in lines:
                    if content == b".\r\n":
                        return
            conn.sendall(b"250 ok\r\n")


def test_open_pages_are_told(road: Road, stand: Stand) -> None:
    heard: list[str] = []
    with psycopg.connect(db.conninfo("app", "listener"), autocommit=True) as conn:
        conn.execute(f"LISTEN {LIVE}")
        one = road.send()
        sender = road.sender()
        turn_until(sender, ended(road, one))
        sender.close()
        heard += [notice.payload for notice in conn.notifies(timeout=30, stop_after=1)]
    assert '"k":"delivery"' in heard[0]
    assert str(road.conversation) in heard[0]


def test_a_provider_out_of_reach_costs_no_tries_and_holds_everything(road: Road, stand: Stand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    config = stand.config()
    road.configure(config | {"smtp": config["smtp"] | {"port": port}})
    ids = [road.send() for _ in range(12)]
    clock = Clock()
    sender = road.sender(clock=clock)
    turn_until(sender, lambda: all(road.state(i) == "retry" for i in ids))
    assert {road.view(i).reason for i in ids} == {"unreachable"}
    assert {road.view(i).attempts for i in ids} == {0}
    calls = sum(len(road.attempts(i)) for i in ids)
    assert calls <= 4, "only those that were under way when the first call failed"

    def put_off() -> bool:
        return all(view.next_at and view.next_at > clock() for view in map(road.view, ids))

    for _ in range(3):
        clock.forward(331)
        turn_until(sender, put_off)
    assert sum(len(road.attempts(i)) for i in ids) == calls + 3, "one call a rest finds out how things are"
    assert {road.view(i).attempts for i in ids} == {0}
    assert sum(len(road.touchpoints(i)) for i in ids) == 12, "that it is still away is no news"
    with standing(stand.place.folder, smtp=port):
        clock.forward(331)
        turn_until(sender, ended(road, *ids))
        sender.close()
    assert {road.state(i) for i in ids} == {"sent"}


class Clock:
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> datetime:
        return now() + timedelta(seconds=self.ahead)

    def forward(self, seconds: float) -> None:
        self.ahead += seconds


def test_a_provider_away_past_the_deadline_ends_it(road: Road) -> None:
    road.configure({"smtp": {"host": "127.0.0.1", "port": 1, "tls": "none"}})
    one = road.send()
    clock = Clock()
    sender = road.sender(clock=clock)
    turn_until(sender, lambda: road.state(one) == "retry")
    clock.forward(4 * 86_400)
    turn_until(sender, ended(road, one))
    sender.close()
    assert (road.state(one), road.view(one).reason) == ("failed", "unreachable")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, "unreachable"),
        ({"smtp": {"host": "127.0.0.1", "port": "none"}}, "unreachable"),
    ],
)
def test_an_inbox_without_a_way_out_says_so(road: Road, config: dict[str, Any], reason: str) -> None:
    road.configure(config)
    one = road.send()
    sender = road.sender()
    turn_until(sender, lambda: road.state(one) == "retry")
    sender.close()
    assert road.view(one).reason == reason
    assert "inbox" in road.attempts(one)[0].detail


def test_a_missing_file_fails_for_good_and_harms_no_other(road: Road) -> None:
    lost = road.send(files=[File("gone.pdf", "application/pdf", b"\0" * 32)])
    fine = road.send()
    sender = road.sender()
    turn_until(sender, ended(road, lost, fine))
    sender.close()
    assert (road.state(lost), road.view(lost).reason) == ("failed", "bad_message")
    assert road.state(fine) == "sent"


def test_senders_are_shared_between_inboxes(road: Road, stand: Stand) -> None:
    """A hundred letters wait in one inbox; one in another does not wait for them."""
    flood = [road.send() for _ in range(60)]
    other = road.inbox("orders@dar-zaytun.example", stand.config())
    single = road.send("omar@barid.example", inbox=other)
    sender = road.sender(senders=4)
    turn_until(sender, ended(road, single, *flood))
    sender.close()
    order = [entry.to for entry in stand.entries()]
    assert order.index("omar@barid.example") < 8
    assert Counter(order)["salma@barid.example"] == 60


def test_an_inbox_keeps_to_its_connections(road: Road, stand: Stand) -> None:
    road.configure(stand.config(connections=2))
    ids = [road.send() for _ in range(20)]
    sender, most = road.sender(senders=8), 0
    while not ended(road, *ids)():
        sender.bell.clear()
        wait = sender.step()
        most = max(most, len(sender._under_way))
        sender.bell.wait(min(wait, 0.1))
    sender.close()
    assert most == 2


def test_connections_are_kept_between_messages(road: Road, stand: Stand) -> None:
    ids = [road.send() for _ in range(30)]
    with Working(road.sender(senders=4)):
        _wait(ended(road, *ids))
        assert stand.sessions <= 4
    assert len(stand.entries()) == 30


def _wait(done: Callable[[], bool], patience: float = 90.0) -> None:
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_clean_stop_finishes_the_calls_in_hand(road: Road, stand: Stand) -> None:
    ids = [road.send() for _ in range(40)]
    with Working(road.sender(senders=4)):
        time.sleep(0.15)
    states = Counter(road.state(i) for i in ids)
    assert set(states) <= {"sent", "queued"}
    assert states["sent"] == len(stand.entries())


def test_a_stale_worker_changes_nothing(road: Road, stand: Stand) -> None:
    """It claims, is away for longer than its lease, and comes back with an answer nobody waits for."""
    one = road.send()
    late = road.sender(lease=0.2)
    late._submit = lambda task: None  # type: ignore[method-assign]
    late.step()
    [job] = late._under_way.values()
    time.sleep(0.3)
    other = road.sender(limits=FAST)
    turn_until(other, ended(road, one))
    before = (road.view(one), road.attempts(one), road.touchpoints(one))
    late._returned.put((job, Outcome(Ending.PERMANENT, "unwanted", "550", "too late")))
    late.step()
    claimed = claim.Job(job.row, job.attempt_id, job.started_at, {})
    with db.pool("queue", "test", 8).connection() as conn:
        claim.renew(conn, [claimed.row], now())
        assert claim.still_held(conn, [claimed.row]) == {}
    assert (road.view(one), road.attempts(one), road.touchpoints(one)) == before
    assert road.outcomes(one) == ["in_doubt", "sent"]
    other.close()


def test_a_lease_is_renewed_while_the_call_lasts(road: Road) -> None:
    release = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        road.configure({"smtp": {"host": "127.0.0.1", "port": server.getsockname()[1], "tls": "none"}})
        one = road.send()

        def slow() -> None:
            conn, _ = server.accept()
            with conn:
                release.wait(10)

        thread = threading.Thread(target=slow)
        thread.start()
        with Working(road.sender(lease=1.5)):
            _wait(lambda: road.state(one) == "sending")
            other = road.sender(lease=1.5)
            for _ in range(25):
                other.step()
                time.sleep(0.1)
                assert road.state(one) == "sending"
            release.set()
            _wait(lambda: road.state(one) == "retry")
        thread.join(10)
        other.close()


def test_a_turn_that_was_not_committed_leaves_no_doubt(road: Road, stand: Stand, monkeypatch: Any) -> None:
    """The commit goes through and the answer to it is lost: the calls were never made, and that is known."""
    one = road.send()
    sender = road.sender()
    conn = sender._conn = sender._pool.getconn()
    commit = conn.commit

    def answer_lost() -> None:
        commit()
        raise psycopg.OperationalError("the server closed the connection unexpectedly")

    monkeypatch.setattr(conn, "commit", answer_lost)
    with pytest.raises(psycopg.OperationalError):
        sender.step()
    monkeypatch.undo()
    assert road.state(one) == "sending"
    turn_until(sender, ended(road, one))
    sender.close()
    assert (road.state(one), road.view(one).attempts, road.outcomes(one)) == ("sent", 1, ["sent"])
    assert road.kinds(one) == ["sent"]
    assert len(stand.entries()) == 1


def test_a_change_that_cannot_be_written_is_set_aside(road: Road, monkeypatch: Any) -> None:
    bad, good = road.send(), road.send()
    original = rows._touch

    def touch(change: Any, at: Any, detail: Any) -> Any:
        if change.row.id == bad:
            raise ValueError("a mistake of ours")
        return original(change, at, detail)

    monkeypatch.setattr(rows, "_touch", touch)
    sender = road.sender()
    with pytest.raises(ValueError, match="mistake"):
        turn_until(sender, ended(road, bad, good))
    turn_until(sender, ended(road, good))
    assert road.state(bad) == "sending"
    monkeypatch.undo()
    clock = Clock()
    clock.forward(400)
    sender._clock = clock
    turn_until(sender, ended(road, bad))
    sender.close()
    assert road.state(good) == "sent"


def test_a_secret_that_does_not_open_is_said(road: Road, stand: Stand) -> None:
    road.owner.execute("UPDATE channels_inbox SET secret = %s", [b"\x01" + b"x" * 40])
    one = road.send()
    sender = road.sender()
    turn_until(sender, lambda: road.state(one) == "retry")
    sender.close()
    assert road.view(one).reason == "sign_in"
    assert "password" in road.attempts(one)[0].detail


def test_other_workspaces_are_not_touched(road: Road) -> None:
    one = road.send()
    with db.tenant(road.shop.id):
        assert actions.receipt(db.raw(), road.shop.id, uuid7(), None, BounceReport("failed")) is None
    with db.tenant(uuid7()):
        assert actions.retry(db.raw(), road.shop.id, one) is False


def test_limits_come_from_the_settings() -> None:
    assert configured_limits() == Limits(attempts=12, first_wait=30.0, doubt_wait=600.0)
