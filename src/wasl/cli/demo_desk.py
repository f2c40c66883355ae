"""What the demo shop tells its customers: opening hours, and acknowledgements with a link to the conversation."""

from collections.abc import Iterable
from datetime import date

from wasl.accounts import calendars
from wasl.accounts.actor import Actor
from wasl.accounts.calendars import Wanted
from wasl.accounts.hours import Closed
from wasl.channels.models import Inbox
from wasl.desk import acknowledge
from wasl.desk.models import Acknowledgement
from wasl.kit.db import pool
from wasl.timeline.follow import run_once

_DAY = [(9 * 60, 13 * 60), (15 * 60, 19 * 60)]
_WEEK = [*[_DAY] * 5, [(9 * 60, 13 * 60)], []]
_HOLIDAYS = (
    Closed(date(2026, 1, 1), date(2026, 1, 1), True, "New Year’s Day"),
    Closed(date(2026, 5, 1), date(2026, 5, 1), True, "Labour Day"),
    Closed(date(2026, 7, 30), date(2026, 7, 30), True, "Throne Day"),
    Closed(date(2027, 3, 10), date(2027, 3, 11), False, "Eid al-Fitr"),
)


def furnish(admin: Actor, timezone: str, inboxes: Iterable[Inbox]) -> None:
    """Give the shop its hours, and have first mails acknowledged; inside `tenant(…)`."""
    calendars.keep(admin, None, Wanted("Dar Zaytun", timezone, _WEEK, _HOLIDAYS, True))
    for inbox in inboxes:
        if inbox.channel == "email":
            Inbox.objects.filter(id=inbox.id).update(links=True)
            Acknowledgement.objects.create(
                workspace_id=admin.workspace_id, inbox=inbox, is_on=True, minutes=240
            )


def answer_first_mails() -> None:
    """What the worker's follower does the moment a mail has been understood."""
    with pool("queue", "demo").connection() as conn:
        while run_once(conn, acknowledge.FOLLOWER) == acknowledge.FOLLOWER.batch:
            pass
