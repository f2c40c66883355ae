"""The door for the in-app inbox, for the widget and for the business's own apps: `/chat/<inbox>/inbox`, `…/devices`.

    GET    …/inbox       the notices of whoever is signed in, and the key for web push
    POST   …/inbox       what of them arrived, was seen, read, or answered by a button
    POST   …/devices     ring this device from now on
    DELETE …/devices     ring it no more

Who asks is in `X-Wasl-Identity`, a token that the business's own server signed; there is nothing here for anybody else.
`/widget/push.js` is what a service worker of the host site imports.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from django.conf import settings
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wasl import widget
from wasl.channels.app.parse import CHANNEL
from wasl.channels.port import Slip
from wasl.channels.webchat.slips import slip
from wasl.customers.models import Identity
from wasl.devices import actions as devices
from wasl.doors import asgi, chat_asks
from wasl.doors.aside import Aside
from wasl.doors.desk import Desk
from wasl.intake.slips import payloads
from wasl.kit import webpush
from wasl.kit.clock import now
from wasl.kit.db import AsyncConnection, tenant
from wasl.kit.problem import Problem
from wasl.widget import bell, tokens
from wasl.widget.asks import RECEIPTS, Short
from wasl.widget.bell import App
from wasl.widget.place import Place
from wasl.widget.tokens import Account, BadToken
from wasl.widget.visitors import account_key

BODY = 20_000
_WORKER = Path(widget.__file__).parent / "static" / "push.js"
_aside = Aside("app")
T = TypeVar("T")
Refs = Annotated[Sequence[UUID], msgspec.Meta(max_length=RECEIPTS)]


class Acted(msgspec.Struct):
    """A button that was pressed."""

    ref: UUID
    key: Short


class Heard(msgspec.Struct):
    """What became of notices."""

    delivered: Refs = ()
    seen: Refs = ()
    read: Refs = ()
    acted: Annotated[Sequence[Acted], msgspec.Meta(max_length=10)] = ()


class Device(msgspec.Struct):
    """A device: `token` is FCM's or Apple's; a browser says `endpoint` and `keys` (Push API, §8)."""

    kind: str = "web"
    token: Annotated[str, msgspec.Meta(max_length=devices.LONGEST)] = ""
    endpoint: Annotated[str, msgspec.Meta(max_length=devices.LONGEST)] = ""
    keys: dict[str, Short] = {}
    label: Short = ""

    @property
    def called(self) -> str:
        """Where it is called."""
        return self.endpoint if self.kind == "web" else self.token


class Signed:
    """A request of somebody who is signed in, for an inbox that there is."""

    def __init__(self, here: Desk, place: Place, app: App, account: Account, language: str) -> None:
        self.here, self.place, self.app, self.account, self.language = here, place, app, account, language
        self.key = account_key(place.inbox_id, account.sub)

    @property
    def workspace(self) -> UUID:
        """Whose it is."""
        return self.place.workspace_id

    async def read(self, receive: Receive, kind: type[T]) -> T:
        """What was sent. Raises Problem."""
        return await chat_asks.read(self.here, receive, kind, self.language, BODY)

    async def settled(self, work: Callable[[Identity], Any]) -> Any:
        """Do something with the account's address, which is made when it comes first: off the loop."""
        who = devices.Account(
            self.key, self.account.sub, self.account.name, self.account.email, self.language
        )

        def go() -> Any:
            with tenant(self.workspace):
                return work(devices.account_of(self.workspace, who))

        return await _aside.run(go)


Work = Callable[[Signed, Receive], Awaitable[Any]]


class Door:
    """An address with what is done for each method."""

    def __init__(self, **works: Work) -> None:
        self._works = works

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(here: Desk, place: Place, send: Send) -> None:
            said = await self._works[scope["method"]](await signed(here, scope, place), receive)
            await asgi.answer(send, 200, msgspec.json.encode(said))

        complaint = "a request of an in-app inbox could not be answered"
        await chat_asks.serve(scope, receive, send, list(self._works), answer, complaint)


async def signed(here: Desk, scope: Scope, place: Place) -> Signed:
    """Who asks. Raises Problem for nobody, for a token that proves nothing, and where there is no in-app inbox."""
    language = chat_asks.language_of(chat_asks.query_of(scope), place)
    token = asgi.headers(scope).get(b"x-wasl-identity", b"").decode("latin-1")
    chat_asks.knock(scope, language)
    try:
        account = tokens.read(token, place.secret, now())
    except BadToken as error:
        raise Problem("not-signed", f"The identity token proves nothing: {error.reason}.") from error

    async def look(conn: AsyncConnection) -> App | None:
        return await bell.app_of(conn, place)

    app = await here.inside(place.workspace_id, look)
    if app is None:
        raise Problem("not-found", "There is no in-app inbox for this website.")
    return Signed(here, place, app, account, language)


async def listed(ask: Signed, _receive: Receive) -> Any:
    """The notices."""

    async def look(conn: AsyncConnection) -> bell.Bell:
        return await bell.read(conn, ask.place, ask.key)

    return shown(ask.app, await ask.here.inside(ask.workspace, look))


def shown(app: App, found: bell.Bell) -> dict[str, Any]:
    """The inbox as it is answered."""
    unread = sum(each.state in ("new", "seen") for each in found.notices)
    return {
        "title": app.title, "unread": unread, "notices": found.notices, "known": found.known,
        "key": webpush.public_key(),
    }  # fmt: skip


async def heard(ask: Signed, receive: Receive) -> Any:
    """What became of notices: of one's own alone. Without any it says that somebody has come, whom one may write to."""
    said = await ask.read(receive, Heard)
    wanted = [(kind, ref) for kind in ("delivered", "seen", "read") for ref in getattr(said, kind)]
    refs = [ref for _, ref in wanted] + [each.ref for each in said.acted]
    if not refs:
        await ask.settled(lambda _: None)
        return {"taken": 0}

    async def look(conn: AsyncConnection) -> dict[UUID, dict[str, str]]:
        return await bell.theirs(conn, ask.place, ask.key, refs)

    known = await ask.here.inside(ask.workspace, look)
    at = now().isoformat()
    slips = [
        slip(f"{kind} {ref}", {"kind": kind, "delivery": str(ref), "at": at})
        for kind, ref in wanted
        if ref in known
    ]
    for each in said.acted:
        if title := known.get(each.ref, {}).get(each.key):
            slips += _pressed(ask, each, title, at)
    await ask.here.store(ask.workspace, payloads(CHANNEL, ask.app.inbox_id, slips))
    return {"taken": len(slips)}


def _pressed(ask: Signed, acted: Acted, title: str, at: str) -> list[Slip]:
    """As a receipt, and as what the customer said; each button of a notice once."""
    about: Mapping[str, Any] = {
        "kind": "acted", "delivery": str(acted.ref), "key": acted.key, "title": title, "at": at,
        "visitor": str(ask.key), "name": ask.account.name, "language": ask.language,
        "verified": {"account": ask.account.sub, "email": ask.account.email},
    }  # fmt: skip
    told = {"kind": "told", "delivery": str(acted.ref), "title": title, "at": at}
    return [slip(f"told {acted.ref}", told), slip(f"acted {acted.ref}", about)]


async def register(ask: Signed, receive: Receive) -> Any:
    """Ring a device from now on."""
    said = await ask.read(receive, Device)
    wanted = devices.Wanted(
        said.kind,
        said.called,
        said.keys.get("p256dh", ""),
        said.keys.get("auth", ""),
        said.label,
        ask.language,
    )

    def keep(identity: Identity) -> UUID:
        private = settings.ENV.private_servers
        return devices.register(ask.workspace, ask.app.inbox_id, identity, wanted, private=private).id

    try:
        return {"id": await ask.settled(keep)}
    except devices.BadDevice as error:
        raise Problem("invalid", f"This device cannot be rung: its {error} is not right.") from error


async def forget(ask: Signed, receive: Receive) -> Any:
    """Ring a device no more."""
    said = await ask.read(receive, Device)
    gone = await ask.settled(lambda who: devices.forget(ask.app.inbox_id, who, said.kind, said.called))
    return {"forgotten": gone}


class Worker:
    """`/widget/push.js`: the service worker's part that shows a notice and opens its page."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _WORKER.read_bytes()
        said = {
            "content-type": "text/javascript; charset=utf-8", "cache-control": "public, max-age=3600",
            "content-length": str(len(body)), "access-control-allow-origin": "*",
            "cross-origin-resource-policy": "cross-origin", "x-content-type-options": "nosniff",
        }  # fmt: skip
        fields = [(name.encode(), value.encode()) for name, value in said.items()]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


routes = [
    Route("/widget/push.js", Worker()),
    Route("/chat/{inbox}/inbox", Door(GET=listed, POST=heard)),
    Route("/chat/{inbox}/devices", Door(POST=register, DELETE=forget)),
]
