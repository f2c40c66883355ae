"""Fetching from a real Dovecot."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from tests.mailservers.boxes import Box, wait
from tests.mailservers.certificates import Authority
from tests.mailservers.dovecot import mail
from tests.processes import role
from wasl.channels.email.imap import Session
from wasl.channels.email.outside import Opening
from wasl.conversations.models import Conversation, Message
from wasl.intake import fetch, mailboxes
from wasl.kit import blobs
from wasl.kit.clock import now
from wasl.kit.db import tenant


def test_mail_is_fetched_once_and_becomes_a_conversation(box: Box) -> None:
    box.server.append(box.user, mail(1, "Où est ma lampe ?"), mail(2))
    row = box.visit()
    assert (row.problem, row.last_uid, row.fetched, row.held_by) == ("", 2, 2, None)
    assert row.checked_at
    assert 50 < wait(row) < 61
    assert [bytes(i.raw or b"") for i in box.stored()] == [mail(1, "Où est ma lampe ?"), mail(2)]
    box.visit()
    assert len(box.stored()) == 2
    assert box.understood() == []
    with tenant(box.shop.id):
        assert Conversation.objects.count() == 1
        assert sorted(Message.objects.values_list("subject", flat=True)) == [
            "Où est ma lampe ?",
            "Question 2",
        ]
    with box.server.client(box.user) as client:
        client.select_folder("INBOX")
        assert client.search("UNSEEN") == [1, 2], "looking leaves no trace"


def test_only_what_arrived_since_then_is_fetched_of_an_old_mailbox(box: Box) -> None:
    with box.server.client(box.user) as client:
        client.append("INBOX", mail(1), msg_time=_days_ago(40))
        client.append("INBOX", mail(2), msg_time=_days_ago(2))
        client.append("INBOX", mail(3))
    assert box.visit().last_uid == 3
    assert _numbers(box) == [3]
    with box.server.client(box.user) as client:  # filed by hand: it comes in although it is old
        client.append("INBOX", mail(4), msg_time=_days_ago(40))
    box.visit()
    assert _numbers(box) == [3, 4]
    assert box.stored()[1].received_at.date() == _days_ago(40).date()


def test_gaps_between_numbers_are_nothing_special(box: Box) -> None:
    box.server.append(box.user, *(mail(n) for n in range(1, 9)))
    _expunge(box, [1, 3, 4])
    assert box.visit().last_uid == 8
    _expunge(box, [8])
    box.server.append(box.user, mail(9))
    assert box.visit().last_uid == 9
    assert _numbers(box) == [2, 5, 6, 7, 8, 9]


def test_a_folder_that_was_made_anew_is_read_again_and_nothing_comes_twice(box: Box) -> None:
    with box.server.client(box.user) as client:
        client.create_folder("Support")
        client.append("Support", mail(1))
        client.append("Support", mail(2))
    box.settle(folder="Support")
    before = box.visit()
    assert before.last_uid == 2
    with box.server.client(box.user) as client:
        client.delete_folder("Support")
        client.create_folder("Support")
        client.append("Support", mail(2))
        client.append("Support", mail(3))
    after = box.visit()
    assert after.uidvalidity != before.uidvalidity
    assert _numbers(box) == [1, 2, 3]
    assert (after.last_uid, after.fetched) == (2, 3)


def test_two_thousand_messages(box: Box) -> None:
    box.server.drop(box.user, *(mail(n) for n in range(2000)))
    row = box.visit()
    assert (row.fetched, row.last_uid) == (2000, 2000)
    assert len(box.stored()) == 2000


def test_broken_mail_is_stored_as_it_is_and_holds_nothing_up(box: Box) -> None:
    broken = [
        b"no header at all",
        b"\r\n\r\n",
        b"From: =?utf-8?q?=ff?= <x@y.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nx",
        b"From: a@b.example\r\nSubject: \xff\xfe\xfd\r\n\r\nbytes \xff",
    ]
    box.server.append(box.user, *broken, mail(1))
    assert box.visit().fetched == 5
    assert [bytes(i.raw or b"") for i in box.stored()] == [*broken, mail(1)]
    assert len(box.understood()) in (1, 2)


def test_a_large_message_is_fetched_by_the_piece(box: Box) -> None:
    large = mail(1, text="olives and lamps\r\n" * 200_000)
    box.server.append(box.user, mail(0), large, mail(2))
    assert box.visit().fetched == 3
    stored = box.stored()[1]
    assert stored.raw is None
    assert blobs.read(box.shop.id, bytes(stored.raw_digest or b"")) == large
    assert stored.size == len(large)


def test_a_message_over_the_limit_stays_there_and_is_noted(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = mail(1, "Photos of the whole shop", text="x" * 70 + "\r\n" + "y" * 3_000_000)
    box.server.append(box.user, mail(0), huge, mail(2))
    monkeypatch.setattr(fetch.settings.ENV.__class__, "imap_size_limit", 2_000_000, raising=False)
    assert box.visit().last_uid == 3
    first, noted, last = box.stored()
    assert (first.size, last.size) == (len(mail(0)), len(mail(2)))
    assert b"Photos of the whole shop" in bytes(noted.raw or b"")
    assert b"yyyy" not in bytes(noted.raw or b"")
    assert noted.size == len(huge)
    (aside,) = box.understood()
    assert (aside.id, aside.reason, aside.detail) == (noted.id, "too_large", f"{len(huge)} bytes")
    assert noted.envelope["from"] == "amal@home.example"


def test_what_was_read_is_marked_or_moved(box: Box) -> None:
    box.server.append(box.user, mail(1))
    box.settle(after="seen")
    assert box.visit().problem == ""
    with box.server.client(box.user) as client:
        client.select_folder("INBOX")
        assert client.search("SEEN") == [1]
        client.create_folder("Réglé")
    box.settle(after="move", after_folder="Réglé")
    box.server.append(box.user, mail(2))
    assert box.visit().problem == ""
    with box.server.client(box.user) as client:
        client.select_folder("INBOX")
        assert client.search() == [1]
        client.select_folder("Réglé")
        assert len(client.search()) == 1
    box.settle(after_folder="Gone")
    box.server.append(box.user, mail(3))
    row = box.visit()
    assert (row.problem, row.last_uid) == ("after_folder_missing", 3), "it is fetched all the same"
    assert _numbers(box) == [1, 2, 3]
    box.settle(after="leave")
    assert box.visit().problem == ""


def test_a_refused_sign_in_is_said_and_not_hammered(box: Box) -> None:
    box.secret(Opening(password="yesterday's"))
    waits = []
    for _ in range(5):
        row = box.visit()
        assert (row.problem, row.last_uid) == ("sign_in_refused", 0)
        waits.append(wait(row))
    assert 140 < waits[0] < 301
    assert waits[4] > 8_000
    since = row.problem_since
    box.server.append(box.user, mail(1))
    box.secret(Opening(password=box.server.password))
    row = box.visit()
    assert (row.problem, row.problem_since, row.failures, row.fetched) == ("", None, 0, 1)
    assert since


def test_a_password_that_changes_while_mail_is_fetched(box: Box) -> None:
    box.visit()
    old = box.server.password
    box.server.change_password("another-one")
    try:
        assert box.visit().problem == "sign_in_refused"
    finally:
        box.server.change_password(old)


def test_no_password_and_a_missing_folder(box: Box) -> None:
    box.settle(folder="Nowhere")
    assert box.visit().problem == "folder_missing"
    box.secret(Opening())
    assert box.visit().problem == "sign_in_refused"


def test_a_visit_stays_while_the_server_tells_of_news(box: Box) -> None:
    visit = box.take()
    visit._crowded = lambda: False
    thread = threading.Thread(target=visit.run)
    thread.start()
    try:
        _until(lambda: box.row().checked_at is not None)
        began = time.monotonic()
        box.server.append(box.user, mail(1))
        _until(lambda: len(box.stored()) == 1)
        assert time.monotonic() - began < 40, "IDLE, not the next minute"
    finally:
        visit.abort()
        thread.join(60)
    assert not thread.is_alive()
    assert box.row().held_by is None


def test_a_mail_that_arrives_while_another_is_fetched_is_not_left_for_the_next_minute(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server tells of it with the answer to something else, and never again."""
    bodies = Session.bodies

    def meanwhile(session: Session, uids: Sequence[int]) -> dict[int, bytes]:
        if list(uids) == [1]:
            box.server.append(box.user, mail(2))
        return bodies(session, uids)

    monkeypatch.setattr(Session, "bodies", meanwhile)
    box.server.append(box.user, mail(1))
    visit = box.take()
    visit._crowded = lambda: False
    thread = threading.Thread(target=visit.run)
    began = time.monotonic()
    thread.start()
    try:
        _until(lambda: len(box.stored()) == 2)
        assert time.monotonic() - began < 40, "the next minute has come"
    finally:
        visit.abort()
        thread.join(60)


def test_a_server_that_tells_of_nothing_is_looked_at_soon_after_news(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins to watch a moment after we looked: what arrived between is no change to it."""
    waits: list[float] = []

    def untold(session: Session, seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            box.server.append(box.user, mail(2))
        if len(waits) == 12:
            visit.abort()

    monkeypatch.setattr(Session, "idle", untold)
    box.server.append(box.user, mail(1))
    visit = box.take()
    visit._crowded = lambda: False
    visit.run()
    assert len(box.stored()) == 2
    assert waits[:3] == [1, 2, 1], "found at the second look: Dovecot looks for what it had told of before"
    assert waits[-1] == 60


@pytest.mark.slow
def test_a_worker_that_is_killed_while_it_fetches(box: Box, authority: Authority) -> None:
    """A real one, by SIGKILL; another one takes the mailbox without waiting until its hold has lapsed."""
    box.server.drop(box.user, *(mail(n) for n in range(3000)))
    settings = {"SSL_CERT_FILE": str(authority.file), "WASL_LOG_LEVEL": "error"}
    with role("wasl.config.worker:run", **settings) as worker:
        _until(lambda: 100 < len(box.stored()) < 2900, 60)
        worker.kill()
        worker.wait()
    held = box.row()
    assert held.held_by is not None
    assert held.held_until
    assert held.held_until > now()
    assert 0 < held.last_uid < 3000
    with role("wasl.config.worker:run", **settings):
        _until(lambda: box.row().last_uid == 3000, 60)
        _until(lambda: box.row().checked_at is not None)
    assert sorted(_numbers(box)) == list(range(3000))


def test_a_session_killed_in_the_middle_goes_on_where_it_was(box: Box) -> None:
    box.server.drop(box.user, *(mail(n) for n in range(600)))
    visit = box.take()
    thread = threading.Thread(target=visit.run)
    thread.start()
    _until(lambda: len(box.stored()) > 50)
    box.server.kill_sessions()
    thread.join(60)
    row = box.row()
    had = len(box.stored())
    assert row.problem in ("lost", "")
    assert row.problem == "" or wait(row) < 6
    for _ in range(3):
        box.visit()
    assert len(box.stored()) == 600
    assert had < 600 or row.problem == ""


def test_a_worker_that_dies_between_storing_and_writing_it_down(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once, and then once."""
    box.server.append(box.user, mail(1), mail(2))

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(mailboxes, "reached", die)
        with pytest.raises(SystemExit):
            box.take().run()
    assert len(box.stored()) == 2
    assert box.row().last_uid == 0
    assert box.visit().last_uid == 2
    assert len(box.stored()) == 2


def test_whoever_changes_the_settings_takes_the_mailbox_away(box: Box) -> None:
    box.server.append(box.user, mail(1))
    first = box.take()
    second = box.take()
    first.run()
    assert box.row().last_uid == 0, "the first holds it no more"
    second.run()
    assert box.row().last_uid == 1
    assert len(box.stored()) == 1


def _numbers(box: Box) -> list[int]:
    return [int(bytes(i.raw or b"").split(b"Message-ID: <")[1].split(b".")[0]) for i in box.stored()]


def _expunge(box: Box, uids: list[int]) -> None:
    with box.server.client(box.user) as client:
        client.select_folder("INBOX")
        client.delete_messages(uids)
        client.expunge()


def _days_ago(days: int) -> datetime:
    return now() - timedelta(days=days)


def _until(true: Callable[[], bool], patience: float = 90.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)
