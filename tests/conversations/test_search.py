"""Searching: what is found, what is not, and by whom."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.conversations.searched import arrive, find, follow, found, letter
from tests.inbound import take
from tests.worlds import Shop
from wasl.accounts.models import Team
from wasl.channels.models import Inbox, InboxTeam
from wasl.conversations import actions
from wasl.conversations.asking import LONGEST, TooLong, read
from wasl.conversations.models import Message, Searchable, Tag, Tagging
from wasl.conversations.reply import reply
from wasl.customers import queries as customers
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant


def test_words_are_found_in_any_form_and_language(shop: Shop) -> None:
    en, fr, it, ar = arrive(
        shop,
        letter("The plates were broken when they arrived", "anna", subject="Delivery"),
        letter("Les assiettes sont cassées", "marie", subject="Livraison"),
        letter("I piatti sono arrivati rotti", "carla", subject="Consegna"),
        letter("وصلتني الصحونُ مكسورة", "salma", subject="الشحنة"),
    )
    assert found(shop, "break") == {en}
    assert found(shop, "deliveries PLATE") == {en}
    assert found(shop, "assiette casser") == {fr}
    assert found(shop, "livraisons") == {fr}
    assert found(shop, "piatto") == {it}
    assert found(shop, "صحن") == found(shop, "كسر") == found(shop, "للشحن") == {ar}
    assert found(shop, "plate -broken") == set()
    assert found(shop, "gift") == set()


def test_phrases_keep_their_order(shop: Shop) -> None:
    one, two = arrive(shop, letter("the order number is missing"), letter("number one in order", "anna"))
    assert found(shop, '"order number"') == {one}
    assert found(shop, "“order number”") == {one}
    assert found(shop, "order number") == {one, two}
    assert found(shop, '-"order number" order') == {two}


@pytest.mark.parametrize("typed", ["DZ-20377", "20377", "dz20377", "DZ 20377", "٢٠٣٧٧"])
def test_numbers_are_found_however_they_are_written(shop: Shop, typed: str) -> None:
    (one, _) = arrive(shop, letter("my order DZ-20377, please"), letter("my order DZ-20378", "anna"))
    assert found(shop, typed) == {one}


def test_people_are_found_by_name_and_address(shop: Shop) -> None:
    (one, other) = arrive(shop, letter("Hello"), letter("Hello", sender="Jörg Ångström <jorg@north.example>"))
    with tenant(shop.id):
        conversation = Message.objects.get(id=one).conversation_id
        answer = reply(shop.actor("agent"), conversation, "Our answer")
    follow()
    for typed in (
        "from:camille",
        "de:cam",
        "da:camille@atelier.example",
        "من:moreau",
        "from:@atelier.example",
    ):
        assert found(shop, typed) == {one}, typed
    assert found(shop, "Angstrom") == found(shop, "from:jorg") == {other}
    assert found(shop, "to:camille") == found(shop, "à:moreau") == found(shop, "from:agent") == {answer}
    assert found(shop, "camille@atelier.example") == {answer}  # the newest of the conversation
    assert found(shop, "hello -from:camille") == {other}


def test_files_are_found_by_name(shop: Shop) -> None:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "anna@x.example", "support@dar-zaytun.example", "Rechnung"
    made["Message-ID"] = "<file@x.example>"
    made.set_content("See enclosed")
    made.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="facture_été-2026.pdf")
    one, _ = arrive(shop, made.as_bytes(), letter("nothing", subject="x"))
    for typed in ("facture", "ete", "pdf", "has:attachment", "avec:pièce-jointe", "فيه:مرفق"):
        assert found(shop, typed) == {one}, typed
    assert [p.text for p in find(shop, "facture").rows[0].files[0] if p.found] == ["facture"]


def test_what_conversations_are_is_asked_for(shop: Shop) -> None:
    one, two, three = arrive(
        shop, letter("red cup"), letter("red plate", "anna"), letter("red bowl", "carla")
    )
    actor = shop.actor("agent")
    with tenant(shop.id):
        at = dict(Message.objects.values_list("id", "conversation_id"))
        actions.resolve(actor, at[one])
        actions.assign(actor, at[two], actor.agent_id)
        actions.mark_seen(actor, at[two])
        tag = Tag.objects.create(workspace_id=shop.id, name="Été", folded="ete")
        Tagging.objects.create(workspace_id=shop.id, tag=tag, conversation_id=at[three], at=now())
    for typed, expected in {
        "is:resolved": {one}, "حالة:محلولة": {one}, "is:open": {two, three}, "is:open is:resolved": {one, two, three},
        "is:mine": {two}, "is:unassigned is:open": {three}, "is:unread is:open": {three}, "tag:été": {three},
        "tag:nothing": set(), "in:support": {one, two, three}, "in:forms": set(), "in:nowhere": set(),
        "after:1d": {one, two, three}, "before:1d": set(), "lang:arabe": set(),
    }.items():  # fmt: skip
        assert found(shop, f"red {typed}") == expected, typed
        if not typed.startswith("lang"):
            assert found(shop, typed) == {at[m] for m in expected}, typed


def test_what_is_not_understood_is_named_and_the_rest_searched_for(shop: Shop) -> None:
    (one,) = arrive(shop, letter("red cup"))
    result = find(shop, "red is:green before:tomorrow tag:none in:there a")
    assert result.rows == []
    assert result.unknown == ("is:green", "before:tomorrow", "a", "in:there", "tag:none")
    assert find(shop, "red is:green").rows[0].message_id == one


@pytest.mark.parametrize("text", ["x" * (LONGEST + 1), "x " * 30, "x" * 10_000])
def test_more_than_can_be_searched_for_is_refused(text: str) -> None:
    with pytest.raises(TooLong):
        read(text)


HOSTILE = [
    "' OR 1=1 --", "a & | ! b", "'''", "\\", "\\'", ":*", "<->", "((((", "!!!", '"""', "from:'", "from:\\' to:!", "\0",
    "-", "--", "from:", '"', "from:@", "before:99999999", "after:0000-00-00", "before:0001-01-01", "after:9999y", "w/x",
    "'w/x'", "*", "a*", "%", "_", "\ud7ff", "\u202e", "ـــ", "َ", "is:-open", "🎁", "x" * 300, "-from:-", "tag:\"",
    "😀*",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_typed_is_a_search(shop: Shop, text: str) -> None:
    for _ in range(2):
        find(shop, text)
        find(shop, f"word {text}")


def test_an_agent_finds_nothing_in_inboxes_they_may_not_see(shop: Shop) -> None:
    with tenant(shop.id):
        private = Inbox.objects.create(
            workspace_id=shop.id, channel="email", name="Private", address="p@dar-zaytun.example"
        )
        team = Team.objects.create(workspace_id=shop.id, name="Few")
        InboxTeam.objects.create(workspace_id=shop.id, inbox=private, team=team)
    (hidden,) = arrive(shop, letter("the secret word", to="p@dar-zaytun.example"), inbox=private)
    (shown,) = arrive(shop, letter("another secret"))
    assert found(shop, "secret") == {shown}
    assert found(shop, "secret", "owner") == {shown, hidden}
    assert found(shop, "word") == found(shop, "in:private secret") == set()
    assert len(find(shop, "is:open").rows) == 1


def test_another_workspace_is_not_searched(shop: Shop) -> None:
    other = Shop.create("other", "help@other.example")
    arrive(other, letter("secret", to="help@other.example"), to="help@other.example", inbox=other.mail)
    assert found(shop, "secret") == set()
    assert len(found(other, "secret")) == 1
    with tenant(shop.id), pytest.raises(Exception, match="privilege"):
        raw().execute(ASK, [other.id, [other.mail.id], "'secret'"])
    assert named(shop) == []
    assert named(other) == [other.id]
    with tenant(shop.id), pytest.raises(Exception, match="privilege"):
        raw().execute("SELECT * FROM wasl_people_of_late(%s, 'camille', 4)", [other.id])


def named(shop: Shop) -> list[UUID]:
    """The workspaces of the people who are suggested."""
    with tenant(shop.id):
        return [one.workspace_id for one in customers.of_late(shop.actor("agent"), "camille", 4)]


ASK = """
SELECT * FROM wasl_search(%s, %s::uuid[], %s::tsquery, NULL, NULL, false, NULL, NULL, '-infinity',
  'infinity', 'infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 10)
"""


def test_a_conversation_is_found_once_and_pages_hold_each_once(shop: Shop) -> None:
    start = now() - timedelta(days=20)
    for turn in range(3):
        for n in range(8):
            answered = {"In_Reply_To": f"<{n}.{turn - 1}@x>", "Message_ID": f"<{n}.{turn}@x>"}
            take(
                shop,
                letter(f"red {n} {turn}", f"p{n}", **answered),
                at=start + timedelta(hours=turn, minutes=n),
            )
    follow()
    seen: list[UUID] = []
    before, pages = None, 0
    while True:
        page = find(shop, "red", before=before, limit=3)
        seen += [hit.id for hit in page.rows]
        pages += 1
        before = page.after
        if before is None:
            break
    assert pages == 3
    assert len(seen) == len(set(seen)) == 8
    assert all(" 2" in hit.text[-1].text for hit in find(shop, "red").rows)
    assert len(find(shop, "red 0").rows) == 8  # each has a message of the first turn


def test_rows_tell_where_it_was_found(shop: Shop) -> None:
    arrive(shop, letter("Bonjour, " + "les mots " * 60 + "ma FACTURÉE est fausse " + "et encore " * 60))
    (hit,) = find(shop, "factures").rows
    assert [p.text for p in hit.text if p.found] == ["FACTURÉE"]
    assert [p.text for p in hit.subject if p.found] == ["Facture"]
    assert len("".join(p.text for p in hit.text)) < 200


@pytest.mark.parametrize("prefix", ["Re: ", "RE: Fwd: ", "رد: "])
def test_rows_leave_out_what_programs_put_before_a_subject(shop: Shop, prefix: str) -> None:
    arrive(shop, letter("متى يصل؟", "salma", subject=f"{prefix}زجاج المصباح، DZ-20418"))
    (hit,) = find(shop, "DZ-20418").rows
    assert "".join(piece.text for piece in hit.subject) == "زجاج المصباح، DZ-20418"


def test_a_message_that_is_deleted_is_no_longer_found(shop: Shop, owner: psycopg.Connection[Any]) -> None:
    (one,) = arrive(shop, letter("red"))
    owner.execute("DELETE FROM conversations_message WHERE id = %s", [one])
    assert found(shop, "red") == set()
    with tenant(shop.id):
        assert not Searchable.objects.exists()


def test_rebuilt_it_is_as_it_was(shop: Shop, owner: psycopg.Connection[Any]) -> None:
    from wasl.config.rebuild import main

    arrive(shop, letter("red"), letter("Où est ma facture ?", "anna"))
    assert main(["conversations.search"]) == 0
    owner.execute("UPDATE conversations_searchable SET words = 'x'")
    assert main(["conversations.search"]) == 1
    assert len(found(shop, "facture")) == 2
