"""A slow road to a provider: passes SMTP or HTTP on, and takes its time with the answer to each message.

So that calls are under way when something is killed: alone on one machine they would last two milliseconds.
"""

import asyncio
import random
import threading
from contextlib import suppress

SLOWNESS = (0.05, 0.9)


class SlowRoad:
    """Listens on `port`, passes on to `target`. `under_way` counts messages that await their answer just now.

    `http`: every request awaits one; else what ends as mail does.
    """

    def __init__(self, target: int, seed: int, *, http: bool = False) -> None:
        self.target = target
        self.http = http
        self.under_way = 0
        self.port = 0
        self._dice = random.Random(f"{seed} slow road {http}")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow road", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    async def _open(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        call = _Call(self)
        ways = [
            asyncio.create_task(call.forward(reader, back)),
            asyncio.create_task(call.answer(there, writer)),
        ]
        with suppress(asyncio.CancelledError):  # the storm is over
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        call.ended()
        for end in (writer, back):
            end.close()

    def wait(self) -> float:
        """Seconds until the next answer is passed on."""
        return self._dice.uniform(*SLOWNESS)

    def close(self) -> None:
        """Cut every line."""
        asyncio.run_coroutine_threadsafe(_end_all(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


async def _end_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Call:
    """One connection: knows when a message is complete and its answer is still to come."""

    def __init__(self, road: SlowRoad) -> None:
        self._road = road
        self._waiting = False
        self._tail = b""

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                self._tail = (self._tail + data)[-5:]
                if self._road.http or self._tail == b"\r\n.\r\n":
                    self._begin()
                writer.write(data)
                await writer.drain()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self._waiting:
                    await asyncio.sleep(self._road.wait())
                writer.write(data)
                await writer.drain()
                self.ended()

    def _begin(self) -> None:
        self._road.under_way += not self._waiting
        self._waiting = True

    def ended(self) -> None:
        """The answer was passed on, or will never be."""
        if self._waiting:
            self._waiting = False
            self._road.under_way -= 1
