"""How a call went, worked out from everything that was said of it. Pure.

The provider's webhooks come in any order, twice, or not at all. So nothing is counted up: each time, all events of a
call are read together, and the same events in another order say the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from wasl.calls.models import Outcome
from wasl.channels.voice.hook import FINAL, taken
from wasl.channels.voice.twiml import KEEP


@dataclass(frozen=True, slots=True)
class Event:
    """One webhook: its step, when it came, and its fields."""

    step: str
    at: datetime
    params: Mapping[str, str]

    def text(self, name: str) -> str:
        """A field; '' where it is not there."""
        return self.params.get(name, "")

    def number(self, name: str) -> int:
        """A field that is a whole number; 0 for none."""
        value = self.text(name)
        return int(value) if value.isdecimal() and len(value) < 10 else 0

    @property
    def when(self) -> datetime:
        """When it happened: as the provider's clock says (RFC 2822), else when it came."""
        try:
            said = parsedate_to_datetime(self.text("Timestamp"))
        except ValueError:
            return self.at
        return said if said.tzinfo else said.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Course:
    """What is known of a call. `agent` took it; `why` it was missed; `voicemail`: they left a message, which is then
    the `recording`; `whole`: nothing that matters is still to come."""

    started_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    agent: str = ""
    seconds: int = 0
    outcome: str = ""
    why: str = ""
    whole: bool = False
    voicemail: bool = False
    consent: str = ""
    recording: str = ""
    recorded: int = 0


def course(events: Sequence[Event], *, inbound: bool) -> Course:
    """The course of a call with at least one event."""
    events = sorted(events, key=lambda e: (e.when, e.step, sorted(e.params.items())))
    return _inbound(events) if inbound else _outbound(events)


def _inbound(events: Sequence[Event]) -> Course:
    took = next((e for e in events if e.step == "accepted" and e.text("Digits") == KEEP), None)
    dials = [e for e in events if e.step == "dialled"]
    talked = next((e for e in dials if taken(e.params)), None) if took else None
    why = next((e.text("why") for e in events if e.step == "incoming"), "")
    left = [e for e in events if _recorded(e, machine=True)]
    kept = left or [e for e in events if _recorded(e, machine=False)]
    ended = _ended(events) or talked or next((e for e in events if e.step == "left"), None)
    missed = not took and not talked
    heard = any(e.step == "incoming" for e in events)
    return Course(
        started_at=min(e.when for e in events),
        answered_at=took.when if took else None,
        ended_at=ended.when if ended else None,
        agent=took.text("agent") if took else "",
        seconds=talked.number("DialCallDuration") if talked else 0,
        outcome="" if not ended else _missed_or(missed, bool(left)),
        why=(why or ("unanswered" if dials else "left")) if missed else "",
        whole=bool(talked and took) or bool(left and heard and (why or dials)),
        voicemail=bool(left),
        consent=_consent(events),
        recording=max((e.text("RecordingUrl") for e in kept), default=""),
        recorded=max((e.number("RecordingDuration") for e in kept), default=0),
    )


def _missed_or(missed: bool, voicemail: bool) -> str:
    if not missed:
        return Outcome.REACHED
    return Outcome.VOICEMAIL if voicemail else Outcome.NO_ANSWER


_DIALS = {
    "completed": Outcome.REACHED,
    "busy": Outcome.BUSY,
    "no-answer": Outcome.NO_ANSWER,
    "canceled": Outcome.NO_ANSWER,
    "failed": Outcome.FAILED,
}


def _outbound(events: Sequence[Event]) -> Course:
    """The first leg is the agent's; the customer is dialled once they picked up."""
    bridged = next((e for e in events if e.step == "bridged"), None)
    picked = next((e for e in events if e.step == "bridge"), None)
    ended = bridged or _ended(events)
    outcome: str = ""
    if bridged:
        outcome = _DIALS.get(bridged.text("DialCallStatus"), Outcome.FAILED)
    elif ended:
        outcome = Outcome.NO_ANSWER if picked else Outcome.FAILED
    seconds = bridged.number("DialCallDuration") if bridged and outcome == Outcome.REACHED else 0
    return Course(
        started_at=min(e.when for e in events),
        answered_at=picked.when if picked else None,
        ended_at=ended.when if ended else None,
        seconds=seconds,
        outcome=outcome,
        why="" if picked or bridged or not ended else "nobody",
    )


def _ended(events: Sequence[Event]) -> Event | None:
    return next((e for e in events if e.step == "status" and e.text("CallStatus") in FINAL), None)


def _consent(events: Sequence[Event]) -> str:
    said = [e for e in events if e.step == "consent"]
    if not said:
        return ""
    return "given" if any(e.text("Digits") == KEEP for e in said) else "refused"


def _recorded(event: Event, *, machine: bool) -> bool:
    """Whether it brings a recording: of a message left on the machine, or of the call."""
    if event.step == "left":
        return machine and bool(event.text("RecordingUrl")) and event.number("RecordingDuration") > 0
    return (
        event.step == "recording"
        and bool(event.text("RecordingUrl"))
        and (event.text("machine") == KEEP) == machine
        and event.text("RecordingStatus") in ("", "completed")
    )
