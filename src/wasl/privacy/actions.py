"""Erasing a customer: from the database, and from every backup that was ever made of it."""

from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql

from wasl.accounts.actor import Actor, NotFound
from wasl.kit import blobs
from wasl.kit.clock import now
from wasl.kit.db import Connection, raw, tenant
from wasl.kit.signal import Signal, send
from wasl.privacy.subjects import PERSONAL, Personal
from wasl.timeline import keys, ring
from wasl.timeline.actions import Touch, append

_FAMILY: LiteralString = """
SELECT id FROM customers_customer WHERE workspace_id = %(workspace)s AND root_id = (
  SELECT root_id FROM customers_customer WHERE workspace_id = %(workspace)s AND id = %(customer)s)
ORDER BY id FOR UPDATE
"""
_PATIENCE: LiteralString = "SET LOCAL statement_timeout = '5min'"
_GIVE_UP: LiteralString = """
UPDATE delivery_delivery SET state = 'failed', reason = 'gave_up', ended_at = now(), fence = fence + 1
WHERE workspace_id = %s AND customer_id = ANY(%s::uuid[]) AND state IN ('queued', 'sending', 'retry', 'in_doubt')
RETURNING customer_id, channel, conversation_id, id
"""


def erase(actor: Actor, customer_id: UUID) -> list[UUID]:
    """Erase a customer and all that were merged with them; their ids.

    Touchpoints stay, with their facts; what was sealed on them, and whatever else the customer wrote or was written,
    is gone from the commit on, and older backups do not open for them any more. In a workspace of millions of messages
    this takes seconds, in which followers wait. Raises Forbidden and NotFound.
    """
    actor.require_admin()
    workspace_id = actor.workspace_id
    with tenant(workspace_id):
        conn = raw()
        conn.execute(_PATIENCE)
        found = conn.execute(_FAMILY, {"workspace": workspace_id, "customer": customer_id}).fetchall()
        if not found:
            raise NotFound
        family = [row[0] for row in found]
        files = _files(conn, workspace_id, family)
        given_up = _give_up(conn, workspace_id, family)
        for part in PERSONAL:
            if part.table != "timeline_subjectkey":
                conn.execute(_statement(part), [workspace_id, family])
        for member in family:
            keys.destroy(conn, workspace_id, member)
            ring.take_out(conn, workspace_id, member)
        append(conn, workspace_id, given_up + [_touch(actor, member) for member in family])
        send(conn, [Signal("customer", workspace_id, customers=tuple(family))])
        unused = files - _files(conn, workspace_id, None, files)
    for digest in unused:
        blobs.store().delete(workspace_id, digest)
    return family


def _touch(actor: Actor, customer_id: UUID) -> Touch:
    return Touch(customer_id, "customer.erased", now(), facts={"by": actor.kind})


def _give_up(conn: Connection, workspace_id: UUID, customers: list[UUID]) -> list[Touch]:
    """Nothing more is sent to them."""
    return [
        Touch(who, "delivery.failed", now(), channel, conversation, delivery, {"reason": "gave_up"})
        for who, channel, conversation, delivery in conn.execute(_GIVE_UP, [workspace_id, customers])
    ]


def _statement(part: Personal) -> sql.Composed:
    table, of = sql.Identifier(part.table), sql.SQL(part.customer)
    where = sql.SQL(" WHERE t.workspace_id = %s AND {} = ANY(%s::uuid[])").format(of)
    if not part.blanks:
        return sql.SQL("DELETE FROM {} t").format(table) + where
    values = [
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(blank))
        for column, blank in part.blanks.items()
    ]
    return sql.SQL("UPDATE {} t SET ").format(table) + sql.SQL(", ").join(values) + where


def _files(
    conn: Connection, workspace_id: UUID, customers: list[UUID] | None, among: set[bytes] | None = None
) -> set[bytes]:
    """Digests of the files of some customers; or those `among` digests that anybody has."""
    found: set[bytes] = set()
    for part in PERSONAL:
        if not part.files:
            continue
        column = sql.Identifier(part.files)
        wanted: Any = customers if among is None else list(among)
        of = sql.SQL(part.customer) if among is None else sql.SQL("t.") + column
        kind = sql.SQL("uuid[]" if among is None else "bytea[]")
        query = sql.SQL("SELECT DISTINCT t.{} FROM {} t WHERE t.workspace_id = %s AND {} = ANY(%s::{})")
        statement = query.format(column, sql.Identifier(part.table), of, kind)
        found |= {bytes(row[0]) for row in conn.execute(statement, [workspace_id, wanted]) if row[0]}
    return found
