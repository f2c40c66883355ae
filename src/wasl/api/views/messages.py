"""Messages: where they stand, how their delivery goes, their files."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from wasl.accounts.actor import Actor, NotFound
from wasl.api.gate import Request
from wasl.api.schemas import Delivery, DeliveryInFull, Message, Waiting
from wasl.channels.email.trim.message import written
from wasl.conversations import actions, queries
from wasl.conversations.models import Attachment
from wasl.conversations.queries import Shown
from wasl.delivery import queries as deliveries
from wasl.delivery.queries import DeliveryView
from wasl.intake.queries import standing
from wasl.kit import blobs

router = Router(tags=["Messages"])


@router.get(
    "/messages/{uuid:message_id}",
    response=Message | Waiting,
    operation_id="get_message",
    summary="Get a message",
)
def message(request: Request, message_id: UUID) -> dict[str, Any]:
    """A message by its id; also one that was just accepted and is not on a timeline yet."""
    try:
        return shape(queries.message(request.actor, message_id))
    except NotFound:
        found = standing(request.actor, message_id)
        return {
            "id": found.id,
            "status": found.status,
            "channel": found.channel,
            "received_at": found.received_at,
            "reason": found.reason,
        }


@router.get(
    "/messages/{uuid:message_id}/delivery",
    response=DeliveryInFull,
    operation_id="get_delivery",
    summary="See how a message's delivery goes",
)
def delivery(request: Request, message_id: UUID) -> dict[str, Any]:
    """Where it stands, every call that was made, and what the other side said. Only answers have one."""
    actor, view = request.actor, _delivery(request.actor, message_id)
    return _delivery_shape(view) | {
        "calls": [
            {
                "number": call.number,
                "started_at": call.started_at,
                "finished_at": call.finished_at,
                "outcome": call.outcome,
                "reason": call.reason,
                "code": call.code,
                "detail": call.detail,
            }
            for call in deliveries.attempts(actor.workspace_id, view.delivery_id)
        ],
        "receipts": [
            {
                "kind": receipt.kind,
                "at": receipt.at,
                "reason": receipt.reason,
                "status": receipt.status,
                "diagnostic": receipt.diagnostic,
            }
            for receipt in deliveries.receipts(actor.workspace_id, view.delivery_id)
        ],
    }


@router.post(
    "/messages/{uuid:message_id}/retry",
    response=Delivery,
    operation_id="retry_delivery",
    summary="Try a delivery again",
)
def retry(request: Request, message_id: UUID) -> dict[str, Any]:
    """Now, and with all tries before it. Does nothing when there is nothing to try again: see `can_retry`."""
    actions.retry_delivery(request.actor, message_id)
    return _delivery_shape(_delivery(request.actor, message_id))


@router.get(
    "/attachments/{uuid:attachment_id}",
    operation_id="get_attachment",
    summary="Download an attachment",
    openapi_extra={
        "responses": {
            200: {
                "description": "The file's bytes, as a download.",
                "content": {"application/octet-stream": {}},
            }
        }
    },
)
def attachment(request: Request, attachment_id: UUID) -> HttpResponseBase:
    """The bytes as they came. Whatever type they claim, they are sent as a download."""
    file = queries.attachment(request.actor, attachment_id)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}",
        "Content-Length": str(file.size),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    try:
        pieces = blobs.stream(request.actor.workspace_id, bytes(file.digest))
    except blobs.MissingBlob as error:
        raise NotFound from error
    return StreamingHttpResponse(pieces, content_type=_plain(file.content_type), headers=headers)


def _plain(content_type: str) -> str:
    """A type that cannot break out of its header."""
    return (
        content_type if content_type.isascii() and content_type.isprintable() else "application/octet-stream"
    )


def _delivery(actor: Actor, message_id: UUID) -> DeliveryView:
    view = queries.message(actor, message_id).delivery
    if view is None:
        raise NotFound
    return view


def shape(shown: Shown) -> dict[str, Any]:
    """A message's JSON."""
    row = shown.message
    return {
        "id": row.id,
        "status": _status(shown),
        "conversation_id": row.conversation_id,
        "customer_id": row.customer_id,
        "way": row.way,
        "channel": row.channel,
        "author": shown.author,
        "at": row.at,
        "sent_at": row.sent_at,
        "subject": row.subject,
        "text": row.text,
        "written": written(row.text, row.html) if row.way == "in" else row.text,
        "html": row.html,
        "language": row.language,
        "auto": row.auto,
        "cc": [each.address for each in shown.copies],
        "attachments": [_file(file) for file in shown.files],
        "delivery": _delivery_shape(shown.delivery) if shown.delivery else None,
    }


def _status(shown: Shown) -> str:
    if shown.message.way == "in":
        return "received"
    if shown.message.way == "note":
        return "note"
    return str(shown.delivery.state) if shown.delivery else "ready"


def _file(file: Attachment) -> dict[str, Any]:
    return {
        "id": file.id,
        "filename": file.filename,
        "content_type": file.content_type,
        "size": file.size,
        "inline": file.inline,
        "url": f"/api/v1/attachments/{file.id}",
    }


def _delivery_shape(view: DeliveryView) -> dict[str, Any]:
    return {
        "state": str(view.state),
        "reason": view.reason,
        "address": view.address,
        "attempts": view.attempts,
        "next_at": view.next_at,
        "ended_at": view.ended_at,
        "can_retry": view.can_retry,
        "messages": view.parts,
        "messages_sent": view.left,
    }
