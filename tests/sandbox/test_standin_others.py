"""The stand-ins that are no chats by HTTP: the telephone, the message centre and the print provider."""

import json
import threading
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.sandbox.stand import Stand, Wasl, until
from wasl.channels.base import InDoubt, ParsedMessage, PermanentFailure, TemporaryFailure, Unreached
from wasl.channels.port import OutboundChat, Report, Request, Settings
from wasl.channels.post.address import postal
from wasl.channels.registry import channels
from wasl.channels.voice import line, twiml
from wasl.channels.voice.hook import told
from wasl.channels.voice.twiml import Agent, Plan
from wasl.sandbox.chats import End, Item, Thread
from wasl.sandbox.network import Mode, Rule, person_on, provider_of
from wasl.sandbox.phone import who_on
from wasl.sandbox.standins import standins
from wasl.sandbox.standins._calls import Course

NUMBER = "33639980001"
LEILA, YUSUF = "+33639980021", "+33639980022"


class Desk:
    """An inbox of ours at a stand-in, and Nadia's phone."""

    def __init__(self, name: str, stand: Stand, wasl: Wasl) -> None:
        self.name, self.stand, self.wasl, self.channel = name, stand, wasl, channels()[name]
        self.who = who_on(name, NUMBER, "Nadia Fassi")
        fields = self.channel.fields
        example = {key: value.format(port=stand.http_port) for key, value in standins()[name].example.items()}
        config = {f.name: f.default for f in fields if f.kind != "secret"} | example
        config |= {"base_url": stand.url(name)}
        secrets = {f.name: f"s-{f.name}" for f in fields if f.kind == "secret"}
        self.address = config.pop("address")
        self.settings = Settings(self.address, config, secrets, private=True, webhook=wasl.url)
        stand.provider.world.ends.put(End(name, self.address, "Dar Zaytun", wasl.url, config, secrets))
        assert standins()[name].here(config, stand.url(name))

    def play(self, do: str, **what: Any) -> None:
        assert self.stand.play(self.name, self.address, (self.who.address, self.who.name), do, **what) == 204

    def items(self) -> list[Item]:
        return self.stand.provider.world.chats.items(Thread(self.name, self.address, self.who.address))

    def behave(self, mode: Mode, key: str = "", after: float = 0.05) -> None:
        self.stand.network.set(Rule(mode, True, after), key or person_on(self.name, self.who.address))

    def reports(self) -> list[Report]:
        """What its webhooks have said, each of them genuine."""
        assert self.channel.hook
        found = []
        for request in self.wasl.got:
            assert self.channel.hook.genuine(request, self.settings)
            found += [self.channel.parse(slip.content) for slip in self.channel.hook.split(request)]
        return [each for each in found if isinstance(each, Report)]


# The telephone ---------------------------------------------------------------------------------------------------


class Answering:
    """Wasl's side of a call, with two agents on duty."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.wasl.say = self.say
        self.steps: list[str] = []

    def say(self, request: Request) -> str:
        query = dict(parse_qsl(urlsplit(request.url).query))
        request = Request("POST", request.url, query, request.headers, request.body)
        assert self._desk.channel.hook
        assert self._desk.channel.hook.genuine(request, self._desk.settings)
        event = told(request)
        self.steps.append(event.step)
        agents = (Agent("a1", LEILA, "en"), Agent("a2", YUSUF, "ar"))
        plan = Plan(
            base=self._desk.wasl.url, of=event.ref, language="fr", business="Dar Zaytun", number=self._desk.address,
            is_open=True, agents=agents, ask=True,
        )  # fmt: skip
        match event.step:
            case "incoming":
                return twiml.incoming(plan)
            case "consent":
                return twiml.consented(plan, event.params.get("Digits", ""))
            case "dialled":
                taken = event.params["DialCallStatus"] == "completed"
                return twiml.dialled(plan, taken=taken, turn=0, record=False)
            case "screen":
                return twiml.screen(plan, event.params["agent"])
            case "accepted":
                return twiml.accepted(event.params["Digits"])
            case "left":
                return twiml.left(plan)
            case "bridge":
                return twiml.bridge(plan, f"+{NUMBER}", event.params["call"])
            case _:
                return twiml.NOTHING


def course(desk: Desk) -> Course:
    return Course.of(desk.items()[-1])


def phase(desk: Desk, name: str) -> Course:
    until(lambda: desk.items() and course(desk).phase == name)
    return course(desk)


def test_a_customer_rings_up_and_is_answered(stand: Stand, wasl: Wasl) -> None:
    desk = Desk("voice", stand, wasl)
    answering = Answering(desk)
    desk.play("call")
    assert "Dar Zaytun" in " ".join(phase(desk, "asked").said)
    sid = desk.items()[-1].id
    desk.play("press", of=sid, key="1")
    legs = phase(desk, "ringing").legs
    assert [(to, state) for _, to, state in legs] == [(LEILA, "ringing"), (YUSUF, "ringing")]
    desk.play("turn_down", of=sid, key=legs[0][0])
    desk.play("take", of=sid, key=legs[1][0])
    assert [to for _, to, _ in phase(desk, "talking").legs] == [YUSUF]
    desk.play("hang_up", of=sid)
    assert phase(desk, "ended").end == "completed"
    assert course(desk).seconds >= 1
    until(lambda: {"status", "recording"} <= set(answering.steps))
    steps = [
        each for each in answering.steps if each != "recording"
    ]  # to which they agreed; told when it is ready
    assert steps[:5] == ["incoming", "consent", "screen", "accepted", "dialled"]
    cost = line.cost(desk.settings, sid)
    assert cost
    assert cost.currency == "USD"


def test_nobody_takes_the_call_and_they_leave_a_message(stand: Stand, wasl: Wasl) -> None:
    desk = Desk("voice", stand, wasl)
    answering = Answering(desk)
    desk.behave(Mode.TWICE)
    desk.play("call")
    phase(desk, "asked")
    sid = desk.items()[-1].id
    desk.play("press", of=sid, key="2")
    for leg, _, _ in phase(desk, "ringing").legs:
        desk.play("turn_down", of=sid, key=leg)
    phase(desk, "machine")
    desk.play("leave", of=sid)
    phase(desk, "ended")
    assert course(desk).message
    until(lambda: "status" in answering.steps and answering.steps.count("recording") == 2)
    told_of = next(dict(parse_qsl(r.body.decode())) for r in wasl.got if b"RecordingUrl" in r.body)
    fetched = line.fetch(desk.settings, {"url": told_of["RecordingUrl"]})
    assert (fetched.content[:2], fetched.content_type) == (b"\xff\xfb", "audio/mpeg")


def test_a_call_back_rings_the_phone(stand: Stand, wasl: Wasl) -> None:
    desk = Desk("voice", stand, wasl)
    answering = Answering(desk)
    for mode, failure in ((Mode.REFUSE, PermanentFailure), (Mode.RATE_LIMIT_WAIT, TemporaryFailure),
                          (Mode.BREAK, InDoubt)):  # fmt: skip
        desk.behave(mode, provider_of("voice"))
        with pytest.raises(failure):
            line.place(desk.settings, LEILA, "call-0")
    assert answering.steps == []
    for do, end in (("decline", "busy"), ("answer", "completed")):
        desk.behave(Mode.EARLY, provider_of("voice"))
        line.place(desk.settings, LEILA, "call-1")
        assert "bridge" in answering.steps, "it was asked before the answer came"
        phase(desk, "ringing")
        desk.play(do, of=desk.items()[-1].id)
        if do == "answer":
            phase(desk, "talking")
            desk.play("end", of=desk.items()[-1].id)
        assert phase(desk, "ended").end == end
        until(lambda: answering.steps[-1] == "status")
        assert answering.steps[-2:] == ["bridged", "status"]
        answering.steps.clear()


# The message centre ----------------------------------------------------------------------------------------------


def test_a_text_goes_there_and_back_over_smpp(stand: Stand, wasl: Wasl) -> None:
    desk = Desk("smpp", stand, wasl)
    assert desk.channel.probe
    assert desk.channel.listen
    assert desk.channel.line
    assert [step.detail for step in desk.channel.probe(desk.settings) if not step.fine] == []
    got: list[Any] = []
    stop = threading.Event()
    take = lambda slips: got.extend(desk.channel.parse(each.content) for each in slips)  # noqa: E731
    ear = threading.Thread(target=desk.channel.listen, args=(desk.settings, take, stop))
    ear.start()
    sends = desk.channel.line(desk.settings)
    try:
        desk.play("write", text="السلام عليكم، أين وصلت طلبيتي؟")
        until(lambda: len(got) == 1)
        assert isinstance(got[0], ParsedMessage)
        assert (got[0].sender.address, got[0].text) == (f"+{NUMBER}", "السلام عليكم، أين وصلت طلبيتي؟")
        until(lambda: desk.items()[0].state == "delivered")

        long = "Bonjour Nadia, votre commande est partie ce matin. " * 6
        message = OutboundChat(delivery="d1", to=f"+{NUMBER}", text=long.strip())
        ref = sends.send(message).provider_ref
        until(lambda: len(got) == 2)
        assert (got[1].kind, got[1].ref) == ("delivered", ref)
        assert (desk.items()[-1].text, desk.items()[-1].state) == (long.strip(), "delivered")

        short = OutboundChat(delivery="d2", to=f"+{NUMBER}", text="À demain")
        for mode, failure in ((Mode.RATE_LIMIT, TemporaryFailure), (Mode.REFUSE, PermanentFailure),
                              (Mode.LOSE_ANSWER, InDoubt)):  # fmt: skip
            desk.behave(mode)
            with pytest.raises(failure):
                sends.send(short)
        assert sum(each.text == "À demain" for each in desk.items()) == 1, "it was taken, and the answer lost"
        desk.behave(Mode.BOUNCE)
        ref = sends.send(short).provider_ref
        until(lambda: got[-1].ref == ref)
        assert got[-1].kind == "failed"
    finally:
        sends.close()
        stop.set()
        ear.join(60)
    wrong = Settings(desk.address, desk.settings.config, {"password": "other"}, private=True, webhook="")
    with pytest.raises(Unreached):
        desk.channel.line(wrong).send(short)


# Letters ---------------------------------------------------------------------------------------------------------


def test_a_letter_is_printed_once_and_comes_into_the_letterbox(stand: Stand, wasl: Wasl) -> None:
    desk = Desk("post", stand, wasl)
    assert desk.channel.line
    sends = desk.channel.line(desk.settings)
    to = postal("NADIA  Fassi\n4 rue du Port\n13002 Marseille", "FR").key
    letter = OutboundChat(delivery="l-1", to=to, text="Madame,\n\nvoici votre facture.", language="fr")
    for mode, failure in ((Mode.REFUSE, PermanentFailure), (Mode.RATE_LIMIT, TemporaryFailure),
                          (Mode.BREAK, InDoubt), (Mode.LOSE_ANSWER, InDoubt)):  # fmt: skip
        desk.behave(mode)
        with pytest.raises(failure):
            sends.send(letter)
    assert sends.send(letter).provider_ref == "L-l-1", "they have it already"
    until(lambda: len(desk.reports()) == 2)
    [item] = desk.items()
    kept = stand.provider.world.files.get(item.files[0])
    assert kept
    assert kept.read().startswith(b"%PDF-")
    assert [(each.kind, each.delivery) for each in desk.reports()] == [("sent", "l-1"), ("delivered", "l-1")]
    desk.play("read")
    assert desk.items()[0].state == "read"

    desk.behave(Mode.BOUNCE)
    sends.send(OutboundChat(delivery="l-2", to=to, text="Encore.", language="fr"))
    until(lambda: len(desk.reports()) == 4)
    assert (desk.reports()[-1].kind, desk.reports()[-1].code) == ("failed", "returned")
    assert json.loads(item.data)["lines"][0] == "NADIA Fassi"
