"""The telephone exchange of the stand-in for voice: it asks Wasl what to do with a call, and does it with the people
who are on it: the customer on their phone, and the shop's telephones on the same page.

A call is an `Item` of kind "call"; what goes on in it is JSON in its `data` (`Course`). Source: Twilio, "TwiML for
Programmable Voice", "Call resource", "TwiML <Dial>", "TwiML <Record>".
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from email.utils import format_datetime
from typing import Any, Literal
from xml.etree import ElementTree

from wasl.kit.clock import now
from wasl.sandbox.chats import End, Item, Thread, Who
from wasl.sandbox.courier import ask
from wasl.sandbox.standins.sms import new_id, webhook
from wasl.sandbox.world import Act, World

GRACE = 10.0
"""Seconds that people on a page are given beyond what a telephone would wait for a key."""
RING = 30.0
_FRAME = b"\xff\xfb\x90\x64" + bytes(413)
"""A frame of silence in MP3 (ISO/IEC 11172-3: layer III, 128 kbit/s, 44.1 kHz): 1,152 samples."""
_FRAMES = 44_100 / 1_152

Phase = Literal["calling", "asked", "ringing", "talking", "machine", "ended"]


@dataclass
class Course:
    """Where a call stands. `legs`: [id, telephone, state] of the shop's telephones; `said`: what the customer
    heard; `end`: completed, no-answer, busy, canceled, failed; `seconds` that they talked; `message`: a recording
    of theirs."""

    phase: Phase = "calling"
    legs: list[list[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    end: str = ""
    seconds: int = 0
    message: str = ""

    @classmethod
    def of(cls, item: Item) -> "Course":
        """That of a call."""
        return cls(**json.loads(item.data or "{}"))


class HungUp(Exception):
    """The customer hung up."""


class NoWord(Exception):
    """Wasl did not say what to do."""


@dataclass
class Call:
    """A call that is under way."""

    world: World
    end: End
    person: str
    sid: str
    about: dict[str, str]
    course: Course = field(default_factory=Course)
    acts: "asyncio.Queue[Act]" = field(default_factory=asyncio.Queue)
    began: float = field(default_factory=time.monotonic)
    shown: bool = False
    """Whether it is on the customer's phone already."""
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def thread(self) -> Thread:
        """The customer's calls with the shop."""
        return Thread(self.end.channel, self.end.address, self.person)

    def note(self, **what: Any) -> None:
        """Something about it has changed: fields of `Course`; it is seen on the phone."""
        for name, value in what.items():
            setattr(self.course, name, value)
        if self.shown:
            self._write()

    def show(self, *, theirs: bool) -> None:
        """It appears on the customer's phone."""
        self.shown = True
        self.world.chats.add(self.thread, Item(self.sid, now().timestamp(), theirs, kind="call"))
        self._write()
        self.world.chats.change(self.thread, self.sid, state="delivered")

    def _write(self) -> None:
        self.world.chats.change(self.thread, self.sid, data=json.dumps(asdict(self.course)))

    async def ask(self, url: str, more: Mapping[str, str] | None = None) -> list[ElementTree.Element]:
        """Ask Wasl what to do; the verbs. Raises NoWord."""
        made = webhook(self.end, self.person, url, {**self.about, **(more or {})})
        status, body = await asyncio.to_thread(ask, "POST", made.url, made.body, made.headers)
        self._heard.set()
        try:
            if status != 200:
                raise NoWord(str(status))
            return list(ElementTree.fromstring(body))  # noqa: S314 - our own TwiML
        except ElementTree.ParseError as error:
            raise NoWord("no TwiML") from error

    def tell(self, url: str, form: Mapping[str, str]) -> None:
        """A callback: the courier brings it, with the faults that it is told to have."""
        self.world.courier.send(webhook(self.end, self.person, url, {**self.about, **form}))

    async def asked(self, patience: float) -> None:
        """Wait until Wasl was asked for the first time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), patience)

    async def next(self, *wanted: str, within: float) -> Act | None:
        """What somebody does; None when nobody does in time. Raises HungUp."""
        until = time.monotonic() + within
        while (left := until - time.monotonic()) > 0:
            try:
                act = await asyncio.wait_for(self.acts.get(), left)
            except TimeoutError:
                return None
            if act.do in wanted:
                return act
            if act.do == "hang_up":
                raise HungUp
        return None

    # Documents -----------------------------------------------------------------------------------------------

    async def go(self, url: str, more: Mapping[str, str] | None = None) -> None:
        """Ask, and do what Wasl says, to its end."""
        for verb in await self.ask(url, more):
            if await self._do(verb):
                return

    async def _do(self, verb: ElementTree.Element) -> bool:
        """Do one; whether the document is left by it."""
        match verb.tag:
            case "Say":
                await self._say(verb)
            case "Hangup":
                return True
            case "Redirect":
                await self.go(verb.text or "")
                return True
            case "Gather":
                return await self._gather(verb)
            case "Record":
                await self._record(verb)
                return True
            case "Dial":
                await (
                    self._dial_shop(verb)
                    if self.about["Direction"] == "inbound"
                    else self._dial_customer(verb)
                )
                return True
            case other:
                raise NoWord(other)
        return False

    async def _say(self, verb: ElementTree.Element) -> None:
        self.note(said=[*self.course.said, verb.text or ""][-4:])
        await asyncio.sleep(self.world.breath)

    async def _gather(self, verb: ElementTree.Element) -> bool:
        for say in verb:
            await self._say(say)
        self.note(phase="asked")
        pressed = await self.next("press", within=float(verb.get("timeout", "5")) + GRACE)
        self.note(phase="calling")
        if pressed:
            await self.go(verb.attrib["action"], {"Digits": pressed.key[:1]})
        return pressed is not None

    async def _record(self, verb: ElementTree.Element) -> None:
        """The answering machine: until they hang up or say that they are done. Who says nothing leaves nothing."""
        self.note(phase="machine")
        since = time.monotonic()
        done = await self.next("leave", "hang_up", within=float(verb.get("maxLength", "180")))
        files = done.files if done else ()
        seconds = int(time.monotonic() - since)
        if done and done.do == "leave":
            seconds = max(seconds, 1)
        if seconds < 1:
            raise HungUp
        kept = files[0] if files else silence(self.world, seconds)
        self.note(message=kept, phase="calling")
        told = self._recording(kept, seconds)
        if where := verb.get("recordingStatusCallback"):
            self.tell(where, {**told, "RecordingStatus": "completed"})
        await self.go(verb.attrib["action"], {**told, "Digits": "hangup"})

    def _recording(self, kept: str, seconds: int) -> dict[str, str]:
        base, account = str(self.end.config.get("base_url", "")).rstrip("/"), self.about["AccountSid"]
        sid = f"RE{int(kept):032x}"
        url = f"{base}/2010-04-01/Accounts/{account}/Recordings/{sid}"
        return {"RecordingUrl": url, "RecordingDuration": str(seconds), "RecordingSid": sid}

    # Telephones ----------------------------------------------------------------------------------------------

    async def _dial_shop(self, verb: ElementTree.Element) -> None:
        """Ring telephones of the shop, all at once, until one is picked up."""
        ends = {new_id("CA"): end for end in verb}
        self.note(
            phase="ringing", legs=[[id_, (end.text or "").strip(), "ringing"] for id_, end in ends.items()]
        )
        leg, state = await self._picked_up(ends, float(verb.get("timeout", RING)))
        result = {"DialCallStatus": state, "DialCallSid": leg}
        if state == "completed":
            result |= await self._talk(verb)
        self.note(phase="calling", legs=[])
        await self.go(verb.attrib["action"], result)

    async def _picked_up(self, ends: Mapping[str, ElementTree.Element], patience: float) -> tuple[str, str]:
        until, leg, states = time.monotonic() + patience, "", dict.fromkeys(ends, "ringing")
        while "ringing" in states.values():
            act = await self.next("take", "turn_down", within=until - time.monotonic())
            if act is None:
                return leg, "no-answer"
            if act.key not in states:
                continue
            leg = act.key
            took = act.do == "take" and await self._screened(leg, ends[leg])
            states[leg] = "talking" if took else "busy"
            shown = [[id_, to, states[id_]] for id_, to, _ in self.course.legs if not took or id_ == leg]
            self.note(legs=shown)
            if took:
                return leg, "completed"
        return leg, "busy"

    async def _screened(self, leg: str, end: ElementTree.Element) -> bool:
        """Whoever picks up hears Wasl's question first, and presses the key."""
        if "url" not in end.attrib:
            return True
        about = {
            "CallSid": leg, "ParentCallSid": self.sid, "From": self.about["From"], "To": end.text or "",
            "Direction": "outbound-dial", "CallStatus": "in-progress",
        }  # fmt: skip
        gather = next(
            (verb for verb in await self.ask(end.attrib["url"], about) if verb.tag == "Gather"), None
        )
        if gather is None:
            return False
        return not await self.ask(gather.attrib["action"], {**about, "Digits": "1"})

    async def _talk(self, verb: ElementTree.Element) -> dict[str, str]:
        """Both talk until one hangs up; what is told of it."""
        since = time.monotonic()
        self.note(phase="talking", said=[])
        await self.next("end", "hang_up", within=4 * 3600.0)
        seconds = max(1, round(time.monotonic() - since))
        self.note(seconds=seconds)
        if verb.get("record") and (where := verb.get("recordingStatusCallback")):
            told = self._recording(silence(self.world, seconds), seconds)
            self.tell(where, {**told, "RecordingStatus": "completed"})
        return {"DialCallDuration": str(seconds), "DialBridged": "true"}

    async def _dial_customer(self, verb: ElementTree.Element) -> None:
        """The customer's phone rings."""
        [number] = [(end.text or "").strip() for end in verb]
        self.person, self.course = number, Course(phase="ringing")
        self.show(theirs=False)
        act = await self.next("answer", "decline", within=float(verb.get("timeout", RING)))
        state = "no-answer" if act is None else "completed" if act.do == "answer" else "busy"
        result = {"DialCallStatus": state, "DialCallSid": new_id("CA")}
        if act is not None:
            self.world.chats.change(self.thread, self.sid, state="read")
        if state == "completed":
            result |= await self._talk(verb)
        self.note(phase="ended", end=state)
        await self.go(verb.attrib["action"], result)


def stamp() -> str:
    """RFC 2822."""
    return format_datetime(now())


def silence(world: World, seconds: int) -> str:
    """A recording of nothing, so long: on this telephone nobody is heard."""
    return world.files.put(_FRAME * int(seconds * _FRAMES + 1), "audio/mpeg", "recording.mp3")


class Exchange:
    """Every call that is under way."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.calls: dict[str, Call] = {}

    def begin(self, end: End, who: Who) -> None:
        """A customer rings the shop up."""
        sid = new_id("CA")
        about = {
            "CallSid": sid, "AccountSid": str(end.config.get("account_sid", "")), "From": who.address,
            "To": end.address, "Direction": "inbound", "ApiVersion": "2010-04-01",
        }  # fmt: skip
        call = Call(self._world, end, who.address, sid, about)
        call.show(theirs=True)
        self.calls[sid] = call
        self._world.go(self._in(call))

    async def _in(self, call: Call) -> None:
        state = "completed"
        try:
            await call.go(call.end.webhook, {"CallStatus": "ringing"})
        except HungUp:
            pass
        except NoWord:
            state = "failed"
        talked = call.course.seconds > 0
        call.note(phase="ended", end=state if talked or state == "failed" else "no-answer")
        self._over(call, call.end.webhook, state)

    def place(self, end: End, form: Mapping[str, str]) -> Call:
        """Wasl has a call placed: first to one of the shop's own telephones."""
        sid = new_id("CA")
        about = {
            "CallSid": sid, "AccountSid": str(end.config.get("account_sid", "")), "From": end.address,
            "To": form["To"], "Direction": "outbound-api", "ApiVersion": "2010-04-01",
        }  # fmt: skip
        call = self.calls[sid] = Call(self._world, end, form["To"], sid, about)
        return call

    async def connect(
        self, call: Call, form: Mapping[str, str], wait: float = 0.0, *, fails: bool = False
    ) -> None:
        """The shop's telephone is picked up at once, by whoever asked for the call; then the customer's rings."""
        state = "completed"
        await asyncio.sleep(self._world.breath + wait)
        try:
            if fails:
                raise NoWord("the line is dead")
            await call.go(form["Url"], {"CallStatus": "in-progress"})
        except HungUp:
            call.note(phase="ended", end="canceled")
        except NoWord:
            state = "failed"
        self._over(call, form.get("StatusCallback", ""), state)

    def _over(self, call: Call, url: str, state: str) -> None:
        self.calls.pop(call.sid, None)
        lasted = str(max(1, round(time.monotonic() - call.began)))
        if url:
            call.tell(url, {"CallStatus": state, "CallDuration": lasted, "Timestamp": stamp()})

    def act(self, act: Act) -> None:
        """Somebody does something in a call; in one that is over, nothing comes of it."""
        if call := self.calls.get(act.of):
            call.acts.put_nowait(act)

    def tidy(self) -> None:
        """Calls that an earlier process was in are over."""
        chats = self._world.chats
        for thread in chats.threads():
            for item in chats.items(thread) if thread.channel == "voice" else ():
                course = Course.of(item)
                if course.phase != "ended":
                    course.phase, course.end = "ended", "failed"
                    chats.change(thread, item.id, data=json.dumps(asdict(course)))
