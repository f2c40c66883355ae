"""Orders from a table of comma-separated values, as shops export them."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from wasl.accounts.actor import Actor
from wasl.conversations.ordering import owner
from wasl.customers import orders
from wasl.customers.models import OrderStatus
from wasl.customers.orders import AT_ONCE, Told
from wasl.kit.db import tenant

COLUMNS = ("number", "customer", "status", "placed_at")
"""Every row needs these; it may have `name`, `changed_at`, `total`, `currency`, `items`, `link`, `carrier`, `tracking`.

`customer` is an e-mail address, or the id under which the API knows the customer. Times are ISO 8601, days will do.
`items` are names, each with its quantity, separated by semicolons: `6 × Atlas plate; 2 × dish`.
"""
LARGEST = 20 * 1024 * 1024
ROWS = 100_000
_MINOR = {"BHD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "IQD": 3, "JPY": 0, "KRW": 0, "VND": 0, "XOF": 0,
          "XAF": 0, "CLP": 0, "ISK": 0}  # ISO 4217; two for all others  # fmt: skip


class BadSheet(Exception):
    """The whole table cannot be read: too_large, not_utf8, no_columns (with their names), too_many, broken (with the
    line where a cell begins that does not end, or the table is none)."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass(slots=True)
class Report:
    """What became of the rows. `faults` are (line, column, value), the first hundred."""

    made: int = 0
    changed: int = 0
    same: int = 0
    older: int = 0
    wrong: int = 0
    faults: list[tuple[int, str, str]] = field(default_factory=list)

    def fault(self, line: int, column: str, value: str) -> None:
        """One row could not be taken."""
        self.wrong += 1
        if len(self.faults) < 100:
            self.faults.append((line, column, value[:80]))


class _Wrong(Exception):
    def __init__(self, column: str, value: str) -> None:
        super().__init__(column)
        self.column, self.value = column, value


def take(actor: Actor, sheet: bytes, zone: ZoneInfo | None = None) -> Iterator[Report]:
    """Take a table up, outside any transaction; after each slice, how it stands so far.

    Rows that cannot be read are left out and reported, the others are kept. Taking the same table twice changes
    nothing. Raises BadSheet, Forbidden.
    """
    report = Report()
    waiting: list[Told] = []
    for line, row in rows(sheet, COLUMNS, report):
        try:
            waiting.append(_told(row, zone or ZoneInfo("UTC")))
        except _Wrong as wrong:
            report.fault(line, wrong.column, wrong.value)
        if len(waiting) >= AT_ONCE:
            _keep(actor, waiting, report)
            waiting = []
            yield report
    _keep(actor, waiting, report)
    yield report


def _keep(actor: Actor, told: Sequence[Told], report: Report) -> None:
    with tenant(actor.workspace_id):
        for kept in orders.put(actor, told):
            setattr(report, kept.outcome, getattr(report, kept.outcome) + 1)


def rows(sheet: bytes, needed: Sequence[str], report: Report) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows of a table by lower-case column, each with its line. What stands behind the last column is a fault of
    its row, since a comma that nobody quoted has moved the others. Raises BadSheet before the first row."""
    if len(sheet) > LARGEST:
        raise BadSheet("too_large")
    try:
        text = sheet.decode("utf-8-sig").replace("\0", "")
    except UnicodeDecodeError as error:
        raise BadSheet("not_utf8") from error
    head = text.split("\n", 1)[0]
    mark = max(",;\t", key=head.count)
    _whole(text, mark)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    names = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
    if missing := [column for column in needed if column not in names]:
        raise BadSheet("no_columns", ", ".join(missing))
    for row in reader:
        found = {name: " ".join((row.get(given) or "").split()) for name, given in names.items()}
        beyond = [
            cell for cell in row.get(None) or () if cell.strip()
        ]  # the cells without a name (csv.DictReader)
        if beyond:
            report.fault(reader.line_num, str(len(reader.fieldnames or ()) + 1), beyond[0].strip())
        elif any(found.values()):
            yield reader.line_num, found


def _whole(text: str, mark: str) -> None:
    """Whether the table can be read to its end. Raises BadSheet."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    read, line = 0, 1
    try:
        for _ in reader:
            read, line = read + 1, reader.line_num + 1
    except csv.Error as error:  # a quote that is never closed would swallow all that follows
        raise BadSheet("broken", str(line)) from error
    if read > ROWS + 1:
        raise BadSheet("too_many")


def _told(row: Mapping[str, str], zone: ZoneInfo) -> Told:
    number = row["number"]
    if not orders.fold(number) or len(number) > 60:
        raise _Wrong("number", number)
    try:
        channel, key, display, name = owner(row["customer"], row.get("name", ""))
    except ValueError as error:
        raise _Wrong("customer", row["customer"]) from error
    status = row["status"].lower()
    if status not in OrderStatus.values:
        raise _Wrong("status", row["status"])
    placed = _moment(row, "placed_at", zone)
    currency = row.get("currency", "").upper()
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise _Wrong("currency", currency)
    return Told(
        number, channel, key, display, name, status, placed,
        _moment(row, "changed_at", zone) if row.get("changed_at") else placed,
        minor(row["total"], currency) if row.get("total") else None,
        currency, _items(row.get("items", "")), link(row.get("link", "")),
        {k: v for k, v in (("carrier", row.get("carrier", "")), ("number", row.get("tracking", ""))) if v},
    )  # fmt: skip


def _moment(row: Mapping[str, str], column: str, zone: ZoneInfo) -> datetime:
    text = row[column]
    try:
        found = (
            datetime.fromisoformat(text)
            if len(text) > 10
            else datetime.combine(date.fromisoformat(text), time())
        )
        found = found if found.tzinfo else found.replace(tzinfo=zone)
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _Wrong(column, text) from error


def minor(total: str, currency: str) -> int:
    """`412.80` or `412,80` in the currency's smallest unit. Raises the fault of the column."""
    try:
        value = Decimal(total.replace("\u00a0", "").replace(" ", "").replace(",", "."))
        units = value.scaleb(_MINOR.get(currency, 2))
        if units == units.to_integral_value() and abs(units) < 10**15:
            return int(units)
    except InvalidOperation:
        pass
    raise _Wrong("total", total)


def digits(currency: str) -> int:
    """The decimals of a currency (ISO 4217)."""
    return _MINOR.get(currency, 2)


def _items(text: str) -> tuple[dict[str, Any], ...]:
    found = []
    for part in text.split(";")[:50]:
        count, times, name = part.strip().partition("×")
        if not times:
            count, times, name = part.strip().partition(" x ")
        if times and count.strip().isdigit() and len(count.strip()) < 7:
            found.append({"name": name.strip()[:200], "quantity": int(count)})
        elif part.strip():
            found.append({"name": part.strip()[:200], "quantity": 1})
    return tuple(found)


def link(text: str) -> str:
    """A web address that a page may lead to. Raises the fault of the column."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise _Wrong("link", text) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or len(text) > 2000:
        raise _Wrong("link", text)
    return text
