"""How a call went is the same whatever the order in which it was told, and however often."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wasl.calls.course import Event, course

START = datetime(2026, 2, 16, 9, 0, tzinfo=UTC)


def event(step: str, seconds: int, **params: str) -> Event:
    return Event(step, START + timedelta(seconds=seconds), params)


TAKEN = [
    event("incoming", 0, CallStatus="ringing"),
    event("consent", 6, Digits="1"),
    event("screen", 12, agent="a1"),
    event("accepted", 15, agent="a1", Digits="1"),
    event("dialled", 60, DialCallStatus="completed", DialBridged="true", DialCallDuration="45"),
    event("status", 61, CallStatus="completed", Timestamp="Mon, 16 Feb 2026 09:01:01 +0000"),
    event("recording", 70, RecordingUrl="https://p.example/RE1", RecordingDuration="45"),
]
LEFT = [
    event("incoming", 0, CallStatus="ringing"),
    event("screen", 12, agent="a1"),
    event("accepted", 15, agent="a1", Digits=""),
    event("dialled", 20, DialCallStatus="no-answer"),
    event("left", 40, RecordingUrl="https://p.example/RE2", RecordingDuration="12"),
    event("status", 41, CallStatus="completed"),
    event("recording", 45, RecordingUrl="https://p.example/RE2", RecordingDuration="12", machine="1"),
]
CLOSED = [event("incoming", 0, why="closed"), event("status", 9, CallStatus="completed")]
PLACED = [
    event("bridge", 5, CallStatus="in-progress"),
    event("bridged", 50, DialCallStatus="completed", DialCallDuration="30"),
    event("status", 51, CallStatus="completed"),
]


@given(st.sampled_from([TAKEN, LEFT, CLOSED]), st.data())
def test_any_order_any_number_of_times(events: list[Event], data: st.DataObject) -> None:
    told = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events), max_size=4))]))
    assert course(told, inbound=True) == course(events, inbound=True)


@given(st.sampled_from([TAKEN, LEFT, CLOSED]), st.data())
def test_half_of_it_never_says_more_than_all_of_it(events: list[Event], data: st.DataObject) -> None:
    known = data.draw(st.lists(st.sampled_from(events), min_size=1, unique_by=id))
    part, full = course(known, inbound=True), course(events, inbound=True)
    if part.whole:
        assert (part.agent, part.voicemail, part.recorded and part.recording) == (
            full.agent, full.voicemail, part.recorded and full.recording,
        )  # fmt: skip
    assert part.agent in ("", full.agent)


def test_what_they_come_to() -> None:
    taken = course(TAKEN, inbound=True)
    assert (taken.outcome, taken.agent, taken.seconds, taken.consent) == ("reached", "a1", 45, "given")
    assert (taken.recording, taken.voicemail, taken.why, taken.whole) == (
        "https://p.example/RE1",
        False,
        "",
        True,
    )
    left = course(LEFT, inbound=True)
    assert (left.outcome, left.agent, left.why, left.recorded) == ("voicemail", "", "unanswered", 12)
    closed = course(CLOSED, inbound=True)
    assert (closed.outcome, closed.why, closed.whole) == ("no_answer", "closed", False)
    hung_up = course([LEFT[0], CLOSED[1]], inbound=True)
    assert (hung_up.outcome, hung_up.why) == ("no_answer", "left")


def test_calls_that_we_placed() -> None:
    spoke = course(PLACED, inbound=False)
    assert (spoke.outcome, spoke.seconds, spoke.why) == ("reached", 30, "")
    unheard = course([event("status", 30, CallStatus="no-answer")], inbound=False)
    assert (unheard.outcome, unheard.why) == ("failed", "nobody")
    given_up = course([PLACED[0], PLACED[2]], inbound=False)
    assert (given_up.outcome, given_up.why) == ("no_answer", "")
    odd = course([PLACED[0], event("bridged", 9, DialCallStatus="exploded")], inbound=False)
    assert odd.outcome == "failed"
