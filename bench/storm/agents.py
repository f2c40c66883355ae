"""Those who answer customers: agents, in real transactions through what the pages call, and a program over the API.

When the database goes away under an agent, they do as a person would: look whether the answer is there, and write it
again only if it is not. To whom no answer can go (they want none any more), they write to somebody else. The program
does as programs do: it sends the same request again, under the same key.
"""

import http.client
import json
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from wasl.accounts.actor import Actor


@dataclass(frozen=True)
class Shift:
    """What one of them does: `count` answers spread over `seconds`. The one with a token is the program."""

    number: int
    count: int
    seconds: float
    seed: int
    ledger: Path
    workspace: UUID
    agent: UUID
    role: str
    port: int = 0
    token: str = ""
    channels: tuple[str, ...] = ("email",)


def answer(shift: Shift) -> None:
    """Write every answer; ends when all of them are there."""
    import django

    django.setup()
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # that it is away is what this is about
    dice = random.Random(f"{shift.seed} agent {shift.number}")
    actor = _actor(shift)
    began = time.monotonic()
    gap = shift.seconds / shift.count
    with shift.ledger.open("a", buffering=1) as ledger:
        for index in range(shift.count):
            time.sleep(max(0.0, began + index * gap - time.monotonic()))
            words = f"answer {shift.number}-{index}"
            if shift.token:
                message, tries = _until_taken(shift, lambda: _until_found(shift, actor, dice), words)
            else:
                message, tries = _until_written(shift, actor, words, dice)
            ledger.write(json.dumps({"key": words, "id": str(message), "tries": tries}) + "\n")


def _actor(shift: Shift) -> "Actor":
    from wasl.accounts.actor import Actor
    from wasl.channels.queries import visible_inboxes
    from wasl.kit.db import tenant

    with tenant(shift.workspace):
        inboxes = visible_inboxes(shift.agent, shift.role)
    return Actor(shift.workspace, shift.role, inboxes, agent_id=shift.agent, name=f"Agent {shift.number}")


def _until_taken(shift: Shift, find: Callable[[], UUID], words: str) -> tuple[UUID, int]:
    """Over the API; every try is the same request, to the same customer unless they want none."""
    conversation, others = find(), 0
    headers = {
        "Authorization": f"Bearer {shift.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": words,
    }
    for tries in range(1, 100_000):
        connection = http.client.HTTPConnection("127.0.0.1", shift.port, timeout=30)
        try:
            path = f"/api/v1/conversations/{conversation}/messages"
            connection.request("POST", path, json.dumps({"text": words}), headers)
            said = connection.getresponse()
            body = json.loads(said.read())
            if said.status == 201:
                return UUID(body["id"]), tries
            if said.status == 409 and "cannot be sent" in body.get("detail", ""):
                conversation, others = find(), others + 1
                headers["Idempotency-Key"] = f"{words} to {others}"
            elif said.status not in (409, 429, 500, 503):
                raise SystemExit(f"the API answered {said.status}: {body}")
        except (OSError, ValueError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise AssertionError


def _until_found(shift: Shift, actor: "Actor", dice: random.Random) -> UUID:
    from django.db import Error, connection
    from psycopg_pool import PoolTimeout

    from wasl.kit.db import tenant

    while True:
        try:
            with tenant(actor.workspace_id):
                return _some_conversation(shift, dice)
        except (Error, PoolTimeout, LookupError):
            connection.close()
            time.sleep(0.1)


def _until_written(shift: Shift, actor: "Actor", words: str, dice: random.Random) -> tuple[UUID, int]:
    import psycopg
    from django.db import Error, connection
    from psycopg_pool import PoolTimeout

    from wasl.conversations.reply import CannotReply

    tries = 0
    while True:
        try:
            found = _written(actor, words) if tries else None
            if found:
                return found, tries
            tries += 1
            return _write(shift, actor, words, dice), tries
        except CannotReply:
            continue
        except (Error, psycopg.Error, PoolTimeout, LookupError):
            connection.close()
            time.sleep(0.1)


def _written(actor: "Actor", words: str) -> UUID | None:
    from wasl.conversations.models import Message
    from wasl.kit.db import tenant

    with tenant(actor.workspace_id):
        found: UUID | None = (
            Message.objects.filter(way="out", text=words).values_list("id", flat=True).first()
        )
    return found


def _write(shift: Shift, actor: "Actor", words: str, dice: random.Random) -> UUID:
    """Answer somebody. Raises LookupError while nobody wrote."""
    from wasl.conversations.reply import reply
    from wasl.kit.db import tenant

    with tenant(actor.workspace_id):
        return reply(actor, _some_conversation(shift, dice), words)


def _some_conversation(shift: Shift, dice: random.Random) -> UUID:
    """A conversation on one of the channels, of which each is as likely. Raises LookupError while there is none."""
    from wasl.conversations.models import Conversation

    waiting = Conversation.objects.filter(inbox__channel=dice.choice(shift.channels))
    waiting = waiting.exclude(subject__startswith="Probe")
    ids = list(waiting.order_by("-last_at").values_list("id", flat=True)[:200])
    if not ids:
        raise LookupError("nobody has written yet")
    chosen: UUID = dice.choice(ids)
    return chosen
