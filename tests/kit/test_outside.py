"""Calls to addresses that somebody typed: what is refused, and what a hostile other side can and cannot do."""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings

from wasl.doors.certificate import server_context
from wasl.kit.outside import NotCalled, Refusal, check, is_public, post, resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1",
        "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::7f00:1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "fec0::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_called(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
)
def test_addresses_that_are(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://shop.example/hook", Refusal.NOT_HTTPS),
        ("ftp://shop.example/", Refusal.BAD_URL),
        ("https:///hook", Refusal.BAD_URL),
        ("https://user:word@shop.example/", Refusal.BAD_URL),
        ("https://shop.example/#part", Refusal.BAD_URL),
        ("https://shop.example:99999/", Refusal.BAD_URL),
        ("https://shop.example:0/", Refusal.BAD_URL),
        ("https://shop.example/a b", Refusal.BAD_URL),
        ("https://shop.example/\r\nX: y", Refusal.BAD_URL),
        ("https://[::1/", Refusal.BAD_URL),
        ("https://" + "a" * 2000, Refusal.BAD_URL),
        ("https://127.0.0.1/", Refusal.PRIVATE),
        ("https://[::1]/", Refusal.PRIVATE),
        ("https://[::ffff:10.0.0.1]/", Refusal.PRIVATE),
        ("https://169.254.169.254/latest/meta-data/", Refusal.PRIVATE),
        ("https://0x7f.1/", Refusal.PRIVATE),
        ("https://2130706433/", Refusal.PRIVATE),
        ("https://localhost./", Refusal.PRIVATE),
        ("https://shop.local/", Refusal.PRIVATE),
        ("https://metadata.google.internal/", Refusal.PRIVATE),
    ],
)
def test_what_can_be_told_by_reading(url: str, reason: Refusal) -> None:
    with pytest.raises(NotCalled) as caught:
        check(url)
    assert caught.value.reason == reason


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names stand for these addresses, one answer after the other; the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_of_a_private_address_is_refused_even_beside_a_public_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names(monkeypatch, ["93.184.215.14", "127.0.0.1"])
    with pytest.raises(NotCalled) as caught:
        resolve("rebind.example", 443)
    assert caught.value.reason == Refusal.PRIVATE


def test_a_name_is_asked_for_once_and_the_call_goes_where_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second answer would be this machine: nobody asks a second time."""
    asked = names(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    went: list[Any] = []

    def connect(address: Any, timeout: float) -> socket.socket:
        went.append(address)
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(NotCalled) as caught:
        post("https://rebind.example/hook", b"", {})
    assert caught.value.reason == Refusal.UNREACHABLE
    assert asked == ["rebind.example"]
    assert went == [("93.184.215.14", 443)]


@pytest.mark.parametrize("form", ["2130706433", "0x7f.1", "127.1", "localhost", "0"])
def test_other_ways_to_write_this_machine(form: str) -> None:
    with pytest.raises(NotCalled) as caught:
        post(f"https://{form}/", b"", {})
    assert caught.value.reason in (Refusal.PRIVATE, Refusal.UNKNOWN_NAME)


Talk = Callable[[socket.socket, bytes], None]


@contextmanager
def server(talk: Talk, *, read: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads a request and then talks as it likes; its address, and what it was told."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                while True:
                    taken, _ = listening.accept()
                    with taken:
                        request = _request(taken) if read else b""
                        heard.append(request)
                        talk(taken, request)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook?a=1", heard
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _request(taken: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += taken.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += taken.recv(65536)
    return head + b"\r\n\r\n" + body


def ok(taken: socket.socket, _: bytes) -> None:
    taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Own: yes\r\n\r\nok")


def test_a_call_and_its_answer() -> None:
    with server(ok) as (url, heard):
        answer = post(url, b'{"a":1}', {"Content-Type": "application/json"}, private=True)
    assert (answer.status, answer.body, answer.headers["x-own"]) == (200, b"ok", "yes")
    assert heard[0].startswith(b"POST /hook?a=1 HTTP/1.1\r\n")
    assert heard[0].endswith(b'\r\n\r\n{"a":1}')
    assert heard[0].lower().count(b"\r\nhost: 127.0.0.1:") == 1


def test_without_leave_this_machine_is_not_called() -> None:
    with server(ok) as (url, heard):
        with pytest.raises(NotCalled) as caught:
            post(url.replace("http:", "https:"), b"", {})
        assert caught.value.reason == Refusal.PRIVATE
    assert heard == []


def test_a_redirect_is_not_followed() -> None:
    def elsewhere(taken: socket.socket, _: bytes) -> None:
        taken.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")

    with server(elsewhere) as (url, heard):
        assert post(url, b"", {}, private=True).status == 302
    assert len(heard) == 1


def silent(taken: socket.socket, _: bytes) -> None:
    """Until the other side hangs up."""
    while taken.recv(65536):
        pass


def dripping(taken: socket.socket, _: bytes) -> None:
    taken.sendall(b"HTTP/1.1 200 OK\r\n")
    for _n in range(60):
        taken.sendall(b"X: y\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize("talk", [silent, dripping])
def test_a_call_ends_in_time(talk: Talk) -> None:
    with server(talk) as (url, _), pytest.raises(NotCalled) as caught:
        post(url, b"", {}, timeout=0.5, private=True)
    assert caught.value.reason == Refusal.TIMEOUT


def test_an_endless_answer_is_cut_off() -> None:
    def endless(taken: socket.socket, _: bytes) -> None:
        taken.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _n in range(1000):
            taken.sendall(b"x" * 10_000)

    with server(endless) as (url, _):
        answer = post(url, b"", {}, most=1000, private=True)
    assert answer.body == b"x" * 1000


def test_a_body_that_stops_takes_nothing_from_the_status() -> None:
    def stops(taken: socket.socket, _: bytes) -> None:
        taken.sendall(b"HTTP/1.1 204 No\r\nContent-Length: 50\r\n\r\n")
        taken.sendall(b"part")
        silent(taken, b"")

    with server(stops) as (url, _):
        assert post(url, b"", {}, timeout=0.4, private=True).status == 204


@pytest.mark.parametrize("words", [b"nonsense\r\n\r\n", b"", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_answer(words: bytes) -> None:
    with server(lambda taken, _: taken.sendall(words)) as (url, _), pytest.raises(NotCalled) as caught:
        post(url, b"", {}, private=True)
    assert caught.value.reason == Refusal.BROKEN


def test_a_certificate_that_proves_nothing() -> None:
    context = server_context(settings.ENV)

    def encrypted(taken: socket.socket, _: bytes) -> None:
        with contextlib.suppress(ssl.SSLError, OSError), context.wrap_socket(taken, server_side=True):
            pass

    with server(encrypted, read=False) as (url, _), pytest.raises(NotCalled) as caught:
        post(url.replace("http:", "https:"), b"", {}, private=True)
    assert caught.value.reason == Refusal.CERTIFICATE
    assert "self-signed" in caught.value.detail or "self signed" in caught.value.detail


def test_a_handshake_that_never_ends() -> None:
    with server(silent, read=False) as (url, _), pytest.raises(NotCalled) as caught:
        post(url.replace("http:", "https:"), b"", {}, timeout=0.5, private=True)
    assert caught.value.reason == Refusal.TIMEOUT
