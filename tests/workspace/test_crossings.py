"""What gets in the way of a conversation: programs and agents at once, promises that contradict, and who can help."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client

from tests.api.client import Caller, problem, token_of
from tests.inbound import mail, take
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.accounts import access_log
from wasl.accounts.models import Role
from wasl.calls import promises
from wasl.calls.models import Callback, Stand
from wasl.calls.promises import Word
from wasl.channels import access
from wasl.conversations import actions, drafts
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.customers.models import Customer
from wasl.desk import acknowledge, crossings, placed
from wasl.desk.models import Promise, Takeover
from wasl.kit.clock import now
from wasl.kit.db import pool, tenant
from wasl.kit.ids import uuid7
from wasl.timeline.follow import run_once
from wasl.timeline.models import Touchpoint

NOON = datetime(2026, 2, 16, 12, tzinfo=UTC)


@pytest.fixture
def conversation(shop: Shop) -> UUID:
    access.forget()
    take(shop, mail("Où est ma facture ?", subject="Facture"))
    with tenant(shop.id):
        return Conversation.objects.get().id


def another(shop: Shop, subject: str) -> Conversation:
    """A second open conversation of the same customer."""
    take(shop, mail("Et ceci ?", subject=subject, sender="C. Moreau <cm@atelier.example>"))
    with tenant(shop.id):
        first, second = Conversation.objects.order_by("created_at")
        second.customer_id = first.customer_id
        second.save(update_fields=["customer_id"])
        return second


def bands(client: Client, conversation: UUID) -> str:
    answer = client.get(f"/conversations/{conversation}/crossings")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_an_agent_takes_over_from_a_program(shop: Shop, conversation: UUID, browser: Browser) -> None:
    call, client = Caller(token_of(shop)), browser(shop)
    at = f"/conversations/{conversation}/messages"
    with tenant(shop.id):
        drafts.save(shop.actor(), conversation, "out", "Bonjour, votre fact", key=uuid7())
    call.post(at, {"text": "Your invoice is on its way."})
    assert "A program answered while you were writing." in bands(client, conversation)
    assert "A program answered while \u2068Owner\u2069" not in bands(browser(shop, "owner"), conversation)
    assert "A program answered while \u2068Agent\u2069 was writing." in bands(
        browser(shop, "owner"), conversation
    )
    with tenant(shop.id):
        drafts.clear(shop.actor(), conversation, "out")
        reply(shop.actor(), conversation, "Bonjour, la voici.")
    assert "You and a program have both answered." in bands(client, conversation)
    assert "/take-over" not in bands(browser(shop, "readonly"), conversation)

    client.post(f"/conversations/{conversation}/take-over")
    assert "You have taken this over: programs send nothing here." in bands(client, conversation)
    assert "/take-over" not in bands(client, conversation)
    detail = problem(call("POST", at, {"text": "And here it is again."}), 409, "taken-over")["detail"]
    assert "handed back" in detail
    with tenant(shop.id):
        reply(shop.actor("owner"), conversation, "Agents go on.")
    client.post(f"/conversations/{conversation}/hand-back")
    assert "/take-over" in bands(client, conversation)
    call.post(at, {"text": "I am back."})
    with tenant(shop.id):
        answered = Message.objects.filter(way="out").latest("at").rfc_id
    take(shop, mail("Merci", subject="Re: Facture", In_Reply_To=f"<{answered}>"))
    with tenant(shop.id):
        assert crossings.read(shop.actor(), conversation, [Customer.objects.get().id]).both is None
        kinds = list(Touchpoint.objects.order_by("occurred_at").values_list("kind", flat=True))
        assert [kind for kind in kinds if "over" in kind or "back" in kind] == [
            "conversation.taken_over", "conversation.handed_back",
        ]  # fmt: skip


def test_what_is_resolved_is_handed_back(shop: Shop, conversation: UUID, browser: Browser) -> None:
    client = browser(shop)
    client.post(f"/conversations/{conversation}/take-over")
    client.post(f"/conversations/{conversation}/take-over")
    with tenant(shop.id):
        assert Takeover.objects.get().agent_id == Conversation.objects.get().assignee_id
        actions.resolve(shop.actor(), conversation)
    with pool("queue", "test", 8).connection() as conn:
        while run_once(conn, acknowledge.FOLLOWER):
            pass
    with tenant(shop.id):
        assert not Takeover.objects.exists()


def word(kind: str, at: float, made: float = 0, by: str = "") -> Word:
    """A promise, in hours from noon."""
    return Word(kind, uuid7(), uuid7(), "", NOON + timedelta(hours=at), NOON + timedelta(hours=made - 24), by)


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ([word("answer", 3)], []),
        ([word("answer", 3), word("answer", 3.5)], []),
        ([word("answer", 3), word("answer", 5)], ["times"]),
        ([word("answer", -2), word("answer", -1)], []),
        ([word("answer", -2), word("answer", 5, 23)], ["passed"]),
        ([word("answer", -2, 1), word("answer", 5)], []),
        ([word("answer", 3), word("call", 5, 1, "agent")], ["late_call"]),
        ([word("answer", 3), word("call", 5, 1, "customer")], []),
        ([word("call", 2, 1, "agent"), word("answer", 3)], []),
        ([word("call", 2, 1, "agent"), word("call", 5, 1, "agent")], ["calls"]),
        ([word("answer", -1), word("answer", 3, 2), word("answer", 6, 2)], ["passed", "times"]),
    ],
)
def test_which_promises_contradict(words: list[Word], kinds: list[str]) -> None:
    assert [each.kind for each in promises.contradictions(words, NOON)] == kinds


def test_one_click_says_which_promise_counts(shop: Shop, conversation: UUID, browser: Browser) -> None:
    there, client, at = another(shop, "Lampe"), browser(shop), now()
    with tenant(shop.id):
        here = Conversation.objects.get(id=conversation)
        for row, hours in ((here, 2), (there, 26)):
            Promise.objects.create(
                workspace_id=shop.id, conversation=row, customer_id=row.customer_id, inbox=shop.mail,
                message_id=uuid7(), made_at=at, due_at=at + timedelta(hours=hours), basis="configured",
            )  # fmt: skip
    page = bands(client, conversation)
    assert "Two answers are promised" in page
    assert f'/conversations/{there.id}"><bdi>Lampe' in page
    with tenant(shop.id):
        (found,) = promises.contradictions(promises.standing(shop.actor(), [here.customer_id]), at)
    fields = {"kind": "times", "first": str(found.first.id), "second": str(found.second.id)}
    assert (
        browser(shop, "readonly").post(f"/conversations/{conversation}/promises", fields).status_code == 403
    )
    for _ in range(2):
        client.post(f"/conversations/{conversation}/promises", fields)
    assert "promised" not in bands(client, conversation)
    with tenant(shop.id):
        assert {p.due_at for p in Promise.objects.all()} == {found.first.at}
        assert Touchpoint.objects.get(kind="promise.changed").facts["due"] == int(found.first.at.timestamp())

        late = at + timedelta(days=1)
        Callback.objects.create(
            workspace_id=shop.id, customer_id=here.customer_id, conversation=here, number="+393331112222",
            asked_by="agent", asked_at=at, due_at=late, until=late + timedelta(minutes=30), state=Stand.WAITING,
        )  # fmt: skip
        (found,) = promises.contradictions(promises.standing(shop.actor(), [here.customer_id]), at)
        assert found.kind == "late_call"
        assert promises.settle(shop.actor(), [here.customer_id], found.kind, found.first.id, found.second.id)
        left = promises.contradictions(promises.standing(shop.actor(), [here.customer_id]), at)
        assert [each.kind for each in left] == [
            "late_call"
        ]  # the other answer, whose time the call does not keep


def test_who_is_best_placed(shop: Shop, conversation: UUID) -> None:
    """Duty before ownership before acquaintance before a short list."""
    with tenant(shop.id):
        family = [Conversation.objects.get().customer_id]
        for key in ("amal", "bruno"):
            shop.hire(key, f"{key}@dar-zaytun.example", Role.AGENT)
        amal, bruno = shop.agents["amal"], shop.agents["bruno"]

        def ask(*duty: UUID) -> placed.Placed | None:
            return placed.best(shop.actor(), shop.mail.id, family, duty)

        first = ask()
        assert first is not None
        assert (first.name, first.on_duty, first.has_it, first.answers) == ("Admin", False, False, 0)
        reply(shop.actor("bruno"), conversation, "Bonjour")
        actions.assign(shop.actor("bruno"), conversation, None)
        assert ask() == placed.Placed(bruno.id, "Bruno", False, False, 1, 0)
        actions.assign(shop.actor("bruno"), conversation, amal.id)
        assert ask() == placed.Placed(amal.id, "Amal", False, True, 0, 1)
        assert ask(bruno.id) == placed.Placed(bruno.id, "Bruno", True, False, 1, 0)
        access_log.record(shop.actor("owner"), "reply", "conversation", conversation)
        owner = ask()
        assert owner is not None
        assert (owner.name, owner.on_duty) == ("Owner", True)
        assert ask(amal.id) == placed.Placed(amal.id, "Amal", True, True, 0, 1)


def test_a_colleague_on_the_same_customer_and_who_steps_in(
    shop: Shop, conversation: UUID, browser: Browser
) -> None:
    there = another(shop, "Re: Facture")
    assert "The same matter is open twice" in bands(browser(shop), conversation)
    with tenant(shop.id):
        actions.assign(shop.actor("owner"), there.id, shop.agents["owner"].id)
    client = browser(shop)
    page = bands(client, conversation)
    assert "\u2068Owner\u2069 is talking with this customer too" in page
    assert "Give it to \u2068Owner\u2069" in page
    assert "has another conversation of theirs" in page
    client.post(f"/conversations/{conversation}/assign", {"agent": str(shop.agents["owner"].id)})
    assert "Best placed" not in bands(client, conversation)
