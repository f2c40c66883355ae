"""Talking SMPP with a message centre: what it takes, what it brings, and what happens when it misbehaves."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.channels.centre import Centre
from wasl.channels.base import (
    Failure,
    InDoubt,
    ParsedMessage,
    PermanentFailure,
    Reason,
    TemporaryFailure,
    Unreached,
)
from wasl.channels.port import OutboundChat, Report, Settings, Slip
from wasl.channels.smpp import heard, pdu
from wasl.channels.smpp import listen as listening
from wasl.channels.smpp.listen import listen
from wasl.channels.smpp.parse import parse
from wasl.channels.smpp.pdu import Place, Short
from wasl.channels.smpp.send import Line, probe
from wasl.channels.sms import alphabet

HERE, THERE = Place("390612345678", 1, 1), Place("393331112222", 1, 1)


@pytest.fixture
def centre() -> Iterator[Centre]:
    with Centre() as made:
        made.patience = 0.5
        yield made


def settings(centre: Centre, password: str = "secret", **config: str) -> Settings:
    known = {"host": "127.0.0.1", "port": str(centre.port), "system_id": "wasl", "tls": "no"} | config
    return Settings("+390612345678", known, {"password": password}, private=True)


@pytest.fixture(autouse=True)
def one_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """No edge between two spans falls into a test."""
    monkeypatch.setattr(heard, "SPAN", 10**10)


@pytest.fixture
def line(centre: Centre) -> Iterator[Line]:
    made = Line(settings(centre))
    yield made
    made.close()


def chat(text: str = "Ciao", delivery: str = "d-1") -> OutboundChat:
    return OutboundChat(delivery=delivery, to="+393331112222", text=text)


def short(text: str, **more: object) -> Short:
    return Short(source=THERE, destination=HERE, content=alphabet.encode(text), **more)  # type: ignore[arg-type]


class Ears:
    """A listener in a thread; what it took is `slips`, of equal keys one."""

    def __init__(self, inbox: Settings, then: Callable[[], None] | None = None) -> None:
        self._then = then
        self.slips: dict[str, Slip] = {}
        self.taken: list[str] = []
        self.failing = 0
        self.failed: BaseException | None = None
        self.stop = threading.Event()
        self.slow = 0.0
        self._thread = threading.Thread(target=self._run, args=(inbox,), daemon=True)
        self._thread.start()

    def _run(self, inbox: Settings) -> None:
        try:
            listen(inbox, self._take, self.stop)
        except Exception as error:
            self.failed = error

    def _take(self, slips: Sequence[Slip]) -> None:
        time.sleep(self.slow if slips else 0.0)
        if slips and self.failing:
            self.failing -= 1
            raise RuntimeError("the database is away")
        for slip in slips:
            self.taken.append(slip.key)
            self.slips.setdefault(slip.key, slip)
        if slips and self._then:
            self._then()

    def texts(self) -> list[str]:
        found = [parse(slip.content) for slip in self.slips.values()]
        return [each.text for each in found if isinstance(each, ParsedMessage)]

    def end(self) -> None:
        self.stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def gone(self) -> BaseException:
        self._thread.join(20)
        assert self.failed
        return self.failed


def bound(centre: Centre, count: int = 1) -> None:
    assert centre.wait(lambda: sum(bool(each.mode) for each in centre.sessions()) == count)


# Out -------------------------------------------------------------------------------------------------------------


def test_texts_are_taken_on_one_connection(centre: Centre, line: Line) -> None:
    refs = [line.send(chat(text)).provider_ref for text in ("Dov'è? €", "مرحبا 😀")]
    assert refs == [taken.id for taken in centre.submitted]
    assert [taken.short.receipts for taken in centre.submitted] == [1, 1]
    assert alphabet.decode(centre.submitted[0].short.content) == "Dov'è? €"
    assert [session.mode for session in centre.sessions()] == [pdu.BIND_TRANSMITTER]
    line.close()
    assert centre.wait(lambda: not centre.sessions())


def test_a_long_text_is_sent_in_parts_and_the_last_ones_id_counts(centre: Centre, line: Line) -> None:
    sent = line.send(chat("x" * 400))
    assert [taken.short.receipts for taken in centre.submitted] == [0, 0, 1]
    assert sent.provider_ref == centre.submitted[-1].id


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (pdu.THROTTLED, TemporaryFailure, Reason.NOT_NOW),
        (pdu.QUEUE_FULL, TemporaryFailure, Reason.NOT_NOW),
        (pdu.SYSTEM_ERROR, TemporaryFailure, Reason.NOT_NOW),
        (0x0B, PermanentFailure, Reason.ADDRESS_UNKNOWN),
        (0x0A, Unreached, Reason.ACCOUNT),
        (0x01, PermanentFailure, Reason.TOO_LARGE),
        (0x66, PermanentFailure, Reason.UNWANTED),
        (0x43, PermanentFailure, Reason.BAD_MESSAGE),
        (0x04FF, PermanentFailure, Reason.OTHER),
    ],
)
def test_errors_are_what_they_mean(
    centre: Centre, line: Line, status: int, kind: type[Failure], reason: Reason
) -> None:
    centre.faults.refuse = [status]
    with pytest.raises(kind) as caught:
        line.send(chat())
    assert type(caught.value) is kind
    assert (caught.value.reason, caught.value.code) == (reason, f"{status:#x}")
    assert line.send(chat()).provider_ref


def test_not_so_fast_in_the_middle_of_a_text_is_waited_for(centre: Centre, line: Line) -> None:
    centre.faults.refuse = [0, pdu.THROTTLED, pdu.THROTTLED]
    line.send(chat("x" * 400))
    assert [taken.short.content[5] for taken in centre.submitted] == [1, 2, 3]
    assert len(centre.refused) == 2


def test_an_answer_that_is_lost_leaves_a_doubt_and_the_line_recovers(centre: Centre, line: Line) -> None:
    for fault in ("drop_after_accept", "drop_before"):
        setattr(centre.faults, fault, 1)
        with pytest.raises(InDoubt):
            line.send(chat())
    assert line.send(chat()).provider_ref
    assert len(centre.submitted) == 2


def test_no_answer_in_time_is_a_doubt(centre: Centre, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    from wasl.channels.smpp import link

    line.send(chat())
    monkeypatch.setattr(link.Link.ask, "__defaults__", (b"", 0.2))
    centre.faults.deaf = True
    with pytest.raises(InDoubt):
        line.send(chat())


def test_a_connection_that_ended_meanwhile_is_made_anew(centre: Centre, line: Line) -> None:
    line.send(chat())
    centre.hang_up()
    assert centre.wait(lambda: not centre.sessions())
    assert line.send(chat()).provider_ref
    (session,) = centre.sessions()
    session.ask(pdu.ENQUIRE_LINK)
    session.ask(pdu.UNBIND)
    time.sleep(0.2)
    assert line.send(chat()).provider_ref
    assert len(centre.submitted) == 3


def test_what_is_brought_on_a_line_that_only_sends_is_not_lost(centre: Centre) -> None:
    inbox = settings(centre, bind="transceiver")
    line = Line(inbox)
    line.send(chat())  # its receipt comes back on the same connection
    time.sleep(0.2)
    line.send(chat())
    assert centre.undelivered >= 1
    line.close()
    ears = Ears(inbox)
    assert centre.wait(lambda: centre.undelivered == 0)
    ears.end()
    found = [parse(slip.content) for slip in ears.slips.values()]
    assert [each.ref for each in found if isinstance(each, Report)] == [
        taken.id for taken in centre.submitted
    ]


@pytest.mark.parametrize(
    "config", [{"system_id": "nobody"}, {"port": "1"}, {"port": "x"}, {"host": "no.invalid"}]
)
def test_nobody_there_or_a_wrong_name_is_no_doubt(centre: Centre, config: dict[str, str]) -> None:
    with pytest.raises(Unreached):
        Line(settings(centre, **config)).send(chat())
    assert centre.submitted == []


def test_settings_at_fault_are_said(centre: Centre) -> None:
    with pytest.raises(Unreached) as caught:
        Line(settings(centre, password="wrong")).send(chat())
    assert caught.value.reason is Reason.SIGN_IN
    with pytest.raises(Unreached):
        Line(Settings("", {}, {}))
    public = Settings(
        "+39061", {"host": "127.0.0.1", "port": str(centre.port), "system_id": "wasl", "tls": "no"}, {}
    )
    with pytest.raises(Unreached, match="private"):
        Line(public).send(chat())
    with pytest.raises(Unreached) as caught:
        Line(settings(centre, tls="yes")).send(chat())
    assert caught.value.reason in (Reason.INSECURE, Reason.UNREACHABLE)


# In --------------------------------------------------------------------------------------------------------------


def test_what_is_brought_is_stored_and_then_acknowledged(centre: Centre) -> None:
    ears = Ears(settings(centre))
    centre.bring(short("one"), short("two"), short("è €"))
    assert centre.wait(lambda: centre.undelivered == 0)
    assert ears.texts() == ["one", "two", "è €"]
    assert [session.mode for session in centre.sessions()] == [pdu.BIND_RECEIVER]
    ears.end()
    assert ears.failed is None
    assert centre.wait(lambda: not centre.sessions())


def test_the_same_words_twice_are_two_messages(centre: Centre) -> None:
    ears = Ears(settings(centre))
    centre.bring(short("yes"), short("yes"))
    assert centre.wait(lambda: centre.undelivered == 0)
    ears.end()
    assert ears.texts() == ["yes", "yes"]


def test_what_could_not_be_stored_comes_again_and_is_one_message(centre: Centre) -> None:
    inbox = settings(centre)
    ears = Ears(inbox)
    ears.failing = 1
    bound(centre)
    centre.bring(short("hello"))
    assert isinstance(ears.gone(), RuntimeError)
    assert centre.undelivered == 1
    again = Ears(inbox)
    assert centre.wait(lambda: centre.undelivered == 0)
    again.end()
    assert again.texts() == ["hello"]


def test_an_acknowledgement_that_was_lost_makes_no_second_message(centre: Centre) -> None:
    inbox = settings(centre)
    ears = Ears(inbox, then=centre.hang_up)
    bound(centre)
    centre.bring(short("hello"))
    assert isinstance(ears.gone(), TemporaryFailure)
    assert centre.undelivered == 1
    again = Ears(inbox)
    assert centre.wait(lambda: centre.undelivered == 0)
    again.end()
    assert list(again.slips) == list(ears.slips)  # the same key: stored once
    assert again.texts() == ["hello"]


def test_the_same_words_on_a_new_connection_are_a_new_message_once_the_first_was_heard(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a break, and after an orderly end: the centre has the acknowledgement, so it does not repeat itself."""
    monkeypatch.setattr(listening, "PROOF", 0.0)
    inbox = settings(centre)
    known = heard.heard_of(inbox)
    first = Ears(inbox)
    centre.bring(short("yes"))
    assert centre.wait(lambda: centre.undelivered == 0)
    until = time.monotonic() + 10
    while known.unproven and time.monotonic() < until:
        time.sleep(0.01)
    centre.hang_up()
    assert isinstance(first.gone(), TemporaryFailure)
    keys = list(first.slips)
    for _ in range(2):
        ears = Ears(inbox)
        centre.bring(short("yes"))
        assert centre.wait(lambda: centre.undelivered == 0)
        ears.end()
        keys += ears.slips
    assert len(set(keys)) == 3


def test_what_may_come_again_is_known_once_and_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    at, known = datetime(2026, 3, 14, tzinfo=UTC), heard.Heard()
    first = known.key(b"yes", at)
    known.connection_ended()
    assert known.key(b"yes", at) == first
    assert known.key(b"yes", at) != first, "on one connection nothing comes twice"
    assert known.asking()
    later = known.key(b"no", at)
    known.proven()
    known.connection_ended()
    assert known.key(b"yes", at) != first
    assert known.key(b"no", at) == later, "it was answered after the centre was asked"
    known.connection_ended()
    known.connection_ended()
    assert known.key(b"no", at) == later, "also when a connection in between brought nothing"
    known.connection_ended()
    ago = time.monotonic() + heard.SPAN + 1
    monkeypatch.setattr(heard, "time", SimpleNamespace(monotonic=lambda: ago))
    assert known.key(b"no", at) != later
    assert heard.Heard().key(b"yes", at) == first, (
        "a process that has just started takes equal words for the same"
    )


def test_a_slow_answer_and_its_repetition_are_one_message(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "SLOW", 0.3)
    centre.patience = 0.2
    ears = Ears(settings(centre))
    ears.slow = 0.7
    bound(centre)
    centre.bring(short("hello"))
    time.sleep(0.6)
    ears.slow = 0.0
    assert centre.wait(lambda: centre.undelivered == 0)
    ears.end()
    assert len(ears.taken) > 1
    assert ears.texts() == ["hello"]


def test_receipts_come_in_any_order_even_before_the_answer(centre: Centre, line: Line) -> None:
    inbox = settings(centre)
    ears = Ears(inbox)
    bound(centre)
    centre.faults.receipt_first = True
    refs = [line.send(chat()).provider_ref for _ in range(3)]
    centre.faults.text_only, centre.faults.state = True, "UNDELIV"
    refs.append(line.send(chat()).provider_ref)
    assert centre.wait(lambda: centre.undelivered == 0)
    ears.end()
    found = [parse(slip.content) for slip in ears.slips.values()]
    reports = [(each.ref, each.kind) for each in found if isinstance(each, Report)]
    assert reports == [(ref, "delivered") for ref in refs[:3]] + [(refs[3], "failed")]


def test_the_centre_is_asked_whether_it_is_there(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "QUIET", 0.2)
    monkeypatch.setattr(listening, "LOOK", 0.1)
    monkeypatch.setattr(listening, "PATIENCE", 0.4)
    ears = Ears(settings(centre))
    bound(centre)
    assert centre.wait(lambda: False, 0.8) is False
    assert centre.enquired >= 2
    assert ears.failed is None
    (session,) = centre.sessions()
    session.ask(pdu.ENQUIRE_LINK)
    centre.faults.deaf = True
    assert isinstance(ears.gone(), TemporaryFailure)


def test_a_centre_that_leaves_is_no_disaster(centre: Centre) -> None:
    inbox = settings(centre)
    ears = Ears(inbox)
    bound(centre)
    centre.sessions()[0].ask(pdu.UNBIND)
    assert isinstance(ears.gone(), TemporaryFailure)
    ears = Ears(settings(centre, password="wrong"))
    assert isinstance(ears.gone(), Unreached)
    centre.close()
    assert isinstance(Ears(inbox).gone(), Unreached)


# The test of the settings ----------------------------------------------------------------------------------------


def test_a_test_says_which_step_fails(centre: Centre) -> None:
    assert [step.fine for step in probe(settings(centre))] == [True, True, True]
    assert [step.fine for step in probe(settings(centre, bind="transceiver"))] == [True, True]
    assert [step.fine for step in probe(settings(centre, password="wrong"))] == [True, False]
    assert [step.fine for step in probe(settings(centre, port="1"))] == [False]
    assert centre.wait(lambda: not centre.sessions())
