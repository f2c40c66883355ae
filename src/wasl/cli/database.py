"""The supervisor's view of PostgreSQL: ours is kept running like any other process, a given one is not our affair."""

import contextlib
import os
import signal
import time

from wasl.config.env import Env
from wasl.kit.postgres import Cluster, ServerFailed

RETRY_AFTER = 0.25
FIRST_PATIENCE = 60.0
COMPLAIN_EVERY = 10.0
STOP_PATIENCE = 20.0


class Database:
    """Call `tend` often; it does the next step towards a server that accepts connections, without waiting."""

    def __init__(self, env: Env, *, first: bool) -> None:
        self.cluster = None if env.database_url else Cluster(env.data_dir, env.keys.secret_key)
        self.child: int | None = None  # the server, when we started it ourselves
        self.ready = self.cluster is None
        self.restarts = -1  # grows with each start
        self._due = 0.0
        # Only the first start may fail for good; a server that has run is started again for ever.
        self._waiting_since = time.monotonic() if first else None
        self._complained = 0.0
        self.complaint = ""

    def tend(self) -> None:
        """Start or adopt the server. Raises ServerFailed or NoServer when it cannot be started at all."""
        if self.cluster is None:
            return
        self.ready = self.cluster.ready()
        if self.ready:
            self.restarts = max(self.restarts, 0)
            self._waiting_since = None
            return
        now = time.monotonic()
        if self.cluster.pid() is None and self.child is None and now >= self._due:
            self._start(self.cluster, now)
        waited = now - self._waiting_since if self._waiting_since else 0.0
        if waited > FIRST_PATIENCE and self.cluster.pid() is None:  # one that recovers may take its time
            raise ServerFailed(f"PostgreSQL did not start within a minute.\n{self.cluster.last_words()}")

    def _start(self, cluster: Cluster, now: float) -> None:
        cluster.clear_leftovers()
        if not (cluster.directory / "PG_VERSION").exists():
            raise ServerFailed(f"The database in {cluster.directory} is gone.")
        self.child = cluster.spawn()
        self.restarts += 1
        self._due = now + RETRY_AFTER

    def ended(self, *, stopping: bool) -> None:
        """Our own server process ended."""
        self.child, self.ready = None, False
        now = time.monotonic()
        if self.cluster and not stopping and now - self._complained > COMPLAIN_EVERY:
            self._complained = now
            self.complaint = (
                f"PostgreSQL ended and is started again. Its last words:\n{self.cluster.last_words()}"
            )

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it does not run or is not ours."""
        return self.cluster.pid() if self.cluster else None

    def stop(self, number: int = signal.SIGINT) -> None:
        """Fast shutdown (SIGINT), or at once with recovery at the next start (SIGQUIT)."""
        if (pid := self.pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
