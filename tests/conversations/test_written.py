"""Lists begin with what was written; a rebuild finds the same; nothing of a mail is lost."""

import pytest

from tests.channels.corpus import ours
from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.conversations.follow import rebuild
from wasl.conversations.models import Conversation, Message
from wasl.conversations.writing import PREVIEW, preview_of
from wasl.kit.db import as_tenant, pool, tenant

REPLIES = {reply.name: reply for reply in (*ours("en", "first"), *ours("ar", "first"))}


@pytest.mark.parametrize(
    "name",
    [
        "en/gmail-bottom-posted",
        "en/outlook-desktop",
        "ar/gmail-web",
        "en/forward-with-note",
        "en/gmail-interleaved",
    ],
)
def test_a_list_begins_with_what_was_written(shop: Shop, name: str) -> None:
    reply = REPLIES[name]
    (key,) = take(shop, mail(reply.text))
    with tenant(shop.id):
        assert Message.objects.get(id=key).text.split() == reply.text.split()
        lived = Conversation.objects.get().preview
        Conversation.objects.update(preview="")
    assert lived == " ".join(reply.expected.split())[:PREVIEW]
    with pool("queue", "test", 8).connection() as conn, conn.transaction(), as_tenant(conn, shop.id):
        rebuild(conn, shop.id)
    with tenant(shop.id):
        assert Conversation.objects.get().preview == lived


def test_a_list_shows_the_quotation_when_there_is_nothing_else() -> None:
    assert preview_of("in", "> On 3 May 2026 at 10:00, A <a@b.example> wrote:\n> Hello").endswith("> Hello")


def test_what_we_write_is_shown_from_its_beginning() -> None:
    text = "See what you wrote:\n-- \nLeïla"
    assert preview_of("out", text) == " ".join(text.split())
