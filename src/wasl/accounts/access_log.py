"""The access log: who looked at or changed what, and when. It can only grow.

What an agent does with a customer is on that customer's timeline as well; here stand the looks, which leave no
touchpoint, and the changes of the workspace itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from wasl.accounts.actor import Actor
from wasl.accounts.models import Access, Agent, ApiToken
from wasl.kit import sheet
from wasl.kit.clock import now
from wasl.kit.memory import Recent

SAME_LOOK = timedelta(minutes=10)
"""Looking at the same thing again within this time is the same look: a page reads itself again at every change."""

PAGE = 50
_SLICE = 1000

_looked: Recent[tuple[UUID | None, UUID | None, UUID], bool] = Recent(SAME_LOOK.total_seconds(), 50_000)


@dataclass(frozen=True, slots=True)
class Line:
    """One line, with the name of whoever it was ('' when they are gone)."""

    id: UUID
    at: datetime
    who: str
    program: bool
    changed: bool
    verb: str
    thing: str
    thing_id: UUID | None
    address: str
    detail: dict[str, str]


def record(
    actor: Actor,
    verb: str,
    thing: str = "",
    thing_id: UUID | None = None,
    *,
    changed: bool = True,
    address: str = "",
    **detail: str,
) -> None:
    """Write a line, inside `tenant(…)`: with a change, in the change's own transaction."""
    Access.objects.create(
        workspace_id=actor.workspace_id,
        at=now(),
        agent_id=actor.agent_id,
        token_id=actor.token_id,
        changed=changed,
        verb=verb[:60],
        thing=thing[:30],
        thing_id=thing_id,
        address=address or None,
        detail=detail,
    )


def thing_in(values: Mapping[str, Any]) -> tuple[str, UUID | None]:
    """What the address of a page or an operation names: its first `…_id`."""
    for name, value in values.items():
        if name.endswith("_id") and isinstance(value, UUID):
            return name.removesuffix("_id"), value
    return "", None


def is_new_look(actor: Actor, thing_id: UUID) -> bool:
    """Whether this look has to be written down; asking counts as looking."""
    key = (actor.agent_id, actor.token_id, thing_id)
    if _looked.get(key):
        return False
    _looked.put(key, True)
    return True


def forget_looks() -> None:
    """Write the next look at anything down."""
    _looked.clear()


@dataclass(frozen=True, slots=True)
class Filter:
    """What part of the log; what is None is not asked for. `since` is included, `until` is not."""

    agent_id: UUID | None = None
    thing_id: UUID | None = None
    changed: bool | None = None
    since: datetime | None = None
    until: datetime | None = None

    def condition(self) -> Q:
        """As the database is asked."""
        wanted = Q()
        if self.agent_id:
            wanted &= Q(agent_id=self.agent_id)
        if self.thing_id:
            wanted &= Q(thing_id=self.thing_id)
        if self.changed is not None:
            wanted &= Q(changed=self.changed)
        if self.since:
            wanted &= Q(at__gte=self.since)
        if self.until:
            wanted &= Q(at__lt=self.until)
        return wanted


def lines(
    actor: Actor, wanted: Filter, before: tuple[datetime, UUID] | None = None, limit: int = PAGE
) -> tuple[list[Line], tuple[datetime, UUID] | None]:
    """A page of the log, newest first, and where the next begins. Raises Forbidden."""
    actor.require_admin()
    found = Access.objects.filter(wanted.condition())
    if before:
        found = found.filter(Q(at__lt=before[0]) | Q(at=before[0], id__lt=before[1]))
    rows = list(found.order_by("-at", "-id")[: limit + 1])
    after = (rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else None
    return _named(rows[:limit]), after


def _named(rows: list[Access]) -> list[Line]:
    agents = dict(Agent.objects.filter(id__in={r.agent_id for r in rows}).values_list("id", "name"))
    tokens = dict(ApiToken.objects.filter(id__in={r.token_id for r in rows}).values_list("id", "name"))
    return [
        Line(
            r.id,
            r.at,
            agents.get(r.agent_id, "") if r.agent_id else tokens.get(r.token_id, "") if r.token_id else "",
            r.token_id is not None,
            r.changed,
            r.verb,
            r.thing,
            r.thing_id,
            r.address or "",
            r.detail,
        )
        for r in rows
    ]


COLUMNS = ("at", "who", "agent_or_token", "changed", "what", "thing", "thing_id", "address", "detail")


def export(actor: Actor, wanted: Filter) -> Iterator[str]:
    """The log as CSV (RFC 4180), a slice at a time, each read in the transaction that is open when it is asked for.

    Raises Forbidden.
    """
    actor.require_admin()
    yield sheet.lines([COLUMNS])
    before: tuple[datetime, UUID] | None = None
    while True:
        found, before = lines(actor, wanted, before, _SLICE)
        yield sheet.lines(
            (
                line.at.isoformat(),
                line.who,
                "token" if line.program else "agent",
                "yes" if line.changed else "no",
                line.verb,
                line.thing,
                str(line.thing_id or ""),
                line.address,
                "; ".join(f"{key}={value}" for key, value in line.detail.items()),
            )
            for line in found
        )
        if before is None:
            return
