"""Who a customer may be as well: what is open, and an agent's answer to it."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from wasl.accounts.actor import Actor, NotFound
from wasl.customers.actions import CannotMerge, join
from wasl.customers.models import Answer, Customer, Identity, Suggestion
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.signal import Signal, send

MOST = 10


def of_family(actor: Actor, members: Collection[UUID], limit: int = MOST) -> list[Suggestion]:
    """Open suggestions that somebody of this family is somebody else, the likeliest first, one for each of the others.

    Not those that were answered by a merge meanwhile, or of whom nothing is kept any more.
    """
    mine = set(members)
    rows = (
        Suggestion.objects.filter(Q(left_id__in=mine) | Q(right_id__in=mine), answer=Answer.OPEN)
        .filter(workspace_id=actor.workspace_id)
        .select_related("left", "right")
        .order_by("-probability", "id")[: limit * 4]
    )
    found: dict[UUID, Suggestion] = {}
    for row in rows:
        other = row.right if row.left_id in mine else row.left
        if other.id not in mine and other.root_id not in mine:
            found.setdefault(other.root_id, row)
    there = set(
        Identity.objects.filter(customer__root_id__in=found).values_list("customer__root_id", flat=True)
    )
    return [row for root, row in found.items() if root in there][:limit]


def accept(actor: Actor, suggestion_id: UUID) -> UUID | None:
    """Make the two one, the older keeping its place; the id of the merge, None when they are one already. Inside
    `tenant(…)`. Raises Forbidden, and NotFound for a suggestion that is not open any more."""
    row = _open(actor, suggestion_id)
    kept, merged = sorted((row.left.root_id, row.right.root_id))
    try:
        row.merge_id = join(raw(), actor.workspace_id, kept, merged, actor.kind, actor.agent_id)
    except CannotMerge:
        row.merge_id = None
    _answer(actor, row, Answer.ACCEPTED)
    return row.merge_id


def refuse(actor: Actor, suggestion_id: UUID) -> None:
    """They are two. It is not suggested again unless something new speaks for it. As above."""
    _answer(actor, _open(actor, suggestion_id), Answer.REFUSED)


def _open(actor: Actor, suggestion_id: UUID) -> Suggestion:
    actor.require_write()
    row = (
        Suggestion.objects.select_for_update(of=("self",))
        .select_related("left", "right")
        .filter(workspace_id=actor.workspace_id, id=suggestion_id, answer=Answer.OPEN)
        .first()
    )
    if row is None:
        raise NotFound
    return row


def _answer(actor: Actor, row: Suggestion, answer: Answer) -> None:
    row.answer, row.answered_at, row.answered_by_id = answer, now(), actor.agent_id
    row.save(update_fields=["answer", "answered_at", "answered_by_id", "merge_id"])
    send(raw(), [Signal("customer", actor.workspace_id, customers=(row.left.root_id, row.right.root_id))])


def other(row: Suggestion, members: Collection[UUID]) -> Customer:
    """The one of the two who is not of this family."""
    return row.right if row.left_id in members else row.left  # type: ignore[no-any-return]
