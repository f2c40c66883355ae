"""Several files on a channel that takes one a message: they go one after the other, in order, and none twice."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.channels.standin import Answer, Asked, StandIn, standing_in
from tests.conversations.test_ways import chat_inbox, message, write
from tests.delivery.road import FAST
from tests.delivery.test_work import turn_until
from tests.inbound import take
from tests.workspace.stage import signed_in
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.channels.port import Choice, Limits, Request, Template
from wasl.channels.registry import channels
from wasl.channels.whatsapp.hook import Hook
from wasl.conversations import actions
from wasl.conversations.degrade import Piece, degrade
from wasl.conversations.reply import CannotReply, Upload, reply
from wasl.conversations.undo import withdraw
from wasl.conversations.ways import Via
from wasl.delivery import queries
from wasl.delivery.models import Delivery
from wasl.delivery.queries import DeliveryView
from wasl.delivery.work import Sender
from wasl.kit.clock import now
from wasl.kit.db import pool, tenant
from wasl.workspace.shapes.delivery import standing

NAMES = ("one.pdf", "two.pdf", "three.pdf")
Provider = Callable[[Asked], Answer | None]


class Graph:
    """The stand-in of the Cloud API: files have ids; `refuses`, `busy` and `loses` are numbers of calls."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.refuses: set[int] = set()
        self.loses: set[int] = set()
        self.busy: set[int] = set()
        self.calls = self.media = 0

    def __call__(self, asked: Asked) -> Answer | None:
        if asked.path.endswith("/media"):
            self.media += 1
            return 200, {"id": f"media-{self.media}"}, {}
        if asked.json.get("status") == "read":
            return 200, {"success": True}, {}
        self.calls += 1
        if self.calls in self.refuses:
            return 400, {"error": {"code": 131009, "message": "Parameter value is not valid"}}, {}
        if self.calls in self.busy:
            return 500, {"error": {"code": 131016, "message": "Service unavailable"}}, {}
        part = asked.json[asked.json["type"]]
        self.sent.append((part.get("body") or part.get("caption") or "", part.get("filename", "")))
        if self.calls in self.loses:
            return None
        return 200, {"messages": [{"id": f"wamid.OUT{self.calls}"}]}, {}


@pytest.fixture
def graph() -> Iterator[tuple[Graph, StandIn]]:
    answers = Graph()
    with standing_in(answers) as made:
        yield answers, made


@pytest.fixture
def whatsapp(shop: Shop, graph: tuple[Graph, StandIn]) -> Inbox:
    inbox = chat_inbox(shop, "whatsapp", "111")
    with tenant(shop.id):
        Inbox.objects.filter(id=inbox.id).update(config={"base_url": graph[1].url, "version": "v1"})
    return inbox


def answer(shop: Shop, conversation_id: UUID, text: str = "Ecco", **more: Any) -> UUID:
    files = [Upload(name, "application/pdf", content=name.encode()) for name in NAMES]
    with tenant(shop.id):
        return reply(shop.actor("agent"), conversation_id, text, files, **more)


def views(shop: Shop, message_id: UUID) -> tuple[DeliveryView, list[DeliveryView]]:
    """How the message stands, and each of its parts."""
    with tenant(shop.id):
        return queries.states(shop.id, [message_id])[message_id], queries.parts(shop.id, message_id)


def run(sender: Sender, shop: Shop, message_id: UUID, *states: str) -> None:
    turn_until(sender, lambda: tuple(str(each.state) for each in views(shop, message_id)[1]) == states)


def receipts(shop: Shop, inbox: Inbox, **said: str) -> None:
    """WhatsApp says what became of these messages, by its ids of them."""
    statuses = [
        {
            "id": ref,
            "status": status,
            "timestamp": str(int(now().timestamp())),
            "recipient_id": "393331112222",
        }
        for ref, status in said.items()
    ]
    value = {"metadata": {"phone_number_id": "111"}, "statuses": statuses}
    entry = {"id": "9", "changes": [{"field": "messages", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    slips = Hook().split(Request("POST", "https://wasl.example/hooks", {}, {}, body))
    take(shop, *(slip.content for slip in slips), inbox=inbox)


def test_files_go_one_after_the_other_and_only_what_is_missing_goes_again(
    shop: Shop, whatsapp: Inbox, graph: tuple[Graph, StandIn]
) -> None:
    """The second is refused: the third waits for it, the message says so, and trying again sends these two."""
    provider, _ = graph
    wrote = write(shop, whatsapp, "Mi mandate i documenti?")
    sent = answer(shop, wrote.conversation_id)
    sender = Sender(pool("queue", "test", 8), senders=4, limits=FAST)
    provider.refuses = {2}
    run(sender, shop, sent, "sent", "failed")
    assert provider.sent == [("Ecco", "one.pdf")]
    whole, _ = views(shop, sent)
    assert (whole.state, whole.part, whole.parts, whole.left) == ("failed", 2, 3, 1)
    said = standing(whole)
    assert said is not None
    assert (said.retry, said.word) == (True, "failed")
    assert "1 of 3 messages has left" in said.text
    page = signed_in(shop, "agent").get(f"/messages/{sent}/attempts").content.decode()
    assert (
        page.index("Message 1 of 3")
        < page.index("Message 2 of 3")
        < page.index("Parameter value is not valid")
    )
    with tenant(shop.id):
        actions.retry_delivery(shop.actor("agent"), sent)
    run(sender, shop, sent, "sent", "sent", "sent")
    assert provider.sent == [("Ecco", "one.pdf"), ("", "two.pdf"), ("", "three.pdf")]
    receipts(shop, whatsapp, **{"wamid.OUT1": "read", "wamid.OUT3": "delivered"})
    assert [str(each.state) for each in views(shop, sent)[1]] == ["read", "delivered", "sent"]
    assert views(shop, sent)[0].state == "sent", "it has arrived when all of it has"
    with tenant(shop.id):
        actions.retry_delivery(shop.actor("agent"), sent)
    assert [str(each.state) for each in views(shop, sent)[1]] == ["read", "delivered", "sent"]
    sender.close()


def test_parts_that_are_tried_again_keep_their_order(
    shop: Shop, whatsapp: Inbox, graph: tuple[Graph, StandIn], owner: psycopg.Connection[Any]
) -> None:
    """All three came back; the first then fails for good, the second once for a moment: the third waits for both."""
    provider, _ = graph
    sent = answer(shop, write(shop, whatsapp, "Mi mandate i documenti?").conversation_id)
    sender = Sender(pool("queue", "test", 8), senders=4, limits=FAST)
    run(sender, shop, sent, "sent", "sent", "sent")
    receipts(shop, whatsapp, **{"wamid.OUT1": "failed", "wamid.OUT2": "failed", "wamid.OUT3": "failed"})
    assert [str(each.state) for each in views(shop, sent)[1]] == ["failed", "failed", "failed"]
    provider.sent.clear()
    provider.refuses, provider.busy = {4}, {5}
    with tenant(shop.id):
        actions.retry_delivery(shop.actor("agent"), sent)
    due = [each.next_at for each in views(shop, sent)[1]]
    assert due[0]
    assert due[1]
    assert due[0] + timedelta(minutes=1) < due[1] == due[2]
    waiting = standing(views(shop, sent)[1][2])
    assert waiting
    assert (waiting.text, waiting.leaves) == ("Sending · 0 of 3 messages have left", 0)
    run(sender, shop, sent, "failed", "sent", "sent")
    assert provider.calls == 7, "one refused, one put off, two taken"
    assert [name for _, name in provider.sent] == ["two.pdf", "three.pdf"]
    sender.close()


def test_a_part_in_doubt_holds_the_next_until_it_is_known_to_have_left(
    shop: Shop, whatsapp: Inbox, graph: tuple[Graph, StandIn], owner: psycopg.Connection[Any]
) -> None:
    """Its answer was lost; the receipt, in the webhook, lets the next one go, and said twice it does so once."""
    provider, _ = graph
    wrote = write(shop, whatsapp, "Mi mandate i documenti?")
    sent = answer(shop, wrote.conversation_id)
    sender = Sender(pool("queue", "test", 8), senders=4, limits=FAST)
    provider.loses = {1}
    run(sender, shop, sent, "in_doubt")
    with tenant(shop.id):
        first = Delivery.objects.get(message_id=sent)
        Delivery.objects.update(doubt_until=now() + timedelta(hours=1), due_at=now() + timedelta(hours=1))
    said = {"id": "wamid.OUT1", "status": "sent", "timestamp": str(int(now().timestamp())),
            "recipient_id": "393331112222", "biz_opaque_callback_data": str(first.id)}  # fmt: skip
    value = {"metadata": {"phone_number_id": "111"}, "statuses": [said, {**said, "status": "delivered"}]}
    entry = {"id": "9", "changes": [{"field": "messages", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    for slip in Hook().split(Request("POST", "https://wasl.example/hooks", {}, {}, body)):
        take(shop, slip.content, inbox=whatsapp)
    run(sender, shop, sent, "delivered", "sent", "sent")
    sender.close()
    assert [name for _, name in provider.sent] == list(NAMES)
    assert owner.execute("SELECT count(*) FROM delivery_delivery").fetchone() == (3,)


def test_what_is_taken_back_leaves_nothing_behind(
    shop: Shop, whatsapp: Inbox, owner: psycopg.Connection[Any]
) -> None:
    wrote = write(shop, whatsapp, "Mi mandate i documenti?")
    sent = answer(shop, wrote.conversation_id, hold=60.0)
    with tenant(shop.id):
        withdraw(shop.actor("agent"), sent)
    assert owner.execute("SELECT count(*) FROM delivery_delivery").fetchone() == (0,)


def test_no_file_follows_an_approved_text_after_the_window(
    shop: Shop, whatsapp: Inbox, owner: psycopg.Connection[Any]
) -> None:
    wrote = message(shop, write(shop, whatsapp, "Ciao").id)
    owner.execute("UPDATE conversations_message SET at = at - interval '2 days' WHERE id = %s", [wrote.id])
    assert wrote.identity_id
    via, text = Via(whatsapp.id, wrote.identity_id), Template("order_ready", "it")
    with pytest.raises(CannotReply, match="template_files"):
        answer(shop, wrote.conversation_id, "È pronto", via=via, template=text)


class _File:
    def __init__(self, content_type: str, size: int = 10) -> None:
        self.filename, self.content_type, self.size = content_type.replace("/", "."), content_type, size


PDF, SOUND, PICTURE = _File("application/pdf"), _File("audio/ogg"), _File("image/png")
YES = (Choice("1", "Sì"),)
LINK = "https://wasl.example/c/x"


def pieces(
    channel: str, text: str, choices: tuple[Choice, ...], *files: _File
) -> list[tuple[str, bool, tuple[int, ...]]]:
    shown = degrade(text, choices, files, channels()[channel].limits, LINK)
    return [(each.text, bool(each.choices), each.files) for each in shown.pieces]


def test_words_and_choices_stand_where_the_channel_takes_them() -> None:
    long = "a" * 1025
    assert pieces("whatsapp", "Ecco", (), PDF, PDF) == [("Ecco", False, (0,)), ("", False, (1,))]
    assert pieces("whatsapp", long, (), PDF) == [(long, False, ()), ("", False, (0,))]
    assert pieces("whatsapp", "Ecco", (), SOUND) == [("Ecco", False, ()), ("", False, (0,))]
    assert pieces("whatsapp", "Va bene?", YES, PDF) == [("", False, (0,)), ("Va bene?", True, ())]
    assert pieces("whatsapp", "", YES, PDF) == [("1. Sì", False, (0,))]
    assert pieces("telegram", "Va bene?", YES, PDF, PICTURE) == [("", False, (0,)), ("Va bene?", True, (1,))]
    assert pieces("messenger", "Ecco", (), PDF, PDF) == [
        ("Ecco", False, ()),
        ("", False, (0,)),
        ("", False, (1,)),
    ]
    assert pieces("webchat", "Ecco", YES, PDF, PDF) == [("Ecco", True, (0, 1))]
    assert pieces("x", "Ecco", (), PICTURE, PDF) == [(f"Ecco\n\napplication.pdf\n{LINK}", False, (0,))]
    assert pieces("instagram", "Ecco", (), _File("image/png", 9_000_000)) == [
        (f"Ecco\n\nimage.png\n{LINK}", False, ())
    ]
    two = degrade("Ecco", (), [PDF] * 5, Limits(files=2), LINK).pieces
    assert two == (Piece("Ecco", (), (0, 1)), Piece("", (), (2, 3)), Piece("", (), (4,)))
