"""Customers from a table of comma-separated values, as address books and shops export them."""

from collections.abc import Iterator, Mapping
from zoneinfo import available_timezones

from wasl.accounts.actor import Actor
from wasl.conversations.order_sheet import Report, rows
from wasl.conversations.ordering import owner
from wasl.customers.models import Customer
from wasl.customers.resolve import Sender, resolve
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant
from wasl.kit.languages import CODES

NEEDED = ("email",)
"""`name`, `language` (ar, fr, it, en), `place` and `timezone` may be there. What is known is not overwritten."""

AT_ONCE = 200


class _Wrong(Exception):
    def __init__(self, column: str, value: str) -> None:
        super().__init__(column)
        self.column, self.value = column, value


def take(actor: Actor, sheet: bytes) -> Iterator[Report]:
    """Take a table up, outside any transaction; after each slice, how it stands so far.

    Rows that cannot be read are left out and reported. Raises BadSheet, Forbidden.
    """
    actor.require_write()
    report, waiting = Report(), list[Mapping[str, str]]()
    for line, row in rows(sheet, NEEDED, report):
        try:
            waiting.append(_checked(row))
        except _Wrong as wrong:
            report.fault(line, wrong.column, wrong.value)
        if len(waiting) >= AT_ONCE:
            _keep(actor, waiting, report)
            waiting = []
            yield report
    _keep(actor, waiting, report)
    yield report


def _checked(row: Mapping[str, str]) -> Mapping[str, str]:
    try:
        owner(row["email"])
    except ValueError as error:
        raise _Wrong("email", row["email"]) from error
    if "@" not in row["email"]:
        raise _Wrong("email", row["email"])
    if row.get("language", "").lower() not in ("", *CODES):
        raise _Wrong("language", row["language"])
    if row.get("timezone") and row["timezone"] not in available_timezones():
        raise _Wrong("timezone", row["timezone"])
    return row


def _keep(actor: Actor, waiting: list[Mapping[str, str]], report: Report) -> None:
    if not waiting:
        return
    at = now()
    with tenant(actor.workspace_id):
        senders = []
        for row in waiting:
            channel, key, display, name = owner(row["email"], row.get("name", ""))
            senders.append(Sender(channel, key, display, name, row.get("language", "").lower(), at))
        found = resolve(raw(), actor.workspace_id, senders)
        known = Customer.objects.in_bulk([each.customer_id for each in found])
        for row, sender, whose in zip(waiting, senders, found, strict=True):
            changed = _complete(known[whose.customer_id], row, sender.language)
            if changed:
                known[whose.customer_id].save(update_fields=changed)
            outcome = "made" if whose.created else "changed" if changed else "same"
            setattr(report, outcome, getattr(report, outcome) + 1)


def _complete(customer: Customer, row: Mapping[str, str], language: str) -> list[str]:
    """Fill in what is not known; the names of what was filled in."""
    offered = {
        "name": row.get("name", "")[:200],
        "language": language,
        "place": row.get("place", "")[:200],
        "timezone": row.get("timezone", ""),
    }
    changed = [field for field, value in offered.items() if value and not getattr(customer, field)]
    for field in changed:
        setattr(customer, field, offered[field])
    return changed
