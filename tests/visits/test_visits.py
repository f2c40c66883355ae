"""Somebody comes: a number, a message on the same timeline, called, served or gone."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import segno
from django.db import connections

from tests.inbound import mail, take, work
from tests.worlds import Shop
from wasl.accounts.actor import Forbidden, NotFound
from wasl.conversations.models import Conversation, Message
from wasl.customers.models import Customer, Identity
from wasl.kit import clock
from wasl.kit.db import tenant
from wasl.timeline.queries import of_customers
from wasl.visits import actions, branches, codes, queries
from wasl.visits.actions import Arrival, CannotVisit
from wasl.visits.branches import BadBranch, Wanted
from wasl.visits.models import Branch, Visit


@pytest.fixture
def branch(shop: Shop) -> UUID:
    with tenant(shop.id):
        made = branches.open_branch(
            shop.actor("admin"),
            Wanted(
                name="Lyon Bellecour", country="fr", language="fr", purposes=("pickup", "advice", "other")
            ),
        )
    return UUID(str(made.id))


def come(shop: Shop, branch: UUID, **said: Any) -> Visit:
    arrival = Arrival(**{"key": uuid4(), "purpose": "pickup", **said})
    with tenant(shop.id):
        return actions.check_in(shop.id, branch, arrival)


def kinds(shop: Shop, customer: UUID) -> list[tuple[str, dict[str, Any]]]:
    from wasl.kit.db import raw

    with tenant(shop.id):
        found = of_customers(raw(), shop.id, [customer])
    return [(each.kind, dict(each.facts)) for each in found if each.kind.startswith("visit.")]


def test_a_name_alone_takes_a_number_and_stands_on_a_timeline(shop: Shop, branch: UUID) -> None:
    visit = come(shop, branch, name="  Nadia \n Haddad ", language="ar")
    assert (visit.number, visit.state, visit.via) == (1, "waiting", "name")
    work()
    with tenant(shop.id):
        message = Message.objects.get(id=visit.message_id)
        assert (message.channel, message.text, message.language) == ("visit", "استلام طلب", "ar")
        assert message.meta["kind"] == "visit"
        assert message.meta["content"]["number"] == 1
        customer = Customer.objects.get(id=visit.customer_id)
        assert (customer.name, customer.language) == ("Nadia Haddad", "ar")
        assert message.customer_id == customer.id
        assert Conversation.objects.get().inbox_id == branch


def test_a_second_visit_joins_the_open_conversation(shop: Shop, branch: UUID) -> None:
    take(shop, mail())
    first = come(shop, branch, said="camille@atelier.example")
    work()
    second = come(shop, branch, said="Camille@Atelier.example")
    work()
    assert (first.via, second.via, second.number) == ("address", "address", 2)
    with tenant(shop.id):
        assert Customer.objects.count() == 1, "an address that is known leads to its customer"
        assert Identity.objects.filter(channel="visit").count() == 1
        visits = Message.objects.filter(channel="visit")
        assert visits.values("conversation_id").distinct().count() == 1
        assert visits.first().meta["content"]["said"] == "camille@atelier.example"  # type: ignore[union-attr]


def test_a_code_says_who_came_until_it_is_old(
    shop: Shop, branch: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(shop, mail())
    with tenant(shop.id):
        identity = Identity.objects.get()
    code = codes.code(shop.id, identity.id)
    visit = come(shop, branch, said=f" {code.lower()}\n")
    assert (visit.via, visit.customer_id) == ("code", identity.customer_id)
    for wrong in (code[:-1] + ("A" if code[-1] != "A" else "B"), codes.code(uuid4(), identity.id), "7" * 56):
        with pytest.raises(CannotVisit, match="bad_code"):
            come(shop, branch, said=wrong)
    later = clock.now() + codes.SHOWN + timedelta(seconds=2)
    monkeypatch.setattr(codes, "now", lambda: later)
    with pytest.raises(CannotVisit, match="old_code"):
        come(shop, branch, said=code)


def about(shop: Shop, visit: Visit) -> tuple[UUID | None, UUID]:
    """The conversations of the check-in's touchpoint, and of the visit's message."""
    from wasl.kit.db import raw

    work()
    with tenant(shop.id):
        found = of_customers(raw(), shop.id, [visit.customer_id])
        (told,) = [each for each in found if each.kind == "visit.checked_in" and each.about_id == visit.id]
        return told.conversation_id, Message.objects.get(id=visit.message_id).conversation_id


def test_who_is_sure_carries_on_the_matter_they_show_or_the_only_one(
    shop: Shop, branch: UUID, owner: psycopg.Connection[Any]
) -> None:
    """The check-in stands in that conversation; where nobody can tell, it stands on the timeline alone."""
    take(shop, mail("Ma lampe est cassée", subject="Lampe"))
    take(shop, mail("Et la facture ?", subject="Facture", In_Reply_To="<old@atelier.example>"))
    with tenant(shop.id):
        identity = Identity.objects.get()
        lamp, bill = Conversation.objects.order_by("created_at", "id").values_list("id", flat=True)
    plain, shown = codes.code(shop.id, identity.id), codes.code(shop.id, identity.id, conversation_id=lamp)
    assert about(shop, come(shop, branch, said=shown)) == (lamp, lamp)
    with tenant(shop.id):
        Message.objects.filter(channel="visit").delete()
    alone, opened = about(shop, come(shop, branch, said=plain))
    assert alone is None, "two are open"
    with tenant(shop.id):
        assert opened not in (lamp, bill)
        Conversation.objects.filter(id__in=[bill, opened]).update(status="resolved")
    assert about(shop, come(shop, branch, said="camille@atelier.example"))[0] is None, "anybody may say so"
    with tenant(shop.id):
        Conversation.objects.exclude(id=lamp).update(status="resolved")
    assert about(shop, come(shop, branch, said=plain)) == (lamp, lamp)
    assert about(shop, come(shop, branch, customer_id=identity.customer_id)) == (lamp, lamp)
    owner.execute(
        "UPDATE conversations_conversation SET last_at = last_at - interval '8 days' WHERE id = %s", [lamp]
    )
    assert about(shop, come(shop, branch, said=plain))[0] is None, "that is long ago"
    assert about(shop, come(shop, branch, said=shown))[0] == lamp, "they say themselves what it is about"
    with tenant(shop.id):
        Conversation.objects.filter(id=lamp).update(status="resolved")
    assert about(shop, come(shop, branch, said=shown))[0] is None, "it is settled"


def test_numbers_are_read_as_the_country_writes_them_and_shared_ones_lead_to_nobody(
    shop: Shop, branch: UUID
) -> None:
    first = come(shop, branch, said="06 12 34 56 78", name="Ali")
    with tenant(shop.id):
        sms = Identity.objects.get(channel="sms")
        assert (sms.address, sms.customer_id) == ("+33612345678", first.customer_id)
        other = Customer(workspace_id=shop.id, name="Reception", created_at=clock.now())
        other.root_id = other.id
        other.save(force_insert=True)
        Identity.objects.create(
            workspace_id=shop.id, customer=other, channel="whatsapp", address="33612345678",
            display="33612345678", created_at=clock.now(),
        )  # fmt: skip
    second = come(shop, branch, said="+33 6 12 34 56 78", name="Somebody")
    assert second.customer_id not in (first.customer_id, other.id)
    with pytest.raises(CannotVisit, match="address"):
        come(shop, branch, said="order 17")
    with pytest.raises(CannotVisit, match="nobody"):
        come(shop, branch, name="  ")
    with pytest.raises(CannotVisit, match="purpose"):
        come(shop, branch, name="Ali", purpose="repair")


def test_numbers_have_no_gaps_and_no_doubles_when_many_come_at_once(shop: Shop, branch: UUID) -> None:
    keys = [uuid4() for _ in range(24)]

    def one(turn: int) -> int | None:
        try:
            said = {"name": f"Guest {turn}"} if turn % 4 else {"said": "not an address"}
            return come(shop, branch, key=keys[turn], **said).number
        except CannotVisit:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        given = [number for number in pool.map(one, [*range(24), *range(24)]) if number]
    assert sorted(given) == sorted([*range(1, 19)] * 2), "each form twice, and those refused take no number"
    assert work() == 18


def test_called_served_left_and_put_back(shop: Shop, branch: UUID) -> None:
    one, two, three = (come(shop, branch, name=name) for name in ("One", "Two", "Three"))
    actor = shop.actor()
    with tenant(shop.id):
        called = actions.call(actor, branch, "Counter 2")
        assert called is not None
        assert called.id == one.id
        assert actions.call_this(actor, three.id, "3").number == 3
        with pytest.raises(CannotVisit, match="changed"):
            actions.call_this(actor, three.id, "3")
        actions.put_back(actor, three.id)
        actions.left(actor, two.id)
        queue = queries.queue(actor, branch)
        assert [entry.visit.number for entry in queue.waiting] == [3]
        place = queries.kiosk(codes.Kiosk(shop.id, branch, _version(shop, branch)))
        assert queries.screen(place) == [(1, "Counter 2")]
        actions.serve(actor, one.id, "follows", "Part ordered")
        assert queries.screen(place) == []
        assert actions.call(actor, branch, "") is not None
        assert actions.call(actor, branch, "") is None
        with pytest.raises(CannotVisit):
            actions.serve(actor, one.id, "done")
    told = kinds(shop, one.customer_id)
    assert [kind for kind, _ in told] == ["visit.served", "visit.called", "visit.checked_in"]
    assert told[0][1]["outcome"] == "follows"
    assert [kind for kind, _ in kinds(shop, two.customer_id)] == ["visit.left", "visit.checked_in"]


def _version(shop: Shop, branch: UUID) -> int:
    branches.make_kiosk(shop.actor("admin"), branch)
    return int(Branch.objects.get(id=branch).kiosk)


def test_a_kiosk_that_was_closed_opens_no_more(shop: Shop, branch: UUID) -> None:
    admin = shop.actor("admin")
    with tenant(shop.id):
        first = codes.read_kiosk(branches.make_kiosk(admin, branch))
        second = codes.read_kiosk(branches.make_kiosk(admin, branch))
        assert first
        assert second
        assert queries.kiosk(second).inbox.name == "Lyon Bellecour"
        with pytest.raises(NotFound):
            queries.kiosk(first)
        branches.close_kiosk(admin, branch)
        with pytest.raises(NotFound):
            queries.kiosk(second)
        third = codes.read_kiosk(branches.make_kiosk(admin, branch))
        assert third
        assert third.version == 3
        with pytest.raises(NotFound):
            queries.kiosk(codes.Kiosk(shop.id, branch, 0))
    assert codes.read_kiosk("x" * 72) is None


def test_only_administrators_make_branches_and_only_their_teams_see_them(shop: Shop, branch: UUID) -> None:
    from wasl.accounts.models import Team

    with tenant(shop.id):
        with pytest.raises(Forbidden):
            branches.open_branch(shop.actor(), Wanted(name="Mine"))
        with pytest.raises(BadBranch, match="taken"):
            branches.open_branch(shop.actor("admin"), Wanted(name="lyon bellecour"))
        with pytest.raises(BadBranch, match="no_name"):
            branches.open_branch(shop.actor("admin"), Wanted(name=" "))
        team = Team.objects.create(workspace_id=shop.id, name="Lyon")
        branches.change_branch(shop.actor("admin"), branch, Wanted(name="Lyon", teams=[team.id]))
    actor = shop.actor()
    visit = come(shop, branch, name="One", purpose="repair")
    with tenant(shop.id):
        assert queries.branches(actor) == []
        for refused in (
            lambda: queries.queue(actor, branch),
            lambda: actions.call(actor, branch, ""),
            lambda: actions.left(actor, visit.id),
            lambda: actions.check_in(shop.id, branch, Arrival(key=uuid4(), purpose="other", name="x"), actor),
        ):
            with pytest.raises(NotFound):
                refused()
        with pytest.raises(Forbidden):
            actions.call(shop.actor("readonly"), branch, "")


def test_an_erased_customer_leaves_no_note(shop: Shop, branch: UUID, owner: psycopg.Connection[Any]) -> None:
    from wasl.privacy.actions import erase

    visit = come(shop, branch, name="One")
    with tenant(shop.id):
        actions.call(shop.actor(), branch, "")
        actions.serve(shop.actor(), visit.id, "done", "allergic to wool")
    work()
    with tenant(shop.id):
        erase(shop.actor("owner"), visit.customer_id)
    row = owner.execute("SELECT note, number FROM visits_visit WHERE id = %s", [visit.id]).fetchone()
    assert row == ("", 1)


def test_a_card_is_as_sure_as_what_was_shown(shop: Shop, branch: UUID) -> None:
    take(shop, mail())
    with tenant(shop.id):
        identity = Identity.objects.get()
    come(shop, branch, said="camille@atelier.example")
    come(shop, branch, name="Nadia")
    work()
    with tenant(shop.id):
        assert set(Identity.objects.filter(channel="visit").values_list("known", flat=True)) == {"claimed"}
        Identity.objects.filter(channel="visit").delete()
    come(shop, branch, said=codes.code(shop.id, identity.id))
    work()
    with tenant(shop.id):
        card = Identity.objects.get(channel="visit")
        assert (card.known, card.customer_id) == ("token", identity.customer_id)


def test_a_codes_picture_is_the_code(shop: Shop) -> None:
    for text in (codes.code(shop.id, uuid4()), codes.code(shop.id, uuid4(), conversation_id=uuid4())):
        assert codes.is_code(text)
        assert codes.read(shop.id, text)
    text = codes.code(shop.id, uuid4())
    drawn = segno.make(text, error="m", boost_error=False)
    assert drawn.mode == "alphanumeric", "the smallest picture for what it says"
    width = drawn.symbol_size(border=4)[0]
    lit = [[0] * width for _ in range(width)]
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)", str(codes.picture(text, "<code>"))):
        for column in range(int(x), int(x) + int(length)):
            lit[int(y)][column] = 1
    assert lit == [list(row) for row in drawn.matrix_iter(border=4)]
    assert "&lt;code&gt;" in codes.picture(text, "<code>")
