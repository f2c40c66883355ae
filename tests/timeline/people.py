"""Workspaces and customers put there directly: the timeline knows nothing of how they come about."""

from typing import Any
from uuid import UUID

import psycopg

from wasl.kit.ids import uuid7


def make_workspace(owner: psycopg.Connection[Any]) -> UUID:
    """A workspace with nobody in it."""
    workspace_id = uuid7()
    owner.execute(
        "INSERT INTO accounts_workspace (id, slug, name, language, timezone, created_at) "
        "VALUES (%s, %s, 'Test', 'en', 'UTC', now())",
        [workspace_id, workspace_id.hex],
    )
    return workspace_id


def make_customers(owner: psycopg.Connection[Any], workspace_id: UUID, count: int) -> list[UUID]:
    """That many new customers."""
    ids = [uuid7() for _ in range(count)]
    owner.execute(
        "INSERT INTO customers_customer (id, workspace_id, name, language, timezone, place, created_at, root_id) "
        "SELECT u, %s, '', '', '', '', now(), u FROM unnest(%s::uuid[]) AS u",
        [workspace_id, ids],
    )
    return ids
