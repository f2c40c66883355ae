"""Every decision about a delivery's state: as a table, by bounds, and against anything that may happen."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wasl.channels.base import BounceKind
from wasl.delivery import course
from wasl.delivery.course import UNSURE, Ending, Limits, Outcome, Standing
from wasl.delivery.models import State

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LIMITS = Limits(attempts=3, first_wait=30, doubt_wait=600)
KINDS = get_args(BounceKind)


def standing(state: State = State.SENDING, **more: object) -> Standing:
    values = {"due_at": NOW, "deadline_at": NOW + timedelta(days=3), "attempts": 1, **more}
    return Standing(state=state, **values)  # type: ignore[arg-type]


def after(was: Standing, ending: Ending, reason: str = "", **more: object) -> Standing:
    return course.after_call(was, Outcome(ending, reason, **more), NOW, LIMITS, lambda: 0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("was", "ending", "state", "reason"),
    [
        (standing(), Ending.SENT, State.SENT, ""),
        (standing(reason="not_now"), Ending.SENT, State.SENT, ""),
        (standing(), Ending.PERMANENT, State.FAILED, "address_unknown"),
        (standing(), Ending.TEMPORARY, State.RETRY, "address_unknown"),
        (standing(attempts=3), Ending.TEMPORARY, State.FAILED, "address_unknown"),
        (standing(deadline_at=NOW), Ending.TEMPORARY, State.FAILED, "address_unknown"),
        (standing(attempts=3, doubts=1), Ending.TEMPORARY, State.FAILED, UNSURE),
        (standing(doubts=1), Ending.PERMANENT, State.FAILED, "address_unknown"),
        (standing(), Ending.IN_DOUBT, State.IN_DOUBT, ""),
        (standing(), Ending.UNREACHED, State.RETRY, "address_unknown"),
        (standing(attempts=3), Ending.UNREACHED, State.RETRY, "address_unknown"),
        (standing(deadline_at=NOW), Ending.UNREACHED, State.FAILED, "address_unknown"),
        (standing(), Ending.UNMADE, State.QUEUED, ""),
        (standing(reason="not_now"), Ending.UNMADE, State.RETRY, "not_now"),
    ],
)
def test_what_a_call_comes_to(was: Standing, ending: Ending, state: State, reason: str) -> None:
    said = reason if reason not in ("", UNSURE) else "address_unknown"
    now = after(was, ending, said if ending not in (Ending.SENT, Ending.UNMADE) else "")
    assert (now.state, now.reason) == (state, reason)
    assert now.ended == (now.ended_at is not None)


def test_only_calls_that_were_made_count() -> None:
    was = standing(State.QUEUED, attempts=1)
    assert course.begin(was, NOW).attempts == 2
    assert after(standing(attempts=2), Ending.UNREACHED, "unreachable").attempts == 1
    assert after(standing(attempts=2), Ending.UNMADE).attempts == 1
    assert after(standing(attempts=2), Ending.TEMPORARY, "not_now").attempts == 2


def test_the_last_try_is_made_at_the_deadline() -> None:
    soon = NOW + timedelta(seconds=5)
    now = after(standing(deadline_at=soon), Ending.TEMPORARY, "not_now")
    assert (now.state, now.due_at) == (State.RETRY, soon)
    assert course.held(
        standing(State.QUEUED, deadline_at=soon), "unreachable", NOW + timedelta(hours=1), NOW
    ) == (replace(now, attempts=1, reason="unreachable"))


@given(
    attempt=st.integers(1, 200),
    dice=st.floats(0, 1, exclude_max=True),
    wish=st.none() | st.floats(-1e9, 1e9, allow_nan=False),
)
def test_backoff_stays_within_its_bounds(attempt: int, dice: float, wish: float | None) -> None:
    limits = Limits()
    wait = course.backoff(attempt, limits, lambda: dice, wish).total_seconds()
    assert 1.0 <= wait <= limits.longest_wait + limits.first_wait
    if wish is None:
        assert wait <= max(1.0, limits.first_wait * 2 ** (attempt - 1))
    else:
        assert wait >= min(wish, limits.longest_wait) - 1e-6  # a timedelta counts microseconds


def test_backoff_uses_the_whole_width_and_doubles() -> None:
    limits = Limits(first_wait=30)
    waits = [course.backoff(n, limits, lambda: 0.999999).total_seconds() for n in range(1, 8)]
    assert [round(wait) for wait in waits] == [30, 60, 120, 240, 480, 960, 1920]
    assert course.backoff(7, limits, lambda: 0.0).total_seconds() == 1.0


def in_doubt(age: float, doubts: int = 1, **more: object) -> Standing:
    until = NOW - timedelta(seconds=age) + timedelta(seconds=LIMITS.doubt_wait)
    return standing(State.IN_DOUBT, doubts=doubts, doubt_until=until, **more)


@pytest.mark.parametrize(
    ("was", "taken", "state", "reason"),
    [
        (in_doubt(5), True, State.SENT, ""),
        (in_doubt(5), False, State.IN_DOUBT, ""),
        (in_doubt(5), None, State.IN_DOUBT, ""),
        (in_doubt(31), False, State.RETRY, "unreachable"),
        (in_doubt(31, attempts=3), False, State.FAILED, "unreachable"),
        (in_doubt(31), None, State.IN_DOUBT, ""),
        (in_doubt(600), None, State.RETRY, UNSURE),
        (in_doubt(600, attempts=3), None, State.FAILED, UNSURE),
        (in_doubt(600, deadline_at=NOW), None, State.FAILED, UNSURE),
        (in_doubt(600, doubts=2), None, State.FAILED, UNSURE),
        (in_doubt(600, doubts=2), True, State.SENT, ""),
        (in_doubt(600, doubts=2), False, State.RETRY, "unreachable"),
        (in_doubt(600, doubts=2, attempts=3), False, State.FAILED, UNSURE),
    ],
)
def test_what_a_look_comes_to(was: Standing, taken: bool | None, state: State, reason: str) -> None:
    now = course.after_look(was, taken, NOW, LIMITS)
    assert (now.state, now.reason) == (state, reason)


def test_absence_clears_a_doubt_and_silence_keeps_it() -> None:
    assert course.after_look(in_doubt(31), False, NOW, LIMITS).doubts == 0
    assert course.after_look(in_doubt(600), None, NOW, LIMITS).doubts == 1


def test_looks_go_on_until_the_doubt_is_over_and_grow_rarer() -> None:
    was, at, looks = course.doubt(standing(), NOW, LIMITS), NOW, []
    while was.state == State.IN_DOUBT:
        at = was.due_at
        looks.append((at - NOW).total_seconds())
        was = course.after_look(was, None, at, LIMITS)
    assert (looks[0], looks[-1]) == (5, 600)
    assert len(looks) < 20
    gaps = [b - a for a, b in itertools.pairwise(looks)]
    assert gaps[:-1] == sorted(gaps[:-1])


_KEEP, _SENT, _ARRIVED, _FAILED = None, State.SENT, State.DELIVERED, State.FAILED
RECEIPTS = {
    # standing: (failed, delayed, relayed, delivered, complaint, unknown)
    "queued": (standing(State.QUEUED, attempts=0), (_KEEP, _KEEP, _KEEP, _ARRIVED, _ARRIVED, _KEEP)),
    "sending": (standing(State.SENDING), (_KEEP,) * 6),
    "retry": (standing(State.RETRY), (_KEEP, _KEEP, _KEEP, _ARRIVED, _ARRIVED, _KEEP)),
    "retry after a doubt": (
        standing(State.RETRY, doubts=1),
        (_FAILED, _SENT, _SENT, _ARRIVED, _ARRIVED, _KEEP),
    ),
    "in doubt": (in_doubt(9), (_FAILED, _SENT, _SENT, _ARRIVED, _ARRIVED, _KEEP)),
    "sent": (standing(State.SENT, ended_at=NOW), (_FAILED, _KEEP, _KEEP, _ARRIVED, _ARRIVED, _KEEP)),
    "delivered": (standing(State.DELIVERED, ended_at=NOW), (_KEEP,) * 6),
    "failed": (
        standing(State.FAILED, ended_at=NOW, reason="mailbox_full"),
        (_KEEP, _KEEP, _KEEP, _ARRIVED, _ARRIVED, _KEEP),
    ),
    "unsure": (
        standing(State.FAILED, ended_at=NOW, reason=UNSURE, doubts=2),
        (_FAILED, _SENT, _SENT, _ARRIVED, _ARRIVED, _KEEP),
    ),
}


@pytest.mark.parametrize("name", RECEIPTS)
def test_what_a_receipt_comes_to(name: str) -> None:
    was, expected = RECEIPTS[name]
    kinds: tuple[BounceKind, ...] = ("failed", "delayed", "relayed", "delivered", "complaint", "unknown")
    for kind, state in zip(kinds, expected, strict=True):
        now = course.after_receipt(was, kind, "address_unknown", NOW)
        assert now.state == (state or was.state), kind
        assert (now == was) == (state is None), kind
        if state == State.FAILED:
            assert now.reason == "address_unknown"


@pytest.mark.parametrize("state", State)
def test_by_hand_only_where_there_is_something_to_try(state: State) -> None:
    was = standing(state, attempts=3, doubts=1, reason="mailbox_full", ended_at=NOW)
    now = course.by_hand(was, NOW, timedelta(days=3))
    if state not in (State.FAILED, State.IN_DOUBT, State.RETRY):
        assert now is None
        return
    assert now is not None
    assert (now.state, now.attempts, now.doubts, now.reason, now.ended_at) == (State.QUEUED, 0, 0, "", None)
    assert (now.due_at, now.deadline_at) == (NOW, NOW + timedelta(days=3))


def test_a_touchpoint_is_left_for_what_people_would_be_told() -> None:
    away = Outcome(Ending.UNREACHED, "unreachable")
    first = course.held(standing(), "unreachable", NOW + timedelta(minutes=1), NOW)
    assert course.touchpoint(standing(), first, away) == "delivery.retry"
    assert course.touchpoint(standing(reason="unreachable"), first, away) == ""
    assert course.touchpoint(first, replace(first, due_at=NOW + timedelta(hours=1))) == ""
    refused = Outcome(Ending.TEMPORARY, "not_now")
    again = after(standing(reason="not_now"), Ending.TEMPORARY, "not_now")
    assert course.touchpoint(standing(reason="not_now"), again, refused) == "delivery.retry"
    assert course.touchpoint(standing(), after(standing(), Ending.UNMADE), Outcome(Ending.UNMADE)) == ""
    assert course.touchpoint(standing(), after(standing(), Ending.SENT)) == "delivery.sent"


class Course(RuleBasedStateMachine):
    """Anything may happen to a delivery, in any order; whatever did, it can be brought to an end in a few steps."""

    def __init__(self) -> None:
        super().__init__()
        self.at = NOW
        self.limits = Limits(attempts=4, first_wait=10, longest_wait=3600, doubt_wait=60)
        self.now = Standing(state=State.QUEUED, due_at=NOW, deadline_at=NOW + timedelta(hours=6))
        self.arrived = False

    def become(self, now: Standing) -> None:
        if self.now.state == State.READ:
            assert now == self.now, "read is final"
        if self.now.state == State.DELIVERED:
            assert now == self.now or now.state == State.READ, "arrived is final, but that it was read"
        self.now = now

    @rule(seconds=st.sampled_from([0.1, 1, 30, 60, 600, 7200, 100_000]))
    def time_passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    @precondition(lambda self: self.now.state in (State.QUEUED, State.RETRY) and self.now.due_at <= self.at)
    @rule()
    def a_worker_takes_it(self) -> None:
        self.become(course.begin(self.now, self.at + timedelta(seconds=30)))

    @precondition(lambda self: self.now.state == State.SENDING)
    @rule(
        ending=st.sampled_from(Ending),
        reason=st.sampled_from(["not_now", "address_unknown", "unreachable"]),
        dice=st.floats(0, 1, exclude_max=True),
        wish=st.none() | st.integers(0, 10_000),
    )
    def the_call_returns(self, ending: Ending, reason: str, dice: float, wish: int | None) -> None:
        outcome = Outcome(ending, reason, retry_after=wish)
        self.become(course.after_call(self.now, outcome, self.at, self.limits, lambda: dice))

    @precondition(lambda self: self.now.state == State.SENDING and self.now.due_at <= self.at)
    @rule()
    def the_worker_was_killed(self) -> None:
        self.become(course.doubt(self.now, self.at, self.limits))

    @precondition(lambda self: self.now.state == State.IN_DOUBT and self.now.due_at <= self.at)
    @rule(taken=st.sampled_from([True, False, None]))
    def somebody_looks(self, taken: bool | None) -> None:
        self.become(course.after_look(self.now, taken, self.at, self.limits))

    @precondition(lambda self: self.now.state in (State.QUEUED, State.RETRY))
    @rule(rest=st.integers(1, 300))
    def the_provider_is_away(self, rest: int) -> None:
        self.become(course.held(self.now, "unreachable", self.at + timedelta(seconds=rest), self.at))

    @rule(kind=st.sampled_from(KINDS))
    def a_receipt_comes(self, kind: BounceKind) -> None:
        self.become(course.after_receipt(self.now, kind, "mailbox_full", self.at))

    @rule()
    def somebody_tries_again(self) -> None:
        again = course.by_hand(self.now, self.at, timedelta(hours=6))
        if again is not None:
            assert self.now.state not in (State.DELIVERED, State.READ)
            self.now = again

    @invariant()
    def it_stays_within_its_bounds(self) -> None:
        now = self.now
        assert 0 <= now.attempts <= self.limits.attempts
        assert 0 <= now.doubts <= course.DOUBTS
        assert now.ended == (now.ended_at is not None)
        assert (now.doubt_until is not None) == (now.state == State.IN_DOUBT)
        assert now.reason in course.REASONS | {""}
        assert now.state != State.FAILED or now.reason
        assert now.state not in (State.SENT, State.DELIVERED, State.READ) or not now.reason
        if now.state in (State.QUEUED, State.RETRY, State.IN_DOUBT):
            assert now.due_at <= max(self.at, now.deadline_at, now.doubt_until or self.at)

    def teardown(self) -> None:
        """The worst provider there is: every call is lost, every question stays unanswered."""
        now, at = self.now, self.at
        for _ in range(100):
            if now.ended:
                return
            at = max(at, now.due_at)
            if now.state == State.SENDING:
                now = course.doubt(now, at, self.limits)
            elif now.state == State.IN_DOUBT:
                now = course.after_look(now, None, at, self.limits)
            else:
                now = course.begin(now, at + timedelta(seconds=30))
        raise AssertionError(f"no end: {now}")


Course.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestCourse = Course.TestCase
