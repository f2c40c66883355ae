"""The customers' side of Telegram's Bot API: updates, handed in or waiting to be asked for.

Source: Telegram Bot API, "Update", "Message", "CallbackQuery", "MessageReactionUpdated", "setWebhook".
"""

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from wasl.kit.clock import now
from wasl.sandbox.chats import End, Item, Thread, Who
from wasl.sandbox.courier import Webhook
from wasl.sandbox.network import WEBHOOKS, Mode
from wasl.sandbox.world import Act, Doing, World

NAME = "telegram"
KEPT = 1000
"""Updates that wait at most."""


class Bots:
    """What Telegram keeps of each bot: where its news are handed in, and those that nobody asked for yet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._folder = world.folder / NAME

    def read(self, end: End) -> dict[str, Any]:
        """Everything of a bot: url, secret, allowed, next, updates."""
        try:
            found: dict[str, Any] = json.loads(
                (self._folder / f"{quote(end.address, safe='')}.json").read_text()
            )
        except FileNotFoundError:
            return {}
        return found

    @contextmanager
    def _changing(self, end: End) -> Iterator[dict[str, Any]]:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{quote(end.address, safe='')}.json"
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = {"next": 1, "updates": []} | self.read(end)
            yield known
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps(known))
            draft.replace(path)

    def set(self, end: End, url: str, secret: str, allowed: Any) -> None:
        """Where news are to be handed in; '' where they will be asked for."""
        with self._changing(end) as known:
            known |= {"url": url, "secret": secret, "allowed": allowed, "set": True}

    def hook(self, end: End) -> tuple[str, str]:
        """Address and secret of the webhook; '' where there is none. Before it was said: as the inbox wants it."""
        known = self.read(end)
        if known.get("set"):
            return known["url"], known["secret"]
        by_webhook = end.config.get("mode") == "webhook"
        return (end.webhook, end.secrets.get("secret_token", "")) if by_webhook else ("", "")

    def waiting(self, end: End) -> list[dict[str, Any]]:
        """The updates that nobody has fetched."""
        found: list[dict[str, Any]] = self.read(end).get("updates", [])
        return found

    def forget(self, end: End, offset: int) -> None:
        """What lies before was stored by whoever asks."""
        if offset and any(each["update_id"] < offset for each in self.waiting(end)):
            with self._changing(end) as known:
                known["updates"] = [each for each in known["updates"] if each["update_id"] >= offset]

    def tell(
        self, end: End, who: Who, news: Mapping[str, Any], then: Callable[[], None] | None = None
    ) -> None:
        """Something happened: hand it in, or keep it until it is asked for."""
        url, secret = self.hook(end)
        with self._changing(end) as known:
            update = {"update_id": known["next"], **news}
            known["next"] += 1
            if not url:
                known["updates"] = [*known["updates"], *self._kept(end, who, update)][-KEPT:]
        if url:
            headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret}
            self._world.courier.send(
                Webhook(NAME, who.address, url, json.dumps(update).encode(), headers), then
            )
        elif then:
            then()

    def _kept(self, end: End, who: Who, update: dict[str, Any]) -> list[dict[str, Any]]:
        """The update as it waits: an update that is lost does not, one that comes twice does so twice."""
        mode = self._world.network.take_on(end.channel, who.address, WEBHOOKS).mode
        return [] if mode == Mode.LOSE else [update] * (2 if mode == Mode.TWICE else 1)

    def next_id(self, thread: Thread) -> str:
        """The number of the next message of a chat: both sides count together."""
        known = [int(each.id) for each in self._world.chats.items(thread) if each.id.isdigit()]
        return str(max(known, default=0) + 1)


def bot_id(end: End) -> int:
    """The bot as a person: the first part of its token."""
    first = end.secrets.get("token", "").partition(":")[0]
    return int(first) if first.isdigit() else 7_000_000_000


def _person(who: Who) -> dict[str, Any]:
    first, _, last = who.name.partition(" ")
    return {"id": int(who.address), "is_bot": False, "first_name": first or "-"} | (
        {"last_name": last} if last else {}
    )


def _chat(who: Who) -> dict[str, Any]:
    first = who.name.partition(" ")[0]
    return {"id": int(who.address), "type": "private"} | ({"first_name": first} if first else {})


def update_message(world: World, end: End, who: Who, item: Item) -> dict[str, Any]:
    """A message as the API writes it."""
    bot = {"id": bot_id(end), "is_bot": True, "first_name": end.name, "username": end.address}
    made: dict[str, Any] = {
        "message_id": int(item.id), "from": _person(who) if item.theirs else bot, "chat": _chat(who),
        "date": int(item.at),
    }  # fmt: skip
    if item.answers.isdigit():
        made["reply_to_message"] = {"message_id": int(item.answers), "chat": _chat(who), "date": int(item.at)}
    if not item.files:
        return made | {"text": item.text}
    made |= {"caption": item.text} if item.text else {}
    kept = world.files.get(item.files[0])
    assert kept
    about = {"file_id": kept.id, "file_unique_id": kept.id, "file_size": kept.size}
    if item.kind == "image":
        return made | {"photo": [about | {"width": 90, "height": 67}, about | {"width": 800, "height": 600}]}
    name = item.kind if item.kind in ("video", "audio") else "document"
    extra = {"duration": 1} if name != "document" else {}
    return made | {name: about | extra | {"mime_type": kept.content_type, "file_name": kept.filename}}


def _write(world: World, end: End, who: Who, act: Act) -> None:
    """Every file is a message of its own; the words go with the first."""
    bots, thread = Bots(world), world.thread(end, who)
    for number, file in enumerate(act.files or ("",)):
        kept = world.files.get(file) if file else None
        top = kept.content_type.partition("/")[0] if kept else "text"
        kind = top if top in ("text", "image", "video", "audio") else "document"
        words = act.text if not number else ""
        item = Item(
            bots.next_id(thread), now().timestamp(), True, words, kind if kept else "text", (file,) if kept else (),
            answers=act.answers,
        )  # fmt: skip
        world.chats.add(thread, item)
        _tell(world, end, who, item, {"message": update_message(world, end, who, item)})


def _tell(world: World, end: End, who: Who, item: Item, news: Mapping[str, Any]) -> None:
    thread = world.thread(end, who)
    Bots(world).tell(end, who, news, lambda: world.chats.change(thread, item.id, state="delivered"))


def _choose(world: World, end: End, who: Who, act: Act) -> None:
    thread = world.thread(end, who)
    asked = world.chats.item(thread, act.of)
    if asked is None or not any(each.key == act.key for each in asked.options):
        return
    world.chats.change(thread, act.of, chosen=act.key)
    rows = [[{"text": each.title, "callback_data": each.key}] for each in asked.options]
    message = update_message(world, end, who, asked) | {"reply_markup": {"inline_keyboard": rows}}
    query = {
        "id": f"{int(now().timestamp() * 1000)}", "from": _person(who), "message": message,
        "chat_instance": who.address, "data": act.key,
    }  # fmt: skip
    Bots(world).tell(end, who, {"callback_query": query})


def _react(world: World, end: End, who: Who, act: Act) -> None:
    thread = world.thread(end, who)
    asked = world.chats.item(thread, act.of)
    before = [{"type": "emoji", "emoji": asked.yours}] if asked and asked.yours else []
    world.chats.change(thread, act.of, yours=act.text)
    reaction = {
        "chat": _chat(who), "message_id": int(act.of), "user": _person(who), "date": int(now().timestamp()),
        "old_reaction": before, "new_reaction": [{"type": "emoji", "emoji": act.text}] if act.text else [],
    }  # fmt: skip
    Bots(world).tell(end, who, {"message_reaction": reaction})


def _edit(world: World, end: End, who: Who, act: Act) -> None:
    thread = world.thread(end, who)
    world.chats.change(thread, act.of, text=act.text, edited=True)
    if item := world.chats.item(thread, act.of):
        edited = update_message(world, end, who, item) | {"edit_date": int(now().timestamp())}
        Bots(world).tell(end, who, {"edited_message": edited})


def _read(world: World, end: End, who: Who, _: Act) -> None:
    """A customer reads; bots are not told."""
    thread = world.thread(end, who)
    for item in world.unread(thread):
        world.chats.change(thread, item.id, state="read")


ACTS: Mapping[Doing, Callable[[World, End, Who, Act], None]] = {
    "write": _write, "choose": _choose, "react": _react, "edit": _edit, "read": _read,
}  # fmt: skip
