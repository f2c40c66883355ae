"""What a print provider puts back into the folder of an inbox.

Three ways, and a provider may use any: files `receipts/*.json` (`parse`); or it moves what it took from `jobs` to
`sent/` or to `rejected/`, there with the reason in `<id>.txt`, as watched folders of print shops do. What was read
lies in `taken`, a folder within.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from threading import Event
from uuid import UUID

from django.conf import settings

from wasl.channels.base import Reason, Unreached
from wasl.channels.port import Settings, Slip, Take
from wasl.channels.post.hook import slips

EVERY = 10.0
"""Seconds between two looks."""
RECEIPT = 256 * 1024
FILES = 200
REASON = 500
MOVED = {"sent": "posted", "rejected": "refused"}
"""What it means that a letter lies in a folder of that name."""
_LETTERS = re.compile(r"[A-Za-z0-9_-]{12,64}")

Found = list[tuple[Path, list[Slip]]]
"""Files, each with what it brings."""


def folder(inbox: Settings) -> Path:
    """The inbox's own folder; no other inbox can name it, since nobody but us makes its name. Raises Unreached."""
    name = inbox.secrets.get("folder", "")
    if not _LETTERS.fullmatch(name):
        raise Unreached("", "the inbox has no folder for letters", reason=Reason.ACCOUNT)
    return settings.ENV.print_folder / name


def was_sent(place: Path, name: str) -> bool:
    """Whether the provider has put this letter where those lie that have gone."""
    kept = (place / "sent", place / "sent" / "taken")
    return any((where / f"{name}{ending}").exists() for where in kept for ending in (".pdf", ".json"))


def listen(inbox: Settings, take: Take, stop: Event) -> None:
    """Look for receipts until told to stop. Returns at once when there is an API, which brings them itself."""
    if inbox.text("base_url") or not _LETTERS.fullmatch(inbox.secrets.get("folder", "")):
        return
    place = folder(inbox)
    while not stop.is_set():
        try:
            for name in ("receipts", *MOVED):
                (place / name / "taken").mkdir(parents=True, exist_ok=True)
            found = _receipts(place / "receipts") + [each for name in MOVED for each in _moved(place / name)]
            take([slip for _path, brought in found for slip in brought])
            for path, _brought in found:
                path.replace(path.parent / "taken" / path.name)
        except OSError as error:
            raise Unreached("", str(error.strerror), reason=Reason.UNREACHABLE) from error
        if len(found) < FILES:
            stop.wait(EVERY)


def _receipts(place: Path) -> Found:
    """The files there are, at most FILES; one that is no receipt is handed in as it is, and set aside later on."""
    found = []
    for path in sorted(place.glob("*.json"))[:FILES]:
        content = _start(path, RECEIPT)
        try:
            brought = slips(content)
        except ValueError:
            brought = [Slip(f"file {path.name}", content)]
        found.append((path, brought))
    return found


def _moved(place: Path) -> Found:
    """The letters that were moved here, at most FILES files of them. Others, and what is still being written (its name
    begins with a dot), are left alone."""
    files = sorted(path for path in place.iterdir() if _job(path) and not path.is_dir())[:FILES]
    found: Found = []
    for name, group in groupby(files, key=lambda path: path.stem):
        of = list(group)
        letter = next((path for path in of if path.suffix.lower() in (".pdf", ".json")), None)
        if letter is None:  # a reason alone: the letter is on its way here
            continue
        why = next(
            (_start(path, REASON).decode("utf-8", "replace") for path in of if path.suffix == ".txt"), ""
        )
        found += [(path, [_slip(name, place.name, letter, why)] if path == letter else []) for path in of]
    return found


def _job(path: Path) -> bool:
    try:
        return str(UUID(path.stem)) == path.stem and path.suffix.lower() in (".pdf", ".json", ".txt")
    except ValueError:
        return False


def _slip(name: str, where: str, letter: Path, why: str) -> Slip:
    """A receipt of ours of it, at the moment of the move (the inode's change): the same however often it is read."""
    at = datetime.fromtimestamp(letter.stat().st_ctime, UTC).isoformat()
    said = {"id": name, "state": MOVED[where], "at": at, "detail": why.strip()}
    key = hashlib.sha256(f"{name} {where} {at}".encode()).hexdigest()
    return Slip(key, json.dumps(said, ensure_ascii=True).encode())


def _start(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)
