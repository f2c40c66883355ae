"""Saved replies: kept by name and language, offered in the customer's, filled in without a gap going unnoticed."""

from typing import Any
from uuid import UUID

import pytest

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.actor import Forbidden, NotFound
from wasl.accounts.models import Team, TeamMember
from wasl.conversations import saved
from wasl.conversations.models import Conversation, SavedReply
from wasl.conversations.saved import CannotSave
from wasl.conversations.variables import KNOWN
from wasl.customers.models import Order
from wasl.kit.clock import now
from wasl.kit.db import tenant


@pytest.fixture
def conversation(shop: Shop) -> Conversation:
    take(shop, mail("Bonjour, où est ma facture ? Merci de me répondre avant la fin de la semaine."))
    with tenant(shop.id):
        Conversation.objects.update(language="fr")
        return Conversation.objects.get()


def keep(shop: Shop, name: str, language: str, text: str, **more: Any) -> UUID:
    with tenant(shop.id):
        return saved.save(shop.actor(), more.pop("id", None), name=name, language=language, text=text, **more)


def keep_order(shop: Shop) -> UUID:
    return saved.save(shop.actor(), None, name="Order", language="fr", text="Commande {{order.number}}")


def offered(shop: Shop, conversation: Conversation, asked: str = "") -> list[tuple[str, str]]:
    with tenant(shop.id):
        return [(c.name, c.language) for c in saved.choices(shop.actor(), conversation.id, asked)]


def test_the_customers_language_comes_first(shop: Shop, conversation: Conversation) -> None:
    for language in ("en", "fr", "ar"):
        keep(shop, "Thanks", language, "…")
    keep(shop, "Away", "ar", "نعود قريبًا")
    keep(shop, "Invoice", "en", "Here it is")
    assert offered(shop, conversation) == [("Thanks", "fr"), ("Invoice", "en"), ("Away", "ar")]
    assert offered(shop, conversation, "HERE") == [("Invoice", "en")]
    assert offered(shop, conversation, "نعود") == [("Away", "ar")]
    assert offered(shop, conversation, "nothing of the kind") == []


def test_variables_are_filled_in_and_what_is_missing_stays(shop: Shop, conversation: Conversation) -> None:
    text = "Bonjour {{ customer.first_name }}, {{agent.name}} de {{inbox.name}} ({{conversation.number}})"
    plain = keep(shop, "A", "fr", text)
    html = keep(shop, "B", "fr", "", html="<p><b>{{customer.name}}</b> {{conversation.subject}}</p>")
    with tenant(shop.id):
        about = saved.filled(shop.actor(), conversation.id, keep_order(shop))
        assert (about.text, about.missing) == ("Commande {{order.number}}", ["order.number"])
        Order.objects.create(
            workspace_id=shop.id, customer_id=conversation.customer_id, number="DZ-20377", folded="dz20377",
            status="sent", placed_at=now(), changed_at=now(),
        )  # fmt: skip
        about = saved.filled(shop.actor(), conversation.id, SavedReply.objects.get(name="Order").id)
        assert (about.text, about.missing) == ("Commande DZ-20377", [])
        conversation.customer.root.name = "Camille <Moreau>"
        conversation.customer.root.save()
        Conversation.objects.update(subject="")
        found = saved.filled(shop.actor(), conversation.id, plain)
        rich = saved.filled(shop.actor(), conversation.id, html)
    assert found.text == f"Bonjour Camille, Agent de Support ({conversation.id.hex[-8:].upper()})"
    assert found.missing == []
    assert "<b>Camille &lt;Moreau&gt;</b> {{conversation.subject}}" in rich.html
    assert rich.missing == ["conversation.subject"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": " "}, "no_name"),
        ({"text": " \n"}, "empty"),
        ({"name": "x" * 81}, "too_long"),
        ({"text": "x" * 20_001}, "too_long"),
        ({"language": "de"}, "language"),
        ({"team_id": UUID(int=1)}, "team"),
        ({"text": "Hi {{customer.nmae}} {{x}}"}, "unknown"),
        ({"html": "<p>{{customer<b>.name</b>}}</p>"}, "unknown"),
        ({"name": "Taken", "language": "en"}, "taken"),
    ],
)
def test_what_cannot_be_kept_says_why(
    shop: Shop, conversation: Conversation, fields: dict[str, Any], reason: str
) -> None:
    keep(shop, "Taken", "en", "…")
    given: dict[str, Any] = {"name": "Hello", "language": "fr", "text": "Bonjour"} | fields
    with tenant(shop.id), pytest.raises(CannotSave) as said:
        saved.save(shop.actor(), None, **given)
    assert said.value.reason == reason
    if "nmae" in given["text"]:
        assert said.value.names == ["customer.nmae", "x"]


def test_every_variable_can_be_kept(shop: Shop, db: None) -> None:
    assert keep(shop, "All", "en", " ".join(f"{{{{{name}}}}}" for name in KNOWN))


def test_changed_removed_and_brought_back(shop: Shop, conversation: Conversation) -> None:
    key = keep(shop, "Hello", "fr", "Bonjour")
    assert keep(shop, "Hello", "fr", "Bonsoir", id=key) == key
    with tenant(shop.id):
        saved.remove(shop.actor(), key)
        assert not saved.choices(shop.actor(), conversation.id)
        with pytest.raises(NotFound):
            saved.get(shop.actor(), key)
        saved.restore(shop.actor(), key)
        saved.remove(shop.actor(), key)
    assert keep(shop, "Hello", "fr", "Salut") == key
    assert offered(shop, conversation) == [("Hello", "fr")]
    with tenant(shop.id):
        assert SavedReply.objects.get().text == "Salut"


def test_a_teams_replies_are_the_teams(shop: Shop, conversation: Conversation) -> None:
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Orders")
        TeamMember.objects.create(workspace_id=shop.id, team=team, agent=shop.agents["agent"])
        outsider = shop.hire("out", "out@dar-zaytun.example", "agent")
    key = keep(shop, "Hello", "fr", "Bonjour", team_id=team.id)
    assert offered(shop, conversation) == [("Hello", "fr")]
    with tenant(shop.id):
        assert saved.get(shop.actor("admin"), key)
        with pytest.raises(NotFound):
            saved.filled(shop.actor("out"), conversation.id, key)
        assert outsider


def test_readers_keep_none_and_other_workspaces_see_none(shop: Shop, conversation: Conversation) -> None:
    key = keep(shop, "Hello", "fr", "Bonjour")
    with tenant(shop.id), pytest.raises(Forbidden):
        saved.remove(shop.actor("readonly"), key)
    other = Shop.create("other", "help@other.example")
    with tenant(other.id), pytest.raises(NotFound):
        saved.get(other.actor("owner"), key)
