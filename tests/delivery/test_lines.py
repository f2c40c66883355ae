"""Asking providers, and the passwords of inboxes."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from django.conf import settings

from tests.channels.smtp_server import Plan, accepting, running
from tests.sandbox.stand import Stand
from wasl.channels.base import Address, OutboundMessage, Part, Unreached
from wasl.channels.email.compose import compose
from wasl.channels.secret import Unreadable, seal, unseal
from wasl.config import kinds
from wasl.delivery.call import plain
from wasl.delivery.claim import Key
from wasl.delivery.lines import Letter, Lines, Outlet, SmtpLine, ask
from wasl.kit.ids import uuid7


class Answers(http.server.BaseHTTPRequestHandler):
    """Says what it is told to."""

    says: ClassVar[tuple[int, bytes]] = (200, b"")
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, body = self.says
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def provider() -> Iterator[tuple[type[Answers], str]]:
    handler = type("Handler", (Answers,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield handler, f"http://127.0.0.1:{server.server_address[1]}/v1/taken?key=k"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("says", "meaning"),
    [
        ((200, b'{"taken": true}'), True),
        ((200, b'{"taken": false}'), False),
        ((200, b'{"taken": "yes"}'), None),
        ((200, b'{"taken": 1}'), None),
        ((200, b"[]"), None),
        ((200, b"<html>"), None),
        ((404, b'{"taken": false}'), None),
        ((500, b'{"taken": false}'), None),
    ],
)
def test_only_a_clear_answer_is_one(provider: Any, says: tuple[int, bytes], meaning: bool | None) -> None:
    handler, url = provider
    handler.says = says
    assert ask(url, "a+b/c@shop.example") is meaning
    assert handler.asked == ["/v1/taken?key=k&message_id=a%2Bb%2Fc%40shop.example"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "nonsense", "http://", "ftp://127.0.0.1/x"])
def test_nobody_there_is_no_answer(url: str) -> None:
    assert ask(url, "one@shop.example") is None


def test_nothing_inside_is_asked_where_the_network_is_not_theirs(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, url = provider
    handler.says = 200, b'{"taken": true}'
    monkeypatch.setattr(type(settings.ENV), "private_servers", False)
    assert ask(url, "one@shop.example") is None
    assert handler.asked == []


def test_the_sandbox_answers(stand: Stand) -> None:
    where = f"http://127.0.0.1:{stand.http_port}/taken"
    assert ask(where, "one@shop.example") is False
    stand.place.take("one@shop.example")
    assert ask(where, "one@shop.example") is True


def outlet(config: Any, **more: Any) -> Outlet:
    return Outlet(Key(uuid7(), uuid7()), more.pop("channel", "email"), "support@shop.example", config, **more)


@pytest.mark.parametrize(
    ("wanted", "limit"), [(None, 6), (2, 2), (100, 8), (0, 1), (-3, 1), ("many", 6), (2.5, 6)]
)
def test_connections_of_an_inbox(wanted: Any, limit: int) -> None:
    assert outlet({"smtp": {"connections": wanted}}).connections(8) == limit


def test_one_sender_is_enough_for_every_inbox() -> None:
    assert outlet({}).connections(1) == 1
    assert outlet({"smtp": "mail.shop.example"}).connections(1) == 1


@pytest.mark.parametrize(
    "no_way",
    [
        outlet({}),
        outlet({"smtp": {}}),
        outlet({"smtp": "mail.shop.example"}),
        outlet({"smtp": {"host": "x", "port": "none"}}),
        outlet({"smtp": {"host": "127.0.0.1"}}, channel="pigeon"),
        outlet({"smtp": {"host": "127.0.0.1"}}, fault="Enter the password again."),
    ],
)
def test_an_inbox_without_a_way_out(no_way: Outlet) -> None:
    with pytest.raises(Unreached), Lines().line(no_way):
        raise AssertionError("there is no line")


def test_passwords_open_only_where_they_belong() -> None:
    workspace, inbox = uuid7(), uuid7()
    sealed = seal(workspace, inbox, "كلمة سر")
    assert unseal(workspace, inbox, sealed) == "كلمة سر"
    assert seal(workspace, inbox, "كلمة سر") != sealed
    for place in ((workspace, uuid7()), (uuid7(), inbox)):
        with pytest.raises(Unreadable):
            unseal(*place, sealed)
    for broken in (b"", b"\x02" + sealed[1:], sealed[:-1], sealed[:-1] + b"x"):
        with pytest.raises(Unreadable):
            unseal(workspace, inbox, broken)


def test_a_letter_is_the_message_in_a_file(cluster: Any) -> None:
    message = OutboundMessage(
        message_id="one@shop.example",
        date=datetime(2026, 3, 1, tzinfo=UTC),
        from_=Address("Dar Zaytun", "support@dar-zaytun.example"),
        to=(Address("Salma", "salma@barid.example"),),
        envelope_from="bounce@dar-zaytun.example",
        text="The scan.",
        parts=(Part("scan.bin", "application/octet-stream", bytes(range(256)) * 4096),),
    )
    letter = Letter.of(message)
    with letter.file as file:
        assert file.read() == compose(message)
    assert (letter.sender, letter.recipients) == ("bounce@dar-zaytun.example", ("salma@barid.example",))
    with pytest.raises(ValueError, match="no recipient"):
        Letter.of(replace(message, to=()))


def test_an_inbox_without_a_server_of_its_own_sends_by_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan()
    options = {"authenticator": accepting("wasl", "s3:cret/"), "auth_require_tls": False}
    with running(plan, **options) as port:
        relay = kinds.relay.parse(f"smtp+plain://wasl:s3%3Acret%2F@127.0.0.1:{port}")
        assert "s3:cret" not in repr(relay)
        monkeypatch.setattr(type(settings.ENV), "smtp_relay", relay)
        line = SmtpLine(Outlet(Key(uuid7(), uuid7()), "email", "help@shop.example", {}))
        with Letter.of(_mail()).file as file:
            sent = line.send(Letter("help@shop.example", ("amal@home.example",), file))
        line.close()
    assert sent.provider_ref == "Q1"
    assert plan.received[0].rcpt_tos == ["amal@home.example"]


def test_without_either_nothing_is_sent() -> None:
    with pytest.raises(Unreached):
        SmtpLine(Outlet(Key(uuid7(), uuid7()), "email", "help@shop.example", {}))


@pytest.mark.parametrize("tls", ["none", "starttls", "tls"])
def test_servers_inside_the_network_can_be_forbidden(monkeypatch: pytest.MonkeyPatch, tls: str) -> None:
    plan = Plan()
    with running(plan) as port:
        config = {"smtp": {"host": "localhost", "port": port, "tls": tls}}
        monkeypatch.setattr(type(settings.ENV), "private_servers", False)
        line = SmtpLine(Outlet(Key(uuid7(), uuid7()), "email", "help@shop.example", config))
        with Letter.of(_mail()).file as file, pytest.raises(Unreached, match="not_allowed"):
            line.send(Letter("help@shop.example", ("amal@home.example",), file))
    assert plan.connections == 0


def test_where_plus_signs_do_not_arrive_none_are_sent() -> None:
    tagged = replace(
        _mail(), reply_to=Address("Shop", "help+rabc@shop.example"), envelope_from="help+babc@shop.example"
    )
    sent = plain(tagged)
    assert sent.reply_to == Address("Shop", "help@shop.example")
    assert sent.envelope_from == "help@shop.example"
    assert plain(_mail()) == _mail()


def _mail() -> OutboundMessage:
    return OutboundMessage(
        message_id="1@shop.example", date=datetime(2026, 1, 1, tzinfo=UTC), from_=Address("", "help@shop.example"),
        to=(Address("", "amal@home.example"),), text="Hello",
    )  # fmt: skip


def test_a_network_that_sells_connections_by_the_piece_gets_no_more() -> None:
    key = Key(uuid7(), uuid7())
    for config, senders, most in (
        ({}, 8, 1),
        ({"lines": "3"}, 8, 3),
        ({"lines": "30"}, 8, 8),
        ({"lines": "x"}, 8, 6),
    ):
        assert Outlet(key, "smpp", "+39", config).connections(senders) == most
    assert Outlet(key, "sms", "+39", {}).connections(8) == 6
