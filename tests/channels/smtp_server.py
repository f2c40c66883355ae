"""A real SMTP server on a free port, told to refuse, stall or drop at each step."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

DROP = "drop"
STALL = "stall"
STALL_SECONDS = 1.5


@dataclass
class Plan:
    """What the server does at a step: a reply line, DROP, STALL, or nothing special. By step's name.

    Steps: connect, mail, rcpt, data (the command), content (in the middle of it), dot (after the end),
    rset, noop; `rcpt:<address>` for one recipient.
    """

    steps: dict[str, str] = field(default_factory=dict)
    received: list[Envelope] = field(default_factory=list)
    connections: int = 0
    commands: list[str] = field(default_factory=list)

    async def act(self, server: Any, step: str) -> str | None:
        what = self.steps.get(step)
        if what == DROP:
            server.transport.abort()
            return "221 gone"
        if what == STALL:
            await asyncio.sleep(STALL_SECONDS)
            return "421 too late"
        return what


class Handler:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.plan.commands.append("MAIL " + " ".join(options))
        reply = await self.plan.act(server, "mail")
        if reply is None:
            envelope.mail_from = address
        return reply or "250 2.1.0 ok"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self.plan.act(server, f"rcpt:{address}") or await self.plan.act(server, "rcpt")
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 2.1.5 ok"

    async def handle_RSET(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.plan.commands.append("RSET")
        return await self.plan.act(server, "rset") or "250 ok"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = await self.plan.act(server, "dot")
        if reply is None or reply.startswith(("2", "junk")):
            self.plan.received.append(envelope)
        return reply or f"250 2.0.0 Ok: queued as Q{len(self.plan.received)}"


class Server(SMTP):
    def __init__(self, plan: Plan, **options: Any) -> None:
        super().__init__(Handler(plan), hostname="mail.test", enable_SMTPUTF8=True, **options)
        self.plan = plan

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.plan.steps.get("connect") == DROP:
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
            return
        if not isinstance(transport, asyncio.Transport) or transport.get_extra_info("sslcontext") is None:
            self.plan.connections += 1
        super().connection_made(transport)

    async def push(self, status: Any) -> None:
        greeting = self.plan.steps.get("greeting")
        if greeting and str(status).startswith("220"):
            status = greeting
        await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        reply = await self.plan.act(self, "data")
        if reply is not None:
            await self.push(reply)
            return
        if "content" in self.plan.steps:
            await self.push("354 go on")
            await self._reader.readline()
            await self.plan.act(self, "content")
            return
        await super().smtp_DATA(arg)


@contextmanager
def running(plan: Plan, implicit_tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """The server's port, while it runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    options.setdefault("data_size_limit", 64 << 20)
    servers: list[Server] = []

    def accept() -> Server:
        servers.append(Server(plan, loop=loop, **options))
        return servers[-1]

    listener = loop.run_until_complete(loop.create_server(accept, "127.0.0.1", 0, ssl=implicit_tls))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_stop(listener), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _stop(listener: asyncio.Server) -> None:
    listener.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def accepting(user: str, password: str) -> Any:
    """An authenticator that knows one user."""

    def check(server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    return check
