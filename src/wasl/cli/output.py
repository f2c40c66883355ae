"""The log of everything: each role's lines, named, on the supervisor's own output, without ever waiting for it.

A terminal that is paused, or a pipe nobody reads, must not stop the supervisor from supervising: what cannot be
written at once waits in memory up to a limit, and what goes beyond is counted instead of kept.
"""

import json
import os
import selectors
import time
from collections import deque

PENDING_LIMIT = 4_000_000
LINE_LIMIT = 64_000
CHUNK = 4096  # a pipe that is ready takes this much without blocking


def _event(line: str) -> bytes:
    """A line of the supervisor's own as the roles write theirs in JSON."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    event = {"at": at, "level": "info", "role": "supervisor", "logger": "wasl", "text": line}
    return json.dumps(event, ensure_ascii=False).encode(errors="replace")


class Output:
    """Collects lines from pipes and writes them to descriptor `target`."""

    def __init__(self, selector: selectors.BaseSelector, *, as_json: bool, target: int = 1) -> None:
        self._selector = selector
        self._json = as_json
        self._target = target
        self._pending: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._writing = False
        self._gone = False

    def pipe(self, name: str) -> int:
        """A descriptor to write to; the caller closes it after handing it on."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        rest = bytearray()
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._read(reader, name, rest))
        return writer

    def _read(self, reader: int, name: str, rest: bytearray) -> None:
        try:
            data = os.read(reader, 65536)
        except BlockingIOError:
            return
        rest += data
        *lines, tail = rest.split(b"\n")
        if not data or len(tail) > LINE_LIMIT:
            lines, tail = [*lines, *([tail] if tail else [])], bytearray()
        rest[:] = tail
        for line in lines:
            self._add(name, bytes(line))
        if not data:
            self._selector.unregister(reader)
            os.close(reader)

    def say(self, text: str, name: str = "wasl") -> None:
        """Write lines of our own; without a name they stand by themselves, for people to read."""
        for line in text.splitlines():
            self._add(name, _event(line) if self._json else line.encode(errors="replace"))

    def _add(self, name: str, line: bytes) -> None:
        whole = line + b"\n" if self._json or not name else f"{name:<8}| ".encode() + line + b"\n"
        if self._gone or self._size + len(whole) > PENDING_LIMIT:
            self._dropped += 1
            return
        self._pending.append(whole)
        self._size += len(whole)
        if not self._writing:
            self._selector.register(self._target, selectors.EVENT_WRITE, self._write)
            self._writing = True

    def _write(self) -> None:
        chunk = bytearray()
        while self._pending and len(chunk) < CHUNK:
            chunk += self._pending.popleft()
        try:
            written = os.write(self._target, chunk[:CHUNK])
        except BlockingIOError:
            written = 0
        except OSError:  # nobody is there any more; supervising goes on
            self._gone, written = True, len(chunk)
            self._pending.clear()
        self._size = max(0, self._size - written) if self._pending or written < len(chunk) else 0
        if written < len(chunk):
            self._pending.appendleft(bytes(chunk[written:]))
        if self._dropped and not self._pending and not self._gone:
            count, self._dropped = self._dropped, 0
            self.say(f"{count} log lines were left out because nobody was reading.")
        if not self._pending:
            self._selector.unregister(self._target)
            self._writing = False

    def flush(self, patience: float) -> None:
        """Write what is pending, waiting at most `patience` seconds in all."""
        turns = int(patience / 0.1)
        while self._writing and turns > 0:
            for key, _ in self._selector.select(0.1):
                key.data()
            turns -= 1
