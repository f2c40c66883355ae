"""Who works here: invitations, roles, teams, and the access log."""

import re
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from tests.workspace.stage import Browser, Known
from tests.worlds import PASSWORD, Shop
from wasl.accounts import access_log, people, teams
from wasl.accounts.actor import Forbidden, NotFound
from wasl.accounts.models import Access, Agent, Invitation, Role, Team, User
from wasl.channels.models import InboxTeam
from wasl.channels.queries import visible_inboxes
from wasl.conversations.models import Conversation
from wasl.kit.db import tenant
from wasl.workspace import post

ADDRESS = "nour@dar-zaytun.example"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    access_log.forget_looks()


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What would have been sent, without the thread in which it is."""
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(post, "to_newcomer", lambda *letter: sent.append(letter))

    class Now:
        def __init__(self, target: object, args: tuple[object, ...], daemon: bool) -> None:
            self.args = args

        def start(self) -> None:
            post.to_newcomer(*self.args)  # type: ignore[arg-type]

    monkeypatch.setattr("wasl.workspace.views.people.threading.Thread", Now)
    return sent


def _invited(shop: Shop, role: str = "agent", email: str = ADDRESS) -> people.Invited:
    with tenant(shop.id):
        return people.invite(shop.actor("owner"), email, role)


def test_an_invitation_leads_to_a_seat(
    shop: Shop, browser: Browser, letters: list[tuple[object, ...]]
) -> None:
    with tenant(shop.id):
        team = teams.create(shop.actor("owner"), "Couriers")
    admin = browser(shop, "admin")
    sent = admin.post(
        "/people/invite",
        {"email": "Nour@Dar-Zaytun.example", "role": "agent", "language": "ar", "teams": [team]},
    )
    assert sent.status_code == 302
    workspace, address, subject, body, language = letters[0]
    assert (workspace, address, language) == (shop.id, ADDRESS, "ar")
    assert "Admin" in str(subject)
    link = re.search(r"http://testserver(/invitation/\S+)", str(body))
    assert link
    newcomer = Client()
    page = newcomer.get(link[1])
    assert page.status_code == 200
    assert 'dir="rtl"' in page.text, "in the language of the letter"
    assert Invitation.objects.using("owner").get().accepted_at is None, "looking changes nothing"
    weak = newcomer.post(link[1], {"name": "Nour", "password": "12345678"})
    assert weak.status_code == 422
    joined = newcomer.post(link[1], {"name": "Nour", "password": PASSWORD})
    assert joined.status_code == 302
    assert newcomer.get("/all").status_code == 200
    with tenant(shop.id):
        agent = Agent.objects.get(user__email=ADDRESS)
        assert (agent.name, agent.role) == ("Nour", "agent")
        assert [g.team.name for g in teams.teams(shop.actor("owner")) if agent in g.members] == ["Couriers"]
    assert Client().get(link[1]).status_code == 410, "once"


def test_someone_with_an_account_joins_with_it_and_nobody_else_can(shop: Shop, browser: Browser) -> None:
    other = Shop.create("other", "help@other.example")
    invited = _invited(shop, email="agent@other.example")
    link = reverse("invitation", args=[invited.secret])
    assert "/sign-in?next=" in Client().get(link).text
    assert Client().post(link, {"name": "X", "password": PASSWORD}).status_code == 403
    assert browser(shop, "agent").post(link).status_code == 403
    theirs = browser(other, "agent")
    assert theirs.post(link).status_code == 302
    with tenant(shop.id):
        assert Agent.objects.filter(user=other.users["agent"], role="agent").exists()
    assert "Dar-Zaytun" in theirs.get("/all").text


def test_a_withdrawn_old_or_replaced_invitation_opens_nothing(shop: Shop) -> None:
    first, second = _invited(shop), _invited(shop)
    assert people.behind(first.secret) is None
    assert people.behind(second.secret) == (shop.id, second.id)
    with tenant(shop.id):
        again = people.invite_again(shop.actor("owner"), second.id)
        people.withdraw(shop.actor("owner"), again.id)
    assert people.behind(again.secret) is None
    with tenant(shop.id):
        with pytest.raises(NotFound):
            people.withdraw(shop.actor("owner"), again.id)
        third = people.invite(shop.actor("owner"), ADDRESS, "agent")
        Invitation.objects.filter(id=third.id).update(expires_at="2020-01-01T00:00:00Z")
    assert people.behind(third.secret) is None
    assert Client().get("/invitation/" + "x" * 43).status_code == 410


def test_nobody_gives_more_than_they_have(shop: Shop) -> None:
    admin, owner = shop.actor("admin"), shop.actor("owner")
    with tenant(shop.id):
        with pytest.raises(Forbidden):
            people.invite(shop.actor("agent"), ADDRESS, "agent")
        with pytest.raises(Forbidden):
            people.invite(admin, ADDRESS, "owner")
        with pytest.raises(Forbidden):
            people.give_role(admin, shop.agents["owner"].id, "agent")
        with pytest.raises(Forbidden):
            people.close(admin, shop.agents["owner"].id)
        with pytest.raises(people.Refused, match="last_owner"):
            people.give_role(owner, shop.agents["owner"].id, "admin")
        with pytest.raises(people.Refused, match="yourself"):
            people.close(owner, shop.agents["owner"].id)
        with pytest.raises(people.Refused, match="works_here"):
            people.invite(owner, "agent@dar-zaytun.example", "agent")
        people.give_role(owner, shop.agents["admin"].id, "owner")
        people.give_role(owner, shop.agents["owner"].id, "agent")
        assert Agent.objects.get(id=shop.agents["owner"].id).role == "agent"


def test_who_leaves_is_out_at_once_and_their_work_is_free(shop: Shop, known: Known, browser: Browser) -> None:
    theirs = browser(shop, "agent")
    theirs.post(f"/conversations/{known.conversation}/assign", {"agent": shop.agents["agent"].id})
    admin = browser(shop, "admin")
    gone = admin.post(f"/people/{shop.agents['agent'].id}/close", follow=True)
    assert "unassigned now" in gone.text
    assert theirs.get("/all").status_code == 403
    with tenant(shop.id):
        assert Conversation.objects.get(id=known.conversation).assignee_id is None
    admin.post(f"/people/{shop.agents['agent'].id}/open")
    assert theirs.get("/all").status_code == 200


def test_a_team_shows_its_inboxes_to_its_members(shop: Shop, browser: Browser) -> None:
    agent, admin = shop.agents["agent"], browser(shop, "admin")
    admin.post("/teams", {"name": "Couriers", "agents": [agent.id]})
    with tenant(shop.id):
        team = Team.objects.get()
        InboxTeam.objects.create(workspace_id=shop.id, inbox=shop.mail, team=team)
        assert shop.mail.id in visible_inboxes(agent.id, agent.role)
    assert admin.post("/teams", {"name": "couriers"}).status_code == 422
    assert admin.post("/teams", {"name": " "}).status_code == 422
    admin.post(f"/teams/{team.id}", {"name": "Drivers"})
    with tenant(shop.id):
        assert shop.mail.id not in visible_inboxes(agent.id, agent.role)
    refused = admin.post(f"/teams/{team.id}/remove")
    assert refused.status_code == 422
    with tenant(shop.id):
        InboxTeam.objects.all().delete()
    assert admin.post(f"/teams/{team.id}/remove").status_code == 302
    assert browser(shop, "agent").get("/teams").status_code == 403


def test_looks_and_changes_are_written_down_once(shop: Shop, known: Known, browser: Browser) -> None:
    agent = browser(shop, "agent")
    for _ in range(3):
        agent.get(f"/all/{known.conversation}")
    agent.post(f"/conversations/{known.conversation}/resolve")
    agent.post(f"/conversations/{known.conversation}/resolve", headers={"X-Odd": "1"})
    with tenant(shop.id):
        rows = list(
            Access.objects.order_by("at").values_list("changed", "verb", "thing", "thing_id", "agent_id")
        )
    who = shop.agents["agent"].id
    assert rows == [
        (False, "conversation_at", "conversation", known.conversation, who),
        (True, "resolve", "conversation", known.conversation, who),
        (True, "resolve", "conversation", known.conversation, who),
    ]


def test_what_was_refused_is_not_a_change(shop: Shop, known: Known, browser: Browser) -> None:
    browser(shop, "readonly").post(f"/conversations/{known.conversation}/resolve")
    with tenant(shop.id):
        assert not Access.objects.exists()


def test_the_log_is_read_filtered_and_exported_by_administrators(
    shop: Shop, known: Known, browser: Browser
) -> None:
    browser(shop, "agent").get(f"/customers/{known.customer}")
    with tenant(shop.id):
        people.invite(shop.actor("owner"), "=cmd@dar-zaytun.example", "agent")
    admin = browser(shop, "admin")
    text = admin.get("/access").text
    assert "Looked at a customer" in text
    assert "Invited" in text
    only = admin.get(f"/access?what=looks&who={shop.agents['agent'].id}").text
    assert "Looked at a customer" in only
    assert "Invited" not in only
    assert "Nothing was noted" in admin.get("/access?until=2020-01-01").text
    assert admin.get("/access?since=yesterday").status_code == 400
    exported = b"".join(admin.get("/access.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert exported.startswith("\ufeffat,who,")
    assert str(known.customer) in exported
    assert browser(shop, "agent").get("/access").status_code == 403
    assert browser(shop, "agent").get("/access.csv").status_code == 403


def test_the_log_cannot_be_altered(shop: Shop, known: Known, browser: Browser) -> None:
    from django.db import DatabaseError

    browser(shop, "agent").get(f"/customers/{known.customer}")
    for change in (lambda rows: rows.update(verb="x"), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError), tenant(shop.id):
            change(Access.objects.all())


def test_pages_come_whole_in_arabic(shop: Shop, browser: Browser) -> None:
    with tenant(shop.id):
        people.invite(shop.actor("owner"), ADDRESS, Role.AGENT)
    User.objects.filter(id=shop.users["owner"].id).update(language="ar")
    owner = browser(shop, "owner")
    for path in ("/people", "/teams", "/access", "/settings"):
        page = owner.get(path)
        assert page.status_code == 200
        assert 'dir="rtl"' in page.text


def test_a_foreign_team_or_agent_is_not_there(shop: Shop, browser: Browser) -> None:
    other = Shop.create("other", "help@other.example")
    owner = browser(shop, "owner")
    agent: UUID = other.agents["agent"].id
    for path in (f"/people/{agent}/close", f"/people/{agent}/open", f"/teams/{agent}/remove"):
        assert owner.post(path).status_code == 404
    assert owner.post(f"/people/{agent}/role", {"role": "admin"}).status_code == 404
    assert owner.post("/teams", {"name": "X", "agents": [agent]}).status_code == 404
