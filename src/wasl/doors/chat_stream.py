"""`/chat/<inbox>/stream`: what a visitor is shown, as it goes on (server-sent events, HTML standard §9.2).

Events: `messages` ([{…}], see `widget.feed.Item`; a message that comes again has changed), `standing` (when an answer
can be expected), `inbox` ([{…}], see `widget.bell.Notice`: all there are, for whoever is signed in), `typing` ({"name":
…, "on": …}), `beat` (the line is alive), `end` (come again). The id of an event is the moment up to which everything
was told; a browser resumes with `Last-Event-ID`, and is told again what it may have missed. That what comes twice is
the same twice makes it exact.

A stream reads again what its visitor may see, whenever the database signals that it may have changed.
"""

import asyncio
from collections.abc import Collection
from typing import LiteralString
from uuid import UUID

import msgspec
from starlette.types import Receive, Scope, Send

from wasl.doors import asgi, chat_asks, desk
from wasl.doors.aside import Aside
from wasl.doors.chat_asks import Ask
from wasl.doors.crowd import NARROW, SHARE
from wasl.doors.desk import Desk
from wasl.kit.clock import now
from wasl.kit.db import AWAY, AsyncConnection
from wasl.kit.memory import Recent
from wasl.kit.presence import LASTS, Beat
from wasl.kit.problem import Problem
from wasl.kit.signal import Signal
from wasl.live.events import event
from wasl.live.hub import Hub
from wasl.live.stream import HEADERS, HEARTBEAT, SEND_PATIENCE
from wasl.widget import bell, feed
from wasl.widget.place import Place
from wasl.widget.standing import Standing, standing
from wasl.widget.visitors import Who

MOST = 3000
MOST_EACH = 12
MOST_FROM = 200
"""Streams of this process, of one visitor, and from one network."""
LONGEST = 3600.0
"""Seconds after which a stream ends, so that whoever is signed in says so again."""
BREATH = 0.15
"""Seconds between two looks of one stream, whatever goes on."""
BELIEVED = 10.0
"""Seconds for which it is believed how an inbox stands."""

_CONCERNS = frozenset({"message", "delivery", "conversation"})
_KNOWN: LiteralString = """
SELECT address FROM customers_identity
WHERE workspace_id = %b AND channel IN ('webchat', 'app') AND address = ANY(%b::text[])
"""


class Stream:
    """One open stream, and what its reader has been shown."""

    def __init__(self, place: Place, who: Who, address: str, last: float) -> None:
        self.place = place
        self.address = address
        self.who = who
        self.last = last
        self.ready = asyncio.Event()
        self.ready.set()
        self.stale = True
        self.ending = False
        self.typing: dict[UUID, tuple[str, float]] = {}
        self._shown: dict[UUID, bytes] = {}
        self._told = ""
        self._begun = False
        self._found = feed.Feed((), {}, (), frozenset())
        self._bell = bell.Bell()
        self._rung = self._bell.fingerprint

    @property
    def is_new(self) -> bool:
        """Whether we know nobody behind it yet: no signal names them."""
        return not self._found.roots and not self._bell.roots

    def concerned(self, signal: Signal) -> bool:
        """Whether something of what is shown can have changed. For somebody new: something came into the inbox."""
        if signal.kind not in _CONCERNS:
            return False
        if self.is_new:
            return signal.inbox == self.place.inbox_id
        roots = self._found.roots | self._bell.roots
        talks = {talk for talk, _ in self._found.talks} | self._bell.talks
        return not talks.isdisjoint(signal.conversations) or not roots.isdisjoint(signal.customers)

    def wake(self) -> None:
        """Look again."""
        self.stale = True
        self.ready.set()

    def end(self) -> None:
        """Say goodbye."""
        self.ending = True
        self.ready.set()

    def hear(self, beat: Beat) -> None:
        """An agent is at one of the conversations."""
        if beat.agent == self.who.key or all(beat.conversation != talk for talk, _ in self._found.talks):
            return
        if beat.state == "typing":
            self.typing[beat.agent] = (beat.name.partition(" ")[0], asyncio.get_running_loop().time() + LASTS)
        else:
            self.typing.pop(beat.agent, None)
        self.ready.set()

    def news(self, found: feed.Feed) -> bytes:
        """What the reader has not been shown."""
        items = found.items if self._begun else found.since(self.last)
        fresh = [each for each in items if self._shown.get(each.id) != feed.fingerprint(each)]
        self._found = found
        self._shown = {each.id: feed.fingerprint(each) for each in found.items}
        self._begun = True
        self.last = max(self.last, found.newest)
        return event("messages", msgspec.json.encode(fresh).decode(), f"{self.last:.6f}") if fresh else b""

    def rings(self, found: bell.Bell) -> bytes:
        """The notices, when they are not as the reader was shown them."""
        self._bell = found
        if self._rung == found.fingerprint:
            return b""
        self._rung = found.fingerprint
        return event("inbox", msgspec.json.encode(found.notices).decode())

    def typed(self) -> bytes:
        """Who writes just now, when that has changed."""
        present = asyncio.get_running_loop().time()
        self.typing = {agent: each for agent, each in self.typing.items() if each[1] > present}
        name = next((name for name, _ in self.typing.values()), "")
        if name == self._told:
            return b""
        self._told = name
        return event("typing", msgspec.json.encode({"name": name, "on": bool(name)}).decode())


class Streams:
    """The open streams of this process, by workspace; the hub tells them what the database signals."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._open: dict[UUID, set[Stream]] = {}
        self._standings: Recent[UUID, Standing] = Recent(BELIEVED, 2000)
        self._asking: dict[UUID, asyncio.Task[Standing]] = {}
        self._aside = Aside("chat")
        self._new: dict[UUID, set[Stream]] = {}
        self._meeting: dict[UUID, asyncio.Task[None]] = {}

    def hear(self, signal: Signal) -> None:
        """A signal of any workspace."""
        new = set()
        for stream in self._open.get(signal.workspace, ()):
            if not stream.concerned(signal):
                continue
            if stream.is_new:
                new.add(stream)
            else:
                stream.wake()
        if new:
            self._new.setdefault(signal.workspace, set()).update(new)
            if signal.workspace not in self._meeting:
                task = asyncio.get_running_loop().create_task(self._meet(signal.workspace))
                self._meeting[signal.workspace] = task

    async def _meet(self, workspace_id: UUID) -> None:
        """Wake those who were new and are not any more, by one question for all: else each message that comes into an
        inbox would have every visitor looked for who only has the page open."""
        try:
            while new := self._new.pop(workspace_id, None):
                keys = {str(key) for stream in new for key in stream.who.keys}
                known = await self._known(workspace_id, keys)
                for stream in new:
                    if known is None or not known.isdisjoint(map(str, stream.who.keys)):
                        stream.wake()
                await asyncio.sleep(BREATH)
        finally:
            del self._meeting[workspace_id]

    async def _known(self, workspace_id: UUID, keys: Collection[str]) -> frozenset[str] | None:
        """Which of these keys are somebody's address; None when the database is away."""
        here = await desk.of_this_loop()
        try:
            rows = await here.inside(
                workspace_id, lambda c: feed.select(c, _KNOWN, [workspace_id, list(keys)])
            )
        except Problem:
            return None
        return frozenset(row[0] for row in rows)

    def beat(self, beat: Beat) -> None:
        """Somebody is at a conversation."""
        for stream in self._open.get(beat.workspace, ()):
            stream.hear(beat)

    def again(self) -> None:
        """Something may have been missed."""
        for stream in self.all():
            stream.wake()

    def all(self) -> list[Stream]:
        """Every open stream."""
        return [stream for room in self._open.values() for stream in room]

    def end_all(self) -> None:
        """Tell every stream to end by itself."""
        for stream in self.all():
            stream.end()

    async def standing(self, place: Place) -> Standing:
        """When an answer can be expected, as was found out lately; many who ask at once share one answer.

        Raises Problem when the database is away.
        """
        known = self._standings.get(place.inbox_id)
        if known is not None:
            return known
        task = self._asking.get(place.inbox_id)
        if task is None:
            task = self._asking[place.inbox_id] = asyncio.create_task(self._look(place))
            task.add_done_callback(lambda _: self._asking.pop(place.inbox_id, None))
        try:
            return await asyncio.shield(task)
        except AWAY as error:
            raise Problem("not-now", "Please ask again in a second.", headers={"Retry-After": "1"}) from error

    async def _look(self, place: Place) -> Standing:
        attended = self._hub.attended(place.workspace_id, place.inbox_id)

        def look() -> Standing:
            return standing(place.workspace_id, place.inbox_id, now(), attended=attended)

        found = await self._aside.run(look)
        self._standings.put(place.inbox_id, found)
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The endpoint."""

        async def answer(here: Desk, place: Place, send: Send) -> None:
            ask = chat_asks.understood(scope, place, strict=True)
            chat_asks.knock(scope, ask.language)
            await self._serve(here, ask, scope, receive, send)

        await chat_asks.serve(scope, receive, send, ["GET"], answer, "a widget's stream broke")

    async def _serve(self, here: Desk, ask: Ask, scope: Scope, receive: Receive, send: Send) -> None:
        who = await here.inside(ask.place.workspace_id, ask.who)
        if who.spent and who.account is None:
            raise Problem("conflict", "spent")
        address = chat_asks.address(scope)
        self._make_room(ask.place.workspace_id, who, address)
        room = self._open.setdefault(ask.place.workspace_id, set())
        last = asgi.headers(scope).get(b"last-event-id", b"").decode("latin-1")
        stream = Stream(ask.place, who, address, _moment(last))
        room.add(stream)
        watch = asyncio.create_task(_watch(receive, stream))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            async with asyncio.timeout(LONGEST):
                await self._tell(here, stream, send)
        except (TimeoutError, Problem):
            pass  # it is time, the other side does not read what it is sent, or the database is away
        finally:
            watch.cancel()
            room.discard(stream)
            if not room:
                self._open.pop(ask.place.workspace_id, None)
        await send({"type": "http.response.body", "body": event("end", "again")})

    def _make_room(self, workspace_id: UUID, who: Who, address: str) -> None:
        """Raises Problem when there is none, also when what is left is for the visitors of other workspaces."""
        streams = self.all()
        greedy = len(self._open.get(workspace_id, ())) >= MOST * SHARE
        if len(streams) >= (MOST * NARROW if greedy else MOST):
            raise Problem("not-now", "There are too many streams.", headers={"Retry-After": "5"})
        own = sum(each.who.key == who.key for each in streams)
        if own >= MOST_EACH or sum(each.address == address for each in streams) >= MOST_FROM:
            raise Problem("too-many", "There are too many streams of yours.", headers={"Retry-After": "30"})

    async def _tell(self, here: Desk, stream: Stream, send: Send) -> None:
        stands: Standing | None = None
        while not stream.ending:
            stream.ready.clear()
            said = b""
            if stream.stale:
                stream.stale = False
                found, notices = await here.inside(stream.place.workspace_id, lambda c: _read(c, stream))
                said = stream.news(found) + stream.rings(notices)
            said += stream.typed()
            if (present := await self.standing(stream.place)) != stands:
                stands = present
                said += event("standing", msgspec.json.encode(present).decode())
            await _send(send, said or event("beat"))
            await asyncio.sleep(BREATH)
            try:
                async with asyncio.timeout(2.0 if stream.typing else HEARTBEAT):
                    await stream.ready.wait()
            except TimeoutError:
                continue


async def _read(conn: AsyncConnection, stream: Stream) -> tuple[feed.Feed, bell.Bell]:
    place, who = stream.place, stream.who
    rings = who.account is not None and await bell.app_of(conn, place) is not None
    return await feed.read(conn, place, who), await bell.read(conn, place, who.key) if rings else bell.Bell()


def _moment(last: str) -> float:
    try:
        return max(0.0, float(last))
    except ValueError:
        return 0.0


async def _watch(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end()


async def _send(send: Send, text: bytes) -> None:
    """Raises TimeoutError when the other side does not accept it."""
    async with asyncio.timeout(SEND_PATIENCE):
        await send({"type": "http.response.body", "body": text, "more_body": True})
