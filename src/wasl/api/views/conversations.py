"""Conversations: list, read, change, answer. And what they refer to: inboxes and agents."""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Status

from wasl.api import paging
from wasl.api.gate import Request
from wasl.api.schemas import Change, Conversations, Inbox, Message, Messages, Person, Reply
from wasl.api.schemas import Conversation as Shape
from wasl.api.views import messages as one
from wasl.api.views.customers import Limit, Place
from wasl.channels.api.schemas import MAX_FILE_BYTES
from wasl.conversations import actions, queries
from wasl.conversations.models import Conversation
from wasl.conversations.reply import Upload, reply
from wasl.customers.queries import family
from wasl.kit.problem import Fault, Problem

router = Router(tags=["Conversations"])


@router.get("/inboxes", response=list[Inbox], operation_id="list_inboxes", summary="List inboxes")
def inboxes(request: Request) -> Any:
    """The inboxes your token may see, by name."""
    return queries.inboxes(request.actor)


@router.get("/agents", response=list[Person], operation_id="list_agents", summary="List agents")
def agents(request: Request) -> Any:
    """To whom a conversation can be given, by name."""
    return queries.agents(request.actor)


@router.get(
    "/conversations", response=Conversations, operation_id="list_conversations", summary="List conversations"
)
def conversations(
    request: Request,
    response: HttpResponse,
    limit: Limit = paging.LIMIT,
    cursor: Place = None,
    status: Annotated[Literal["open", "resolved"] | None, Query(description="Both when left out.")] = None,
    assignee: Annotated[
        UUID | Literal["none"] | None, Query(description="An agent's id, or 'none' for the unassigned.")
    ] = None,
    inbox: Annotated[UUID | None, Query(description="An inbox's id.")] = None,
    customer: Annotated[UUID | None, Query(description="A customer's id.")] = None,
) -> dict[str, Any]:
    """Those in which something happened last come first."""
    page = queries.conversations(
        request.actor,
        view="unassigned" if assignee == "none" else "all",
        status=status or "",
        inbox_id=inbox,
        assignee_id=assignee if isinstance(assignee, UUID) else None,
        customer_ids=family([customer]) if customer else None,
        before=paging.at_time(cursor),
        limit=limit,
    )
    return paging.answer(request, response, [_shape(row) for row in page.rows], page.after)


@router.get(
    "/conversations/{uuid:conversation_id}",
    response=Shape,
    operation_id="get_conversation",
    summary="Get a conversation",
)
def conversation(request: Request, conversation_id: UUID) -> dict[str, Any]:
    """One conversation, without its messages."""
    return _shape(queries.conversation(request.actor, conversation_id))


@router.patch(
    "/conversations/{uuid:conversation_id}",
    response=Shape,
    operation_id="change_conversation",
    summary="Resolve, reopen or assign",
)
def change(request: Request, conversation_id: UUID, change: Change) -> dict[str, Any]:
    """Changes what is given and leaves the rest. Doing it twice changes nothing more."""
    actor, given = request.actor, change.model_fields_set
    queries.conversation(actor, conversation_id)
    if "assignee_id" in given:
        _check_agent(change.assignee_id, request)
        actions.assign(actor, conversation_id, change.assignee_id)
    if change.status == "resolved":
        actions.resolve(actor, conversation_id)
    elif change.status == "open":
        actions.reopen(actor, conversation_id)
    return _shape(queries.conversation(actor, conversation_id))


def _check_agent(agent_id: UUID | None, request: Request) -> None:
    if agent_id and agent_id not in {agent.id for agent in queries.agents(request.actor)}:
        wrong = "There is no agent of this id to give a conversation to."
        raise Problem("invalid", wrong, [Fault(wrong, "#/assignee_id")])


@router.get(
    "/conversations/{uuid:conversation_id}/messages",
    response=Messages,
    operation_id="list_messages",
    summary="List a conversation's messages",
)
def thread(
    request: Request,
    response: HttpResponse,
    conversation_id: UUID,
    limit: Limit = paging.LIMIT,
    cursor: Place = None,
) -> dict[str, Any]:
    """Newest first."""
    before = paging.at_time(cursor)
    page = queries.thread(request.actor, conversation_id, before, limit)
    return paging.answer(request, response, [one.shape(row) for row in page.rows], page.after)


@router.post(
    "/conversations/{uuid:conversation_id}/messages",
    response={201: Message},
    operation_id="send_reply",
    summary="Answer the customer",
)
def send(
    request: Request, response: HttpResponse, conversation_id: UUID, answer: Reply
) -> Status[dict[str, Any]]:
    """The answer leaves on the conversation's channel; it is followed until its delivery has come to an end.

    In an API inbox nothing is sent: your program fetches the answer from the conversation's messages.
    """
    if sum(len(file.content) for file in answer.attachments) > MAX_FILE_BYTES:
        raise Problem(
            "too-large", f"The attachments of an answer may have {MAX_FILE_BYTES // 10**6} MB in all."
        )
    files = [Upload(file.filename, file.content_type, content=file.content) for file in answer.attachments]
    message_id = reply(request.actor, conversation_id, answer.text, files)
    response.headers["Location"] = f"/api/v1/messages/{message_id}"
    return Status(201, one.shape(queries.message(request.actor, message_id)))


def _shape(row: Conversation) -> dict[str, Any]:
    return {
        "id": row.id,
        "customer": {"id": row.customer.id, "name": row.customer.name},
        "inbox_id": row.inbox_id,
        "subject": row.subject,
        "status": row.status,
        "assignee": {"id": row.assignee.id, "name": row.assignee.name} if row.assignee else None,
        "messages": row.messages,
        "preview": row.preview,
        "trouble": row.trouble,
        "created_at": row.created_at,
        "last_at": row.last_at,
        "last_in_at": row.last_in_at,
    }
