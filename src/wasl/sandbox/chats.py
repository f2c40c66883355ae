"""What is on the customers' phones: chats as logs of what happened in them, the files of messages, and the providers'
customers, which are inboxes of Wasl.

Plain files under the sandbox's folder, as the mailboxes are (`place.py`). The stand-ins write, the pages read.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote


@dataclass(frozen=True, slots=True)
class End:
    """The business's end of a channel, as its provider knows it: an inbox of Wasl.

    `webhook` is where news go; it is '' where Wasl asks for them. `secrets` are those of the inbox, by field.
    """

    channel: str
    address: str
    name: str = ""
    webhook: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Who:
    """A customer on a channel: the address by which its provider knows them, and the name they go by."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A button or a line of a list, on a phone."""

    key: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A message on a phone. `theirs`: the customer wrote it. `at` is Unix time; `state` sent, delivered, read, failed.

    `kind` is text or what is shown instead; `files` are ids of `Files`; `menu` names the button that opens the options
    as a list ('' when they are buttons). `ours` and `yours` are the reactions of business and customer. `data` is
    whatever the provider gives back in receipts.
    """

    id: str
    at: float
    theirs: bool
    text: str = ""
    kind: str = "text"
    files: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    menu: str = ""
    answers: str = ""
    state: str = "sent"
    ours: str = ""
    yours: str = ""
    chosen: str = ""
    edited: bool = False
    gone: bool = False
    data: str = ""


_RANK = {"sent": 0, "failed": 1, "delivered": 1, "read": 2}


@dataclass(frozen=True, slots=True)
class Thread:
    """One customer's chat with one end."""

    channel: str
    end: str
    person: str


class Chats:
    """Every chat of the sandbox."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "chats"
        self._known: dict[Thread, tuple[int, dict[str, Item]]] = {}

    def _path(self, thread: Thread) -> Path:
        return self._folder / thread.channel / _name(thread.end) / f"{_name(thread.person)}.jsonl"

    def add(self, thread: Thread, item: Item) -> None:
        """A message is there."""
        self._write(thread, asdict(item))

    def change(self, thread: Thread, of: str, **what: Any) -> None:
        """Something about a message changed: fields of `Item`."""
        self._write(thread, {"of": of, **what})

    def _write(self, thread: Thread, line: Mapping[str, Any]) -> None:
        path = self._path(thread)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(json.dumps(line, ensure_ascii=True).encode() + b"\n")

    def items(self, thread: Thread) -> list[Item]:
        """The messages of a chat, oldest first."""
        return list(self._read(thread).values())

    def item(self, thread: Thread, id_: str) -> Item | None:
        """One of them."""
        return self._read(thread).get(id_)

    def _read(self, thread: Thread) -> dict[str, Item]:
        done, items = self._known.get(thread, (0, {}))
        try:
            with self._path(thread).open("rb") as file:
                file.seek(done)
                new = file.read()
        except FileNotFoundError:
            return {}
        whole = new[: new.rfind(b"\n") + 1]
        for line in whole.splitlines():
            _happen(items, json.loads(line))
        self._known[thread] = (done + len(whole), items)
        return items

    def threads(self) -> list[Thread]:
        """Every chat there is."""
        found = sorted(self._folder.glob("*/*/*.jsonl"))
        return [Thread(p.parent.parent.name, unquote(p.parent.name), unquote(p.stem)) for p in found]

    def people(self, channel: str, end: str) -> list[str]:
        """Who has a chat with an end."""
        folder = self._folder / channel / _name(end)
        return sorted(unquote(path.stem) for path in folder.glob("*.jsonl"))


def _happen(items: dict[str, Item], line: dict[str, Any]) -> None:
    """One line of a log, upon what came before it. A state never goes back."""
    if (of := line.pop("of", None)) is None:
        options = tuple(Option(**each) for each in line.pop("options", ()))
        item = Item(**line | {"files": tuple(line.get("files", ())), "options": options})
        items.setdefault(item.id, item)
    elif known := items.get(of):
        if _RANK[line.get("state", known.state)] < _RANK[known.state]:
            del line["state"]
        items[of] = replace(known, **line)


class Files:
    """Pictures and other files of messages, by ids that the sandbox makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "media"

    def put(self, content: bytes, content_type: str, filename: str = "") -> str:
        """Keep a file; its id."""
        self._folder.mkdir(parents=True, exist_ok=True)
        id_ = str(int.from_bytes(os.urandom(7)))
        (self._folder / id_).write_bytes(content)
        about = {"content_type": content_type, "filename": filename, "size": len(content)}
        _put(self._folder / f"{id_}.json", about | {"sha256": hashlib.sha256(content).hexdigest()})
        return id_

    def get(self, id_: str) -> "Kept | None":
        """What is known of a file; None when there is none of that id."""
        try:
            about = json.loads((self._folder / f"{_name(id_)}.json").read_text())
        except FileNotFoundError:
            return None
        return Kept(id_, self._folder / id_, **about)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of a message: `sha256` in hexadecimal."""

    id: str
    path: Path
    content_type: str
    filename: str
    size: int
    sha256: str

    def read(self) -> bytes:
        """Its bytes."""
        return self.path.read_bytes()

    @property
    def sha256_base64(self) -> str:
        """The digest as some providers write it."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


class Ends:
    """The inboxes that are pointed at the stand-ins."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "ends"

    def put(self, end: End) -> None:
        """Let a provider know an inbox, as its owner would on the provider's pages."""
        _put(self._folder / end.channel / f"{_name(end.address)}.json", asdict(end))

    def get(self, channel: str, address: str) -> End | None:
        """One of them."""
        try:
            kept = json.loads((self._folder / channel / f"{_name(address)}.json").read_text())
        except FileNotFoundError:
            return None
        known = {each.name for each in fields(End)}
        return End(**{name: value for name, value in kept.items() if name in known})

    def all(self, channel: str) -> list[End]:
        """Those of a channel."""
        names = sorted(path.stem for path in (self._folder / channel).glob("*.json"))
        return [end for name in names if (end := self.get(channel, unquote(name)))]


def _put(path: Path, content: Mapping[str, Any]) -> None:
    """A file that is there whole or not at all, for our own eyes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.urandom(3).hex()}")
    draft.touch(0o600)
    draft.write_text(json.dumps(content))
    draft.replace(path)


def _name(text: str) -> str:
    """A text as the name of a file: nothing of it leads anywhere else."""
    return quote(text, safe="+@-_").replace(".", "%2E")[:200] or "%00"
