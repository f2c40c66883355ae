"""The customers' providers: one that takes mail for every `.example` mailbox over SMTP, and the stand-ins of the other
channels (`standins/`) on the HTTP port. They behave as the network is told.

The mail provider can be asked over HTTP whether it took a message, as real ones can: GET /taken?message_id=…
"""

import asyncio
import logging
import os
import signal
import smtplib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO, Self, cast
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

from wasl.channels.email.receive import Protocol
from wasl.config.env import Env, load
from wasl.kit.clock import now
from wasl.sandbox.app import app
from wasl.sandbox.network import Mode, Rule
from wasl.sandbox.place import Entry, Place, message_id
from wasl.sandbox.report import undelivered
from wasl.sandbox.serving import Server
from wasl.sandbox.standins import standins
from wasl.sandbox.world import World

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
LATER = 5.0
"""Seconds after which a bounce that Wasl did not take is tried again."""

REPORT_TRIES = 60
_HEAD = 64 * 1024

_REFUSALS = {
    Mode.REFUSE_NOW: "451 4.7.1 Please try again later",
    Mode.REFUSE: "550 5.1.1 No such mailbox here",
}
_AT_DATA = {
    Mode.AT_ONCE: "delivered",
    Mode.LATE: "later",
    Mode.LOSE_ANSWER: "lost",
    Mode.BOUNCE: "will_bounce",
}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the provider listens, and where Wasl does. Port 0 listens on any free one."""

    smtp: int
    http: int
    wasl_host: str
    wasl_port: int

    @classmethod
    def of(cls, env: Env) -> Self:
        """What the settings say."""
        return cls(env.sandbox_smtp_port, env.sandbox_http_port, env.smtp_host, env.smtp_port or 0)


class _Mail:
    """A mail that was received, in a file: a large one is not kept in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell()
        self.message_id = message_id(file.read(_HEAD))
        self.size = file.seek(0, os.SEEK_END) - self._start

    def again(self) -> BinaryIO:
        """The file, at the mail's start."""
        self._file.seek(self._start)
        return self._file


class Provider:
    """Both servers, and the tasks they put off. Runs in one event loop."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self.place = Place(folder)
        self.world = World(folder)
        self.network = self.world.network
        self.ports = ports
        self._servers: list[asyncio.Server] = []
        self._ends: list[Callable[[], Awaitable[None]]] = []
        self._sessions: WeakSet[SMTP] = WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, and take up what an earlier process had put off."""
        self.place.folder.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        smtp = await loop.create_server(self._session, HOST, self.ports.smtp)
        self._servers = [smtp]
        self._http = Server(app(self.world, self.place.was_taken), lambda: self.world.talk)
        await self._http.start(HOST, self.ports.http)
        self.world.start()
        self._ends = [await each.start(self.world) for each in standins().values() if each.start]
        for path in self.place.put_off():
            self._schedule(path)

    @property
    def smtp_port(self) -> int:
        """The port on which it takes mail."""
        return int(self._servers[0].sockets[0].getsockname()[1])

    @property
    def http_port(self) -> int:
        """The port on which it can be asked."""
        return self._http.port

    async def stop(self) -> None:
        """Stop listening and hang up. What was put off waits in its folder."""
        for server in self._servers:
            server.close()
        for end in self._ends:
            await end()
        await self._http.stop()
        await self.world.stop()
        for session in list(self._sessions):
            if session.transport is not None:
                session.transport.abort()  # type: ignore[attr-defined]
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # for the sessions to notice

    # Taking mail ---------------------------------------------------------------------------------------------

    def _session(self) -> SMTP:
        session = Protocol(
            self,
            folder=str(self.place.folder),
            hostname="mx.sandbox.example",
            ident="sandbox",
            enable_SMTPUTF8=True,
            data_size_limit=40_000_000,
        )
        self._sessions.add(session)
        return session

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Mailboxes ending in .example exist; a rule that refuses does so here, as real servers do."""
        if not address.lower().endswith(".example"):
            return "550 5.7.1 The sandbox delivers to .example addresses only"
        try:
            self.place.mailbox(address)
        except ValueError:
            return "553 5.1.3 That is not an address"
        rule = self.network.take(address)
        if said := _REFUSALS.get(rule.mode):
            what = "refused" if rule.mode == Mode.REFUSE else "refused_now"
            self._note(what, envelope, address, None, said)
            return said
        rules: dict[str, Rule] = getattr(envelope, "rules", {})
        envelope.rules = rules | {address: rule}  # type: ignore[attr-defined]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the mail, and do with it what the rules of its mailboxes say."""
        mail = _Mail(cast("BinaryIO", envelope.content))
        rules: dict[str, Rule] = getattr(envelope, "rules", {})
        for address in envelope.rcpt_tos:
            self._handle(envelope, address, mail, rules[address])
        # Only now: killed before this, it must not claim to have what it does not.
        if mail.message_id:
            self.place.take(mail.message_id)
        if any(rules[address].mode == Mode.LOSE_ANSWER for address in envelope.rcpt_tos):
            if server.transport is not None:
                server.transport.abort()  # type: ignore[attr-defined]
            raise ConnectionResetError("told to lose the answer")
        return f"250 2.0.0 Ok: queued as {time.time_ns() % 16**10:010X}"

    def _handle(self, envelope: Envelope, address: str, mail: "_Mail", rule: Rule) -> None:
        self._note(
            _AT_DATA[rule.mode], envelope, address, mail, "" if rule.mode == Mode.LOSE_ANSWER else "250"
        )
        raw = mail.again()
        task = {"from": _sender(envelope), "to": address}
        match rule.mode:
            case Mode.LATE:
                self._schedule(self.place.put_by(time.time() + rule.wait, task | {"do": "deliver"}, raw))
            case Mode.BOUNCE:
                self._schedule(self.place.put_by(time.time() + rule.wait, task | {"do": "bounce"}, raw))
            case _:
                self._deliver(task["from"], address, raw)

    def _deliver(self, sender: str, address: str, raw: bytes | BinaryIO) -> None:
        trace = (
            f"Return-Path: <{sender}>\r\nDelivered-To: {address}\r\n"
            f"Received: by mx.sandbox.example with ESMTP; {formatdate()}\r\n"
        )
        self.place.deliver(address, raw, trace=trace.encode())

    def _note(self, what: str, envelope: Envelope, address: str, mail: "_Mail | None", said: str) -> None:
        known = (mail.message_id, mail.size) if mail else ("", 0)
        self.place.note(Entry(now().timestamp(), what, envelope.mail_from or "", address, *known, said))

    # What was put off ----------------------------------------------------------------------------------------

    def _schedule(self, path: Path) -> None:
        task = asyncio.get_running_loop().create_task(self._do(path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, path: Path) -> None:
        await asyncio.sleep(max(0.0, float(path.stem.partition("-")[0]) / 1000 - time.time()))
        task, raw = self.place.task(path)
        sender, address = task["from"], task["to"]
        if task["do"] == "deliver":
            self._deliver(sender, address, raw)
            self.place.note(
                Entry(now().timestamp(), "delivered", sender, address, message_id(raw), len(raw), "250")
            )
        elif sender:
            said = await self._report(sender, address, raw)
            self.place.note(Entry(now().timestamp(), "bounced", "", address, message_id(raw), len(raw), said))
        self.place.done(path)

    async def _report(self, sender: str, recipient: str, raw: bytes) -> str:
        """Send the report to Wasl's listener, again and again while it does not take it; what it said."""
        report = undelivered(raw, sender, recipient)
        said = ""
        for _ in range(REPORT_TRIES):
            said = await asyncio.to_thread(self._hand_back, sender, report)
            if said[:1] in ("2", "5"):
                break
            await asyncio.sleep(LATER)
        return said

    def _hand_back(self, to: str, report: bytes) -> str:
        """One try: Wasl's answer, or why there was none."""
        try:
            with smtplib.SMTP(
                self.ports.wasl_host, self.ports.wasl_port, "mx.sandbox.example", timeout=10
            ) as wasl:
                wasl.sendmail("", [to], report)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = error.recipients[to]
            return f"{code} {text.decode('utf-8', 'replace')}"
        except (OSError, smtplib.SMTPException) as error:
            return f"{type(error).__name__}: {error}"
        return "250"


def _sender(envelope: Envelope) -> str:
    """The envelope sender; '' for the null sender, which aiosmtpd hands on as `<>`."""
    return (envelope.mail_from or "").strip("<>")


def serve() -> None:
    """Run until SIGTERM or SIGINT."""
    asyncio.run(_serve(load()))


async def _serve(env: Env) -> None:
    provider = Provider(env.data_dir / "sandbox", Ports.of(env))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await provider.start()
    log.info("the customers' mail provider listens on port %d", provider.smtp_port)
    await stop.wait()
    await provider.stop()
