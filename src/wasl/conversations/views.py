"""Saved views: filters with a name, of one agent or of everybody. Call inside `tenant(…)`."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Max, Q

from wasl.accounts.actor import Actor, Forbidden, NotFound
from wasl.conversations import listing
from wasl.conversations.filters import Filter
from wasl.conversations.models import SavedView
from wasl.kit.db import raw
from wasl.kit.signal import Signal, send

MOST = 20
"""Views that stand in a rail, with their counts."""
LONGEST = 80


class CannotSave(Exception):
    """Why a view cannot be kept: empty (its name), too_long, too_many."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Kept:
    """A saved view as its reader sees it."""

    id: UUID
    name: str
    shared: bool
    where: Filter


def views(actor: Actor) -> list[Kept]:
    """The actor's own views and everybody's: own first, in their order; at most 20."""
    rows = SavedView.objects.filter(Q(agent_id=None) | Q(agent=actor.agent_id))
    found = [_kept(row) for row in rows.order_by("agent_id", "position", "id")]
    return [view for view in found if view is not None][:MOST]


def view(actor: Actor, view_id: UUID) -> Kept:
    """One of them. Raises NotFound."""
    row = SavedView.objects.filter(Q(agent_id=None) | Q(agent=actor.agent_id), id=view_id).first()
    found = _kept(row) if row else None
    if found is None:
        raise NotFound
    return found


def counts(actor: Actor, kept: list[Kept]) -> dict[UUID, int]:
    """How many conversations each view holds, up to 1,000."""
    found = listing.counts(actor, [view.where for view in kept])
    return dict(zip((view.id for view in kept), found, strict=True))


def save(actor: Actor, name: str, where: Filter, *, shared: bool) -> UUID:
    """Keep a filter. Everybody's are kept by administrators. Raises Forbidden, CannotSave."""
    if shared:
        actor.require_admin()
    if actor.agent_id is None:
        raise Forbidden("read_only")
    name = _called(name)
    agent_id = None if shared else actor.agent_id
    rows = SavedView.objects.filter(agent=agent_id)
    if rows.count() >= MOST:
        raise CannotSave("too_many")
    last = rows.aggregate(last=Max("position"))["last"] or 0
    made = SavedView.objects.create(
        workspace_id=actor.workspace_id, agent_id=agent_id, name=name, filter=where.write(), position=last + 1
    )
    _tell(actor)
    return made.id


def rename(actor: Actor, view_id: UUID, name: str) -> None:
    """Call a view otherwise. Raises Forbidden, NotFound, CannotSave."""
    _changeable(actor, view_id)
    SavedView.objects.filter(id=view_id).update(name=_called(name))
    _tell(actor)


def forget(actor: Actor, view_id: UUID) -> None:
    """Throw a view away. Raises Forbidden, NotFound."""
    _changeable(actor, view_id)
    SavedView.objects.filter(id=view_id).delete()
    _tell(actor)


def _changeable(actor: Actor, view_id: UUID) -> None:
    """Everybody's are changed by administrators."""
    if view(actor, view_id).shared:
        actor.require_admin()


def _called(name: str) -> str:
    name = " ".join(name.replace("\0", " ").split())
    if not name:
        raise CannotSave("empty")
    if len(name) > LONGEST:
        raise CannotSave("too_long")
    return name


def _tell(actor: Actor) -> None:
    send(raw(), [Signal("conversation", actor.workspace_id)])


def _kept(row: SavedView) -> Kept | None:
    """None for a filter that this version cannot read."""
    try:
        return Kept(row.id, row.name, row.agent_id is None, Filter.read(row.filter))
    except ValueError:
        return None
