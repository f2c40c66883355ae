"""Webhooks of the stand-ins, on their way to Wasl: in order for each customer, again until they are taken, and with the
faults that the network is told to have.

What was not taken yet lies in a folder, so that it is brought after a restart as well.
"""

import asyncio
import base64
import contextlib
import http.client
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wasl.sandbox.network import WEBHOOKS, Mode, Network, Rule

TIMEOUT = 20.0
PAUSES = (0.2, 1.0, 2.0, 5.0)
"""Seconds before a webhook that was not taken is brought again; the last is repeated."""

TRIES = 200
PROVED = 3600.0
"""Seconds after which an address is challenged again."""

AT_ONCE = 8
"""Webhooks that are under way at one time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request of a provider to Wasl. `person` is the customer whom it concerns, on `channel`.

    `challenge`: an address that must first answer with that `response_token` (as X has it), now and then. A `url` of
    another scheme than HTTP goes the way that a stand-in has set up for it (`Courier.ways`).
    """

    channel: str
    person: str
    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    challenge: tuple[str, str] | None = None


class Courier:
    """Brings webhooks. Lives in one event loop."""

    def __init__(self, folder: Path, network: Network) -> None:
        self._folder = folder / "webhooks"
        self._network = network
        self._tasks: set[asyncio.Task[bool]] = set()
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}
        self._passed = asyncio.Event()
        self._lines = asyncio.Semaphore(AT_ONCE)
        self._proved: dict[str, float] = {}
        self.ways: dict[str, Callable[[Webhook], Awaitable[int]]] = {}
        """By scheme of the address: one try, as `post` is one; its status."""

    def start(self) -> None:
        """Take up what an earlier process left."""
        for path in sorted(self._folder.glob("*.json")):
            kept = json.loads(path.read_text())
            kept["body"] = base64.b64decode(kept["body"])
            due = float(kept.pop("due"))
            kept["challenge"] = tuple(kept.get("challenge") or ()) or None
            self._go(self._bring(Webhook(**kept), path, due))

    async def stop(self) -> None:
        """Leave the rest for the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def send(self, webhook: Webhook, then: Callable[[], None] | None = None) -> "asyncio.Task[bool] | None":
        """Bring a webhook; `then` is called when it was taken. The task says whether it was."""
        rule = self._network.take_on(webhook.channel, webhook.person, WEBHOOKS)
        if rule.mode == Mode.LOSE:
            return None
        due = time.time() + (rule.wait if rule.mode == Mode.SLOW else 0.0)
        path = self._keep(webhook, due)
        if rule.mode == Mode.TWICE:
            self._go(self._bring(webhook, self._keep(webhook, due), due))
        if rule.mode == Mode.SHUFFLE:
            task = self._go(self._overtaken(webhook, path, rule))
        else:
            task = self._go(self._bring(webhook, path, due))
        if then is not None:
            task.add_done_callback(lambda done: then() if not done.cancelled() and done.result() else None)
        return task

    def _go(self, work: Any) -> "asyncio.Task[bool]":
        task: asyncio.Task[bool] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _keep(self, webhook: Webhook, due: float) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{time.time_ns():020d}-{os.urandom(3).hex()}.json"
        kept = {
            "channel": webhook.channel, "person": webhook.person, "url": webhook.url, "due": due,
            "headers": dict(webhook.headers), "body": base64.b64encode(webhook.body).decode(),
            "challenge": webhook.challenge,
        }  # fmt: skip
        draft = path.with_suffix(".draft")
        draft.touch(0o600)
        draft.write_text(json.dumps(kept))
        draft.rename(path)
        return path

    async def _overtaken(self, webhook: Webhook, path: Path, rule: Rule) -> bool:
        """Wait until another one has been taken, but not for ever."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._passed.wait(), rule.wait)
        return await self._bring(webhook, path, 0.0)

    async def _bring(self, webhook: Webhook, path: Path, due: float) -> bool:
        await asyncio.sleep(max(0.0, due - time.time()))
        async with self._turns.setdefault((webhook.channel, webhook.person), asyncio.Lock()):
            taken = await self._try(webhook)
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - a moment
        self._passed.set()
        self._passed = asyncio.Event()
        return taken

    async def _try(self, webhook: Webhook) -> bool:
        for number in range(TRIES):
            async with self._lines:
                status = await self._once(webhook)
            if 200 <= status < 300:
                return True
            if 400 <= status < 500 and status != 429:
                log.warning("a webhook of the stand-in for %s was refused: %d", webhook.channel, status)
                return False
            await asyncio.sleep(PAUSES[min(number, len(PAUSES) - 1)])
        return False

    async def _once(self, webhook: Webhook) -> int:
        if way := self.ways.get(urlsplit(webhook.url).scheme):
            return await way(webhook)
        if webhook.challenge and self._proved.get(webhook.url, 0.0) < time.monotonic():
            url, wanted = webhook.challenge
            status, answer = await asyncio.to_thread(ask, "GET", url)
            if status != 200 or not _says(answer, wanted):
                return 0
            self._proved[webhook.url] = time.monotonic() + PROVED
        status, _ = await asyncio.to_thread(ask, "POST", webhook.url, webhook.body, webhook.headers)
        return status


def _says(answer: bytes, token: str) -> bool:
    try:
        found = json.loads(answer)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("response_token") == token


def ask(
    method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """One request to Wasl: status and body of the answer; 0 when there was none."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body or None, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
