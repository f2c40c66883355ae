"""Calls of Linux and its C library that Python lacks (prctl(2), mallopt(3))."""

import contextlib
import ctypes
import os
import signal

_SET_PDEATHSIG = 1
_SET_NAME = 15
_SET_CHILD_SUBREAPER = 36

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

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


def return_large_blocks() -> None:
    """Have what is freed go back to the system when it was large, here and in every fork.

    glibc keeps blocks of up to 32 MB once it has seen one freed, for each of its arenas (one a thread): after eight
    attachments of 25 MB a worker kept 160 MB for ever. Other C libraries do not, and have no such call.
    """
    with contextlib.suppress(AttributeError):
        _libc.mallopt(_MMAP_THRESHOLD, 1024 * 1024)
        _libc.mallopt(_TRIM_THRESHOLD, 4 * 1024 * 1024)
        _libc.mallopt(_ARENA_MAX, 2)
