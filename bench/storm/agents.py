"""Agents who answer customers, in real transactions, through what the pages call.

When the database goes away under an agent, they do as a person would: look whether the answer is there, and write it
again only if it is not.
"""

import json
import logging
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from wasl.accounts.actor import Actor


@dataclass(frozen=True)
class Shift:
    """What one agent does: `count` answers spread over `seconds`."""

    number: int
    count: int
    seconds: float
    seed: int
    ledger: Path
    workspace: UUID
    agent: UUID
    role: str


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
            message, tries = _until_written(actor, words, dice)
            ledger.write(json.dumps({"key": words, "id": str(message), "tries": tries}) + "\n")


def _actor(shift: Shift) -> "Actor":
    from wasl.accounts.actor import Actor
    from wasl.channels.queries import visible_inboxes
    from wasl.kit.db import tenant

    with tenant(shift.workspace):
        inboxes = visible_inboxes(shift.agent, shift.role)
    return Actor(shift.workspace, shift.role, inboxes, agent_id=shift.agent, name=f"Agent {shift.number}")


def _until_written(actor: "Actor", words: str, dice: random.Random) -> tuple[UUID, int]:
    import psycopg
    from django.db import Error, connection
    from psycopg_pool import PoolTimeout

    tries = 0
    while True:
        try:
            found = _written(actor, words) if tries else None
            if found:
                return found, tries
            tries += 1
            return _write(actor, words, dice), tries
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


def _write(actor: "Actor", words: str, dice: random.Random) -> UUID:
    """Answer one of the mail conversations. Raises LookupError while there is none."""
    from wasl.conversations.reply import reply
    from wasl.kit.db import tenant

    with tenant(actor.workspace_id):
        return reply(actor, _some_conversation(dice), words)


def _some_conversation(dice: random.Random) -> Any:
    from wasl.conversations.models import Conversation

    waiting = Conversation.objects.filter(inbox__channel="email").exclude(subject__startswith="Probe")
    ids = list(waiting.order_by("-last_at").values_list("id", flat=True)[:200])
    if not ids:
        raise LookupError("nobody has written yet")
    return dice.choice(ids)
