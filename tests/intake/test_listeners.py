"""What a worker listens to by itself: one of many, stored before it is acknowledged, begun and ended as inboxes are."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.worlds import Shop
from wasl.channels.base import Reason, TemporaryFailure, Unreached
from wasl.channels.models import Inbox, Mailbox
from wasl.channels.port import Channel, Nothing, Settings, Slip, Take
from wasl.channels.secret import seal_all
from wasl.intake import listeners, listening, mailboxes
from wasl.intake.listeners import Listeners
from wasl.intake.models import Inbound, InboundQueue, Listening
from wasl.kit import alive
from wasl.kit.clock import now
from wasl.kit.db import conninfo, pool, tenant
from wasl.kit.ids import uuid7

Owner = psycopg.Connection[Any]
TOKEN = "very-secret-token"


@dataclass
class Loft:
    """A channel of pigeons: what it is told to do when it listens, and who listens."""

    brings: list[list[Slip]] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    returns: bool = False
    acknowledged: list[str] = field(default_factory=list)
    settings: list[Settings] = field(default_factory=list)
    at_once: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self, settings: Settings, take: Take, stop: threading.Event) -> None:
        with self.lock:
            self.settings.append(settings)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            self._listen(take, stop)
        finally:
            self.at_once -= 1

    def _listen(self, take: Take, stop: threading.Event) -> None:
        if self.fails:
            raise self.fails.pop(0)
        take(())
        while not stop.wait(0.01):
            if self.returns:
                return
            if self.brings:
                slips = self.brings.pop(0)
                take(slips)
                self.acknowledged += [slip.key for slip in slips]


def never(raw: bytes) -> Nothing:
    return Nothing("a pigeon")


@pytest.fixture
def loft(monkeypatch: pytest.MonkeyPatch) -> Loft:
    made = Loft()
    channel = Channel(name="pigeon", label="Pigeon", icon="send", parse=never, listen=made.listen)
    monkeypatch.setattr(listeners, "channels", lambda: {"pigeon": channel})
    return made


@pytest.fixture
def inbox(shop: Shop) -> Inbox:
    with tenant(shop.id):
        made = Inbox(id=uuid7(), workspace_id=shop.id, channel="pigeon", name="Loft", address="roof")
        made.secret = seal_all(shop.id, made.id, {"token": TOKEN})
        made.save(force_insert=True)
    return made


@pytest.fixture
def worker() -> Iterator[Callable[..., Listeners]]:
    made: list[Listeners] = []

    def make(places: int = 5) -> Listeners:
        made.append(Listeners(places))
        return made[-1]

    yield make
    for each in made:
        each.close()


def until(true: Callable[[], object], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def row(inbox: Inbox) -> Listening:
    with tenant(inbox.workspace_id):
        return Listening.objects.get(id=inbox.id)


def change(inbox: Inbox, **fields: Any) -> None:
    with tenant(inbox.workspace_id):
        Inbox.objects.filter(id=inbox.id).update(**fields)


def due(owner: Owner) -> None:
    owner.execute("UPDATE intake_listening SET due_at = now()")


def test_what_is_heard_is_stored_before_it_is_acknowledged(
    loft: Loft, inbox: Inbox, worker: Callable[..., Listeners]
) -> None:
    big = b"x" * 100_000
    loft.brings = [
        [Slip("a", b"one"), Slip("b", big), Slip("a", b"one")],
        [Slip("a", b"one"), Slip("c", b"two")],
    ]
    one = worker()
    one.step()
    until(lambda: len(loft.acknowledged) == 5)
    with tenant(inbox.workspace_id):
        stored = {row.dedupe_key.hex()[:4]: row for row in Inbound.objects.all()}
        assert InboundQueue.objects.count() == len(stored) == 3
    assert sorted(row.size for row in stored.values()) == [3, 3, 100_000]
    assert [bool(row.raw) for row in stored.values() if row.size > 5] == [False]
    kept = row(inbox)
    assert (kept.taken, kept.problem, kept.well_at is not None) == (3, "", True)
    assert loft.settings[0].secrets == {"token": TOKEN}


def test_of_many_workers_one_listens(loft: Loft, inbox: Inbox, worker: Callable[..., Listeners]) -> None:
    crew = [worker() for _ in range(4)]
    threads = [threading.Thread(target=each.step) for each in crew]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: loft.at_once)
    for each in crew:
        each.step()
    assert (loft.most, sum(each.listening for each in crew)) == (1, 1)
    busy = next(each for each in crew if each.listening)
    busy.close()
    assert loft.at_once == 0
    assert row(inbox).held_by is None  # given back, and not only let lapse
    next(each for each in crew if each is not busy).step()
    until(lambda: loft.at_once == 1)


def test_what_a_killed_process_held_is_free_at_once(
    loft: Loft, inbox: Inbox, worker: Callable[..., Listeners], shop: Shop
) -> None:
    def fetching() -> int:
        with pool("queue", "worker").connection() as conn:
            return len(mailboxes.take(conn, 5))

    with tenant(shop.id):
        Mailbox.objects.create(id=shop.mail.id, workspace_id=shop.id, due_at=now(), since=now())
    one, other = worker(), worker()
    info = conninfo("queue", "worker listener")
    with psycopg.connect(info, autocommit=True) as conn, alive.shown(conn):
        one.step()
        until(lambda: loft.at_once == 1)
        assert fetching() == 1
        other.step()
        assert (fetching(), other.listening) == (0, 0)
    alive._anew()  # the connection broke, as it does when a process is killed; now we are another one
    until(lambda: other.step() >= 0 and other.listening == 1)  # as soon as the server knows of the break
    assert fetching() == 1


def test_what_is_held_right_after_a_break_names_its_process(owner: Owner) -> None:
    alive.expect()
    made: list[UUID] = []
    holding = threading.Thread(target=lambda: made.append(alive.token()))
    holding.start()  # quicker than the connection that shows that we live, at the start or after a break
    with alive.shown(owner):
        holding.join(10)
    alive._anew()
    assert made[0].version == 8


def test_forked_processes_do_not_answer_for_one_another(owner: Owner) -> None:
    with alive.shown(owner):
        mine = alive.token()
        there, back = os.pipe()
        if not (child := os.fork()):
            os.write(back, alive._lock.to_bytes(4) + alive.token().bytes)
            os._exit(0)
        os.waitpid(child, 0)
        said = os.read(there, 20)
    alive._anew()
    assert mine.version == 8
    assert said[:4] != mine.bytes[:4]
    assert UUID(bytes=said[4:]).version == 4  # nobody shows yet that the child lives


def test_a_connection_that_broke_with_the_database_is_made_again_at_once(
    loft: Loft, inbox: Inbox, worker: Callable[..., Listeners]
) -> None:
    loft.fails = [psycopg.OperationalError("the server closed the connection unexpectedly")]
    one = worker()
    one.step()
    until(lambda: len(loft.settings) == 1 and not loft.at_once)
    until(lambda: one.step() and loft.at_once == 1)
    assert row(inbox).failures == 0


def test_a_dead_workers_inbox_is_taken_over_and_the_dead_does_no_harm(
    loft: Loft, inbox: Inbox, worker: Callable[..., Listeners], owner: Owner
) -> None:
    one, other = worker(), worker()
    one.step()
    until(lambda: row(inbox).well_at)  # it has said that it is connected: nothing of it is under way
    owner.execute("UPDATE intake_listening SET held_until = now() - interval '1 second'")
    other.step()
    until(lambda: loft.at_once == 2)
    loft.brings = [[Slip(str(n), b"x")] for n in range(30)]
    until(lambda: loft.at_once == 1)  # the one that had it lets go at the first thing it cannot store
    until(lambda: len(loft.acknowledged) >= 29)
    one.step()
    assert (one.listening, other.listening) == (0, 1)
    with tenant(inbox.workspace_id):
        assert Inbound.objects.count() == len(loft.acknowledged)
        assert Inbound.objects.count() >= 29


def test_it_begins_and_ends_as_inboxes_do(loft: Loft, inbox: Inbox, worker: Callable[..., Listeners]) -> None:
    one = worker()
    one.step()
    until(lambda: loft.at_once == 1)
    change(inbox, is_active=False)
    one.step()
    until(lambda: loft.at_once == 0)
    change(inbox, is_active=True)
    until(lambda: one.step() and loft.at_once == 1)
    change(inbox, config={"base_url": "https://other.example"})
    until(lambda: one.step() and len(loft.settings) == 3)
    assert loft.settings[-1].text("base_url") == "https://other.example"
    until(lambda: loft.at_once == 1)
    assert loft.most == 1


def test_a_failure_is_shown_and_tried_again_later(
    loft: Loft, inbox: Inbox, worker: Callable[..., Listeners], owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    loft.fails = [
        Unreached("401", f"GET https://x.example/bot{TOKEN}/me: no", reason=Reason.SIGN_IN),
        RuntimeError(f"bad {TOKEN}"),
    ]
    one = worker()
    with caplog.at_level(logging.INFO):
        one.step()
        until(lambda: row(inbox).problem)
        kept = row(inbox)
        assert (kept.problem, kept.failures) == ("sign_in", 1)
        assert kept.problem_since
        assert kept.detail == "401 GET https://x.example/bot…/me: no"
        assert timedelta(minutes=2) < kept.due_at - kept.problem_since < timedelta(minutes=6)
        one.step()
        assert loft.at_once == 0
        due(owner)
        one.step()
        until(lambda: row(inbox).failures == 2)
    assert row(inbox).problem == "other"
    assert "nobody foresaw" in caplog.text
    assert TOKEN not in caplog.text
    due(owner)
    one.step()
    until(lambda: loft.at_once == 1)
    until(lambda: not row(inbox).problem)
    assert row(inbox).failures == 0


def test_other_settings_are_tried_at_once(loft: Loft, inbox: Inbox, worker: Callable[..., Listeners]) -> None:
    loft.fails = [Unreached("401", "no", reason=Reason.SIGN_IN)]
    one = worker()
    one.step()
    until(lambda: row(inbox).problem)
    change(inbox, secret=seal_all(inbox.workspace_id, inbox.id, {"token": "another"}))
    until(lambda: one.step() and loft.at_once == 1)
    until(lambda: not row(inbox).problem)
    assert loft.settings[-1].secrets == {"token": "another"}


def test_what_does_not_want_to_listen_is_left_alone(
    loft: Loft, inbox: Inbox, worker: Callable[..., Listeners]
) -> None:
    loft.returns = True
    one = worker()
    one.step()
    until(lambda: loft.settings and not loft.at_once)
    until(lambda: row(inbox).held_by is None)
    one.step()
    time.sleep(0.05)
    assert len(loft.settings) == 1


def test_no_more_than_there_are_places(loft: Loft, shop: Shop, worker: Callable[..., Listeners]) -> None:
    with tenant(shop.id):
        for number in range(5):
            Inbox.objects.create(workspace_id=shop.id, channel="pigeon", name="L", address=str(number))
    one, other = worker(3), worker(3)
    one.step()
    one.step()
    assert one.listening == 3
    other.step()
    assert other.listening == 2


def test_a_lease_that_is_renewed_holds(
    loft: Loft, inbox: Inbox, worker: Callable[..., Listeners], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "RENEW", 0.0)
    one = worker()
    one.step()
    before = row(inbox).held_until
    one.step()
    after = row(inbox).held_until
    assert before
    assert after
    assert after > before
    with tenant(inbox.workspace_id):
        Listening.objects.update(held_by=None)
    one.step()
    until(lambda: loft.at_once == 0)


def test_waits_grow_and_end() -> None:
    waits = [listening.pause(Reason.UNREACHABLE, n).total_seconds() for n in range(30)]
    assert 2.5 <= waits[0] <= 5
    assert all(wait <= 900 for wait in waits)
    assert min(waits[10:]) >= 450
    assert listening.pause(Reason.SIGN_IN, 0).total_seconds() >= 150
    assert max(listening.pause(Reason.SIGN_IN, n).total_seconds() for n in range(30)) <= 6 * 3600
    assert listening.pause(Reason.NOT_NOW, 0, 77.0).total_seconds() == 77
    assert listening.pause(Reason.NOT_NOW, 0, 1e9).total_seconds() == 900
    assert len({listening.pause(Reason.NOT_NOW, 3) for _ in range(20)}) > 10


def test_a_wait_that_the_provider_asks_for_is_kept(
    loft: Loft, inbox: Inbox, worker: Callable[..., Listeners]
) -> None:
    loft.fails = [TemporaryFailure("429", "slow down", 300.0)]
    worker().step()
    until(lambda: row(inbox).problem)
    kept = row(inbox)
    assert kept.problem_since
    assert kept.due_at - kept.problem_since > timedelta(seconds=290)


def test_a_secret_that_is_short_hides_no_words(
    inbox: Inbox, loft: Loft, worker: Callable[..., Listeners]
) -> None:
    change(inbox, secret=seal_all(inbox.workspace_id, inbox.id, {"pin": "no"}))
    loft.fails = [Unreached("", "no way", reason=Reason.UNREACHABLE)]
    worker().step()
    until(lambda: row(inbox).problem)
    assert row(inbox).detail == "no way"
