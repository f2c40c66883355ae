"""What is said in public, on the pages: marked as such, with where it stands and how it is answered."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.conversations.test_ways import chat_inbox
from tests.inbound import take
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.channels.meta.hook import Hook
from wasl.channels.models import Inbox
from wasl.channels.port import Request
from wasl.conversations.models import Conversation, Message
from wasl.delivery.models import Delivery
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.workspace.shapes.chats import about, public

SAMPLES = json.loads((Path(__file__).parent.parent / "channels/samples/comments/changes.json").read_text())
HX = {"HX-Request": "true"}


@pytest.fixture
def page(shop: Shop) -> Inbox:
    return chat_inbox(shop, "messenger", "1001")


def come(shop: Shop, inbox: Inbox, body: Any) -> None:
    for slip in Hook("page").split(Request("POST", "", {}, {}, json.dumps(body).encode())):
        take(shop, slip.content, inbox=inbox)


def private(mid: str, text: str) -> dict[str, Any]:
    said = {"sender": {"id": "7001"}, "recipient": {"id": "1001"}, "timestamp": int(now().timestamp() * 1000)}
    entry = {"id": "1001", "messaging": [said | {"message": {"mid": mid, "text": text}}]}
    return {"object": "page", "entry": [entry]}


def opened(shop: Shop, browser: Browser) -> str:
    with tenant(shop.id):
        conversation = Conversation.objects.latest("created_at")
    return str(browser(shop, "agent").get(f"/all/{conversation.id}").content.decode())


def test_a_comment_is_marked_and_leads_to_where_it_stands(shop: Shop, browser: Browser, page: Inbox) -> None:
    come(shop, page, SAMPLES["comment"])
    shown = opened(shop, browser)
    message = shown.partition('id="m-')[2].partition("</article>")[0]
    assert 'title="Everybody can read this"' in message
    assert (
        '<a href="https://www.facebook.com/lampes/posts/55" target="_blank" rel="noopener noreferrer">'
        in message
    )
    assert "Below a post on Facebook" in shown
    assert "facebook:1001_55" not in shown
    composer = shown.partition('id="ways"')[2]
    assert '<span class="badge warn">Public</span>' in composer
    come(shop, page, SAMPLES["hidden"])
    assert "Hidden: only its writer and their friends see it" in opened(shop, browser)
    come(shop, page, SAMPLES["removed"])
    assert "Removed, by its writer or by you" in opened(shop, browser)


def test_a_private_message_is_not_marked(shop: Shop, browser: Browser, page: Inbox) -> None:
    come(shop, page, private("m1", "En privé"))
    shown = opened(shop, browser)
    assert "Everybody can read this" not in shown
    assert ">Public<" not in shown


def test_an_answer_to_a_comment_says_who_reads_it(shop: Shop, browser: Browser, page: Inbox) -> None:
    come(shop, page, SAMPLES["comment"])
    client = browser(shop, "agent")
    with tenant(shop.id):
        conversation = Conversation.objects.get()
    ways = [part.partition('"')[0] for part in opened(shop, browser).split('data-via="')[1:]]
    assert ways == [ways[0], f"{ways[0]}:aside"]
    for via, text in zip(ways, ("Pour tous", "Pour vous"), strict=True):
        form = {"text": text, "via": via}
        assert client.post(f"/conversations/{conversation.id}/reply", form, headers=HX).status_code == 200
    with tenant(shop.id):
        told = {d.payload["chat"]["text"]: d.payload["chat"]["comment"] for d in Delivery.objects.all()}
        marked = {m.text: public(m.meta) for m in Message.objects.filter(way="out")}
        ids = {m.text: m.id for m in Message.objects.filter(way="out")}
    assert told == {"Pour tous": "public", "Pour vous": "private"}
    assert marked == {"Pour tous": True, "Pour vous": False}
    shown = opened(shop, browser)
    own = {text: shown.partition(f'id="m-{id_}"')[2].partition("</article>")[0] for text, id_ in ids.items()}
    assert "Everybody can read this" in own["Pour tous"]
    assert "To them alone" in own["Pour vous"]


def test_no_file_goes_below_a_comment(shop: Shop, browser: Browser, page: Inbox) -> None:
    come(shop, page, SAMPLES["comment"])
    with tenant(shop.id):
        conversation = Conversation.objects.get()
    form = {"text": "Voici", "files": SimpleUploadedFile("a.pdf", b"%PDF", "application/pdf")}
    answer = browser(shop, "agent").post(f"/conversations/{conversation.id}/reply", form, headers=HX)
    assert (answer.status_code, "Files do not go below a comment" in answer.content.decode()) == (422, True)
    with tenant(shop.id):
        assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("meta", "icon", "link"),
    [
        ({"kind": "mention", "content": {"public": True, "permalink": "https://x.example/1"}}, "globe", "https://x.example/1"),
        ({"kind": "comment", "content": {"public": True, "permalink": "javascript:alert(1)"}}, "globe", ""),
        ({"kind": "story_reply", "content": {"story": "1"}}, "reply", ""),
        ({"kind": "story_mention"}, "at", ""),
        ({"kind": "share", "content": {"url": "https://x.example"}}, "link", ""),
    ],
)  # fmt: skip
def test_every_kind_has_words(meta: dict[str, Any], icon: str, link: str) -> None:
    (line,) = about(meta)
    assert (line.icon, line.link) == (icon, link)
    assert line.text
