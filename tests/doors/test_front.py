"""The one port, as a process: what Django gets to see, and what slow and oversized clients get."""

import asyncio
import hashlib
import json
import os
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.doors.fronts import Front, front
from wasl.doors.bridge import LARGE
from wasl.kit.postgres import Cluster
from wasl.workspace import assets

LIMIT = 2_000_000


@pytest.fixture(scope="module")
def web(cluster: Cluster) -> Iterator[Front]:
    """A front with two threads for pages, a low limit and little patience."""
    with front(WASL_WEB_THREADS="2", WASL_HTTP_BODY_LIMIT=f"{LIMIT}", WASL_BODY_TIMEOUT="2 s") as started:
        yield started


# What Django sees -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 1_500_000, LIMIT])
def test_django_gets_the_whole_body(web: Front, size: int) -> None:
    body = os.urandom(size)
    seen = web.ask("POST", "/echo", body, {"Content-Type": "application/octet-stream"}).json
    assert (seen["size"], seen["sha256"]) == (size, hashlib.sha256(body).hexdigest())
    assert seen["meta"]["CONTENT_LENGTH"] == str(size)


def test_a_body_of_unannounced_length_arrives_whole(web: Front) -> None:
    pieces = [os.urandom(40_000) for _ in range(5)]
    seen = web.ask("POST", "/echo", iter(pieces)).json
    assert seen["sha256"] == hashlib.sha256(b"".join(pieces)).hexdigest()
    assert "HTTP_TRANSFER_ENCODING" not in seen["meta"]


def test_paths_queries_and_headers_arrive_as_they_were_sent(web: Front) -> None:
    with web.open(
        "POST /echo/caf%C3%A9%2Fx/%FF?q=%FF&a=b+c HTTP/1.1\nHOST\nContent-Type: text/plain\nCookie: a=1\n"
        "Cookie: b=2\nX-Many: 1\nX-Many: 2\nX_Forged: 1\nX-Real: 1\nContent-Length: 2\nConnection: close\n\nhi"
    ) as line:
        raw = b"".join(iter(lambda: line.recv(65536), b""))
    seen = json.loads(raw.partition(b"\r\n\r\n")[2])
    assert seen["path"] == "/echo/café/x/%FF"
    assert seen["query"] == "q=%EF%BF%BD&a=b+c"
    meta = seen["meta"]
    assert (meta["HTTP_COOKIE"], meta["HTTP_X_MANY"], meta["CONTENT_TYPE"]) == (
        "a=1; b=2",
        "1,2",
        "text/plain",
    )
    assert not [name for name in meta if "FORGED" in name]
    assert (meta["REMOTE_ADDR"], seen["scheme"]) == ("127.0.0.1", "http")


def test_behind_a_public_https_address_requests_are_secure(cluster: Cluster) -> None:
    with front(WASL_PUBLIC_URL="https://desk.example.com") as web:
        seen = web.get("/echo", Host="desk.example.com").json
        assert seen["scheme"] == "https"


def test_answers_leave_as_django_made_them(web: Front) -> None:
    assert web.get("/hello").body == b"hello"
    assert web.get("/stream?pieces=3").body == b"y" * 3000
    got = web.get("/file?size=5000000")
    assert (len(got.body), got.headers["content-length"]) == (5_000_000, "5000000")
    head = web.ask("HEAD", "/file?size=5000000")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "5000000")
    assert web.ask("HEAD", "/hello").headers["content-length"] == "5"
    assert web.get("/crash").status == 500
    assert web.get("/nothing-here").status == 404


def form(*files: bytes) -> tuple[bytes, dict[str, str]]:
    """A multipart form with these files."""
    body = b"".join(
        b'--1c2f8a95d0b7\r\nContent-Disposition: form-data; name="f%d"; filename="f%d.bin"\r\n\r\n%s\r\n'
        % (i, i, file)
        for i, file in enumerate(files)
    )
    return body + b"--1c2f8a95d0b7--\r\n", {"Content-Type": "multipart/form-data; boundary=1c2f8a95d0b7"}


def test_uploads_arrive_as_files_and_leave_nothing_behind(web: Front) -> None:
    small, large = os.urandom(1000), os.urandom(1_200_000)
    seen = web.ask("POST", "/upload", *form(small, large)).json
    assert seen["f0"]["sha256"] == hashlib.sha256(small).hexdigest()
    assert seen["f1"]["sha256"] == hashlib.sha256(large).hexdigest()
    assert seen["f1"]["at"] == str(uploads())
    assert web.ask("POST", "/upload", *form(small)).json["f0"]["at"] == "memory"
    assert list(uploads().iterdir()) == []


def uploads() -> Path:
    return Path(os.environ["WASL_DATA_DIR"]) / "run" / "uploads"


def test_what_a_killed_process_left_is_cleared_away(cluster: Cluster) -> None:
    uploads().mkdir(parents=True, exist_ok=True)
    (uploads() / "tmpabcdef").write_bytes(b"x")
    with front() as web:
        assert web.get("/hello").status == 200
        assert list(uploads().iterdir()) == []


# Too large, too slow --------------------------------------------------------------------------------------


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_limit_gets_413(web: Front, announced: bool) -> None:
    body = b"x" * (LIMIT + 1)
    got = web.ask("POST", "/echo", body if announced else iter([body]), {"Accept": "application/json"})
    assert (got.status, got.headers["content-type"]) == (413, "application/problem+json")
    assert got.json == {
        "type": "about:blank",
        "title": "That is too large",
        "status": 413,
        "detail": "Everything together, files included, must stay under 2 MB.",
    }


def test_who_asks_first_is_told_before_sending(web: Front) -> None:
    with web.open(
        f"POST /echo HTTP/1.1\nHOST\nExpect: 100-continue\nContent-Length: {LIMIT + 1}\n\n"
    ) as line:
        assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_an_absurd_length_is_refused_at_once(web: Front) -> None:
    with web.open(f"POST /echo HTTP/1.1\nHOST\nContent-Length: {10**15}\n\n") as line:
        assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_people_get_a_page_in_their_language(web: Front) -> None:
    headers = {"Accept": "text/html", "Accept-Language": "ar-EG,ar;q=0.9"}
    got = web.ask("POST", "/echo", b"x" * (LIMIT + 1), headers)
    assert (got.status, got.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert b'<html lang="ar" dir="rtl">' in got.body
    assert b'class="brandmark"' in got.body, "a page of ours"
    assert b'href="/"' in got.body, "with a way on"
    sheet = got.body.partition(b'href="')[2].partition(b'"')[0].decode()
    assert web.get(sheet).status == 200


def test_a_body_that_never_ends_gets_408(web: Front) -> None:
    started = time.monotonic()
    with web.open("POST /echo HTTP/1.1\nHOST\nContent-Length: 100\n\nsome") as line:
        assert line.recv(100).startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started > 1.5


def test_a_body_that_trickles_gets_408(web: Front) -> None:
    with web.open("POST /echo HTTP/1.1\nHOST\nContent-Length: 100\n\n") as line:
        line.setblocking(False)
        end = time.monotonic() + 60
        answer = b""
        while not answer and time.monotonic() < end:
            line.send(b"x")
            time.sleep(0.2)
            try:
                answer = line.recv(100)
            except BlockingIOError:
                continue
        assert answer.startswith(b"HTTP/1.1 408")


def test_half_sent_requests_do_not_hold_up_pages(web: Front) -> None:
    half = [web.open("POST /echo HTTP/1.1\nHOST\nContent-Length: 100000\n\nhalf") for _ in range(8)]
    try:
        started = time.monotonic()
        assert web.get("/hello").body == b"hello"
        assert time.monotonic() - started < 1.9, "until those were given up"
    finally:
        for line in half:
            line.close()


def test_pages_that_read_themselves_again_and_uploads_let_others_go_first(cluster: Cluster) -> None:
    film = f"POST /slow?seconds=4 HTTP/1.1\nHOST\nContent-Length: {LARGE}\n\n" + "x" * LARGE
    with front(WASL_WEB_THREADS="4") as web:
        again = [web.open("GET /slow?seconds=4 HTTP/1.1\nHOST\nWasl-Refresh: 1\n\n") for _ in range(8)]
        again += [web.open(film) for _ in range(8)]
        time.sleep(0.2)
        started = time.monotonic()
        assert web.get("/hello").body == b"hello"
        assert time.monotonic() - started < 3.5
        for line in again:
            line.close()


def test_slow_readers_do_not_hold_up_pages(web: Front) -> None:
    slow = [web.open("GET /file?size=30000000 HTTP/1.1\nHOST\n\n") for _ in range(8)]
    try:
        time.sleep(0.3)
        started = time.monotonic()
        assert web.get("/hello").body == b"hello"
        assert time.monotonic() - started < 10
    finally:
        for line in slow:
            line.close()


def test_more_bodies_than_there_is_room_for_are_asked_to_wait(tmp_path: Path) -> None:
    from wasl.doors.spool import Crowded, Spool

    async def body(size: int) -> Any:
        messages = iter([{"body": b"x" * size, "more_body": True}, {"body": b"", "more_body": False}])

        async def receive() -> Any:
            return next(messages)

        return await spool.body(receive)

    spool = Spool(tmp_path, room=1_000_000)
    first = asyncio.run(body(700_000))
    with pytest.raises(Crowded):
        asyncio.run(body(400_000))
    small = asyncio.run(body(1000))
    first.close()
    second = asyncio.run(body(400_000))
    assert (small.size, second.size, len(second.file.read())) == (1000, 400_000, 400_000)
    small.close()
    second.close()
    spool.close()


class Piecemeal:
    """A `receive` of one sender's: pieces of these sizes, and more that never comes where `stops` says so."""

    def __init__(self, sender: str, *sizes: int, stops: bool = False) -> None:
        self.sender = sender
        self.waits = asyncio.Event()
        self._sizes = list(sizes)
        self._stops = stops

    async def __call__(self) -> Any:
        if not self._sizes:
            self.waits.set()
            await asyncio.Event().wait()
        size = self._sizes.pop(0)
        return {"body": b"x" * size, "more_body": self._stops or bool(self._sizes)}


def test_who_sends_much_and_never_to_its_end_keeps_nobody_else_from_sending(tmp_path: Path) -> None:
    from wasl.doors.spool import Crowded, Spool

    async def go() -> None:
        spool = Spool(tmp_path, room=1_000_000)
        stopped = [Piecemeal("192.0.2.1", 100_000, stops=True) for _ in range(9)]
        tasks = [asyncio.create_task(spool.body(each)) for each in stopped]
        await asyncio.wait([asyncio.create_task(each.waits.wait()) for each in stopped[:7]])
        refused, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert {type(each.exception()) for each in refused} == {Crowded}, "more than three quarters"
        with pytest.raises(Crowded):
            await spool.body(Piecemeal("192.0.2.1", 100_000))
        other = await spool.body(Piecemeal("192.0.2.2", 200_000))
        assert other.size == 200_000
        other.close()
        for each in tasks:
            each.cancel()
        await asyncio.wait(tasks)
        whole = await spool.body(Piecemeal("192.0.2.1", 700_000))
        whole.close()
        spool.close()

    asyncio.run(asyncio.wait_for(go(), 20))


def test_what_is_collected_of_all_bodies_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wasl.doors import spool as spools

    monkeypatch.setattr(spools, "HELD", 100_000, raising=False)

    async def go() -> None:
        spool = spools.Spool(tmp_path, room=10_000_000)
        stopped = [Piecemeal("", 30_000, 30_000, stops=True) for _ in range(20)]
        tasks = [asyncio.create_task(spool.body(each)) for each in stopped]
        for each in stopped:
            await each.waits.wait()
        assert sum(each.stat().st_size for each in open_files(tmp_path)) >= 20 * 60_000 - 130_000
        whole = await spool.body(Piecemeal("", 30_000, 10))
        assert (whole.size, len(whole.file.read())) == (30_010, 30_010)
        whole.close()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert spool.collected == 0
        spool.close()

    asyncio.run(asyncio.wait_for(go(), 20))


def test_a_body_that_comes_byte_by_byte_takes_no_more_memory_than_it_is_long(tmp_path: Path) -> None:
    from wasl.doors import asgi
    from wasl.doors.spool import Spool

    async def go() -> None:
        spool, sender = Spool(tmp_path, room=1000), Piecemeal("", *[1] * 20_000, stops=True)
        tracemalloc.start()
        task = asyncio.create_task(asgi.body(sender, spool))
        await sender.waits.wait()
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert taken < 1_000_000
        task.cancel()
        await asyncio.wait([task])
        spool.close()

    asyncio.run(asyncio.wait_for(go(), 20))


def open_files(folder: Path) -> list[Path]:
    """What this process has open there; the files have no names."""
    links = list(Path("/proc/self/fd").iterdir())
    return [each for each in links if each.exists() and str(folder) in str(each.readlink())]


def test_many_bodies_that_stop_short_of_their_end_are_not_kept_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wasl.doors import asgi, chat_asks
    from wasl.doors.spool import Body, Spool
    from wasl.widget.asks import Typing

    monkeypatch.setattr(asgi, "HELD", 10)
    here: Any = SimpleNamespace(spool=Spool(tmp_path, room=1000))
    waiting = asyncio.Event()

    def sender(*pieces: bytes, stop: asyncio.Event) -> Any:
        left = list(pieces)

        async def receive() -> Any:
            if len(left) == 1:
                waiting.set()
                await stop.wait()
            return {"body": left.pop(0), "more_body": bool(left)}

        return receive

    async def go() -> None:
        stop, now = asyncio.Event(), asyncio.Event()
        now.set()
        held = asyncio.create_task(asgi.body(sender(b"x" * 10, b"y", stop=stop), here.spool))
        await waiting.wait()
        assert await asgi.body(sender(b"whole at once", stop=now), here.spool) == b"whole at once"
        spooled = await asgi.body(sender(b"ab", b"c", b"d", stop=now), here.spool)
        assert isinstance(spooled, Body)
        assert spooled.file.read() == b"abcd"
        spooled.close()
        said = await chat_asks.read(here, sender(b'{"on"', b":false}", stop=now), Typing, "en")
        assert not said.on
        stop.set()
        assert await held == b"x" * 10 + b"y"
        assert asgi._Held.size == 0

    asyncio.run(asyncio.wait_for(go(), 20))
    here.spool.close()


def test_large_uploads_at_once_keep_memory_flat(cluster: Cluster) -> None:
    body, headers = form(os.urandom(25_000_000))
    with front() as web:
        web.ask("POST", "/upload", *form(b"x"))
        before = resident(web.process.pid)
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda _: web.ask("POST", "/upload", body, headers), range(8)))
        assert [each.json["f0"]["size"] for each in got] == [25_000_000] * 8
        # Eight bodies are 200 MB; what is held of each is a few buffers.
        assert peak(web.process.pid) - before < 60_000


def resident(pid: int) -> int:
    return _status(pid, "VmRSS")


def peak(pid: int) -> int:
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


# Who is asked, and for what -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "a b", "127.0.0.1@evil.example"]
)
@pytest.mark.parametrize("path", ["/hello", "/live", "/static/css/base.css"])
def test_other_hosts_are_refused_everywhere(web: Front, path: str, host: str) -> None:
    assert web.get(path, Host=host).status == 400


def test_health_is_answered_to_anyone(web: Front) -> None:
    got = web.get("/healthz", Host="10.1.2.3")
    assert (got.status, got.json) == (200, {"status": "ok"})


def test_static_files_may_be_kept_for_ever_under_their_fingerprint(web: Front) -> None:
    got = web.get(assets.url("css/base.css"))
    assert (got.status, got.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.body == (assets.OWN / "css" / "base.css").read_bytes()
    for older in ("/static/css/base.css", "/static/000000000000/css/base.css"):
        plain = web.get(older)
        assert (plain.body, plain.headers["cache-control"]) == (got.body, "public, no-cache")
        again = web.get(older, If_None_Match=f'"other", W/{plain.headers["etag"]}')
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "name",
    [
        "../assets.py",
        "%2e%2e/assets.py",
        "..%2fassets.py",
        "css/../../assets.py",
        "css/..%5c..%5cassets.py",
        "//etc/passwd",
        "%2fetc/passwd",
        "htmx/../../../__init__.py",
        "htmx/%2e%2e/%2e%2e/apps.py",
        "css",
        "",
        "css/base.css%00.png",
        "x" * 300,
        "css/base.css/",
    ],
)
@pytest.mark.parametrize("prefix", ["/static/", "/static/000000000000/"])
def test_static_never_leaves_its_folder(web: Front, prefix: str, name: str) -> None:
    with web.open(f"GET {prefix}{name} HTTP/1.1\nHOST\nConnection: close\n\n") as line:
        raw = b"".join(iter(lambda: line.recv(65536), b""))
    assert raw.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), raw[:100]
    assert web.ask("POST", "/static/css/base.css").status == 405
