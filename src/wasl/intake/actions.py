"""What a person may do with quarantined inbound."""

from uuid import UUID

from django.db import connection

from wasl.accounts.actor import Actor, NotFound
from wasl.intake.models import Inbound, InboundQueue, Quarantine
from wasl.kit import blobs
from wasl.kit.clock import now
from wasl.kit.signal import Signal, send, wake


def replay(actor: Actor, inbound_id: UUID) -> None:
    """Put a quarantined payload back on the queue, to be understood anew. Raises NotFound."""
    row = _open(actor, inbound_id)
    row.outcome = "replaying"
    row.save(update_fields=["outcome"])
    InboundQueue.objects.get_or_create(id=row.id, workspace_id=actor.workspace_id)
    with connection.cursor() as cursor:
        wake(cursor, "intake")
    _signal(actor, row)


def discard(actor: Actor, inbound_id: UUID) -> None:
    """Close a quarantined payload without understanding it; its bytes are kept. Raises NotFound."""
    row = _open(actor, inbound_id)
    row.outcome, row.settled_at = "discarded", now()
    row.save(update_fields=["outcome", "settled_at"])
    _signal(actor, row)


def original(actor: Actor, inbound_id: UUID) -> bytes:
    """The bytes as they came. Raises NotFound."""
    actor.require_admin()
    row = Inbound.objects.filter(id=inbound_id, inbox_id__in=actor.inboxes).first()
    if row is None:
        raise NotFound
    return (
        bytes(row.raw)
        if row.raw is not None
        else blobs.read(actor.workspace_id, bytes(row.raw_digest or b""))
    )


def _open(actor: Actor, inbound_id: UUID) -> Quarantine:
    actor.require_admin()
    row = (
        Quarantine.objects.select_for_update()
        .filter(id=inbound_id, settled_at=None, inbox_id__in=actor.inboxes)
        .first()
    )
    if row is None:
        raise NotFound
    return row


def _signal(actor: Actor, row: Quarantine) -> None:
    with connection.cursor() as cursor:
        send(cursor, [Signal("quarantine", actor.workspace_id, inbox=row.inbox_id)])
