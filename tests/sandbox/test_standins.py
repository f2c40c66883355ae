"""Every stand-in against its channel's own code: what a customer does is understood, what is sent arrives, and calls
that go wrong end as the channel says. WhatsApp's peculiarities are in test_standin_whatsapp.py."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.stand import Stand, Wasl, until
from wasl.channels.base import InDoubt, ParsedMessage, PermanentFailure, TemporaryFailure, Unreached
from wasl.channels.port import Change, Choice, Nothing, OutboundChat, Parsed, Report, Settings, Upload
from wasl.channels.registry import channels
from wasl.sandbox.chats import End, Item, Thread, Who
from wasl.sandbox.network import Mode, Rule, person_on
from wasl.sandbox.phone import who_on
from wasl.sandbox.standins import standins

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
PLAYED = [
    name for name, each in standins().items()
    if "write" in each.acts and name in channels() and channels()[name].hook
]  # fmt: skip
NUMBER = "33639980001"


class Talk:
    """A customer on a channel's stand-in, and Wasl's end of it."""

    def __init__(self, name: str, stand: Stand, wasl: Wasl) -> None:
        self.name, self.stand, self.wasl = name, stand, wasl
        self.channel, self.standin = channels()[name], standins()[name]
        self.who: Who = who_on(name, NUMBER, "Nadia Fassi")
        fields = self.channel.fields
        config = {f.name: f.default for f in fields if f.kind != "secret"} | dict(self.standin.example)
        config |= {"base_url": stand.url(name)}
        self.secrets = {f.name: f"7000000001:{f.name}" for f in fields if f.kind == "secret"}
        self.address = str(config.pop("address"))
        self.settings = Settings(self.address, config, self.secrets, private=True, webhook=wasl.url)
        stand.provider.world.ends.put(End(name, self.address, "Dar Zaytun", wasl.url, config, self.secrets))
        hook = self.channel.hook
        wasl.challenge = lambda request: hook.challenge(request, self.settings) if hook else None

    def play(self, do: str, **what: Any) -> None:
        assert self.stand.play(self.name, self.address, (self.who.address, self.who.name), do, **what) == 204

    def send(self, **parts: Any) -> str:
        assert self.channel.line
        chat: dict[str, Any] = {
            "delivery": "01890000-0000-7000-8000-000000000001",
            "to": self.who.address,
        } | parts
        return (
            self.channel.line(self.settings)
            .send(OutboundChat(**{"text": "Bonjour Nadia"} | chat))
            .provider_ref
        )

    def told(self, count: int) -> list[Parsed]:
        """What Wasl understands of so many webhooks, each of which is genuine."""
        assert self.channel.hook
        found: list[Parsed] = []
        for request in self.wasl.wait(count):
            assert self.channel.hook.genuine(request, self.settings)
            found += [self.channel.parse(slip.content) for slip in self.channel.hook.split(request)]
        return [each for each in found if not isinstance(each, Nothing)]

    def items(self) -> list[Item]:
        return self.stand.provider.world.chats.items(Thread(self.name, self.address, self.who.address))

    def behave(self, mode: Mode, after: float = 7.0) -> None:
        self.stand.network.set(Rule(mode, True, after), person_on(self.name, self.who.address))


@pytest.fixture(params=PLAYED)
def talk(request: Any, stand: Stand, wasl: Wasl) -> Talk:
    """A customer who has just written."""
    made = Talk(request.param, stand, wasl)
    made.play("write", text="Bonjour, où est ma commande ?")
    return made


def can(talk: Talk, do: str) -> None:
    if do not in talk.standin.acts:
        pytest.skip(f"nobody does that on {talk.name}")


def test_there_are_the_channels_that_have_a_provider_of_http() -> None:
    assert {"whatsapp", "sms", "telegram", "messenger", "instagram", "x"} <= set(PLAYED)


def test_what_a_customer_writes_is_understood(talk: Talk) -> None:
    [message] = talk.told(1)
    assert isinstance(message, ParsedMessage)
    assert (message.text, message.sender.address) == ("Bonjour, où est ma commande ?", talk.who.address)
    until(lambda: talk.items()[0].state == "delivered")


def said_twice(talk: Talk, ref: str) -> int:
    """X tells an account what it has sent itself, under the same id as the answer named."""
    if talk.name != "x":
        return 0
    until(lambda: any(isinstance(e, ParsedMessage) and e.written_by_us for e in talk.told(2)))
    [echo] = [e for e in talk.told(2) if isinstance(e, ParsedMessage) and e.written_by_us]
    assert (echo.message_id, echo.text) == (ref, "Bonjour Nadia")
    return 1


def test_an_answer_arrives_and_is_read(talk: Talk) -> None:
    ref = talk.send()
    assert ref
    until(lambda: talk.items()[-1].state == "delivered")
    assert (talk.items()[-1].text, talk.items()[-1].theirs) == ("Bonjour Nadia", False)
    talk.play("read")
    assert talk.items()[-1].state == "read"
    said = {"whatsapp": 3, "sms": 2, "messenger": 3, "instagram": 2, "x": 1}.get(talk.name, 0)
    echoes = said_twice(talk, ref)
    reports = [each for each in talk.told(1 + said + echoes)[1:] if isinstance(each, Report)]
    assert len(reports) >= said
    assert all(each.ref in (ref, "") for each in reports)


def test_a_picture_comes_and_can_be_fetched(talk: Talk) -> None:
    if not talk.standin.files:
        pytest.skip("no files here")
    talk.play("write", text="", files=[talk.stand.provider.world.files.put(PNG, "image/png", "plate.png")])
    message = talk.told(2)[1]
    assert isinstance(message, ParsedMessage)
    assert message.kind == "image"
    assert talk.channel.fetch
    assert talk.channel.fetch(talk.settings, message.media[0].ref).content == PNG


def test_a_picture_goes_out(talk: Talk) -> None:
    if not talk.channel.limits.files:
        pytest.skip("files travel as links")
    talk.send(files=(Upload("plate.png", "image/png", len(PNG), lambda: io.BytesIO(PNG)),))
    shown = next(each for each in talk.items() if each.files)
    kept = talk.stand.provider.world.files.get(shown.files[0])
    assert kept
    assert (shown.kind, kept.read()) == ("image", PNG)


def test_a_button_is_tapped(talk: Talk) -> None:
    can(talk, "choose")
    talk.send(text="Which one?", choices=(Choice("a", "Plate"), Choice("b", "Bowl")))
    until(lambda: talk.items()[-1].state == "delivered")
    talk.play("choose", of=talk.items()[-1].id, key="b")
    until(lambda: any(isinstance(each, ParsedMessage) and each.kind == "choice" for each in talk.told(1)))
    chosen = next(each for each in talk.told(1) if isinstance(each, ParsedMessage) and each.kind == "choice")
    assert (chosen.text, chosen.content["key"]) == ("Bowl", "b")


@pytest.mark.parametrize(("do", "text"), [("react", "👍"), ("edit", "Bonsoir"), ("delete", "")])
def test_what_is_changed_afterwards(talk: Talk, do: str, text: str) -> None:
    can(talk, do)
    ref, of = "", talk.items()[0].id
    if do == "react":
        ref = talk.send()
        of = talk.items()[-1].id
    talk.play(do, of=of, text=text)
    until(lambda: any(isinstance(each, Change) for each in talk.told(1)))
    change = next(each for each in talk.told(1) if isinstance(each, Change))
    first = talk.told(1)[0]
    assert isinstance(first, ParsedMessage)
    assert change.of == (ref if do == "react" else first.message_id)
    assert change.kind == {"react": "reacted", "edit": "edited", "delete": "deleted"}[do]
    assert text in (change.text, change.emoji)


def test_the_settings_can_be_tested(talk: Talk) -> None:
    assert talk.channel.probe
    steps = list(talk.channel.probe(talk.settings))
    assert [(step.what, step.detail) for step in steps if not step.fine] == []
    other = dict.fromkeys(talk.secrets, "other")
    wrong = Settings(talk.address, talk.settings.config, other, private=True, webhook=talk.wasl.url)
    assert not all(step.fine for step in talk.channel.probe(wrong))


Wrong = tuple[type[Exception], ...]


@pytest.mark.parametrize(
    ("mode", "failures"),
    [
        (Mode.REFUSE_NOW, (TemporaryFailure,)),
        (Mode.REFUSE, (PermanentFailure,)),
        (Mode.RATE_LIMIT, (TemporaryFailure,)),
        (Mode.RATE_LIMIT_WAIT, (TemporaryFailure,)),
        (Mode.BREAK, (InDoubt, TemporaryFailure)),
        (Mode.LOSE_ANSWER, (InDoubt,)),
    ],
)
def test_a_call_goes_wrong(talk: Talk, mode: Mode, failures: Wrong) -> None:
    talk.behave(mode)
    before = len(talk.items())
    with pytest.raises(failures) as said:
        talk.send()
    if mode == Mode.RATE_LIMIT_WAIT:
        assert getattr(said.value, "retry_after", None) == 7.0
    assert len(talk.items()) == before + (mode == Mode.LOSE_ANSWER)
    assert talk.send(), "the network does so once"


def test_who_is_not_known_may_not_send(talk: Talk) -> None:
    assert talk.channel.line
    other = dict.fromkeys(talk.secrets, "other")
    wrong = Settings(talk.address, talk.settings.config, other, private=True, webhook=talk.wasl.url)
    with pytest.raises(Unreached):
        talk.channel.line(wrong).send(OutboundChat(delivery="d", to=talk.who.address, text="x"))


def test_a_bot_that_asks_gets_its_updates_until_it_says_that_it_has_them(stand: Stand, wasl: Wasl) -> None:
    from threading import Event, Thread

    talk = Talk("telegram", stand, wasl)
    config = {**talk.settings.config, "mode": "polling"}
    settings = Settings(talk.address, config, talk.secrets, private=True, webhook=wasl.url)
    stand.provider.world.ends.put(End("telegram", talk.address, "Shop", wasl.url, config, talk.secrets))
    talk.play("write", text="one")
    got: list[bytes] = []
    stop = Event()
    assert talk.channel.listen
    listen: Callable[..., None] = talk.channel.listen
    thread = Thread(target=listen, args=(settings, lambda slips: got.extend(s.content for s in slips), stop))
    thread.start()
    until(lambda: got)
    talk.play("write", text="two")
    until(lambda: len(got) == 2)
    stop.set()
    thread.join(15)
    assert not thread.is_alive()
    messages = [talk.channel.parse(content) for content in got]
    assert [each.text for each in messages if isinstance(each, ParsedMessage)] == ["one", "two"]
    assert wasl.got == []


def test_x_brings_nothing_to_an_address_that_does_not_know_the_secret(stand: Stand, wasl: Wasl) -> None:
    talk = Talk("x", stand, wasl)
    knows, asked = wasl.challenge, []
    wasl.challenge = lambda request: asked.append(request)
    talk.play("write", text="Hello")
    until(lambda: len(asked) > 1)
    assert wasl.got == []
    wasl.challenge = knows
    [message] = talk.told(1)
    assert isinstance(message, ParsedMessage)


def test_whoever_wrote_stop_gets_nothing(stand: Stand, wasl: Wasl) -> None:
    talk = Talk("sms", stand, wasl)
    talk.play("write", text="STOP")
    with pytest.raises(PermanentFailure) as refused:
        talk.send()
    assert refused.value.code == "21610"
    talk.play("write", text="start")
    assert talk.send()


def test_standins_are_found_by_their_files() -> None:
    assert all(each.channel == name for name, each in standins().items())
