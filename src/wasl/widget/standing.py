"""When an answer can honestly be expected: now, usually within so long, soon, or not before the next opening."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from wasl.accounts.calendars import hours_for
from wasl.desk import promise, waits
from wasl.kit.db import raw, tenant


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """`state` is live (an agent is there, within hours), soon (within hours) or later; then `opens` says when, where
    that is known. `usual`: the seconds within which an answer usually comes, where enough were given to know."""

    state: str
    opens: datetime | None = None
    zone: str = ""
    usual: int = 0


def standing(workspace_id: UUID, inbox_id: UUID, at: datetime, *, attended: bool) -> Standing:
    """How it stands at that moment. Blocks: not for the event loop."""
    with tenant(workspace_id):
        hours = hours_for(raw(), workspace_id, inbox_id)
        if not hours.open_at(at):
            return Standing("later", hours.next_opening(at), str(hours.zone))
        if attended:
            return Standing("live")
        samples = waits.samples(raw(), workspace_id, inbox_id, hours, at)
    usual = promise.wait(samples, timedelta(0))
    known = usual.basis == "median" and usual.time <= promise.MOST
    return Standing("soon", usual=rounded(usual.time) if known else 0)


def rounded(time: timedelta) -> int:
    """Seconds, rounded up to what one would say: 5, 10, 15, 30 minutes, full hours, and from a day on full days."""
    minutes = time.total_seconds() / 60
    for said in (5, 10, 15, 30, 60):
        if minutes <= said:
            return said * 60
    hours = -(-minutes // 60)
    return int(hours * 3600 if hours < 24 else -(-hours // 24) * 86_400)
