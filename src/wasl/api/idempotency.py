"""The same request under the same key is done once, and answered alike each time (for a day)."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, LiteralString

from django.db import connection
from django.db.utils import OperationalError
from django.http import HttpRequest, HttpResponse
from psycopg.errors import LockNotAvailable

from wasl.accounts.actor import Actor
from wasl.api.models import Idempotency
from wasl.kit.clock import now
from wasl.kit.problem import Problem

KEPT = timedelta(hours=24)
WAIT = "4s"
"""How long a second request waits for the first one to be answered."""
SWEPT = 20
"""Rows past their time that each new key takes along."""
_HEADERS = ("Location",)

_CLAIM: LiteralString = """
INSERT INTO api_idempotency (workspace_id, id, token_id, key, fingerprint, created_at)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (workspace_id, token_id, key) DO NOTHING
"""
_SWEEP: LiteralString = """
DELETE FROM api_idempotency WHERE (workspace_id, id) IN (
  SELECT workspace_id, id FROM api_idempotency WHERE workspace_id = %s AND created_at < %s
  ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


def once(
    actor: Actor, key: str, request: HttpRequest, body: bytes, work: Callable[[], HttpResponse]
) -> HttpResponse:
    """The answer to a request under a key: that of `work`, or the one it got before.

    Inside the request's transaction, so that what was done and what was answered are kept together or not at all;
    only successes are kept. Raises Problem when the key came with another request, or the first is still under way.
    """
    fingerprint = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode() + body).digest()
    assert actor.token_id
    row = Idempotency(
        workspace_id=actor.workspace_id,
        token_id=actor.token_id,
        key=key,
        fingerprint=fingerprint,
        created_at=now(),
    )
    if not _claim(row):
        return _again(row)
    response = work()
    if response.status_code < 400:
        row.status = response.status_code
        row.answer = {
            "body": response.content.decode(),
            "headers": {name: response.headers[name] for name in _HEADERS if name in response.headers},
        }
        Idempotency.objects.filter(id=row.id).update(status=row.status, answer=row.answer)
    return response


def _claim(row: Idempotency) -> bool:
    """Whether the key is new. Waits while another request that has it is under way."""
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP, [row.workspace_id, row.created_at - KEPT, SWEPT])
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [WAIT])
        try:
            cursor.execute(
                _CLAIM,
                [row.workspace_id, row.id, row.token_id, row.key, bytes(row.fingerprint), row.created_at],
            )
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                detail = (
                    "A request with this Idempotency-Key is still being worked on. Ask again in a second."
                )
                raise Problem("busy", detail, headers={"Retry-After": "1"}) from error
            raise
        fresh = bool(cursor.rowcount == 1)
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")
    return fresh


def _again(row: Idempotency) -> HttpResponse:
    first = Idempotency.objects.get(token_id=row.token_id, key=row.key)
    if bytes(first.fingerprint) != bytes(row.fingerprint):
        raise Problem(
            "key-reused",
            "This Idempotency-Key came before, with another request. Take a new one for a new request.",
        )
    answer: dict[str, Any] = first.answer or {}
    response = HttpResponse(answer["body"], status=first.status, content_type="application/json")
    for name, value in answer["headers"].items():
        response.headers[name] = value
    response.headers["Idempotency-Replayed"] = "true"
    return response
