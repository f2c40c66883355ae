"""Calls and call-backs in people's words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from wasl.calls.models import Call, Callback, Outcome, Stand
from wasl.calls.slots import Slot
from wasl.kit.clock import now
from wasl.timeline.queries import Entry
from wasl.workspace.format import digits, first_name, isolated, later, moment, money, number

ICONS = {
    "call.requested": "callback",
    "call.rescheduled": "callback",
    "call.claimed": "user",
    "call.cancelled": "x",
    "call.given_up": "alert",
    "call.started": "phone",
    "call.ended": "phone",
    "call.missed": "alert",
    "call.recorded": "hold",
    "call.priced": "chart",
}
IN_THREAD = frozenset(ICONS) - {"call.started", "call.claimed", "call.priced"}


def outcomes() -> list[tuple[str, str]]:
    """What an agent may say of a call, the happy end first."""
    return [
        (Outcome.REACHED, _("Reached")),
        (Outcome.NO_ANSWER, _("No answer")),
        (Outcome.BUSY, _("Busy")),
        (Outcome.VOICEMAIL, _("Left a message")),
        (Outcome.WRONG_NUMBER, _("Wrong number")),
    ]


def outcome(code: str) -> str:
    """What became of a call."""
    return dict(outcomes()).get(code, _("Did not come about"))


def refused(reason: str) -> str:
    """Why something cannot be done, and what helps."""
    reasons = {
        "no_number": _("Type the telephone number."),
        "bad_number": _("This is no telephone number. It begins with + and the code of the country."),
        "closed": _("Nobody is there then, or it is night where they are. Choose another time."),
        "past": _("Choose a time to come."),
        "ended": _("This call-back has ended meanwhile."),
        "too_long": _("The text is too long."),
        "no_line": _("There is no telephone inbox that could place the call. Use your own telephone."),
        "no_telephone": _("Say first on which telephone you are rung up."),
        "under_way": _("The call is under way already."),
        "no_times": _("There is no time to offer within two weeks: look at the opening hours."),
        "no_way": _("There is no channel on which this can be sent to them."),
    }
    return reasons.get(reason, _("This cannot be kept."))


def done(code: str) -> str:
    """What was just done with a call-back; '' for nothing."""
    texts = {
        "outcome": _("Noted."),
        "moved": _("Moved."),
        "cancelled": _("Called off."),
        "ringing": _("Your telephone rings in a moment. When you answer, theirs does."),
    }
    return texts.get(code, "")


def duration(seconds: int) -> str:
    """`3:20`, minutes and seconds."""
    return digits(f"{seconds // 60}:{seconds % 60:02d}")


@dataclass(frozen=True, slots=True)
class Row:
    """A call-back as a list shows it. `theirs` is their clock where it differs from the reader's; `late` is how long
    it has been due."""

    id: UUID
    conversation_id: UUID
    name: str
    number: str
    about: str
    at: datetime
    theirs: str
    late: str
    soon: bool
    owner: str
    mine: bool
    stand: str
    look: str
    icon: str
    tries: str


def rows(found: Iterable[Callback], names: Mapping[UUID, str], reader: UUID | None) -> list[Row]:
    """Call-backs with the names of their customers."""
    return [row(each, names[each.customer.root_id], reader) for each in found]


def row(callback: Callback, name: str, reader: UUID | None) -> Row:
    """One."""
    ended = callback.state != Stand.WAITING
    look, icon, said = _stand(callback)
    return Row(
        id=callback.id,
        conversation_id=callback.conversation_id,
        name=name,
        number=callback.number,
        about=callback.about,
        at=callback.ended_at if ended and callback.ended_at else callback.due_at,
        theirs="" if ended else theirs(callback.due_at, callback.zone),
        late="" if ended else _late(now() - callback.until),
        soon=not ended and callback.due_at <= now(),
        owner=callback.assignee.name if callback.assignee else "",
        mine=reader is not None and callback.assignee_id == reader,
        stand=said,
        look=look,
        icon=icon,
        tries=_tries(callback),
    )


def theirs(at: datetime, zone: str) -> str:
    """`09:30 where they are`; '' where it is the same time."""
    there = at.astimezone(ZoneInfo(zone))
    if there.utcoffset() == timezone.localtime(at).utcoffset():
        return ""
    return _("%(time)s where they are") % {"time": digits(there.strftime("%H:%M"))}


def _late(over: timedelta) -> str:
    minutes = int(over.total_seconds() // 60)
    if minutes < 1:
        return ""
    if minutes < 60:
        return ngettext("%(n)s minute late", "%(n)s minutes late", minutes) % {"n": number(minutes)}
    if minutes < 1440:
        hours = minutes // 60
        return ngettext("%(n)s hour late", "%(n)s hours late", hours) % {"n": number(hours)}
    days = minutes // 1440
    return ngettext("%(n)s day late", "%(n)s days late", days) % {"n": number(days)}


def _stand(callback: Callback) -> tuple[str, str, str]:
    if callback.state == Stand.CANCELLED:
        return "", "x", _("Called off")
    if callback.state == Stand.GIVEN_UP:
        return "bad", "alert", _("Not reached")
    if callback.state == Stand.DONE:
        good = callback.outcome == Outcome.REACHED
        return "ok" if good else "warn", "check" if good else "alert", outcome(callback.outcome)
    if callback.until < now():
        return "bad", "clock", pgettext("call-back", "Late")
    if callback.due_at <= now():
        return "warn", "clock", pgettext("call-back", "Due now")
    return "", "clock", pgettext("call-back", "Planned")


def _tries(callback: Callback) -> str:
    if not callback.tries:
        return ""
    said = ngettext("Tried %(n)s time", "Tried %(n)s times", callback.tries) % {"n": number(callback.tries)}
    return f"{said}: {outcome(callback.outcome)}" if callback.outcome else said


@dataclass(frozen=True, slots=True)
class Line:
    """A call that was made."""

    at: datetime
    agent: str
    said: str
    icon: str
    length: str
    price: str
    notes: str
    under_way: bool


def lines(calls: Iterable[Call]) -> list[Line]:
    """Calls as the page of a call-back shows them."""
    return [
        Line(
            at=call.started_at,
            agent=call.agent.name if call.agent else "",
            said=outcome(call.outcome) if call.outcome else _("Under way"),
            icon="check" if call.outcome == Outcome.REACHED else "phone",
            length=duration(call.seconds) if call.seconds else "",
            price=price(call.price, call.currency),
            notes=call.notes,
            under_way=not call.outcome,
        )
        for call in calls
    ]


def price(millionths: int | None, currency: str) -> str:
    """What a call cost: `€0.02`; '' while nobody knows."""
    if millionths is None or not currency:
        return ""
    return money(abs(millionths) / 1_000_000, currency)


@dataclass(frozen=True, slots=True)
class Choice:
    """A time that can be chosen."""

    key: str
    at: datetime
    when: str
    theirs: str


def choices(slots: Iterable[Slot], zone: str) -> list[Choice]:
    """Times to choose from."""
    return [
        Choice(slot.start.isoformat(), slot.start, later(slot.start), theirs(slot.start, zone))
        for slot in slots
    ]


def sentence(entry: Entry, names: Mapping[UUID, str], who: str) -> str:
    """What a touchpoint says of a call; `who` did it."""
    facts = entry.facts
    values = {"who": who, "time": _moment(facts.get("due")), "length": duration(int(facts.get("seconds", 0)))}
    if entry.kind == "call.ended":
        return _ended(entry, values)
    if entry.kind == "call.given_up":
        tries = int(facts.get("tries", 0))
        text = ngettext(
            "Not reached in %(n)s call: nobody tries again",
            "Not reached in %(n)s calls: nobody tries again",
            tries,
        )
        return text % {"n": number(tries)}
    if entry.kind == "call.claimed":
        return _claimed(entry, names)
    if entry.kind == "call.missed":
        return _missed(str(facts.get("reason", "")))
    if entry.kind == "call.priced":
        cost = price(int(facts.get("millionths", 0)), str(entry.detail.get("currency", "")))
        return _("The call cost %(price)s") % {"price": isolated(cost)} if cost else ""
    said = {
        "call.requested": _("The customer asked to be called back: %(time)s")
        if facts.get("by") == "customer"
        else _("%(who)s promised to call back: %(time)s"),
        "call.rescheduled": _("The call-back was moved: %(time)s"),
        "call.cancelled": _("%(who)s called the call-back off"),
        "call.started": _("The customer rang up") if facts.get("inbound") else _("%(who)s rings them up"),
        "call.recorded": _("They left a voice message: %(length)s")
        if facts.get("voicemail")
        else _("The call was recorded, as they had agreed: %(length)s"),
    }
    return said.get(entry.kind, "") % values


def _ended(entry: Entry, values: dict[str, str]) -> str:
    if entry.facts.get("inbound"):
        return _("%(who)s took their call: %(length)s") % values
    texts = {
        "reached": _("%(who)s rang them up and spoke with them: %(length)s")
        if entry.facts.get("seconds")
        else _("%(who)s rang them up and spoke with them"),
        "no_answer": _("%(who)s rang them up: no answer"),
        "busy": _("%(who)s rang them up: busy"),
        "voicemail": _("%(who)s rang them up and left a message"),
        "wrong_number": _("%(who)s rang up: it is a wrong number"),
    }
    text = texts.get(str(entry.facts.get("outcome")), _("A call to them did not come about")) % values
    if entry.facts.get("next"):
        text = _("%(what)s. Next call: %(time)s") % {"what": text, "time": _moment(entry.facts.get("next"))}
    return text


def _claimed(entry: Entry, names: Mapping[UUID, str]) -> str:
    if not entry.facts.get("assigned"):
        return _("Nobody has the call-back any more")
    to = str(entry.detail.get("to") or "")
    name = next((name for key, name in names.items() if str(key) == to), "")
    return _("%(who)s will call them back") % {"who": isolated(first_name(name)) or _("A colleague")}


def _missed(reason: str) -> str:
    texts = {
        "closed": _("They rang up while we were closed"),
        "nobody": _("They rang up, and nobody was on duty"),
        "unanswered": _("They rang up, and nobody answered"),
    }
    return texts.get(reason, _("They rang up and hung up before anybody answered"))


def _moment(seconds: object) -> str:
    """A point in time, to come or past."""
    if not isinstance(seconds, int) or not seconds:
        return ""
    at = datetime.fromtimestamp(seconds, UTC)
    return isolated(later(at) if at > now() else moment(at))
