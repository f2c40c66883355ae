"""Calls placed by a Twilio-style API, what they cost, and what was recorded.

Source: Twilio, "Call resource", "Recording resource".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlencode

from wasl.channels import provider
from wasl.channels.base import InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.port import Fetched, Settings
from wasl.channels.sms.errors import reason_of
from wasl.channels.sms.send import API
from wasl.channels.sms.send import fetch as fetch_held

RING = 30
"""Seconds for which the agent's telephone rings."""
_VERSION = "2010-04-01"


def place(inbox: Settings, to: str, call: str) -> str:
    """Ring an agent up; when they answer, the provider asks us what next. The provider's id of the call.

    Raises Unreached, TemporaryFailure, PermanentFailure or InDoubt (`channels.base`).
    """
    form = {
        "To": to,
        "From": inbox.address,
        "Url": f"{inbox.webhook}/bridge?{urlencode({'call': call})}",
        "StatusCallback": f"{inbox.webhook}/status?{urlencode({'call': call})}",
        "StatusCallbackEvent": "completed",
        "Timeout": str(RING),
    }
    said = provider.ask(
        "POST",
        f"{_account(inbox)}/Calls.json",
        body=urlencode(form).encode(),
        headers={**_headers(inbox), "Content-Type": "application/x-www-form-urlencoded"},
        private=inbox.private,
    )
    sid = said.body.get("sid")
    if said.status in (200, 201) and isinstance(sid, str) and sid:
        return sid
    code, detail = str(said.body.get("code") or said.status)[:20], str(said.body.get("message") or "")[:300]
    if said.status == 429:
        raise TemporaryFailure(code, detail, said.retry_after)
    if said.status >= 500 or said.status < 400:
        raise InDoubt(f"HTTP {said.status} {detail}".strip())
    reason, _way = reason_of(code)
    raise PermanentFailure(code, detail, reason)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost with all its legs, in millionths of the currency (ISO 4217)."""

    millionths: int
    currency: str


def cost(inbox: Settings, ref: str) -> Cost | None:
    """What a call cost; None while the provider does not know. Raises Unreached, TemporaryFailure, PermanentFailure."""
    own = _read(inbox, f"{_account(inbox)}/Calls/{quote(ref, safe='')}.json")
    legs = _read(inbox, f"{_account(inbox)}/Calls.json?{urlencode({'ParentCallSid': ref, 'PageSize': '50'})}")
    calls = [own, *(leg for leg in legs.get("calls") or () if isinstance(leg, dict))]
    prices = [_amount(each.get("price")) for each in calls]
    if any(price is None for price in prices):
        return None
    currency = str(own.get("price_unit") or "").upper()[:3]
    return Cost(abs(round(sum(price or Decimal(0) for price in prices) * 1_000_000)), currency)


def _amount(text: Any) -> Decimal | None:
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def fetch(inbox: Settings, ref: Mapping[str, Any]) -> Fetched:
    """A recording, as MP3. Raises Unreached, TemporaryFailure or PermanentFailure."""
    url = str(ref["url"])
    return fetch_held(inbox, {"url": url if url.endswith(".mp3") else f"{url}.mp3"})


def _read(inbox: Settings, url: str) -> Mapping[str, Any]:
    said = provider.ask("GET", url, headers=_headers(inbox), private=inbox.private, changes=False)
    if said.status in (401, 403):
        raise Unreached(str(said.status), "", reason=Reason.SIGN_IN)
    if said.status in (404, 410):
        raise PermanentFailure(str(said.status), "", Reason.OTHER)
    if said.status != 200:
        raise TemporaryFailure(str(said.status), "", said.retry_after)
    return said.body


def _account(inbox: Settings) -> str:
    base = inbox.text("base_url", API).rstrip("/")
    return f"{base}/{_VERSION}/Accounts/{quote(inbox.text('account_sid'), safe='')}"


def _headers(inbox: Settings) -> dict[str, str]:
    pair = f"{inbox.text('account_sid')}:{inbox.secrets.get('auth_token', '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
