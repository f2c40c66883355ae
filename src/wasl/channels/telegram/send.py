"""Sending by the Bot API, and fetching the files that it holds.

Source: Telegram Bot API, "Available methods", "Sending files", "getFile".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from wasl.channels import provider
from wasl.channels.base import Failure, InDoubt, PermanentFailure, Reason, Sent, Unreached
from wasl.channels.port import Choice, Fetched, OutboundChat, Settings, Upload
from wasl.channels.provider import Said
from wasl.channels.telegram import api
from wasl.channels.telegram.hook import mark, number, ref
from wasl.channels.values import obj, text, whole

CAPTION = 1024
KEY = 64
"""Bytes of what comes back when a button is pressed, at most."""
PHOTO = 10_000_000

_PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
_SOUNDS = frozenset({"audio/mpeg", "audio/mp4", "audio/x-m4a"})
_METHODS = {"photo": "sendPhoto", "video": "sendVideo", "audio": "sendAudio", "voice": "sendVoice",
            "document": "sendDocument"}  # fmt: skip


class Line:
    """A bot of the business."""

    def __init__(self, inbox: Settings) -> None:
        api.token(inbox)  # raises where there is none
        self._inbox = inbox

    def send(self, message: OutboundChat) -> Sent:
        """One message, with at most one file. Raises as `port.Line` says."""
        if message.template:
            raise PermanentFailure("", "Telegram knows no templates.", Reason.TEMPLATE)
        if message.reaction:
            return self._react(message)
        if not message.files:
            return self._sent(self._call("sendMessage", compose(message)))
        file = message.files[0]
        if len(words(message)) <= CAPTION:
            return self._file(message, file)
        first = self._file(message, file, captioned=False)
        try:
            self._sent(self._call("sendMessage", compose(message)))
        except (Failure, InDoubt) as error:  # the file is there: to send both again would send it twice
            raise InDoubt(f"The file has arrived; its text has not: {error}") from error
        return first

    def close(self) -> None:
        """Nothing is kept between calls."""

    def _call(self, method: str, data: Mapping[str, Any], file: tuple[str, Upload] | None = None) -> Any:
        return api.result(api.ask(self._inbox, method, data, file))

    def _file(self, message: OutboundChat, file: Upload, *, captioned: bool = True) -> Sent:
        data = around(message) if captioned else {"chat_id": message.to}
        if captioned and message.text:
            data["caption"] = words(message)
        kind = kind_of(file)
        try:
            return self._sent(self._call(_METHODS[kind], data, (kind, file)))
        except PermanentFailure as error:
            # A picture that is too long or too narrow, or broken, goes as the file that it is.
            if kind != "photo" or not error.detail.upper().replace(" ", "_").count("PHOTO_"):
                raise
            return self._sent(self._call("sendDocument", data, ("document", file)))

    def _react(self, message: OutboundChat) -> Sent:
        to = number(message.answers)
        if to is None:
            raise ValueError("a reaction to nothing")
        reaction = [{"type": "emoji", "emoji": message.reaction}]
        self._call("setMessageReaction", {"chat_id": message.to, "message_id": to, "reaction": reaction})
        return Sent(f"reaction:{message.delivery}")

    def _sent(self, given: Any) -> Sent:
        chat, id_ = whole(obj(obj(given).get("chat")).get("id")), whole(obj(given).get("message_id"))
        if chat is None or id_ is None:
            raise InDoubt("Telegram took it and did not say as what.")
        return Sent(ref(chat, id_, mark(self._inbox.webhook)))


def compose(message: OutboundChat) -> dict[str, Any]:
    """What `sendMessage` is told. Raises ValueError for a message without anything in it, PermanentFailure for
    choices that buttons cannot hold."""
    if not message.text:
        raise ValueError("a message without words, file or reaction")
    return around(message) | {"text": words(message)}


def words(message: OutboundChat) -> str:
    """The text; what is to be said of choices stands below it, since buttons hold a title alone."""
    details = [f"{each.title}: {each.detail}" for each in message.choices if each.detail]
    return "\n\n".join(filter(None, (message.text, "\n".join(details))))


def around(message: OutboundChat) -> dict[str, Any]:
    """To whom, in answer to what, and with which buttons."""
    data: dict[str, Any] = {"chat_id": message.to}
    if (answered := number(message.answers)) is not None:
        data["reply_parameters"] = {"message_id": answered, "allow_sending_without_reply": True}
    if message.choices:
        data["reply_markup"] = {"inline_keyboard": [[_button(each)] for each in message.choices]}
    return data


def _button(choice: Choice) -> dict[str, str]:
    if not choice.key or len(choice.key.encode()) > KEY:
        raise PermanentFailure("", f"A choice’s key has 1 to {KEY} bytes on Telegram.", Reason.BAD_MESSAGE)
    return {"text": choice.title, "callback_data": choice.key}


def kind_of(file: Upload) -> str:
    """As what a file goes."""
    kind = file.content_type.partition(";")[0].strip().lower()
    if kind in _PHOTOS and file.size <= PHOTO:
        return "photo"
    if kind == "video/mp4":
        return "video"
    if kind in _SOUNDS:
        return "audio"
    return "voice" if kind == "audio/ogg" else "document"


def fetch(inbox: Settings, found: Mapping[str, Any]) -> Fetched:
    """A file that a customer sent: first its path, which is true for an hour, then the bytes.

    Raises Unreached, TemporaryFailure or PermanentFailure.
    """
    size = found.get("size", "")
    if isinstance(size, str) and size.isdigit() and int(size) > api.DOWNLOAD:
        _too_large()
    said = api.ask(inbox, "getFile", {"file_id": found["id"]}, changes=False)
    if "too big" in api.words(said).lower():
        _too_large()
    path = text(obj(api.result(said, sure=True)).get("file_path"))
    if not path or ".." in path or "?" in path or "#" in path:
        raise PermanentFailure("", "Telegram did not say where the file is.", Reason.OTHER)
    url = f"{api.base(inbox)}/file/bot{api.token(inbox)}/{path}"
    file = api.get(inbox, "GET", url, most=provider.FILE)
    if file.status != 200:
        _not_fetched(file)
    return Fetched(file.raw, text(found.get("type")) or "application/octet-stream")


def _too_large() -> NoReturn:
    raise PermanentFailure("", "Telegram gives bots files of up to 20 MB.", Reason.TOO_LARGE)


def _not_fetched(said: Said) -> NoReturn:
    if said.status == 404:  # the path has run out: ask for another
        raise Unreached("404", "The file’s address has run out.", reason=Reason.NOT_NOW)
    api.fail(said, sure=True)
