"""What a filter finds, as CSV (RFC 4180) that spreadsheets open as it is.

Read in slices, each a transaction of its own: a large export holds nothing open while its reader is slow.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from wasl.accounts.actor import Actor
from wasl.channels.models import Inbox
from wasl.conversations import listing, tags
from wasl.conversations.filters import Filter
from wasl.customers.models import Identity
from wasl.kit import sheet
from wasl.kit.db import tenant

SLICE = 500
MOST = 50_000
"""Rows in one file."""
PART = 2_000
"""Rows in one part, for those who fetch the file part by part."""
Cursor = tuple[datetime, UUID]


def rows(
    actor: Actor, where: Filter, zone: ZoneInfo, titles: Sequence[str], most: int = MOST
) -> Iterator[str]:
    """The file, piece by piece: a line of titles (see `line` for their order), then a line a conversation."""
    yield head(titles)
    before: Cursor | None = None
    for _ in range(-(-most // SLICE)):
        with tenant(actor.workspace_id):
            piece, before = part(actor, where, zone, before, min(SLICE, most))
        yield piece
        if before is None:
            return


def head(titles: Sequence[str]) -> str:
    """How the file begins."""
    return sheet.BOM + sheet.lines([titles])


def part(
    actor: Actor, where: Filter, zone: ZoneInfo, before: Cursor | None, limit: int = SLICE
) -> tuple[str, Cursor | None]:
    """Lines of the next conversations, and where those behind them begin. Call inside `tenant(…)`."""
    page = listing.page(actor, where, before, limit)
    return _slice(page.rows, zone), page.after


def _slice(found: list[listing.Brief], zone: ZoneInfo) -> str:
    inboxes = dict(Inbox.objects.values_list("id", "name"))
    named = tags.names([row.id for row in found])
    reached: dict[UUID, str] = {}
    people = Identity.objects.filter(customer__root_id__in={row.customer_id for row in found})
    for root_id, address in people.order_by("created_at").values_list("customer__root_id", "display"):
        reached.setdefault(root_id, address)
    return sheet.lines(
        [
            str(row.id),
            row.subject,
            row.customer,
            reached.get(row.customer_id, ""),
            inboxes.get(row.inbox_id, ""),
            row.status,
            row.assignee,
            row.team,
            ", ".join(named.get(row.id, ())),
            row.last_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
            row.preview,
        ]
        for row in found
    )
