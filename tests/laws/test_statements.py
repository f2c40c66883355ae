"""An open conversation costs the same few statements however long it is, with everything that may stand on its page."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.test import Client

from tests.inbound import mail, take
from tests.workspace.stage import furnish, signed_in
from tests.worlds import Shop
from wasl.conversations import drafts, tags, views
from wasl.conversations.filters import Filter
from wasl.conversations.models import Message
from wasl.conversations.reply import reply
from wasl.kit.db import tenant
from wasl.kit.ids import uuid7

LONG = 200
MOST = {"page": 31, "thread": 29, "messages": 15}
"""Statements of a whole page, of a conversation opened in place, and of its messages read again."""

# What came and what was answered, in turn, with a file to every message and a note to every tenth.
_MORE = """
INSERT INTO conversations_message (workspace_id, id, conversation_id, customer_id, way, channel, identity_id, author_id,
  at, subject, text, html, has_remote, language, rfc_id, auto, meta)
SELECT workspace_id, gen_random_uuid(), conversation_id, customer_id,
  CASE WHEN n %% 10 = 0 THEN 'note' WHEN n %% 2 = 1 THEN 'in' ELSE 'out' END, channel,
  CASE WHEN n %% 10 <> 0 THEN identity_id END, CASE WHEN n %% 2 = 0 THEN %(agent)s::uuid END,
  at - n * interval '1 hour', subject, text, html, has_remote, language, '', '', meta
FROM conversations_message, generate_series(1, %(more)s) AS n WHERE id = %(message)s
"""
_FILES = """
INSERT INTO conversations_attachment (workspace_id, id, message_id, position, filename, content_type, size, digest,
  content_id, inline)
SELECT m.workspace_id, gen_random_uuid(), m.id, 0, f.filename, f.content_type, f.size, f.digest, '', false
FROM conversations_message m, conversations_attachment f
WHERE m.conversation_id = %(conversation)s AND f.id = %(file)s AND m.id <> f.message_id
"""


@pytest.fixture
def conversation(shop: Shop) -> tuple[UUID, UUID, UUID]:
    """A conversation, its first message and its file; with an answer, a draft, a tag, a view and another of theirs."""
    known, actor = furnish(shop), shop.actor()
    take(shop, mail("Et ceci ?", sender="Camille Moreau <camille@atelier.example>", subject="Autre chose"))
    with tenant(shop.id):
        reply(actor, known.conversation, "Bonjour")
        drafts.save(actor, known.conversation, "out", "Bon", key=uuid7())
        tags.tag(actor, known.conversation, "Urgent")
        views.save(actor, "Mine", Filter(), shared=False)
    return known.conversation, known.message, known.file


def lengthen(
    shop: Shop, owner: psycopg.Connection[Any], there: tuple[UUID, UUID, UUID], messages: int
) -> None:
    conversation, message, file = there
    with tenant(shop.id):
        more = messages - Message.objects.filter(conversation=conversation).count()
    owner.execute(_MORE, {"message": message, "agent": shop.agents["agent"].id, "more": more})
    owner.execute(_FILES, {"conversation": conversation, "file": file})


def asked(client: Client, monkeypatch: pytest.MonkeyPatch, address: str, target: str = "") -> list[str]:
    """The statements of a request: the ORM's, and those on the connection under it."""
    execute, found = psycopg.Cursor.execute, []

    def counted(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        found.append(str(query))
        return execute(self, query, *args, **options)

    headers = {"HX-Request": "true", "HX-Target": target} if target else {}
    client.get(address, headers=headers)
    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", counted)
        assert client.get(address, headers=headers).status_code == 200
    return found


def test_a_long_conversation_takes_no_more_statements_than_a_short_one(
    shop: Shop,
    owner: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    conversation: tuple[UUID, UUID, UUID],
) -> None:
    client, key = signed_in(shop), conversation[0]
    pages = {
        "page": (f"/all/{key}", ""),
        "thread": (f"/all/{key}", "thread"),
        "messages": (f"/conversations/{key}/messages?count=160", "messages"),
    }
    found = {}
    for length in (20, LONG):
        lengthen(shop, owner, conversation, length)
        found[length] = {name: asked(client, monkeypatch, *page) for name, page in pages.items()}
    for name, most in MOST.items():
        long, short = found[LONG][name], found[20][name]
        assert len(long) <= most, "\n\n".join(long)
        assert 10 < len(long) <= len(short), "\n\n".join(long)
