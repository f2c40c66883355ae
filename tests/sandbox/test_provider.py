"""The customers' provider in each of its moods, over real sockets."""

import http.client
import json
import smtplib
import socketserver
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.stand import Stand, standing
from wasl.channels.email.parse import parse
from wasl.sandbox.network import EVERYONE, Mode, Network, Rule
from wasl.sandbox.place import NoSuchMail, Place, message_id

MAIL = b"From: support@dar-zaytun.example\r\nSubject: Re: Lamp\r\nMessage-ID:\r\n <one@shop.example>\r\n\r\nHello\r\n"
SALMA = "salma@barid.example"


def send(stand: Stand, *to: str, sender: str = "bounce@dar-zaytun.example") -> dict[str, Any]:
    with smtplib.SMTP("127.0.0.1", stand.smtp_port, local_hostname="wasl.test", timeout=10) as smtp:
        return smtp.sendmail(sender, to or [SALMA], MAIL)


def wait(done: Callable[[], Any], patience: float = 90.0) -> None:
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def taken(stand: Stand, target: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", stand.http_port, timeout=10)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_at_once(stand: Stand) -> None:
    assert send(stand) == {}
    [mail] = stand.place.mails(SALMA)
    assert not mail.seen
    raw = mail.path.read_bytes()
    assert raw.startswith(
        b"Return-Path: <bounce@dar-zaytun.example>\r\nDelivered-To: salma@barid.example\r\n"
    )
    assert parse(raw).text.strip() == "Hello"
    [entry] = stand.entries()
    assert (entry.what, entry.to, entry.message_id, entry.said) == (
        "delivered",
        SALMA,
        "one@shop.example",
        "250",
    )


def test_late(stand: Stand) -> None:
    stand.behave(Mode.LATE, after=0.3)
    send(stand)
    assert stand.place.mails(SALMA) == []
    wait(lambda: stand.place.mails(SALMA))
    assert [what for what, _ in stand.wire()] == ["later", "delivered"]
    assert stand.place.put_off() == []


def test_late_survives_a_restart(tmp_path: Path) -> None:
    with standing(tmp_path) as stand:
        stand.behave(Mode.LATE, after=0.5)
        send(stand)
    assert len(Place(tmp_path).put_off()) == 1
    with standing(tmp_path) as stand:
        wait(lambda: stand.place.mails(SALMA))


def test_refuses_for_now(stand: Stand) -> None:
    stand.behave(Mode.REFUSE_NOW)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(stand)
    assert refused.value.recipients[SALMA][0] == 451
    assert stand.place.mails(SALMA) == []
    assert stand.wire() == [("refused_now", SALMA)]


def test_refuses_for_good(stand: Stand) -> None:
    stand.behave(Mode.REFUSE)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(stand)
    code, text = refused.value.recipients[SALMA]
    assert (code, text[:5]) == (550, b"5.1.1")


def test_takes_it_and_loses_the_answer(stand: Stand) -> None:
    stand.behave(Mode.LOSE_ANSWER)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(stand)
    assert len(stand.place.mails(SALMA)) == 1
    assert taken(stand, "/taken?message_id=one%40shop.example") == (200, {"taken": True})


class Listener(socketserver.BaseRequestHandler):
    """Stands for Wasl's listener; refuses the first try of every session it is told to."""

    got: list[tuple[str, str, bytes]]
    refuse: int

    def handle(self) -> None:
        sender = to = ""
        lines = self.request.makefile("rb")
        self.request.sendall(b"220 wasl\r\n")
        for line in lines:
            command = line.strip().upper()
            if command.startswith(b"MAIL"):
                sender = line.decode().strip()
            if command.startswith(b"RCPT"):
                to = line.decode().strip()
            if command == b"DATA":
                self.request.sendall(b"354 go on\r\n")
                self.got.append((sender, to, b"".join(iter(lines.readline, b".\r\n"))))
            self.request.sendall(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
            if command == b"QUIT":
                return


def test_takes_it_and_bounces_later(tmp_path: Path) -> None:
    got: list[tuple[str, str, bytes]] = []
    handler = type("Handler", (Listener,), {"got": got})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        with standing(tmp_path, wasl=("127.0.0.1", server.server_address[1])) as stand:
            stand.behave(Mode.BOUNCE, after=0.2)
            send(stand)
            send(stand, sender="")
            wait(lambda: ("bounced", SALMA) in stand.wire())
            assert stand.place.mails(SALMA) == []
        server.shutdown()
        thread.join()
    [(sender, to, raw)] = got
    assert "FROM:<>" in sender.upper().replace(" ", ""), "a report has the null sender"
    assert "bounce@dar-zaytun.example" in to
    report = parse(raw).bounce
    assert report is not None
    assert (report.kind, report.status, report.recipient) == ("failed", "5.1.1", SALMA)
    assert report.original_message_id == "one@shop.example"


def test_only_example_addresses(stand: Stand) -> None:
    for address in ("someone@gmail.com", "a/../b@x.example", "..@x.example/../../y.example"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(stand, address)
    send(stand, "../up@x.example".replace("/", "."))
    assert not (stand.place.folder.parent / "up@x.example").exists()


def test_every_recipient_by_its_own_rule(stand: Stand) -> None:
    stand.behave(Mode.REFUSE, "omar@barid.example")
    refused = send(stand, SALMA, "omar@barid.example")
    assert set(refused) == {"omar@barid.example"}
    assert len(stand.place.mails(SALMA)) == 1


def test_asked_about_what_it_never_took(stand: Stand) -> None:
    assert taken(stand, "/taken?message_id=two%40shop.example") == (200, {"taken": False})
    assert taken(stand, "/taken")[0] == 404
    assert taken(stand, "/")[0] == 404


def test_a_large_mail_lies_in_the_mailbox_as_it_was_sent(stand: Stand) -> None:
    raw = MAIL + b"..x\r\n" * 600_000
    with smtplib.SMTP("127.0.0.1", stand.smtp_port, local_hostname="wasl.test", timeout=10) as smtp:
        smtp.sendmail("bounce@dar-zaytun.example", [SALMA, "omar@barid.example"], raw)
    for address in (SALMA, "omar@barid.example"):
        [mail] = stand.place.mails(address)
        assert mail.path.read_bytes().endswith(b"\r\n" + raw)
    assert {(entry.message_id, entry.size) for entry in stand.entries()} == {("one@shop.example", len(raw))}


def test_does_not_claim_what_it_could_not_put_away(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(stand.place, "deliver", full)
    with pytest.raises(smtplib.SMTPDataError):
        send(stand)
    assert taken(stand, "/taken?message_id=one%40shop.example") == (200, {"taken": False})


def test_a_rule_for_once_is_used_up(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.set(Rule(Mode.REFUSE, once=True), SALMA)
    network.set(Rule(Mode.LATE))
    assert network.rule("SALMA@barid.example").mode == Mode.REFUSE
    assert [network.take(SALMA).mode for _ in range(3)] == [Mode.REFUSE, Mode.LATE, Mode.LATE]
    network.set(Rule(Mode.AT_ONCE))
    assert network.take(SALMA) == Rule()
    assert network.rule(EVERYONE).wait == 0.0
    assert Rule(Mode.BOUNCE).wait == 120.0


def test_mailboxes_keep_what_was_read(tmp_path: Path) -> None:
    place = Place(tmp_path)
    first, second = place.deliver(SALMA, MAIL), place.deliver(SALMA, MAIL)
    place.deliver(SALMA, MAIL, "sent")
    assert [mail.name for mail in place.mails(SALMA)] == [second, first]
    place.mark(SALMA, first, seen=True)
    assert [mail.seen for mail in place.mails(SALMA)] == [False, True]
    place.mark(SALMA, first, seen=False)
    assert not place.mail(SALMA, first).seen
    place.discard(SALMA, first)
    with pytest.raises(NoSuchMail):
        place.mail(SALMA, first)
    assert len(place.mails(SALMA, "sent")) == 1
    assert place.mails(SALMA, "sent")[0].seen


@pytest.mark.parametrize(
    "address", ["", "salma", "a b@x.example", "a/b@x.example", "a@x/y.example", "a@b@c.example"]
)
def test_what_is_no_address_has_no_mailbox(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match="not a mail address"):
        Place(tmp_path).mailbox(address)


def test_a_message_id_is_read_as_it_stands() -> None:
    assert message_id(MAIL) == "one@shop.example"
    assert message_id(b"Subject: x\r\n\r\nMessage-ID: <body@x.example>\r\n") == ""
