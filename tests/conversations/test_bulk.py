"""Many at once, and back: exactly those, exactly as they were, and nothing that was changed since."""

import csv
import io
from datetime import timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.actor import Forbidden, NotFound
from wasl.conversations import bulk, export, listing, states, tags, views
from wasl.conversations.filters import Filter
from wasl.conversations.models import BulkRow, Conversation, Inbox, Tagging
from wasl.kit.clock import now, travel
from wasl.kit.db import tenant
from wasl.timeline.models import Touchpoint

PEOPLE = 9


@pytest.fixture
def many(shop: Shop) -> list[UUID]:
    """Conversations in several states."""
    take(shop, *[mail("x", sender=f"C{n} <c{n}@x.example>", subject=f"S{n}") for n in range(PEOPLE)])
    actor = shop.actor()
    with tenant(shop.id):
        ids = list(Conversation.objects.order_by("id").values_list("id", flat=True))
        states.pend(actor, ids[0])
        states.snooze(actor, ids[1], now() + timedelta(days=1))
        states.resolve(actor, ids[2])
    return ids


def everything(shop: Shop) -> list[tuple[object, ...]]:
    with tenant(shop.id):
        fields = ("id", "status", "snoozed_until", "assignee_id", "team_id", "inbox_id")
        tagged = sorted(Tagging.objects.values_list("conversation_id", "tag_id"))
        return [*Conversation.objects.order_by("id").values_list(*fields), *tagged]


def test_every_change_is_taken_back_exactly(shop: Shop, many: list[UUID]) -> None:
    actor = shop.actor()
    with tenant(shop.id):
        lyon = Inbox.objects.create(workspace_id=shop.id, channel="email", name="Lyon", address="l@x.example")
        word = tags.tag(actor, many[3], "VIP")
    actor = shop.actor()
    changes: list[bulk.State] = [
        {"status": "resolved"},
        states.snoozed(now() + timedelta(hours=2)),
        states.snoozed(None),
        {"assignee": str(shop.agents["owner"].id)},
        {"tags": {str(word.id): True}},
        {"inbox": str(lyon.id)},
    ]
    before = everything(shop)
    for change in changes:
        with tenant(shop.id):
            done = bulk.start(actor, change, many)
        assert done.done + done.same == PEOPLE
        assert done.done >= PEOPLE - 1
        assert everything(shop) != before
        with tenant(shop.id):
            back = bulk.undo(actor, done.id)
        assert (back.restored, back.kept) == (done.done, 0)
        assert everything(shop) == before


def test_what_was_changed_since_stays_and_is_said(shop: Shop, many: list[UUID]) -> None:
    actor = shop.actor()
    with tenant(shop.id):
        done = bulk.start(actor, {"status": "resolved"}, many[3:])
        states.snooze(shop.actor("owner"), many[3], None)
    take(shop, mail("encore", sender="C4 <c4@x.example>", subject="Other matter"))
    with tenant(shop.id):
        known = Conversation.objects.get(subject="S4")
        states.reopen(shop.actor("owner"), known.id)
        back = bulk.undo(actor, done.id)
    assert (back.restored, back.kept) == (PEOPLE - 3 - 2, 2)
    with tenant(shop.id):
        assert Conversation.objects.get(id=many[3]).status == "snoozed"


def test_slices_go_on_until_all_is_done(
    shop: Shop, many: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SLICE", 4)
    actor = shop.actor()
    with tenant(shop.id):
        found = bulk.start_all(actor, {"status": "resolved"}, Filter(status=""))
    seen = [found.waiting]
    while found.waiting:
        with tenant(shop.id):
            found = bulk.go_on(actor, found.id)
        seen.append(found.waiting)
    assert seen == [5, 1, 0]
    assert (found.done, found.same, found.total) == (PEOPLE - 1, 1, PEOPLE)
    with tenant(shop.id):
        found = bulk.undo(actor, found.id)
        while found.waiting:
            found = bulk.go_on(actor, found.id)
    assert found.restored == PEOPLE - 1


def test_undoing_while_it_runs_stops_it(
    shop: Shop, many: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SLICE", 4)
    actor = shop.actor()
    before = everything(shop)
    with tenant(shop.id):
        found = bulk.start(actor, {"status": "resolved"}, many)
        found = bulk.undo(actor, found.id)
    assert found.waiting == 0
    assert everything(shop) == before


def test_it_is_ones_own_and_for_a_while(shop: Shop, many: list[UUID]) -> None:
    actor = shop.actor()
    with tenant(shop.id):
        done = bulk.start(actor, {"status": "resolved"}, [*many, uuid4()])
        assert done.total == PEOPLE, "what does not exist is not there"
        with pytest.raises(NotFound):
            bulk.undo(shop.actor("owner"), done.id)
        with pytest.raises(Forbidden):
            bulk.start(shop.actor("readonly"), {"status": "resolved"}, many)
    with travel(now() + timedelta(minutes=11)), tenant(shop.id), pytest.raises(bulk.TooLate):
        bulk.undo(actor, done.id)
    with travel(now() + timedelta(days=2)), tenant(shop.id):
        bulk.start(actor, {"status": "open"}, many[:1])
        assert set(BulkRow.objects.values_list("conversation_id", flat=True)) == {many[0]}


def test_a_bulk_says_each_change_on_the_timeline(shop: Shop, many: list[UUID]) -> None:
    with tenant(shop.id):
        before = Touchpoint.objects.count()
        bulk.start(shop.actor(), {"status": "resolved"}, many)
        said = Touchpoint.objects.order_by("-id")[: Touchpoint.objects.count() - before]
        assert {(t.kind, t.facts["by"]) for t in said} == {("conversation.resolved", "agent")}
        assert {t.conversation_id for t in said} == {*many} - {many[2]}


def test_a_form_is_not_moved_with_mails_into_it(shop: Shop, many: list[UUID]) -> None:
    with tenant(shop.id):
        found = bulk.start(shop.actor(), {"inbox": str(shop.forms.id)}, many)
    assert (found.done, found.same) == (0, PEOPLE)


def test_an_export_holds_what_the_filter_finds_and_no_formula(shop: Shop) -> None:
    evil = ["=cmd|'/C calc'!A0", "+1", "@SUM(A1)", "-2", "＝1", '"quoted", and\nmore']
    take(shop, *[mail("Réponse ؟", sender=f'"{n}" <c{n}@x.example>', subject=s.replace("\n", " "))
                 for n, s in enumerate(evil)])  # fmt: skip
    actor = shop.actor()
    with tenant(shop.id):
        row = Conversation.objects.get(subject="+1")
        tags.tag(actor, row.id, "=1+1")
        states.resolve(actor, row.id)
    export_slice, export.SLICE = export.SLICE, 2
    try:
        text = "".join(export.rows(actor, Filter(status=""), ZoneInfo("Africa/Casablanca"), ["a", "b"]))
    finally:
        export.SLICE = export_slice
    assert text.startswith("\ufeffa,b\r\n")
    lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))[1:]
    assert len(lines) == len(evil)
    assert sorted(line[1] for line in lines) == sorted(
        ["'=cmd|'/C calc'!A0", "'+1", "'@SUM(A1)", "'-2", "'＝1", '"quoted", and more']
    )
    assert all(not cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)
    assert {line[5] for line in lines} == {"open", "resolved"}
    few = "".join(export.rows(actor, Filter(), ZoneInfo("UTC"), ["a"], most=3))
    assert few.count("\r\n") == 4, "bounded"


def test_views_are_ones_own_or_everybodys(shop: Shop, many: list[UUID]) -> None:
    actor, boss = shop.actor(), shop.actor("admin")
    with tenant(shop.id):
        mine = views.save(actor, "  My   waiting ", Filter(status="pending"), shared=False)
        ours = views.save(boss, "All snoozed", Filter(status="snoozed"), shared=True)
        with pytest.raises(Forbidden):
            views.save(actor, "x", Filter(), shared=True)
        for name, reason in ((" ", "empty"), ("x" * 81, "too_long")):
            with pytest.raises(views.CannotSave) as refused:
                views.save(actor, name, Filter(), shared=False)
            assert refused.value.reason == reason
        assert [(v.name, v.shared) for v in views.views(actor)] == [
            ("My waiting", False),
            ("All snoozed", True),
        ]
        assert [v.id for v in views.views(boss)] == [ours]
        assert views.counts(actor, views.views(actor)) == {mine: 1, ours: 1}
        with pytest.raises(NotFound):
            views.forget(boss, mine)
        with pytest.raises(Forbidden):
            views.forget(actor, ours)
        views.forget(boss, ours)
        for n in range(19):
            views.save(actor, f"v{n}", Filter(), shared=False)
        with pytest.raises(views.CannotSave):
            views.save(actor, "one too many", Filter(), shared=False)


def test_a_view_of_everybodys_is_each_readers_own(shop: Shop, many: list[UUID]) -> None:
    with tenant(shop.id):
        views.save(shop.actor("admin"), "To do", Filter(view="mine"), shared=True)
        bulk.start(shop.actor(), {"assignee": str(shop.agents["agent"].id)}, many[3:5])
        for role, expected in (("agent", 2), ("owner", 0)):
            actor = shop.actor(role)
            kept = views.views(actor)
            assert list(views.counts(actor, kept).values()) == [expected]
            assert len(listing.page(actor, kept[0].where).rows) == expected
