"""What a backup reads: which tables, which of their columns are sealed, which files they speak of."""

from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from wasl.kit.db import Connection
from wasl.privacy.subjects import LEFT_OUT, PERSONAL, Personal


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is read: its columns, first those that stay readable, then those that are sealed."""

    name: str
    columns: tuple[str, ...]
    sealed: tuple[str, ...] = ()
    personal: Personal | None = None

    @property
    def described(self) -> dict[str, Any]:
        """For whoever reads it again, with another version's idea of what is personal."""
        values = (
            [self.personal.blanks[name] for name in self.sealed]
            if self.personal and self.personal.blanks
            else []
        )
        blanks = ["\\N" if blank is None else blank for blank in values]
        return {"table": self.name, "columns": self.columns, "sealed": self.sealed, "blanks": blanks}


_COLUMNS: LiteralString = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
GROUP BY c.relname ORDER BY c.relname
"""


def tables(conn: Connection) -> list[Table]:
    """The tables that a backup holds, with the columns that the database does not make by itself."""
    known = {part.table: part for part in PERSONAL}
    found = []
    for name, columns in conn.execute(_COLUMNS).fetchall():
        if name in LEFT_OUT:
            continue
        personal = known.get(name)
        sealed: tuple[str, ...] = ()
        if personal:  # a database that is to be upgraded may lack a column yet
            sealed = tuple(c for c in personal.blanks if c in columns) or tuple(columns)
        clear = tuple(column for column in columns if column not in sealed)
        found.append(Table(name, clear, sealed, personal))
    return found


def select(table: Table) -> sql.Composed:
    """COPY of a table; of one with personal columns, each line begins with workspace and customer."""
    columns: list[sql.Composable] = [
        sql.SQL("t.") + sql.Identifier(c) for c in (*table.columns, *table.sealed)
    ]
    if table.personal:
        columns = [sql.SQL("t.workspace_id"), sql.SQL(table.personal.customer), *columns]
    query = sql.SQL("COPY (SELECT {} FROM {} t) TO STDOUT")
    return query.format(sql.SQL(", ").join(columns), sql.Identifier(table.name))


def every_file(there: set[str]) -> sql.Composed:
    """Every file that a row of these tables speaks of: workspace, digest, customers."""
    parts = [
        sql.SQL(
            "SELECT t.workspace_id, t.{0} AS digest, {1} AS customer FROM {2} t WHERE t.{0} IS NOT NULL"
        ).format(sql.Identifier(part.files), sql.SQL(part.customer), sql.Identifier(part.table))
        for part in PERSONAL
        if part.files and part.table in there
    ]
    return sql.SQL(
        "SELECT workspace_id, digest, array_agg(DISTINCT customer) FROM ({}) f GROUP BY workspace_id, digest"
    ).format(sql.SQL(" UNION ALL ").join(parts))


_ESTIMATE: LiteralString = """
SELECT coalesce(sum(pg_table_size(c.oid)), 0)::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r'
"""


def estimate(conn: Connection) -> int:
    """About how many bytes a backup has to read."""
    row = conn.execute(_ESTIMATE).fetchone()
    files = conn.execute("SELECT coalesce(sum(size), 0)::int8 FROM conversations_attachment").fetchone()
    return int((row or [0])[0]) + int((files or [0])[0])
