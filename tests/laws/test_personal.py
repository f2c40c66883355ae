"""The law of personal data: erasures and backups know every table."""

from typing import Any

import psycopg

from wasl.privacy.subjects import CLEAR, LEFT_OUT, PERSONAL

TABLES = """
SELECT relname::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition
"""

COLUMNS = "SELECT column_name::text, is_nullable FROM information_schema.columns WHERE table_name = %s"


def test_every_table_is_in_one_list(owner: psycopg.Connection[Any]) -> None:
    """A new table: does it hold what a customer wrote, or what was written of one? Say so in privacy/subjects.py:
    in PERSONAL with whose it is, in CLEAR if it holds nothing of the kind, in LEFT_OUT if no backup should have it."""
    names = {row[0] for row in owner.execute(TABLES).fetchall()}
    lists = [*(part.table for part in PERSONAL), *LEFT_OUT, *CLEAR]
    assert names - set(lists) == set(), "tables that privacy/subjects.py does not know"
    assert set(lists) - names == set(), "tables that are no more"
    assert len(lists) == len(set(lists)), "tables that are in two lists"


def test_personal_columns_exist_and_may_be_blank(owner: psycopg.Connection[Any]) -> None:
    for part in PERSONAL:
        columns = dict(
            owner.execute(
                "SELECT column_name::text, is_nullable FROM information_schema.columns WHERE table_name = %s",
                [part.table],
            ).fetchall()
        )
        assert set(part.blanks) <= set(columns), part.table
        assert all(columns[name] == "YES" for name, blank in part.blanks.items() if blank is None), part.table
        assert not part.files or part.files in columns
        owner.execute(f"SELECT {part.customer} FROM {part.table} t LIMIT 0".encode())
