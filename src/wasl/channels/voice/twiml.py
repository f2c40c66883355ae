"""What a provider is told to do with a call: TwiML documents. Pure.

Source: Twilio, "TwiML for Programmable Voice" (Say, Gather, Dial, Number, Sip, Record, Redirect, Hangup). Every address
that is given out carries the call it belongs to (`of`), because a leg of its own has another id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from wasl.channels.voice import words

RING = 20
"""Seconds for which an agent's telephone rings."""
LONGEST_MESSAGE = 180
"""Seconds of a voice message."""
SILENCE = 5
"""Seconds of silence that end it; and for which a key is waited for."""
KEEP = "1"
"""The key that says yes."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody on duty: their id, and the number or SIP address they are rung up at."""

    id: str
    address: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known when a call must be answered. `base` is the address of the inbox's webhook, `of` the call's id.

    `in_turn`: agents are rung one after the other instead of all at once. `ask`: for leave to record.
    """

    base: str
    of: str
    language: str
    business: str
    number: str
    is_open: bool
    agents: tuple[Agent, ...] = ()
    in_turn: bool = False
    ask: bool = False

    @property
    def why(self) -> str:
        """Why nobody is rung: closed, nobody; '' when somebody is."""
        return "closed" if not self.is_open else "" if self.agents else "nobody"

    def url(self, step: str, **more: str) -> str:
        """Where the provider goes on."""
        return f"{self.base}/{step}?{urlencode({'of': self.of, **more})}"


NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


def document(*verbs: str) -> str:
    """The verbs as a document."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Response>{"".join(verbs)}</Response>' if verbs else NOTHING
    )


def incoming(plan: Plan) -> str:
    """A call comes in: greet, and ask, ring, or take a message."""
    hello = _say(plan, _greeting(plan))
    if plan.why:
        return document(hello, *_machine(plan, words.CLOSED if plan.why == "closed" else words.NOBODY))
    if plan.ask:
        question = _say(plan, words.said(words.ASK, plan.language))
        return document(hello, _gather(plan.url("consent"), question), _redirect(plan.url("consent")))
    return document(hello, _say(plan, words.said(words.CONNECT, plan.language)), _dial(plan, 0, record=False))


def consented(plan: Plan, digits: str) -> str:
    """They said whether the call may be recorded."""
    if not plan.agents:
        return document(*_machine(plan, words.NOBODY))
    thanks = _say(plan, words.said(words.CONNECT, plan.language))
    return document(thanks, _dial(plan, 0, record=digits == KEEP))


def dialled(plan: Plan, *, taken: bool, turn: int, record: bool) -> str:
    """Agents were rung: done, the next one, or a message."""
    if taken:
        return document("<Hangup/>")
    if plan.in_turn and turn + 1 < len(plan.agents):
        return document(_dial(plan, turn + 1, record=record))
    return document(*_machine(plan, words.NOBODY))


def screen(plan: Plan, agent: str) -> str:
    """An agent picked up: so that no answering machine of theirs takes the call, they press a key."""
    question = _say(plan, words.said(words.SCREEN, plan.language))
    return document(_gather(plan.url("accepted", agent=agent), question), "<Hangup/>")


def accepted(digits: str) -> str:
    """They pressed it, and are connected by the document's end, or did not."""
    return NOTHING if digits == KEEP else document("<Hangup/>")


def left(plan: Plan) -> str:
    """A message was left."""
    return document(_say(plan, words.said(words.THANKS, plan.language)), "<Hangup/>")


def bridge(plan: Plan, to: str, call: str) -> str:
    """An agent who wants to call a customer picked up: call the customer."""
    dial = (
        f'<Dial callerId={quoteattr(plan.number)} answerOnBridge="true" timeout="30"'
        f" action={quoteattr(plan.url('bridged', call=call))}><Number>{escape(to)}</Number></Dial>"
    )
    return document(_say(plan, words.said(words.BRIDGE, plan.language)), dial)


def _greeting(plan: Plan) -> str:
    if not plan.business:
        return words.said(words.WELCOME, plan.language)
    return words.said(words.GREETING, plan.language, business=plan.business)


def _say(plan: Plan, text: str) -> str:
    tag, voice = words.VOICES.get(plan.language, words.VOICES["en"])
    return f'<Say language="{tag}" voice="{voice}">{escape(text)}</Say>'


def _gather(url: str, inner: str) -> str:
    return f'<Gather numDigits="1" timeout="{SILENCE}" action={quoteattr(url)}>{inner}</Gather>'


def _redirect(url: str) -> str:
    return f"<Redirect>{escape(url)}</Redirect>"


def _dial(plan: Plan, turn: int, *, record: bool) -> str:
    rung: Sequence[Agent] = plan.agents[turn : turn + 1] if plan.in_turn else plan.agents
    kept = {"record": KEEP} if record else {}
    attributes = [
        f'timeout="{RING}"',
        'answerOnBridge="true"',
        f"action={quoteattr(plan.url('dialled', turn=str(turn), **kept))}",
    ]
    if record:
        where = quoteattr(plan.url("recording"))
        attributes.append(f'record="record-from-answer-dual" recordingStatusCallback={where}')
    return f"<Dial {' '.join(attributes)}>{''.join(_end(plan, agent) for agent in rung)}</Dial>"


def _end(plan: Plan, agent: Agent) -> str:
    name = "Sip" if agent.address.lower().startswith(("sip:", "sips:")) else "Number"
    where = quoteattr(plan.url("screen", agent=agent.id, language=agent.language))
    return f"<{name} url={where}>{escape(agent.address)}</{name}>"


def _machine(plan: Plan, why: Mapping[str, str]) -> list[str]:
    """Why nobody answers, and a message after the tone."""
    text = f"{words.said(why, plan.language)} {words.said(words.MACHINE, plan.language)}"
    told = quoteattr(plan.url("recording", machine=KEEP))
    record = (
        f'<Record maxLength="{LONGEST_MESSAGE}" timeout="{SILENCE}" playBeep="true"'
        f" action={quoteattr(plan.url('left'))} recordingStatusCallback={told}/>"
    )
    return [_say(plan, text), record, "<Hangup/>"]
