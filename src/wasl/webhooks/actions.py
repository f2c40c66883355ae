"""What administrators do with endpoints and calls. Every action opens its own transaction, except inside the API's."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from django.conf import settings

from wasl.accounts.actor import Actor, NotFound
from wasl.kit import outside
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant
from wasl.kit.ids import uuid7
from wasl.kit.signal import wake
from wasl.timeline import keys
from wasl.webhooks import signing
from wasl.webhooks.events import OFFERED, TEST
from wasl.webhooks.models import Call, Endpoint, State, Try

MOST = 50
"""Endpoints of a workspace."""

REPLAYED = 10_000
"""Calls that are made again at once, at most; the oldest first."""


class Refused(Exception):
    """Why not: a `kit.outside.Refusal`, too_many, no_kinds, unknown_kind, too_long, or is_off."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def create(actor: Actor, url: str, description: str, kinds: Sequence[str]) -> tuple[Endpoint, str]:
    """A new endpoint, told from now on; with its secret. Raises Forbidden, Refused."""
    actor.require_admin()
    _check(url, description, kinds)
    with tenant(actor.workspace_id):
        if Endpoint.objects.count() >= MOST:
            raise Refused("too_many")
        made, secret = uuid7(), signing.new_secret()
        endpoint = Endpoint.objects.create(
            id=made,
            workspace_id=actor.workspace_id,
            url=url,
            description=description,
            kinds=_ordered(kinds),
            secret=keys.wrap(actor.workspace_id, made, secret),
            created_at=now(),
        )
    return endpoint, signing.shown(secret)


def change(
    actor: Actor, endpoint_id: UUID, url: str, description: str, kinds: Sequence[str], *, active: bool
) -> Endpoint:
    """Change all of it. Switching it on again forgets its failures. Raises Forbidden, NotFound, Refused."""
    actor.require_admin()
    _check(url, description, kinds)
    with tenant(actor.workspace_id):
        endpoint = _locked(endpoint_id)
        was = endpoint.is_active
        endpoint.url, endpoint.description, endpoint.kinds = url, description, _ordered(kinds)
        endpoint.is_active = active
        if active and not was:
            endpoint.off_at, endpoint.off_why, endpoint.failing_since = None, "", None
        elif was and not active:
            endpoint.off_at, endpoint.off_why = now(), ""
            _stop(endpoint)
        endpoint.save()
    return endpoint


def _stop(endpoint: Endpoint) -> None:
    waiting = Call.objects.filter(endpoint=endpoint, state=State.WAITING)
    waiting.update(state=State.STOPPED, ended_at=now())


def remove(actor: Actor, endpoint_id: UUID) -> None:
    """Take an endpoint away, with its log. Raises Forbidden, NotFound."""
    actor.require_admin()
    with tenant(actor.workspace_id):
        endpoint = _locked(endpoint_id)
        Try.objects.filter(call__endpoint=endpoint).delete()
        Call.objects.filter(endpoint=endpoint).delete()
        endpoint.delete()


def rotate(actor: Actor, endpoint_id: UUID) -> str:
    """Give an endpoint a new secret, which is returned; the old one signs too for a day. Raises Forbidden, NotFound."""
    actor.require_admin()
    with tenant(actor.workspace_id):
        endpoint = _locked(endpoint_id)
        secret = signing.new_secret()
        endpoint.old_secret, endpoint.old_until = endpoint.secret, now() + signing.BOTH
        endpoint.secret = keys.wrap(actor.workspace_id, endpoint_id, secret)
        endpoint.save(update_fields=["secret", "old_secret", "old_until"])
    return signing.shown(secret)


def secret(actor: Actor, endpoint_id: UUID) -> str:
    """The secret as the receiver needs it; looking is written down. Raises Forbidden, NotFound."""
    actor.require_admin()
    with tenant(actor.workspace_id):
        endpoint = _locked(endpoint_id)
    return signing.shown(keys.opened(actor.workspace_id, endpoint_id, bytes(endpoint.secret)))


def test(actor: Actor, endpoint_id: UUID) -> Call:
    """Tell an endpoint a test event, also one that is off. Raises Forbidden, NotFound."""
    actor.require_admin()
    with tenant(actor.workspace_id):
        endpoint, call_id, at = _locked(endpoint_id), uuid7(), now()
        call = Call.objects.create(
            id=call_id,
            workspace_id=actor.workspace_id,
            endpoint=endpoint,
            kind=TEST,
            event_id=call_id,
            occurred_at=at,
            created_at=at,
            due_at=at,
        )
        wake(raw(), "webhooks")
    return call


def replay(actor: Actor, call_id: UUID) -> None:
    """Make a call again that has ended. Raises Forbidden, NotFound, Refused("is_off")."""
    actor.require_admin()
    with tenant(actor.workspace_id):
        call = Call.objects.filter(id=call_id).select_related("endpoint").first()
        if call is None:
            raise NotFound
        if not call.endpoint.is_active and call.kind != TEST:
            raise Refused("is_off")
        _again(actor, call.endpoint_id, [call_id], (State.DONE, State.FAILED, State.STOPPED))


def replay_failed(actor: Actor, endpoint_id: UUID, since: datetime | None = None) -> int:
    """Make every call again that failed or was stopped; how many. Raises Forbidden, NotFound, Refused("is_off")."""
    actor.require_admin()
    with tenant(actor.workspace_id):
        endpoint = _locked(endpoint_id)
        if not endpoint.is_active:
            raise Refused("is_off")
        failed = Call.objects.filter(endpoint=endpoint, state__in=(State.FAILED, State.STOPPED))
        if since:
            failed = failed.filter(created_at__gte=since)
        ids = list(failed.order_by("created_at", "id").values_list("id", flat=True)[:REPLAYED])
        return _again(actor, endpoint_id, ids, (State.FAILED, State.STOPPED))


_AGAIN: LiteralString = """
UPDATE webhooks_call SET state = 'waiting', due_at = %s, tries = 0, fence = fence + 1, ended_at = NULL
WHERE workspace_id = %s AND endpoint_id = %s AND id = ANY(%s::uuid[]) AND state = ANY(%s)
"""


def _again(actor: Actor, endpoint_id: UUID, ids: Sequence[UUID], states: Collection[State]) -> int:
    values = [now(), actor.workspace_id, endpoint_id, list(ids), [str(state) for state in states]]
    done = raw().execute(_AGAIN, values).rowcount
    wake(raw(), "webhooks")
    return done


def _check(url: str, description: str, kinds: Sequence[str]) -> None:
    try:
        outside.check(url, private=settings.ENV.webhook_private)
    except outside.NotCalled as refused:
        raise Refused(refused.reason) from refused
    if len(description) > 200 or "\0" in description:
        raise Refused("too_long")
    if not kinds:
        raise Refused("no_kinds")
    if set(kinds) - set(OFFERED):
        raise Refused("unknown_kind")


def _ordered(kinds: Sequence[str]) -> list[str]:
    return [kind for kind in OFFERED if kind in kinds]


def _locked(endpoint_id: UUID) -> Endpoint:
    found = Endpoint.objects.select_for_update().filter(id=endpoint_id).first()
    if found is None:
        raise NotFound
    return found
