"""Saved replies: found by name or words, the customer's language first, and filled in for a conversation."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from uuid import UUID

from django.db.models import Q, QuerySet

from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.models import Team, TeamMember, Workspace
from wasl.conversations import queries, rich
from wasl.conversations.models import SavedReply
from wasl.conversations.variables import Scene, fill, unknown, variables
from wasl.kit.languages import LANGUAGES

MOST = 2000
NAME_LIMIT = 80
TEXT_LIMIT = 20_000
SHOWN = 160


class CannotSave(Exception):
    """Why a saved reply is not kept: no_name, empty, too_long, language, team, taken, unknown (then with `names`)."""

    def __init__(self, reason: str, names: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.names = list(names)


@dataclass(frozen=True, slots=True)
class Choice:
    """A saved reply as the picker shows it: the best language of it, and the others it has."""

    id: UUID
    name: str
    language: str
    start: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """Ready to be put into the composer; `missing` are variables that stayed as they stand."""

    text: str
    html: str
    missing: list[str]


def everything(actor: Actor) -> QuerySet[SavedReply]:
    """The saved replies the actor may use, by name."""
    rows = SavedReply.objects.filter(is_active=True)
    if not actor.administers:
        mine = TeamMember.objects.filter(agent_id=actor.agent_id or UUID(int=0)).values("team_id")
        rows = rows.filter(Q(team_id=None) | Q(team_id__in=mine))
    return rows.order_by("name", "language")


def get(actor: Actor, saved_id: UUID) -> SavedReply:
    """One of them. Raises NotFound."""
    row = everything(actor).filter(id=saved_id).first()
    if row is None:
        raise NotFound
    return row


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def choices(actor: Actor, conversation_id: UUID, asked: str = "", limit: int = 30) -> list[Choice]:
    """What the picker offers for a conversation: those whose name holds what was asked first, then those whose
    words do. Raises NotFound."""
    conversation = queries.conversation(actor, conversation_id)
    wanted = _fold(asked.strip()[:100])
    order = [conversation.language, conversation.inbox.language]
    groups: dict[str, list[SavedReply]] = {}
    for row in everything(actor)[:MOST]:
        groups.setdefault(row.name, []).append(row)
    found = []
    for name, rows in groups.items():
        rank = 0 if wanted in _fold(name) else 1 if any(wanted in _fold(row.text) for row in rows) else 2
        if rank < 2:
            rows.sort(key=lambda row: order.index(row.language) if row.language in order else len(order))
            found.append(
                (order.index(rows[0].language) if rows[0].language in order else 9, rank, name, rows)
            )
    found.sort(key=lambda each: each[:3])
    return [
        Choice(rows[0].id, name, rows[0].language, _start(rows[0].text), tuple(r.language for r in rows[1:]))
        for _, _, name, rows in found[:limit]
    ]


def _start(text: str) -> str:
    return " ".join(text[: 2 * SHOWN].split())[:SHOWN]


def filled(actor: Actor, conversation_id: UUID, saved_id: UUID) -> Filled:
    """A saved reply for a conversation. Raises NotFound."""
    row, conversation = get(actor, saved_id), queries.conversation(actor, conversation_id)
    scene = Scene(
        actor,
        conversation,
        conversation.customer,
        conversation.inbox,
        Workspace.objects.get(id=actor.workspace_id),
    )
    text, missing = fill(row.text, scene)
    html = fill(row.html, scene, quote=escape)[0] if row.html else ""
    return Filled(text, html, missing)


def save(
    actor: Actor,
    saved_id: UUID | None,
    *,
    name: str,
    language: str,
    text: str,
    html: str = "",
    team_id: UUID | None = None,
) -> UUID:
    """Keep a saved reply, a new one without an id. Raises NotFound, Forbidden, CannotSave."""
    actor.require_write()
    name, body = " ".join(name.split()), _body(text, html)
    _check(name, language, body, team_id)
    row = get(actor, saved_id) if saved_id else SavedReply(workspace_id=actor.workspace_id)
    same = SavedReply.objects.filter(name=name, language=language).exclude(id=row.id).first()
    if same and (same.is_active or saved_id):
        raise CannotSave("taken")
    row = same or row  # one that was removed comes back with new words
    row.name, row.language, row.text, row.html = name, language, body.text, body.html
    row.team_id, row.is_active = team_id, True
    row.save()
    return row.id


def _body(text: str, html: str) -> rich.Rich:
    try:
        return rich.read(text, html)
    except ValueError as error:
        raise CannotSave("too_long") from error


def _check(name: str, language: str, body: rich.Rich, team_id: UUID | None) -> None:
    if not name:
        raise CannotSave("no_name")
    if not body.text:
        raise CannotSave("empty")
    if len(name) > NAME_LIMIT or len(body.text) > TEXT_LIMIT:
        raise CannotSave("too_long")
    if language not in dict(LANGUAGES):
        raise CannotSave("language")
    if team_id and not Team.objects.filter(id=team_id).exists():
        raise CannotSave("team")
    split = set(variables(body.text)) - set(variables(body.html)) if body.html else set()
    if names := [*unknown(body.text), *sorted(split - set(unknown(body.text)))]:
        raise CannotSave("unknown", names)


def remove(actor: Actor, saved_id: UUID) -> SavedReply:
    """Offer it no more; `restore` takes that back. Raises NotFound, Forbidden."""
    actor.require_write()
    row = get(actor, saved_id)
    row.is_active = False
    row.save(update_fields=["is_active"])
    return row


def restore(actor: Actor, saved_id: UUID) -> None:
    """Offer it again. Raises NotFound, Forbidden."""
    actor.require_write()
    if not SavedReply.objects.filter(id=saved_id).update(is_active=True):
        raise NotFound
