"""Sending, fetching and listening by the Bot API, against a server that speaks it and misbehaves."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes
from typing import Any

import pytest

from tests.channels.standin import Answer, Asked, StandIn, standing_in
from wasl.channels.base import Failure, InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.port import Choice, OutboundChat, Settings, Slip, Template, Upload
from wasl.channels.telegram.hook import ALLOWED
from wasl.channels.telegram.listen import listen, probe
from wasl.channels.telegram.send import Line, fetch, kind_of

TOKEN = "555:AAF-very-secret_token"
HOOK = "https://wasl.example/hooks/telegram/0192f0aa-1111-7222-8333-abcdefabcdef"
SENT = {"message_id": 42, "chat": {"id": 700100, "type": "private"}, "date": 1}


def fine(result: Any) -> Answer:
    return 200, {"ok": True, "result": result}, {}


def wrong(status: int, description: str, **parameters: Any) -> Answer:
    body = {"ok": False, "error_code": status, "description": description}
    return status, body | ({"parameters": parameters} if parameters else {}), {}


@pytest.fixture
def bot() -> Iterator[StandIn]:
    with standing_in(lambda _: fine(SENT)) as made:
        yield made


def settings(bot: StandIn, token: str = TOKEN, hook: str = HOOK, **config: str) -> Settings:
    secrets = {"token": token, "secret_token": "s3cret"}
    return Settings("shop_bot", {"base_url": bot.url, **config}, secrets, private=True, webhook=hook)


def chat(**parts: Any) -> OutboundChat:
    return OutboundChat(**({"delivery": "d-1", "to": "700100", "text": "Buongiorno"} | parts))


def parts(asked: Asked) -> dict[str, tuple[str | None, bytes]]:
    """What stood in a form."""
    head = b"Content-Type: " + asked.headers["content-type"].encode() + b"\r\n\r\n"
    form = message_from_bytes(head + asked.body)
    found = {}
    for each in form.get_payload():
        assert not isinstance(each, str)
        name = each.get_param("name", header="content-disposition")
        found[str(name)] = (each.get_filename(), each.get_payload(decode=True))
    return found  # type: ignore[return-value]


def upload(kind: str, name: str = "a.bin", content: bytes = b"abc") -> Upload:
    return Upload(name, kind, len(content), lambda: io.BytesIO(content))


def test_a_text_an_answer_and_buttons(bot: StandIn) -> None:
    choices = (Choice("slot-1", "Lunedì"), Choice("slot-2", "Martedì", "dopo le 14"))
    sent = Line(settings(bot)).send(chat(answers="700100:7:abcdefabcdef", choices=choices))
    assert sent.provider_ref == "700100:42:abcdefabcdef"
    assert bot.asked[0].path == f"/bot{TOKEN}/sendMessage"
    assert bot.asked[0].json == {
        "chat_id": "700100",
        "text": "Buongiorno\n\nMartedì: dopo le 14",
        "reply_parameters": {"message_id": 7, "allow_sending_without_reply": True},
        "reply_markup": {
            "inline_keyboard": [
                [{"text": "Lunedì", "callback_data": "slot-1"}], [{"text": "Martedì", "callback_data": "slot-2"}]
            ]
        },
    }  # fmt: skip
    Line(settings(bot)).send(chat(answers="choice:77:abc"))
    assert bot.asked[1].json == {"chat_id": "700100", "text": "Buongiorno"}


@pytest.mark.parametrize(
    ("kind", "method", "part"),
    [("image/png", "sendPhoto", "photo"), ("video/mp4", "sendVideo", "video"), ("audio/mpeg", "sendAudio", "audio"),
     ("audio/ogg; codecs=opus", "sendVoice", "voice"), ("application/pdf", "sendDocument", "document"),
     ("image/svg+xml", "sendDocument", "document")],
)  # fmt: skip
def test_a_file_goes_as_what_it_is(bot: StandIn, kind: str, method: str, part: str) -> None:
    Line(settings(bot)).send(chat(files=(upload(kind, 'فاتو"رة.bin'),), choices=(Choice("k", "Sì"),)))
    (asked,) = bot.asked
    form = parts(asked)
    assert asked.path.endswith(f"/{method}")
    assert form["chat_id"][1] == b"700100"
    assert form["caption"][1] == b"Buongiorno"
    assert json.loads(form["reply_markup"][1])["inline_keyboard"][0][0]["text"] == "Sì"
    assert form[part][1] == b"abc"
    assert 'filename="فاتو_رة.bin"'.encode() in asked.body


def test_a_picture_that_is_too_large_or_odd_goes_as_a_file(bot: StandIn) -> None:
    assert kind_of(Upload("a.png", "image/png", 11_000_000, lambda: io.BytesIO(b""))) == "document"
    bot.answer = lambda a: (
        wrong(400, "Bad Request: PHOTO_INVALID_DIMENSIONS") if "sendPhoto" in a.path else fine(SENT)
    )
    Line(settings(bot)).send(chat(files=(upload("image/png"),)))
    assert [each.path.rpartition("/")[2] for each in bot.asked] == ["sendPhoto", "sendDocument"]


def test_a_long_text_follows_its_file(bot: StandIn) -> None:
    long = "x" * 1025
    Line(settings(bot)).send(chat(text=long, files=(upload("application/pdf"),)))
    assert [each.path.rpartition("/")[2] for each in bot.asked] == ["sendDocument", "sendMessage"]
    assert "caption" not in parts(bot.asked[0])
    assert bot.asked[1].json["text"] == long
    bot.answer = lambda a: (
        fine(SENT) if "sendDocument" in a.path else wrong(429, "Too Many Requests", retry_after=3)
    )
    with pytest.raises(InDoubt, match="file has arrived"):
        Line(settings(bot)).send(chat(text=long, files=(upload("application/pdf"),)))


def test_a_reaction(bot: StandIn) -> None:
    bot.answer = lambda _: fine(True)
    Line(settings(bot)).send(chat(text="", reaction="👍", answers="700100:7:abc"))
    assert bot.asked[0].json == {
        "chat_id": "700100", "message_id": 7, "reaction": [{"type": "emoji", "emoji": "👍"}]
    }  # fmt: skip


def test_what_cannot_be_sent_is_not_tried(bot: StandIn) -> None:
    line = Line(settings(bot))
    keys = [chat(choices=(Choice(key, "x"),)) for key in ("", "k" * 65, "é" * 33)]
    for message in (chat(text="", template=Template("t", "it")), *keys):
        with pytest.raises(PermanentFailure):
            line.send(message)
    for message in (chat(text=""), chat(text="", reaction="👍", answers="choice:1:a")):
        with pytest.raises(ValueError, match="reaction"):
            line.send(message)
    with pytest.raises(Unreached) as error:
        Line(settings(bot, token=""))
    assert error.value.reason is Reason.SIGN_IN
    assert bot.asked == []


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (wrong(403, "Forbidden: bot was blocked by the user"), PermanentFailure, Reason.STOPPED),
        (
            wrong(403, "Forbidden: bot can't initiate conversation with a user"),
            PermanentFailure,
            Reason.STOPPED,
        ),
        (wrong(403, "Forbidden: user is deactivated"), PermanentFailure, Reason.ADDRESS_UNKNOWN),
        (wrong(400, "Bad Request: chat not found"), PermanentFailure, Reason.ADDRESS_UNKNOWN),
        (wrong(400, "Bad Request: message is too long"), PermanentFailure, Reason.TOO_LARGE),
        ((413, b"<html>", {}), PermanentFailure, Reason.TOO_LARGE),
        (wrong(400, "Bad Request: can't parse entities"), PermanentFailure, Reason.BAD_MESSAGE),
        (wrong(401, "Unauthorized"), Unreached, Reason.SIGN_IN),
        (wrong(404, "Not Found"), Unreached, Reason.SIGN_IN),
        (wrong(429, "Too Many Requests: retry after 7", retry_after=7), TemporaryFailure, Reason.NOT_NOW),
        ((502, b"<html>Bad Gateway", {}), TemporaryFailure, Reason.NOT_NOW),
    ],
)
def test_refusals_are_what_people_are_told(
    bot: StandIn, answer: Answer, kind: type[Failure], reason: Reason
) -> None:
    bot.answer = lambda _: answer
    with pytest.raises(kind) as error:
        Line(settings(bot)).send(chat())
    assert (type(error.value), error.value.reason) == (kind, reason)
    if answer[0] == 429:
        assert isinstance(error.value, TemporaryFailure)
        assert error.value.retry_after == 7.0


@pytest.mark.parametrize(
    "answer", [None, (500, b"", {}), (200, b"not json", {}), fine({"odd": 1}), fine(True)]
)
def test_who_says_nothing_may_have_sent_it(bot: StandIn, answer: Answer | None) -> None:
    bot.answer = lambda _: answer
    with pytest.raises(InDoubt):
        Line(settings(bot)).send(chat())


def test_the_token_is_in_no_error() -> None:
    for base in ("http://127.0.0.1:1", "http://127.0.0.1:99999", "https://no-such.invalid", "ftp://x"):
        inbox = Settings("b", {"base_url": base}, {"token": TOKEN}, private=True, webhook=HOOK)
        errors = []
        for call in (
            lambda i: Line(i).send(chat()),
            lambda i: fetch(i, {"id": "F"}),
            lambda i: listen(i, no, threading.Event()),
        ):
            with pytest.raises((Failure, InDoubt)) as error:
                call(inbox)
            errors.append(error.value)
        assert all(TOKEN not in str(each) + repr(each) + repr(each.__cause__) for each in errors)


def no(slips: Any) -> None:
    raise AssertionError(slips)


def test_a_file_is_fetched_by_its_path(bot: StandIn) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/getFile"):
            return fine({"file_id": "F", "file_path": "documents/file_1.pdf", "file_size": 4})
        return 200, b"%PDF", {"Content-Type": "application/octet-stream"}

    bot.answer = answer
    found = fetch(settings(bot), {"id": "F", "size": "4", "type": "application/pdf"})
    assert (found.content, found.content_type) == (b"%PDF", "application/pdf")
    assert bot.asked[0].json == {"file_id": "F"}
    assert bot.asked[1].path == f"/file/bot{TOKEN}/documents/file_1.pdf"


def test_what_is_too_large_for_bots_is_said(bot: StandIn) -> None:
    with pytest.raises(PermanentFailure, match="20 MB") as error:
        fetch(settings(bot), {"id": "F", "size": "20000001"})
    assert error.value.reason is Reason.TOO_LARGE
    assert bot.asked == []
    bot.answer = lambda _: wrong(400, "Bad Request: file is too big")
    with pytest.raises(PermanentFailure, match="20 MB"):
        fetch(settings(bot), {"id": "F", "size": "0"})


def test_a_path_that_has_run_out_is_asked_for_again(bot: StandIn) -> None:
    bot.answer = lambda a: fine({"file_path": "a/b"}) if a.path.endswith("getFile") else (404, b"", {})
    with pytest.raises(TemporaryFailure):
        fetch(settings(bot), {"id": "F"})
    for path in ("../../x", "a?b", ""):
        bot.answer = lambda a, path=path: fine({"file_path": path})  # type: ignore[misc]
        with pytest.raises(PermanentFailure):
            fetch(settings(bot), {"id": "F"})


def update(number: int, **more: Any) -> dict[str, Any]:
    return {"update_id": number, "message": {"message_id": number, "text": "x"}} | more


class Updates:
    """Telegram's queue: what has not been asked past is given again."""

    def __init__(self, *waiting: dict[str, Any]) -> None:
        self.waiting = list(waiting)
        self.webhook = False

    def __call__(self, asked: Asked) -> Answer:
        method = asked.path.rpartition("/")[2]
        if method == "deleteWebhook":
            self.webhook = False
            return fine(True)
        if method != "getUpdates":
            return fine(True)
        if self.webhook:
            return wrong(
                409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook"
            )
        offset = asked.json.get("offset", 0)
        self.waiting = [each for each in self.waiting if each["update_id"] >= offset]
        return fine(self.waiting)


def hear(bot: StandIn, inbox: Settings, enough: Callable[[list[Slip]], bool], fail: int = -1) -> list[Slip]:
    """Listen until that is enough; taking fails at one point."""
    heard: list[Slip] = []
    stop = threading.Event()
    calls = iter(range(1000))

    def take(slips: Any) -> None:
        if next(calls) == fail:
            raise ConnectionError("the database is away")
        heard.extend(slips)
        if enough(heard) or (not slips and len(bot.asked) > 40):
            stop.set()

    listen(inbox, take, stop)
    return heard


def test_only_what_is_stored_is_acknowledged(bot: StandIn) -> None:
    bot.answer = Updates(update(7), update(8, callback_query={"id": "q-1"}))
    with pytest.raises(ConnectionError):
        hear(bot, settings(bot), lambda _: True, fail=0)
    assert len(bot.answer.waiting) == 2
    assert not bot.to("answerCallbackQuery")
    heard = hear(bot, settings(bot), lambda h: len(bot.to("getUpdates")) > 3)
    assert [slip.key for slip in heard] == ["update:7", "update:8"]
    assert json.loads(heard[0].content)["inbox"] == "abcdefabcdef"
    asked = [each.json for each in bot.to("getUpdates")]
    assert asked[1] == {"timeout": 0, "limit": 100, "allowed_updates": list(ALLOWED)}
    assert [each.get("offset") for each in asked[2:]] == [9] * len(asked[2:])
    assert bot.answer.waiting == []
    assert [each.json for each in bot.to("answerCallbackQuery")] == [{"callback_query_id": "q-1"}]


def test_a_hundred_large_updates_are_read(bot: StandIn) -> None:
    bot.answer = Updates(*(update(n, message={"text": "ش" * 4096}) for n in range(1, 101)))
    assert len(hear(bot, settings(bot), lambda h: len(h) >= 100)) == 100


def test_a_webhook_that_was_set_before_gives_way(bot: StandIn) -> None:
    bot.answer = Updates(update(7))
    bot.answer.webhook = True
    assert [slip.key for slip in hear(bot, settings(bot), bool)] == ["update:7"]
    assert bot.to("deleteWebhook")[0].json == {"drop_pending_updates": False}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(wrong(401, "Unauthorized"), Unreached), ((500, b"", {}), TemporaryFailure), (None, Unreached),
     (wrong(409, "Conflict: terminated by other getUpdates request"), TemporaryFailure)],
)  # fmt: skip
def test_what_keeps_us_from_listening(bot: StandIn, answer: Answer | None, kind: type[Exception]) -> None:
    bot.answer = lambda _: answer
    with pytest.raises(kind):
        listen(settings(bot), no, threading.Event())


def info(**more: Any) -> Answer:
    known = {"url": HOOK, "allowed_updates": list(reversed(ALLOWED)), "pending_update_count": 0}
    return fine(known | more)


def handed_in(bot: StandIn, answer: Answer, **options: Any) -> list[Any]:
    bot.asked.clear()
    bot.answer = lambda a: answer if a.path.endswith("getWebhookInfo") else fine(True)
    taken: list[Any] = []
    listen(settings(bot, mode="Webhook", **options), taken.append, threading.Event())
    return taken


def test_telegram_is_told_the_webhook_once(bot: StandIn) -> None:
    assert handed_in(bot, info(url="")) == [()]
    assert bot.to("setWebhook")[0].json == {
        "url": HOOK, "secret_token": "s3cret", "allowed_updates": list(ALLOWED), "drop_pending_updates": False
    }  # fmt: skip
    assert handed_in(bot, info()) == [()]
    assert not bot.to("setWebhook")
    handed_in(bot, info(allowed_updates=["message"]))
    assert bot.to("setWebhook")


def test_a_webhook_that_does_not_get_through_is_said(bot: StandIn) -> None:
    late = {
        "last_error_date": 4_000_000_000,
        "last_error_message": "Connection timed out",
        "pending_update_count": 3,
    }
    with pytest.raises(TemporaryFailure, match="Connection timed out") as error:
        handed_in(bot, info(**late))
    assert error.value.reason is Reason.UNREACHABLE
    assert handed_in(bot, info(**late | {"last_error_date": 1_600_000_000})) == [()]
    handed_in(bot, info(**late | {"last_error_message": "Wrong response from the webhook: 401 Unauthorized"}))
    assert bot.to("setWebhook")
    public = settings(bot, hook="http://wasl.example/hooks/telegram/1", mode="webhook")
    with pytest.raises(Unreached) as refused:
        listen(
            Settings(public.address, public.config, public.secrets, webhook=public.webhook),
            no,
            threading.Event(),
        )
    assert refused.value.reason is Reason.INSECURE


def steps(bot: StandIn, **config: str) -> list[tuple[str, bool, str]]:
    return [(each.what, each.fine, each.detail) for each in probe(settings(bot, **config))]


def test_a_test_says_which_bot_and_how(bot: StandIn) -> None:
    bot.answer = lambda a: fine({"id": 555, "username": "Shop_Bot"}) if "getMe" in a.path else info()
    assert [(what, fine) for what, fine, _ in steps(bot)] == [
        ("Reach Telegram", True), ("Sign in", True), ("Find the bot", True), ("How messages come in", True)
    ]  # fmt: skip
    assert steps(bot, mode="smoke")[-1] == ("How messages come in", False, "smoke")
    bot.answer = lambda a: fine({"id": 555, "username": "other_bot"}) if "getMe" in a.path else info()
    assert steps(bot)[2] == ("Find the bot", False, "@other_bot")
    late = info(last_error_date=4_000_000_000, last_error_message="SSL error")
    bot.answer = lambda a: fine({"id": 555, "username": "shop_bot"}) if "getMe" in a.path else late
    assert steps(bot, mode="webhook")[-1] == ("How messages come in", False, "SSL error")
    bot.answer = lambda _: wrong(401, "Unauthorized")
    assert steps(bot)[-1][:2] == ("Sign in", False)
    bot.answer = lambda _: None
    assert steps(bot)[0][:2] == ("Reach Telegram", False)
    assert not bot.to("setWebhook")
