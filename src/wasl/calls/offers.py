"""Times for a call-back offered in a message, and what becomes of the answer. Inside `tenant(…)`."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from wasl.accounts.actor import Actor
from wasl.calls import actions, asking, texts
from wasl.calls.actions import CannotCall, Wanted
from wasl.calls.models import Offer
from wasl.calls.slots import Slot
from wasl.channels.models import Inbox
from wasl.conversations import actions as conversations
from wasl.conversations import ways
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import CannotReply, reply
from wasl.conversations.ways import Via
from wasl.kit.clock import now

TIMES = 4
"""How many are offered: what a small screen shows and a person takes in."""
GOOD = timedelta(days=7)
"""A bare number that comes later than this after an offer means something else."""


def offer(
    actor: Actor, conversation_id: UUID, number: str = "", *, missed: bool = False, gone: bool = False
) -> Offer:
    """Write a customer the times at which we could call them back; they answer with a number.

    Raises NotFound, Forbidden, CannotCall: no_number, no_times, no_way.
    """
    conversation = conversations.lock(actor, conversation_id)
    number = number or actions.number_of(conversation)
    if not number:
        raise CannotCall("no_number")
    free = actions.offered(actor, conversation, number, TIMES)
    if not free:
        raise CannotCall("no_times")
    zone, language, at = (
        actions.zone_for(actor, conversation, number),
        actions.language_for(conversation),
        now(),
    )
    text = texts.offer(language, free, at, zone, missed=missed, gone=gone)
    message_id = write(actor, conversation, text)
    return Offer.objects.create(
        workspace_id=actor.workspace_id,
        conversation=conversation,
        customer_id=conversation.customer_id,
        message_id=message_id,
        number=number,
        language=language,
        zone=str(zone),
        slots=[[slot.start.isoformat(), slot.end.isoformat()] for slot in free],
        made_at=at,
    )


def write(actor: Actor, conversation: Conversation, text: str) -> UUID:
    """Send a message to the customer of a conversation on a channel that reaches them now; its id.

    Raises CannotCall: no_way.
    """
    found, via = way(actor, conversation)
    if not found:
        raise CannotCall("no_way")
    hold = float(settings.ENV.undo_seconds) if actor.agent_id else 0.0
    try:
        return reply(actor, conversation.id, text, hold=hold, via=via)
    except CannotReply as error:
        raise CannotCall("no_way") from error


def way(actor: Actor, conversation: Conversation) -> tuple[bool, Via | None]:
    """Whether the customer can be written to, and how: where they last wrote, else on any channel that is open.

    Without a `Via` an answer leaves as answers of the conversation do.
    """
    inbox = Inbox.objects.get(id=conversation.inbox_id)
    usual = ways.usual(actor, conversation, inbox)
    if usual is None and inbox.channel in ("email", "api"):
        return inbox.is_active, None
    if usual is None or usual.why or usual.identity_id is None:
        usual = next((one for one in ways.ways(actor, conversation) if one.identity_id and not one.why), None)
    return (True, usual.via) if usual else (False, None)


def settle(actor: Actor, offer_id: UUID) -> None:
    """Make a call-back of the time that was chosen, and say so; other times where that one is gone. Who asked for a
    call without naming a time is offered some, and who is known by no number is asked for it."""
    found = Offer.objects.select_for_update().filter(id=offer_id, settled_at=None).first()
    if found is None or found.chosen is None:
        return
    found.settled_at = now()
    found.save(update_fields=["settled_at"])
    conversation = conversations.lock(actor, found.conversation_id)
    if found.chosen == 0:
        _answer_wish(actor, conversation, found.number)
        return
    slot = Slot(*(datetime.fromisoformat(text) for text in found.slots[found.chosen - 1]))
    # Who chose a time in our chat was shown the call they are promised already, in whatever conversation: it is moved.
    wished = Message.objects.filter(id=found.message_id, way="in").exists()
    known = asking.waits_for(conversation.customer.root_id) if wished else None
    where = known.conversation_id if known else conversation.id
    try:
        row = actions.request(actor, where, Wanted(slot.start, found.number), by="customer")
    except CannotCall:
        _other_times(actor, conversation, found)
        return
    text = texts.agreed(row.language, row.due_at, now(), ZoneInfo(row.zone), row.number)
    _say(actor, conversation, text)


def _answer_wish(actor: Actor, conversation: Conversation, number: str) -> None:
    try:
        offer(actor, conversation.id, number)
    except CannotCall as error:
        if error.reason == "no_number":
            _ask_number(actor, conversation)
        # nobody is there within two weeks, or the window has closed: an agent sees what they wrote


def _ask_number(actor: Actor, conversation: Conversation) -> None:
    language = actions.language_for(conversation)
    message_id = _say(actor, conversation, texts.where(language))
    if message_id:
        Offer.objects.create(
            workspace_id=actor.workspace_id, conversation=conversation, customer_id=conversation.customer_id,
            message_id=message_id, number="", language=language, made_at=now(),
        )  # fmt: skip


def _other_times(actor: Actor, conversation: Conversation, earlier: Offer) -> None:
    try:
        offer(actor, conversation.id, earlier.number, gone=True)
    except CannotCall:
        return  # nobody is there within two weeks, or the window has closed: an agent sees what they wrote


def _say(actor: Actor, conversation: Conversation, text: str) -> UUID | None:
    try:
        return write(actor, conversation, text)
    except CannotCall:
        return None  # the call-back stands on its page; only the word of thanks finds no way
