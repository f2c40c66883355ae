"""The webhook of X: whether it is X's, and what it brings.

Source: X Developer Platform, "Account Activity API: Securing webhooks, Activity data objects". The challenge (CRC) and
the signature are the same HMAC under the same key: so nothing is answered to a challenge that could be the body of a
webhook, or anybody could have one signed by us.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from wasl.channels.meta.hook import encode
from wasl.channels.meta.signed import same
from wasl.channels.meta.values import key
from wasl.channels.port import Request, Settings, Slip
from wasl.channels.values import obj, objs, text

_TOKEN = re.compile(r"[A-Za-z0-9+/=_.-]{1,250}")
_NOT_EVENTS = frozenset({"for_user_id", "users", "apps", "user_has_blocked"})


class Hook:
    """Challenge by GET, events by POST."""

    def challenge(self, request: Request, inbox: Settings) -> str | None:
        """The answer to `crc_token`, as JSON."""
        token, secret = request.query.get("crc_token", ""), inbox.secrets.get("app_secret", "")
        if not secret or not _TOKEN.fullmatch(token):
            return None
        return json.dumps({"response_token": sign(token.encode(), secret)})

    def genuine(self, request: Request, inbox: Settings) -> bool:
        """HMAC-SHA-256 of the raw bytes under the app's secret, in base64."""
        secret, given = (
            inbox.secrets.get("app_secret", ""),
            request.headers.get("x-twitter-webhooks-signature", ""),
        )
        return bool(secret and given) and same(given, sign(request.body, secret))

    def split(self, request: Request) -> list[Slip]:
        """Every event of every kind."""
        try:
            came = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise ValueError("not JSON") from error
        if not isinstance(came, dict):
            raise ValueError("not a webhook of X")
        slips = list(_slips(came))
        if not slips:
            raise ValueError("a webhook that brings nothing")
        return slips


def sign(body: bytes, secret: str) -> str:
    """The signature of a body or of a challenge."""
    return "sha256=" + base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _slips(came: Mapping[str, Any]) -> Iterator[Slip]:
    owner = key(came.get("for_user_id"))
    users = {key(id_): obj(user) for id_, user in obj(came.get("users")).items()}
    for name in sorted(set(came) - _NOT_EVENTS):
        found = came[name]
        for event in objs(found) if isinstance(found, list) else objs([found]):
            known = {id_: users[id_] for id_ in _people(event) if id_ in users}
            about = {"kind": name, "owner": owner, "event": event, "users": known}
            yield Slip(_key(name, event), encode(about), owner)


def _people(event: Mapping[str, Any]) -> list[str]:
    made = obj(event.get("message_create")) or event
    return [key(made.get("sender_id")), key(obj(made.get("target")).get("recipient_id"))]


def _key(name: str, event: Mapping[str, Any]) -> str:
    """A message has an id; whatever else comes is known by all that it says."""
    if name == "direct_message_events" and (id_ := text(event.get("id"))):
        return f"dm:{id_}"
    return f"{name}:{hashlib.sha256(encode(event)).hexdigest()}"
