"""A Twilio-style API for short messages, as it looks from outside.

Source: Twilio, "Message resource", "Media resource", "IncomingPhoneNumber resource", "Twilio's request to your webhook
URL", "Track outbound message status", "Security: Validating requests", "Error and warning dictionary".
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wasl.kit.clock import now
from wasl.sandbox import forms
from wasl.sandbox.chats import End, Item, Who
from wasl.sandbox.courier import Webhook
from wasl.sandbox.network import Mode, Rule
from wasl.sandbox.standins import Standin
from wasl.sandbox.world import Act, State, World

NAME = "sms"
LONGEST = 1600
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_STOP = re.compile(r"\s*(stop|unsubscribe|cancel|end|quit|arret|arrêt)\s*\Z", re.IGNORECASE)
_START = re.compile(r"\s*(start|yes|unstop)\s*\Z", re.IGNORECASE)


def error(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """The provider's form of an error."""
    about = f"https://www.twilio.com/docs/errors/{code}"
    said = {"code": code, "message": message, "more_info": about, "status": status}
    return JSONResponse(said, status, headers)


def refuse(rule: Rule) -> Response:
    """The provider's answer in each mode in which it refuses."""
    match rule.mode:
        case Mode.REFUSE_NOW:
            return error(503, 20503, "Service unavailable", {"Retry-After": str(int(rule.wait) or 1)})
        case Mode.REFUSE:
            return error(400, 21211, "Invalid 'To' Phone Number")
        case Mode.RATE_LIMIT:
            return error(429, 20429, "Too Many Requests")
        case Mode.RATE_LIMIT_WAIT:
            return error(429, 20429, "Too Many Requests", {"Retry-After": str(int(rule.wait))})
        case _:
            return error(500, 20500, "Internal Server Error")


def routes(world: World) -> Sequence[BaseRoute]:
    """Below `/2010-04-01/Accounts`."""
    api = _Api(world)
    account = "/2010-04-01/Accounts/{account}"
    return [
        Route(f"{account}/Messages.json", api.messages, methods=["POST"]),
        Route(f"{account}/Messages/{{message}}/Media/{{media}}", api.media),
        Route(f"{account}/IncomingPhoneNumbers.json", api.numbers),
        Route(f"{account}.json", api.account),
    ]


class Account:
    """What the provider says of an account and its numbers, whether they are for messages or for calls."""

    channel = NAME

    def __init__(self, world: World) -> None:
        self._world = world

    def _ends(self, request: Request) -> list[End]:
        """The numbers of the account that a call is signed for; none when it is not."""
        account = request.path_params["account"]
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        return [
            end
            for end in self._world.ends.all(self.channel)
            if end.config.get("account_sid") == account
            and given == base64.b64encode(f"{account}:{end.secrets.get('auth_token')}".encode()).decode()
        ]

    async def account(self, request: Request) -> Response:
        """The account."""
        ends = self._ends(request)
        if not ends:
            return error(401, 20003, "Authenticate")
        about = {"sid": request.path_params["account"], "friendly_name": ends[0].name, "status": "active"}
        return JSONResponse(about)

    async def numbers(self, request: Request) -> Response:
        """The account's numbers."""
        wanted = request.query_params.get("PhoneNumber", "")
        if not (ends := self._ends(request)):
            return error(401, 20003, "Authenticate")
        found = [
            {"phone_number": end.address, "friendly_name": end.name} for end in ends if wanted in end.address
        ]
        return JSONResponse({"incoming_phone_numbers": found})


class _Api(Account):
    async def messages(self, request: Request) -> Response:
        """Send a message."""
        form = (await forms.read(request)).fields
        ends = self._ends(request)
        if not ends:
            return error(401, 20003, "Authenticate")
        sender, to, text = (
            form.get("From") or form.get("MessagingServiceSid"),
            form.get("To", ""),
            form.get("Body", ""),
        )
        end = next((each for each in ends if each.address == sender), None)
        if end is None:
            return error(400, 21606, f"The 'From' phone number provided ({sender}) is not a valid sender")
        if not _NUMBER.fullmatch(to):
            return error(400, 21211, f"Invalid 'To' Phone Number: {to}")
        if not text:
            return error(400, 21602, "Message body is required")
        if len(text) > LONGEST:
            return error(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        if self._stopped(end, to):
            return error(400, 21610, "Attempt to send to unsubscribed recipient")
        item = Item(new_id("SM"), now().timestamp(), False, text, data=form.get("StatusCallback", ""))
        said = {
            "sid": item.id, "account_sid": request.path_params["account"], "from": end.address, "to": to, "body": text,
            "status": "queued", "num_segments": "1", "num_media": "0", "error_code": None, "error_message": None,
            "direction": "outbound-api", "api_version": "2010-04-01", "price": None,
        }  # fmt: skip
        return await self._world.take(
            end, to, item, JSONResponse(said, 201), refuse=refuse,
            receipt=lambda item, state: _status(end, to, item, state),
        )  # fmt: skip

    def _stopped(self, end: End, to: str) -> bool:
        """Whether they wrote STOP, and not START since."""
        words = [
            each.text for each in self._world.chats.items(self._world.thread(end, Who(to))) if each.theirs
        ]
        said = [bool(_STOP.match(text)) for text in words if _STOP.match(text) or _START.match(text)]
        return bool(said) and said[-1]

    async def media(self, request: Request) -> Response:
        """A picture that a customer sent."""
        kept = self._world.files.get(request.path_params["media"])
        if not self._ends(request):
            return error(401, 20003, "Authenticate")
        if kept is None:
            return error(404, 20404, "The requested resource was not found")
        return Response(kept.read(), media_type=kept.content_type)


def new_id(kind: str) -> str:
    """A SID: two letters and 32 hexadecimal digits."""
    return kind + secrets.token_hex(16)


def webhook(end: End, person: str, url: str, form: Mapping[str, str]) -> Webhook:
    """A posted form, signed: HMAC-SHA-1 over the address and the sorted fields, in base64."""
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    digest = hmac.new(end.secrets.get("auth_token", "").encode(), text.encode(), hashlib.sha1).digest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "User-Agent": "TwilioProxy/1.1",
        "X-Twilio-Signature": base64.b64encode(digest).decode(),
    }  # fmt: skip
    return Webhook(end.channel, person, url, urlencode(form).encode(), headers)


def _status(end: End, to: str, item: Item, state: State) -> Webhook | None:
    if not item.data:
        return None  # nobody wants to know
    form = {
        "AccountSid": str(end.config.get("account_sid", "")), "ApiVersion": "2010-04-01", "From": end.address, "To": to,
        "MessageSid": item.id, "SmsSid": item.id, "MessageStatus": state, "SmsStatus": state,
    }  # fmt: skip
    if state == "failed":
        form |= {"MessageStatus": "undelivered", "SmsStatus": "undelivered", "ErrorCode": "30003"}
    return webhook(end, to, item.data, form)


def write(world: World, end: End, who: Who, act: Act) -> None:
    """A customer sends a message, with pictures as an MMS."""
    sid = new_id("MM" if act.files else "SM")
    account = str(end.config.get("account_sid", ""))
    form: dict[str, Any] = {
        "ToCountry": "FR", "SmsMessageSid": sid, "NumMedia": str(len(act.files)), "SmsSid": sid,
        "SmsStatus": "received", "Body": act.text, "FromCountry": "FR", "To": end.address, "MessageSid": sid,
        "NumSegments": "1", "AccountSid": account, "From": who.address, "ApiVersion": "2010-04-01",
    }  # fmt: skip
    base = str(end.config.get("base_url", "")).rstrip("/")
    for number, kept in enumerate(filter(None, map(world.files.get, act.files))):
        form[f"MediaContentType{number}"] = kept.content_type
        form[f"MediaUrl{number}"] = f"{base}/2010-04-01/Accounts/{account}/Messages/{sid}/Media/{kept.id}"
    kind = "image" if act.files else "text"
    item = Item(sid, now().timestamp(), True, act.text, kind, act.files)
    world.write(end, who, item, webhook(end, who.address, end.webhook, form))


def read(world: World, end: End, who: Who, _: Act) -> None:
    """A customer reads; nobody is told of it."""
    thread = world.thread(end, who)
    for item in world.unread(thread):
        world.chats.change(thread, item.id, state="read")


STANDIN = Standin(
    channel=NAME,
    label="SMS",
    acts={"write": write, "read": read},
    address_of=lambda number: f"+{number}",
    example={"address": "+33639980090", "account_sid": "AC" + "5a" * 16},
    routes=routes,
)
