"""Who is named in a note: `@` and the name of an agent or of a team, as a person writes it."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from wasl.accounts.actor import Actor
from wasl.accounts.models import Agent, Team, TeamMember
from wasl.channels.queries import visible_inboxes_of
from wasl.conversations import queries
from wasl.conversations.models import Conversation, Mention
from wasl.kit.clock import now

MOST = 500
"""People of a workspace that can be named; mentions in one note."""


@dataclass(slots=True)
class Named:
    """What a text says. `agents`: whom it reaches; `left`, `blind`: names it does not; `marks`: the words, with `@`."""

    agents: set[UUID] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choice:
    """Someone who can be named: an agent, or a team and how many it has."""

    name: str
    team: bool
    members: int = 0


@dataclass(frozen=True, slots=True)
class _Somebody:
    name: str
    agents: tuple[UUID, ...]
    active: bool


def read(actor: Actor, inbox_id: UUID, text: str) -> Named:
    """Whom a note of this inbox names."""
    found = Named()
    if "@" not in text:
        return found
    known = _known()
    sighted = _sighted(inbox_id)
    for mark, people in _spoken(text, known):
        found.marks.append(mark)
        active = [person for person in people if person.active]
        if not active:
            found.left.append(people[0].name)
        for person in active:
            seeing = [agent for agent in person.agents if agent in sighted]
            found.agents.update(seeing)
            if not seeing:
                found.blind.append(person.name)
    found.agents.discard(actor.agent_id or UUID(int=0))
    found.left, found.blind, found.marks = _once(found.left), _once(found.blind), _once(found.marks)
    return found


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _known() -> dict[str, list[_Somebody]]:
    """Everybody by folded name: whole names, first names, teams. Who left counts only where nobody else is meant."""
    agents = list(Agent.objects.order_by("id").values_list("id", "name", "is_active")[:MOST])
    members: dict[UUID, list[UUID]] = {}
    for team, agent in TeamMember.objects.values_list("team_id", "agent_id"):
        members.setdefault(team, []).append(agent)
    known: dict[str, list[_Somebody]] = {}
    here = {agent for agent, _, active in agents if active}
    for team, name in Team.objects.values_list("id", "name")[:MOST]:
        those = tuple(agent for agent in members.get(team, ()) if agent in here)
        known.setdefault(_fold(name), []).append(_Somebody(name, those, True))
    for agent, name, active in agents:
        words = {_fold(name), _fold(name.split()[0] if name.split() else name)}
        for word in filter(None, words):
            known.setdefault(word, []).append(_Somebody(name, (agent,), active))
    return known


def _sighted(inbox_id: UUID) -> set[UUID]:
    """The agents who may see an inbox."""
    roles: dict[UUID | None, str] = dict(
        Agent.objects.filter(is_active=True).values_list("id", "role")[:MOST]
    )
    return {agent for agent, inboxes in visible_inboxes_of(roles).items() if agent and inbox_id in inboxes}


def _spoken(text: str, known: dict[str, list[_Somebody]]) -> list[tuple[str, list[_Somebody]]]:
    """Each `@name` of a text with those it may mean: the longest name that stands there, up to the end of a word."""
    names = sorted(known, key=len, reverse=True)
    text = unicodedata.normalize("NFC", text)
    found = []
    for at, letter in enumerate(text[:-1]):
        if letter != "@" or (at and text[at - 1].isalnum()):
            continue
        rest = text[at + 1 : at + 121]
        for name in names:
            written = rest[: len(name)]
            if written.casefold() == name and not rest[len(name) : len(name) + 1].isalnum():
                found.append((f"@{written}", known[name]))
                break
    return found[:MOST]


def choices(actor: Actor, inbox_id: UUID, asked: str, limit: int = 8) -> list[Choice]:
    """Whom `@asked` could become: active agents who may see the inbox, and teams; names that begin so come first."""
    sighted, wanted = _sighted(inbox_id), _fold(asked.strip())
    people = [
        Choice(name, team=False)
        for agent, name in Agent.objects.filter(is_active=True)
        .order_by("name")
        .values_list("id", "name")[:MOST]
        if agent in sighted and agent != actor.agent_id
    ]
    sizes: dict[UUID, int] = {}
    for team, agent in TeamMember.objects.filter(agent_id__in=sighted).values_list("team_id", "agent_id"):
        sizes[team] = sizes.get(team, 0) + (agent in sighted)
    teams = [
        Choice(name, team=True, members=sizes[team])
        for team, name in Team.objects.order_by("name").values_list("id", "name")[:MOST]
        if team in sizes
    ]
    fitting = [
        (rank, each) for each in [*people, *teams] if (rank := _rank(_fold(each.name), wanted)) is not None
    ]
    return [each for _, each in sorted(fitting, key=lambda pair: (pair[0], _fold(pair[1].name)))[:limit]]


def _rank(name: str, wanted: str) -> int | None:
    """0: begins so; 1: one of its words does."""
    if name.startswith(wanted):
        return 0
    return 1 if any(word.startswith(wanted) for word in name.split()) else None


def mentioned(actor: Actor) -> QuerySet[Conversation]:
    """The conversations in which the actor was named, among those they may see."""
    if actor.agent_id is None:
        return Conversation.objects.none()
    named = Mention.objects.filter(conversation_id=OuterRef("pk"), agent_id=actor.agent_id)
    return queries.visible(actor).filter(Exists(named))


def unseen(actor: Actor) -> int:
    """In how many conversations the actor was named and has not looked since, up to 1,000."""
    if actor.agent_id is None:
        return 0
    waiting = Mention.objects.filter(
        agent_id=actor.agent_id, seen_at=None, conversation__inbox_id__in=actor.inboxes
    )
    return len(set(waiting.values_list("conversation_id", flat=True)[: queries.COUNTED]))


def mark_seen(actor: Actor, conversation_ids: Sequence[UUID]) -> None:
    """The actor has looked at what names them there."""
    if actor.agent_id:
        rows = Mention.objects.filter(agent_id=actor.agent_id, conversation_id__in=conversation_ids)
        rows.filter(seen_at=None).update(seen_at=now())
