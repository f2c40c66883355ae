"""When a role that ended is started again."""

import signal
import time

import pytest

from wasl.cli import children
from wasl.cli.children import Child, describe
from wasl.cli.plan import Role


def delays(status: int, times: int) -> list[float]:
    child, found = Child(Role("web", "x:y")), []
    for _ in range(times):
        child.started(1)
        child.ended(status, stopping=False)
        found.append(round(child.due - time.monotonic(), 1))
    return found


def test_the_first_restart_is_at_once_and_a_failing_role_slows_down() -> None:
    assert delays(1 << 8, 10) == [0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_one_that_was_killed_is_never_made_to_wait_long() -> None:
    assert delays(signal.SIGKILL, 8) == [0.0, 0.2, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_a_healthy_while_forgives(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child(Role("web", "x:y"))
    for _ in range(8):
        child.started(1)
        child.ended(1 << 8, stopping=False)
    child.started(1)
    child.since -= children.HEALTHY_AFTER + 1
    child.ended(1 << 8, stopping=False)
    assert child.due - time.monotonic() < 0.05
    assert child.restarts == 9


def test_a_stopped_one_is_not_due() -> None:
    child = Child(Role("web", "x:y"))
    child.started(1)
    child.ended(0, stopping=True)
    assert (child.state, child.restarts, child.pid) == ("stopped", 0, None)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-9, "was killed (SIGKILL)"),
        (-15, "was ended by SIGTERM"),
    ],
)
def test_exit_codes_in_words(code: int, words: str) -> None:
    assert describe(code) == words
