"""From what channels say to one customer: links, suggestions, and what an agent answers."""

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest

from tests.customers.world import AT, World
from wasl.accounts.actor import Forbidden, NotFound
from wasl.customers import suggestions
from wasl.customers.actions import merge, unmerge
from wasl.customers.follow import LINKING
from wasl.customers.points import CHANNEL, CLAIMED, TOKEN
from wasl.customers.queries import family
from wasl.customers.resolve import Resolved, Sender, resolve
from wasl.kit.db import conninfo, prepare, raw, tenant
from wasl.timeline.actions import Touch, append
from wasl.timeline.follow import run_once

PHONE = "213550123456"
MAIL = "amina@example.com"


class Desk:
    """Messages as they come, each understood and followed."""

    def __init__(self, world: World) -> None:
        self.world = world

    def hear(
        self, channel: str, address: str, name: str = "", known: str = CHANNEL, **more: tuple[object, ...]
    ) -> Resolved:
        """A message of somebody, and what follows from it."""
        with tenant(self.world.id):
            sender = Sender(channel, address, address, name, "", AT, known=known, **more)  # type: ignore[arg-type]
            (found,) = resolve(raw(), self.world.id, [sender])
            facts = {"new_customer": int(found.created), "learnt": int(found.learnt)}
            append(
                raw(), self.world.id, [Touch(found.customer_id, "message.received", AT, channel, facts=facts)]
            )
        self.follow()
        return found

    def follow(self) -> None:
        """Let the linking read on."""
        with psycopg.connect(conninfo("queue", "test"), autocommit=True) as conn:
            prepare(conn)
            while run_once(conn, LINKING):
                pass

    def one(self, *people: Resolved) -> bool:
        """Whether these are one customer."""
        with tenant(self.world.id):
            members = set(family([people[0].customer_id]))
        return {person.customer_id for person in people} <= members

    def kept(self) -> list[tuple[str, list[str]]]:
        """What was suggested and answered."""
        rows = self.world.owner.execute(
            "SELECT answer, found FROM customers_suggestion ORDER BY id"
        ).fetchall()
        return [(row[0], row[1]) for row in rows]

    def open(self, of: Resolved) -> list[UUID]:
        """Ids of the open suggestions of a customer."""
        with tenant(self.world.id):
            rows = suggestions.of_family(self.world.actor(), family([of.customer_id]))
        return [row.id for row in rows]

    def answer(self, how: Callable[..., object], of: Resolved) -> object:
        """Accept or refuse the one suggestion there is."""
        (only,) = self.open(of)
        with tenant(self.world.id):
            return how(self.world.actor(), only)


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_one_number_on_two_networks_is_one_customer(desk: Desk) -> None:
    wa = desk.hear("whatsapp", PHONE, "Amina Khelifi")
    sms, call = desk.hear("sms", f"+{PHONE}"), desk.hear("voice", f"+{PHONE}")
    assert desk.one(wa, sms, call)
    assert {answer for answer, _ in desk.kept()} == {"linked"}
    kinds = desk.world.owner.execute(
        "SELECT kind, facts ->> 'by' FROM timeline_touchpoint WHERE kind LIKE 'customer.%'"
    ).fetchall()
    assert kinds == [("customer.merged", "system")] * 2


def test_a_proved_mailbox_and_a_signed_one_are_one_customer(desk: Desk) -> None:
    mail = desk.hear("email", MAIL, "Amina Khelifi", CHANNEL)
    chat = desk.hear("webchat", "v1", "", verified=(("email", MAIL),))
    assert chat.customer_id == mail.customer_id


def test_a_signed_mailbox_joins_nobody_who_only_claimed_it(desk: Desk) -> None:
    mail = desk.hear("email", MAIL, "Amina Khelifi", CLAIMED)
    chat = desk.hear("webchat", "v1", "", verified=(("email", MAIL),))
    assert not desk.one(mail, chat)
    assert desk.kept() == [("open", ["mail:same"])]
    assert desk.hear("email", MAIL, "Amina Khelifi", CHANNEL).learnt
    assert desk.one(mail, chat)


def test_what_is_only_claimed_is_suggested_and_accepted_in_one_step(desk: Desk) -> None:
    wa = desk.hear("whatsapp", PHONE, "أمينة خليفي")
    chat = desk.hear("webchat", "v1", "Amina Khelifi", claimed=(f"tel:+{PHONE}",))
    assert not desk.one(wa, chat)
    ((answer, found),) = desk.kept()
    assert (answer, found) == ("open", ["phone:same", "name:near+near"])
    merge_id = desk.answer(suggestions.accept, chat)
    assert desk.one(wa, chat)
    assert desk.kept()[0][0] == "accepted"
    assert isinstance(merge_id, UUID)
    unmerge(desk.world.actor(), merge_id)
    desk.follow()
    assert desk.kept()[0][0] == "refused"
    assert not desk.one(wa, chat)


def test_what_was_refused_comes_back_only_with_something_new(desk: Desk) -> None:
    first = desk.hear("email", MAIL, "Amina Khelifi", CLAIMED)
    second = desk.hear("instagram", "1784", "Amina Khelifi")
    desk.answer(suggestions.refuse, first)
    desk.hear("instagram", "1784", "Amina K")
    assert desk.open(first) == []
    desk.hear("instagram", "1784", "Amina Khelifi", claimed=(f"mail:{MAIL}",))
    assert len(desk.open(second)) == 1
    assert desk.kept()[0] == ("open", ["mail:same", "name:same+same"])


def test_merged_by_hand_and_taken_back_is_a_refusal(desk: Desk) -> None:
    wa, sms = desk.hear("whatsapp", PHONE, "Amina Khelifi"), desk.hear("instagram", "1784", "Karim Haddad")
    merge_id = merge(desk.world.actor(), wa.customer_id, sms.customer_id)
    unmerge(desk.world.actor(), merge_id)
    desk.follow()
    assert [answer for answer, _ in desk.kept()] == ["refused"]
    assert desk.open(wa) == []


def test_a_link_made_by_itself_and_taken_back_by_a_person_stays_taken_back(desk: Desk) -> None:
    wa, sms = desk.hear("whatsapp", PHONE, "Amina"), desk.hear("sms", f"+{PHONE}")
    ((merge_id,),) = desk.world.owner.execute("SELECT id FROM customers_merge").fetchall()
    unmerge(desk.world.actor(), merge_id)
    desk.follow()
    desk.hear("sms", f"+{PHONE}", "Amina")
    assert not desk.one(wa, sms)


def test_two_names_on_one_number_link_nobody(desk: Desk) -> None:
    desk.hear("voice", f"+{PHONE}", "Amina Khelifi")
    desk.hear("voice", f"+{PHONE}", "Karim Haddad")
    sms = desk.hear("sms", f"+{PHONE}")
    assert not desk.one(sms, desk.hear("voice", f"+{PHONE}"))


def test_a_second_name_takes_back_what_was_linked_by_itself(desk: Desk) -> None:
    wa, sms = desk.hear("whatsapp", PHONE, "Amina Khelifi"), desk.hear("sms", f"+{PHONE}")
    assert desk.one(wa, sms)
    desk.hear("webchat", "v7", "Karim Haddad", claimed=(f"tel:+{PHONE}",))
    assert not desk.one(wa, sms)
    assert "linked" not in {answer for answer, _ in desk.kept()}


def test_a_desk_s_mailbox_is_nobody_s_own(desk: Desk) -> None:
    mail = desk.hear("email", "reception@clinic.example", "Amina Khelifi", CHANNEL)
    chat = desk.hear("webchat", "v1", "Amina Khelifi", verified=(("email", "reception@clinic.example"),))
    other = desk.hear("api", "reception@clinic.example", "Amina Khelifi", TOKEN)
    assert not desk.one(mail, chat)
    assert not desk.one(mail, other)


def test_a_name_that_many_have_suggests_nobody(desk: Desk) -> None:
    people = [desk.hear("instagram", f"{n}", "Mohamed Amine") for n in range(25)]
    assert desk.open(people[-1]) == []


def test_an_ordinary_message_asks_nothing_of_the_database(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.hear("whatsapp", PHONE, "Amina Khelifi")

    def fail(*_: object) -> None:
        raise AssertionError("looked")

    monkeypatch.setattr("wasl.customers.follow.consider", fail)
    assert not desk.hear("whatsapp", PHONE, "Amina Khelifi").learnt
    assert not desk.hear("whatsapp", PHONE, "AMINA  khelifi").learnt
    assert desk.world.owner.execute("SELECT count(*) FROM timeline_parked").fetchone() == (0,)


def test_every_name_is_learnt_once(desk: Desk) -> None:
    assert desk.hear("whatsapp", PHONE, "Amina Khelifi").created
    assert desk.hear("whatsapp", PHONE, "Amina Haddad").learnt
    assert not desk.hear("whatsapp", PHONE, "Amina Haddad").learnt
    assert not desk.hear("whatsapp", PHONE, "").learnt


def test_who_may_answer_and_what_is_not_there(desk: Desk) -> None:
    first = desk.hear("email", MAIL, "Amina Khelifi", CLAIMED)
    desk.hear("instagram", "1784", "Amina Khelifi")
    (only,) = desk.open(first)
    with tenant(desk.world.id), pytest.raises(Forbidden):
        suggestions.accept(desk.world.actor("readonly"), only)
    desk.answer(suggestions.refuse, first)
    with tenant(desk.world.id), pytest.raises(NotFound):
        suggestions.accept(desk.world.actor(), only)
    stranger = World(desk.world.owner)
    with tenant(stranger.id), pytest.raises(NotFound):
        suggestions.refuse(stranger.actor(), only)
