"""The quick list and the plain one say the same."""

import json
import random
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.models import Team, TeamMember
from wasl.channels.models import InboxTeam
from wasl.conversations import actions, listing, queries, tags
from wasl.conversations.changes import put
from wasl.conversations.filters import VIEWS, Filter, View
from wasl.conversations.models import Conversation
from wasl.conversations.reply import reply
from wasl.customers.actions import merge
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7


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
        where = Filter(view, status)
        plain = queries.conversations(who, where).rows
        quick = listing.page(who, where).rows
        assert listing.count(who, where) == len(quick)
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
        team = Team.objects.create(workspace_id=busy.id, name="Lyon")
        InboxTeam.objects.create(workspace_id=busy.id, inbox=busy.mail, team=team)
        TeamMember.objects.create(workspace_id=busy.id, team=team, agent=busy.agents["agent"])
    for role, expected in (("agent", 11), ("readonly", 0)):
        actor = busy.actor(role)
        with tenant(busy.id):
            assert len(listing.page(actor).rows) == expected
            assert len(listing.page(actor, Filter(inboxes=(busy.mail.id,))).rows) == expected
            assert listing.count(actor, Filter(inboxes=(busy.mail.id,))) == expected
            assert listing.page(actor, Filter(inboxes=(busy.forms.id,))).rows == []


def test_a_later_message_is_unread_again(busy: Shop) -> None:
    actor = busy.actor()
    with tenant(busy.id):
        row = next(r for r in listing.page(actor).rows if not r.unread and r.last_way == "in")
        Conversation.objects.filter(id=row.id).update(last_in_at=row.last_at + timedelta(hours=1))
        assert next(r for r in listing.page(actor).rows if r.id == row.id).unread


def test_every_filter_finds_the_same_both_ways(busy: Shop) -> None:
    """Combined at random, a filter of the quick list finds what the plain one finds; counts agree."""
    actor, chance = busy.actor("owner"), random.Random(7)
    with tenant(busy.id):
        team = Team.objects.create(workspace_id=busy.id, name="Lyon")
        words = [tags.ensure(actor, name).id for name in ("Retour", "Facture")]
        for row in Conversation.objects.order_by("id"):
            Conversation.objects.filter(id=row.id).update(
                language=chance.choice(["fr", "ar", ""]),
                team_id=chance.choice([team.id, None]),
                status=chance.choice(["open", "pending", "snoozed", "resolved"]),
            )
            tagged = {str(word): True for word in words if chance.random() < 0.5}
            put(actor, {row.id: {"tags": tagged}})
        some = [
            Filter(
                chance.choice(VIEWS),
                chance.choice(["", "open", "pending", "snoozed", "resolved"]),
                chance.choice([(), (busy.mail.id,), (busy.mail.id, busy.forms.id), (uuid7(),)]),
                chance.choice([(), ("fr",), ("fr", "")]),
                chance.choice([(), (words[0],), tuple(words)]),
                chance.choice([(), (None,), (busy.agents["owner"].id,), (None, busy.agents["owner"].id)]),
                chance.choice([(), (team.id,), (None,)]),
            )
            for _ in range(300)
        ]
        counted = [n for start in range(0, 300, 30) for n in listing.counts(actor, some[start : start + 30])]
        for where, number in zip(some, counted, strict=True):
            plain = [row.id for row in queries.conversations(actor, where).rows]
            assert [row.id for row in listing.page(actor, where).rows] == plain, where
            assert listing.ids(actor, where, 100) == plain
            assert number == len(plain)
            assert Filter.read(json.loads(json.dumps(where.write()))) == where
    assert sum(counted) > 60


@pytest.mark.parametrize(
    "written",
    [{"view": "x"}, {"status": "gone"}, {"tags": ["x"]}, {"languages": ["de"]}, {"tags": "abc"},
     {"inboxes": [str(uuid7())] * 21}, {"inboxes": ["none"]}],
)  # fmt: skip
def test_what_cannot_be_a_filter_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever part says so
        Filter.read(written)
