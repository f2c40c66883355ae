"""Where the sandbox keeps things: customers' mailboxes as Maildirs, what the provider took, and what it is still to do.

Plain files under the data folder, shared by the provider's process and the pages. Nothing here needs to outlive a
power cut; each file is put in place whole.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal
from urllib.parse import quote
from uuid import UUID

from wasl.kit.clock import micros, now

Box = Literal["inbox", "sent"]

_ADDRESS = re.compile(r"[^\s/@\x00-\x1f]{1,64}@[a-z0-9.-]{1,250}\Z")
_HEADER = re.compile(
    rb"^(message-id|subject)[ \t]*:[ \t]*(.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE
)
_JOURNAL_LIMIT = 2_000_000


class NoSuchMail(Exception):
    """There is no such mail in the mailbox."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened on the wire, as the provider or a customer's mail program saw it.

    what, towards customers: delivered, later, refused_now, refused, lost, will_bounce, bounced;
    from a customer: sent, not_taken.
    """

    at: float
    what: str
    sender: str
    to: str
    message_id: str = ""
    size: int = 0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A mail in a mailbox: its name (stable), its file, and whether it was read."""

    name: str
    path: Path
    seen: bool

    @property
    def at(self) -> float:
        """When it came, as Unix time."""
        return int(self.name.partition(".")[0]) / 1e6


class Place:
    """The sandbox's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # Mailboxes -----------------------------------------------------------------------------------------------

    def mailbox(self, address: str, box: Box = "inbox") -> Path:
        """A mailbox's Maildir. Raises ValueError for what is no address."""
        address = address.lower()
        if not _ADDRESS.match(address):
            raise ValueError(f"not a mail address: {address!r}")
        folder = self.folder / "mail" / quote(address, safe="@+-_.").lstrip(".")
        return folder / ".Sent" if box == "sent" else folder

    def deliver(self, address: str, raw: bytes | BinaryIO, box: Box = "inbox", trace: bytes = b"") -> str:
        """Put a mail into a mailbox, with trace headers before it; its name."""
        folder = self.mailbox(address, box)
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        name = f"{micros(now()):016d}.{os.getpid()}_{os.urandom(3).hex()}.sandbox"
        draft = folder / "tmp" / name
        _write(draft, raw, trace)
        draft.rename(folder / "cur" / f"{name}:2,S" if box == "sent" else folder / "new" / name)
        return name

    def mails(self, address: str, box: Box = "inbox") -> list[Stored]:
        """What is in a mailbox, newest first."""
        found = []
        for part in ("new", "cur"):
            folder = self.mailbox(address, box) / part
            for path in folder.iterdir() if folder.is_dir() else ():
                name, _, flags = path.name.partition(":2,")
                found.append(Stored(name, path, "S" in flags))
        return sorted(found, key=lambda mail: mail.name, reverse=True)

    def newest(self, address: str) -> str:
        """The name of the newest mail that came in; '' when none did. Names sort by time."""
        mails = self.mails(address)
        return mails[0].name if mails else ""

    def mail(self, address: str, name: str, box: Box = "inbox") -> Stored:
        """One mail. Raises NoSuchMail."""
        for mail in self.mails(address, box):
            if mail.name == name:
                return mail
        raise NoSuchMail(name)

    def mark(self, address: str, name: str, *, seen: bool) -> None:
        """Mark a mail of the inbox as read or unread. Raises NoSuchMail."""
        mail = self.mail(address, name)
        if mail.seen != seen:
            mail.path.rename(self.mailbox(address) / "cur" / f"{name}:2,{'S' if seen else ''}")

    def discard(self, address: str, name: str, box: Box = "inbox") -> None:
        """Throw a mail away. Raises NoSuchMail."""
        self.mail(address, name, box).path.unlink(missing_ok=True)

    # People who have not written yet -------------------------------------------------------------------------

    def _people(self, workspace: UUID) -> Path:
        return self.folder / "people" / f"{workspace}.json"

    def read_people(self, workspace: UUID) -> str:
        """What `write_people` kept; '' when it never did."""
        try:
            return self._people(workspace).read_text()
        except FileNotFoundError:
            return ""

    def write_people(self, workspace: UUID, content: str) -> None:
        """Keep the people that were made up in a workspace."""
        path = self._people(workspace)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(content)
        draft.replace(path)

    # What the provider took ----------------------------------------------------------------------------------

    def _taken(self, message_id: str) -> Path:
        return self.folder / "taken" / hashlib.sha256(message_id.encode()).hexdigest()[:40]

    def take(self, message_id: str) -> None:
        """Remember that a message was taken."""
        path = self._taken(message_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def was_taken(self, message_id: str) -> bool:
        """Whether a message was taken, ever."""
        return self._taken(message_id).exists()

    # What is still to be done --------------------------------------------------------------------------------

    def put_by(self, due: float, task: dict[str, Any], raw: bytes | BinaryIO) -> Path:
        """Keep a task and its mail until `due` (Unix time)."""
        folder = self.folder / "later"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{int(due * 1000):016d}-{os.urandom(4).hex()}.json"
        _write(path.with_suffix(".eml"), raw)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(task))
        draft.rename(path)
        return path

    def put_off(self) -> list[Path]:
        """The tasks that are kept, soonest first."""
        return sorted((self.folder / "later").glob("*.json"))

    def task(self, path: Path) -> tuple[dict[str, Any], bytes]:
        """A kept task and its mail."""
        return json.loads(path.read_text()), path.with_suffix(".eml").read_bytes()

    def done(self, path: Path) -> None:
        """A kept task is done."""
        path.unlink(missing_ok=True)
        path.with_suffix(".eml").unlink(missing_ok=True)

    # The journal ---------------------------------------------------------------------------------------------

    @property
    def _journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def note(self, entry: Entry) -> None:
        """Write what happened into the journal."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        with self._journal.open("ab") as file:
            if file.tell() > _JOURNAL_LIMIT:
                self._journal.replace(self._journal.with_suffix(".old"))
            file.write(line.encode("utf-8", "backslashreplace"))

    def journal(self) -> Iterator[Entry]:
        """What happened, oldest first."""
        for path in (self._journal.with_suffix(".old"), self._journal):
            if path.exists():
                with path.open("rb") as file:
                    for line in file:
                        yield Entry(**json.loads(line))

    def recent(self, count: int) -> list[Entry]:
        """What happened lately, newest first."""
        try:
            with self._journal.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                start = max(0, size - 1000 * count)
                file.seek(start)
                lines = file.read().splitlines()[1 if start else 0 :]
        except FileNotFoundError:
            return []
        return [Entry(**json.loads(line)) for line in reversed(lines[-count:])]


def _write(path: Path, raw: bytes | BinaryIO, before: bytes = b"") -> None:
    """A mail, from memory or from where its file stands."""
    with path.open("wb") as file:
        file.write(before)
        if isinstance(raw, bytes):
            file.write(raw)
        else:
            shutil.copyfileobj(raw, file)


def header(raw: bytes, name: str) -> str:
    """A header field as it stands in the raw mail, unfolded; '' when absent."""
    head = raw.partition(b"\r\n\r\n")[0]
    for found, value in _HEADER.findall(head):
        if found.lower() == name.encode():
            return b" ".join(value.split()).decode("utf-8", "replace")
    return ""


def message_id(raw: bytes) -> str:
    """The Message-ID without its angle brackets."""
    return header(raw, "message-id").strip("<>")
