"""Years of history for a benchmark: conversations in four languages, written straight into the tables as the owner.

Sentences are the demo's, shuffled into bodies; sizes, states and times are spread as a shop's are. How rows get into
the tables is `loading`'s matter.
"""

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench import loading
from tests.worlds import Shop

LANGUAGES = ("ar", "fr", "it", "en")
BODIES = 750
"""Bodies in each language."""

COMMON = ("atlas", "cedar", "lantern", "saffron", "kilim")
"""Words, each in a tenth of the messages."""

INBOXES, AGENTS, TAGS, YEARS, LONG = 20, 50, 30, 3, 200
TABLES = (
    "customers_customersummary",
    "conversations_tagging",
    "conversations_seen",
    "customers_customer",
    "customers_identity",
    "conversations_conversation",
    "timeline_touchpoint",
    "conversations_message",
    "conversations_searchable",
)
"""From the smallest to what takes longest."""
Owner = psycopg.Connection[Any]


@dataclass(frozen=True)
class History:
    """What was written: the long conversation, an inbox with many and one with few, and how many messages."""

    conversations: int
    messages: int
    long: UUID
    large: UUID
    small: str
    tag: str
    numbers: list[str]


def write(dsn: str, shop: Shop, conversations: int, say: Callable[[str], None]) -> History:
    """Fill the shop's workspace. Raises SystemExit when there are conversations already."""
    agent = shop.agents["agent"].id
    values = {"workspace": shop.id, "count": conversations, "years": YEARS, "agent": agent}
    steps = {name.partition(" ")[0]: (name, statement) for name, statement in _steps()}
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("SET work_mem = '256MB'; SET synchronous_commit = off")
        _people(owner, shop)
        _bodies(owner, shop.id)
        for name in ("bench_customer", "bench_conversation", "bench_message"):
            _run(owner, steps[name][1], values, say, name)
        taken = loading.shed(owner, TABLES)
        try:
            loading.fill(dsn, [_filled(owner, *steps[table], values) for table in reversed(TABLES)], say)
        finally:
            loading.restore(dsn, taken, say)
        loading.analyse(dsn, TABLES, say)
        return _read(owner, shop.id)


def _run(owner: Owner, statement: Any, values: dict[str, Any], say: Callable[[str], None], name: str) -> None:
    start = time.monotonic()
    owner.execute(statement, values)
    tidy: Any = f"ANALYZE {name}"
    owner.execute(tidy)
    say(f"{name}: {time.monotonic() - start:.0f} s")


def forget(owner: Owner) -> None:
    """Drop the tables that were only for writing."""
    for name in ("inbox", "agent", "tag", "body", "customer", "conversation", "message"):
        drop: Any = f"DROP TABLE IF EXISTS bench_{name}"
        owner.execute(drop)


def _people(owner: Owner, shop: Shop) -> None:
    """Inboxes of very different sizes, agents and tags."""
    now = datetime.now(UTC)
    rows = [(n, "email", f"Inbox {n}", f"inbox{n}@bench.example") for n in range(1, INBOXES + 1)]
    owner.execute(
        "CREATE UNLOGGED TABLE bench_inbox (n int, id uuid); CREATE UNLOGGED TABLE bench_agent (n int, id uuid)"
    )
    for n, channel, name, address in rows:
        values = {"channel": channel, "name": name, "address": address, "is_active": True, "config": "{}"}
        owner.execute(
            "INSERT INTO bench_inbox VALUES (%s, %s)", [n, _row(owner, "channels_inbox", shop.id, values)]
        )
    owner.execute("INSERT INTO bench_agent SELECT row_number() OVER (), id FROM accounts_agent")
    for n in range(AGENTS - 4):
        user = owner.execute("SELECT uuidv7()").fetchone()
        assert user
        values = {"id": user[0], "email": f"a{n}@bench.example", "name": f"Agent {n}", "language": "en",
                  "theme": "system", "digits": "latn", "is_active": True, "date_joined": now,
                  "password": "!"}  # fmt: skip
        _row(owner, "accounts_user", None, values)
        values = {
            "user_id": user[0],
            "name": f"Agent {n}",
            "role": "agent",
            "is_active": True,
            "created_at": now,
        }
        agent = _row(owner, "accounts_agent", shop.id, values)
        owner.execute("INSERT INTO bench_agent VALUES (%s, %s)", [n + 5, agent])
    owner.execute("CREATE UNLOGGED TABLE bench_tag (n int, id uuid)")
    for n in range(1, TAGS + 1):
        values = {"name": f"tag {n}", "folded": f"tag {n}", "created_at": now}
        owner.execute(
            "INSERT INTO bench_tag VALUES (%s, %s)", [n, _row(owner, "conversations_tag", shop.id, values)]
        )


def _row(owner: Owner, table: str, workspace: UUID | None, values: dict[str, Any]) -> UUID:
    more = {"workspace_id": workspace} if workspace else {}
    given = {name: f"%({name})s" for name in values | more}
    given.setdefault("id", "uuidv7()")
    columns = _complete(owner, table, given)
    statement: Any = (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(columns.values())}) RETURNING id"
    )
    row = owner.execute(statement, values | more).fetchone()
    assert row
    return UUID(str(row[0]))


_DEFAULTS = {"text": "''", "character varying": "''", "integer": "0", "smallint": "0", "boolean": "false",
             "jsonb": "'{}'", "timestamp with time zone": "now()", "bigint": "0"}  # fmt: skip


def _complete(owner: Owner, table: str, given: dict[str, str]) -> dict[str, str]:
    """The given columns, and every other that may not be empty, with something harmless."""
    found = owner.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND is_nullable = 'NO'"
        " AND column_default IS NULL AND is_generated = 'NEVER'",
        [table],
    )
    return given | {name: _DEFAULTS[kind] for name, kind in found if name not in given}


def _bodies(owner: Owner, workspace: UUID) -> None:
    from wasl.conversations.lexemes import Document, vector

    owner.execute(
        "CREATE UNLOGGED TABLE bench_body (n int, language text, subject text, body text, words tsvector)"
    )
    dice, made = random.Random(7), []
    for place, language in enumerate(LANGUAGES):
        subjects, sentences = _sentences(language)
        for n in range(BODIES):
            words = [dice.choice(sentences) for _ in range(max(1, int(dice.lognormvariate(1.6, 0.6))))]
            words += [word for at, word in enumerate(COMMON) if (n + at) % 10 == 0]
            subject, body = dice.choice(subjects), " ".join(words)[:8000]
            document = Document(workspace, datetime.now(UTC), "in", language, subject, body)
            plain = " ".join(part for part in vector(document).split(" ") if "'" not in part)
            made.append((place * BODIES + n, language, subject, body, plain))
    with owner.cursor() as cursor:
        cursor.executemany("INSERT INTO bench_body VALUES (%s, %s, %s, %s, %s::tsvector)", made)
    owner.execute("ALTER TABLE bench_body ADD PRIMARY KEY (n); ANALYZE bench_body")


def _sentences(language: str) -> tuple[list[str], list[str]]:
    stories = json.loads(
        (files("wasl.cli") / "demo_data" / f"conversations.{language}.json").read_text(encoding="utf-8")
    )
    texts = [message.get("text", "") for story in stories for message in story["messages"]]
    lines = [line.strip() for text in texts for line in text.split("\n") if len(line.strip()) > 30]
    return [story.get("subject") or "…" for story in stories], lines


def _filled(
    owner: Owner, name: str, statement: Any, values: dict[str, Any]
) -> tuple[str, str, Sequence[str]]:
    """A table, the query whose rows it gets, and their columns; each value in its column's own type."""
    table, _, columns = name.partition(" ")
    given = {column: f"made.{column}" for column in columns.strip("()").split(", ")}
    complete = _complete(owner, table, given)
    kinds = dict(
        owner.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass",
            [table],
        ).fetchall()
    )
    source = ", ".join(f"({value})::{kinds[column]}" for column, value in complete.items())
    query = psycopg.ClientCursor(owner).mogrify(statement, values)
    return table, f"SELECT {source} FROM ({query}) made", list(complete)


def _steps() -> list[tuple[str, str]]:
    """What each step makes, and its statement."""
    text = (Path(__file__).parent / "history.sql").read_text(encoding="utf-8")
    parts = [part.partition("\n") for part in text.split("\n--- ")[1:]]
    return [(name, statement) for name, _, statement in parts]


def _read(owner: Owner, workspace: UUID) -> History:
    def one(statement: str) -> Any:
        whole: Any = statement
        row = owner.execute(whole, {"workspace": workspace}).fetchone()
        return row[0] if row else None

    return History(
        one("SELECT count(*) FROM bench_conversation"),
        one("SELECT count(*) FROM bench_message"),
        one(f"SELECT id FROM bench_conversation WHERE messages = {LONG} LIMIT 1"),
        one("SELECT id FROM bench_inbox WHERE n = 1"),
        f"Inbox {INBOXES}",
        "tag 7",
        [
            str(row[0])
            for row in owner.execute("SELECT number FROM bench_message ORDER BY hashint8(number) LIMIT 200")
        ],
    )
