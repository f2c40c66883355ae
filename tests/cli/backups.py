"""What tests of backups need: places, a furnished shop, every row of a database."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.cli.other import PASSPHRASE
from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.config import backup
from wasl.config.backup_tables import tables
from wasl.config.followers import FOLLOWERS
from wasl.conversations.models import Conversation
from wasl.conversations.reply import Upload, reply
from wasl.kit.db import pool, tenant
from wasl.timeline import follow

Owner = psycopg.Connection[Any]


def quiet(done: int, what: str) -> None:
    """Nobody watches."""


def with_file(number: int, sender: str) -> bytes:
    """A mail with a file that is nobody else's, and one that everybody sends."""
    from email import message_from_bytes
    from email.message import EmailMessage
    from email.policy import default

    made = message_from_bytes(
        mail(f"words of {number}", sender=sender, subject=f"s {number}"), policy=default
    )
    assert isinstance(made, EmailMessage)
    made.add_attachment(
        b"file %d\n" % number * 40_000, maintype="text", subtype="x-own", filename=f"{number}.txt"
    )
    made.add_attachment(b"everybody's terms", maintype="text", subtype="x-terms", filename="terms.txt")
    return made.as_bytes()


def follow_all() -> None:
    """Let each follower read to the end."""
    for follower in FOLLOWERS:
        with pool("queue", "test", 8).connection() as conn:
            while follow.run_once(conn, follower):
                pass


def dump(conn: Owner) -> dict[str, list[Any]]:
    """Every row of every table that a backup holds."""
    found = {}
    for table in tables(conn):
        columns = sql.SQL(", ").join(map(sql.Identifier, sorted((*table.columns, *table.sealed))))
        query = sql.SQL("SELECT {}::text FROM (SELECT {} FROM {}) t ORDER BY 1")
        whole = query.format(sql.SQL("t"), columns, sql.Identifier(table.name))
        found[table.name] = [row[0] for row in conn.execute(whole)]
    return found


def make(folder: Path, passphrase: str | None = PASSPHRASE) -> Path:
    """A backup; its file."""
    report = backup.make(folder, passphrase, quiet)
    assert report.missing == []
    return report.path


def furnish(shop: Shop, count: int = 12) -> None:
    """Customers, files, answers, followers that have read a part."""
    take(shop, *(with_file(n, f"Someone {n} <c{n}@people.example>") for n in range(count // 2)))
    follow_all()
    take(shop, *(with_file(n, f"Someone {n} <c{n}@people.example>") for n in range(count // 2, count)))
    with tenant(shop.id):
        conversations = list(Conversation.objects.values_list("id", flat=True)[:3])
        for one in conversations:
            reply(
                shop.actor(),
                one,
                "an answer",
                [Upload("answer.pdf", "application/pdf", content=b"%PDF answer")],
            )
