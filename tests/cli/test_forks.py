"""Forked processes: no signal is lost, nothing of the parent is kept, and exit codes are told."""

import os
import signal
import sys
import time

import pytest

from wasl.cli import forks
from wasl.cli.plan import Role


def test_a_signal_sent_at_once_ends_the_child_whatever_the_parent_does_with_it() -> None:
    noted: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda *_: noted.append(os.getpid()))
    try:
        for _ in range(40):
            pid = forks.fork()
            if pid == 0:
                forks.leave(set(), lambda: time.sleep(20) or 0)
            os.kill(pid, signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM
        os.kill(os.getpid(), signal.SIGTERM)
        assert noted == [os.getpid()], "the parent still hears its own"
    finally:
        signal.signal(signal.SIGTERM, before)


def code_of(work: object) -> int:
    pid = forks.fork()
    if pid == 0:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - it ends with the process
        forks.leave(set(), work)  # type: ignore[arg-type]
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_exit_codes_and_errors() -> None:
    assert code_of(lambda: 0) == 0
    assert code_of(lambda: 7) == 7
    assert code_of(lambda: 1 // 0) == forks.BROKEN


def test_only_the_named_descriptors_are_kept() -> None:
    kept, dropped = os.pipe()

    def look() -> int:
        open_ones = {int(name) for name in os.listdir("/proc/self/fd")}
        return int(kept in open_ones) + 2 * int(dropped in open_ones)

    pid = forks.fork()
    if pid == 0:
        forks.leave({kept}, look)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    os.close(kept)
    os.close(dropped)


@pytest.mark.parametrize(
    ("argument", "code", "said"), [("'words'", 1, b"words\n"), ("3", 3, b""), ("None", 0, b"")]
)
def test_a_role_that_exits_tells_its_code(
    argument: str, code: int, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "resolve", lambda target: lambda: sys.exit(eval(target)))
    monkeypatch.setattr(sys, "stderr", open(2, "w", closefd=False, buffering=1))  # noqa: SIM115 - stays open
    reader, writer = os.pipe()
    pid = forks.start_role(Role("x", argument), writer)
    os.close(writer)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code
    with open(reader, "rb") as output:
        assert output.read() == said


def test_what_is_done_apart_tells_why_it_failed_and_changes_nothing_here() -> None:
    changed: list[int] = []
    assert forks.do_apart(lambda: changed.append(1)) == ""
    assert changed == []

    def fail() -> None:
        raise ValueError("no room")

    assert forks.do_apart(fail) == "no room"
