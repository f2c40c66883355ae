"""The supervisor: keeps PostgreSQL and every role running, and stops them in order.

A process of one thread and one loop, which uses no database connection. Children end with it (they are told by
the kernel), except PostgreSQL, which the next supervisor adopts: the guardian sees to that.
"""

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from wasl.cli import forks, memory, ports, status
from wasl.cli.children import Child, describe
from wasl.cli.database import STOP_PATIENCE, Database
from wasl.cli.output import Output
from wasl.cli.plan import Plan
from wasl.kit import prctl
from wasl.kit.postgres import NoServer, ServerFailed

STAGE_PATIENCE = 10.0
BUSY_TICK = 0.03
IDLE_TICK = 0.25
REPORT_AFTER = 3.0
HURRY_AFTER = 1.0

STOPPING, ENDED = b"stopping", b"ended "


class Supervisor:
    """One run from start to stop.

    `renew_guardian` makes a new guardian when the old one was killed. `times` says how long what came before took;
    None for a supervisor that takes over, which runs no jobs.
    """

    def __init__(
        self,
        plan: Plan,
        link: socket.socket,
        renew_guardian: Callable[[], tuple[int, socket.socket]],
        *,
        times: dict[str, float] | None,
    ) -> None:
        first = times is not None
        self.plan = plan
        self.link = link
        self.guardian = os.getppid()
        self.renew_guardian = renew_guardian
        self.selector = selectors.PollSelector()
        self.output = Output(self.selector, as_json=plan.env.log_format == "json")
        self.database = Database(plan.env, first=first)
        self.children = [Child(role) for role in plan.roles]
        self.jobs = [Child(role) for role in plan.jobs] if first else []
        self.announced = not first
        self.report_due = float("inf")
        self.times = dict(times or {})  # how long each part of the start took
        self.began = time.monotonic() - sum(self.times.values())
        self.asked_at: list[float] = []
        self.ending: Iterator[None] | None = None
        self.code = 0
        self.status = status.Writer(plan.env.run_dir)

    def run(self) -> int:
        """Supervise until told to stop; returns the exit code."""
        prctl.adopt_orphans()
        self._listen()
        while self._turn():
            self.status.write(self._state())
            for key, _ in self.selector.select(self._tick()):
                key.data()
        self.status.clear()
        self.output.flush(2.0)
        self._tell(ENDED + str(self.code).encode())
        return self.code

    def _listen(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self.selector.register(reader, selectors.EVENT_READ, lambda: os.read(reader, 4096))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_IGN:  # started with nohup
                continue
            signal.signal(number, lambda *_: self.asked_at.append(time.monotonic()))
        self.selector.register(self.link, selectors.EVENT_READ, self._guardian_gone)

    def _tick(self) -> float:
        settled = self.announced and self.database.ready and all(c.state == "running" for c in self.children)
        return IDLE_TICK if settled and self.ending is None else BUSY_TICK

    def _turn(self) -> bool:
        """Do what is due; returns whether there is more to come."""
        self._collect()
        if self.asked_at:
            self._begin_to_end(0)
        if self.ending is None:
            try:
                self._keep_running(time.monotonic())
            except (ServerFailed, NoServer) as error:
                self._fail(str(error))
            return True
        return next(self.ending, self) is None

    # Running ----------------------------------------------------------------------------------------------

    def _keep_running(self, now: float) -> None:
        self.database.tend()
        if self.database.complaint:
            self.output.say(self.database.complaint)
            self.database.complaint = ""
        if self.database.ready:
            for child in self.jobs[:1] or self.children:
                if child.state == "waiting" and now >= child.due:
                    self._start(child)
        elif not self.announced:
            self.times["database"] = now - self.began - self.times["imports"]
        if not self.announced and not self.jobs and self._all_answer():
            self._announce(now)
        if now >= self.report_due:
            self.report_due = float("inf")
            self.output.say(f"Memory: {memory.report(self.memory())}.")

    def _start(self, child: Child) -> None:
        output = self.output.pipe(child.role.name)
        child.started(forks.start_role(child.role, output))
        os.close(output)

    def _all_answer(self) -> bool:
        return all(c.state == "running" for c in self.children) and all(
            ports.answers(port.host, port.number) for port in ports.wanted(self.plan.env)
        )

    def _announce(self, now: float) -> None:
        """Say once where everything is, and how long it took."""
        self.announced = True
        env, fetched = self.plan.env, self.plan.fetched
        total = now - self.began + fetched
        parts = {"packages": fetched} if fetched else {}
        parts |= self.times | {"roles": total - fetched - sum(self.times.values())}
        took = ", ".join(f"{name} {seconds:.1f}" for name, seconds in parts.items())
        lines = ["", f"Wasl is ready: {env.public_url}"]
        if env.sandbox:
            lines.append(f"Sandbox, the customers' side: {env.public_url}/sandbox")
        lines += [
            *self.plan.notice.splitlines(),
            f"Ready after {total:.1f} s ({took}). Ctrl-C stops it.",
            " ",
        ]
        self.output.say("\n".join(lines), name="")
        if self.plan.report:
            self.report_due = now + REPORT_AFTER

    def _fail(self, text: str) -> None:
        self.output.say(text)
        self._begin_to_end(1)

    # Children that ended ----------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Take note of every child that ended; orphans that became ours are collected too."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                self._ended(*found)

    def _ended(self, pid: int, wait_status: int) -> None:
        if pid == self.database.child:
            self.database.ended(stopping=self.ending is not None)
        elif self.jobs and pid == self.jobs[0].pid:
            self._job_ended(os.waitstatus_to_exitcode(wait_status))
        for child in self.children:
            if child.pid == pid:
                child.ended(wait_status, stopping=self.ending is not None)
                if self.ending is None:
                    self.output.say(f"{child.role.name} {child.last_exit} and is started again.")

    def _job_ended(self, code: int) -> None:
        job = self.jobs.pop(0)
        self.times[job.role.name] = time.monotonic() - job.since
        if code and self.ending is None:
            self._fail(f"{job.role.name} {describe(code)}.")

    def _guardian_gone(self) -> None:
        """The guardian never writes: what can be read is its end."""
        self.selector.unregister(self.link)
        self.link.close()
        if self.ending is None:
            self.guardian, self.link = self.renew_guardian()
            self.selector.register(self.link, selectors.EVENT_READ, self._guardian_gone)

    # Stopping ---------------------------------------------------------------------------------------------

    def _begin_to_end(self, code: int) -> None:
        if self.ending is None:
            self.code = code
            self._tell(STOPPING)
            self.ending = self._end()

    def _end(self) -> Iterator[None]:
        """Each step asks, waits with patience, and then insists. A second Ctrl-C ends the patience."""
        for job in self.jobs[:1]:
            job.signal(signal.SIGKILL)
        for stage in sorted({child.role.stage for child in self.children}):
            group = [child for child in self.children if child.role.stage == stage]
            for child in group:
                child.stop()
            yield from self._until(partial(_all_gone, group), STAGE_PATIENCE, partial(_kill_all, group))
        self.database.stop()
        yield from self._until(
            lambda: self.database.pid is None and self.database.child is None,
            STOP_PATIENCE,
            lambda: self.database.stop(signal.SIGQUIT),
        )

    def _until(
        self, done: Callable[[], bool], patience: float, insist: Callable[[], object]
    ) -> Iterator[None]:
        end = time.monotonic() + patience
        while not done():
            hurry = len(self.asked_at) > 1 and self.asked_at[-1] - self.asked_at[0] > HURRY_AFTER
            if hurry or time.monotonic() > end:
                insist()
            yield None

    def _tell(self, message: bytes) -> None:
        with contextlib.suppress(OSError):
            self.link.send(message)

    # What others may know ---------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        processes: dict[str, dict[str, Any]] = {
            child.role.name: {
                "pid": child.pid,
                "state": child.state,
                "restarts": child.restarts,
                "last": child.last_exit,
            }
            for child in self.children
        }
        processes["supervisor"] = {"pid": os.getpid()}
        processes["guardian"] = {"pid": self.guardian}
        if self.database.cluster:
            restarts = max(self.database.restarts, 0)
            state = "running" if self.database.ready else "waiting"
            processes["postgres"] = {"pid": self.database.pid, "state": state, "restarts": restarts}
        return {"stopping": self.ending is not None, "ready": self.announced, "processes": processes}

    def memory(self) -> dict[str, int]:
        """Proportional set size in bytes, by process."""
        named = {name: entry["pid"] for name, entry in self._state()["processes"].items() if entry["pid"]}
        named.pop("postgres", None)
        servers = self.database.cluster.processes() if self.database.cluster else []
        return memory.by_process(named, servers)


def _all_gone(children: list[Child]) -> bool:
    return all(child.pid is None for child in children)


def _kill_all(children: list[Child]) -> None:
    for child in children:
        child.signal(signal.SIGKILL)
