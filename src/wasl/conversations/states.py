"""Where a conversation stands: open, waiting for the customer, put off, resolved; and who is to look after it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.models import Team
from wasl.channels.models import Inbox
from wasl.conversations.changes import Changed, State, fits, put
from wasl.conversations.models import Status
from wasl.conversations.queries import followed
from wasl.kit.clock import now

FARTHEST = timedelta(days=366)


class CannotSnooze(Exception):
    """Why it cannot be put off until then: past, too_far."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CannotMove(Exception):
    """Why it cannot lie in that inbox: inbox_off, other_channel."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def resolve(actor: Actor, conversation_id: UUID) -> None:
    """Close a conversation; a message of the customer opens it again. Raises NotFound, Forbidden."""
    one(actor, conversation_id, {"status": Status.RESOLVED})


def reopen(actor: Actor, conversation_id: UUID) -> None:
    """Open a conversation, whatever it was. Raises NotFound, Forbidden."""
    one(actor, conversation_id, {"status": Status.OPEN})


def pend(actor: Actor, conversation_id: UUID) -> None:
    """Wait for the customer, whose next message opens it. Raises NotFound, Forbidden."""
    one(actor, conversation_id, {"status": Status.PENDING})


def snooze(actor: Actor, conversation_id: UUID, until: datetime | None) -> None:
    """Put off until a time, or (None) until the customer writes, which ends every snooze.

    Raises NotFound, Forbidden, CannotSnooze.
    """
    one(actor, conversation_id, snoozed(until))


def snoozed(until: datetime | None) -> State:
    """The state of a conversation that is put off. Raises CannotSnooze."""
    if until is None:
        return {"status": Status.SNOOZED, "until": None}
    if until <= now():
        raise CannotSnooze("past")
    if until > now() + FARTHEST:
        raise CannotSnooze("too_far")
    return {"status": Status.SNOOZED, "until": until.astimezone(UTC).isoformat()}


def give_to_team(actor: Actor, conversation_id: UUID, team_id: UUID | None) -> None:
    """Give a conversation to a team, or to none. Raises NotFound, Forbidden."""
    if team_id and not Team.objects.filter(id=team_id).exists():
        raise NotFound
    one(actor, conversation_id, {"team": str(team_id) if team_id else None})


def move(actor: Actor, conversation_id: UUID, inbox_id: UUID, owner: UUID | None = None) -> Changed | None:
    """Lay a conversation into another inbox: later answers leave from there, and its people see it.

    An owner who may not see that inbox has it no longer; `owner` gives it to somebody, as one who takes a move back
    does. Raises NotFound, Forbidden, CannotMove.
    """
    target = reachable(actor, inbox_id)
    found = followed(actor, conversation_id)
    if not fits(Inbox.objects.values_list("channel", flat=True).get(id=found.inbox_id), target.channel):
        raise CannotMove("other_channel")
    owned: State = {"assignee": str(owner)} if owner else {}
    return one(actor, conversation_id, {"inbox": str(inbox_id), **owned})


def reachable(actor: Actor, inbox_id: UUID) -> Inbox:
    """An inbox that conversations can be moved into. Raises NotFound, CannotMove."""
    target = Inbox.objects.filter(id=inbox_id, id__in=actor.inboxes).first()
    if target is None:
        raise NotFound
    if not target.is_active:
        raise CannotMove("inbox_off")
    return target


def one(actor: Actor, conversation_id: UUID, state: State) -> Changed | None:
    """Bring one conversation into a state; what changed. Raises NotFound, Forbidden."""
    actor.require_write()
    target = followed(actor, conversation_id).id
    changed = put(actor, {target: state})
    if target not in changed:
        raise NotFound
    return changed[target]
