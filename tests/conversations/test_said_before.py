"""What an upgrade makes of conversations from before lists knew a language."""

from importlib import import_module
from typing import Any

import psycopg
from django.db import connections

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.config.rebuild import PROJECTIONS
from wasl.kit.db import conninfo
from wasl.timeline.rebuild import rebuild

Owner = psycopg.Connection[Any]
QUOTING = "Vielen Dank, das ist klar.\n\nAm 1. März schrieb Wasl:\n> Guten Tag,\n> gern geschehen.\n"
SAID = "SELECT language, preview FROM conversations_conversation ORDER BY id"

before = import_module("wasl.conversations.migrations.0011_said_before")


def upgrade() -> None:
    """What the migration does."""
    connection = connections["owner"]
    with connection.schema_editor() as editor:
        before.say(None, editor)
    connection.close()


def test_they_are_in_lists_as_later_ones_are(shop: Shop, owner: Owner, monkeypatch: Any) -> None:
    monkeypatch.setattr(before, "AT_ONCE", 1)
    texts = ("Bonjour, où en est ma commande de lampes ?", "مرحبًا، متى يصل طلبي إلى بيروت؟", "…")
    for number, text in enumerate(texts):
        take(shop, mail(sender=f"c{number}@x.example", text=text))
    take(
        shop,
        mail(sender="q@x.example", text="Thank you, that is clear.\n\nOn Monday, Wasl wrote:\n> Hello\n"),
    )
    now = owner.execute(SAID).fetchall()
    assert {language for language, _ in now} >= {"fr", "ar", "en"}
    owner.execute("UPDATE conversations_conversation SET language = '', preview = 'as it was'")
    upgrade()
    assert [row[0] for row in owner.execute(SAID)] == [row[0] for row in now]
    with psycopg.connect(conninfo("queue", "rebuild"), autocommit=True) as conn:
        (conversations,) = (each for each in PROJECTIONS if each.name == "conversations")
        rebuild(conn, conversations, shop.id)
    assert owner.execute(SAID).fetchall() == now
