"""Where old mail lies: an mbox file or a Maildir, read a message at a time from any place on."""

import email.utils
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

LARGEST = 80 * 1024 * 1024


class Found(NamedTuple):
    """A message; `place` is where the next one begins. `raw` is None for one that is larger than `LARGEST`."""

    raw: bytes | None
    at: datetime
    place: str
    done: int


class Source(Protocol):
    """Old mail. `size` is how much there is, in whatever `Found.done` counts."""

    size: int

    def read(self, place: str) -> Iterator[Found]:
        """The messages from a place on; '' is the beginning."""
        ...


class Mbox:
    """An mbox file (RFC 4155; mboxrd quoting is undone). A place is an offset in bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def read(self, place: str) -> Iterator[Found]:
        """The messages from an offset on. Raises ValueError where no message begins."""
        with self._path.open("rb") as file:
            file.seek(int(place or 0))
            line = file.readline()
            while line and not line.strip():
                line = file.readline()
            if line and not line.startswith(b"From "):
                raise ValueError(f"{self._path} is no mbox file: a message begins with a line 'From …'")
            while line:
                at, lines, size, blank = _postmark(line), list[bytes](), 0, False
                begins = file.tell()
                line = file.readline()
                while line and not (blank and line.startswith(b"From ")):
                    size += len(line)
                    if size <= LARGEST:
                        lines.append(_unquoted(line))
                    blank = not line.strip()
                    begins = file.tell()
                    line = file.readline()
                if lines and not lines[-1].strip():
                    lines.pop()
                raw = b"".join(lines) if size <= LARGEST else None
                yield Found(raw, dated(raw, at), str(begins), begins)


def _unquoted(line: bytes) -> bytes:
    return line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line


def _postmark(line: bytes) -> datetime:
    """When an mbox says that a message came: `From sender Tue Feb 10 09:51:00 2026`."""
    parts = line.decode("ascii", "replace").split(None, 2)
    stamp = email.utils.parsedate_tz(parts[2]) if len(parts) == 3 else None
    return datetime(*stamp[:6], tzinfo=UTC) if stamp and stamp[0] >= 1970 else datetime.now(UTC)


class Maildir:
    """A Maildir with its folders (`cur`, `new`, and the same in `.Sent` and the like). A place is a file's path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = sorted(
            (file for kind in ("cur", "new") for file in path.rglob(f"{kind}/*") if file.is_file()),
            key=lambda file: file.relative_to(path).as_posix(),
        )
        self.size = len(self._files)

    def read(self, place: str) -> Iterator[Found]:
        """The messages after a file."""
        for number, file in enumerate(self._files):
            name = file.relative_to(self._path).as_posix()
            if name <= place:
                continue
            try:
                status = file.stat()
                raw = file.read_bytes() if status.st_size <= LARGEST else None
            except FileNotFoundError:  # a mail program moved it meanwhile; it has another name now
                continue
            at = datetime.fromtimestamp(status.st_mtime, UTC)
            yield Found(raw, dated(raw, at), name, number + 1)


def dated(raw: bytes | None, otherwise: datetime) -> datetime:
    """When a message was written: what its Date says, unless that is missing, absurd, or still to come."""
    present = datetime.now(UTC)
    said = None
    if raw:
        head = (b"\n" + raw[:65_536].replace(b"\r\n", b"\n")).partition(b"\n\n")[0]
        for line in head.split(b"\n"):
            if line[:5].lower() == b"date:":
                said = _moment(line[5:].decode("ascii", "replace").strip())
                break
    return min(said or otherwise, present)


def _moment(text: str) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found.astimezone(UTC) if found.year >= 1980 else None
    except (ValueError, OverflowError, TypeError):
        return None
