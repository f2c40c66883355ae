"""The mail listener, spoken to over real sockets in a process of its own."""

import asyncio
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.processes import free_port, role, wait_for_port
from tests.worlds import Shop
from wasl.channels.email import receive
from wasl.channels.models import Inbox
from wasl.intake.models import Inbound
from wasl.kit import blobs
from wasl.kit.db import tenant

LIMIT = 300_000


@dataclass
class Listener:
    """Where the listener listens, and what lies in the database behind it."""

    smtp: int
    lmtp: int
    owner: psycopg.Connection[Any]

    def stored(self) -> list[bytes]:
        """The bytes of every stored mail, oldest first."""
        rows = self.owner.execute(
            "SELECT workspace_id, raw, raw_digest FROM intake_inbound ORDER BY id"
        ).fetchall()
        return [raw if raw is not None else blobs.read(workspace, digest) for workspace, raw, digest in rows]

    def queued(self) -> int:
        """How many wait to be understood."""
        row = self.owner.execute("SELECT count(*) FROM intake_inboundqueue").fetchone()
        assert row
        return int(row[0])

    def talk(self, port: int | None = None) -> "Line":
        """A raw connection, after the greeting."""
        return Line(port or self.smtp)


class Line:
    """SMTP by hand."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.file = self.socket.makefile("rb")
        self.greeting = self.answer()

    def answer(self) -> str:
        """One reply, continuation lines included; '' when the other side hung up."""
        lines = []
        while line := self.file.readline().decode():
            lines.append(line)
            if line[3:4] != "-":
                break
        return "".join(lines).strip()

    def say(self, words: str) -> str:
        """Send a line and read the reply."""
        self.send(words.encode() + b"\r\n")
        return self.answer()

    def send(self, raw: bytes) -> None:
        """Send bytes and read nothing."""
        self.socket.sendall(raw)

    def close(self) -> None:
        """Hang up."""
        self.file.close()
        self.socket.close()


@pytest.fixture(scope="module")
def ports(cluster: Any) -> Iterator[tuple[int, int]]:
    smtp, lmtp = free_port(), free_port()
    settings = {"WASL_SMTP_PORT": str(smtp), "WASL_LMTP_PORT": str(lmtp), "WASL_SMTP_SIZE_LIMIT": str(LIMIT)}
    with role("wasl.doors.mail:serve", **settings) as process:
        wait_for_port(smtp, process)
        wait_for_port(lmtp, process)
        yield smtp, lmtp


@pytest.fixture
def listener(ports: tuple[int, int], shop: Shop, owner: psycopg.Connection[Any]) -> Listener:
    time.sleep(0)
    return Listener(*ports, owner)


def mail(text: str = "Hello", message_id: str = "<1@customer.example>") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Camille <camille@atelier.example>"
    message["To"] = "support@dar-zaytun.example"
    message["Subject"] = "Facture"
    message["Date"] = "Tue, 10 Feb 2026 09:51:00 +0100"
    if message_id:
        message["Message-ID"] = message_id
    message.set_content(text)
    return message


def send(listener: Listener, message: EmailMessage | bytes, to: str = "support@dar-zaytun.example") -> None:
    raw = message if isinstance(message, bytes) else message.as_bytes()
    with smtplib.SMTP("127.0.0.1", listener.smtp) as smtp:
        smtp.sendmail("camille@atelier.example", [to], raw)


def test_who_cannot_have_the_port_ends_at_once(
    ports: tuple[int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    with role("wasl.doors.mail:serve", WASL_SMTP_PORT=str(ports[0])) as second:
        assert second.wait(90) == 1
    assert "WASL_SMTP_PORT" in capfd.readouterr().err


def test_accepted_means_committed(listener: Listener) -> None:
    line = listener.talk()
    assert line.greeting.startswith("220")
    assert line.say("EHLO customer.example").startswith("250")
    assert line.say("MAIL FROM:<camille@atelier.example>").startswith("250")
    assert line.say("RCPT TO:<support@dar-zaytun.example>").startswith("250")
    assert line.say("DATA").startswith("354")
    answer = line.say("Subject: Facture\r\n\r\nBonjour\r\n.")
    assert answer.startswith("250 2.0.0 Stored as ")
    row = listener.owner.execute("SELECT id, envelope FROM intake_inbound").fetchone()
    assert row
    assert str(row[0]) == answer.rpartition(" ")[2]
    assert row[1]["from"] == "camille@atelier.example"
    assert row[1]["to"] == ["support@dar-zaytun.example"]
    assert listener.stored() == [b"Subject: Facture\r\n\r\nBonjour\r\n"]
    assert listener.queued() == 1
    line.close()


def test_the_same_mail_twice_is_stored_once(listener: Listener) -> None:
    message = mail()
    send(listener, message)
    relayed = b"Received: from elsewhere by here; Tue, 10 Feb 2026 09:52:00 +0100\r\n" + message.as_bytes()
    send(listener, relayed)
    assert len(listener.stored()) == 1
    assert listener.queued() == 1


def test_forwarded_mail_comes_in_under_an_address_of_its_own(listener: Listener, shop: Shop) -> None:
    with tenant(shop.id):
        Inbox.objects.filter(id=shop.mail.id).update(forward="in-k3m9p2q7r4s8")
    send(listener, mail("Forwarded"), "In-K3m9p2q7r4s8@wasl.example")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(listener, mail("Guessed"), "in-k3m9p2q7r4s9@wasl.example")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(listener, mail("To nobody"), "@wasl.example")
    with tenant(shop.id):
        assert [row.inbox_id for row in Inbound.objects.all()] == [shop.mail.id]


@pytest.mark.parametrize("other", [mail("Other words"), mail(message_id="<2@customer.example>")])
def test_a_repeated_message_id_alone_does_not_swallow_a_mail(listener: Listener, other: EmailMessage) -> None:
    send(listener, mail())
    send(listener, other)
    assert len(listener.stored()) == 2


def test_an_empty_message_id_is_not_an_identity(listener: Listener) -> None:
    first, second = mail("One", ""), mail("Two", "")
    for message in (first, second, first):
        message["Message-ID"] = ""
        send(listener, message)
        del message["Message-ID"]
    assert len(listener.stored()) == 2


def test_unknown_recipients_are_refused_and_guessing_ends(listener: Listener) -> None:
    line = listener.talk()
    line.say("EHLO x")
    line.say("MAIL FROM:<a@b.example>")
    answers = [line.say(f"RCPT TO:<guess{n}@dar-zaytun.example>") for n in range(25)]
    assert answers[0].startswith("550 5.1.1")
    assert answers[-1].startswith("421") or answers[-1] == ""
    line.close()
    assert listener.stored() == []


def test_ten_thousand_recipients_are_too_many(listener: Listener) -> None:
    line = listener.talk()
    line.say("EHLO x")
    line.say("MAIL FROM:<a@b.example>")
    taken = refused = 0
    for _ in range(10):
        line.send(b"RCPT TO:<support@dar-zaytun.example>\r\n" * 1000)
        answers = [line.answer() for _ in range(1000)]
        taken += sum(a.startswith("250") for a in answers)
        refused += sum(a.startswith("452 4.5.3") for a in answers)
    assert (taken, refused) == (100, 9900)
    assert line.say("DATA").startswith("354")
    assert line.say("Subject: Hi\r\n\r\nOnce\r\n.").startswith("250")
    line.close()
    assert len(listener.stored()) == 1


def test_a_declared_size_over_the_limit_is_refused_before_data(listener: Listener) -> None:
    line = listener.talk()
    line.say("EHLO x")
    assert line.say(f"MAIL FROM:<a@b.example> SIZE={LIMIT + 1}").startswith("552")
    line.close()


def test_too_large_is_said_before_data_ends(listener: Listener) -> None:
    line = listener.talk()
    line.say("EHLO x")
    line.say("MAIL FROM:<a@b.example>")
    line.say("RCPT TO:<support@dar-zaytun.example>")
    line.say("DATA")
    line.send(b"Subject: Big\r\n\r\n" + b"x" * 70 + b"\r\n")
    line.send((b"y" * 998 + b"\r\n") * (LIMIT // 1000 + 5))
    assert line.answer().startswith("552 5.3.4")
    # Who is still sending is not cut off: it would take that for trouble on the way, and try for days.
    line.send((b"y" * 998 + b"\r\n") * (2 * LIMIT // 1000) + b"\r\n.\r\n")
    assert line.file.read() == b""
    line.close()
    assert listener.stored() == []


def test_large_mail_arrives_byte_for_byte(listener: Listener) -> None:
    body = b"".join(b"%06d " % n + b"z" * 60 + b"\r\n" for n in range(3000))
    raw = b"Subject: Large\r\nMessage-ID: <l@x.example>\r\n\r\n" + body
    send(listener, raw)
    assert listener.stored() == [raw]


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: Dots\r\n\r\n.\r\n..\r\n.hidden\r\n...\r\nend\r\n",
        b".\r\nfirst line is a dot\r\n",
        b"Subject: NUL\r\n\r\na\x00b\xff\xfe\r\n",
        b"Subject: " + b"l" * 5000 + b"\r\n\r\nlong header, longer line: " + b"w" * 50_000 + b"\r\n",
        b"Subject: carry\r\n\r\n" + b"q" * (64 * 1024 - 21) + b"\r\n.." + b"\r\n.x\r\n",
    ],
    ids=["dots", "dot-first", "nul", "long-lines", "over-a-boundary"],
)
def test_bytes_survive_the_way(listener: Listener, raw: bytes) -> None:
    line = listener.talk()
    line.say("EHLO x")
    line.say("MAIL FROM:<a@b.example>")
    line.say("RCPT TO:<support@dar-zaytun.example>")
    line.say("DATA")
    stuffed = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]
    line.send(stuffed + b".\r\n")
    assert line.answer().startswith("250"), raw[:40]
    line.close()
    assert listener.stored() == [raw]


def test_an_empty_message_is_stored_as_such(listener: Listener) -> None:
    line = listener.talk()
    line.say("EHLO x")
    line.say("MAIL FROM:<a@b.example>")
    line.say("RCPT TO:<support@dar-zaytun.example>")
    line.say("DATA")
    assert line.say(".").startswith("250")
    line.close()
    assert listener.stored() == [b""]


def test_a_line_that_drops_in_the_middle_leaves_nothing(listener: Listener) -> None:
    line = listener.talk()
    line.say("EHLO x")
    line.say("MAIL FROM:<a@b.example>")
    line.say("RCPT TO:<support@dar-zaytun.example>")
    line.say("DATA")
    line.send(b"Subject: Half\r\n\r\nand then")
    line.close()
    send(listener, mail())
    assert len(listener.stored()) == 1


def test_who_falls_silent_in_the_middle_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "STALL", 0.05)
    taken: list[bytes] = []

    async def take(_self: Any, _server: Any, _session: Any, envelope: Any) -> str:
        taken.append(envelope.content.read())
        return "250 Ok"

    handler = type("Handler", (), {"handle_DATA": take})()

    async def story() -> bytes:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: receive.Protocol(handler, folder=str(tmp_path), hostname="here", loop=loop),
            "127.0.0.1",
            0,
        )
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await reader.readline()
        for words in (b"EHLO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<c@d.example>", b"DATA"):
            writer.write(words + b"\r\n")
            while (await reader.readline())[3:4] == b"-":
                pass
        writer.write(b"Subject: Half\r\n\r\nand then")
        rest = await reader.read()
        writer.close()
        server.close()
        return rest

    assert asyncio.run(story()).startswith(b"421 4.4.2")
    assert taken == []
    assert list(tmp_path.iterdir()) == []


def test_talking_before_354_is_not_answered_with_a_message(listener: Listener) -> None:
    line = listener.talk()
    line.say("EHLO x")
    line.say("MAIL FROM:<a@b.example>")
    line.say("RCPT TO:<support@dar-zaytun.example>")
    line.send(b"DATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n")
    assert line.answer().startswith("503")
    line.close()
    assert listener.stored() == []


@pytest.mark.parametrize("end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r"])
def test_only_crlf_dot_crlf_ends_a_message(listener: Listener, end: bytes) -> None:
    line = listener.talk()
    line.say("EHLO x")
    line.say("MAIL FROM:<a@b.example>")
    line.say("RCPT TO:<support@dar-zaytun.example>")
    line.say("DATA")
    line.send(b"Subject: a" + end + b"MAIL FROM:<evil@b.example>\r\n.\r\n")
    assert line.answer().startswith("250")
    line.close()
    assert len(listener.stored()) == 1


def test_starttls_is_offered_and_works(listener: Listener) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", listener.smtp) as smtp:
        smtp.starttls(context=context)
        smtp.sendmail("a@b.example", ["support@dar-zaytun.example"], mail().as_bytes())
    row = listener.owner.execute("SELECT envelope->'tls' FROM intake_inbound").fetchone()
    assert row == (True,)


def test_a_reply_token_leads_to_the_inbox_and_a_broken_one_too(listener: Listener) -> None:
    send(listener, mail(), to="support+rnonsense@dar-zaytun.example")
    row = listener.owner.execute("SELECT envelope->'to' FROM intake_inbound").fetchone()
    assert row == (["support+rnonsense@dar-zaytun.example"],)


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("<>", ""),
        ("<@relay.example,@other.example:a@b.example>", "a@b.example"),
        ('<"quoted name"@b.example>', '"quoted name"@b.example'),
        ("<a+tag@b.example> SIZE=100 BODY=8BITMIME", "a+tag@b.example"),
    ],
)
def test_every_form_of_sender_is_understood(listener: Listener, spoken: str, kept: str) -> None:
    line = listener.talk()
    line.say("EHLO x")
    assert line.say(f"MAIL FROM:{spoken}").startswith("250")
    line.say("RCPT TO:<support@dar-zaytun.example>")
    line.say("DATA")
    assert line.say("Subject: s\r\n\r\nx\r\n.").startswith("250")
    line.close()
    assert listener.owner.execute("SELECT envelope->>'from' FROM intake_inbound").fetchone() == (kept,)


@pytest.mark.parametrize("spoken", ["<", "<a@b.example> SIZE=many", "<a@b.example> WHAT=ever"])
def test_a_malformed_sender_is_refused(listener: Listener, spoken: str) -> None:
    line = listener.talk()
    line.say("EHLO x")
    assert line.say(f"MAIL FROM:{spoken}").startswith("5")
    line.close()


def test_lmtp_answers_for_each_recipient(listener: Listener) -> None:
    line = listener.talk(listener.lmtp)
    assert line.say("EHLO x").startswith("500")
    assert line.say("LHLO x").startswith("250")
    line.say("MAIL FROM:<a@b.example>")
    line.say("RCPT TO:<support@dar-zaytun.example>")
    line.say("RCPT TO:<support+x@dar-zaytun.example>")
    line.say("DATA")
    line.send(b"Subject: L\r\n\r\nlmtp\r\n.\r\n")
    assert [line.answer()[:3], line.answer()[:3]] == ["250", "250"]
    line.close()
    row = listener.owner.execute("SELECT envelope FROM intake_inbound").fetchone()
    assert row
    assert row[0]["door"] == "lmtp"
    assert len(row[0]["to"]) == 2


def test_one_mail_for_two_workspaces_reaches_both(listener: Listener) -> None:
    Shop.create("other", "help@other.example")
    with smtplib.SMTP("127.0.0.1", listener.smtp) as smtp:
        smtp.sendmail("a@b.example", ["support@dar-zaytun.example", "help@other.example"], mail().as_bytes())
    rows = listener.owner.execute("SELECT workspace_id, envelope->'to' FROM intake_inbound").fetchall()
    assert sorted(row[1] for row in rows) == [["help@other.example"], ["support@dar-zaytun.example"]]
    assert len({row[0] for row in rows}) == 2
