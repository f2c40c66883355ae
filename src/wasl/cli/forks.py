"""Processes made by forking: what each does first, and how it ends without going back through the other's stack."""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from wasl.cli.plan import Role, resolve
from wasl.kit import prctl

BROKEN = 70  # sysexits.h: an error in the program itself
HANDLED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def fork() -> int:
    """As os.fork, but a signal for the child waits until `leave` has taken the parent's handlers off.

    A handler it inherited would note the signal in a copy of the parent's memory that nobody reads.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    return pid


def leave(keep: set[int], work: Callable[[], int]) -> NoReturn:
    """In a fork: do its work with no descriptors but standard ones and `keep`, and end with its exit code."""
    code = BROKEN
    try:
        _begin_afresh(keep)
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _begin_afresh(keep: set[int]) -> None:
    """Close what belongs to the other process, and take its signal handlers off."""
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    for descriptor in [int(name) for name in os.listdir("/proc/self/fd")]:
        if descriptor > 2 and descriptor not in keep:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def start_role(role: Role, output: int) -> int:
    """Fork a role whose output goes to a descriptor; returns its process id. It ends when this process does."""
    supervisor = os.getpid()
    pid = fork()
    if pid == 0:
        leave({output}, lambda: _be(role, output, supervisor))
    return pid


def _be(role: Role, output: int, supervisor: int) -> int:
    """Become the role; returns its exit code."""
    prctl.die_with_parent(supervisor)
    os.setsid()  # a Ctrl-C in the terminal is the supervisor's to pass on, in order
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["PGAPPNAME"] = f"wasl {role.name}"
    prctl.rename(f"wasl {role.name}")
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)
    try:
        resolve(role.target)()
    except KeyboardInterrupt:
        return 0
    except SystemExit as end:
        return _exit_code(end.code)
    return 0


def _exit_code(code: object) -> int:
    if isinstance(code, int) or code is None:
        return code or 0
    print(code, file=sys.stderr)
    return 1


def do_apart(work: Callable[[], None]) -> str:
    """Do something in a fork and wait for it, so that nothing of it stays in memory; returns why it failed, or ''."""
    reader, writer = os.pipe()
    child = fork()
    if child == 0:
        leave({writer}, lambda: _report(work, writer))
    os.close(writer)
    with open(reader, "rb") as answer:
        words = answer.read()
    os.waitpid(child, 0)
    return words.decode(errors="replace")


def _report(work: Callable[[], None], writer: int) -> int:
    try:
        work()
    except Exception as error:
        os.write(writer, (str(error) or type(error).__name__).encode()[:4000])
        return 1
    return 0
