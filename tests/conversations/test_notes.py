"""Notes and who is named in them; and that no customer ever reads one."""

from typing import Any

import psycopg
import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.actor import Forbidden
from wasl.accounts.models import Agent, Team, TeamMember
from wasl.channels.models import InboxTeam
from wasl.conversations import actions, mentions, queries
from wasl.conversations.doubt import Care, Doubt
from wasl.conversations.models import Conversation, Mention, Message
from wasl.conversations.notes import note
from wasl.conversations.reply import CannotReply, Upload, reply
from wasl.delivery.models import Delivery
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7

Owner = psycopg.Connection[Any]


@pytest.fixture
def conversation(shop: Shop) -> Conversation:
    take(shop, mail("Où est ma facture ?"))
    with tenant(shop.id):
        shop.hire("leila", "leila@dar-zaytun.example", "agent")
        Agent.objects.filter(id=shop.agents["leila"].id).update(name="Leïla Haddad")
        shop.hire("yusuf", "yusuf@dar-zaytun.example", "agent")
        Agent.objects.filter(id=shop.agents["yusuf"].id).update(name="يوسف العلمي")
        return Conversation.objects.get()


def named(shop: Shop, text: str) -> tuple[set[str], mentions.Named]:
    with tenant(shop.id):
        found = mentions.read(shop.actor(), shop.mail.id, text)
        names = set(Agent.objects.filter(id__in=found.agents).values_list("name", flat=True))
    return names, found


@pytest.mark.parametrize(
    ("text", "who", "marks"),
    [
        ("@Leïla Haddad, la facture ?", {"Leïla Haddad"}, ["@Leïla Haddad"]),
        ("demande à @leïla.", {"Leïla Haddad"}, ["@leïla"]),
        ("@يوسف العلمي انظر", {"يوسف العلمي"}, ["@يوسف العلمي"]),
        ("(@يوسف) و@Leïla", {"يوسف العلمي"}, ["@يوسف"]),
        ("@Leïlani n'est pas d'ici", set(), []),
        ("leila@dar-zaytun.example et a@Leïla", set(), []),
        ("@ @@ @", set(), []),
        ("@Agent, moi-même", set(), ["@Agent"]),
    ],
)
def test_who_is_named(
    shop: Shop, conversation: Conversation, text: str, who: set[str], marks: list[str]
) -> None:
    names, found = named(shop, text)
    assert (names, found.marks, found.left, found.blind) == (who, marks, [], [])


def test_a_note_is_written_once_and_changes_nothing_the_customer_knows(
    shop: Shop, conversation: Conversation, owner: Owner
) -> None:
    key = uuid7()
    with tenant(shop.id):
        before = Conversation.objects.values().get()
        for _ in range(2):
            files = [Upload("a.txt", "text/plain", content=b"a")]
            assert note(shop.actor(), conversation.id, "@Leïla regarde", files, key=key) == key
        assert Message.objects.get(way="note").meta == {"marks": ["@Leïla"]}
        assert Mention.objects.get().agent_id == shop.agents["leila"].id
        assert Conversation.objects.values().get() == before
        assert not Delivery.objects.exists()
    facts = owner.execute("SELECT facts FROM timeline_touchpoint WHERE kind = 'note.added'").fetchall()
    assert [row[0] for row in facts] == [{"by": "agent", "files": 1, "mentions": 1, "size": 15}]


def test_whoever_is_named_finds_it_until_they_look(shop: Shop, conversation: Conversation) -> None:
    one, two = shop.actor("leila"), shop.actor("yusuf")
    with tenant(shop.id):
        note(shop.actor(), conversation.id, "@Leïla regarde")
        assert [c.id for c in mentions.mentioned(one)] == [conversation.id]
        assert (mentions.unseen(one), mentions.unseen(two)) == (1, 0)
        assert not mentions.mentioned(two).exists()
        actions.mark_seen(one, conversation.id)
        assert mentions.unseen(one) == 0
        assert mentions.mentioned(one).exists(), "seen is not gone"


def test_naming_someone_who_left_or_may_not_see_is_said(shop: Shop, conversation: Conversation) -> None:
    with tenant(shop.id):
        Agent.objects.filter(id=shop.agents["leila"].id).update(is_active=False)
        team = Team.objects.create(workspace_id=shop.id, name="Commandes")
        InboxTeam.objects.create(workspace_id=shop.id, inbox=shop.mail, team=team)
        TeamMember.objects.create(workspace_id=shop.id, team=team, agent=shop.agents["agent"])
        text = "@Leïla Haddad, @يوسف et @Commandes"
        with pytest.raises(Doubt) as said:
            note(shop.actor(), conversation.id, text, care=Care())
        assert said.value.left == ["Leïla Haddad"]
        assert said.value.blind == ["يوسف العلمي"]
        assert not Message.objects.filter(way="note").exists()
        note(shop.actor(), conversation.id, text, care=Care("", frozenset({"left", "blind"})))
        assert not Mention.objects.exists(), "a team of which one is the writer reaches nobody else"


def test_a_team_reaches_its_members(shop: Shop, conversation: Conversation) -> None:
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Orders desk")
        for who in ("leila", "yusuf", "agent"):
            TeamMember.objects.create(workspace_id=shop.id, team=team, agent=shop.agents[who])
        note(shop.actor(), conversation.id, "@orders desk: look")
        assert {m.agent_id for m in Mention.objects.all()} == {
            shop.agents["leila"].id,
            shop.agents["yusuf"].id,
        }


def test_completion_offers_those_who_may_see(shop: Shop, conversation: Conversation) -> None:
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Leather")
        TeamMember.objects.create(workspace_id=shop.id, team=team, agent=shop.agents["yusuf"])
        actor = shop.actor()
        assert [c.name for c in mentions.choices(actor, shop.mail.id, "le")] == ["Leather", "Leïla Haddad"]
        assert [c.name for c in mentions.choices(actor, shop.mail.id, "hadd")] == ["Leïla Haddad"]
        assert "Agent" not in [c.name for c in mentions.choices(actor, shop.mail.id, "")]
        InboxTeam.objects.create(workspace_id=shop.id, inbox=shop.mail, team=team)
        assert [c.name for c in mentions.choices(actor, shop.mail.id, "le")] == ["Leather"]


def test_readers_write_no_notes_and_empty_ones_are_none(shop: Shop, conversation: Conversation) -> None:
    with tenant(shop.id), pytest.raises(Forbidden):
        note(shop.actor("readonly"), conversation.id, "x")
    with tenant(shop.id), pytest.raises(CannotReply, match="empty"):
        note(shop.actor(), conversation.id, " ", html="<p><br></p>")


def test_no_answer_carries_a_note(shop: Shop, conversation: Conversation) -> None:
    """Neither its words, nor its name in the thread's references, nor its files."""
    secret = "unter uns gesagt"
    with tenant(shop.id):
        key = note(
            shop.actor(), conversation.id, secret, [Upload("s.txt", "text/plain", content=b"s")], html=""
        )
        reply(shop.actor(), conversation.id, "La voici.")
        payload = str(Delivery.objects.get().payload)
        assert Message.objects.get(id=key).rfc_id == ""
        assert queries.conversation(shop.actor(), conversation.id).preview == "La voici."
    assert secret not in payload
    assert key.hex not in payload
    assert "s.txt" not in payload
