"""Prepared statements on one asynchronous connection with the least work that libpq allows.

Measured on one machine: a prepared INSERT of one row costs the client 0.15 ms of CPU through psycopg's asynchronous
cursor (0.3 and more with ten array parameters and a pool), 0.04 ms here. A door runs one statement for each message
and hardly anything else, so this is most of what it costs. Parameters and results are in PostgreSQL's binary format.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import Struct

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from wasl.kit.db import AsyncConnection

UUID, TEXT, BYTEA, INT4, TIMESTAMPTZ, JSONB = 2950, 25, 17, 23, 1184, 3802
"""Type OIDs of PostgreSQL's catalogue (pg_type.dat); they never change."""
ARRAY_OF = {UUID: 2951, TEXT: 1009, BYTEA: 1001, INT4: 1007, TIMESTAMPTZ: 1185, JSONB: 3807}

_header = Struct("!iiIii").pack
_size = Struct("!i").pack
_NULL = _size(-1)
_NAMED = re.compile(r"%\((\w+)\)[sb]")

Row = tuple[bytes | None, ...]

LOOK = 0.2
"""Seconds after which a lane that waits looks at its socket unasked. uvloop tells of an error on a socket once and then
no more of that socket; when a server's last words came with the error, the end behind them would never be read."""


def array(element: int, items: Sequence[bytes | None]) -> bytes:
    """A one-dimensional array in binary format; the items are in the binary format of `element`."""
    parts = [_header(1, None in items, element, len(items), 1)]
    for item in items:
        if item is None:
            parts.append(_NULL)
        else:
            parts.append(_size(len(item)))
            parts.append(item)
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with psycopg's named placeholders, and the type of each parameter. `name` is its own on every lane."""

    name: str
    sql: str
    types: dict[str, int]

    @property
    def names(self) -> list[str]:
        """The parameters in the order of their numbers."""
        return list(dict.fromkeys(_NAMED.findall(self.sql)))

    @property
    def numbered(self) -> str:
        """The SQL as PostgreSQL takes it, with $1, $2 …"""
        names = self.names
        return _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", self.sql)


class Lane:
    """A connection that runs one statement after the other. Made in the loop that uses it; `close` it."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn
        self._pg = conn.pgconn
        self._pg.nonblocking = 1
        self._loop = asyncio.get_running_loop()
        self._socket = self._pg.socket
        self._answer: asyncio.Future[list[pq.abc.PGresult]] | None = None
        self._results: list[pq.abc.PGresult] = []
        self._prepared: dict[str, tuple[bytes, list[str], list[int]]] = {}
        self._loop.add_reader(self._socket, self._readable)

    @property
    def broken(self) -> bool:
        """Whether the connection is of no more use."""
        return self._socket < 0 or self._pg.status == pq.ConnStatus.BAD

    async def run(self, statement: Statement, values: dict[str, bytes]) -> list[Row]:
        """Run a statement and return its rows. Raises psycopg.Error; afterwards look at `broken`."""
        name, names, formats = self._prepared.get(statement.name) or await self._prepare(statement)
        parameters = [values[n] for n in names]
        result = await self._exchange(lambda: self._pg.send_query_prepared(name, parameters, formats, 1))
        columns = range(result.nfields)
        return [tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)]

    async def _prepare(self, statement: Statement) -> tuple[bytes, list[str], list[int]]:
        name, names = statement.name.encode(), statement.names
        text, types = statement.numbered.encode(), [statement.types[n] for n in names]
        await self._exchange(lambda: self._pg.send_prepare(name, text, types))
        self._prepared[statement.name] = prepared = (name, names, [1] * len(names))
        return prepared

    async def _exchange(self, send: Callable[[], None]) -> pq.abc.PGresult:
        """Send something and wait for its answer."""
        self._answer = self._loop.create_future()
        self._next_look = self._loop.call_later(LOOK, self._look)
        try:
            send()
            self._push()
            results = await self._answer
        except BaseException:
            self.close()  # what is on the line belongs to a statement that nobody waits for
            raise
        finally:
            self._next_look.cancel()
        for result in results:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                if self.broken:
                    self.close()
                raise error_from_result(result)
        return results[-1]

    def _look(self) -> None:
        self._next_look = self._loop.call_later(LOOK, self._look)
        self._readable()

    def _push(self) -> None:
        if self._pg.flush():
            self._loop.add_writer(self._socket, self._push)
        else:
            self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        try:
            self._pg.consume_input()
            while not self._pg.is_busy():
                result = self._pg.get_result()
                if result is None:
                    break
                self._results.append(result)
            else:
                return
        except psycopg.OperationalError as error:
            self._lost(error)
            return
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._results)
        elif self._pg.status == pq.ConnStatus.BAD:
            self._lost(psycopg.OperationalError("the connection is lost"))
        self._results, self._answer = [], None

    def _lost(self, error: psycopg.OperationalError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._socket < 0:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket = -1
        self._pg.finish()
