"""Two Linux calls that Python lacks: dying with one's parent, and adopting orphaned descendants (prctl(2))."""

import ctypes
import os
import signal

_SET_PDEATHSIG = 1
_SET_NAME = 15
_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Get a signal when the parent ends; ends at once when it is already gone (`parent` is its expected id)."""
    _prctl(_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, in place of process 1."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def rename(name: str) -> None:
    """Set what `ps -o comm` shows for this process: up to 15 bytes."""
    _libc.prctl(_SET_NAME, name.encode()[:15], 0, 0, 0)
