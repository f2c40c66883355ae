"""What this worker listens to by itself: a thread for each inbox whose channel keeps a connection (`Channel.listen`).

Of many workers one listens for an inbox. What it hears is durable before the provider is told so; another worker that
listens at the same moment, because this one was thought dead, stores the same things under the same keys.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager

from django.conf import settings
from psycopg_pool import PoolTimeout

from wasl.channels.base import Failure, InDoubt, Reason
from wasl.channels.port import Channel, Settings, Slip
from wasl.channels.registry import channels
from wasl.channels.secret import unseal_all
from wasl.intake import listening
from wasl.intake.listening import Held, Lost
from wasl.intake.slips import payloads
from wasl.intake.store import put_aside
from wasl.kit.db import AWAY, Connection, pool

log = logging.getLogger(__name__)

LOOK = 2.0
"""Seconds between two looks at which inboxes there are and how they are set."""

RENEW = 5.0
PLACES = 200
"""Inboxes that one worker listens for at the same time."""

QUIET = 30.0
"""Seconds between two notes that a connection works, when nothing else is to be written."""

REST = 60.0
"""Seconds until a channel is asked again that did not want to listen for an inbox, or had nothing more to hear."""

SECRET = 6
"""Letters from which a secret is looked for in what goes into logs; shorter ones stand in many words."""


class Ear:
    """One held inbox, in a thread of its own."""

    def __init__(self, held: Held, channel: Channel) -> None:
        self.held = held
        self.renewed = time.monotonic()
        self._channel = channel
        self._stop = threading.Event()
        self._known = Settings("", {})
        self._noted = 0.0
        self.thread = threading.Thread(target=self._run, name=f"listening {held.wanted.key.id}", daemon=True)

    def stop(self) -> None:
        """Have it end: a channel looks at the event at least every few seconds."""
        self._stop.set()

    def _run(self) -> None:
        """Listen, and write down what came of it. Never raises."""
        try:
            self._listen()
        except Lost:
            log.info("inbox %s: its settings have changed, or another worker listens", self._id)
        except (*AWAY, PoolTimeout):
            # `step` gives the inbox back when the database is there again.
            log.warning("inbox %s: the database is away", self._id)
        except Exception as error:
            words = traceback.format_exc(limit=-4)
            log.error("inbox %s: nobody foresaw this: %s", self._id, self._without_secrets(words))
            self._failed(Reason.OTHER, type(error).__name__)

    def _listen(self) -> None:
        with _database() as conn:
            kept = listening.settings_of(conn, self.held.wanted.key)
        if kept is None:
            self._let_go(0.0)
            return
        workspace_id, inbox_id = self.held.wanted.key
        secrets = unseal_all(workspace_id, inbox_id, kept.secret)
        hook = f"{settings.ENV.public_url.rstrip('/')}/hooks/{self._channel.name}/{inbox_id}"
        self._known = Settings(
            kept.address,
            kept.config,
            secrets,
            private=settings.ENV.private_servers,
            webhook=hook if self._channel.hook else "",
        )
        assert self._channel.listen
        try:
            self._channel.listen(self._known, self._take, self._stop)
        except Failure as error:
            self._failed(error.reason, str(error), getattr(error, "retry_after", None))
        except InDoubt as error:
            self._failed(Reason.NOT_NOW, error.detail)
        else:
            self._let_go(0.0 if self._stop.is_set() else REST)

    def _take(self, slips: Sequence[Slip]) -> None:
        """As `port.Take` says. Raises Lost, or what the database raises when it is away."""
        if not slips and time.monotonic() - self._noted < QUIET:
            return
        workspace_id, inbox_id = self.held.wanted.key
        heard = [put_aside(workspace_id, each) for each in payloads(self._channel.name, inbox_id, slips)]
        try:
            with _database() as conn:
                listening.keep(conn, self.held, heard)
        except Lost:
            self._stop.set()
            raise
        self._noted = time.monotonic()

    def _failed(self, reason: Reason, said: str, retry_after: float | None = None) -> None:
        if self._stop.is_set():
            self._let_go(0.0)
            return
        detail = self._without_secrets(said)
        try:
            with _database() as conn:
                wait = listening.failed(conn, self.held, reason, detail, retry_after)
        except (*AWAY, PoolTimeout):
            log.warning("inbox %s: the database is away", self._id)
            return
        log.warning("inbox %s: %s %s; again in %d s", self._id, reason, detail, wait.total_seconds())

    def _let_go(self, wait: float) -> None:
        with _database() as conn:
            listening.let_go(conn, self.held, wait)

    def _without_secrets(self, text: str) -> str:
        """Providers have keys in addresses, and libraries put addresses into errors."""
        for secret in self._known.secrets.values():
            if len(secret) >= SECRET:
                text = text.replace(secret, "…")
        return text

    @property
    def _id(self) -> object:
        return self.held.wanted.key.id


class Listeners:
    """`step` is called by the worker again and again; `close` when it ends."""

    def __init__(self, places: int = PLACES) -> None:
        self._places = places
        self._ears: list[Ear] = []
        self._ended: list[Ear] = []
        """Those of which it is not known whether they could give their inbox back."""
        self._renewed = 0.0

    @property
    def listening(self) -> int:
        """How many connections are kept at the moment."""
        return len(self._ears)

    def step(self) -> float:
        """Look after the connections and begin those that are due; the seconds until the next look."""
        self._ended += [ear for ear in self._ears if not ear.thread.is_alive()]
        self._ears = [ear for ear in self._ears if ear not in self._ended]
        self._let_lapse()
        able = {name: channel for name, channel in channels().items() if channel.listen}
        if not able:
            return LOOK
        with _database() as conn:
            wanted = listening.wanted(conn, able)
            if self._ended:
                listening.release(conn, [ear.held.token for ear in self._ended])
            self._renew(conn)
            for ear in self._ears:
                if wanted.get(ear.held.wanted.key) != ear.held.wanted:
                    ear.stop()
            ours = {ear.held.wanted.key for ear in self._ears}
            others = [each for key, each in wanted.items() if key not in ours]
            taken = listening.take(conn, others, self._places - len(self._ears))
        self._ended = []
        for held in taken:  # after the commit: whoever listens holds it
            ear = Ear(held, able[held.wanted.channel])
            self._ears.append(ear)
            ear.thread.start()
        return LOOK

    def _let_lapse(self) -> None:
        """While the database was away, others may have taken what could not be renewed."""
        for ear in self._ears:
            if time.monotonic() - ear.renewed > listening.HOLD.total_seconds():
                ear.stop()

    def _renew(self, conn: Connection) -> None:
        if not self._ears or time.monotonic() - self._renewed < RENEW:
            return
        began = time.monotonic()
        kept = listening.renew(conn, [ear.held.token for ear in self._ears])
        for ear in self._ears:
            if ear.held.token in kept:
                ear.renewed = began
            else:
                ear.stop()
        self._renewed = began

    def close(self, patience: float = 3.0) -> None:
        """End every connection and give the inboxes back."""
        for ear in self._ears:
            ear.stop()
        deadline = time.monotonic() + patience
        for ear in self._ears:
            ear.thread.join(max(0.0, deadline - time.monotonic()))
        if late := [ear for ear in self._ears if ear.thread.is_alive()]:
            with _database() as conn:
                for ear in late:
                    listening.let_go(conn, ear.held, 0.0)
        self._ears = []


def _database() -> AbstractContextManager[Connection]:
    """A short transaction as the queue role."""
    return pool("queue", "worker").connection()
