"""What may be read of branches and visits. Inside `tenant(…)`."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from wasl.accounts.actor import Actor, NotFound
from wasl.channels.models import Inbox
from wasl.channels.visit.parse import CHANNEL
from wasl.conversations.models import Message
from wasl.customers.models import Customer
from wasl.visits.actions import day_of
from wasl.visits.codes import Kiosk
from wasl.visits.models import Branch, State, Visit

ENDED = 30
SERVING = 12


@dataclass(frozen=True, slots=True)
class Place:
    """A branch with its inbox, and how many wait there today."""

    branch: Branch
    inbox: Inbox
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A visit with who came, and the conversation it is in once it is understood."""

    visit: Visit
    customer: Customer
    conversation_id: UUID | None


@dataclass(frozen=True, slots=True)
class Queue:
    """A branch's day: who waits, by number; who is being served; who was, or went, the latest first."""

    place: Place
    waiting: Sequence[Entry]
    serving: Sequence[Entry]
    ended: Sequence[Entry]


def branches(actor: Actor, *, every: bool = False) -> list[Place]:
    """The branches that the actor sees, by name; with `every` those that are switched off as well."""
    inboxes = Inbox.objects.filter(channel=CHANNEL, id__in=actor.inboxes).order_by("name", "id")
    if not every:
        inboxes = inboxes.filter(is_active=True)
    found = Branch.objects.in_bulk([inbox.id for inbox in inboxes])
    return [
        Place(found[inbox.id], inbox, _waiting(actor.workspace_id, inbox.id))
        for inbox in inboxes
        if inbox.id in found
    ]


def _waiting(workspace_id: UUID, branch_id: UUID) -> int:
    today = day_of(workspace_id, branch_id)
    return Visit.objects.filter(branch_id=branch_id, day=today, state=State.WAITING).count()


def place(actor: Actor, branch_id: UUID) -> Place:
    """One branch. Raises NotFound."""
    inbox = Inbox.objects.filter(id=branch_id, channel=CHANNEL, id__in=actor.inboxes).first()
    branch = Branch.objects.filter(id=branch_id).first()
    if inbox is None or branch is None:
        raise NotFound
    return Place(branch, inbox)


def queue(actor: Actor, branch_id: UUID) -> Queue:
    """A branch's day so far. Raises NotFound."""
    here = place(actor, branch_id)
    today = Visit.objects.filter(branch_id=branch_id, day=day_of(actor.workspace_id, branch_id))
    waiting = list(today.filter(state=State.WAITING).order_by("number"))
    serving = list(today.filter(state=State.CALLED).order_by("called_at", "number"))
    ended = list(today.filter(state__in=(State.SERVED, State.LEFT)).order_by("-ended_at", "-number")[:ENDED])
    known = _known([*waiting, *serving, *ended])
    return Queue(here, *([known[visit.id] for visit in part] for part in (waiting, serving, ended)))


def _known(visits: Sequence[Visit]) -> dict[UUID, Entry]:
    customers = Customer.objects.select_related("root").in_bulk([visit.customer_id for visit in visits])
    messages = Message.objects.filter(id__in=[visit.message_id for visit in visits])
    places = dict(messages.values_list("id", "conversation_id"))
    return {
        visit.id: Entry(visit, customers[visit.customer_id].root, places.get(visit.message_id))
        for visit in visits
    }


def kiosk(claim: Kiosk) -> Place:
    """The branch that a kiosk stands in. Raises NotFound for one that was closed."""
    branch = Branch.objects.filter(id=claim.branch_id).first()
    inbox = Inbox.objects.filter(id=claim.branch_id, channel=CHANNEL, is_active=True).first()
    if branch is None or inbox is None or not claim.version or branch.kiosk != claim.version:
        raise NotFound
    return Place(branch, inbox)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What somebody who took a number is told: the number, where it stands, and how many come before."""

    number: int
    state: str
    counter: str
    before: int


def ticket(branch_id: UUID, visit_id: UUID) -> Ticket | None:
    """The number of a visit at that branch, whoever's it is; None when there is none of today."""
    visit = Visit.objects.filter(id=visit_id, branch_id=branch_id).first()
    if visit is None or visit.day != day_of(visit.workspace_id, branch_id):
        return None
    before = Visit.objects.filter(
        branch_id=branch_id, day=visit.day, state=State.WAITING, number__lt=visit.number
    ).count()
    return Ticket(visit.number, visit.state, visit.counter, before if visit.state == State.WAITING else 0)


def screen(place: Place) -> list[tuple[int, str]]:
    """(number, counter) of those being served, the latest first: all that a screen in the room says."""
    today = day_of(place.branch.workspace_id, place.branch.id)
    called = Visit.objects.filter(branch=place.branch, day=today, state=State.CALLED)
    return list(called.order_by("-called_at", "-number").values_list("number", "counter")[:SERVING])


def branch_of(actor: Actor, visit_id: UUID) -> UUID:
    """The branch of a visit that the actor may see. Raises NotFound."""
    found = (
        Visit.objects.filter(id=visit_id, branch_id__in=actor.inboxes)
        .values_list("branch_id", flat=True)
        .first()
    )
    if found is None:
        raise NotFound
    return found
