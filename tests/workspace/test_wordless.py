"""Messages without words say what they are wherever conversations are listed, found, read and told of."""

from datetime import UTC, datetime

import psycopg
import pytest

from tests.conversations.test_ways import chat_inbox, message
from tests.inbound import take
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.accounts.models import Agent
from wasl.channels.voice.parse import payload
from wasl.config.telling import digest
from wasl.conversations import listing, wordless
from wasl.conversations.models import Conversation
from wasl.desk.telling import Item, Told
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7

AT = datetime(2026, 2, 16, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("meta", "types", "code"),
    [
        ({"kind": "voicemail", "media": [{"type": "audio/mpeg"}]}, [], "voicemail"),
        ({"media": [{"type": "image/jpeg"}]}, [], "image/jpeg"),
        ({}, ["application/pdf", "image/png"], "application/pdf"),
        ({}, [], ""),
    ],
)
def test_what_it_is(meta: dict[str, object], types: list[str], code: str) -> None:
    assert wordless.code(meta, types) == code


def test_a_voicemail_and_a_picture_say_what_they_are(
    shop: Shop, browser: Browser, owner: psycopg.Connection[object]
) -> None:
    voice = chat_inbox(shop, "voice", "+390212345678")
    (id_,) = take(
        shop,
        payload(ref="CA1", number="+393331112222", at=AT, recording="https://voice.example/r", seconds=9),
        inbox=voice,
    )
    said = message(shop, id_)
    client = browser(shop)
    page = client.get("/all").text
    assert "Voicemail" in page
    assert "No text" not in page
    assert "Voicemail" in client.get("/search?q=is:open").text
    assert "Voicemail" in client.get(f"/customers/{said.conversation.customer_id}").text
    with tenant(shop.id):
        (row,) = listing.page(shop.actor()).rows
        agent = Agent.objects.get(id=shop.agents["agent"].id)
    item = Item("new", row.id, "", "Giulia", 1, AT, uuid7(), row.wordless)
    told = Told(shop.id, agent.id, agent.user_id, "en", (item,), ())
    assert "· Voicemail\n" in digest(told)[1]

    owner.execute("UPDATE conversations_message SET meta = '{}'")
    assert "No text" in client.get("/all").text
    owner.execute(
        "INSERT INTO conversations_attachment (workspace_id, id, message_id, position, filename, content_type, size,"
        " digest, content_id, inline) VALUES (%s, %s, %s, 0, 'a.jpg', 'image/jpeg', 1, '', '', false)",
        [shop.id, uuid7(), said.id],
    )
    assert "Picture" in client.get("/all").text
    with tenant(shop.id):
        Conversation.objects.update(preview="Ciao")
        (row,) = listing.page(shop.actor()).rows
    assert (row.preview, row.wordless) == ("Ciao", "")
