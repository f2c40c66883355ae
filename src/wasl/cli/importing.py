"""`wasl import`: old mail, contacts and orders, from files; can be stopped and goes on where it was."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from wasl.cli.progress import Progress

if TYPE_CHECKING:
    from wasl.accounts.actor import Actor

SLICE = 500
SLICE_BYTES = 8 * 1024 * 1024


def add_to(parser: argparse.ArgumentParser) -> None:
    """The command's own commands and options."""
    verbs = parser.add_subparsers(dest="verb", metavar="mbox|maildir|contacts|orders", required=True)
    mbox = verbs.add_parser("mbox", help="Old mail from an mbox file, as most mail programs export it.")
    maildir = verbs.add_parser("maildir", help="Old mail from a Maildir, its folders included.")
    contacts = verbs.add_parser(
        "contacts", help="Customers from a CSV with name, email, and what else there is."
    )
    orders = verbs.add_parser("orders", help="Orders from a CSV with number, customer, status and placed_at.")
    for verb in (mbox, maildir):
        verb.add_argument("--inbox", required=True, help="address of the e-mail inbox it belongs to")
        verb.add_argument(
            "--again", action="store_true", help="from the beginning, even if some was read before"
        )
        verb.add_argument(
            "--ours",
            action="append",
            default=[],
            metavar="ADDRESS",
            help="who wrote for you as well: somebody who left, an address of before; may be given several times",
        )
    for verb in (mbox, maildir, contacts, orders):
        verb.add_argument("path", type=Path, help="the file or folder")
        verb.add_argument(
            "--workspace", help="the workspace's short name (or its id), where there are several"
        )


def run(parsed: argparse.Namespace) -> int:
    """Run it; Django is set up. The exit code: 0, or 1 with a sentence on stderr."""
    from wasl.cli.token import as_owner

    actor = as_owner(parsed.workspace)
    if actor is None:
        return 1
    path: Path = parsed.path
    if not path.exists():
        return _fail(f"There is no {path}.")
    if path.is_dir() != (parsed.verb == "maildir"):
        return _fail(
            f"{path} is a folder, not a file."
            if path.is_dir()
            else f"{path} is a file; a Maildir is a folder."
        )
    try:
        if parsed.verb == "orders":
            return _orders(actor, path)
        if parsed.verb == "contacts":
            return _contacts(actor, path)
        return _mail(actor, parsed)
    except PermissionError:
        return _fail(f"{path} may not be read by this user.")


def _fail(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


@dataclass(slots=True)
class Count:
    """What was read so far; kept beside the place, so that a second run knows the whole."""

    received: int = 0
    sent: int = 0
    known: int = 0
    set_aside: int = 0
    too_large: int = 0

    @property
    def all(self) -> int:
        """Messages that were looked at."""
        return self.received + self.sent + self.known + self.set_aside + self.too_large


def _mail(actor: "Actor", parsed: argparse.Namespace) -> int:
    from wasl.accounts import access_log
    from wasl.channels.models import Inbox
    from wasl.cli.mail_sources import Maildir, Mbox, Source
    from wasl.cli.token import inside
    from wasl.conversations.importing import Importer

    path: Path = parsed.path
    source: Source = Mbox(path) if parsed.verb == "mbox" else Maildir(path)
    with inside(actor):
        inbox = Inbox.objects.filter(channel="email", address=parsed.inbox.lower()).first()
    if inbox is None:
        return _fail(f"There is no e-mail inbox {parsed.inbox} in this workspace.")
    note = _note(actor.workspace_id, inbox.id, path)
    place, count, broken = _noted(note)
    if parsed.again:
        place, count = "", Count()
    if place:
        print(f"Going on after {count.all} messages. (--again starts from the beginning.)", file=sys.stderr)
    importer = Importer(actor, inbox, parsed.ours)
    progress, began = Progress(source.size, "Importing"), time.monotonic()
    fresh = 0
    with inside(actor):
        access_log.record(actor, "import_mail", "inbox", inbox.id)
    try:
        for found in _slices(source.read(place)):
            _write(note, place, count, begun=True)
            done = importer.take([(each.raw, each.at) for each in found], again=broken)
            broken = False
            for name, number in done.items():
                setattr(count, name, getattr(count, name) + number)
            fresh += len(found)
            place = found[-1].place
            _write(note, place, count)
            progress(found[-1].done, f"{count.all} messages")
    except ValueError as error:
        return _fail(str(error))
    finally:
        progress.end()
    _say(count, fresh, time.monotonic() - began)
    return 0


def _slices(found: Iterator[Any]) -> Iterator[list[Any]]:
    held, size = [], 0
    for each in found:
        held.append(each)
        size += len(each.raw or b"")
        if len(held) >= SLICE or size >= SLICE_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def _note(workspace_id: UUID, inbox_id: UUID, path: Path) -> Path:
    """Where it is kept how far an import came: by what is imported into what."""
    import hashlib  # brings OpenSSL in, which the light processes do without

    from django.conf import settings

    name = hashlib.sha256(f"{workspace_id} {inbox_id} {path.resolve()}".encode()).hexdigest()[:24]
    folder: Path = settings.ENV.data_dir / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.json"


def _noted(note: Path) -> tuple[str, Count, bool]:
    """How far an earlier import came, what it counted, and whether it ended in the midst of a slice."""
    try:
        kept = json.loads(note.read_text())
        return str(kept["place"]), Count(**kept["count"]), bool(kept.get("begun"))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return "", Count(), False


def _write(note: Path, place: str, count: Count, *, begun: bool = False) -> None:
    """Keep that; `begun` while a slice is being taken."""
    note.write_text(json.dumps({"place": place, "count": asdict(count), "begun": begun}))


def _say(count: Count, fresh: int, seconds: float) -> None:
    rate = f" ({fresh / seconds:,.0f} a second)" if fresh and seconds > 1 else ""
    print(f"{count.received} received and {count.sent} sent messages imported{rate}.")
    if count.known:
        print(f"{count.known} were there already.")
    if count.set_aside:
        print(f"{count.set_aside} could not be read: they wait under 'Set aside'.")
    if count.too_large:
        print(f"{count.too_large} are larger than 80 MB and were left out.")


def _orders(actor: "Actor", path: Path) -> int:
    from wasl.conversations.order_sheet import BadSheet, take

    return _sheet(actor, "orders", path, lambda sheet: take(actor, sheet), BadSheet)


def _contacts(actor: "Actor", path: Path) -> int:
    from wasl.conversations.contact_sheet import take
    from wasl.conversations.order_sheet import BadSheet

    return _sheet(actor, "contacts", path, lambda sheet: take(actor, sheet), BadSheet)


def _sheet(
    actor: "Actor", kind: str, path: Path, take: Callable[[bytes], Iterator[Any]], bad: type[Exception]
) -> int:
    from wasl.accounts import access_log
    from wasl.cli.token import inside

    sheet = path.read_bytes()
    progress = Progress(max(1, sheet.count(b"\n")), "Importing")
    report = None
    try:
        for report in take(sheet):
            done = report.made + report.changed + report.same + report.older + report.wrong
            progress(done, f"{done} rows")
    except bad as error:
        return _fail(_BAD[str(error)].format(detail=getattr(error, "detail", "")))
    finally:
        progress.end()
        if report is not None and (report.made or report.changed):
            with inside(actor):
                made, updated = str(report.made), str(report.changed)
                access_log.record(actor, f"import_{kind}", made=made, updated=updated)
    if report is None:
        return _fail("There is nothing in it.")
    print(f"{report.made} new, {report.changed} changed, {report.same + report.older} as they were.")
    for line, column, value in report.faults:
        print(f"Line {line}, column {column}: '{value}' cannot be used.", file=sys.stderr)
    for column in sorted({column for _, column, _ in report.faults} & _FORMS.keys()):
        print(f"{column} is written as {_FORMS[column]}.", file=sys.stderr)
    if report.wrong:
        print(f"Left out: {report.wrong}. Put them right and import the file again.", file=sys.stderr)
    return 1 if report.wrong else 0


_MOMENT = "2026-03-14T15:02:11+01:00, or a day as 2026-03-14"
_FORMS = {
    "placed_at": _MOMENT,
    "changed_at": _MOMENT,
    "status": "one of placed, paid, packed, sent, delivered, returned, cancelled, refunded",
    "total": "412.80 or 412,80, without dots or spaces between thousands",
    "currency": "three letters, such as EUR",
    "language": "ar, fr, it or en",
    "timezone": "a city's, such as Europe/Paris",
    "link": "a whole web address, such as https://shop.example/orders/1",
}
"""How a cell has to be, for columns in which people write otherwise."""


_BAD = {
    "too_large": "The file is larger than 20 MB. Import it in parts.",
    "too_many": "The file has more than 100,000 rows. Import it in parts.",
    "not_utf8": "The file is not UTF-8. Export it as 'CSV UTF-8'.",
    "broken": "Line {detail} cannot be read: the quotation mark after a cell may be missing. Nothing was imported.",
    "no_columns": "The first line must name the columns; these are missing: {detail}.",
}
