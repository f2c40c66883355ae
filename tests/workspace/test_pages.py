"""Every page for every role: it opens, it is whole, and it offers only what the role may do."""

import re
from typing import Any

import psycopg
import pytest
from django.test import Client

from tests.inbound import mail, take
from tests.workspace.stage import Browser, Known
from tests.worlds import Shop
from wasl.conversations import actions
from wasl.conversations.link import message_id
from wasl.conversations.models import Message
from wasl.kit.db import tenant

Owner = psycopg.Connection[Any]
ROLES = ["owner", "admin", "agent", "readonly"]
ADMINS = {"owner", "admin"}


def whole(text: str) -> None:
    """A page has one main landmark, one first heading, and every id once."""
    assert text.lstrip().startswith("<!doctype html>")
    assert text.count("<main") == 1
    first = len(re.findall(r"<h1", text)) + len(re.findall(r'role="heading" aria-level="1"', text))
    assert first == 1, f"{first} first headings"
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids)), sorted(i for i in ids if ids.count(i) > 1)
    targets = set(re.findall(r'(?:href="#|aria-controls="|for=")([^"]+)"', text))
    assert targets <= set(ids), targets - set(ids)


@pytest.mark.parametrize("role", ROLES)
def test_pages_open(shop: Shop, known: Known, browser: Browser, role: str) -> None:
    client = browser(shop, role)
    for path in (
        "/mine",
        "/unassigned",
        "/all",
        "/all?status=resolved",
        f"/inbox/{shop.mail.id}",
        f"/all/{known.conversation}",
        f"/all/{known.conversation}?status=resolved",
        "/customers",
        "/customers?q=camille",
        "/customers?q=nobody-of-that-name",
        f"/customers/{known.customer}",
        "/settings",
        "/password/change",
        "/sign-out",
    ):
        response = client.get(path)
        assert response.status_code == 200, path
        whole(response.text)
    response = client.get("/quarantine")
    assert response.status_code == (200 if role in ADMINS else 403)
    whole(response.text)


def test_the_start_is_ones_own_list(shop: Shop, browser: Browser) -> None:
    response = browser(shop).get("/", follow=True)
    assert response.redirect_chain == [("/mine", 302)]
    assert "Nothing waits for you" in response.text


@pytest.mark.parametrize("path", ["/mine", "/all", "/unassigned"])
def test_the_first_day_begins_with_an_inbox(shop: Shop, owner: Owner, browser: Browser, path: str) -> None:
    assert "There is no inbox yet" not in browser(shop, "owner").get(path).text
    owner.execute("DELETE FROM channels_inboxteam")
    owner.execute("DELETE FROM channels_inbox")
    page = browser(shop, "owner").get(path).text
    assert "There is no inbox yet" in page
    assert re.search(r'<a class="btn primary" href="/inboxes">', page)
    assert "There is no inbox yet" not in browser(shop, "agent").get(path).text, "who may not make one"


def test_a_conversations_own_address_leads_to_it(shop: Shop, known: Known, browser: Browser) -> None:
    response = browser(shop).get(f"/conversations/{known.conversation}", follow=True)
    assert response.redirect_chain == [(f"/all/{known.conversation}", 302)]
    assert "Facture DZ-20377" in response.text


def test_read_only_sees_everything_and_is_offered_nothing(shop: Shop, known: Known, browser: Browser) -> None:
    page = browser(shop, "readonly").get(f"/all/{known.conversation}").text
    assert "Où est ma facture" in page
    for offer in ('name="text"', 'id="turn"', 'id="assign"', "Try again", "/reply", "/resolve"):
        assert offer not in page
    assert "You may read along" in page
    customer = browser(shop, "readonly").get(f"/customers/{known.customer}").text
    assert "Merge" not in customer


@pytest.mark.parametrize("verb", ["reply", "assign", "resolve", "reopen"])
def test_read_only_may_not_change_a_conversation(
    shop: Shop, known: Known, browser: Browser, verb: str
) -> None:
    response = browser(shop, "readonly").post(f"/conversations/{known.conversation}/{verb}", {"text": "x"})
    assert response.status_code == 403
    assert "Your role is read-only" in response.text


def test_what_people_write_is_never_markup(shop: Shop, browser: Browser) -> None:
    evil = '"><img src=x onerror=alert(1)>'
    take(shop, mail(evil, subject=evil, sender=f'"{evil}" <evil@strange.example>'.replace('""', '"')))
    client = browser(shop)
    with tenant(shop.id):
        from wasl.conversations.models import Conversation

        row = Conversation.objects.get()
    for path in (
        "/all",
        f"/all/{row.id}",
        "/customers",
        f"/customers/{row.customer_id}",
        "/customers/found?q=img",
    ):
        text = client.get(path).text
        assert "<img src=x" not in text, path
        assert "onerror=alert(1)&gt;" in text or "onerror" not in text, path


def test_lists_are_paged_by_a_link_that_follows_itself(shop: Shop, browser: Browser) -> None:
    take(
        shop,
        *[mail(f"Message {n}", sender=f"c{n}@many.example", subject=f"Subject {n:02}") for n in range(45)],
    )
    client = browser(shop)
    first = client.get("/all").text
    assert first.count('data-conversation="') == 40
    link = re.search(r'id="older".*?href="([^"]+)"', first, re.DOTALL)
    assert link
    older = client.get(
        link[1].replace("&amp;", "&"), headers={"HX-Request": "true", "HX-Target": "older"}
    ).text
    assert older.count('data-conversation="') == 5
    assert "<html" not in older
    shown = set(re.findall(r"Subject \d\d", first)) | set(re.findall(r"Subject \d\d", older))
    assert len(shown) == 45
    whole(client.get(link[1].replace("&amp;", "&")).text)
    again = client.get("/all?count=45", headers={"HX-Request": "true", "HX-Target": "list"}).text
    assert again.count('data-conversation="') == 45


def test_a_long_thread_is_read_backwards(shop: Shop, browser: Browser) -> None:
    take(shop, mail("Message 00", Message_ID="<0@t.example>"))
    take(
        shop,
        *[mail(f"Message {n:02}", In_Reply_To="<0@t.example>", subject="Re: Facture") for n in range(1, 50)],
    )
    with tenant(shop.id):
        from wasl.conversations.models import Conversation

        key = Conversation.objects.get().id
    client = browser(shop)
    page = client.get(f"/all/{key}").text
    assert [int(n) for n in re.findall(r"<p dir=\"auto\">Message (\d\d)", page)] == list(range(10, 50))
    link = re.search(r'id="earlier" href="([^"]+)"', page)
    assert link
    earlier = client.get(link[1], headers={"HX-Request": "true", "HX-Target": "earlier"}).text
    assert [int(n) for n in re.findall(r"<p dir=\"auto\">Message (\d\d)", earlier)] == list(range(10))
    assert 'id="earlier"' not in earlier
    assert 'id="thread-head"' not in earlier


@pytest.mark.parametrize(
    "path", ["/all?before=x", "/all?before=1-2", "/all?before=99999999999999999999-" + "0" * 32]
)
def test_a_broken_place_in_a_list_is_a_bad_request(shop: Shop, browser: Browser, path: str) -> None:
    assert browser(shop).get(path).status_code == 400


def test_numbers_stop_at_what_a_page_can_hold(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    for count in ("-1", "0", "99999999999", "x", "٣"):
        assert client.get(f"/all?count={count}").status_code == 200


def test_unread_until_seen_and_reading_is_a_post(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    assert "data-unread" in client.get("/all").text
    client.get(f"/all/{known.conversation}")
    assert "data-unread" in client.get("/all").text
    assert client.post(f"/conversations/{known.conversation}/seen").status_code == 204
    assert "data-unread" not in client.get("/all").text
    assert "data-unread" in browser(shop, "owner").get("/all").text


def test_the_open_page_names_what_is_read_again_when_it_changes(
    shop: Shop, known: Known, browser: Browser
) -> None:
    page = browser(shop).get(f"/all/{known.conversation}").text
    assert 'data-live="list"' in page
    assert f'data-live="conversation:{known.conversation}"' in page
    assert f'data-live="customer:{known.customer}"' in page
    assert f'data-live="customer:{known.customer}"' in browser(shop).get(f"/customers/{known.customer}").text


def fragment(client: Client, path: str, target: str) -> str:
    return client.get(path, headers={"HX-Request": "true", "HX-Target": target}).text


def test_fragments_hold_what_changed_and_nothing_more(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    listing = fragment(client, "/all", "list")
    assert "<html" not in listing
    assert 'hx-swap-oob="morph:#places"' in listing
    thread = fragment(client, f"/all/{known.conversation}", "thread")
    assert "<html" not in thread
    assert 'id="thread"' in thread
    assert 'id="card"' in thread
    assert "pane-list" not in thread
    messages = fragment(client, f"/conversations/{known.conversation}/messages", "messages")
    assert 'id="thread-head"' in messages
    assert 'name="text"' not in messages, "the composer is never swapped"
    nothing = fragment(client, "/all", "thread")
    assert "Choose a conversation" in nothing
    card = fragment(client, f"/conversations/{known.conversation}/card", "card")
    assert "camille@atelier.example" in card


def test_a_merged_customer_is_shown_as_who_they_are_now(shop: Shop, browser: Browser) -> None:
    take(shop, mail("a", sender="a@one.example"), mail("b", sender="b@two.example"))
    from wasl.customers.models import Customer

    with tenant(shop.id):
        kept, merged = Customer.objects.order_by("id").values_list("id", flat=True)
    client = browser(shop)
    client.post(f"/customers/{kept}/merge", {"other": str(merged)})
    response = client.get(f"/customers/{merged}", follow=True)
    assert response.redirect_chain == [(f"/customers/{kept}", 302)]
    assert "a@one.example" in response.text
    assert "b@two.example" in response.text
    assert client.post(f"/customers/{kept}/merge", {"other": str(merged)}).status_code == 302


def test_a_merge_is_taken_back_with_a_report(shop: Shop, browser: Browser) -> None:
    take(shop, mail("a", sender="a@one.example"), mail("b", sender="b@two.example"))
    from wasl.customers.models import Customer, Merge

    with tenant(shop.id):
        kept, merged = Customer.objects.order_by("id").values_list("id", flat=True)
    client = browser(shop)
    client.post(f"/customers/{kept}/merge", {"other": str(merged)})
    take(shop, mail("later", sender="b@two.example", subject="Something else"))
    with tenant(shop.id):
        key = Merge.objects.get().id
    assert "Make it two again" in client.get(f"/customers/{kept}").text
    assert browser(shop, "readonly").post(f"/merges/{key}/undo").status_code == 403
    report = client.post(f"/merges/{key}/undo")
    assert "Two customers again" in report.text
    assert "One thing that happened since" in report.text
    assert str(merged) in report.text
    assert client.post(f"/merges/{key}/undo").status_code == 404
    assert "b@two.example" not in client.get(f"/customers/{kept}").text


def test_the_timeline_tells_what_happened(shop: Shop, known: Known, browser: Browser) -> None:
    with tenant(shop.id):
        actions.assign(shop.actor("owner"), known.conversation, shop.agents["agent"].id)
        actions.resolve(shop.actor("agent"), known.conversation)
    client = browser(shop)
    story = client.get(f"/customers/{known.customer}").text
    for words in ("E-mail from", "Facture DZ-20377", "Où est ma facture", "gave this to", "resolved this"):
        assert words in story
    thread = client.get(f"/all/{known.conversation}").text
    assert "gave this to" in thread
    assert "resolved this" in thread
    with tenant(shop.id):
        Message.objects.filter(way="in").update(rfc_id=message_id("ab" * 16, "shop.example"))
    assert "wrote on the conversation’s page" in client.get(f"/customers/{known.customer}").text
    assert "Conversation page" in client.get(f"/all/{known.conversation}").text


def test_what_was_set_aside_is_shown_kept_and_read_again(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop, "admin")
    page = client.get("/quarantine").text
    assert "It holds nothing" in page or "It does not say who sent it" in page
    original = client.get(f"/quarantine/{known.held}/original")
    assert original.headers["Content-Disposition"] == f'attachment; filename="{known.held}.eml"'
    assert original.headers["Content-Type"] == "application/octet-stream"
    assert original.content == b""
    again = client.post(f"/quarantine/{known.held}/replay", headers={"HX-Request": "true"})
    assert "Reading again" in again.text
    gone = client.post(f"/quarantine/{known.held}/discard", headers={"HX-Request": "true"})
    assert "Nothing is set aside" in gone.text
    assert browser(shop, "agent").get(f"/quarantine/{known.held}/original").status_code == 403
