"""The list side of the day in the browser: narrowing, many at once, states, tags, merging; with and without scripts."""

import re
from html import unescape
from uuid import UUID

import pytest

from tests.inbound import mail, take
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.accounts.models import Team, TeamMember
from wasl.channels.models import Inbox, InboxTeam
from wasl.conversations import actions, bulk, export, states, tags, views
from wasl.conversations.filters import Filter
from wasl.conversations.models import Conversation, Message, SavedView
from wasl.conversations.reply import reply
from wasl.kit.clock import now
from wasl.kit.db import tenant

HTMX = {"HX-Request": "true"}
PEOPLE = 6


@pytest.fixture
def ids(shop: Shop) -> list[UUID]:
    """Six conversations, oldest first."""
    take(shop, *[mail("x", sender=f"C{n} <c{n}@x.example>", subject=f"Matter {n}") for n in range(PEOPLE)])
    with tenant(shop.id):
        return list(Conversation.objects.order_by("subject").values_list("id", flat=True))


def status(shop: Shop, key: UUID) -> str:
    with tenant(shop.id):
        return Conversation.objects.get(id=key).status


def matters(text: str) -> list[int]:
    return sorted({int(n) for n in re.findall(r"row-subject[^>]*>Matter (\d)", text)})


def test_places_and_what_they_are_narrowed_to(shop: Shop, ids: list[UUID], browser: Browser) -> None:
    actor = shop.actor()
    with tenant(shop.id):
        word = tags.tag(actor, ids[0], "Retour")
        tags.tag(actor, ids[1], "Retour")
        states.snooze(actor, ids[1], None)
        states.pend(actor, ids[2])
        team = Team.objects.create(workspace_id=shop.id, name="Lyon")
        TeamMember.objects.create(workspace_id=shop.id, team=team, agent=shop.agents["agent"])
        states.give_to_team(actor, ids[3], team.id)
    client = browser(shop)
    for path, expected in (
        ("/all", [0, 3, 4, 5]),
        ("/all?status=pending", [2]),
        ("/all?status=any", [0, 1, 2, 3, 4, 5]),
        ("/snoozed", [1]),
        ("/mentioned", []),
        (f"/team/{team.id}", [3]),
        (f"/all?tag={word.id}", [0]),
        (f"/all?tag={word.id}&status=any", [0, 1]),
        (f"/all?team=none&inbox={shop.mail.id}", [0, 4, 5]),
        ("/all?assignee=none&language=", [0, 3, 4, 5]),
    ):
        text = client.get(path).text
        assert matters(text) == expected, path
    assert re.search(r'class="badge">.*Until they reply<', client.get("/snoozed").text)
    page = client.get(f"/all?tag={word.id}&status=any").text
    assert f'href="/all/{ids[0]}?status=any&amp;tag={word.id}"' in page, "an open conversation keeps the list"
    assert 'class="chip" href="/all?status=any"' in page
    assert "Lyon" in client.get("/all").text
    for wrong in ("status=gone", "tag=x", "language=de"):
        assert client.get(f"/all?{wrong}").status_code == 400
    assert client.get(f"/team/{ids[0]}").status_code == 404
    fragment = client.get(f"/all/filter?tag={word.id}", headers=HTMX).text
    assert f'<option value="{word.id}" selected>Retour</option>' in fragment
    assert f"/export?at=all&amp;tag={word.id}" in fragment


def test_chosen_ones_are_changed_and_brought_back(shop: Shop, ids: list[UUID], browser: Browser) -> None:
    client = browser(shop)
    chosen = {"id": [str(key) for key in ids[:3]]}
    answer = client.post("/bulk", chosen | {"do": "resolve"}, headers=HTMX)
    assert "3 conversations resolved" in answer.text
    assert answer.headers["HX-Trigger"] == "wasl:bulk"
    undo = re.search(r'hx-post="(/bulk/[^"]+/undo)"', answer.text)
    assert undo
    with tenant(shop.id):
        states.pend(shop.actor("owner"), ids[0])
    back = client.post(undo[1], headers=HTMX).text
    assert "2 conversations are as they were." in back
    assert "1 was changed since and stays as it is." in back
    assert [status(shop, key) for key in ids[:3]] == ["pending", "open", "open"]
    assert browser(shop, "owner").post(undo[1], headers=HTMX).status_code == 404
    assert client.post("/bulk", {"do": "resolve"}, headers=HTMX).status_code == 422
    assert client.post("/bulk", chosen, headers=HTMX).status_code == 400
    assert client.post("/bulk", {"id": "x", "do": "resolve"}, headers=HTMX).status_code == 400
    assert browser(shop, "readonly").post("/bulk", chosen | {"do": "resolve"}).status_code == 403
    plain = client.post("/bulk", chosen | {"do": "resolve"}, headers={"Referer": "/all"})
    assert (plain.status_code, plain.headers["Location"]) == (302, "/all")


def test_all_of_a_list_goes_slice_by_slice(
    shop: Shop, ids: list[UUID], browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "SLICE", 2)
    client = browser(shop)
    with tenant(shop.id):
        word = tags.ensure(shop.actor(), "VIP")
        bulk.start(shop.actor(), {"tags": {str(word.id): True}}, ids[:2])
        tags.tag(shop.actor(), ids[2], "VIP")
    asked = {"every": "1", "where.at": "all", "where.tag": str(word.id), "id": str(ids[5])}
    answer = client.post("/bulk", asked | {"until": "reply"}, headers=HTMX)
    assert "2 of 3 conversations" in answer.text
    assert "<progress" in answer.text
    following = re.search(r'hx-post="(/bulk/[^"/]+)" hx-trigger="load', answer.text)
    assert following
    answer = client.post(following[1], headers=HTMX)
    assert "3 conversations snoozed" in answer.text
    assert [status(shop, key) for key in ids] == ["snoozed"] * 3 + ["open"] * 3


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"until": "at", "at": "2020-01-01T10:00"}, "Choose a time to come."),
        ({"until": "at", "at": ""}, "Choose a date and a time."),
        ({"until": "at", "at": "2999-01-01T10:00"}, "Choose a time within a year."),
    ],
)
def test_a_time_that_cannot_be_says_why(
    shop: Shop, ids: list[UUID], browser: Browser, asked: dict[str, str], expected: str
) -> None:
    client = browser(shop)
    for path, more in ((f"/conversations/{ids[0]}/snooze", {}), ("/bulk", {"id": str(ids[0])})):
        answer = client.post(path, asked | more, headers=HTMX)
        assert (answer.status_code, answer.text) == (422, expected)
    assert status(shop, ids[0]) == "open"


def test_snoozing_is_in_the_workspaces_time(shop: Shop, ids: list[UUID], browser: Browser) -> None:
    from wasl.accounts.models import Workspace

    with tenant(shop.id):
        Workspace.objects.filter(id=shop.id).update(timezone="Asia/Dubai")
    year = now().year + (1 if now().month > 11 else 0)
    at = f"{year}-12-31T09:30" if now().month < 12 else f"{year}-06-01T09:30"
    answer = browser(shop).post(f"/conversations/{ids[0]}/snooze", {"until": "at", "at": at}, headers=HTMX)
    assert "Snoozed until" in answer.text
    with tenant(shop.id):
        until = Conversation.objects.get(id=ids[0]).snoozed_until
    assert until
    assert (until.hour, until.minute) == (5, 30)


def test_tags_on_one_and_on_the_page_for_administrators(
    shop: Shop, ids: list[UUID], browser: Browser
) -> None:
    client, boss = browser(shop), browser(shop, "admin")
    path = f"/conversations/{ids[0]}"
    answer = client.post(f"{path}/tag", {"name": "<b>Retour"}, headers=HTMX)
    assert "&lt;b&gt;Retour" in answer.text
    assert client.post(f"{path}/tag", {"name": " "}, headers=HTMX).text == "Type a word for the tag."
    assert client.post(f"{path}/tag", {"name": "x" * 61}, headers=HTMX).status_code == 422
    found = client.get("/tags/found?name=RETOUR", headers=HTMX).text
    assert "&lt;b&gt;Retour" in found
    assert "New tag: RETOUR" in found
    with tenant(shop.id):
        one = tags.of(ids[0])[0]
        two = tags.ensure(shop.actor(), "Renvoi")
    assert client.get("/tags").status_code == 403
    assert "Retour" in boss.get("/tags").text
    taken = boss.post(f"/tags/{one.id}/rename", {"name": "RENVOI"}, headers=HTMX)
    assert "Merge the two instead" in taken.text
    assert boss.post(f"/tags/{one.id}/merge", {"into": str(two.id)}, headers=HTMX).status_code == 200
    with tenant(shop.id):
        assert [t.name for t in tags.of(ids[0])] == ["Renvoi"]
    client.post(f"{path}/untag", {"tag": str(two.id)}, headers=HTMX)
    boss.post(f"/tags/{two.id}/delete")
    assert "No tag yet" in boss.get("/tags").text


def test_a_list_is_kept_and_forgotten(shop: Shop, ids: list[UUID], browser: Browser) -> None:
    client = browser(shop)
    with tenant(shop.id):
        states.pend(shop.actor(), ids[1])
    made = client.post("/views", {"name": "To watch", "where.at": "all", "where.status": "pending"})
    assert made.status_code == 302
    text = client.get(made.headers["Location"]).text
    assert matters(text) == [1]
    assert "To watch" in text
    assert browser(shop, "owner").get(made.headers["Location"]).status_code == 404, "it is one's own"
    assert client.post("/views", {"name": " ", "where.at": "all"}, headers=HTMX).status_code == 422
    assert client.post("/views", {"name": "x", "shared": "1", "where.at": "all"}).status_code == 403
    with tenant(shop.id):
        key = SavedView.objects.get().id
        ours = views.save(shop.actor("admin"), "Ours", Filter(status="pending"), shared=True)
    assert "Ours" in browser(shop, "owner").get("/all").text
    assert client.post(f"/views/{ours}/rename", {"name": "Mine"}).status_code == 403
    assert "Remove this view" not in client.get(f"/view/{ours}/filter").text
    assert client.post(f"/views/{key}/rename", {"name": " "}, headers=HTMX).status_code == 422
    assert browser(shop, "owner").post(f"/views/{key}/rename", {"name": "x"}).status_code == 404
    client.post(f"/views/{key}/rename", {"name": "  To look   at "})
    page = client.get("/all").text
    assert "To look at" in page
    assert "To watch" not in page
    client.post(f"/views/{key}/forget")
    assert "To look at" not in client.get("/all").text


def test_an_export_is_a_file_that_spreadsheets_open(shop: Shop, ids: list[UUID], browser: Browser) -> None:
    answer = browser(shop).get("/export?at=all&assignee=none")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="all-')
    text = b"".join(answer.streaming_content).decode("utf-8")  # type: ignore[attr-defined]
    assert text.startswith("\ufeffNumber,Subject,")
    assert text.count("Matter") == PEOPLE


def test_an_export_can_be_fetched_part_by_part(
    shop: Shop, ids: list[UUID], browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PART", 4)
    client = browser(shop)
    whole = b"".join(client.get("/export?at=all").streaming_content)  # type: ignore[attr-defined]
    first = client.get("/export?at=all&part=1")
    second = client.get(f"/export?at=all&part=1&before={first.headers['Wasl-Next']}")
    assert "Wasl-Next" not in second.headers
    assert first.content + second.content == whole


def test_merging_asks_first_and_leads_on(shop: Shop, ids: list[UUID], browser: Browser) -> None:
    client = browser(shop)
    sheet = client.get(f"/merge?id={ids[0]}&id={ids[1]}", headers=HTMX).text
    assert "These are of different customers" in sheet
    chosen = {"id": [str(ids[0]), str(ids[1])], "into": str(ids[1])}
    assert "Confirm that they belong together" in client.post("/merge", chosen, headers=HTMX).text
    answer = client.post("/merge", chosen | {"across": "1"}, headers=HTMX)
    assert answer.headers["Wasl-Open"] == str(ids[1])
    assert "Old links and replies lead here" in answer.text
    old = client.get(f"/all/{ids[0]}?status=any")
    assert (old.status_code, old.headers["Location"]) == (302, f"/all/{ids[1]}?status=any")
    undo = re.search(r'hx-post="(/regroupings/[^"]+/undo)"', answer.text)
    assert undo
    assert client.post(undo[1], headers=HTMX).headers["Wasl-Open"] == str(ids[0])
    assert "taken back already" in client.post(undo[1], headers=HTMX).text
    assert client.get(f"/all/{ids[0]}").status_code == 200
    assert client.get("/merge").status_code == 400
    assert client.get(f"/merge?id={shop.id}").status_code == 404
    assert browser(shop, "readonly").post("/merge", chosen | {"across": "1"}).status_code == 403
    alone = client.post("/merge", {"id": str(ids[0]), "into": str(ids[0])}, headers=HTMX)
    assert alone.text == "Choose at least two conversations."


def test_a_team_is_given_a_conversation_where_it_is_open(
    shop: Shop, ids: list[UUID], browser: Browser
) -> None:
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Lyon")
    client = browser(shop)
    action = f"/conversations/{ids[0]}/team"
    assert f'hx-post="{action}"' in client.get(f"/all/{ids[0]}").text
    for given in (str(team.id), ""):
        assert client.post(action, {"team": given}, headers=HTMX).status_code == 200
        with tenant(shop.id):
            assert str(Conversation.objects.get(id=ids[0]).team_id or "") == given
    assert client.post(action, {"team": str(ids[0])}, headers=HTMX).status_code == 404


def test_a_move_is_taken_back_with_whoever_had_it(shop: Shop, ids: list[UUID], browser: Browser) -> None:
    with tenant(shop.id):
        mine = Team.objects.create(workspace_id=shop.id, name="Owners")
        TeamMember.objects.create(workspace_id=shop.id, team=mine, agent=shop.agents["owner"])
        other = Inbox.objects.create(
            workspace_id=shop.id, channel="email", name="Lyon", address="l@x.example"
        )
        InboxTeam.objects.create(workspace_id=shop.id, inbox=other, team=mine)
        agent = shop.agents["agent"].id
        actions.assign(shop.actor("owner"), ids[0], agent)
    client = browser(shop, "owner")
    said = client.post(f"/conversations/{ids[0]}/move", {"inbox": str(other.id)}, headers=HTMX).text
    assert "so nobody has it now" in said
    undo = re.search(rf'hx-post="(/conversations/{ids[0]}/move[^"]*)"', said)
    assert undo
    elsewhere = HTMX | {"HX-Current-URL": "https://shop.example/all"}
    assert client.post(unescape(undo[1]), headers=elsewhere).status_code == 204
    with tenant(shop.id):
        row = Conversation.objects.get(id=ids[0])
    assert (row.inbox_id, row.assignee_id) == (shop.mail.id, agent)
    assert client.post(f"/conversations/{ids[0]}/move", headers=HTMX).status_code == 400


def test_another_matter_is_thought_to_begin_with_the_customer(
    shop: Shop, ids: list[UUID], browser: Browser
) -> None:
    with tenant(shop.id):
        first = Message.objects.get(conversation_id=ids[0])
    again = mail("And my lamp?", sender="C0 <c0@x.example>", subject="Matter 0", references=first.rfc_id)
    take(shop, again)
    with tenant(shop.id):
        reply(shop.actor("owner"), ids[0], "It is on its way.")
        asked = Message.objects.get(conversation_id=ids[0], text__startswith="And my lamp").id
    page = browser(shop).get(f"/conversations/{ids[0]}/split").text
    assert re.findall(r'value="([^"]+)" checked', page) == [str(asked)]


def test_menus_hold_what_there_is(shop: Shop, ids: list[UUID], browser: Browser) -> None:
    client = browser(shop)
    assert "Tomorrow morning" in client.get("/bulk/menu/snooze").text
    assert "Owner" in client.get("/bulk/menu/assign").text
    assert "Name of the tag" in client.get("/bulk/menu/tag").text
    assert "Merge into one" in client.get("/bulk/menu/more").text
    assert client.get("/bulk/menu/else").status_code == 404
    assert "There is no other inbox" in client.get(f"/conversations/{ids[0]}/move").text
    assert "only one message" in client.get(f"/conversations/{ids[0]}/split").text
