"""Call-backs: promised, moved, taken on, tried again, given up, each on the timeline."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.inbound import mail, take, work
from tests.worlds import Shop
from wasl.accounts.actor import Forbidden, NotFound
from wasl.accounts.models import Calendar, Team
from wasl.calls import actions, follow, offers, queries, taking, telephones
from wasl.calls import work as loop
from wasl.calls.actions import CannotCall, Wanted
from wasl.calls.models import Call, Callback, Offer, Outcome
from wasl.channels.models import InboxTeam
from wasl.conversations.models import Conversation, Message
from wasl.customers.models import Identity
from wasl.kit import clock
from wasl.kit.db import pool, raw, tenant
from wasl.timeline.follow import run_once
from wasl.timeline.queries import of_conversation

MONDAY = datetime(2026, 2, 16, 8, 0, tzinfo=UTC)  # 09:00 in Rome
NUMBER = "+393331112222"


@pytest.fixture
def conversation(shop: Shop) -> UUID:
    """Camille wrote; the business is open from 9 to 17 in Rome, Monday to Friday."""
    with tenant(shop.id):
        Calendar.objects.create(
            workspace_id=shop.id, name="Office", timezone="Europe/Rome", is_default=True,
            week=[[[540, 1020]]] * 5 + [[], []],
        )  # fmt: skip
    with clock.travel(MONDAY - timedelta(minutes=5)):
        take(shop, mail("Pouvez-vous me rappeler ?"))
    with tenant(shop.id):
        return Conversation.objects.get().id


def kinds(shop: Shop, conversation: UUID) -> list[tuple[str, dict[str, object]]]:
    found = of_conversation(raw(), shop.id, conversation)
    return [(e.kind, dict(e.facts)) for e in reversed(found) if e.kind.startswith("call.")]


def promise(shop: Shop, conversation: UUID, start: datetime = MONDAY + timedelta(hours=1)) -> Callback:
    return actions.request(shop.actor(), conversation, Wanted(start, "+39 333 111 2222", "Invoice"))


def test_a_call_back_is_promised_and_stands_on_the_timeline(shop: Shop, conversation: UUID) -> None:
    with clock.travel(MONDAY), tenant(shop.id):
        made = promise(shop, conversation)
        assert (made.number, made.zone, made.language, made.state) == (NUMBER, "Europe/Rome", "fr", "waiting")
        assert made.until - made.due_at == timedelta(minutes=30)
        assert kinds(shop, conversation) == [
            ("call.requested", {"due": int(made.due_at.timestamp()), "by": "agent"})
        ]
        assert queries.waiting(shop.actor(), conversation) == made


def test_a_second_promise_moves_the_first(shop: Shop, conversation: UUID) -> None:
    with clock.travel(MONDAY), tenant(shop.id):
        first = promise(shop, conversation)
        second = promise(shop, conversation, MONDAY + timedelta(hours=2))
        assert (second.id, Callback.objects.count()) == (first.id, 1)
        assert [kind for kind, _ in kinds(shop, conversation)] == ["call.requested", "call.rescheduled"]


@pytest.mark.parametrize(
    ("start", "number", "reason"),
    [
        (MONDAY + timedelta(hours=10), NUMBER, "closed"),
        (MONDAY - timedelta(hours=1), NUMBER, "past"),
        (MONDAY + timedelta(hours=1), "call me", "bad_number"),
        (MONDAY + timedelta(hours=1), " ", "no_number"),
        (MONDAY + timedelta(minutes=30), "+81312345678", None),
        (MONDAY + timedelta(hours=7), "+81312345678", "closed"),
    ],
)
def test_a_call_back_is_only_promised_when_it_can_be_kept(
    shop: Shop, conversation: UUID, start: datetime, number: str, reason: str | None
) -> None:
    with clock.travel(MONDAY), tenant(shop.id):
        if reason is None:
            assert actions.request(shop.actor(), conversation, Wanted(start, number)).zone == "Asia/Tokyo"
            return
        with pytest.raises(CannotCall) as refused:
            actions.request(shop.actor(), conversation, Wanted(start, number))
        assert refused.value.reason == reason
        assert not Callback.objects.exists()


def test_who_is_not_reached_is_rung_up_again_until_the_limit(shop: Shop, conversation: UUID) -> None:
    with clock.travel(MONDAY), tenant(shop.id):
        made = promise(shop, conversation)
    ends, at = [Outcome.NO_ANSWER, Outcome.BUSY, Outcome.VOICEMAIL], MONDAY
    for number, end in enumerate(ends, 1):
        with tenant(shop.id):
            due = Callback.objects.get().due_at
        with clock.travel(due), tenant(shop.id):
            row = actions.record(shop.actor(), made.id, end, notes="Try the office")
            assert (row.tries, row.outcome) == (number, end)
            assert row.state == ("given_up" if number == 3 else "waiting")
            assert number == 3 or row.due_at > due
        at = due
    with clock.travel(at), tenant(shop.id):
        with pytest.raises(CannotCall, match="ended"):
            actions.record(shop.actor(), made.id, Outcome.REACHED)
        told = kinds(shop, conversation)
        assert [kind for kind, _ in told] == ["call.requested", *["call.ended"] * 3, "call.given_up"]
        assert [facts["attempt"] for kind, facts in told if kind == "call.ended"] == [1, 2, 3]
        assert [bool(facts["next"]) for kind, facts in told if kind == "call.ended"] == [True, True, False]
        assert Call.objects.filter(callback=made, notes="Try the office").count() == 3


def test_who_is_reached_is_called_once(shop: Shop, conversation: UUID) -> None:
    with clock.travel(MONDAY), tenant(shop.id):
        made = promise(shop, conversation)
        row = actions.record(shop.actor(), made.id, Outcome.REACHED, minutes=4, notes="Paid")
        assert (row.state, row.assignee_id) == ("done", shop.agents["agent"].id)
        call = Call.objects.get()
        assert (call.seconds, call.outcome, call.agent_id) == (240, "reached", shop.agents["agent"].id)
        assert kinds(shop, conversation)[-1][1]["seconds"] == 240
        assert queries.waiting(shop.actor(), conversation) is None


def test_a_call_back_is_taken_on_moved_and_called_off(shop: Shop, conversation: UUID) -> None:
    with clock.travel(MONDAY), tenant(shop.id):
        made, me = promise(shop, conversation), shop.agents["agent"].id
        assert actions.claim(shop.actor(), made.id, me).assignee_id == me
        actions.claim(shop.actor(), made.id, me)
        actions.reschedule(shop.actor(), made.id, MONDAY + timedelta(hours=3))
        actions.cancel(shop.actor(), made.id)
        assert [kind for kind, _ in kinds(shop, conversation)] == [
            "call.requested", "call.claimed", "call.rescheduled", "call.cancelled",
        ]  # fmt: skip


def test_the_lists(shop: Shop, conversation: UUID) -> None:
    with clock.travel(MONDAY), tenant(shop.id):
        made = promise(shop, conversation)
        assert [p.rows for p in (queries.callbacks(shop.actor(), v) for v in ("due", "mine"))] == [[], []]
        assert queries.callbacks(shop.actor(), "later").rows == [made]
        actions.claim(shop.actor(), made.id, shop.agents["agent"].id)
    with clock.travel(MONDAY + timedelta(hours=2)), tenant(shop.id):
        assert queries.counts(shop.actor()) == {"due": 1, "later": 0, "mine": 1}
        actions.cancel(shop.actor(), made.id)
        assert queries.callbacks(shop.actor(), "ended").rows == [made]
        assert queries.due(shop.actor()) == 0


def test_pages_of_a_list_hold_every_call_back_once(shop: Shop, conversation: UUID) -> None:
    with clock.travel(MONDAY), tenant(shop.id):
        made = promise(shop, conversation)
        for number in range(4):
            Callback.objects.create(
                workspace_id=shop.id, customer_id=made.customer_id, conversation_id=conversation, number=NUMBER,
                asked_by="agent", asked_at=MONDAY, due_at=MONDAY, until=MONDAY, state="done",
                ended_at=MONDAY + timedelta(minutes=number // 2),
            )  # fmt: skip
        seen, before = [], None
        while True:
            page = queries.callbacks(shop.actor(), "ended", before, 2)
            seen += page.rows
            if not (before := page.after):
                break
        assert len(seen) == len({row.id for row in seen}) == 4


def test_who_may_not_see_the_inbox_sees_no_call_back(shop: Shop, conversation: UUID) -> None:
    with clock.travel(MONDAY), tenant(shop.id):
        made = promise(shop, conversation)
        team = Team.objects.create(workspace_id=shop.id, name="Lyon")
        InboxTeam.objects.create(workspace_id=shop.id, inbox=shop.mail, team=team)
    agent, reader = shop.actor("agent"), shop.actor("readonly")
    with clock.travel(MONDAY), tenant(shop.id):
        for verb in (actions.cancel, queries.callback):
            with pytest.raises(NotFound):
                verb(agent, made.id)
        assert queries.callbacks(agent, "later").rows == []
        with pytest.raises(Forbidden):
            actions.cancel(reader, made.id)
        assert queries.callback(shop.actor("admin"), made.id) == made


def test_a_customer_chooses_one_of_the_times_they_were_offered(shop: Shop, conversation: UUID) -> None:
    with clock.travel(MONDAY):
        with tenant(shop.id):
            camille = Conversation.objects.get().customer_id
            actions.learn(shop.id, camille, NUMBER, MONDAY)
            assert actions.number_of(Conversation.objects.get()) == NUMBER
            made = offers.offer(shop.actor(), conversation)
            said = Message.objects.get(id=made.message_id).text
        assert said.splitlines()[0].startswith("Quand pouvons-nous vous rappeler")
        assert said.splitlines()[2] == "2. Aujourd’hui à 11\u00a0h"
        answer(shop, "Merci !")
        settle()
        with tenant(shop.id):
            assert not Callback.objects.exists()
        answer(shop, " ٢. ")
        settle()
        settle()
    with tenant(shop.id):
        row = Callback.objects.get()
        assert (row.due_at, row.asked_by, row.number) == (MONDAY + timedelta(hours=2), "customer", NUMBER)
        assert Offer.objects.get().settled_at is not None
        last = Message.objects.filter(way="out").order_by("-at").first()
        assert last
        assert last.text == f"Merci. Nous vous appellerons aujourd’hui à 11\u00a0h, au {NUMBER}."


def test_a_time_that_is_gone_is_answered_with_others(shop: Shop, conversation: UUID) -> None:
    with clock.travel(MONDAY), tenant(shop.id):
        actions.learn(shop.id, Conversation.objects.get().customer_id, NUMBER, MONDAY)
        offers.offer(shop.actor(), conversation)
    with clock.travel(MONDAY + timedelta(hours=3)):
        answer(shop, "1")
        settle()
    with tenant(shop.id):
        assert not Callback.objects.exists()
        assert Offer.objects.count() == 2
        assert Message.objects.filter(way="out", text__startswith="Ce moment n’est plus libre.").count() == 1


def answer(shop: Shop, text: str) -> None:
    """Camille answers our last mail."""
    with tenant(shop.id):
        last = Message.objects.filter(way="out").order_by("-at").values_list("rfc_id", flat=True).first()
    take(shop, mail(text, subject="Re: Facture", In_Reply_To=f"<{last}>"))


def settle() -> None:
    """What the worker does: follow, then look."""
    work()
    with pool("queue", "test", 8).connection() as conn:
        while run_once(conn, follow.FOLLOWER):
            pass
    loop.step()


def test_a_number_is_known_from_any_channel(shop: Shop, conversation: UUID) -> None:
    with tenant(shop.id):
        row = Conversation.objects.get()
        assert actions.number_of(row) == ""
        for channel, address in (("whatsapp", "IT.1"), ("whatsapp", "393331112222"), ("sms", "+39333999")):
            Identity.objects.create(
                workspace_id=shop.id, customer_id=row.customer_id, channel=channel, address=address,
                display=address, created_at=MONDAY,
            )  # fmt: skip
        assert NUMBER in actions.numbers(shop.id, row.customer.root_id)
        assert "IT.1" not in actions.numbers(shop.id, row.customer.root_id)


def test_a_telephone_is_a_number_or_a_sip_address(shop: Shop) -> None:
    with tenant(shop.id):
        assert telephones.keep(shop.actor(), "+39 06 12345678", on_duty=True).address == "+390612345678"
        assert telephones.keep(shop.actor(), "sip:amal@shop.example", on_duty=True).on_duty
        for address, on_duty in (("amal", False), ("", True), ("sip:a b@c", True)):
            with pytest.raises(CannotCall):
                telephones.keep(shop.actor(), address, on_duty=on_duty)
        with pytest.raises(Forbidden):
            telephones.keep(shop.actor("readonly"), "", on_duty=False)


def test_a_number_known_by_a_message_centre_is_one_to_ring(shop: Shop, conversation: UUID) -> None:
    with tenant(shop.id):
        row = Conversation.objects.select_related("customer").get(id=conversation)
        Identity.objects.create(
            workspace_id=shop.id, customer=row.customer, channel="smpp", address=NUMBER, display=NUMBER,
            created_at=MONDAY,
        )  # fmt: skip
        assert actions.number_of(row) == NUMBER
        assert taking.who_calls(shop.id, NUMBER, "CA1", MONDAY) == (row.customer_id, row.customer.root_id)
