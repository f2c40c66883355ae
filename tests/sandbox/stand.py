"""The stand-in provider, in a thread of the test's own process."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiosmtpd.smtp import SMTP, Envelope, Session

from wasl.sandbox.network import EVERYONE, Mode, Rule
from wasl.sandbox.place import Entry
from wasl.sandbox.provider import Ports, Provider

T = TypeVar("T")


class _Counting(Provider):
    """Counts the sessions it opens, and can be slow to take a mail and slow to say so."""

    def __init__(self, folder: Path, ports: Ports, stand: "Stand") -> None:
        super().__init__(folder, ports)
        self._stand = stand

    def _session(self) -> SMTP:
        self._stand.sessions += 1
        return super()._session()

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self._stand.pause)
        said = await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(self._stand.pause)
        return said


class Stand:
    """A running provider, and what a test wants to know of it."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self.provider = _Counting(folder, ports, self)
        self.place, self.network = self.provider.place, self.provider.network
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="provider")
        self._thread.start()
        self.sessions = 0
        self.pause = 0.0
        self.run(self.provider.start())
        self.smtp_port, self.http_port = self.provider.smtp_port, self.provider.http_port

    def run(self, task: Coroutine[Any, Any, T]) -> T:
        """Do something in the provider's loop."""
        return asyncio.run_coroutine_threadsafe(task, self._loop).result(20)

    def close(self) -> None:
        """Stop, as SIGTERM would."""
        self.run(self.provider.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def behave(self, mode: Mode, address: str = EVERYONE, *, once: bool = False, after: float = 0.2) -> None:
        """Have the network do something."""
        self.network.set(Rule(mode, once, after), address)

    def wire(self) -> list[tuple[str, str]]:
        """(what, to) of everything that happened, oldest first."""
        return [(entry.what, entry.to) for entry in self.place.journal()]

    def entries(self) -> list[Entry]:
        """Everything that happened, oldest first."""
        return list(self.place.journal())

    def config(self, *, lookup: bool = True, connections: int | None = None) -> dict[str, Any]:
        """The settings of an inbox that sends by this provider."""
        smtp: dict[str, Any] = {"host": "127.0.0.1", "port": self.smtp_port, "tls": "none"}
        if connections:
            smtp["connections"] = connections
        where = {"lookup": f"http://127.0.0.1:{self.http_port}/taken"} if lookup else {}
        return {"smtp": smtp, **where}


@contextmanager
def standing(folder: Path, *, wasl: tuple[str, int] = ("127.0.0.1", 1), smtp: int = 0) -> Iterator[Stand]:
    """A provider on free ports; `wasl` is where bounces go."""
    stand = Stand(folder, Ports(smtp, 0, *wasl))
    try:
        yield stand
    finally:
        stand.close()
