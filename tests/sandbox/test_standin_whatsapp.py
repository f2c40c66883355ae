"""WhatsApp's stand-in against the channel itself: what it takes, what it tells, and each way to misbehave."""

import io
import json
from typing import Any

import pytest

from tests.sandbox.stand import Stand, Wasl, listening, standing, until
from wasl.channels.base import InDoubt, ParsedMessage, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.port import Change, Choice, OutboundChat, Parsed, Report, Settings, Template, Upload
from wasl.channels.whatsapp.hook import Hook
from wasl.channels.whatsapp.parse import parse
from wasl.channels.whatsapp.send import Line, fetch, probe
from wasl.sandbox.chats import End, Item, Thread
from wasl.sandbox.network import Mode, Rule, person_on, provider_of

SECRETS = {"access_token": "tok", "app_secret": "s3cret", "verify_token": "v"}
NADIA = ("33639980001", "Nadia")
THREAD = Thread("whatsapp", "111", NADIA[0])
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def here(stand: Stand, wasl: Wasl) -> Stand:
    """A stand-in that knows the shop's number, to which Nadia has just written."""
    known(stand, wasl)
    assert stand.play("whatsapp", "111", NADIA, "write", text="Bonjour") == 204
    wasl.wait(1)
    wasl.got.clear()
    return stand


def known(stand: Stand, wasl: Wasl) -> None:
    config = {"number": "+33 6 39 98 00 99"}
    stand.provider.world.ends.put(End("whatsapp", "111", "Dar Zaytun", wasl.url, config, SECRETS))


def settings(stand: Stand, **secrets: str) -> Settings:
    config = {"base_url": stand.url("whatsapp"), "version": "v23.0"}
    return Settings("111", config, SECRETS | secrets, private=True)


def send(stand: Stand, **parts: Any) -> str:
    chat = {"delivery": "d-1", "to": NADIA[0], "text": "Bonjour Nadia"} | parts
    return Line(settings(stand)).send(OutboundChat(**chat)).provider_ref


def told(wasl: Wasl, count: int) -> list[Parsed]:
    """What Wasl understands of so many webhooks; each of them is signed."""
    hook, known = Hook(), Settings("111", {}, SECRETS)
    found = []
    for request in wasl.wait(count):
        assert hook.genuine(request, known)
        found += [parse(slip.content) for slip in hook.split(request)]
    return found


def states(wasl: Wasl, count: int) -> list[str]:
    return [each.kind for each in told(wasl, count) if isinstance(each, Report)]


def items(stand: Stand) -> list[Item]:
    return stand.provider.world.chats.items(THREAD)


def behave(
    stand: Stand, mode: Mode, *, once: bool = True, after: float = 0.2, everybody: bool = False
) -> None:
    key = provider_of("whatsapp") if everybody else person_on("whatsapp", NADIA[0])
    stand.network.set(Rule(mode, once, after), key)


def test_a_message_arrives_and_is_read(here: Stand, wasl: Wasl) -> None:
    ref = send(here, answers=items(here)[0].id, mark_read=items(here)[0].id)
    sent, arrived = told(wasl, 2)
    assert isinstance(sent, Report)
    assert isinstance(arrived, Report)
    assert (sent.kind, sent.ref, sent.delivery, sent.recipient) == ("sent", ref, "d-1", NADIA[0])
    assert arrived.kind == "delivered"
    first, answer = items(here)
    assert (first.state, answer.text, answer.state, answer.answers) == (
        "read", "Bonjour Nadia", "delivered", first.id,
    )  # fmt: skip
    here.play("whatsapp", "111", NADIA, "read")
    assert states(wasl, 3)[2] == "read"
    assert items(here)[1].state == "read"


def test_the_settings_can_be_tested(here: Stand) -> None:
    steps = list(probe(settings(here)))
    assert [step.fine for step in steps] == [True] * 4
    assert steps[2].detail == "+33 6 39 98 00 99 · Dar Zaytun"
    assert not list(probe(settings(here, access_token="other")))[1].fine


def test_who_may_not_send(here: Stand) -> None:
    with pytest.raises(Unreached) as refused:
        Line(settings(here, access_token="other")).send(OutboundChat(delivery="d", to="1", text="x"))
    assert refused.value.reason is Reason.SIGN_IN
    with pytest.raises(PermanentFailure):
        send(here, text="x" * 4097)
    with pytest.raises(PermanentFailure) as unknown:
        send(here, template=Template("unheard_of", "en"))
    assert unknown.value.reason is Reason.TEMPLATE


def test_files_go_both_ways(here: Stand, wasl: Wasl) -> None:
    send(here, files=(Upload("plate.png", "image/png", len(PNG), lambda: io.BytesIO(PNG)),), text="La voici")
    assert states(wasl, 2) == ["sent", "delivered"]
    shown = items(here)[1]
    assert (shown.kind, shown.text) == ("image", "La voici")
    kept = here.provider.world.files.get(shown.files[0])
    assert kept is not None
    assert (kept.read(), kept.content_type, kept.filename) == (PNG, "image/png", "plate.png")

    files = here.provider.world.files
    mine = [files.put(PNG, "image/png"), files.put(PNG, "application/pdf", "a.pdf")]
    here.play("whatsapp", "111", NADIA, "write", text="Cassée", files=mine)
    picture, document = told(wasl, 4)[2:]
    assert isinstance(picture, ParsedMessage)
    assert isinstance(document, ParsedMessage)
    assert (picture.kind, picture.text, document.kind, document.text) == ("image", "Cassée", "document", "")
    assert document.media[0].filename == "a.pdf"
    got = fetch(settings(here), picture.media[0].ref)
    assert (got.content, got.content_type) == (PNG, "image/png")


@pytest.mark.parametrize("many", [2, 5])
def test_buttons_and_lists_are_tapped(here: Stand, wasl: Wasl, many: int) -> None:
    choices = tuple(Choice(f"c{n}", f"Choice {n}") for n in range(many))
    ref = send(here, text="Which one?", choices=choices)
    told(wasl, 2)
    asked = items(here)[1]
    assert [option.title for option in asked.options] == [choice.title for choice in choices]
    assert bool(asked.menu) is (many > 3)
    here.play("whatsapp", "111", NADIA, "choose", of=ref, key="c1")
    chosen = told(wasl, 3)[2]
    assert isinstance(chosen, ParsedMessage)
    assert (chosen.kind, chosen.text, chosen.content["key"], chosen.in_reply_to) == (
        "choice",
        "Choice 1",
        "c1",
        (ref,),
    )
    assert items(here)[1].chosen == "c1"
    here.play("whatsapp", "111", NADIA, "choose", of=ref, key="never offered")
    assert len(items(here)) == 3


def test_what_is_changed_afterwards(here: Stand, wasl: Wasl) -> None:
    ref = send(here)
    told(wasl, 2)
    mine = items(here)[0].id
    here.play("whatsapp", "111", NADIA, "react", of=ref, text="👍")
    here.play("whatsapp", "111", NADIA, "edit", of=mine, text="Bonsoir")
    here.play("whatsapp", "111", NADIA, "delete", of=mine)
    reacted, edited, deleted = (each for each in told(wasl, 5) if isinstance(each, Change))
    assert (reacted.kind, reacted.of, reacted.emoji) == ("reacted", ref, "👍")
    assert (edited.kind, edited.of, edited.text) == ("edited", mine, "Bonsoir")
    assert (deleted.kind, deleted.of) == ("deleted", mine)
    first, answer = items(here)
    assert (first.gone, first.edited, answer.yours) == (True, True, "👍")
    send(here, reaction="❤️", answers=mine)
    assert items(here)[0].ours == "❤️"


def test_after_a_day_only_a_template_goes(stand: Stand, wasl: Wasl) -> None:
    known(stand, wasl)
    send(stand)
    sent, failed = told(wasl, 2)
    assert isinstance(sent, Report)
    assert isinstance(failed, Report)
    assert (sent.kind, failed.kind, failed.code, failed.reason) == (
        "sent",
        "failed",
        "131047",
        Reason.WINDOW_CLOSED,
    )
    send(stand, template=Template("follow_up", "fr", ("Nadia",)))
    assert states(wasl, 4)[2:] == ["sent", "delivered"]
    assert items(stand)[1].text.startswith("Bonjour Nadia,")


@pytest.mark.parametrize(
    ("mode", "failure", "retry_after"),
    [
        (Mode.REFUSE_NOW, TemporaryFailure, None),
        (Mode.REFUSE, PermanentFailure, None),
        (Mode.RATE_LIMIT, TemporaryFailure, None),
        (Mode.RATE_LIMIT_WAIT, TemporaryFailure, 7.0),
        (Mode.BREAK, InDoubt, None),
        (Mode.LOSE_ANSWER, InDoubt, None),
    ],
)
def test_a_call_goes_wrong(
    here: Stand, wasl: Wasl, mode: Mode, failure: type[Exception], retry_after: float | None
) -> None:
    behave(here, mode, after=7.0)
    with pytest.raises(failure) as said:
        send(here)
    assert getattr(said.value, "retry_after", None) == retry_after
    assert len(items(here)) == (2 if mode == Mode.LOSE_ANSWER else 1)
    before = 2 if mode == Mode.LOSE_ANSWER else 0  # it was taken, though nobody was told
    assert states(wasl, before) == ["sent", "delivered"][:before]
    send(here)
    assert states(wasl, before + 2)[-2:] == ["sent", "delivered"]


def test_it_arrives_late_or_not_at_all(here: Stand, wasl: Wasl) -> None:
    behave(here, Mode.LATE)
    send(here)
    assert states(wasl, 1) == ["sent"]
    assert items(here)[1].state == "sent"
    assert states(wasl, 2) == ["sent", "delivered"]
    behave(here, Mode.BOUNCE, everybody=True)
    send(here)
    failed = told(wasl, 4)[3]
    assert isinstance(failed, Report)
    assert (failed.kind, failed.reason) == ("failed", Reason.ADDRESS_UNKNOWN)


def test_receipts_are_quicker_than_the_answer(here: Stand, wasl: Wasl) -> None:
    behave(here, Mode.EARLY)
    send(here)
    assert len(wasl.got) == 2


def test_webhooks_are_lost_doubled_and_out_of_order(here: Stand, wasl: Wasl) -> None:
    def write(text: str) -> None:
        here.play("whatsapp", "111", NADIA, "write", text=text)

    def texts(count: int) -> list[str]:
        return [each.text for each in told(wasl, count) if isinstance(each, ParsedMessage)]

    behave(here, Mode.LOSE)
    write("lost")
    write("one")
    assert texts(1) == ["one"]
    behave(here, Mode.TWICE)
    write("two")
    assert texts(3) == ["one", "two", "two"]
    behave(here, Mode.SHUFFLE, after=5.0)
    write("three")
    write("four")
    assert texts(5)[3:] == ["four", "three"]
    behave(here, Mode.SLOW, after=0.5)
    write("five")
    write("six")
    assert texts(7)[5:] == ["six", "five"]


def test_a_webhook_is_brought_again_until_it_is_taken(here: Stand, wasl: Wasl) -> None:
    wasl.answers[:] = [503, 429]
    here.play("whatsapp", "111", NADIA, "write", text="again")
    told(wasl, 3)
    until(lambda: items(here)[-1].state == "delivered")
    wasl.answers[:] = [401]
    here.play("whatsapp", "111", NADIA, "write", text="refused")
    told(wasl, 4)
    until(lambda: not list(here.place.folder.glob("webhooks/*")))
    assert items(here)[-1].state == "sent"


def test_what_was_under_way_is_brought_after_a_restart(tmp_path: Any) -> None:
    with listening() as wasl:
        with standing(tmp_path) as stand:
            known(stand, wasl)
            behave(stand, Mode.SLOW, after=0.6)
            stand.play("whatsapp", "111", NADIA, "write", text="later")
        assert wasl.got == []
        with standing(tmp_path) as stand:
            [message] = told(wasl, 1)
            assert isinstance(message, ParsedMessage)
            assert message.text == "later"
            assert [each.text for each in items(stand)] == ["later"]


def test_what_was_taken_is_on_the_phone_after_a_restart(tmp_path: Any) -> None:
    with listening() as wasl:
        with standing(tmp_path) as stand:
            known(stand, wasl)
            stand.play("whatsapp", "111", NADIA, "write", text="Bonjour")
            behave(stand, Mode.LATE, after=60.0)
            send(stand)
            assert items(stand)[1].state == "sent"
        with standing(tmp_path) as stand:
            assert [(each.text, each.state) for each in items(stand)][1] == ("Bonjour Nadia", "delivered")


def test_nobody_answers_at_a_number_that_is_not_there(stand: Stand) -> None:
    assert stand.play("whatsapp", "999", NADIA, "write", text="x") == 404
    assert stand.play("pigeon", "111", NADIA, "write", text="x") == 400
    assert stand.play("whatsapp", "111", NADIA, "write", wings=2) == 400


def test_the_approved_texts_are_listed(here: Stand) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", here.http_port, timeout=10)
    for token, status in (("tok", 200), ("other", 401)):
        connection.request(
            "GET", "/whatsapp/v23.0/104/message_templates", headers={"Authorization": f"Bearer {token}"}
        )
        answer = connection.getresponse()
        listed = json.loads(answer.read())
        assert answer.status == status
    connection.request(
        "POST", "/whatsapp/v23.0/111/messages", iter([b"{", b"}"]), {"Authorization": "Bearer tok"}
    )
    assert json.loads(connection.getresponse().read())["error"]["code"] == 100, "a body in chunks is read"
    connection.close()
    assert "error" in listed
