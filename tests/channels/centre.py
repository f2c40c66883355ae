"""A message centre that speaks SMPP 3.4, for tests: it takes messages, gives receipts, brings what
customers send until that is acknowledged, and misbehaves when told to.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from wasl.channels.smpp import pdu
from wasl.channels.smpp.pdu import Bind, Garbled, Pdu, Short

RECEIVING = frozenset({pdu.BIND_RECEIVER, pdu.BIND_TRANSCEIVER})
SENDING = frozenset({pdu.BIND_TRANSMITTER, pdu.BIND_TRANSCEIVER})


@dataclass
class Faults:
    """What goes wrong. Counts go down with each time; delays are seconds."""

    throttle: int = 0
    refuse: list[int] = field(default_factory=list)
    """A status for each of the next submit_sm."""
    drop_after_accept: int = 0
    """Take the message and hang up without an answer."""
    drop_before: int = 0
    delay: float = 0.0
    deaf: bool = False
    """Answer nothing at all, not even enquire_link."""
    receipt_first: bool = False
    """Bring the receipt before the answer to the submit_sm."""
    state: str = "DELIVRD"
    text_only: bool = False
    """Receipts without optional parameters, as older centres have them."""


@dataclass
class Submitted:
    """A message that was taken, with the id it was given."""

    id: str
    short: Short
    at: float = field(default_factory=time.monotonic)


class Centre:
    """The centre: a thread for each connection and one that accepts them. Use it with `with`."""

    def __init__(
        self,
        users: dict[str, str] | None = None,
        context: ssl.SSLContext | None = None,
        on_submit: Callable[[Submitted], None] | None = None,
    ) -> None:
        self.users = users or {"wasl": "secret"}
        self.faults = Faults()
        self.submitted: list[Submitted] = []
        self.refused: list[Pdu] = []
        self.patience = 2.0
        """Seconds for which it waits for a deliver_sm_resp before it brings the same again."""
        self.enquired = 0
        self._context, self._on_submit = context, on_submit
        self._lock = threading.RLock()
        self._moved = threading.Condition(self._lock)
        self._waiting: deque[bytes] = deque()
        self._sessions: list[_Session] = []
        self._count = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._open = True
        threading.Thread(target=self._accept, name="message centre", daemon=True).start()

    def __enter__(self) -> Centre:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up on everybody and listen no more."""
        self._open = False
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        """End every connection without a word."""
        for session in self.sessions():
            session.end()

    def sessions(self) -> list[_Session]:
        """Who is connected."""
        with self._lock:
            return list(self._sessions)

    def bring(self, *messages: Short) -> None:
        """Bring these to whoever receives, now or when somebody does, until they are acknowledged."""
        with self._moved:
            self._waiting.extend(message.encode() for message in messages)
            self._moved.notify_all()

    def wait(self, done: Callable[[], bool], patience: float = 90.0) -> bool:
        """Whether something has come about in time."""
        with self._moved:
            return self._moved.wait_for(done, patience)

    @property
    def undelivered(self) -> int:
        """What is still to be acknowledged."""
        with self._lock:
            return len(self._waiting)

    def waiting(self) -> list[bytes]:
        """The bodies of what is still to be acknowledged, oldest first."""
        with self._lock:
            return list(self._waiting)

    def _accept(self) -> None:
        while self._open:
            try:
                came, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(came,), daemon=True).start()

    def _serve(self, came: socket.socket) -> None:
        try:
            came.settimeout(10.0)
            secured = self._context.wrap_socket(came, server_side=True) if self._context else came
        except OSError:
            came.close()
            return
        session = _Session(self, secured)
        with self._moved:
            self._sessions.append(session)
        try:
            session.run()
        finally:
            with self._moved:
                self._sessions.remove(session)
                self._moved.notify_all()

    # What sessions ask ---------------------------------------------------------------------------------------

    def take(self, short: Short) -> Submitted:
        """Keep a message, and have its receipt brought."""
        with self._moved:
            self._count += 1
            taken = Submitted(f"{self._count:08X}", short)
            self.submitted.append(taken)
            self._moved.notify_all()
        if self._on_submit:
            self._on_submit(taken)
        return taken

    def receipt(self, taken: Submitted, state: str = "", error: int = 0) -> None:
        """Say what became of a message."""
        state = state or self.faults.state
        at = datetime.now(UTC).strftime("%y%m%d%H%M")
        text = (
            f"id:{taken.id} sub:001 dlvrd:{'001' if state == 'DELIVRD' else '000'} submit date:{at} done date:{at}"
            f" stat:{state} err:{error:03d} text:Hello"
        )
        tlvs = {pdu.TLV_RECEIPTED_ID: taken.id.encode() + b"\0"}
        names = ("", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD")
        tlvs[pdu.TLV_STATE] = bytes([names.index(state)])
        said = Short(
            source=taken.short.destination, destination=taken.short.source, content=text.encode("ascii"),
            esm=pdu.RECEIPT, tlvs={} if self.faults.text_only else tlvs,
        )  # fmt: skip
        self.bring(said)

    def next_to_bring(self) -> bytes | None:
        """The oldest message that nobody has acknowledged."""
        with self._lock:
            return self._waiting[0] if self._waiting else None

    def brought(self, body: bytes) -> None:
        """It was acknowledged."""
        with self._moved:
            if self._waiting and self._waiting[0] == body:
                self._waiting.popleft()
            self._moved.notify_all()

    def moved(self) -> None:
        """Something has changed."""
        with self._moved:
            self._moved.notify_all()


class _Session:
    """One connection."""

    def __init__(self, centre: Centre, came: socket.socket) -> None:
        self.mode = 0
        self.system_id = ""
        self._centre, self._socket = centre, came
        self._buffer = bytearray()
        self._sequence = 0
        self._asked: tuple[int, bytes, float] | None = None
        """The deliver_sm under way: its number, its body, and until when it is waited for."""

    def run(self) -> None:
        with contextlib.suppress(OSError, Garbled):
            while self._turn():
                pass
        self.end()

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def ask(self, command: int, body: bytes = b"") -> None:
        """Send a request of the centre's own: enquire_link, unbind."""
        self._sequence += 1
        self._socket.sendall(Pdu(command, self._sequence, body).encode())

    def _turn(self) -> bool:
        found = self._read()
        if found is not None:
            if self._centre.faults.deaf:
                return True
            if not self._answer(found):
                return False
        if self.mode in RECEIVING:
            self._bring()
        return True

    def _read(self) -> Pdu | None:
        if (found := pdu.take(self._buffer)) is not None:
            return found
        self._socket.settimeout(0.02)
        try:
            piece = self._socket.recv(65_536)
        except (TimeoutError, ssl.SSLWantReadError):
            return None
        if not piece:
            raise OSError("they hung up")
        self._buffer += piece
        return pdu.take(self._buffer)

    def _bring(self) -> None:
        if self._asked and time.monotonic() < self._asked[2]:
            return
        body = self._centre.next_to_bring()
        if body is None or self._centre.faults.deaf:
            return
        self._sequence += 1
        self._asked = self._sequence, body, time.monotonic() + self._centre.patience
        self._socket.sendall(Pdu(pdu.DELIVER_SM, self._sequence, body).encode())

    def _answer(self, found: Pdu) -> bool:
        """Whether the connection goes on."""
        if found.command in pdu.BINDS:
            return self._bind(found)
        if found.command == pdu.SUBMIT_SM:
            return self._submit(found)
        if found.command == pdu.ENQUIRE_LINK:
            self._centre.enquired += 1
            self._say(found.answer())
        elif found.command == pdu.UNBIND:
            self._say(found.answer())
            return False
        elif found.command == pdu.DELIVER_SM | pdu.RESPONSE:
            self._acknowledged(found)
        elif not found.command & pdu.RESPONSE:
            self._say(Pdu(pdu.GENERIC_NACK, found.sequence, b"", pdu.INVALID_COMMAND))
        return True

    def _bind(self, found: Pdu) -> bool:
        who = Bind.decode(found.body)
        status = pdu.OK
        if who.system_id not in self._centre.users:
            status = pdu.INVALID_SYSTEM_ID
        elif self._centre.users[who.system_id] != who.password:
            status = pdu.INVALID_PASSWORD
        elif self.mode:
            status = pdu.ALREADY_BOUND
        else:
            self.mode, self.system_id = found.command, who.system_id
        self._say(found.answer(pdu.text("CENTRE") + struct.pack(">HHB", 0x0210, 1, pdu.VERSION), status))
        self._centre.moved()
        return status == pdu.OK

    def _submit(self, found: Pdu) -> bool:
        faults = self._centre.faults
        if faults.delay:
            time.sleep(faults.delay)
        if faults.drop_before:
            faults.drop_before -= 1
            return False
        status = pdu.OK if self.mode in SENDING else pdu.NOT_BOUND
        if status == pdu.OK and faults.throttle:
            faults.throttle -= 1
            status = pdu.THROTTLED
        elif status == pdu.OK and faults.refuse:
            status = faults.refuse.pop(0)
        if status:
            self._centre.refused.append(found)
            self._say(found.answer(status=status))
            return True
        short = Short.decode(found.body)
        taken = self._centre.take(short)
        if short.receipts & 1 and faults.receipt_first:
            self._centre.receipt(taken)
            self._centre.wait(lambda: not self._centre.undelivered, 2.0)
        if faults.drop_after_accept:
            faults.drop_after_accept -= 1
            return False
        self._say(found.answer(pdu.text(taken.id)))
        if short.receipts & 1 and not faults.receipt_first:
            self._centre.receipt(taken)
        return True

    def _acknowledged(self, found: Pdu) -> None:
        if self._asked and self._asked[0] == found.sequence:
            body, self._asked = self._asked[1], None
            if found.status == pdu.OK:
                self._centre.brought(body)
            else:
                self._asked = -1, body, time.monotonic() + min(0.3, self._centre.patience)

    def _say(self, said: Pdu) -> None:
        self._socket.sendall(said.encode())
