"""The mail listener: SMTP and LMTP for the inboxes' addresses. 250 means: committed."""

import asyncio
import io
import logging
import signal
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import uvloop
from aiosmtpd.smtp import Envelope, Session
from django.conf import settings

from wasl.channels.base import normalise_address
from wasl.channels.email.receive import Lmtp, Protocol
from wasl.channels.email.tokens import base_address
from wasl.doors.certificate import server_context
from wasl.doors.ports import listen
from wasl.doors.recipients import Recipients
from wasl.intake.door import Door, Unavailable
from wasl.intake.store import INLINE, Raw, mail_dedupe_key
from wasl.kit import blobs, collecting
from wasl.kit.clock import now
from wasl.timeline.heartbeat import Heart

log = logging.getLogger(__name__)

BACKLOG = 512
RECIPIENTS = 100
"""RFC 5321 §4.5.3.1.8: at least a hundred must be taken."""

MISTAKES = 20
"""Unknown recipients in one session, after which it is taken for guessing."""

_TRY_AGAIN = "451 4.3.0 Cannot store the message just now; please try again"


class Handler:
    """What aiosmtpd asks while a session goes on."""

    def __init__(self, door: Door, recipients: Recipients) -> None:
        self._door = door
        self._recipients = recipients

    def __dir__(self) -> list[str]:
        """What aiosmtpd looks for, in each session anew."""
        return ["handle_DATA", "handle_RCPT"]

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Only the addresses of inboxes, with or without a reply token behind the plus."""
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return "452 4.5.3 Too many recipients; send the rest separately"
        mistakes: int = getattr(session, "wasl_mistakes", 0)
        if mistakes >= MISTAKES:
            return "421 4.7.0 Too many unknown recipients"
        try:
            inboxes = await self._recipients.inboxes(base_address(normalise_address(address)).lower())
        except Unavailable:
            return _TRY_AGAIN
        if not inboxes:
            session.wasl_mistakes = mistakes + 1  # type: ignore[attr-defined]
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        """Store the message for each inbox it is for, and only then accept it."""
        try:
            name = await self._store(session, envelope, server)
        except Unavailable:
            answer = _TRY_AGAIN
        except OSError:
            log.exception("a message could not be stored")
            answer = _TRY_AGAIN
        else:
            answer = f"250 2.0.0 Stored as {name}"
        if isinstance(server, Lmtp):
            return "\r\n".join([answer] * len(envelope.rcpt_tos))
        return answer

    async def _store(self, session: Session, envelope: Envelope, server: Any) -> UUID:
        source: Any = envelope.content
        received_at = now()
        by_inbox: dict[tuple[UUID, UUID], list[str]] = {}
        for address in envelope.rcpt_tos:
            for place in await self._recipients.inboxes(base_address(normalise_address(address)).lower()):
                by_inbox.setdefault(place, []).append(address)
        dedupe = await _dedupe(source, received_at)
        stored = None
        for (workspace_id, inbox_id), addresses in by_inbox.items():
            spoken = _spoken(session, envelope, server, addresses)
            raw = await _raw(workspace_id, inbox_id, source, dedupe, spoken, received_at)
            stored = (await self._door.take(workspace_id, [raw]))[0]
        if stored is None:  # the inbox was closed between RCPT and DATA
            raise Unavailable
        return stored.id


def _spoken(session: Session, envelope: Envelope, server: Any, to: Sequence[str]) -> dict[str, Any]:
    """The envelope as it is kept: what the sender said of itself, and to which of our addresses."""
    peer = session.peer[0] if session.peer else ""
    return {
        "door": "lmtp" if isinstance(server, Lmtp) else "smtp",
        "from": _clean(envelope.mail_from).replace("<>", ""),
        "to": [_clean(address) for address in to],
        "peer": peer,
        "helo": _clean(session.host_name),
        "tls": bool(session.ssl),
    }


def _clean(text: str | None) -> str:
    """Text of the wire as JSON in PostgreSQL may hold it."""
    return (text or "").replace("\x00", "").encode("utf-8", "replace").decode()[:1000]


async def _dedupe(source: IO[bytes], received_at: Any) -> bytes:
    start = source.tell()
    if _large(source):
        key = await asyncio.to_thread(mail_dedupe_key, source, received_at)
    else:
        key = mail_dedupe_key(source, received_at)
    source.seek(start)
    return key


def _large(source: IO[bytes]) -> bool:
    start = source.tell()
    size = source.seek(0, io.SEEK_END) - start
    source.seek(start)
    return size > INLINE


async def _raw(
    workspace_id: UUID, inbox_id: UUID, source: IO[bytes], dedupe: bytes, spoken: dict[str, Any], at: Any
) -> Raw:
    """The payload, its bytes in the row or, when they are many, in the blob store already."""
    start = source.tell()
    try:
        if not _large(source):
            return Raw(inbox_id, "email", source.read(), dedupe, spoken, received_at=at)
        digest, size = await asyncio.to_thread(blobs.put_stream, workspace_id, source)
        return Raw(inbox_id, "email", b"", dedupe, spoken, received_at=at, blob=digest, size=size)
    finally:
        source.seek(start)


def serve() -> None:
    """Run until SIGTERM or SIGINT."""
    uvloop.run(_serve())


async def _serve() -> None:
    env = settings.ENV
    # Before the door opens: a pool that is still connecting does not let a failing process end.
    sockets = [
        (kind, listen("Mail cannot be taken", f"WASL_SMTP_HOST and {name}", env.smtp_host, port, BACKLOG))
        for kind, name, port in (
            (Protocol, "WASL_SMTP_PORT", env.smtp_port),
            (Lmtp, "WASL_LMTP_PORT", env.lmtp_port),
        )
        if port is not None
    ]
    door = Door("mail")
    await door.open()
    recipients = Recipients(door)
    context = server_context(env)
    folder = _folder(env)
    hostname = socket.getfqdn()

    def protocol(kind: type[Protocol]) -> Protocol:
        return kind(
            Handler(door, recipients),
            folder=folder,
            hostname=hostname,
            data_size_limit=env.smtp_size_limit,
            enable_SMTPUTF8=True,
            tls_context=context,
            timeout=120,
            loop=asyncio.get_running_loop(),
        )

    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(partial(protocol, kind), sock=taken, backlog=BACKLOG)
        for kind, taken in sockets
    ]
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    collecting.settle()
    log.info("listening for mail on %s", ", ".join(str(s.sockets[0].getsockname()[1]) for s in servers))
    with Heart("mail"):
        await stop.wait()
    for server in servers:
        server.close()
    await door.close()


def _folder(env: Any) -> str:
    """Where messages lie while they are received: on the data folder's disk, not in memory."""
    folder: Path = env.run_dir / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
