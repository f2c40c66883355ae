"""What each provider brings when customers write: its webhook, in its own shape and signed with its own signature."""

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from bench.storm.shopfront import Front, address_of, visitor_headers
from wasl.channels.webhook import signed as program
from wasl.channels.x.hook import sign as sign_x
from wasl.kit.clock import now
from wasl.sandbox.chats import Chats, End, Item, Thread, Who
from wasl.sandbox.courier import Webhook
from wasl.sandbox.standins import _graph, _whatsapp_phone, sms
from wasl.sandbox.standins._telegram_updates import Bots, update_message
from wasl.sandbox.world import World

APART = 1000
"""Numbers between two messages of a customer in a Telegram chat: the bot's own stand in between."""
_UUIDS = UUID("6f0a3c1e-0d5e-4f7b-9c57-5a4f3b1d2e60")


@dataclass(frozen=True)
class Said:
    """A customer's message: `key` is its first word, `turn` the how manieth of theirs it is."""

    key: str
    person: int
    turn: int

    @property
    def text(self) -> str:
        """The words."""
        return f"{self.key} Has my parcel left?"


class Wire:
    """Makes webhooks of an inbox's provider, and puts what was written on the customers' phones."""

    def __init__(self, front: Front, world: World) -> None:
        self.front, self._world = front, world
        self._chats: Chats = world.chats

    def of(self, said: Sequence[Said]) -> Webhook:
        """One webhook that brings all of this, of one customer or of several. Only some providers bring more than one
        thing at a time (`several`)."""
        for each in said:
            self._on_phone(each)
        return _MADE[self.front.channel](self, said)

    @property
    def several(self) -> bool:
        """Whether the provider brings more than one message at a time."""
        return self.front.channel in ("whatsapp", "webhook", "messenger", "instagram")

    def hand_out(self, said: Said) -> None:
        """For a bot that is asked for its news: let it wait."""
        self._on_phone(said)
        end, who = self.front.end, self.who(said)
        Bots(self._world).tell(end, who, {"message": update_message(self._world, end, who, self._item(said))})

    def told(self) -> bool:
        """Whether all of that was asked for."""
        return not Bots(self._world).waiting(self.front.end)

    def who(self, said: Said) -> Who:
        """Who wrote."""
        return Who(address_of(self.front.name, said.person), f"Pia {said.person}")

    def _item(self, said: Said) -> Item:
        id_ = str((said.turn + 1) * APART) if self.front.channel == "telegram" else f"storm.{said.key}"
        return Item(id_, now().timestamp(), True, said.text)

    def _on_phone(self, said: Said) -> None:
        end = self.front.end
        thread = Thread(end.channel, end.address, self.who(said).address)
        if end.channel in ("webhook", "webchat") or self._chats.item(thread, self._item(said).id):
            return
        self._chats.add(thread, self._item(said))

    # By channel ------------------------------------------------------------------------------------------------

    def _whatsapp(self, said: Sequence[Said]) -> Webhook:
        messages = [
            {"from": self.who(each).address, "id": f"wamid.{each.key}", "timestamp": str(int(now().timestamp())),
             "type": "text", "text": {"body": each.text}}
            for each in said
        ]  # fmt: skip
        contacts = [
            {"profile": {"name": self.who(each).name}, "wa_id": self.who(each).address} for each in said
        ]
        value = {"contacts": contacts, "messages": messages}
        return _whatsapp_phone.webhook(self.front.end, self.who(said[0]).address, value)

    def _graph(self, said: Sequence[Said]) -> Webhook:
        end, at = self.front.end, int(now().timestamp() * 1000)
        events = [
            {"sender": {"id": self.who(each).address}, "recipient": {"id": end.address}, "timestamp": at,
             "message": {"mid": f"m_{each.key}", "text": each.text}}
            for each in said
        ]  # fmt: skip
        object_ = _graph.PLATFORMS[end.channel].object_
        body = json.dumps(
            {"object": object_, "entry": [{"id": end.address, "time": at, "messaging": events}]}
        ).encode()
        headers = _whatsapp_phone.signed(body, end.secrets["app_secret"])
        return Webhook(end.channel, self.who(said[0]).address, end.webhook, body, headers)

    def _telegram(self, said: Sequence[Said]) -> Webhook:
        (one,) = said
        end, who = self.front.end, self.who(one)
        number = one.person * 10 + one.turn + 1
        update = {"update_id": number, "message": update_message(self._world, end, who, self._item(one))}
        headers = {
            "Content-Type": "application/json",
            "X-Telegram-Bot-Api-Secret-Token": end.secrets["secret_token"],
        }
        return Webhook(end.channel, who.address, end.webhook, json.dumps(update).encode(), headers)

    def _sms(self, said: Sequence[Said]) -> Webhook:
        (one,) = said
        end, who = self.front.end, self.who(one)
        sid = "SM" + uuid5(_UUIDS, one.key).hex
        form = {
            "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "SmsStatus": "received", "NumMedia": "0",
            "NumSegments": "1", "AccountSid": str(end.config["account_sid"]), "From": who.address, "To": end.address,
            "Body": one.text, "ApiVersion": "2010-04-01",
        }  # fmt: skip
        return sms.webhook(end, who.address, end.webhook, form)

    def _x(self, said: Sequence[Said]) -> Webhook:
        end, at = self.front.end, str(int(now().timestamp() * 1000))
        events = [
            {"type": "message_create", "id": f"dm-{each.key}", "created_timestamp": at, "message_create": {
                "target": {"recipient_id": end.address}, "sender_id": self.who(each).address,
                "message_data": {"text": each.text}}}
            for each in said
        ]  # fmt: skip
        users = {self.who(each).address: {"name": self.who(each).name} for each in said}
        body = json.dumps(
            {"for_user_id": end.address, "direct_message_events": events, "users": users}
        ).encode()
        headers = {
            "Content-Type": "application/json",
            "x-twitter-webhooks-signature": sign_x(body, end.secrets["app_secret"]),
        }
        return Webhook(end.channel, self.who(said[0]).address, end.webhook, body, headers)

    def _program(self, said: Sequence[Said]) -> Webhook:
        events = [
            {"type": "message", "id": f"m-{each.key}", "text": each.text,
             "from": {"id": self.who(each).address, "name": self.who(each).name}}
            for each in said
        ]  # fmt: skip
        return by_program(self.front.end, {"events": events}, self.who(said[0]).address)

    def _chat(self, said: Sequence[Said]) -> Webhook:
        (one,) = said
        home = self.front.end.webhook
        body = {"id": str(uuid5(_UUIDS, one.key)), "text": one.text}
        return Webhook(
            "webchat", self.who(one).address, f"{home}/messages?language=en", json.dumps(body).encode(),
            visitor_headers(one.person),
        )  # fmt: skip


def bring(webhook: Webhook, *, hear: bool = True) -> int:
    """One try: the status of the answer, 0 when there was none or nobody was to hear it."""
    parts = urlsplit(webhook.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, webhook.body, dict(webhook.headers))
        return connection.getresponse().status if hear else 0
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def by_program(end: End, body: Mapping[str, Any], person: str = "") -> Webhook:
    """What a program of the business brings."""
    raw = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | program.headers(
        end.secrets["secret_in"], "msg_storm", raw
    )
    return Webhook(end.channel, person, end.webhook, raw, headers)


_MADE: dict[str, Callable[[Wire, Sequence[Said]], Webhook]] = {
    "whatsapp": Wire._whatsapp, "messenger": Wire._graph, "instagram": Wire._graph, "telegram": Wire._telegram,
    "sms": Wire._sms, "x": Wire._x, "webhook": Wire._program, "webchat": Wire._chat,
}  # fmt: skip
