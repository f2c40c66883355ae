"""A Twilio-style API for calls, as it looks from outside: calls placed, what they cost, what was recorded.

Source: Twilio, "Call resource", "Recording resource", "IncomingPhoneNumber resource". The exchange behind it is
`_calls.py`.
"""

from collections.abc import Awaitable, Callable, Sequence

from django.utils.translation import gettext_noop as _
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wasl.sandbox import forms
from wasl.sandbox.chats import End, Who
from wasl.sandbox.network import CALLS, Mode
from wasl.sandbox.serving import HangUp
from wasl.sandbox.standins import Standin
from wasl.sandbox.standins._calls import Exchange
from wasl.sandbox.standins.sms import Account, error, refuse
from wasl.sandbox.world import PATIENCE, REFUSED, Act, World

NAME = "voice"
PRICE, LEG = "-0.0130", "-0.0245"
"""What a call costs, and its other leg."""


def exchange(world: World) -> Exchange:
    """The one exchange of a sandbox."""
    found: Exchange = world.kept.setdefault(NAME, Exchange(world))
    return found


def routes(world: World) -> Sequence[BaseRoute]:
    """Below `/2010-04-01/Accounts`."""
    api = _Api(world)
    account = "/2010-04-01/Accounts/{account}"
    return [
        Route(f"{account}/Calls.json", api.place, methods=["POST"]),
        Route(f"{account}/Calls.json", api.legs),
        Route(f"{account}/Calls/{{call}}.json", api.call),
        Route(f"{account}/Recordings/{{recording}}.mp3", api.recording),
        Route(f"{account}/IncomingPhoneNumbers.json", api.numbers),
        Route(f"{account}.json", api.account),
    ]


class _Api(Account):
    channel = NAME

    async def place(self, request: Request) -> Response:
        """Place a call."""
        form = (await forms.read(request)).fields
        ends = self._ends(request)
        if not ends:
            return error(401, 20003, "Authenticate")
        end = next((each for each in ends if each.address == form.get("From")), None)
        if end is None:
            return error(400, 21210, f"'From' phone number not verified: {form.get('From', '')}")
        if not form.get("To", "").startswith(("+", "sip:", "sips:")) or not form.get("Url"):
            return error(400, 21211, f"Invalid 'To' Phone Number: {form.get('To', '')}")
        rule = self._world.network.take_on(NAME, form["To"], CALLS)
        if rule.mode in REFUSED:
            return refuse(rule)
        call = exchange(self._world).place(end, form)
        wait = rule.wait if rule.mode == Mode.LATE else 0.0
        work = exchange(self._world).connect(call, form, wait, fails=rule.mode == Mode.BOUNCE)
        self._world.go(work)
        if rule.mode == Mode.EARLY:
            await call.asked(PATIENCE)
        said = {
            "sid": call.sid, "account_sid": request.path_params["account"], "from": end.address, "to": form["To"],
            "status": "queued", "direction": "outbound-api", "api_version": "2010-04-01", "price": None,
        }  # fmt: skip
        return HangUp() if rule.mode == Mode.LOSE_ANSWER else JSONResponse(said, 201)

    async def call(self, request: Request) -> Response:
        """What became of a call, and its price once it is over."""
        if not self._ends(request):
            return error(401, 20003, "Authenticate")
        sid = request.path_params["call"]
        live = sid in exchange(self._world).calls
        state = "in-progress" if live else "completed"
        return JSONResponse(
            {"sid": sid, "status": state, "price": None if live else PRICE, "price_unit": "USD"}
        )

    async def legs(self, request: Request) -> Response:
        """The other legs of a call."""
        if not self._ends(request):
            return error(401, 20003, "Authenticate")
        return JSONResponse({"calls": [{"price": LEG, "price_unit": "USD", "status": "completed"}]})

    async def recording(self, request: Request) -> Response:
        """What was recorded."""
        if not self._ends(request):
            return error(401, 20003, "Authenticate")
        try:
            kept = self._world.files.get(str(int(request.path_params["recording"].removeprefix("RE"), 16)))
        except ValueError:
            kept = None
        if kept is None:
            return error(404, 20404, "The requested resource was not found")
        return Response(kept.read(), media_type=kept.content_type)


async def start(world: World) -> Callable[[], Awaitable[None]]:
    """Calls of an earlier process are over."""
    exchange(world).tidy()

    async def nothing() -> None:
        """The world ends what goes on in it."""

    return nothing


def call(world: World, end: End, who: Who, _: Act) -> None:
    """A customer rings the shop up."""
    exchange(world).begin(end, who)


def does(world: World, _: End, __: Who, act: Act) -> None:
    """Somebody does something in a call."""
    exchange(world).act(act)


def read(world: World, end: End, who: Who, _: Act) -> None:
    """A customer looks at whom they missed."""
    thread = world.thread(end, who)
    for item in world.unread(thread):
        world.chats.change(thread, item.id, state="read")


STANDIN = Standin(
    channel=NAME,
    label=_("Telephone"),
    shared=True,
    screen="calls",
    acts={
        "call": call, "answer": does, "decline": does, "press": does, "hang_up": does, "leave": does, "take": does,
        "turn_down": does, "end": does, "read": read,
    },
    address_of=lambda number: f"+{number}",
    example={
        "address": "+33639980091", "account_sid": "AC" + "5b" * 16, "business": "Dar Zaytun", "recording": "ask",
    },
    routes=routes,
    start=start,
)  # fmt: skip
