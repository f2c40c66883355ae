"""The supervisor's side of the preloaded parent: start it, and ask it for new roles."""

import json
import os
import selectors
import socket
import subprocess
import sys
from collections.abc import Callable

from wasl.cli.plan import Plan, Role

ANSWER_PATIENCE = 5.0


class NotReady(Exception):
    """The preloaded parent did not answer; it is started afresh and asked again."""


class Nursery:
    """Keeps one preloaded parent (`wasl.cli.preload`). `pid` is None while there is none."""

    def __init__(self, plan: Plan, selector: selectors.BaseSelector, pipe: Callable[[str], int]) -> None:
        self._plan = plan
        self._selector = selector
        self._pipe = pipe
        self._link: socket.socket | None = None
        self._greeting = False
        self.pid: int | None = None
        self.ready = False
        self.stillborn = 0  # how often in a row it ended before it was ready

    def start(self) -> None:
        """Start it without waiting for its imports; `ready` turns true when they are done."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        output = self._pipe("start")
        descriptor = theirs.fileno()
        command = [
            sys.executable,
            "-m",
            "wasl.cli.preload",
            str(descriptor),
            str(os.getpid()),
            *self._plan.preload,
        ]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[descriptor],
            start_new_session=True,
        )
        process.returncode = 0  # the supervisor collects every child itself
        theirs.close()
        os.close(output)
        ours.settimeout(ANSWER_PATIENCE)
        self._link, self.pid, self.ready = ours, process.pid, False
        self._selector.register(ours, selectors.EVENT_READ, self._greeted)
        self._greeting = True

    def _greeted(self) -> None:
        """The first packet says that imports are done; an empty one, that the process has ended."""
        if self._link is not None:
            self._listen_no_more(self._link)
            self.ready = bool(self._link.recv(1024))

    def _listen_no_more(self, link: socket.socket) -> None:
        if self._greeting:
            self._selector.unregister(link)
            self._greeting = False

    def ended(self) -> None:
        """It is gone: forget it."""
        self.stillborn = 0 if self.ready else self.stillborn + 1
        if self._link is not None:
            self._listen_no_more(self._link)
            self._link.close()
        self._link, self.pid, self.ready = None, None, False

    def bear(self, role: Role) -> int:
        """Start a role; returns its process id, which is our own child. Raises NotReady."""
        if self._link is None or not self.ready:
            raise NotReady
        output = self._pipe(role.name)
        request = json.dumps({"name": role.name, "target": role.target}).encode()
        try:
            socket.send_fds(self._link, [request], [output])
            answer = self._link.recv(1024)
        except OSError as error:
            raise NotReady from error
        finally:
            os.close(output)
        if not answer:
            raise NotReady
        return int(json.loads(answer)["pid"])
