"""Who may open what: every route asks for sign-in, and what is another workspace's is not there."""

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import pytest
from django.db import connections
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.conftest import empty
from tests.workspace.stage import Browser, Known, furnish
from tests.worlds import Shop
from wasl.conversations.models import Conversation
from wasl.kit.db import tenant
from wasl.kit.postgres import Cluster
from wasl.workspace.middleware import API_PREFIX, PUBLIC

NOBODY = UUID("01980000-0000-7000-8000-000000000000")
THINGS = {
    "conversation_id": "conversation",
    "customer_id": "customer",
    "message_id": "message",
    "file_id": "file",
    "inbound_id": "held",
    "inbox_id": "inbox",
    "merge_id": "customer",
    "endpoint_id": "endpoint",
    "call_id": "call",
    "branch_id": "branch",
    "visit_id": "visit",
}
ELSEWHERE = "support@elsewhere.example"
OPENED = {"conversation"}  # leads to the address that then answers 404


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, path)
        else:
            yield path, entry


ALL = [(path, entry) for path, entry in routes() if not f"/{path}".startswith(API_PREFIX)]


@pytest.fixture(scope="module")
def two(cluster: Cluster) -> Iterator[tuple[Shop, Known]]:
    """A shop, and what is in another. Who is refused everywhere changes nothing, so one pair is enough."""
    empty(cluster)
    yield Shop.create(), furnish(Shop.create("elsewhere", ELSEWHERE), ELSEWHERE)
    connections.close_all()


def address(entry: URLPattern, known: Known | None) -> str:
    """The route filled in with ids of that world, or of nothing."""
    made: dict[str, object] = {"UUIDConverter": NOBODY, "IntConverter": 1, "PlaceConverter": "all"}
    values = {name: made.get(type(kind).__name__, "x") for name, kind in entry.pattern.converters.items()}
    if known:
        values |= {name: getattr(known, THINGS[name]) for name in values.keys() & THINGS.keys()}
    return reverse(entry.name or "", kwargs=values)


def test_the_public_list_is_short_and_names_only_routes_that_exist() -> None:
    names = {entry.name for _, entry in ALL}
    assert names >= PUBLIC
    assert len(PUBLIC) == 8 + 11 + 2 + 2 + 1


def test_every_route_has_a_name_of_its_own() -> None:
    names = [entry.name for _, entry in ALL]
    assert [name for name in names if names.count(name) > 1] == []


@pytest.mark.parametrize(("path", "entry"), ALL, ids=[path for path, _ in ALL])
def test_nothing_opens_without_signing_in(two: tuple[Shop, Known], path: str, entry: URLPattern) -> None:
    if entry.name in PUBLIC:
        return
    target = address(entry, None)
    for method in ("get", "post"):
        response = getattr(Client(), method)(target)
        assert (response.status_code, response.headers["Location"].partition("?")[0]) == (302, "/sign-in"), (
            method
        )
        fragment = getattr(Client(), method)(target, headers={"HX-Request": "true"})
        assert fragment.headers["HX-Redirect"].startswith("/sign-in")
        assert fragment.content == b""


@pytest.mark.parametrize("role", ["owner", "agent", "readonly"])
@pytest.mark.parametrize(
    ("path", "entry"),
    [(path, entry) for path, entry in ALL if set(entry.pattern.converters) & set(THINGS)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_things_of_another_workspace_are_not_there(
    two: tuple[Shop, Known], browser: Browser, path: str, entry: URLPattern, role: str
) -> None:
    shop, elsewhere = two
    client = browser(shop, role)
    for method in ("get", "post"):
        response = getattr(client, method)(
            address(entry, elsewhere), {"text": "x", "other": str(elsewhere.customer)}
        )
        if entry.name in OPENED and response.status_code == 302:
            response = client.get(response.headers["Location"])
        absent = {404, 405} if role == "owner" else {403, 404, 405}
        assert response.status_code in absent, (method, response.status_code)
        same = getattr(client, method)(address(entry, None), {"text": "x", "other": str(NOBODY)})
        if entry.name in OPENED and same.status_code == 302:
            same = client.get(same.headers["Location"])
        assert same.status_code == response.status_code, "another workspace's thing differs from nothing"


def test_an_inbox_of_another_workspace_is_no_place(shop: Shop, browser: Browser) -> None:
    other = Shop.create("elsewhere", ELSEWHERE)
    assert browser(shop).get(f"/inbox/{other.mail.id}").status_code == 404


def test_an_inbox_of_another_team_is_no_place_and_its_conversation_is_not_there(
    shop: Shop, known: Known, browser: Browser
) -> None:
    from wasl.accounts.models import Team
    from wasl.channels.models import InboxTeam

    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Lyon")
        InboxTeam.objects.create(workspace_id=shop.id, inbox=shop.mail, team=team)
    agent = browser(shop, "agent")
    for path in (
        f"/inbox/{shop.mail.id}",
        f"/all/{known.conversation}",
        f"/messages/{known.message}",
        f"/files/{known.file}",
    ):
        assert agent.get(path).status_code == 404, path
        with closing(browser(shop, "admin").get(path)) as response:
            assert response.status_code == 200, path
    assert "Facture" not in agent.get("/all").text
    assert "Facture" not in agent.get(f"/customers/{known.customer}").text


def test_forms_without_their_token_are_refused(shop: Shop, known: Known, browser: Browser) -> None:
    strict = browser(shop, enforce_csrf_checks=True)
    response = strict.post(f"/conversations/{known.conversation}/resolve")
    assert response.status_code == 403
    assert "Load it again" in response.text
    with tenant(shop.id):
        assert Conversation.objects.get().status == "open"


def test_reading_a_page_cannot_write(
    shop: Shop, known: Known, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wasl.conversations import actions
    from wasl.workspace.shapes import rail

    def sneaky(actor: object, *args: object) -> None:
        actions.resolve(shop.actor(), known.conversation)

    monkeypatch.setattr(rail, "places", sneaky)
    client = browser(shop, raise_request_exception=False)
    assert client.get("/all").status_code == 500
    with tenant(shop.id):
        assert Conversation.objects.get().status == "open"


def test_someone_without_a_workspace_is_told_so(shop: Shop, browser: Browser) -> None:
    with tenant(shop.id):
        shop.agents["agent"].is_active = False
        shop.agents["agent"].save()
    response = browser(shop, "agent").get("/all")
    assert response.status_code == 403
    assert "You have no workspace yet" in response.text


def test_a_person_with_two_workspaces_moves_between_them(shop: Shop, browser: Browser) -> None:
    other = Shop.create("elsewhere", ELSEWHERE)
    from wasl.accounts.models import Agent

    with tenant(other.id):
        Agent.objects.create(workspace_id=other.id, user=shop.users["agent"], name="Guest", role="readonly")
    client = browser(shop, "agent")
    assert "Elsewhere, change workspace" not in client.get("/mine").text
    response = client.post("/workspace", {"workspace": str(other.id)}, follow=True)
    assert "Elsewhere, change workspace" in response.text
    client.post("/workspace", {"workspace": str(NOBODY)})
    assert "Elsewhere, change workspace" in client.get("/mine").text
