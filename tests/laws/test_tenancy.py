"""The laws of tenancy, asked of the database itself: whatever a migration forgot shows here."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from psycopg import sql

from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.conversations.models import Conversation
from wasl.conversations.reply import reply
from wasl.kit.db import conninfo, tenant

Owner = psycopg.Connection[Any]

TABLES = """
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id' AND NOT attisdropped)
"""

# Tables without a workspace: Django's and allauth's own, and those that belong to the whole installation.
SHARED = {
    "accounts_user",
    "accounts_workspace",
    "timeline_epoch",
    "timeline_follower",
    "timeline_heartbeat",
}
FRAMEWORK = ("django_", "auth_", "account_", "mfa_")


@pytest.fixture
def app(db: None) -> Iterator[Owner]:
    with psycopg.connect(conninfo("app", "law"), autocommit=True) as conn:
        yield conn


def tables(owner: Owner) -> list[str]:
    return [row[0] for row in owner.execute(TABLES).fetchall()]


def test_every_tenant_table_has_forced_row_level_security(owner: Owner) -> None:
    rows = owner.execute(TABLES).fetchall()
    assert len(rows) > 20
    assert [name for name, enabled, forced in rows if not (enabled and forced)] == []


def test_the_workspaces_themselves_are_apart(owner: Owner) -> None:
    row = owner.execute(
        "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'accounts_workspace'"
    ).fetchone()
    assert row == (True, True)


def test_every_other_table_is_known_to_be_shared(owner: Owner) -> None:
    every = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    others = {name for (name,) in every} - set(tables(owner))
    assert {name for name in others if not name.startswith(FRAMEWORK)} == SHARED


def test_every_unique_key_carries_the_workspace(owner: Owner) -> None:
    rows = owner.execute(
        """
        SELECT c.relname, i.relname FROM pg_index x
        JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        WHERE x.indisunique AND c.relname = ANY(%s) AND NOT EXISTS (
          SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id'
            AND a.attnum = ANY(x.indkey::int2[]))
        """,
        [tables(owner)],
    ).fetchall()
    assert rows == []


def test_every_foreign_key_between_tenant_tables_carries_the_workspace(owner: Owner) -> None:
    rows = owner.execute(
        """
        SELECT c.conname FROM pg_constraint c
        JOIN pg_class f ON f.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid
        WHERE c.contype = 'f' AND f.relname = ANY(%(t)s) AND t.relname = ANY(%(t)s) AND NOT EXISTS (
          SELECT FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attname = 'workspace_id'
            AND a.attnum = ANY(c.conkey))
        """,
        {"t": tables(owner)},
    ).fetchall()
    assert rows == []


def test_the_roles_are_neither_superusers_nor_exempt(owner: Owner) -> None:
    rows = owner.execute(
        "SELECT rolname, rolsuper, rolbypassrls, rolinherit FROM pg_roles WHERE rolname LIKE 'wasl_%' ORDER BY 1"
    ).fetchall()
    assert [(name, su, bypass) for name, su, bypass, _ in rows if name in ("wasl_app", "wasl_queue")] == [
        ("wasl_app", False, False),
        ("wasl_queue", False, False),
    ]


def test_without_a_workspace_every_tenant_table_raises(owner: Owner, app: Owner, shop: Shop) -> None:
    silent = []
    for name in tables(owner):
        owner_rows = owner.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        try:
            app.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))
        except psycopg.Error:
            continue
        if owner_rows and owner_rows[0]:
            silent.append(name)
    assert silent == []


def fill(shop: Shop) -> None:
    """A conversation with an answer, so that the tables are not empty."""
    take(shop, mail("Hello"))
    with tenant(shop.id):
        reply(shop.actor("agent"), Conversation.objects.get().id, "Hello to you")


def test_a_workspace_sees_only_its_own_rows(owner: Owner, app: Owner, shop: Shop) -> None:
    other = Shop.create("other", "help@other.example")
    fill(shop)
    take(other, mail("Theirs", to="help@other.example"), to="help@other.example", inbox=other.mail)
    seen = 0
    for name in tables(owner):
        table = sql.Identifier(name)
        with app.transaction():
            app.execute("SELECT set_config('wasl.workspace', %s, true)", [str(shop.id)])
            rows = app.execute(sql.SQL("SELECT workspace_id FROM {}").format(table)).fetchall()
        seen += len(rows)
        assert {row[0] for row in rows} <= {shop.id}, name
    assert seen > 12


def test_a_row_cannot_be_written_into_another_workspace(app: Owner, shop: Shop) -> None:
    other = Shop.create("other", "help@other.example")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
        app.execute("SELECT set_config('wasl.workspace', %s, true)", [str(shop.id)])
        app.execute(
            "INSERT INTO customers_customer (workspace_id, id, name, language, timezone, place, created_at, root_id)"
            " VALUES (%s, %s, '', '', '', '', now(), %s)",
            [other.id, shop.id, shop.id],
        )


def test_the_timeline_can_only_grow(app: Owner, shop: Shop) -> None:
    fill(shop)
    for words in ("UPDATE timeline_touchpoint SET kind = 'x'", "DELETE FROM timeline_touchpoint"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
            app.execute("SELECT set_config('wasl.workspace', %s, true)", [str(shop.id)])
            app.execute(words)  # type: ignore[call-overload]


def test_the_queue_role_sees_queues_and_timeline_only(owner: Owner, shop: Shop) -> None:
    allowed = owner.execute(
        "SELECT DISTINCT table_name FROM information_schema.role_table_grants WHERE grantee = 'wasl_queue'"
    ).fetchall()
    assert {name for (name,) in allowed} == {
        "calls_call",
        "calls_callevent",
        "calls_offer",
        "channels_mailbox",
        "conversations_waking",
        "conversations_fetching",
        "desk_due",
        "devices_push",
        "delivery_attempt",
        "delivery_delivery",
        "delivery_receipt",
        "delivery_suppression",
        "intake_awaiting",
        "intake_inbound",
        "intake_inboundqueue",
        "intake_listening",
        "timeline_checkpoint",
        "timeline_epoch",
        "timeline_follower",
        "timeline_heartbeat",
        "timeline_logtile",
        "timeline_parked",
        "timeline_touchpoint",
        "webhooks_call",
    }


def test_definer_functions_are_few_known_and_closed_to_the_public(owner: Owner) -> None:
    rows = owner.execute(
        "SELECT p.proname, has_function_privilege('public', p.oid, 'execute') FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public' AND p.prosecdef ORDER BY 1"
    ).fetchall()
    assert rows == [
        ("wasl_chat_inbox", False),
        ("wasl_hook_inboxes", False),
        ("wasl_inboxes_at", False),
        ("wasl_invitation", False),
        ("wasl_listening", False),
        ("wasl_memberships", False),
        ("wasl_people", False),
        ("wasl_people_of_late", False),
        ("wasl_search", False),
        ("wasl_token", False),
    ]


def test_no_model_is_ahead_of_its_migrations(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
