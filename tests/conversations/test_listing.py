"""The quick list and the plain one say the same."""

from datetime import timedelta
from itertools import product

import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.models import TeamMember
from wasl.channels.models import InboxTeam
from wasl.conversations import actions, listing, queries
from wasl.conversations.models import Conversation
from wasl.conversations.queries import View
from wasl.conversations.reply import reply
from wasl.customers.actions import merge
from wasl.kit.db import tenant

VIEWS: list[View] = ["mine", "unassigned", "all"]


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Conversations in every state: answered, read, assigned, resolved, of a merged customer, at the same moment."""
    take(
        shop,
        *[mail(f"Text {n}", sender=f"Customer {n} <c{n}@x.example>", subject=f"S{n}") for n in range(12)],
    )
    agent, other = shop.actor("agent"), shop.actor("owner")
    with tenant(shop.id):
        rows = list(Conversation.objects.order_by("id"))
        Conversation.objects.filter(id__in=[r.id for r in rows[:3]]).update(last_at=rows[0].last_at)
        actions.mark_seen(agent, rows[1].id)
        actions.mark_seen(other, rows[2].id)
        actions.assign(other, rows[3].id, shop.agents["agent"].id)
        actions.assign(other, rows[4].id, shop.agents["owner"].id)
        actions.resolve(agent, rows[5].id)
        reply(agent, rows[6].id, "Oui")
        Conversation.objects.filter(id=rows[7].id).update(trouble="failed")
        merge(agent, rows[8].customer_id, rows[9].customer_id)
    return shop


def flat(
    actor: str, shop: Shop, view: View, status: str
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    who = shop.actor(actor)
    with tenant(shop.id):
        plain = queries.conversations(who, view, status).rows
        quick = listing.page(who, view, status).rows
        assert listing.count(who, view, status) == queries.count(who, view, status) == len(quick)
    return (
        [
            (r.id, r.inbox_id, r.subject, r.last_at, r.last_way, r.preview, r.trouble, r.customer.id,
             r.customer.name, r.assignee.name if r.assignee else "", r.unread)  # type: ignore[attr-defined]
            for r in plain
        ],
        [
            (b.id, b.inbox_id, b.subject, b.last_at, b.last_way, b.preview, b.trouble, b.customer_id,
             b.customer, b.assignee, b.unread)
            for b in quick
        ],
    )  # fmt: skip


@pytest.mark.parametrize("role", ["owner", "agent"])
def test_every_view_has_the_same_rows(busy: Shop, role: str) -> None:
    seen = 0
    for view, status in product(VIEWS, ("open", "resolved")):
        plain, quick = flat(role, busy, view, status)
        assert quick == plain, (view, status)
        seen += len(quick)
    assert seen > 12


def test_pages_join_without_gap_or_double(busy: Shop) -> None:
    actor = busy.actor()
    with tenant(busy.id):
        every = [row.id for row in listing.page(actor).rows]
        walked, before = [], None
        while True:
            part = listing.page(actor, before=before, limit=2)
            walked += [row.id for row in part.rows]
            before = part.after
            if before is None:
                break
    assert walked == every
    assert len(every) == 11


def test_an_inbox_that_may_not_be_seen_is_empty(busy: Shop) -> None:
    with tenant(busy.id):
        from wasl.accounts.models import Team

        team = Team.objects.create(workspace_id=busy.id, name="Lyon")
        InboxTeam.objects.create(workspace_id=busy.id, inbox=busy.mail, team=team)
        TeamMember.objects.create(workspace_id=busy.id, team=team, agent=busy.agents["agent"])
    for role, expected in (("agent", 11), ("readonly", 0)):
        actor = busy.actor(role)
        with tenant(busy.id):
            assert len(listing.page(actor).rows) == expected
            assert len(listing.page(actor, inbox_id=busy.mail.id).rows) == expected
            assert listing.count(actor, "all", "open", busy.mail.id) == expected
            assert listing.page(actor, inbox_id=busy.forms.id).rows == []


def test_a_later_message_is_unread_again(busy: Shop) -> None:
    actor = busy.actor()
    with tenant(busy.id):
        row = next(r for r in listing.page(actor).rows if not r.unread and r.last_way == "in")
        Conversation.objects.filter(id=row.id).update(last_in_at=row.last_at + timedelta(hours=1))
        assert next(r for r in listing.page(actor).rows if r.id == row.id).unread
