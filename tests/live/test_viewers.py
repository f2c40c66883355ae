"""Who is behind a session, asked for many at once, as Django and the pages see it one by one."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext

from tests.live.browser import sign_in
from tests.worlds import Shop
from wasl.accounts.models import Agent, Team, TeamMember, User, Workspace
from wasl.channels.models import Inbox, InboxTeam
from wasl.channels.queries import visible_inboxes
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.live.viewers import viewers


def teams(shop: Shop) -> None:
    """Two restricted inboxes, three teams, agents in none, one or two of them."""
    with tenant(shop.id):
        secret = Inbox.objects.create(workspace_id=shop.id, channel="api", name="Secret", address="secret")
        for number, inboxes in enumerate([[shop.forms], [secret], [shop.forms, secret]]):
            team = Team.objects.create(workspace_id=shop.id, name=f"team {number}")
            for inbox in inboxes:
                InboxTeam.objects.create(workspace_id=shop.id, inbox=inbox, team=team)
            for role in ("agent", "readonly")[: number + 1]:
                agent = shop.hire(f"{role} {number}", f"{role}{number}@dar-zaytun.example", role)
                TeamMember.objects.create(workspace_id=shop.id, team=team, agent=agent)
                if number == 1:
                    first = Team.objects.get(name="team 0")
                    TeamMember.objects.create(workspace_id=shop.id, team=first, agent=agent)


def test_many_at_once_see_what_each_sees_alone(shop: Shop) -> None:
    teams(shop)
    other = Shop.create("other", "support@other.example")
    keys = {sign_in(user): (world, role) for world in (shop, other) for role, user in world.users.items()}
    found = viewers(list(keys))
    assert set(found) == set(keys)
    kinds = set()
    for key, (world, role) in keys.items():
        agent = world.agents[role]
        with tenant(world.id):
            expected = visible_inboxes(agent.id, agent.role)
        assert (found[key].workspace_id, found[key].agent_id) == (world.id, agent.id)
        assert (found[key].role, found[key].inboxes) == (agent.role, expected)
        kinds.add(expected)
    assert len(kinds) == 4  # everything, the open inbox, one more; the other shop


def test_the_number_of_questions_does_not_grow_with_the_number_of_agents(shop: Shop) -> None:
    teams(shop)
    keys = [sign_in(user) for user in shop.users.values()]

    def questions(count: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            viewers(keys[:count])
        return len(asked)

    assert questions(len(keys)) == questions(3)


def test_who_owes_a_second_step_hears_nothing(shop: Shop) -> None:
    bare, armed = (sign_in(shop.users[role]) for role in ("agent", "admin"))
    with tenant(shop.id):
        Workspace.objects.filter(id=shop.id).update(second_step=True)
    Authenticator.objects.create(user=shop.users["admin"], type=Authenticator.Type.TOTP, data={})
    assert set(viewers([bare, armed])) == {armed}


def accepted_by_django(key: str) -> bool:
    request = HttpRequest()
    request.session = SessionStore(key)
    return bool(get_user(request).is_authenticated)


@pytest.mark.parametrize("how", ["intact", "expired", "gone", "inactive", "password", "backend", "anonymous"])
def test_a_session_is_judged_as_django_judges_it(shop: Shop, how: str) -> None:
    user = shop.users["agent"]
    key = sign_in(user)
    if how == "expired":
        Session.objects.filter(session_key=key).update(expire_date=now() - timedelta(seconds=1))
    elif how == "gone":
        Session.objects.filter(session_key=key).delete()
    elif how == "inactive":
        User.objects.filter(id=user.id).update(is_active=False)
    elif how == "password":
        user.set_password("another one entirely")
        user.save()
    elif how in ("backend", "anonymous"):
        session = SessionStore(key)
        session["_auth_user_backend"] = "elsewhere.Backend"
        if how == "anonymous":
            session.flush()
            session["language"] = "ar"
        session.save()
        key = str(session.session_key)
    found = bool(viewers([key]))
    assert found == (how == "intact")
    assert found == accepted_by_django(key)


def test_the_workspace_is_the_chosen_one_while_the_agent_works_there(shop: Shop) -> None:
    user = shop.users["agent"]
    second = Shop.create("second", "support@second.example")
    with tenant(second.id):
        there = Agent.objects.create(workspace_id=second.id, user=user, name="There", role="readonly")
    first_by_name = sign_in(user)
    chosen = sign_in(user, second.id)
    assert viewers([first_by_name])[first_by_name].workspace_id == shop.id
    assert viewers([chosen])[chosen].agent_id == there.id
    with tenant(second.id):
        Agent.objects.filter(id=there.id).update(is_active=False)
    assert viewers([chosen])[chosen].workspace_id == shop.id
