"""Conversations: list, read, change, answer. And what they refer to: inboxes and agents."""

from collections.abc import Sequence
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
from wasl.conversations import actions, queries, states, tags
from wasl.conversations.filters import Filter
from wasl.conversations.models import Conversation
from wasl.conversations.reply import Upload, reply
from wasl.customers.queries import family
from wasl.desk import takeover
from wasl.kit.languages import Code
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
    status: Annotated[
        Literal["open", "pending", "snoozed", "resolved"] | None, Query(description="All when left out.")
    ] = None,
    assignee: Annotated[
        UUID | Literal["none"] | None, Query(description="An agent's id, or 'none' for the unassigned.")
    ] = None,
    team: Annotated[
        UUID | Literal["none"] | None, Query(description="A team's id, or 'none' for those of no team.")
    ] = None,
    inbox: Annotated[UUID | None, Query(description="An inbox's id.")] = None,
    language: Annotated[Code | None, Query(description="In which the customer last wrote.")] = None,
    tag: Annotated[
        str | None, Query(description="A tag's name, however it is written.", max_length=60)
    ] = None,
    customer: Annotated[UUID | None, Query(description="A customer's id.")] = None,
) -> dict[str, Any]:
    """Those in which something happened last come first."""
    where = Filter(
        status=status or "",
        inboxes=(inbox,) if inbox else (),
        languages=(language,) if language else (),
        tags=tags.called(tag) if tag else (),
        assignees=_one(assignee),
        teams=_one(team),
    )
    page = queries.conversations(
        request.actor,
        where,
        customer_ids=family([customer]) if customer else None,
        before=paging.at_time(cursor),
        limit=limit,
    )
    named = tags.names([row.id for row in page.rows])
    shapes = [_shape(row, named.get(row.id, ())) for row in page.rows]
    return paging.answer(request, response, shapes, page.after)


def _one(wanted: UUID | Literal["none"] | None) -> tuple[UUID | None, ...]:
    return () if wanted is None else (None if wanted == "none" else wanted,)


@router.get(
    "/conversations/{uuid:conversation_id}",
    response=Shape,
    operation_id="get_conversation",
    summary="Get a conversation",
)
def conversation(request: Request, conversation_id: UUID) -> dict[str, Any]:
    """One conversation, without its messages; of one that was merged into another, that one."""
    return _whole(request, conversation_id)


def _whole(request: Request, conversation_id: UUID) -> dict[str, Any]:
    row = queries.conversation(request.actor, conversation_id)
    return _shape(row, [tag.name for tag in tags.of(row.id)])


@router.patch(
    "/conversations/{uuid:conversation_id}",
    response=Shape,
    operation_id="change_conversation",
    summary="Change a conversation's state",
)
def change(request: Request, conversation_id: UUID, change: Change) -> dict[str, Any]:
    """Changes what is given and leaves the rest. Doing it twice changes nothing more."""
    actor, given = request.actor, change.model_fields_set
    row = queries.conversation(actor, conversation_id)
    if "assignee_id" in given:
        _check_agent(change.assignee_id, request, row.inbox_id)
        actions.assign(actor, row.id, change.assignee_id)
    if "team_id" in given:
        _check_team(change.team_id, request)
        states.give_to_team(actor, row.id, change.team_id)
    if change.tags is not None:
        _put_tags(request, row.id, change.tags)
    _turn(request, row.id, change)
    return _whole(request, row.id)


def _turn(request: Request, conversation_id: UUID, change: Change) -> None:
    turns = {"open": states.reopen, "pending": states.pend, "resolved": states.resolve}
    if change.status in turns:
        turns[change.status](request.actor, conversation_id)
    elif change.status == "snoozed":
        try:
            states.snooze(request.actor, conversation_id, change.snoozed_until)
        except states.CannotSnooze as error:
            wrong = "It can be put off until a time between now and a year from now."
            raise Problem("invalid", wrong, [Fault(wrong, "#/snoozed_until")]) from error


def _put_tags(request: Request, conversation_id: UUID, wanted: list[str]) -> None:
    try:
        tags.replace(request.actor, conversation_id, wanted)
    except tags.CannotTag as error:
        wrong = "A tag is a word or a few, of at most 60 letters."
        raise Problem("invalid", wrong, [Fault(wrong, "#/tags")]) from error


def _check_team(team_id: UUID | None, request: Request) -> None:
    if team_id and team_id not in {team.id for team in queries.teams(request.actor)}:
        wrong = "There is no team of this id to give a conversation to."
        raise Problem("invalid", wrong, [Fault(wrong, "#/team_id")])


def _check_agent(agent_id: UUID | None, request: Request, inbox_id: UUID) -> None:
    if agent_id and agent_id not in {agent.id for agent in queries.agents(request.actor, inbox_id)}:
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
    notes: Annotated[bool, Query(description="With what the team wrote to itself.")] = False,
) -> dict[str, Any]:
    """Newest first. Notes are left out unless you ask for them: customers must never read one."""
    before = paging.at_time(cursor)
    page = queries.thread(request.actor, conversation_id, before, limit, notes=notes)
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

    In an API inbox nothing is sent: your program fetches the answer from the conversation's messages. Once an agent has
    taken the conversation over from programs, this answers 409 with the problem 'taken-over' until it is handed back.
    """
    takeover.admit(request.actor, conversation_id)
    if sum(len(file.content) for file in answer.attachments) > MAX_FILE_BYTES:
        raise Problem(
            "too-large", f"The attachments of an answer may have {MAX_FILE_BYTES // 10**6} MB in all."
        )
    files = [Upload(file.filename, file.content_type, content=file.content) for file in answer.attachments]
    message_id = reply(request.actor, conversation_id, answer.text, files, cc=answer.cc)
    response.headers["Location"] = f"/api/v1/messages/{message_id}"
    return Status(201, one.shape(queries.message(request.actor, message_id)))


def _shape(row: Conversation, named: Sequence[str]) -> dict[str, Any]:
    return {
        "id": row.id,
        "customer": {"id": row.customer.id, "name": row.customer.name},
        "inbox_id": row.inbox_id,
        "subject": row.subject,
        "status": row.status,
        "snoozed_until": row.snoozed_until if row.status == "snoozed" else None,
        "language": row.language,
        "tags": list(named),
        "team_id": row.team_id,
        "assignee": {"id": row.assignee.id, "name": row.assignee.name} if row.assignee else None,
        "messages": row.messages,
        "preview": row.preview,
        "trouble": row.trouble,
        "created_at": row.created_at,
        "last_at": row.last_at,
        "last_in_at": row.last_in_at,
    }
