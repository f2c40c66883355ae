"""What a known small thing costs on this machine: aiosmtpd that stores each mail with one INSERT.

On a machine with 2 cores it took 0.5 ms of its own CPU a message and 2,150 messages/s. A machine on which it takes
twice as much makes everything else that is measured in the same run cost about twice as much too.
"""

import asyncio
import multiprocessing
import smtplib
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psycopg
from aiosmtpd.smtp import SMTP
from psycopg_pool import AsyncConnectionPool

from bench.product import Product, used_by

KNOWN_CPU_MS = 0.5
CLIENTS = 8
_TABLE = "CREATE TABLE IF NOT EXISTS bench_raw (id bigserial PRIMARY KEY, raw bytea)"


@dataclass(frozen=True)
class Reference:
    """CPU-milliseconds of the server's own a message, and messages/s."""

    cpu_ms: float
    per_s: float


def reference(made: Product, mail: bytes, messages: int = 4000) -> Reference:
    """Measure it: each of eight clients sends its share over one session."""
    with psycopg.connect(made.dsn, autocommit=True) as conn:
        conn.execute(_TABLE)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(made.dsn, theirs), daemon=True)
    server.start()
    try:
        port = ours.recv()
        share = messages // CLIENTS
        with context.Pool(CLIENTS) as pool:
            pool.starmap(_send, [(port, mail, 20)] * CLIENTS)
            before, start = used_by(server.pid or 0), time.monotonic()
            pool.starmap(_send, [(port, mail, share)] * CLIENTS)
        took = time.monotonic() - start
        used = used_by(server.pid or 0) - before
    finally:
        server.terminate()
        server.join(10)
    total = share * CLIENTS
    return Reference(round(used * 1000 / total, 3), total / took)


def _send(port: int, mail: bytes, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="bench.example", timeout=30) as smtp:
        for _ in range(count):
            smtp.sendmail("customer@people.example", ["support@dar-zaytun.example"], mail)


def _serve(dsn: str, ready: Connection) -> None:
    asyncio.run(_stand(dsn, ready))


async def _stand(dsn: str, ready: Connection) -> None:
    async with AsyncConnectionPool(
        dsn, min_size=CLIENTS, max_size=CLIENTS, open=False, kwargs={"autocommit": True}
    ) as pool:
        await pool.wait()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(_Storing(pool), loop=loop), "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()


class _Storing:
    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        async with self._pool.connection() as conn:
            await conn.execute("INSERT INTO bench_raw (raw) VALUES (%b)", [envelope.content], prepare=True)
        return "250 OK"
