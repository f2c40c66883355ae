"""States, teams, tags and filters over the API."""

from datetime import timedelta

import pytest

from tests.api.client import Caller, problem
from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.accounts.models import Team
from wasl.channels.models import Inbox
from wasl.channels.registry import channels
from wasl.conversations import regroup
from wasl.conversations.models import Conversation
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7


@pytest.fixture
def two(shop: Shop) -> list[str]:
    """Two conversations; their ids, the older first."""
    take(shop, mail("Bonjour", sender="a@x.example", subject="One"))
    take(shop, mail("Bonjour", sender="b@x.example", subject="Two"))
    with tenant(shop.id):
        return [str(key) for key in Conversation.objects.order_by("last_at").values_list("id", flat=True)]


def test_inboxes_of_every_channel_are_in_the_list(shop: Shop, call: Caller) -> None:
    with tenant(shop.id):
        for name in channels():
            Inbox.objects.create(
                id=uuid7(), workspace_id=shop.id, channel=name, name=f"One of {name}", address=f"at-{name}"
            )
    made = {row["name"]: (row["channel"], row["address"]) for row in call.get("/inboxes")}
    assert {name: made.get(f"One of {name}") for name in channels()} == {
        name: (name, f"at-{name}") for name in channels()
    }


def ids(call: Caller, query: str) -> list[str]:
    return [row["id"] for row in call.get(f"/conversations?{query}")["items"]]


def test_states_and_until_when(call: Caller, two: list[str]) -> None:
    path = f"/conversations/{two[0]}"
    until = (now() + timedelta(days=2)).isoformat()
    for change, expected in (
        ({"status": "pending"}, ("pending", None)),
        ({"status": "snoozed"}, ("snoozed", None)),
        ({"status": "open"}, ("open", None)),
    ):
        answer = call("PATCH", path, change).json()
        assert (answer["status"], answer["snoozed_until"]) == expected
    answer = call("PATCH", path, {"status": "snoozed", "snoozed_until": until}).json()
    assert answer["status"] == "snoozed"
    assert answer["snoozed_until"][:19] == until[:19]
    assert ids(call, "status=snoozed") == [two[0]]
    assert ids(call, "status=open") == [two[1]]
    past = call("PATCH", path, {"status": "snoozed", "snoozed_until": "2020-01-01T00:00:00Z"})
    assert problem(past, 422, "invalid")["errors"][0]["pointer"] == "#/snoozed_until"


def test_teams_and_tags(shop: Shop, call: Caller, two: list[str]) -> None:
    with tenant(shop.id):
        team = str(Team.objects.create(workspace_id=shop.id, name="Lyon").id)
    answer = call(
        "PATCH", f"/conversations/{two[1]}", {"team_id": team, "tags": ["Retour", "VIP", "retour"]}
    ).json()
    assert (answer["team_id"], answer["tags"]) == (team, ["Retour", "VIP"])
    assert ids(call, "tag=RETOUR") == [two[1]]
    assert ids(call, "tag=unheard") == []
    assert ids(call, f"team={team}") == [two[1]]
    assert ids(call, "team=none") == [two[0]]
    assert ids(call, "language=it") == []
    assert call("PATCH", f"/conversations/{two[1]}", {"tags": [], "team_id": None}).json()["tags"] == []
    wrong = call("PATCH", f"/conversations/{two[1]}", {"team_id": two[0]})
    assert problem(wrong, 422, "invalid")["errors"][0]["pointer"] == "#/team_id"
    wrong = call("PATCH", f"/conversations/{two[1]}", {"tags": ["x" * 61]})
    assert problem(wrong, 422, "invalid")["errors"][0]["pointer"] == "#/tags"


def test_a_merged_conversation_is_answered_as_the_one_it_is_now(
    shop: Shop, call: Caller, two: list[str]
) -> None:
    with tenant(shop.id):
        first, second = Conversation.objects.order_by("last_at")
        regroup.merge(shop.actor(), second.id, [first.id], across=True)
    assert ids(call, "") == [two[1]]
    assert call.get(f"/conversations/{two[0]}")["id"] == two[1]
    assert len(call.get(f"/conversations/{two[0]}/messages")["items"]) == 2
