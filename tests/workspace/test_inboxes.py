"""The pages of inboxes: for administrators; secrets go in and never come out."""

from typing import Any

import pytest
from django.test import Client

from tests.channels import smtp_server
from tests.mailservers import fakes
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.accounts.models import Team
from wasl.channels import actions
from wasl.channels.email.trouble import Fault
from wasl.channels.models import Inbox, InboxTeam, Mailbox
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.workspace import troubles
from wasl.workspace.troubles import At
from wasl.workspace.views import inboxes as views

MAIL = {
    "name": "Help", "address": "help@shop.example", "language": "fr", "incoming": "imap", "provider": "other",
    "imap_host": "127.0.0.1", "imap_port": "993", "imap_tls": "none", "imap_user": "me", "auth": "password",
    "imap_password": "in-secret", "folder": "INBOX", "after": "leave", "outgoing": "own",
    "smtp_host": "127.0.0.1", "smtp_port": "25", "smtp_tls": "none", "smtp_user": "me",
    "smtp_password": "out-secret",
}  # fmt: skip


@pytest.fixture(autouse=True)
def unhurried() -> None:
    views.pace.cache_clear()


@pytest.fixture
def client(shop: Shop, browser: Browser) -> Client:
    return browser(shop, "owner")


def _find(shop: Shop, address: str = "help@shop.example") -> Inbox:
    with tenant(shop.id):
        return Inbox.objects.get(address=address)


def test_an_inbox_is_made_and_its_secrets_are_never_shown(shop: Shop, client: Client) -> None:
    response = client.post("/inboxes/mail", MAIL)
    inbox = _find(shop)
    assert response.headers["Location"] == f"/inboxes/mail/{inbox.id}?kept=1"
    assert actions.kept_password(inbox) == "out-secret"
    for page in (f"/inboxes/mail/{inbox.id}", "/inboxes"):
        text = client.get(page).text
        assert "secret" not in text.replace("client_secret", "").replace("Client secret", "")
    assert "help@shop.example" in client.get("/inboxes").text
    refused = client.post(f"/inboxes/mail/{inbox.id}", MAIL | {"name": ""})
    assert refused.status_code == 422
    assert "in-secret" not in refused.text
    assert "out-secret" not in refused.text


def test_an_inbox_is_changed(shop: Shop, client: Client) -> None:
    client.post("/inboxes/mail", MAIL)
    inbox = _find(shop)
    with tenant(shop.id):
        team = Team.objects.create(workspace_id=shop.id, name="Lyon")
    assert inbox.config["plus"] is False, "the box was not ticked"
    page = client.get(f"/inboxes/mail/{inbox.id}").text
    assert 'value="127.0.0.1"' in page
    assert inbox.forward in page
    with tenant(shop.id):
        Inbox.objects.filter(id=inbox.id).update(forward="")
    assert "appears here once this is kept" in client.get(f"/inboxes/mail/{inbox.id}").text
    changed = {"imap_password": "", "smtp_password": "", "teams": str(team.id), "signature": "Leïla"}
    assert client.post(f"/inboxes/mail/{inbox.id}", MAIL | changed).status_code == 302
    with tenant(shop.id):
        assert InboxTeam.objects.get().inbox_id == inbox.id
    elsewhere = client.post(f"/inboxes/mail/{inbox.id}", MAIL | changed | {"imap_host": "evil.example"})
    assert elsewhere.status_code == 422
    assert "enter the password again" in elsewhere.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address": "no address"}, "This is no e-mail address"),
        ({"address": "support@dar-zaytun.example"}, "There is an inbox with this address already"),
        ({"address": "much-too-long-to-carry-a-token@shop.example"}, "20 letters at most"),
        ({"imap_host": ""}, "Enter the name of the server"),
        ({"imap_host": "http://x/"}, "This is no name of a server"),
        ({"imap_user": ""}, "Enter the sign-in name"),
        ({"imap_port": "70000"}, "65535"),
        ({"auth": "oauth"}, "Enter the client ID"),
        ({"auth": "oauth", "client_id": "c", "token_url": "file:///etc/passwd"}, "It begins with https"),
        ({"after": "move"}, "Enter the folder"),
        ({"smtp_host": "a b"}, "This is no name of a server"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    shop: Shop, client: Client, changes: dict[str, str], words: str
) -> None:
    response = client.post("/inboxes/mail", MAIL | changes)
    assert response.status_code == 422
    assert words in response.text
    with tenant(shop.id):
        assert Inbox.objects.count() == 2


def test_providers_need_no_server_names(shop: Shop, client: Client) -> None:
    client.post(
        "/inboxes/mail",
        MAIL
        | {"provider": "microsoft", "imap_host": "", "auth": "oauth", "client_id": "c", "refresh_token": "r"},
    )
    imap = _find(shop).config["imap"]
    assert (imap["host"], imap["port"], imap["tls"]) == ("outlook.office365.com", 993, "tls")
    assert imap["token_url"].startswith("https://login.microsoftonline.com/")


def test_an_api_inbox_is_made_and_changed(shop: Shop, client: Client) -> None:
    made = {"name": "App", "address": "app", "language": "it"}
    assert client.post("/inboxes/api", made).status_code == 302
    inbox = _find(shop, "app")
    assert client.post("/inboxes/api", made).status_code == 422
    assert client.post(f"/inboxes/api/{inbox.id}", made | {"address": "a b"}).status_code == 422
    assert client.post(f"/inboxes/api/{inbox.id}", made | {"name": "The app"}).status_code == 302
    assert "The app" in client.get("/inboxes").text
    assert client.get(f"/inboxes/mail/{inbox.id}").status_code == 404


def test_inboxes_are_switched_off_and_on(shop: Shop, client: Client) -> None:
    assert client.post(f"/inboxes/{shop.mail.id}/switch", {"on": "0"}).status_code == 302
    assert "Switched off" in client.get("/inboxes").text
    assert client.post(f"/inboxes/{shop.mail.id}/switch", {"on": "1"}).status_code == 302
    assert "Switched off" not in client.get("/inboxes").text


def test_the_list_says_how_fetching_stands(shop: Shop, client: Client) -> None:
    client.post("/inboxes/mail", MAIL)
    inbox = _find(shop)
    assert "Not fetched yet" in client.get("/inboxes").text
    with tenant(shop.id):
        Mailbox.objects.filter(id=inbox.id).update(checked_at=now(), fetched=3)
    page = client.get("/inboxes").text
    assert "Fetching works." in page
    assert "3 messages fetched" in page
    with tenant(shop.id):
        Mailbox.objects.filter(id=inbox.id).update(
            problem="sign_in_refused", detail="[AUTHENTICATIONFAILED] <b>no</b>", problem_since=now()
        )
    page = client.get("/inboxes").text
    assert "refuses the sign-in name or the password" in page
    assert "Was the password changed?" in page
    assert "Next try:" in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    assert client.post(f"/inboxes/{inbox.id}/fetch").status_code == 302


def test_administrators_are_told_wherever_they_are(shop: Shop, client: Client, browser: Browser) -> None:
    client.post("/inboxes/mail", MAIL)
    inbox = _find(shop)
    words = "Messages do not come into every inbox at the moment."
    for change, said in (
        ({"problem": "timed_out", "failures": 2}, False),
        ({"problem": "timed_out", "failures": 20}, True),
        ({"problem": "sign_in_refused", "failures": 1}, True),
        ({"problem": "sign_in_refused", "is_active": False}, False),
    ):
        with tenant(shop.id):
            Mailbox.objects.filter(id=inbox.id).update(**change)
        assert (words in client.get("/settings").text) is said, change
        assert words not in browser(shop, "agent").get("/settings").text


@pytest.mark.parametrize("role", ["agent", "readonly"])
def test_only_administrators(shop: Shop, browser: Browser, role: str) -> None:
    client = browser(shop, role)
    for path in ("/inboxes", "/inboxes/mail", "/inboxes/api", f"/inboxes/mail/{shop.mail.id}"):
        assert client.get(path).status_code == 403, path
    for path in ("/inboxes/mail", "/inboxes/mail/try", f"/inboxes/mail/{shop.mail.id}/try",
                 f"/inboxes/{shop.mail.id}/switch", f"/inboxes/{shop.mail.id}/fetch"):  # fmt: skip
        assert client.post(path, MAIL | {"way": "incoming"}).status_code == 403, path
    assert 'href="/inboxes"' not in client.get("/settings").text
    assert 'href="/inboxes"' in browser(shop, "admin").get("/settings").text


def test_a_try_shows_each_step(shop: Shop, client: Client) -> None:
    with fakes.server(fakes.imap()) as port:
        answer = client.post("/inboxes/mail/try", MAIL | {"way": "incoming", "imap_port": str(port)})
    assert "Everything works." in answer.text
    assert answer.text.count('data-mark="ok"') == 4
    assert answer.text.count('data-mark="unwanted"') == 1
    broken = client.post("/inboxes/mail/try", MAIL | {"way": "incoming", "imap_port": "1"})
    assert "nobody answers at port 1" in broken.text
    assert broken.text.count('data-mark="untried"') == 3
    with smtp_server.running(smtp_server.Plan({"mail": "550 5.7.1 not yours"})) as port:
        answer = client.post(
            "/inboxes/mail/try", MAIL | {"way": "outgoing", "smtp_port": str(port), "smtp_user": ""}
        )
    assert "does not send for" in answer.text
    assert "550 5.7.1 not yours" in answer.text
    with tenant(shop.id):
        assert Inbox.objects.count() == 2, "nothing is kept by trying"


def test_a_try_uses_the_kept_password_for_its_own_server_only(shop: Shop, client: Client) -> None:
    heard: list[str] = []

    def listen(line: fakes.Line) -> None:
        line.say("* OK ready")
        while (command := line.hear())[0]:
            heard.append(command[1])
            line.say("* CAPABILITY IMAP4rev1", f"{command[0]} OK done")

    with fakes.server(listen) as port, fakes.server(listen) as other:
        client.post("/inboxes/mail", MAIL | {"imap_port": str(port)})
        inbox = _find(shop)
        form = MAIL | {"way": "incoming", "imap_port": str(port), "imap_password": ""}
        client.post(f"/inboxes/mail/{inbox.id}/try", form)
        assert any("in-secret" in command for command in heard)
        heard.clear()
        answer = client.post(f"/inboxes/mail/{inbox.id}/try", form | {"imap_port": str(other)})
    assert "enter the password again" in answer.text
    assert heard == []


def test_tries_are_few_and_what_they_ask_is_checked(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = MAIL | {"way": "incoming", "imap_port": "1"}
    assert client.post("/inboxes/mail/try", form | {"way": "sideways"}).status_code == 400
    assert "Enter the sign-in name" in client.post("/inboxes/mail/try", form | {"imap_user": ""}).text
    answers = [client.post("/inboxes/mail/try", form).text for _ in range(7)]
    assert ["many tries" in text for text in answers] == [False] * 6 + [True]
    views.pace.cache_clear()
    monkeypatch.setattr(views.TRIES, "acquire", lambda blocking: False)
    assert "Others are trying" in client.post("/inboxes/mail/try", form).text


def test_a_try_waits_outside_of_every_transaction(
    shop: Shop, client: Client, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_: list[int] = []

    def count(*_: object, **__: object) -> object:
        row = owner.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'wasl_app' AND state LIKE 'idle in transaction%'"
        ).fetchone()
        open_.append(row[0])
        return views.probe.Findings("h", 1)

    monkeypatch.setattr(views.probe, "mailbox", count)
    client.post("/inboxes/mail/try", MAIL | {"way": "incoming"})
    assert open_ == [0]


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_words_of_its_own(fault: Fault) -> None:
    said = troubles.trouble(fault, At("mail.example", 993, "me", "INBOX", "a@b.example"))
    assert said.title != "Something went wrong."
    assert said.help
    assert "%" not in said.title + said.help
    assert troubles.trouble("not yet known", At("h", 1)).title == "Something went wrong."
