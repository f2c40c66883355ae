"""What a person should look at before their words go out: they may have crossed a colleague's, or not be finished.

A composer knows how far its writer had read when they began (`token`). Whoever sends holds the conversation, so of two
who send at once the second sees what the first wrote.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q, QuerySet

from wasl.accounts.actor import Actor
from wasl.conversations import queries
from wasl.conversations.models import Conversation, Message

MOST = 20
_HEX = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class Care:
    """What a composer asks to be warned of. `known`: a token, '' for nothing; `anyway`: warnings already answered.

    Warnings: unfilled (a variable that nothing replaced), left, blind (see `mentions`).
    """

    known: str = ""
    anyway: frozenset[str] = frozenset()


@dataclass(slots=True)
class Doubt(Exception):
    """Why nothing was written yet. Any of these may be filled.

    `between`: what came since the writer began, with the `token` that counts as having read it. `earlier`: a message
    of the same key that went out with other words. `unfilled`: names of variables. `left`: mentioned people who work
    here no more; `blind`: those who may not see the inbox.
    """

    between: list[queries.Shown] = field(default_factory=list)
    token: str = ""
    earlier: Message | None = None
    unfilled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.between or self.earlier or self.unfilled or self.left or self.blind)


def token(conversation: Conversation, latest: Iterable[Message] = ()) -> str:
    """How far the conversation has come: how many messages there are, and which is the newest.

    `latest` are its newest messages and notes, the newest first, where they were read already.
    """
    spoken = (message.id for message in latest if message.way != "note")
    newest = next(spoken, None) or _newest(_spoken(conversation.id)).first()
    return f"{conversation.messages}.{newest.hex if newest else ''}"


def between(actor: Actor, conversation: Conversation, known: str) -> list[queries.Shown]:
    """What customers and colleagues wrote after a token, oldest first, at most 20. The actor's own does not count.

    By time and by number: a message may be written down after one that came in later.
    """
    count, _, newest = known.partition(".")
    rows = _spoken(conversation.id)
    seen = rows.filter(id=UUID(newest)).first() if _HEX.match(newest) else None
    more = conversation.messages - int(count) if count.isdigit() else 0
    ids: set[UUID] = set()
    if more > 0:
        ids.update(_newest(rows)[: more + (seen is not None)])
    if seen:
        later = rows.filter(Q(at__gt=seen.at) | Q(at=seen.at, id__gt=seen.id))
        ids = (ids - {seen.id}) | set(_newest(later)[:MOST])
    found = rows.filter(id__in=ids, auto="").exclude(author_id=actor.agent_id).order_by("at", "id")
    shown = queries.messages(actor, list(found.values_list("id", flat=True)[:MOST]))
    return sorted(shown.values(), key=lambda each: (each.message.at, each.message.id))


def _newest(rows: QuerySet[Message]) -> QuerySet[Message, UUID]:
    return rows.order_by("-at", "-id").values_list("id", flat=True)


def _spoken(conversation_id: UUID) -> QuerySet[Message]:
    """What was said between customer and business."""
    return Message.objects.filter(conversation_id=conversation_id).exclude(way="note")
