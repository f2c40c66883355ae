"""The API's native door: messages into an API inbox, one or up to a hundred at a time.

Check the token, check the message, store it, and only then say 202. What the message means is worked out afterwards.
"""

import asyncio
import hashlib
from uuid import UUID

import msgspec
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wasl.channels import access
from wasl.channels.access import Access
from wasl.channels.api.schemas import Accepted, Incoming, Refused, Results, encode, read_batch, read_one
from wasl.doors import asgi, desk
from wasl.doors.desk import Desk
from wasl.intake.store import INLINE, Raw, Stored, put_aside
from wasl.kit.ids import uuid7
from wasl.kit.jsonbody import check_key, check_type
from wasl.kit.problem import Fault, Problem


class Door:
    """An ASGI endpoint: `batch` says whether one message is expected or a list."""

    def __init__(self, *, batch: bool) -> None:
        self._batch = batch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asgi.guarded(
            self._answer, scope, receive, send, "a message could not be taken at the API's door"
        )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            raise Problem("wrong-method", "Messages are posted here: use POST.", headers={"Allow": "POST"})
        sent = asgi.headers(scope)
        here = await desk.of_this_loop()
        who = await _authenticate(here, sent)
        inbox = _inbox(who, scope["path_params"]["inbox"])
        check_type(_text(sent, b"content-type"), _text(sent, b"content-encoding"))
        task = _Task(who, inbox, check_key(_text(sent, b"idempotency-key")))
        body = await asgi.body(receive, here.spool)
        if isinstance(body, bytes):
            await self._take(here, task, task.read(body, batch=self._batch), send)
            return
        try:
            async with here.heavy:
                items = await asyncio.to_thread(lambda: task.read(body.file.read(), batch=self._batch))
                await self._take(here, task, items, send)
        finally:
            body.close()

    async def _take(self, here: Desk, task: "_Task", items: list[Raw | Problem], send: Send) -> None:
        """Store what is right of a request and answer it."""
        payloads = [item for item in items if isinstance(item, Raw)]
        if any(len(payload.content) > INLINE for payload in payloads):
            payloads = await asyncio.to_thread(_aside, task.workspace, payloads)
        stored = iter(await here.store(task.workspace, payloads) if payloads else ())
        answers = [_outcome(item if isinstance(item, Problem) else next(stored)) for item in items]
        if self._batch:
            refused = any(isinstance(answer, Problem) for answer in answers)
            results = Results([_result(answer) for answer in answers])
            await asgi.answer(send, 207 if refused else 202, msgspec.json.encode(results))
            return
        (answer,) = answers
        if isinstance(answer, Problem):
            raise answer
        place = (b"location", f"/api/v1/messages/{answer.id}".encode())
        await asgi.answer(send, 202, msgspec.json.encode(answer), place)


class _Task:
    """A request whose token and inbox are known: makes payloads of its body."""

    def __init__(self, who: Access, inbox: UUID, key: str) -> None:
        self.workspace = who.actor.workspace_id
        self._inbox = inbox
        self._key = key
        self._envelope = {"token": str(who.actor.token_id)}

    def read(self, body: bytes, *, batch: bool) -> list[Raw | Problem]:
        """The payloads in a body, or for each the reason why it is none. Raises Problem for the whole."""
        if not batch:
            message = read_one(body)
            del body  # with large attachments it is as much again
            if self._key and message.id and message.id != self._key:
                wrong = (
                    "The Idempotency-Key and the message's id differ. Send one of them, or the same in both."
                )
                raise Problem("invalid", wrong, [Fault(wrong, parameter="Idempotency-Key")])
            return [self._payload(message, self._key)]
        key = self._key
        return [
            item if isinstance(item, Problem) else self._payload(item, key and f"{key}\0{position}")
            for position, item in enumerate(read_batch(body))
        ]

    def _payload(self, message: Incoming, key: str) -> Raw:
        """The stored form is written anew from what was understood, so that equal messages are equal bytes."""
        content = encode(message)
        id_ = uuid7()
        name = message.id or key
        dedupe = hashlib.sha256(name.encode()).digest() if name else id_.bytes * 2
        body = hashlib.sha256(content).digest()
        return Raw(self._inbox, "api", content, dedupe, self._envelope, body, id_)


def _aside(workspace: UUID, payloads: list[Raw]) -> list[Raw]:
    return [put_aside(workspace, payload) for payload in payloads]


def _outcome(item: Stored | Problem) -> Accepted | Problem:
    if isinstance(item, Problem):
        return item
    if not item.same_body:
        return Problem(
            "key-reused", "This id or Idempotency-Key came before, with another content. Take a new one."
        )
    return Accepted(str(item.id))


def _result(answer: Accepted | Problem) -> Accepted | Refused:
    return Refused(answer.content()) if isinstance(answer, Problem) else answer


async def _authenticate(here: Desk, sent: dict[bytes, bytes]) -> Access:
    """Who asks, if they may write and are not too fast. Raises Problem."""
    token = access.token_in(_text(sent, b"authorization"))
    found = access.remembered(token)
    if found is None:
        found = await here.ask(token)
    who = access.admit(found)
    if not who.actor.writes:
        raise Problem("not-allowed", "This token may only read. Ask an administrator for one that may write.")
    return who


def _inbox(who: Access, wanted: str) -> UUID:
    inbox = who.doors.get(wanted)
    if inbox is None:
        raise Problem("not-found", "There is no API inbox of this name that your token may post into.")
    return inbox


def _text(sent: dict[bytes, bytes], name: bytes) -> str:
    return sent.get(name, b"").decode("latin-1")


routes = [
    Route("/api/v1/inboxes/{inbox}/messages", Door(batch=False), name="api-message"),
    Route("/api/v1/inboxes/{inbox}/messages/batch", Door(batch=True), name="api-batch"),
]
