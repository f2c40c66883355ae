"""Proofs that what happened is what was written down."""

from base64 import b64encode
from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Router

from wasl.accounts.actor import NotFound
from wasl.api.gate import Request
from wasl.api.schemas import Checkpoint, Proof
from wasl.customers.queries import may_see
from wasl.kit.db import raw
from wasl.timeline import log

router = Router(tags=["Proofs"])

Size = Annotated[int | None, Query(ge=1, le=2**62, description="The log as it was with so many leaves.")]


@router.get("/log/checkpoint", response=Checkpoint, operation_id="get_checkpoint", summary="Get a checkpoint")
def checkpoint(request: Request, size: Size = None) -> dict[str, Any]:
    """The newest signed checkpoint of the workspace's log, or an earlier one. Keep it: it proves what was there."""
    workspace_id = request.actor.workspace_id
    try:
        stated = log.checkpoint(raw(), workspace_id, size)
    except log.NotLogged as error:
        raise NotFound from error
    return {"checkpoint": stated, "verifier_key": log.verifier_key(workspace_id)}


@router.get(
    "/touchpoints/{uuid:touchpoint_id}/proof",
    response=Proof,
    operation_id="get_proof",
    summary="Prove that a touchpoint is in the log",
)
def proof(request: Request, touchpoint_id: UUID, size: Size = None) -> dict[str, Any]:
    """A touchpoint is in the log about a second after it happened; until then there is no proof (404)."""
    actor = request.actor
    may_see(actor, touchpoint_id)
    try:
        found = log.inclusion(raw(), actor.workspace_id, touchpoint_id, size)
        stated = log.checkpoint(raw(), actor.workspace_id, found.size)
    except log.NotLogged as error:
        raise NotFound from error
    return {
        "touchpoint_id": touchpoint_id,
        "leaf": b64encode(found.leaf).decode(),
        "index": found.index,
        "size": found.size,
        "path": [b64encode(step).decode() for step in found.path],
        "checkpoint": stated,
    }
