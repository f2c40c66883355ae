"""How the connections stand that channels keep by themselves: administrators see it."""

from datetime import timedelta

import pytest
from django.test import Client

from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.channels.models import Inbox
from wasl.intake.models import Listening
from wasl.kit.clock import now
from wasl.kit.db import tenant

WORDS = "Messages do not come into every inbox at the moment."


@pytest.fixture
def client(shop: Shop, browser: Browser) -> Client:
    return browser(shop, "admin")


@pytest.fixture
def inbox(shop: Shop) -> Inbox:
    with tenant(shop.id):
        return Inbox.objects.create(workspace_id=shop.id, channel="whatsapp", name="Bot", address="7")


def stand(inbox: Inbox, **fields: object) -> None:
    with tenant(inbox.workspace_id):
        Listening.objects.update_or_create(
            id=inbox.id, workspace_id=inbox.workspace_id, defaults={"due_at": now(), **fields}
        )


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("sign_in", "The provider refuses the token or the password."),
        ("account", "The provider has limited or closed the account."),
        ("bad_message", "The provider does not take what the settings say."),
        ("insecure", "The connection to the provider cannot be trusted."),
        ("unreachable", "The provider cannot be reached."),
        ("not_now", "The provider asks to come back later."),
        ("other", "The connection to the provider does not come about."),
    ],
)
def test_what_is_wrong_is_said_in_words(client: Client, inbox: Inbox, problem: str, words: str) -> None:
    stand(inbox, problem=problem, detail="<b>409</b> conflict", problem_since=now() - timedelta(hours=1))
    page = client.get("/inboxes").text
    assert words in page
    assert "&lt;b&gt;409&lt;/b&gt; conflict" in page
    assert "Next try:" in page


def test_a_channel_that_only_sends_promises_nothing_to_come(client: Client, inbox: Inbox) -> None:
    with tenant(inbox.workspace_id):
        Inbox.objects.update(channel="post", name="Letter")
    page = client.get("/inboxes").text
    assert "It only sends: nothing comes in by it." in page
    assert "hands messages in" not in page
    page = client.get(f"/inboxes/chat/{inbox.id}").text
    assert "receipts come in by it." in page
    assert "what customers write" not in page
    stand(inbox, problem="unreachable", problem_since=now())
    assert "The provider cannot be reached." in client.get("/inboxes").text


def test_what_is_missing_to_fetch_approved_texts_is_said_in_the_readers_words(
    client: Client, inbox: Inbox
) -> None:
    asked = f"/inboxes/chat/{inbox.id}/approved"
    assert "The business account ID is missing. Keep it first" in client.post(asked).text
    client.post("/settings", {"language": "ar", "theme": "light", "digits": "latn"})
    answer = client.post(asked).text
    assert "معرّف حساب المؤسسة ناقص" in answer
    assert "account" not in answer


def test_what_works_is_said_too(client: Client, inbox: Inbox) -> None:
    assert "The provider hands messages in." in client.get("/inboxes").text
    stand(inbox, well_at=now(), taken=3)
    page = client.get("/inboxes").text
    assert "The connection to the provider stands." in page
    assert "3 messages fetched" in page


def test_administrators_are_told_wherever_they_are(
    shop: Shop, client: Client, browser: Browser, inbox: Inbox
) -> None:
    for problem, failures, said in (
        ("not_now", 2, False),
        ("not_now", 9, True),
        ("sign_in", 1, True),
        ("", 0, False),
    ):
        stand(inbox, problem=problem, failures=failures)
        assert (WORDS in client.get("/settings").text) is said, (problem, failures)
        assert WORDS not in browser(shop, "agent").get("/settings").text
    stand(inbox, problem="sign_in")
    with tenant(shop.id):
        Inbox.objects.filter(id=inbox.id).update(is_active=False)
    assert WORDS not in client.get("/settings").text


def test_a_setting_with_few_values_is_chosen(shop: Shop, client: Client) -> None:
    page = client.get("/inboxes/new/telegram").text
    assert 'name="at_mode" value="polling" checked' in page
    assert 'name="at_mode" value="webhook"' in page
    values = {"name": "Bot", "language": "en", "at_address": "shop_bot", "at_token": "555:AAF"}
    assert client.post("/inboxes/new/telegram", values | {"at_mode": "smoke"}).status_code == 422
    answer = client.post("/inboxes/new/telegram", values | {"at_mode": "webhook"})
    assert answer.status_code == 302
    with tenant(shop.id):
        inbox = Inbox.objects.get(channel="telegram")
    assert inbox.config["mode"] == "webhook"
    kept = client.get(answer.headers["Location"]).text
    assert 'name="at_mode" value="webhook" checked' in kept
    assert "555:AAF" not in kept


def test_what_cannot_be_right_is_refused_with_how_it_is_written(shop: Shop, client: Client) -> None:
    values = {"name": "Texts", "language": "en", "at_address": "our number", "at_account_sid": "AC1",
              "at_auth_token": "t0ken", "at_base_url": "provider", "at_confirms": "wasl"}  # fmt: skip
    tried = client.post("/inboxes/new/sms/try", values).text
    assert "Number: This cannot be right. With + and the code of the country" in tried
    refused = client.post("/inboxes/new/sms", values)
    assert refused.status_code == 422
    assert "This is not a web address." in refused.text
    assert 'value="our number"' in refused.text
    assert "t0ken" not in refused.text
    assert "Enter it once more: what is secret is not shown again." in refused.text
    right = values | {"at_address": "+390600000000", "at_base_url": "https://api.example.com/v1"}
    assert client.post("/inboxes/new/sms", right).status_code == 302
