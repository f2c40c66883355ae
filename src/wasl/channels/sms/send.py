"""Sending by a Twilio-style API, fetching what it holds, and trying whether settings are right.

Source: Twilio, "Message resource", "Media resource", "Account resource", "IncomingPhoneNumber resource".
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import quote, urlencode, urljoin, urlsplit

from django.utils.translation import gettext_noop as _

from wasl.channels import provider
from wasl.channels.base import InDoubt, PermanentFailure, Reason, Sent, TemporaryFailure, Unreached
from wasl.channels.port import Fetched, OutboundChat, Settings, Step
from wasl.channels.provider import Said
from wasl.channels.sms.errors import reason_of

API = "https://api.twilio.com"
LONGEST = 1600
"""Letters that the API takes; it cuts them into short messages itself."""
SERVICE = "MG"
_VERSION = "2010-04-01"
_MOVED = frozenset({301, 302, 303, 307, 308})


def _account(inbox: Settings) -> str:
    return f"{inbox.text('base_url', API).rstrip('/')}/{_VERSION}/Accounts/{quote(inbox.text('account_sid'), safe='')}"


def _headers(inbox: Settings) -> dict[str, str]:
    pair = f"{inbox.text('account_sid')}:{inbox.secrets.get('auth_token', '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


class Line:
    """A number of the business, or several of them as a messaging service."""

    def __init__(self, inbox: Settings) -> None:
        if not (inbox.address and inbox.text("account_sid") and inbox.secrets.get("auth_token")):
            raise Unreached("", "The number, the account SID or the token is missing.", reason=Reason.SIGN_IN)
        self._inbox = inbox

    def send(self, message: OutboundChat) -> Sent:
        """One text. Raises as `port.Line` says; ValueError for what is no text."""
        said = provider.ask(
            "POST",
            f"{_account(self._inbox)}/Messages.json",
            body=urlencode(compose(self._inbox, message)).encode(),
            headers={**_headers(self._inbox), "Content-Type": "application/x-www-form-urlencoded"},
            private=self._inbox.private,
        )
        sid = said.body.get("sid")
        if said.status not in (200, 201) or not isinstance(sid, str) or not sid:
            _fail(said)
        return Sent(sid, str(said.body.get("status") or ""))

    def close(self) -> None:
        """Nothing is kept between calls."""


def compose(inbox: Settings, message: OutboundChat) -> dict[str, str]:
    """The form of the call. Raises ValueError for a message without words, and for files: they travel as links."""
    if not message.text or message.files or len(message.text) > LONGEST:
        raise ValueError("a short message is a text and nothing else")
    sender = "MessagingServiceSid" if inbox.address.startswith(SERVICE) else "From"
    form = {"To": message.to, sender: inbox.address, "Body": message.text}
    return form | ({"StatusCallback": inbox.webhook} if inbox.webhook else {})


def _fail(said: Said, *, sure: bool = False) -> NoReturn:
    """What an answer means that is no success. `sure`: nothing can have reached the customer."""
    code = str(said.body.get("code") or "")[:20]
    detail = str(said.body.get("message") or "")[:500]
    if said.status == 429:
        raise TemporaryFailure(code or "429", detail, said.retry_after)
    if said.status >= 500 or said.status < 400:
        if sure or (said.status == 503 and said.retry_after is not None):
            raise TemporaryFailure(code or str(said.status), detail, said.retry_after)
        raise InDoubt(f"HTTP {said.status} {detail}".strip())
    if said.status in (401, 403) and not code:
        raise Unreached(str(said.status), detail, reason=Reason.SIGN_IN)
    reason, way = reason_of(code)
    if way == "settings":
        raise Unreached(code, detail, reason=reason)
    if way == "wait":
        raise TemporaryFailure(code, detail, said.retry_after, reason)
    raise PermanentFailure(code or str(said.status), detail, reason)


def fetch(inbox: Settings, ref: Mapping[str, Any]) -> Fetched:
    """A file that was sent to us: the provider points to where it lies. Our password goes to the provider only.

    Raises Unreached, TemporaryFailure or PermanentFailure.
    """
    url = str(ref["url"])
    if _origin(url) != _origin(inbox.text("base_url", API)):
        raise PermanentFailure("", "The file does not lie at the provider's.", Reason.BAD_MESSAGE)
    said = _get(inbox, url, _headers(inbox))
    if said.status in _MOVED:
        said = _get(inbox, urljoin(url, said.headers.get("location", "")), {})
    if said.status in (404, 410):
        raise PermanentFailure(str(said.status), "The file is not there any more.", Reason.BAD_MESSAGE)
    if said.status != 200:
        _fail(said, sure=True)
    kind = str(said.headers.get("content-type") or "application/octet-stream")
    return Fetched(said.raw, kind.partition(";")[0].strip().lower())


def _get(inbox: Settings, url: str, headers: Mapping[str, str], most: int = provider.FILE) -> Said:
    return provider.ask("GET", url, headers=headers, private=inbox.private, most=most, changes=False)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def probe(inbox: Settings) -> Iterator[Step]:
    """Whether the account opens, is active, and has the number."""
    try:
        said = _get(inbox, f"{_account(inbox)}.json", _headers(inbox), provider.ANSWER)
    except Unreached as error:
        advice = _("Let this machine reach the API address by HTTPS.")
        yield Step(_("Reach the provider"), False, advice, error.detail)
        return
    yield Step(_("Reach the provider"), True)
    if said.status != 200 or not said.body.get("status"):
        known = said.status < 500 and said.body.get("code")
        advice = _("Enter the account SID and the auth token of the same account.")
        if not known and said.status not in (401, 403):
            advice = provider.astray(said)
        yield Step(_("Sign in"), False, advice, str(said.body.get("message") or f"HTTP {said.status}"))
        return
    state = str(said.body["status"])
    if state != "active":
        yield Step(_("Sign in"), False, _("The account is closed or suspended. Ask the provider."), state)
        return
    yield Step(_("Sign in"), True, "", str(said.body.get("friendly_name") or ""))
    yield _number(inbox)


def _number(inbox: Settings) -> Step:
    if not inbox.address.startswith("+"):
        return Step(_("Find the number"), True, "", inbox.address)
    query = urlencode({"PhoneNumber": inbox.address})
    try:
        url = f"{_account(inbox)}/IncomingPhoneNumbers.json?{query}"
        said = _get(inbox, url, _headers(inbox), provider.ANSWER)
    except Unreached as error:
        return Step(_("Find the number"), False, "", error.detail)
    found = said.body.get("incoming_phone_numbers")
    if said.status == 200 and found:
        return Step(_("Find the number"), True, "", inbox.address)
    advice = _("Enter a number of this account, beginning with + and the code of its country.")
    return Step(_("Find the number"), False, advice, str(said.body.get("message") or ""))
