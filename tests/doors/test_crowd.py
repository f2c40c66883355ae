"""Many connections: who waits makes room, who is being answered never does, and nobody takes everyone's places."""

import asyncio
import contextlib

import pytest

from tests.doors.test_server import answer, app
from wasl.doors import server
from wasl.doors.crowd import Crowd
from wasl.doors.peer import network
from wasl.doors.ports import listen

ASK = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"


class Waiting:
    """A connection that remembers having been ended."""

    ended = False

    def make_room(self) -> None:
        self.ended = True


def filled(crowd: Crowd, address: str, count: int, *, resting: bool) -> list[Waiting]:
    came = []
    for _ in range(count):
        came.append(one := Waiting())
        assert crowd.come(one, address)
        if resting:
            crowd.rest(one)
    return came


def test_who_has_waited_longest_makes_room_and_who_is_busy_does_not() -> None:
    crowd = Crowd(16, known=True)
    busy = [each for n in range(4) for each in filled(crowd, f"192.0.2.{n}", 2, resting=False)]
    first, second, third, fourth = filled(crowd, "198.51.100.1", 4, resting=True)
    crowd.stir(first)
    crowd.rest(first)  # it asked again, and waits anew
    assert crowd.come(Waiting(), "203.0.113.1")
    assert [each.ended for each in (first, second, third, fourth)] == [False, True, False, False]
    assert len(crowd) == 12
    crowd.leave(second)  # that it is gone is told late, and counted once
    assert len(crowd) == 12
    assert not any(each.ended for each in busy)


def test_who_holds_more_than_a_share_makes_room_alone() -> None:
    crowd = Crowd(16, known=True)
    theirs = filled(crowd, "192.0.2.1", 11, resting=True)
    others = filled(crowd, "198.51.100.1", 1, resting=True)
    for each in theirs[1:]:
        crowd.stir(each)
    assert crowd.come(Waiting(), "192.0.2.1")
    assert (theirs[0].ended, others[0].ended) == (True, False)
    assert crowd.come(Waiting(), "192.0.2.1") is False
    assert crowd.come(Waiting(), "203.0.113.1")
    assert others[0].ended
    for n in range(2, 5):  # what is left is for those who hold little
        assert crowd.come(Waiting(), f"203.0.113.{n}")
    assert crowd.come(Waiting(), "203.0.113.9") is False


def test_behind_a_server_of_ours_nobody_is_told_from_another() -> None:
    crowd = Crowd(16, known=False)
    filled(crowd, "10.0.0.1", 16, resting=False)
    assert crowd.come(Waiting(), "10.0.0.1") is False


def test_a_network_is_counted_as_one() -> None:
    assert network("2001:db8:1:2:aaaa::1") == network("2001:db8:1:2::2") != network("2001:db8:1:3::2")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") != network("::ffff:192.0.2.2")
    assert network("fe80::1%eth0") == "fe80::"
    assert network("testclient") == "testclient"


def test_a_new_connection_gets_the_place_of_one_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of one that was answered, of one that begins a request and never ends it; never that of a stream."""
    monkeypatch.setattr(server, "CONNECTIONS", 3)

    async def go() -> None:
        listener = listen("", "", "127.0.0.1", 0, 10)
        made = server.Server(app, listener, proxied=True)
        serving = asyncio.create_task(made.run_until_finished())
        port = listener.getsockname()[1]
        async with contextlib.AsyncExitStack() as open_ones, asyncio.timeout(20):

            async def come(path: bytes, said: bytes = ASK) -> asyncio.StreamReader:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                open_ones.callback(writer.close)
                writer.write(said.replace(b"%s", path))
                return reader

            streams = [await come(b"/watch"), await come(b"/watch")]
            for each in streams:
                assert (await each.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            waits = await come(b"/a")
            assert (await answer(waits))[2]["path"] == "/a"
            slow = await come(b"/b", ASK[:20])
            assert await waits.read() == b""
            again = await come(b"/b")
            assert (await answer(again))[2]["path"] == "/b"
            assert await slow.read() == b""
            streams.append(await come(b"/watch"))
            assert (await streams[2].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await again.read() == b""
            turned_away = await (await come(b"/c")).read()
            assert turned_away.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 2" in turned_away
            assert not any(each.at_eof() for each in streams)
        made.finish()
        await asyncio.wait_for(serving, 5)

    asyncio.run(go())
