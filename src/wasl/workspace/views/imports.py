"""Orders and customers brought in from tables, by administrators.

With scripts a table comes slice by slice (`slice`), so that the page can say how far it is; each answer is what stands
on the page from then on. Without them it comes whole.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from wasl.accounts import access_log
from wasl.accounts.actor import Actor
from wasl.conversations import contact_sheet, order_sheet
from wasl.conversations.order_sheet import LARGEST, ROWS, BadSheet, Report
from wasl.customers.models import OrderStatus
from wasl.kit.db import tenant
from wasl.workspace import watch
from wasl.workspace.format import isolated, number, size
from wasl.workspace.later import Later
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request

COUNTS = ("made", "changed", "same", "older", "wrong")
_Take = Callable[[Actor, bytes], Iterator[Report]]


@dataclass(frozen=True, slots=True)
class Result:
    """How far a table is. `refused`: why the whole of it cannot be read; `faults`: of the slice that was read last."""

    kind: str
    counts: dict[str, int]
    faults: list[str]
    refused: str = ""

    @property
    def said(self) -> str:
        """What became of its lines."""
        same = self.counts["same"] + self.counts["older"]
        return _("New: %(made)s · changed: %(changed)s · as they were: %(same)s") % {
            "made": number(self.counts["made"]),
            "changed": number(self.counts["changed"]),
            "same": number(same),
        }

    @property
    def left_out(self) -> str:
        """How many could not be taken, '' for none."""
        wrong = self.counts["wrong"]
        said = _("Left out: %(n)s. Put them right and bring the file in again: what is there stays as it is.")
        return said % {"n": number(wrong)} if wrong else ""


@require_safe
def index(request: Request) -> HttpResponse:
    """What can be brought in, and how its table looks."""
    request.actor.require_admin()
    return _page(request, None)


@require_POST
def orders(request: Request) -> HttpResponse:
    """Take up orders."""
    zone = request.seat.timezone
    return _taken(request, "orders", lambda actor, sheet: order_sheet.take(actor, sheet, zone))


@require_POST
def contacts(request: Request) -> HttpResponse:
    """Take up customers."""
    return _taken(request, "contacts", contact_sheet.take)


def _taken(request: Request, kind: str, take: _Take) -> HttpResponse:
    request.actor.require_admin()
    file = request.FILES.get("sheet")
    sheet = file.read(LARGEST + 1) if file else b""
    before = {name: _count(request, name) for name in COUNTS}
    lines = _count(request, "lines")

    def work() -> HttpResponse:
        result = _read(request, kind, take, sheet, before, lines)
        with tenant(request.actor.workspace_id):
            if "HX-Request" in request.headers:
                status = 422 if result.refused else 200
                return render(request, "imports/result.html", {"result": result}, status=status)
            return _page(request, result)

    return Later(work)


def _read(
    request: Request, kind: str, take: _Take, sheet: bytes, before: dict[str, int], lines: int
) -> Result:
    report = Report()
    refused = "" if sheet.strip() else _("Choose a file first.")
    try:
        for so_far in take(request.actor, sheet) if not refused else ():
            report = so_far
    except BadSheet as error:
        refused = why_not(error, lines)
    finally:
        _note(request, kind, report)
    counts = {name: before[name] + getattr(report, name) for name in COUNTS}
    said = _("Line %(line)s, column %(column)s: “%(value)s” cannot be used.")
    faults = [
        said % {"line": number(line + lines), "column": isolated(column), "value": isolated(value)}
        for line, column, value in report.faults
    ]
    return Result(kind, counts, faults, refused)


def _note(request: Request, kind: str, report: Report) -> None:
    """Say in the access log what was changed, also by a table that could not be read to its end."""
    if report.made or report.changed:
        made, updated = str(report.made), str(report.changed)
        with tenant(request.actor.workspace_id):
            access_log.record(
                request.actor, f"import_{kind}", address=watch.address_of(request), made=made, updated=updated
            )


def _count(request: Request, name: str) -> int:
    text = request.POST.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise BadRequest(name)
    return int(text)


def _page(request: Request, result: Result | None) -> HttpResponse:
    context = {"rail": rail(request.actor, "settings"), "result": result, "kinds": _kinds()}
    return render(request, "imports/imports.html", context, status=422 if result and result.refused else 200)


@dataclass(frozen=True, slots=True)
class Kind:
    """A table that can be brought in, with the columns it needs and may have."""

    name: str
    title: str
    icon: str
    about: str
    needed: tuple[str, ...]
    more: tuple[str, ...]
    states: tuple[str, ...] = ()
    """What the column `status` may say."""


def _kinds() -> list[Kind]:
    more = ("name", "changed_at", "total", "currency", "items", "link", "carrier", "tracking")
    return [
        Kind(
            "orders",
            _("Orders"),
            "box",
            _(
                "They stand beside the customer’s conversations, and are found by their number in what is written."
            ),
            order_sheet.COLUMNS,
            more,
            tuple(OrderStatus.values),
        ),
        Kind(
            "contacts",
            _("Customers"),
            "users",
            _("What is known of somebody already is not overwritten."),
            contact_sheet.NEEDED,
            ("name", "language", "place", "timezone"),
        ),
    ]


def why_not(error: BadSheet, lines: int = 0) -> str:
    """Why a whole table cannot be read, `lines` of which came before."""
    reasons = {
        "too_large": lambda: _("This file is larger than %(size)s.") % {"size": size(LARGEST)},
        "not_utf8": lambda: _("This file is not in UTF-8. Save it again as “CSV UTF-8”."),
        "no_columns": lambda: _("Columns are missing: %(names)s") % {"names": isolated(error.detail)},
        "broken": lambda: (
            _("Line %(line)s cannot be read: a quotation mark may be missing at the end of a cell.")
            % {"line": number(int(error.detail) + lines)}
        ),
        "too_many": lambda: _("This file has more than %(n)s lines.") % {"n": number(ROWS)},
    }
    return reasons[error.reason]()
