"""Apprise as a channel: real calls by its own code to a server of ours, from the process that guards them."""

import io
import socket
import threading
import time
from typing import Any

import pytest

from tests.channels.standin import Answer, StandIn, standing_in
from wasl.channels.apprise import send
from wasl.channels.apprise.channel import CHANNEL
from wasl.channels.apprise.child import Guard
from wasl.channels.apprise.send import Line, call, probe, without_secrets
from wasl.channels.base import Failure, InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.port import Choice, Nothing, OutboundChat, Settings, Template, Upload

TOKEN = "tk_very-secret"


def inbox(url: str, *, private: bool = True) -> Settings:
    return Settings("long tail", {}, {"url": url}, private=private)


def chat(**parts: Any) -> OutboundChat:
    return OutboundChat(**({"delivery": "d-1", "to": "room/7 à", "text": "Buongiorno"} | parts))


def json_url(server: StandIn, path: str = "/in/{to}") -> str:
    return f"json://me:{TOKEN}@127.0.0.1:{server.port}{path}"


def test_a_message_is_sent_to_the_customer() -> None:
    with standing_in(lambda _: (200, b"", {})) as server:
        file = Upload("bolla.txt", "text/plain", 3, lambda: io.BytesIO(b"abc"))
        choices = (Choice("a", "Lunedì"), Choice("b", "Martedì"))
        sent = Line(inbox(json_url(server))).send(chat(choices=choices, files=(file,)))
    assert sent.provider_ref == ""
    (asked,) = server.asked
    assert asked.path == "/in/room%2F7%20%C3%A0"
    assert asked.headers["authorization"].startswith("Basic ")
    assert asked.json["message"] == "Buongiorno\n\n1. Lunedì\n2. Martedì"
    (attachment,) = asked.json["attachments"]
    assert (attachment["filename"], attachment["base64"]) == ("bolla.txt", "YWJj")


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (401, Unreached, Reason.SIGN_IN),
        (404, PermanentFailure, Reason.ADDRESS_UNKNOWN),
        (413, PermanentFailure, Reason.TOO_LARGE),
        (400, PermanentFailure, Reason.BAD_MESSAGE),
        (500, TemporaryFailure, Reason.NOT_NOW),
    ],
)
def test_refusals_are_what_people_are_told(status: int, kind: type[Failure], reason: Reason) -> None:
    with standing_in(lambda _: (status, f"no, {TOKEN}".encode(), {})) as server, pytest.raises(kind) as error:
        Line(inbox(json_url(server))).send(chat())
    assert (type(error.value), error.value.reason) == (kind, reason)
    assert TOKEN not in str(error.value)


def test_it_goes_nowhere_inside_unless_that_is_allowed() -> None:
    with standing_in(lambda _: (200, b"", {})) as server:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(Unreached) as error:
                Line(inbox(f"json://{host}:{server.port}/x", private=False)).send(chat())
            assert error.value.reason is Reason.INSECURE
    assert server.asked == []


def test_redirects_lead_nowhere() -> None:
    with standing_in(lambda _: (200, b"", {})) as other:
        answer: Answer = (302, b"", {"Location": f"{other.url}/x"})
        with standing_in(lambda _: answer) as server, pytest.raises(Failure):
            Line(inbox(json_url(server))).send(chat())
    assert other.asked == []


def test_the_guard_sees_the_address_and_not_the_name() -> None:
    guard, open_guard = Guard(private=False), Guard(private=True)
    for address in (("93.184.216.34", 443), ("2606:4700::1111", 443, 0, 0)):
        guard("socket.connect", (None, address))
    assert guard.refused == []
    inside: list[Any] = [
        ("127.0.0.1", 1), ("10.0.0.7", 1), ("169.254.169.254", 80), ("::1", 1, 0, 0), ("fe80::1%eth0", 1),
        ("::ffff:10.0.0.1", 1, 0, 0), ("ntfy.example", 443),
    ]  # fmt: skip
    for address in inside:
        for event in ("socket.connect", "socket.sendto"):
            with pytest.raises(PermissionError):
                guard(event, (None, address))
        open_guard("socket.connect", (None, address))
    for other in (guard, open_guard):
        with pytest.raises(PermissionError):
            other("socket.connect", (None, "/run/dbus/socket"))
        for event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"):
            with pytest.raises(PermissionError):
                other(event, ("sh",))
        other("open", ("x", "r", 0))


def test_services_of_this_machine_do_not_work() -> None:
    for url in ("dbus://", "gnome://", "macosx://", "syslog://", "windows://", "glib://"):
        with pytest.raises(Failure):
            Line(inbox(url)).send(chat())


def test_a_service_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "TIMEOUT", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        taken: list[Any] = []
        thread = threading.Thread(target=lambda: taken.append(silent.accept()), daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(InDoubt):
            Line(inbox(f"json://127.0.0.1:{port}/x?rto=60")).send(chat())
        assert time.monotonic() - began < 40
        for connection, _ in taken:
            connection.close()


def test_nobody_there_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(TemporaryFailure) as error:
        Line(inbox(f"json://me:{TOKEN}@127.0.0.1:{port}/{TOKEN}/x")).send(chat())
    assert TOKEN not in str(error.value)


def test_what_cannot_be_sent_is_not_tried() -> None:
    with standing_in(lambda _: (200, b"", {})) as server:
        line = Line(inbox(json_url(server)))
        for message in (chat(text=""), chat(text="", reaction="👍", answers="1")):
            with pytest.raises(ValueError, match="without"):
                line.send(message)
        with pytest.raises(PermanentFailure):
            line.send(chat(template=Template("t", "it")))
        with pytest.raises(Unreached, match="missing"):
            Line(Settings("x", {}, {}))
        file = Upload("a.txt", "text/plain", 3, lambda: io.BytesIO(b"abc"))
        with pytest.raises(PermanentFailure, match="no files"):
            Line(inbox(f"rocket://me:{TOKEN}@127.0.0.1:{server.port}/#x")).send(chat(files=(file,)))
        with pytest.raises(Unreached) as error:
            Line(inbox(f"nothing-known://{TOKEN}")).send(chat())
        assert TOKEN not in str(error.value)
    assert server.asked == []


def test_a_test_sends_nothing() -> None:
    with standing_in(lambda _: (200, b"", {})) as server:
        steps = list(probe(inbox(json_url(server))))
        assert [(each.fine, each.detail) for each in steps] == [(True, "JSON")]
        assert server.asked == []
    assert [each.fine for each in probe(inbox("json://127.0.0.1/x"))] == [True, True]
    (wrong,) = probe(inbox(f"nothing-known://{TOKEN}"))
    assert not wrong.fine
    assert TOKEN not in wrong.detail
    assert [each.fine for each in probe(inbox(""))] == [False]


def test_the_childs_environment_holds_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASL_SECRET_KEY", "k")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with standing_in(lambda _: (200, b"", {})) as server:
        assert call(json_url(server), "x", private=True)["sent"]
    assert not {"WASL_SECRET_KEY", "HTTPS_PROXY", "http_proxy"} & set(send._KEPT)


def test_no_part_of_the_url_is_in_what_is_said() -> None:
    url = f"matrixs://me%40x:{TOKEN}@chat.example/%23room?token=abcdef&x=y"
    said = without_secrets(url, f"chat.example matrixs {TOKEN} me@x abcdef #room 404 {url}")
    assert said == "chat.example matrixs … … … … 404 …"


def test_nothing_comes_in() -> None:
    assert isinstance(CHANNEL.parse(b"anything"), Nothing)
    assert (CHANNEL.hook, CHANNEL.listen, CHANNEL.fetch) == (None, None, None)
