"""Promises as the customer's card shows them: by when they were told to hear from us, and whether they did."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wasl.accounts.actor import Actor
from wasl.desk.queries import Told, promises
from wasl.kit.clock import now
from wasl.timeline.queries import Entry
from wasl.workspace.format import isolated, moment, number

KEPT = 2
"""Kept and broken promises beside those that are still open."""


@dataclass(frozen=True, slots=True)
class Vow:
    """One promise. `state` is open, late, kept or broken; `elsewhere` when it was made in another conversation."""

    state: str
    text: str
    under: str
    conversation_id: UUID
    elsewhere: bool


def vows(actor: Actor, customer_ids: Iterable[UUID], conversation_id: UUID | None = None) -> list[Vow]:
    """What is open, the most pressing first, then what was settled of late; seen from a conversation or from none."""
    every = [_vow(each, conversation_id) for each in promises(actor, list(customer_ids))]
    waiting = [vow for vow in every if vow.state in ("open", "late")]
    return waiting[::-1] + [vow for vow in every if vow.state in ("kept", "broken")][:KEPT]


def _vow(told: Told, conversation_id: UUID | None) -> Vow:
    by, elsewhere = {"time": moment(told.due_at)}, told.conversation_id != conversation_id
    if told.answered_at is not None:
        apart = span(abs(told.due_at - told.answered_at))
        state = "broken" if told.late else "kept"
        text = _("Answer promised by %(time)s") % by
        under = _("Came %(span)s late") if told.late else _("Came %(span)s early")
        return Vow(state, text, under % {"span": apart}, told.conversation_id, elsewhere)
    left = span(abs(told.due_at - now()))
    if told.late:
        late = _("Since then %(span)s") % {"span": left}
        return Vow("late", _("Answer was promised by %(time)s") % by, late, told.conversation_id, elsewhere)
    return Vow(
        "open",
        _("Answer by %(time)s") % by,
        _("%(span)s left") % {"span": left},
        told.conversation_id,
        elsewhere,
    )


def acknowledged(entry: Entry) -> str:
    """An acknowledgement in words, with the time it named."""
    due = entry.facts.get("due")
    if not isinstance(due, int) or not due:
        return _("Acknowledged at once")
    time = isolated(moment(datetime.fromtimestamp(due, UTC)))
    return _("Acknowledged at once, answer promised by %(time)s") % {"time": time}


def changed(entry: Entry, who: str) -> str:
    """That another promised time counts from now on."""
    due = datetime.fromtimestamp(int(entry.facts.get("due", 0)), UTC)
    return _("%(who)s had %(time)s count as the promised time") % {"who": who, "time": isolated(moment(due))}


def span(time: timedelta) -> str:
    """How long, in the largest unit that fits."""
    minutes = max(1, round(time / timedelta(minutes=1)))
    if minutes < 90:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": number(minutes)}
    hours = round(minutes / 60)
    if hours < 36:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": number(hours)}
    days = round(hours / 24)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": number(days)}
