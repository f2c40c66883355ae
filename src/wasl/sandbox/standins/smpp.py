"""A message centre that speaks SMPP 3.4, on the sandbox's own port: nothing of HTTP begins with a zero, and every PDU
does.

Source: SMS Forum, "Short Message Peer to Peer Protocol Specification v3.4", 2.2, 4.1-4.6, 5.1.3, 5.2.28, appendix B.
"""

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import Response

from wasl.channels.port import OutboundChat, Settings
from wasl.channels.smpp import pdu
from wasl.channels.smpp.parse import decode, number
from wasl.channels.smpp.pdu import HEADER, Bind, Garbled, Pdu, Short
from wasl.channels.smpp.send import compose
from wasl.kit.clock import now
from wasl.sandbox.chats import End, Item, Who
from wasl.sandbox.courier import Webhook
from wasl.sandbox.network import Mode, Rule
from wasl.sandbox.serving import HangUp
from wasl.sandbox.standins import Standin
from wasl.sandbox.standins.sms import new_id
from wasl.sandbox.world import Act, State, World

NAME = "smpp"
PATIENCE = 10.0
"""Seconds for which an answer to a deliver_sm is waited for."""

INVALID_DESTINATION = 0x0B
_STATUS = {
    Mode.REFUSE_NOW: pdu.QUEUE_FULL, Mode.REFUSE: INVALID_DESTINATION, Mode.RATE_LIMIT: pdu.THROTTLED,
    Mode.RATE_LIMIT_WAIT: pdu.THROTTLED, Mode.BREAK: pdu.SYSTEM_ERROR,
}  # fmt: skip
_STATES: Mapping[str, tuple[str, int]] = {"delivered": ("DELIVRD", 2), "failed": ("UNDELIV", 5)}
_RECEIVING = frozenset({pdu.BIND_RECEIVER, pdu.BIND_TRANSCEIVER})


class _Said(Response):
    """The answer to a submit_sm, on the road that answers of HTTP take."""

    def __init__(self, status: int, id_: str = "") -> None:
        super().__init__()
        self.status, self.id = status, id_


def refuse(rule: Rule) -> Response:
    """The centre's answer in each mode in which it refuses; it has no word for how long to wait."""
    return _Said(_STATUS[rule.mode])


@dataclass(eq=False)
class _Session:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    end: End | None = None
    mode: int = 0
    sequence: int = 0
    waits: dict[int, "asyncio.Future[int]"] = field(default_factory=dict)

    async def read(self, first: bytes = b"") -> Pdu:
        """The next PDU. Raises Garbled, EOFError, OSError."""
        head = first + await self.reader.readexactly(HEADER.size - len(first))
        length, command, status, sequence = HEADER.unpack(head)
        if not HEADER.size <= length <= pdu.LONGEST:
            raise Garbled(f"a PDU of {length} bytes")
        body = await self.reader.readexactly(length - HEADER.size)
        return Pdu(command, sequence, body, status)

    def say(self, said: Pdu) -> None:
        """Write a PDU."""
        self.writer.write(said.encode())

    async def bring(self, body: bytes) -> int:
        """Bring a deliver_sm; 200 when they took it."""
        self.sequence += 1
        number_, answer = self.sequence, asyncio.get_running_loop().create_future()
        self.waits[number_] = answer
        self.say(Pdu(pdu.DELIVER_SM, number_, body))
        try:
            return 200 if await asyncio.wait_for(answer, PATIENCE) == pdu.OK else 0
        except TimeoutError:
            return 0
        finally:
            self.waits.pop(number_, None)


class Centre:
    """The message centre: whoever is connected, and the parts of texts that are not whole yet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sessions: list[_Session] = []
        self._parts: dict[str, dict[int, str]] = {}
        self._count = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes) -> None:
        """A connection to its end."""
        session = _Session(reader, writer)
        self._sessions.append(session)
        try:
            while await self._answer(session, await session.read(first)):
                first = b""
                await writer.drain()
            await writer.drain()
        except Garbled:
            pass
        finally:
            self._sessions.remove(session)

    async def bring(self, webhook: Webhook) -> int:
        """The courier's way: to whoever receives for the end. 0 when nobody does."""
        system_id = webhook.url.partition("://")[2]
        for session in self._sessions:
            if (
                session.end
                and session.end.config.get("system_id") == system_id
                and session.mode in _RECEIVING
            ):
                return await session.bring(webhook.body)
        return 0

    async def _answer(self, session: _Session, found: Pdu) -> bool:
        """Whether the connection goes on."""
        if found.command in pdu.BINDS:
            return self._bind(session, found)
        if found.command == pdu.SUBMIT_SM:
            self._world.go(self._submit(session, found))
        elif found.command in (pdu.ENQUIRE_LINK, pdu.UNBIND):
            session.say(found.answer())
            return found.command != pdu.UNBIND
        elif found.command == pdu.DELIVER_SM | pdu.RESPONSE:
            if (wait := session.waits.get(found.sequence)) and not wait.done():
                wait.set_result(found.status)
        elif not found.command & pdu.RESPONSE:
            session.say(Pdu(pdu.GENERIC_NACK, found.sequence, b"", pdu.INVALID_COMMAND))
        return True

    def _bind(self, session: _Session, found: Pdu) -> bool:
        who = Bind.decode(found.body)
        known = [end for end in self._world.ends.all(NAME) if end.config.get("system_id") == who.system_id]
        good = [end for end in known if end.secrets.get("password") == who.password]
        status = pdu.OK if good else pdu.INVALID_PASSWORD if known else pdu.INVALID_SYSTEM_ID
        if good and session.mode:
            status = pdu.ALREADY_BOUND
        elif good:
            session.end, session.mode = good[0], found.command
        session.say(found.answer(pdu.text("SANDBOX") + struct.pack(">HHB", 0x0210, 1, pdu.VERSION), status))
        return status == pdu.OK

    async def _submit(self, session: _Session, found: Pdu) -> None:
        """Take one part of a text; with the last of them the text is on its way."""
        said: Response = _Said(pdu.NOT_BOUND)
        if session.end and session.mode != pdu.BIND_RECEIVER:
            try:
                said = await self._take(session.end, Short.decode(found.body))
            except Garbled:
                said = _Said(pdu.INVALID_LENGTH)
        if isinstance(said, HangUp):
            session.writer.transport.abort()
        elif isinstance(said, _Said):
            with contextlib.suppress(OSError):
                session.say(found.answer(pdu.text(said.id) if said.status == pdu.OK else b"", said.status))

    async def _take(self, end: End, short: Short) -> Response:
        self._count += 1
        id_ = f"{int(now().timestamp()):08X}{self._count:04X}"
        to, (text, whole) = number(short.destination), self._joined(end, short)
        if not to.startswith("+"):
            return _Said(INVALID_DESTINATION)
        if not whole:
            return _Said(pdu.OK, id_)
        item = Item(id_, now().timestamp(), False, text)
        return await self._world.take(
            end, to, item, _Said(pdu.OK, id_), refuse=refuse,
            receipt=lambda item, state: _receipt(end, short, item, state),
        )  # fmt: skip

    def _joined(self, end: End, short: Short) -> tuple[str, bool]:
        """The text, and whether it is whole: its parts say so in a header (3GPP TS 23.040, 9.2.3.24.1)."""
        body = short.content
        if not short.esm & pdu.UDHI or len(body) < 6:
            return _text(body, short.coding), True
        ref, total, place = body[3:6]
        key = f"{end.address}>{short.destination.address}:{ref}/{total}"
        parts = self._parts.setdefault(key, {})
        parts[place] = _text(body[body[0] + 1 :], short.coding)
        if len(parts) < total:
            return "", False
        del self._parts[key]
        joined = "".join(parts[n] for n in sorted(parts))
        return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), True


def _text(content: bytes, coding: int) -> str:
    return decode(content, coding) or ""


def _way(end: End) -> str:
    return f"{NAME}://{end.config.get('system_id')}"


def _receipt(end: End, short: Short, item: Item, state: State) -> Webhook | None:
    """A deliver_sm that says what became of a message, where that was asked for."""
    if state not in _STATES or not short.receipts & 1:
        return None
    name, coded = _STATES[state]
    at = now().strftime("%y%m%d%H%M")
    text = (
        f"id:{item.id} sub:001 dlvrd:{int(state == 'delivered'):03d} submit date:{at} done date:{at} stat:{name}"
        f" err:{0 if state == 'delivered' else 1:03d} text:"
    )
    said = Short(
        source=short.destination, destination=short.source, content=text.encode("ascii"), esm=pdu.RECEIPT,
        tlvs={pdu.TLV_RECEIPTED_ID: item.id.encode() + b"\0", pdu.TLV_STATE: bytes([coded])},
    )  # fmt: skip
    return Webhook(NAME, number(short.destination), _way(end), said.encode())


def centre(world: World) -> Centre:
    """The one centre of a sandbox."""
    found: Centre = world.kept.setdefault(NAME, Centre(world))
    return found


async def start(world: World) -> Callable[[], Awaitable[None]]:
    """Be there for whoever connects, and for the courier."""
    world.talk, world.courier.ways[NAME] = centre(world).talk, centre(world).bring

    async def stop() -> None:
        world.talk = None

    return stop


def write(world: World, end: End, who: Who, act: Act) -> None:
    """A customer sends a text, in as many parts as it takes."""
    item = Item(new_id("SM"), now().timestamp(), True, act.text)
    as_sender = Settings(who.address, {}, {}, private=True, webhook="")
    parts = compose(as_sender, OutboundChat(delivery=item.id, to=end.address, text=act.text))
    made = [Webhook(NAME, who.address, _way(end), replace(part, receipts=0).encode()) for part in parts]
    world.write(end, who, item, made[-1])
    for each in made[:-1]:
        world.courier.send(each)


def read(world: World, end: End, who: Who, _: Act) -> None:
    """A customer reads; nobody is told of it."""
    thread = world.thread(end, who)
    for item in world.unread(thread):
        world.chats.change(thread, item.id, state="read")


def _here(config: Mapping[str, Any], base: str) -> bool:
    return base == f"http://{config.get('host')}:{config.get('port')}/{NAME}"


STANDIN = Standin(
    channel=NAME,
    label="SMPP",
    acts={"write": write, "read": read},
    address_of=lambda number: f"+{number}",
    files=False,
    here=_here,
    example={
        "address": "+33639980092", "host": "127.0.0.1", "port": "{port}", "tls": "no", "system_id": "darzaytun",
        "country": "FR",
    },
    start=start,
)  # fmt: skip
