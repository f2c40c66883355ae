"""Tenant tables: the migration operation that makes one, and the roles it is made for.

A tenant table has `workspace_id` in its primary key and in every unique key (so that the database can be
distributed by workspace), composite foreign keys (so that a row can never point into another workspace), and
forced row-level security: without a workspace set in the transaction, reading or writing it raises.
"""

from collections.abc import Mapping
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

APP_ROLE = "wasl_app"
QUEUE_ROLE = "wasl_queue"

_CURRENT = "(SELECT current_setting('wasl.workspace')::uuid)"


class _Statements(Operation):
    """An operation that is SQL on a table and nothing in Django's picture of the models.

    There is nothing to undo: the table goes with the migration that made it.
    """

    reversible = True

    def sql(self, app_label: str, state: ProjectState) -> list[str]:
        """The statements, in order."""
        raise NotImplementedError

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Django's picture of the models does not change."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for statement in self.sql(app_label, to_state):
            schema_editor.execute(statement)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Keys, policies and grants go with the table."""


class TenantTable(_Statements):
    """Turn a model's table into a tenant table.

    `refs` maps a column to the table it points to, `queue` opens the table to the queue role across
    workspaces (claims and followers only), `append_only` withholds UPDATE and DELETE from everyone but the owner.
    """

    def __init__(
        self,
        model: str,
        refs: Mapping[str, str] | None = None,
        *,
        key: tuple[str, ...] = ("workspace_id", "id"),
        queue: bool = False,
        append_only: bool = False,
        app_reads_only: bool = False,
        column: str = "workspace_id",
    ) -> None:
        self.model = model
        self.refs = dict(refs or {})
        self.key = tuple(key)
        self.queue = queue
        self.append_only = append_only
        self.app_reads_only = app_reads_only
        self.column = column

    def sql(self, app_label: str, state: ProjectState) -> list[str]:
        return self.statements(state.apps.get_model(app_label, self.model)._meta.db_table)

    def describe(self) -> str:
        return f"Make {self.model} a tenant table"

    def statements(self, table: str) -> list[str]:
        """The SQL, in order."""
        keys = ", ".join(self.key)
        sql = [
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey",
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({keys})",
        ]
        for column, target in self.refs.items():
            sql.append(foreign_key(table, column, target))
        return sql + self.security(table)

    def security(self, table: str) -> list[str]:
        """Row-level security and grants."""
        verbs = "SELECT, INSERT" if self.append_only else "SELECT, INSERT, UPDATE, DELETE"
        app_verbs = "SELECT" if self.app_reads_only else verbs
        sql = [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)",
            f"CREATE POLICY tenant ON {table} TO {APP_ROLE} "
            f"USING ({self.column} = {_CURRENT}) WITH CHECK ({self.column} = {_CURRENT})",
            f"GRANT {app_verbs} ON {table} TO {APP_ROLE}",
        ]
        if self.queue:
            sql.append(f"CREATE POLICY queue ON {table} TO {QUEUE_ROLE} USING (true) WITH CHECK (true)")
            sql.append(f"GRANT {verbs} ON {table} TO {QUEUE_ROLE}")
        return sql

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        names = ("key", "queue", "append_only", "app_reads_only", "column")
        options = {name: getattr(self, name) for name in names}
        return self.__class__.__name__, [self.model, self.refs], options


def foreign_key(table: str, column: str, target: str) -> str:
    """SQL of a composite foreign key, for a pointer from a lower room's table into an upper room's."""
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fk FOREIGN KEY (workspace_id, {column}) "
        f"REFERENCES {target} (workspace_id, id)"
    )


class SharedTable(_Statements):
    """Open a table that belongs to no workspace (users, sessions, cursors) to the roles that need it."""

    def __init__(self, table: str, *, app: str = "SELECT, INSERT, UPDATE, DELETE", queue: str = "") -> None:
        self.table = table
        self.app = app
        self.queue = queue

    def sql(self, app_label: str, state: ProjectState) -> list[str]:
        roles = ((self.app, APP_ROLE), (self.queue, QUEUE_ROLE))
        return [f"GRANT {verbs} ON {self.table} TO {role}" for verbs, role in roles if verbs]

    def describe(self) -> str:
        return f"Open {self.table} to its roles"
