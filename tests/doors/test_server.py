"""The HTTP server's own limits, over real sockets: heads that never end, trailers, upgrades, answers come early."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from wasl.config.logs import redact
from wasl.doors import server
from wasl.doors.ports import listen
from wasl.doors.server import Server

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ended: dict[str, asyncio.Event] = {}
"""Set when that stream has come to its end."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what it got; `/early` answers before the body has come, `/slow` a piece every tenth of a second,
    `/silent` nothing after the head; `/watch` streams until who reads it is gone, `/much` all that is taken."""
    if scope["path"] in ("/watch", "/much"):
        await stream(scope["path"], receive, send)
        return
    size = 0
    more = scope["path"] != "/early"
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    names = [[name.decode(), value.decode()] for name, value in scope["headers"]]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/silent":
        await receive()  # until they hang up
    for _ in range(6 if scope["path"] == "/slow" else 0):
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.sleep(0.1)
    said = {"path": scope["path"], "size": size, "headers": names}
    await send({"type": "http.response.body", "body": json.dumps(said).encode()})


async def stream(path: str, receive: Receive, send: Send) -> None:
    """As `/live` is one: patient with a reader for a while, and then with a last word for it."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    with contextlib.suppress(TimeoutError):
        while path == "/much":
            async with asyncio.timeout(0.05):
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    while path == "/watch" and (await receive())["type"] != "http.disconnect":
        pass
    await send({"type": "http.response.body", "body": b""})
    ended[path].set()


def talking(talk: Talk) -> None:
    """Serve, let `talk` be the client, and finish."""

    async def go() -> None:
        listener = listen("", "", "127.0.0.1", 0, 10)
        port = listener.getsockname()[1]
        made = Server(app, listener)
        serving = asyncio.create_task(made.run_until_finished())
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                async with asyncio.timeout(20):
                    await talk(reader, writer)
            finally:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()
        finally:
            made.finish()
            await asyncio.wait_for(serving, 5)

    asyncio.run(go())


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, dict[str, str], Any]:
    """Status line, headers and what was said."""
    head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    headers = {
        n.decode().lower(): v.strip().decode() for n, _, v in (line.partition(b":") for line in head[1:-2])
    }
    if headers.get("transfer-encoding") != "chunked":
        return head[0], headers, await reader.readexactly(int(headers["content-length"]))
    content = b""
    while size := int(await reader.readline(), 16):
        content += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return head[0], headers, json.loads(content)


def test_an_answer_says_when_it_was_made_and_not_by_what() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /a%20b HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, said = await answer(reader)
        assert (status, said["path"]) == (b"HTTP/1.1 200 OK", "/a b")
        assert headers["date"].endswith(" GMT")
        assert "server" not in headers

    talking(talk)


def test_a_small_answer_is_one_packet() -> None:
    """What comes in two wakes whoever asked twice."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b'"path": "/a"' in await reader.read(65536)

    talking(talk)


def test_the_head_of_a_stream_waits_for_nothing() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /silent HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")

    talking(talk)


@pytest.mark.parametrize("whole", [True, False])
def test_headers_without_end_are_refused(whole: bool) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        line = b"X-A: " + b"a" * 1000 + b"\r\n"
        for _ in range(100):
            writer.write(line)
            if not whole:
                await asyncio.sleep(0)
        status, _headers, _said = await answer(reader)
        assert status.startswith(b"HTTP/1.1 431")
        assert await reader.read() == b""

    talking(talk)


def test_headers_that_trickle_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await answer(reader)  # the limit holds for every request of a connection
        writer.write(b"GET / HTTP/1.1\r\n")
        status, _headers, _said = await answer(reader)
        assert status.startswith(b"HTTP/1.1 408")
        assert await reader.read() == b""

    talking(talk)


def test_who_says_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)

    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""

    talking(talk)


def test_an_answer_may_take_longer_than_headers_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(server, "LINGER", 0.2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await answer(reader))[0] == b"HTTP/1.1 200 OK"
        await asyncio.sleep(0.4)
        writer.write(b"GET /idle HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await answer(reader))[2]["path"] == "/idle", "between requests there is no hurry"

    talking(talk)


def test_what_follows_the_body_is_no_header() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
            b"2\r\nhi\r\n0\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n"
        )
        said = (await answer(reader))[2]
        assert said["size"] == 2
        assert [value for name, value in said["headers"] if name == "x-forwarded-for"] == ["192.0.2.1"]

    talking(talk)


def test_who_would_rather_speak_http_2_is_answered_all_the_same() -> None:
    """As Java's own client asks, of every first request."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n" + wish + b"\r\nhello")
        assert (await answer(reader))[2]["size"] == 5
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nyes")
        assert (await answer(reader))[2]["size"] == 3

    talking(talk)


def test_requests_sent_together_are_answered_in_order() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"".join(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in (b"slow", b"b", b"c"))
        )
        assert [(await answer(reader))[2]["path"] for _ in range(3)] == ["/slow", "/b", "/c"]

    talking(talk)


def test_who_goes_on_sending_after_the_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LINGER", 0.3)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc")
        assert (await answer(reader))[2]["path"] == "/early"
        for _ in range(100):
            writer.write(b"x")
            await asyncio.sleep(0.05)
            if reader.at_eof():
                return
        raise AssertionError("it was listened to for ever")

    talking(talk)


def test_what_is_no_http_is_told_so() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40)
        assert (await answer(reader))[0].startswith(b"HTTP/1.1 400")
        assert await reader.read() == b""

    talking(talk)


# Strangers ------------------------------------------------------------------------------------------------

ASK = b"GET /%s HTTP/1.1\r\nHost: x\r\n%s\r\n"
WISH = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"


@pytest.mark.parametrize("wish", [b"", WISH])
def test_thousands_of_requests_in_one_packet_wait_unread(
    wish: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each that is read costs a kilobyte; and the parser begins anew behind each wish for another protocol."""
    waiting = []
    start = server.Connection._start_asgi_task

    def counted(self: server.Connection, cycle: Any, app: Any) -> None:
        waiting.append(len(self.pipeline))
        start(self, cycle, app)

    monkeypatch.setattr(server.Connection, "_start_asgi_task", counted)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(ASK % (b"%d" % i, wish) for i in range(2000)))
        for i in range(2000):
            assert (await answer(reader))[2]["path"] == f"/{i}"
        assert max(waiting) <= server.PIECE // len(ASK % (b"0", wish))

    talking(talk)


def test_a_wish_with_a_body_that_nobody_can_read_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n" + WISH + b"\r\nhello")
        assert await reader.read() == b""

    talking(talk)
    assert caplog.records == []


def test_a_body_that_came_late_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "KEEP_ALIVE", 0.2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        await answer(reader)
        writer.write(b"abc")
        assert await reader.read() == b""

    talking(talk)


def test_trailers_without_end_are_not_collected() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ")
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x" * 1000)
                await writer.drain()
                await asyncio.sleep(0)

    talking(talk)


def test_too_many_headers_are_refused() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ASK % (b"", b"X: y\r\n" * server.HEADERS))
        assert (await answer(reader))[0].startswith(b"HTTP/1.1 431")
        assert await reader.read() == b""

    talking(talk)


def test_who_takes_nothing_of_an_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STALL", 0.2)

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended["/much"] = asyncio.Event()
        writer.write(ASK % (b"much", b""))
        await ended["/much"].wait()

    talking(talk)


def test_a_stream_hears_that_its_reader_is_gone_with_another_request_behind_it() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended["/watch"] = asyncio.Event()
        writer.write(ASK % (b"watch", b"") + ASK % (b"b", b""))
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await ended["/watch"].wait()

    talking(talk)


def test_a_body_behind_another_request_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LINGER", 0.05)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ASK % (b"slow", b"") + b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
        await answer(reader)
        await asyncio.sleep(0.2)
        writer.write(b"llo")
        assert (await answer(reader))[2]["size"] == 5

    talking(talk)


def test_http_1_0_is_sent_no_chunks() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /slow HTTP/1.0\r\nExpect: 100-continue\r\nConnection: keep-alive\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert (head.startswith(b"HTTP/1.1 200"), b"transfer-encoding" in head) == (True, False)
        assert json.loads(body)["path"] == "/slow"

    talking(talk)


def test_who_asked_before_sending_is_asked_or_hung_up_on() -> None:
    """After an answer without a `100` they may send the body or the next request: one could be taken for the other."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"POST /%s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        writer.write(head % b"")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await answer(reader))[2]["size"] == 2
        writer.write(head % b"early")
        assert (await answer(reader))[1]["connection"] == "close"
        assert await reader.read() == b""

    talking(talk)


def test_too_many_connections_are_told_so_and_the_log_but_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 1)
    monkeypatch.setattr(server.Connection, "_complained", -server.BETWEEN)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((ASK % (b"", b"")) * 2)
        assert b" 503 " in await reader.read()

    talking(talk)
    talking(talk)
    assert [record.getMessage() for record in caplog.records] == [
        "requests are turned away: 1 connections are open"
    ]


@pytest.mark.parametrize("path", [b"a", b"a://:", b"a.-", b"password "])
def test_the_longest_address_is_logged_in_no_time(path: bytes) -> None:
    """Looking for secrets in it held up the whole process for twenty seconds."""
    text = (path * server.HEAD_BYTES)[: server.HEAD_BYTES].decode()
    started = time.process_time()
    assert redact(text) == text
    assert time.process_time() - started < 2
    assert redact(f"{text} https://sami:secret@example.com").endswith(" https://sami:[hidden]@example.com")


def test_as_many_files_are_asked_for_as_there_may_be() -> None:
    code = (
        "import resource; hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard));"
        "from wasl.doors.ports import FILES, listen; listen('', '', '127.0.0.1', 0, 10).close();"
        "soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0];"
        "assert soft == (min(FILES, hard) if hard > 0 else FILES), soft"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
