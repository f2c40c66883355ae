"""States: who may turn what into what, what the timeline and the pages hear, and what wakes."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.actor import Forbidden, NotFound
from wasl.accounts.models import Team, TeamMember
from wasl.channels.models import Inbox, InboxTeam
from wasl.conversations import actions, states, tags
from wasl.conversations.changes import put
from wasl.conversations.models import Conversation, Tagging, Waking
from wasl.conversations.waking import wake_up
from wasl.kit.clock import now, travel
from wasl.kit.db import pool, tenant
from wasl.timeline.models import Touchpoint


@pytest.fixture
def one(shop: Shop) -> UUID:
    """A conversation."""
    take(shop, mail("Bonjour"))
    with tenant(shop.id):
        return Conversation.objects.get().id


def kinds(shop: Shop) -> list[str]:
    with tenant(shop.id):
        found = Touchpoint.objects.filter(kind__startswith="conversation.").order_by("id")
        return [kind.removeprefix("conversation.") for kind in found.values_list("kind", flat=True)]


def standing(shop: Shop, key: UUID) -> tuple[str, datetime | None]:
    with tenant(shop.id):
        row = Conversation.objects.get(id=key)
        return row.status, row.snoozed_until


def woken() -> float:
    with pool("queue", "test", 8).connection() as conn:
        return wake_up(conn)


def test_every_turn_is_on_the_timeline_once(shop: Shop, one: UUID) -> None:
    actor = shop.actor()
    with tenant(shop.id):
        for _ in range(2):  # the second time nothing changes and nothing is said
            states.pend(actor, one)
        states.snooze(actor, one, None)
        states.resolve(actor, one)
        states.reopen(actor, one)
    assert standing(shop, one) == ("open", None)
    assert kinds(shop) == ["pended", "snoozed", "resolved", "reopened"]


def test_a_customers_message_opens_whatever_it_was(shop: Shop, one: UUID) -> None:
    actor = shop.actor()
    for turn in (states.pend, states.resolve, lambda a, i: states.snooze(a, i, now() + timedelta(days=1))):
        with tenant(shop.id):
            turn(actor, one)
            rfc_id = Conversation.objects.get(id=one).id
            reference = f"<{rfc_id}@x>"
        first = mail("Encore", In_Reply_To=reference)
        assert standing(shop, one)[0] != "open"
        with tenant(shop.id):
            from wasl.conversations.models import Message

            known = Message.objects.filter(conversation_id=one).order_by("at").first()
            assert known
            first = mail("Encore", In_Reply_To=f"<{known.rfc_id}>")
        take(shop, first)
        assert standing(shop, one) == ("open", None)


def test_what_is_due_wakes_and_nothing_else(shop: Shop, one: UUID) -> None:
    actor, due = shop.actor(), now() + timedelta(hours=3)
    with tenant(shop.id):
        states.snooze(actor, one, due)
        assert Waking.objects.get().due_at == due
    assert 0 < woken() <= 60
    assert standing(shop, one) == ("snoozed", due)
    with travel(due + timedelta(seconds=1)):
        woken()
        assert standing(shop, one) == ("open", None)
        assert woken() == 60
    assert kinds(shop) == ["snoozed", "woken"]
    with tenant(shop.id):
        assert not Waking.objects.exists()


def test_a_snooze_that_was_changed_wakes_at_its_new_time_only(shop: Shop, one: UUID) -> None:
    actor, first, second = shop.actor(), now() + timedelta(hours=1), now() + timedelta(hours=5)
    with tenant(shop.id):
        states.snooze(actor, one, first)
        states.snooze(actor, one, second)
    with travel(first + timedelta(minutes=1)):
        woken()
    assert standing(shop, one)[0] == "snoozed"
    with tenant(shop.id):
        states.resolve(actor, one)
    with travel(second + timedelta(minutes=1)):
        woken()
    assert standing(shop, one)[0] == "resolved"
    with tenant(shop.id):
        assert not Waking.objects.exists(), "a stale waking is thrown away"


def test_many_wake_in_batches(shop: Shop) -> None:
    take(shop, *[mail("x", sender=f"c{n}@x.example", subject=f"S{n}") for n in range(7)])
    actor, due = shop.actor(), now() + timedelta(hours=1)
    with tenant(shop.id):
        state = states.snoozed(due)
        put(actor, dict.fromkeys(Conversation.objects.values_list("id", flat=True), state))
    with travel(due + timedelta(seconds=1)), pool("queue", "test", 8).connection() as conn:
        assert wake_up(conn, 3) == 0
        assert wake_up(conn, 3) == 0
        assert wake_up(conn, 3) == 60
    with tenant(shop.id):
        assert Conversation.objects.filter(status="open").count() == 7


@pytest.mark.parametrize(
    ("wait", "reason"), [(timedelta(seconds=-1), "past"), (timedelta(days=400), "too_far")]
)
def test_a_time_that_cannot_be_waited_for(shop: Shop, one: UUID, wait: timedelta, reason: str) -> None:
    with tenant(shop.id), pytest.raises(states.CannotSnooze) as refused:
        states.snooze(shop.actor(), one, now() + wait)
    assert refused.value.reason == reason
    assert standing(shop, one)[0] == "open"


def test_who_reads_only_turns_nothing(shop: Shop, one: UUID) -> None:
    with tenant(shop.id), pytest.raises(Forbidden):
        states.pend(shop.actor("readonly"), one)


def closed(shop: Shop, inbox: Inbox, *members: str) -> Team:
    """Only these may see the inbox from now on."""
    team = Team.objects.create(workspace_id=shop.id, name=f"of {inbox.name}")
    InboxTeam.objects.create(workspace_id=shop.id, inbox=inbox, team=team)
    for member in members:
        TeamMember.objects.create(workspace_id=shop.id, team=team, agent=shop.agents[member])
    return team


def test_a_conversation_moves_with_a_word_to_both_inboxes(
    shop: Shop, one: UUID, owner: psycopg.Connection[Any]
) -> None:
    with tenant(shop.id):
        other = Inbox.objects.create(
            workspace_id=shop.id, channel="email", name="Lyon", address="lyon@dar-zaytun.example"
        )
        closed(shop, other, "owner")
        actions.assign(shop.actor("owner"), one, shop.agents["agent"].id)
    owner.execute("LISTEN wasl_live")
    with tenant(shop.id):
        states.move(shop.actor("owner"), one, other.id)
        row = Conversation.objects.get(id=one)
    assert row.inbox_id == other.id
    assert row.assignee_id is None, "the agent may not see it there"
    heard = [n.payload for n in owner.notifies(timeout=30, stop_after=2)]
    assert {str(shop.mail.id) in h or str(other.id) in h for h in heard} == {True}
    assert len(heard) == 2
    with tenant(shop.id), pytest.raises(NotFound):
        states.pend(shop.actor("agent"), one)
    with tenant(shop.id), pytest.raises(NotFound):
        states.move(shop.actor("agent"), one, shop.mail.id)


def test_a_mail_does_not_move_into_a_form(shop: Shop, one: UUID) -> None:
    with tenant(shop.id), pytest.raises(states.CannotMove) as refused:
        states.move(shop.actor("owner"), one, shop.forms.id)
    assert refused.value.reason == "other_channel"


def test_nobody_is_given_what_they_may_not_see(shop: Shop, one: UUID) -> None:
    with tenant(shop.id):
        closed(shop, shop.mail, "owner")
        with pytest.raises(NotFound):
            actions.assign(shop.actor("owner"), one, shop.agents["agent"].id)


def test_teams_are_given_and_taken(shop: Shop, one: UUID) -> None:
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Lyon")
        states.give_to_team(shop.actor(), one, team.id)
        assert Conversation.objects.get(id=one).team_id == team.id
        states.give_to_team(shop.actor(), one, None)
        with pytest.raises(NotFound):
            states.give_to_team(shop.actor(), one, one)
    assert kinds(shop) == ["team", "team"]


def test_tags_are_one_however_they_are_written(shop: Shop, one: UUID) -> None:
    actor = shop.actor()
    with tenant(shop.id):
        first = tags.tag(actor, one, "  Café  crème ")
        assert tags.tag(actor, one, "CAFE CREME").id == first.id
        assert first.name == "Café crème"
        tags.tag(actor, one, "إرجاع")
        assert [t.name for t in tags.suggest("ارجاع")] == ["إرجاع"]
        assert tags.called("cafe creme") == (first.id,)
        for name, reason in ((" \u200b\n", "empty"), ("x" * 61, "too_long")):
            with pytest.raises(tags.CannotTag) as refused:
                tags.tag(actor, one, name)
            assert refused.value.reason == reason
        tags.untag(actor, one, first.id)
        tags.untag(actor, one, first.id)
        assert [t.name for t in tags.of(one)] == ["إرجاع"]
        tags.replace(actor, one, ["Urgent", "VIP"])
        assert [t.name for t in tags.of(one)] == ["Urgent", "VIP"]
    assert kinds(shop) == ["tagged", "tagged", "untagged", "untagged", "tagged", "tagged"]


def test_tags_are_renamed_merged_and_deleted_by_administrators(shop: Shop, one: UUID) -> None:
    boss = shop.actor("admin")
    with tenant(shop.id):
        a, b = tags.tag(boss, one, "Retour"), tags.tag(boss, one, "Retours")
        c = tags.ensure(boss, "Facture")
        for attempt in (
            lambda: tags.rename(shop.actor(), a.id, "X"),
            lambda: tags.delete(shop.actor(), a.id),
        ):
            with pytest.raises(Forbidden):
                attempt()
        with pytest.raises(tags.CannotTag) as taken:
            tags.rename(boss, a.id, "RETOURS")
        assert (taken.value.reason, taken.value.other) == ("taken", b.id)
        tags.merge(boss, b.id, a.id)
        tags.rename(boss, a.id, "retour")
        assert [(u.name, u.conversations) for u in tags.used(boss)] == [("Facture", 0), ("retour", 1)]
        tags.delete(boss, c.id)
        tags.delete(boss, a.id)
        assert not Tagging.objects.exists()
        with pytest.raises(NotFound):
            tags.delete(boss, a.id)
