"""Servers that hang, break off, or hold back one message."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.mailservers import fakes
from tests.mailservers.boxes import Box, wait
from tests.mailservers.dovecot import Dovecot, mail
from tests.worlds import Shop
from wasl.channels.email import imap
from wasl.channels.models import Mailbox
from wasl.intake import fetch
from wasl.intake.fetcher import Fetcher
from wasl.kit.clock import now
from wasl.kit.db import tenant


@pytest.fixture
def at(shop: Shop) -> Callable[[int], Box]:
    """`at(port)`: an inbox that fetches from a server without TLS."""

    def make(port: int) -> Box:
        class Server:
            password = "x"

        made = Server()
        made.port = port  # type: ignore[attr-defined]
        box = Box.create(shop, made, "someone")  # type: ignore[arg-type]
        box.settle(host="127.0.0.1", tls="none", poll=1.0)
        return box

    return make


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds are long."""
    monkeypatch.setattr(imap, "TIMEOUT", 2.0)
    monkeypatch.setattr(imap.call, "__kwdefaults__", {**imap.call.__kwdefaults__, "timeout": 2.0})


def test_a_server_that_hangs_in_the_middle_of_a_message(at: Callable[[int], Box], impatient: None) -> None:
    well = threading.Event()

    def hang(line: fakes.Line, tag: str, uid: int) -> None:
        if not well.is_set():
            line.sock.sendall(f"* {uid} FETCH (UID {uid} BODY[] {{900}}\r\nFrom: a@b".encode())
            time.sleep(4)
            raise OSError
        fakes._literal(line, uid, "BODY[]", mail(uid))

    with fakes.server(fakes.imap(mail(1), mail(2), on_body=hang)) as port:
        box = at(port)
        began = time.monotonic()
        row = box.visit()
        assert time.monotonic() - began < 60
        assert (row.problem, row.failures, row.stuck_uid, row.stuck_tries) == ("timed_out", 1, 1, 1)
        assert 2 < wait(row) < 6
        assert box.visit().failures == 2
        well.set()
        row = box.visit()
    assert (row.problem, row.failures, row.last_uid, row.stuck_uid) == ("", 0, 2, 0)
    assert len(box.stored()) == 2


def test_one_message_that_cannot_be_had_does_not_hold_up_the_rest(
    at: Callable[[int], Box], impatient: None
) -> None:
    def refuse(line: fakes.Line, tag: str, uid: int) -> None:
        if uid == 2:
            raise OSError
        fakes._literal(line, uid, "BODY[]", mail(uid))

    with fakes.server(fakes.imap(mail(1), mail(2, "Lost one"), mail(3), on_body=refuse)) as port:
        box = at(port)
        for _ in range(5):
            row = box.visit()
    assert (row.problem, row.last_uid) == ("", 3)
    assert len(box.stored()) == 3
    (aside,) = box.understood()
    assert aside.reason == "unfetched"
    with tenant(box.shop.id):
        noted = next(i for i in box.stored() if i.id == aside.id)
    assert b"Lost one" in bytes(noted.raw or b"")


def test_a_server_that_sends_a_byte_now_and_then_is_ended_from_outside(
    at: Callable[[int], Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(line: fakes.Line, tag: str, uid: int) -> None:
        line.sock.sendall(f"* {uid} FETCH (UID {uid} BODY[] {{900000}}\r\n".encode())
        while True:
            line.sock.sendall(b"x")
            time.sleep(0.05)

    monkeypatch.setattr(fetch, "STEP", 1.0)
    fetcher = Fetcher(places=2)
    with fakes.server(fakes.imap(mail(1), on_body=drip)) as port, _stepping(fetcher):
        box = at(port)
        _until(lambda: box.row().problem == "timed_out")
    assert box.row().stuck_uid == 1


def test_a_server_that_hangs_holds_up_no_other(
    at: Callable[[int], Box], server: Dovecot, trusted: None, db: None
) -> None:
    def hang(line: fakes.Line) -> None:
        time.sleep(60)

    other = Shop.create("other", "help@other.example")
    fetcher = Fetcher(places=4)
    with fakes.server(hang) as port:
        silent = at(port)
        fine = Box.create(other, server, "user29")
        server.append("user29", mail(1))
        with _stepping(fetcher):
            _until(lambda: len(fine.stored()) == 1, 10)
            assert silent.row().held_by is not None, "still waiting for a greeting"
            server.append("user29", mail(2))
            _until(lambda: len(fine.stored()) == 2, 10)
    assert fine.row().held_by is None, "given back at the end"
    assert silent.row().held_by is None


def test_a_change_of_settings_ends_a_visit_under_way(
    server: Dovecot, trusted: None, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wasl.intake import fetcher as module

    monkeypatch.setattr(module, "RENEW", 0.2)
    box = Box.create(shop, server, "user28")
    fetcher = Fetcher(places=1)
    with _stepping(fetcher):
        _until(lambda: box.row().checked_at is not None)
        with tenant(shop.id):
            Mailbox.objects.filter(id=box.id).update(held_by=None, held_until=None, is_active=False)
        _until(lambda: fetcher.visiting == 0)
        assert box.row().held_by is None


def test_more_mailboxes_than_places_take_turns(
    server: Dovecot, trusted: None, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "IDLE", 0.3)
    boxes = [
        Box.create(Shop.create(f"s{n}", f"help@s{n}.example"), server, f"user{20 + n}", poll=0.5)
        for n in range(3)
    ]
    fetcher = Fetcher(places=1)
    with _stepping(fetcher):
        _until(lambda: all(box.row().checked_at for box in boxes))


def test_the_lease_of_a_worker_that_died_runs_out(at: Callable[[int], Box]) -> None:
    with fakes.server(fakes.imap(mail(1))) as port:
        box = at(port)
        with tenant(box.shop.id):
            Mailbox.objects.filter(id=box.id).update(held_by=box.id, held_until=now())
        fetcher = Fetcher(places=1)
        with _stepping(fetcher):
            _until(lambda: len(box.stored()) == 1)


@contextmanager
def _stepping(fetcher: Fetcher) -> Iterator[None]:
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(0.1):
            fetcher.step()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        fetcher.close()


def _until(true: Callable[[], bool], patience: float = 90.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)
