"""The guardian: a process whose only work is to start the supervisor again should it be killed.

Each of the two notices the other's end at once, by the socket between them: the guardian starts another
supervisor (which adopts the running PostgreSQL), the supervisor another guardian. These two and every role are
forks of one process that has imported everything: they share its memory, and none has to import anything again.
"""

import contextlib
import fcntl
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from wasl.cli import forks, ports
from wasl.cli.plan import Plan
from wasl.cli.preload import preload
from wasl.cli.supervise import ENDED, STOPPING, Supervisor
from wasl.kit import pghost, prctl
from wasl.kit.postgres import Cluster, ServerFailed

LOCK = "up.lock"
PRIVATE = 0o077  # whatever Wasl writes is for its own user; what PostgreSQL's user needs is opened by name
RESTART_PAUSE = 1.0
HEALTHY_AFTER = 5.0


class AlreadyRunning(Exception):
    """Another supervisor works on this data folder."""


def run(plan: Plan) -> int:
    """Start everything and stay until it has stopped; returns the exit code.

    Raises AlreadyRunning, ports.PortTrouble or ServerFailed before anything was started.
    """
    os.umask(PRIVATE)
    pghost.make_folder(plan.env.data_dir, 0o711 if os.geteuid() == 0 else 0o700, parents=True)
    plan.env.run_dir.mkdir(exist_ok=True)
    lock = take_lock(plan.env.run_dir)
    ports.check_free(plan.env)
    (plan.env.run_dir / "notice.txt").unlink(missing_ok=True)
    times = {}
    for name, work in (("database", _make_database), ("imports", preload)):
        began = time.monotonic()
        work(plan)
        times[name] = time.monotonic() - began
    return _Guard(plan, lock, times).stay()


def _make_database(plan: Plan) -> None:
    """Make what is missing of our own PostgreSQL; only here, and before Django's settings ask where its socket is."""
    env = plan.env
    if env.database_url:
        return
    cluster = Cluster(env.data_dir, env.keys.secret_key)
    if cluster.pid() is None and (words := forks.do_apart(cluster.ensure_cluster)):
        raise ServerFailed(words)


def take_lock(folder: Path) -> int:
    """Hold the folder's lock; it ends with the last process that has the descriptor. Raises AlreadyRunning."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise AlreadyRunning(
            f"Wasl is already running on {folder.parent}. `wasl stop` stops it; "
            "to run a second one, give it a data folder of its own with WASL_DATA_DIR."
        ) from None
    return lock


@dataclass(slots=True)
class _Watched:
    """The supervisor as its guardian sees it."""

    pid: int
    link: socket.socket
    since: float
    told: int = 0  # how many of the wishes to stop have reached it
    stopping: bool = False
    code: int | None = None


class _Guard:
    def __init__(self, plan: Plan, lock: int, times: dict[str, float]) -> None:
        self.plan = plan
        self.times = times
        self.lock = lock
        self.asked = 0

    def stay(self, watched: _Watched | None = None) -> int:
        """Watch a supervisor, by default a new one, and every one after it; returns the last one's exit code."""
        prctl.adopt_orphans()
        prctl.rename("wasl guardian")
        wakeup = self._listen()
        watched = watched or self._start(first=True)
        while True:
            self._watch(watched, wakeup)
            if watched.code is not None:
                return watched.code
            if not self._folder_is_ours():
                print("The data folder is gone, so everything stops.", file=sys.stderr)
                return 1
            # One that was killed while stopping leaves PostgreSQL running: the next one stops that.
            stop = watched.stopping or self.asked > 0
            if not stop and time.monotonic() - watched.since < HEALTHY_AFTER:
                time.sleep(RESTART_PAUSE)
            watched = self._start(first=False, stop=stop)

    def _folder_is_ours(self) -> bool:
        """Whether the folder we locked is still in place: nothing may ever be started in another one instead."""
        try:
            return (self.plan.env.run_dir / LOCK).stat().st_ino == os.fstat(self.lock).st_ino
        except OSError:
            return False

    def _listen(self) -> int:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: self._ask())
        return reader

    def _ask(self) -> None:
        self.asked += 1

    def _watch(self, watched: _Watched, wakeup: int) -> None:
        """Return when the supervisor has ended, having passed on what we were asked."""
        with selectors.PollSelector() as selector, watched.link as link:
            selector.register(link, selectors.EVENT_READ)
            selector.register(wakeup, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                _collect()
                if wakeup in ready:
                    os.read(wakeup, 4096)
                if self.asked > watched.told:
                    watched.told = self.asked
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(watched.pid, signal.SIGTERM)
                if link in ready and not _hear(watched):
                    return

    def _start(self, *, first: bool, stop: bool = False) -> _Watched:
        ours, theirs = _pair()
        pid = forks.fork()
        if pid == 0:
            forks.leave({self.lock, theirs.fileno()}, lambda: self._supervise(theirs, first, stop))
        theirs.close()
        return _Watched(pid, ours, time.monotonic(), told=self.asked if stop else 0)

    def _supervise(self, link: socket.socket, first: bool, stop: bool) -> int:
        prctl.rename("wasl supervisor")
        supervisor = Supervisor(self.plan, link, self._renew, times=self.times if first else None)
        if stop:
            supervisor.asked_at.append(time.monotonic())
        return supervisor.run()

    def _renew(self) -> tuple[int, socket.socket]:
        """In the supervisor: fork a new guardian for ourselves; returns its pid and our end of the link."""
        ours, theirs = _pair()
        supervisor = os.getpid()
        pid = forks.fork()
        if pid == 0:
            watched = _Watched(supervisor, theirs, time.monotonic())
            forks.leave({self.lock, theirs.fileno()}, lambda: self.stay(watched))
        theirs.close()
        return pid, ours


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _hear(watched: _Watched) -> bool:
    """Take one message of the supervisor; False when there will be no more."""
    try:
        message = watched.link.recv(256)
    except ConnectionError:
        message = b""
    if message == STOPPING:
        watched.stopping = True
    if message.startswith(ENDED):
        watched.code = int(message.removeprefix(ENDED))
    return bool(message)


def _collect() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
