"""A print provider, as it looks from outside: letters are handed over as PDF, and receipts come by webhook.

The API is Wasl's own (docs/channels/post.md); receipts are signed as Standard Webhooks does.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_noop as _
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wasl.channels.webhook import signed
from wasl.kit.clock import now
from wasl.sandbox import forms
from wasl.sandbox.chats import End, Item, Thread, Who
from wasl.sandbox.courier import Webhook
from wasl.sandbox.network import Mode, Rule
from wasl.sandbox.standins import Standin
from wasl.sandbox.world import Act, State, World

NAME = "post"
_STATES = {"sent": "posted", "delivered": "delivered", "failed": "returned"}
_PDF = b"%PDF-"


def _error(status: int, message: str, wait: float | None = None, **more: str) -> Response:
    headers = {} if wait is None else {"Retry-After": str(int(wait))}
    return JSONResponse({"message": message, **more}, status, headers)


def refuse(rule: Rule) -> Response:
    """The provider's answer in each mode in which it refuses."""
    match rule.mode:
        case Mode.REFUSE_NOW:
            return _error(503, "The presses stand still")
        case Mode.REFUSE:
            return _error(422, "There is no such street", reason="address")
        case Mode.RATE_LIMIT:
            return _error(429, "Too many letters")
        case Mode.RATE_LIMIT_WAIT:
            return _error(429, "Too many letters", rule.wait)
        case _:
            return _error(500, "The press is broken")


def routes(world: World) -> Sequence[BaseRoute]:
    """`/letters`."""
    api = _Api(world)
    return [Route("/letters", api.letter, methods=["POST"]), Route("/letters", api.known)]


class _Api:
    def __init__(self, world: World) -> None:
        self._world = world

    def _end(self, request: Request) -> End | None:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        ends = self._world.ends.all(NAME)
        return next((end for end in ends if key and end.secrets.get("api_key") == key), None)

    async def known(self, request: Request) -> Response:
        """Whether the key is good."""
        return JSONResponse({"letters": []}) if self._end(request) else _error(401, "The key is not known")

    async def letter(self, request: Request) -> Response:
        """Print a letter and post it. The same one again is not printed again."""
        end, form = self._end(request), await forms.read(request)
        if end is None:
            return _error(401, "The key is not known")
        pdf = form.files.get("letter")
        try:
            job: dict[str, Any] = json.loads(form.fields.get("job", ""))
            lines = [str(line) for line in job["address"]["lines"]]
            name, pages = str(job["id"]), int(job["pages"])
        except (ValueError, KeyError, TypeError) as error:
            return _error(422, f"The job cannot be read: {error}")
        if pdf is None or not pdf.content.startswith(_PDF) or not lines:
            return _error(422, "There is no letter, or nobody whom it is for")
        box, answer = box_of(lines[0]), JSONResponse({"id": f"L-{name}"}, 201)
        if self._world.chats.item(Thread(NAME, end.address, box), name):
            return _error(409, "There is this letter already", id=f"L-{name}")
        kept = self._world.files.put(pdf.content, "application/pdf", str(job.get("file") or "letter.pdf"))
        data = json.dumps({"pages": pages, "lines": lines})
        item = Item(name, now().timestamp(), False, kind="letter", files=(kept,), data=data)
        return await self._world.take(
            end, box, item, answer, refuse=refuse, receipt=lambda item, state: _receipt(end, box, item, state)
        )


def box_of(name: str) -> str:
    """A letterbox bears a name: who writes it otherwise finds it all the same."""
    return " ".join(name.casefold().split())


def _receipt(end: End, box: str, item: Item, state: State) -> Webhook | None:
    """What became of a letter."""
    if state not in _STATES:
        return None
    said = {
        "id": item.id, "ref": f"L-{item.id}", "state": _STATES[state], "at": now().isoformat(timespec="seconds"),
        "detail": "nobody of that name at this address" if state == "failed" else "",
    }  # fmt: skip
    body, secret = json.dumps(said).encode(), end.secrets.get("hook_secret", "").encode()
    headers = signed.made([secret], f"{item.id}-{state}", now(), body)
    return Webhook(NAME, box, end.webhook, body, {"Content-Type": "application/json", **headers})


def read(world: World, end: End, who: Who, _: Act) -> None:
    """A customer empties the letterbox; nobody is told of it."""
    thread = world.thread(end, who)
    for item in world.unread(thread):
        world.chats.change(thread, item.id, state="read")


STANDIN = Standin(
    channel=NAME,
    label=_("Letters"),
    screen="letters",
    acts={"read": read},
    of_name=box_of,
    files=False,
    example={
        "address": "Dar Zaytun; 7 rue de la Martinière; 69001 Lyon", "country": "FR", "layout": "fr",
        "api_key": "print-" + "3c" * 12,
    },
    routes=routes,
)  # fmt: skip
