"""What every request of a widget goes through: whose pages may ask, who asks, and how fast."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.types import Message, Receive, Scope, Send

from wasl.doors import asgi, desk
from wasl.doors.desk import Desk
from wasl.doors.peer import network
from wasl.kit.clock import now
from wasl.kit.db import AsyncConnection
from wasl.kit.languages import CODES
from wasl.kit.memory import Pace
from wasl.kit.problem import Problem
from wasl.widget import asks, tokens, visitors
from wasl.widget.place import QUESTION, Place, places
from wasl.widget.tokens import Account, BadToken
from wasl.widget.visitors import Who

_visitors: Pace[UUID] = Pace(1.0, 30)
_addresses: Pace[str] = Pace(5.0, 200)
_knocks: Pace[str] = Pace(20.0, 400)
"""How fast one visitor may write, and all from one address of the network, which may be a school or a firm; and how
fast from there anything may be asked at all."""
_searches: Pace[str] = Pace(5.0, 100)
"""How fast the database is asked from there for inboxes that there are not."""

TAKEN = b"authorization, content-type, last-event-id, x-wasl-identity"
T = TypeVar("T")
Answer = Callable[[Desk, Place, Send], Awaitable[None]]


async def serve(
    scope: Scope, receive: Receive, send: Send, methods: Sequence[str], answer: Answer, complaint: str
) -> None:
    """Find the inbox, see whose pages ask, and have a request of one of the `methods` answered.

    What nobody foresaw goes to the log under `complaint`.
    """
    allowing = Allowing(send)

    async def work(scope: Scope, _receive: Receive, _send: Send) -> None:
        here = await desk.of_this_loop()
        place = await find(here, scope)
        allowing.origin = allowed(scope, place)
        if scope["method"] == "OPTIONS":
            await preflight(allowing, ", ".join(methods).encode())
        elif scope["method"] not in methods:
            allow = {"Allow": ", ".join(methods)}
            raise Problem("wrong-method", "Another method is meant.", headers=allow)
        else:
            await answer(here, place, allowing)

    await asgi.guarded(work, scope, receive, allowing, complaint)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `problem` is why the token of the host site proves nothing, '' when it does or there is none."""

    place: Place
    language: str
    secret: str
    account: Account | None
    problem: str
    query: dict[str, str]

    async def who(self, conn: AsyncConnection) -> Who:
        """The visitor, inside the workspace."""
        return await visitors.who(conn, self.place, self.secret, self.account)

    def name(self, who: Who) -> str:
        """What agents call them."""
        if who.account and who.account.name:
            return who.account.name
        return asks.told(self.place.language, asks.VISITOR, number=who.number)


async def find(here: Desk, scope: Scope) -> Place:
    """The inbox that the address names. Raises Problem."""
    try:
        inbox_id = UUID(scope["path_params"]["inbox"])
    except ValueError as error:
        raise _nothing() from error
    known = places.get(inbox_id)
    if known is None:
        if wait := _searches.wait(address(scope)):
            raise asks.too_many(query_of(scope).get("language", "")[:2], wait)
        rows = await here.rows(QUESTION, [inbox_id])
        if not rows:
            _searches.take(address(scope))
            raise _nothing()
        known = Place.of(inbox_id, rows[0])
        places.put(inbox_id, known)
    return known


def _nothing() -> Problem:
    return Problem("not-found", "There is no web chat at this address.")


def understood(scope: Scope, at: Place, *, strict: bool) -> Ask:
    """Who asks, and in what language. With `strict` a token of the host site that proves nothing is refused.

    Raises Problem.
    """
    headers = asgi.headers(scope)
    query = query_of(scope)
    language = language_of(query, at)
    scheme, _, secret = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not visitors.is_secret(secret):
        raise Problem("no-token", "Send the header 'Authorization: Bearer …' with the browser's secret.")
    account, problem = None, ""
    if token := headers.get(b"x-wasl-identity", b"").decode("latin-1"):
        try:
            account = tokens.read(token, at.secret, now())
        except BadToken as error:
            problem = error.reason
    if problem and strict:
        raise Problem("not-signed", f"The identity token proves nothing: {problem}.")
    return Ask(at, language, secret, account, problem, query)


def query_of(scope: Scope) -> dict[str, str]:
    """The parameters of an address."""
    return dict(parse_qsl(scope["query_string"].decode("latin-1")))


def language_of(query: dict[str, str], at: Place) -> str:
    """The language that is asked for, or the inbox's."""
    language = query.get("language", "")[:2]
    return language if language in CODES else at.language


async def read(here: Desk, receive: Receive, kind: type[T], language: str, most: int = asks.BODY) -> T:
    """The body as what it is to be, of at most so many bytes; without one, {}. Raises Problem."""
    came = await asgi.body(receive, here.spool)
    if isinstance(came, bytes):
        body = came
    else:
        body = came.file.read(most + 1)
        came.close()
    if len(body) > most:
        raise asks.too_large(language, most)
    return asks.read(body or b"{}", kind)


def knock(scope: Scope, language: str) -> None:
    """Count a request. Raises Problem when there were too many from there."""
    if wait := _knocks.take(address(scope)):
        raise asks.too_many(language, wait)


def slow_down(scope: Scope, ask: Ask) -> None:
    """Count a request that makes something. Raises Problem when there were too many."""
    key = visitors.browser_key(ask.place.inbox_id, ask.secret)
    wait = _addresses.take(address(scope)) or _visitors.take(key)
    if wait:
        raise asks.too_many(ask.language, wait)


def address(scope: Scope) -> str:
    """The network that a request came from (behind proxies of ours what `peer` made of it)."""
    return network(str((scope.get("client") or ("",))[0]))


def allowed(scope: Scope, at: Place) -> bytes:
    """The origin that asks, b"" when none is named. Raises Problem for one that may not hold the widget."""
    origin = asgi.headers(scope).get(b"origin", b"")
    if origin and origin.decode("latin-1") not in at.origins:
        raise Problem("not-allowed", "This website is not among those that the inbox allows.")
    return origin


class Allowing:
    """A send that lets pages of `origin` read the answer, errors as well, once it is known that they may."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.origin = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self.origin:
            more = [(b"access-control-allow-origin", self.origin), (b"vary", b"origin"),
                    (b"access-control-expose-headers", b"retry-after")]  # fmt: skip
            message = {**message, "headers": [*message["headers"], *more]}
        await self._send(message)


async def preflight(send: Send, methods: bytes) -> None:
    """What browsers ask before they ask (Fetch standard, §3.2)."""
    fields = [(b"access-control-allow-methods", methods), (b"access-control-allow-headers", TAKEN),
              (b"access-control-max-age", b"600"), (b"content-length", b"0")]  # fmt: skip
    await send({"type": "http.response.start", "status": 204, "headers": fields})
    await send({"type": "http.response.body", "body": b""})
