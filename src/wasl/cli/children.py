"""One supervised process: its state, and when it may start again."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from typing import Literal

from wasl.cli.plan import Role

State = Literal["waiting", "running", "stopping", "stopped"]

# A process that ran this long was healthy: its next restart is immediate again.
HEALTHY_AFTER = 10.0
FIRST_DELAYS = (0.0, 0.2, 0.5)
# Killed from outside (a person, the kernel short of memory): the program itself is not at fault.
LONGEST_AFTER_SIGNAL = 1.0
LONGEST_AFTER_FAILURE = 15.0


@dataclass(slots=True)
class Child:
    """A role as the supervisor sees it. Times are of the monotonic clock, in seconds."""

    role: Role
    pid: int | None = None
    state: State = "waiting"
    since: float = field(default_factory=time.monotonic)
    due: float = 0.0
    restarts: int = 0
    failures: int = 0
    last_exit: str = ""

    def started(self, pid: int) -> None:
        """It runs."""
        self.pid, self.state, self.since = pid, "running", time.monotonic()

    def ended(self, status: int, *, stopping: bool) -> None:
        """It ended with a wait status; when it was not asked to, it is due again after a while."""
        now = time.monotonic()
        code = os.waitstatus_to_exitcode(status)
        self.last_exit = describe(code)
        if now - self.since > HEALTHY_AFTER:
            self.failures = 0
        self.pid, self.since = None, now
        self.state = "stopped" if stopping else "waiting"
        self.due = now + self._delay(code)
        self.failures += 1
        self.restarts += not stopping

    def _delay(self, code: int) -> float:
        if self.failures < len(FIRST_DELAYS):
            return FIRST_DELAYS[self.failures]
        longest = LONGEST_AFTER_SIGNAL if code < 0 else LONGEST_AFTER_FAILURE
        return min(longest, 0.5 * 2.0 ** min(self.failures - 2, 10))

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def stop(self) -> None:
        """Ask it to end."""
        if self.pid is None:
            self.state = "stopped"
        else:
            self.state = "stopping"
            self.signal(signal.SIGTERM)


def describe(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed ({name})" if code == -signal.SIGKILL else f"was ended by {name}"
