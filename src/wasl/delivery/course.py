"""What becomes of a delivery: every decision about its state, as pure functions from a standing to the next.

Nothing here reads a clock, a die or a database; they are handed in. `work` and `actions` only carry the
decisions out. Three bounds make sure that every course ends: calls since the delivery was queued
(`Limits.attempts`), time (`deadline_at`, after which a temporary failure is final), and doubts (`DOUBTS`, after
which we say that we do not know). Why in doubt is what it is: docs/decisions/0006-in-doubt.md.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from wasl.channels import values
from wasl.channels.base import BounceKind, Reason
from wasl.delivery.models import State
from wasl.kit.pausing import Dice, pause

UNSURE = "unsure"
"""The one reason that is not a channel's: nobody could tell whether it left."""

REASONS = frozenset({*Reason, UNSURE})

DOUBTS = 2
"""Calls without an answer after which a delivery is not tried again: nobody gets a message three times."""

ENDS = frozenset({State.SENT, State.DELIVERED, State.READ, State.FAILED})
TAKEN_ENDS = ENDS - {State.FAILED}
RETRIABLE = frozenset({State.FAILED, State.IN_DOUBT, State.RETRY})


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard we try. Times in seconds."""

    attempts: int = 12
    first_wait: float = 30.0
    longest_wait: float = 12 * 3600.0
    doubt_wait: float = 600.0
    look_every: float = 5.0
    absence_after: float = 30.0

    @property
    def trust_absence(self) -> float:
        """How old a doubt must be before "we do not have it" is believed: it may still be writing."""
        return min(self.absence_after, self.doubt_wait / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a decision needs to know of a delivery, and what it changes."""

    state: State
    due_at: datetime
    deadline_at: datetime
    attempts: int = 0
    doubts: int = 0
    doubt_until: datetime | None = None
    reason: str = ""
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will be done unless somebody asks for it."""
        return self.state in ENDS


class Ending(StrEnum):
    """How a call ended."""

    SENT = "sent"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    IN_DOUBT = "in_doubt"
    UNREACHED = "unreached"  # the provider was not reached: no call took place
    UNMADE = "unmade"  # claimed, but the call was never begun


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to. `code` and `detail` are the provider's words, `retry_after` its wish in seconds, `ref` its
    id of the message; what cannot be stored is not in them, or what was sent would not be known to be."""

    ending: Ending
    reason: str = ""
    code: str = ""
    detail: str = ""
    retry_after: float | None = None
    ref: str = ""

    def __post_init__(self) -> None:
        for name in ("code", "detail", "ref"):
            object.__setattr__(self, name, values.text(getattr(self, name)))


def begin(now: Standing, lease_until: datetime) -> Standing:
    """A worker takes it: the attempt counts from here, whatever becomes of the worker."""
    return replace(now, state=State.SENDING, attempts=now.attempts + 1, due_at=lease_until)


def after_call(was: Standing, outcome: Outcome, now: datetime, limits: Limits, dice: Dice) -> Standing:
    """The call returned."""
    match outcome.ending:
        case Ending.SENT:
            return _end(was, State.SENT, now)
        case Ending.PERMANENT:
            return _end(was, State.FAILED, now, outcome.reason)
        case Ending.IN_DOUBT:
            return doubt(was, now, limits)
        case Ending.UNREACHED:
            wait = backoff(1, limits, dice, outcome.retry_after)
            return held(_uncounted(was), outcome.reason, now + wait, now)
        case Ending.UNMADE:
            return replace(_uncounted(was), state=State.RETRY if was.reason else State.QUEUED, due_at=now)
        case Ending.TEMPORARY:
            wait = backoff(was.attempts, limits, dice, outcome.retry_after)
            return _again(was, outcome.reason, now + wait, now, limits)


def _uncounted(was: Standing) -> Standing:
    return replace(was, attempts=was.attempts - 1)


def _again(was: Standing, reason: str, due_at: datetime, now: datetime, limits: Limits) -> Standing:
    """Another try, unless tries or time are used up; the last one is made at the deadline itself."""
    if was.attempts >= limits.attempts or now >= was.deadline_at:
        return _give_up(was, reason, now)
    return replace(
        was, state=State.RETRY, reason=reason, due_at=min(due_at, was.deadline_at), doubt_until=None
    )


def held(was: Standing, reason: str, until: datetime, now: datetime) -> Standing:
    """The provider is out of reach: wait without using up a try, until the deadline."""
    if now >= was.deadline_at:
        return _give_up(was, reason, now)
    return replace(was, state=State.RETRY, reason=reason, due_at=min(until, was.deadline_at))


def _give_up(was: Standing, reason: str, now: datetime) -> Standing:
    """After a call whose end nobody knows, a later refusal does not make it certain that nothing arrived."""
    return _end(was, State.FAILED, now, UNSURE if was.doubts else reason)


def backoff(attempt: int, limits: Limits, dice: Dice, retry_after: float | None = None) -> timedelta:
    """The wait after the n-th try (from 1): a random part of a doubling time, and at least one second.

    A provider's own wish is a lower bound; the jitter then comes on top, so that not all return at once.
    """
    failures = attempt - 1 if retry_after is None else 0
    wait = pause(failures, limits.first_wait, limits.longest_wait, least=0.0, dice=dice)
    if retry_after is not None:
        wait += min(max(retry_after, 0.0), limits.longest_wait)
    return timedelta(seconds=max(1.0, wait))


def doubt(was: Standing, now: datetime, limits: Limits) -> Standing:
    """The answer was lost, or the worker was during the call: look for evidence before anything else."""
    return replace(
        was,
        state=State.IN_DOUBT,
        doubts=was.doubts + 1,
        doubt_until=now + timedelta(seconds=limits.doubt_wait),
        due_at=now + timedelta(seconds=min(limits.look_every, limits.doubt_wait)),
    )


def after_look(was: Standing, taken: bool | None, now: datetime, limits: Limits) -> Standing:
    """The provider was asked whether it took the message; None: it cannot be asked, or did not answer."""
    until = was.doubt_until or now
    since = until - timedelta(seconds=limits.doubt_wait)
    if taken:
        return _end(was, State.SENT, now)
    if taken is False and now - since >= timedelta(seconds=limits.trust_absence):
        return _again(replace(was, doubts=was.doubts - 1), Reason.UNREACHABLE, now, now, limits)
    if now < until:
        return replace(was, due_at=min(until, now + _look_gap(now - since, limits)))
    if was.doubts >= DOUBTS:
        return _end(was, State.FAILED, now, UNSURE)
    return _again(was, UNSURE, now, now, limits)


def _look_gap(age: timedelta, limits: Limits) -> timedelta:
    """Looks grow rarer as a doubt grows older."""
    return max(timedelta(seconds=limits.look_every), age / 2)


def by_hand(was: Standing, now: datetime, deadline: timedelta) -> Standing | None:
    """A person wants it tried now, all tries and time before it again; None when there is nothing to try."""
    if was.state not in RETRIABLE:
        return None
    return replace(
        was,
        state=State.QUEUED,
        due_at=now,
        deadline_at=now + deadline,
        attempts=0,
        doubts=0,
        doubt_until=None,
        reason="",
        ended_at=None,
    )


def behind(was: Standing) -> Standing:
    """It waits for what goes before it; should nobody call it, it goes at its deadline."""
    return replace(was, due_at=was.deadline_at)


ARRIVED: frozenset[BounceKind] = frozenset({"delivered", "seen", "complaint"})
READ: frozenset[BounceKind] = frozenset({"read", "acted"})
TAKEN: frozenset[BounceKind] = frozenset({"relayed", "expanded", "delayed", "sent"})


def after_receipt(was: Standing, kind: BounceKind, reason: str, now: datetime) -> Standing:
    """Somebody further along the road says what became of it; receipts come late and in any order.

    A receipt that comes while a call is under way is kept, and counts when that call has returned. That it
    arrived is final, but that it was read says more. Anything else counts only where a copy may have left since it
    was last queued; otherwise it speaks of an earlier one.
    """
    if was.state in (State.READ, State.SENDING):
        return was
    if kind in READ:
        return _end(was, State.READ, now)
    if was.state == State.DELIVERED:
        return was
    if kind in ARRIVED:
        return _end(was, State.DELIVERED, now)
    may_have_left = was.state in (State.SENT, State.IN_DOUBT) or was.doubts > 0
    known_failed = was.state == State.FAILED and was.reason != UNSURE
    if not may_have_left or known_failed:
        return was
    if kind in TAKEN and was.state != State.SENT:
        return _end(was, State.SENT, now)
    return _end(was, State.FAILED, now, reason) if kind == "failed" else was


def _end(was: Standing, state: State, now: datetime, reason: str = "") -> Standing:
    return replace(was, state=state, reason=reason, ended_at=now, doubt_until=None, due_at=now)


TOUCHED = {
    State.SENT: "delivery.sent",
    State.DELIVERED: "delivery.delivered",
    State.READ: "delivery.read",
    State.FAILED: "delivery.failed",
    State.IN_DOUBT: "delivery.in_doubt",
    State.RETRY: "delivery.retry",
}


def touchpoint(was: Standing, now: Standing, outcome: Outcome | None = None) -> str:
    """The kind of touchpoint a change leaves; '' when nothing happened that a person would be told.

    A provider that is still out of reach, for the same reason as before, is no news.
    """
    ending = outcome.ending if outcome else None
    same = was.reason == now.reason
    if (same and (was.state == now.state or ending == Ending.UNREACHED)) or ending == Ending.UNMADE:
        return ""
    return TOUCHED.get(now.state, "")
