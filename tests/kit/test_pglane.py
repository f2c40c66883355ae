"""The lane: what goes over it, what comes back, and what happens when the line goes dead."""

import asyncio
from collections.abc import Iterator
from struct import pack, unpack

import psycopg
import pytest
import uvloop

from tests.kit.relay import Relay
from wasl.kit import pglane
from wasl.kit.db import conninfo
from wasl.kit.pglane import Lane, Statement, array
from wasl.kit.postgres import Cluster

ADD = Statement("add", "SELECT %(a)b::int4 + %(b)s::int4, NULL::text, %(a)b::int4", {"a": 23, "b": 23})
ECHO = Statement("echo", "SELECT unnest(%(items)b::bytea[])", {"items": pglane.ARRAY_OF[pglane.BYTEA]})
WRONG = Statement("wrong", "SELECT 1 / %(a)b::int4", {"a": 23})
SLEEP = Statement("sleep", "SELECT pg_sleep(30)::text", {})
WHO = Statement("who", "SELECT pg_backend_pid()", {})


@pytest.fixture
def runner(cluster: Cluster) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


async def connect() -> Lane:
    return Lane(await psycopg.AsyncConnection.connect(conninfo("app", "lane test"), autocommit=True))


def number(value: int) -> bytes:
    return pack("!i", value)


def test_rows_come_back_in_binary(runner: asyncio.Runner) -> None:
    async def go() -> None:
        lane = await connect()
        for n in range(3):
            assert await lane.run(ADD, {"a": number(n), "b": number(40)}) == [
                (number(40 + n), None, number(n))
            ]
        lane.close()
        lane.close()

    runner.run(go())


@pytest.mark.parametrize("items", [[], [b""], [b"a", None, b"\0\xff"], [bytes(3_000_000)] * 4])
def test_arrays_of_any_size_come_through(runner: asyncio.Runner, items: list[bytes | None]) -> None:
    async def go() -> list[tuple[bytes | None, ...]]:
        lane = await connect()
        try:
            return await lane.run(ECHO, {"items": array(pglane.BYTEA, items)})
        finally:
            lane.close()

    assert [row[0] for row in runner.run(go())] == items


def test_an_error_leaves_the_lane_in_use(runner: asyncio.Runner) -> None:
    async def go() -> None:
        lane = await connect()
        with pytest.raises(psycopg.errors.DivisionByZero):
            await lane.run(WRONG, {"a": number(0)})
        assert not lane.broken
        assert await lane.run(WRONG, {"a": number(1)}) == [(number(1),)]
        lane.close()

    runner.run(go())


@pytest.mark.parametrize("idle", [True, False])
def test_a_dead_line_is_noticed(runner: asyncio.Runner, idle: bool) -> None:
    async def go() -> None:
        lane = await connect()
        ((pid,),) = await lane.run(WHO, {})
        assert pid
        waiting = None if idle else asyncio.create_task(lane.run(SLEEP, {}))
        await asyncio.sleep(0.05)
        with psycopg.connect(conninfo("app", "killer")) as killer:
            killer.execute("SELECT pg_terminate_backend(%s)", unpack("!i", pid))
        if waiting:
            with pytest.raises(psycopg.OperationalError):
                await waiting
        else:
            for _ in range(100):
                await asyncio.sleep(0.01)
                if lane.broken:
                    break
            with pytest.raises(psycopg.OperationalError):
                await lane.run(WHO, {})
        assert lane.broken

    runner.run(go())


LAST_WORDS = (
    b"SWARNING\0VWARNING\0C57P02\0Mterminating connection because of crash of another server process\0\0"
)


def test_last_words_and_the_end_may_come_together(cluster: Cluster) -> None:
    """uvloop tells of an error on a socket once, and then no more of that socket."""

    async def go() -> None:
        lane = Lane(await psycopg.AsyncConnection.connect(relay.conninfo, autocommit=True))
        await lane.run(WHO, {})
        relay.silence()
        waiting = asyncio.create_task(lane.run(WHO, {}))
        await asyncio.sleep(0.05)
        relay.cut(b"N" + pack("!i", 4 + len(LAST_WORDS)) + LAST_WORDS)
        with pytest.raises(psycopg.OperationalError):
            async with asyncio.timeout(60):
                await waiting
        assert lane.broken

    relay = Relay()
    relay.open()
    try:
        uvloop.run(go())
    finally:
        relay.close()


def test_whoever_stops_waiting_takes_the_line_along(runner: asyncio.Runner) -> None:
    async def go() -> None:
        lane = await connect()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await lane.run(SLEEP, {})
        assert lane.broken

    runner.run(go())
