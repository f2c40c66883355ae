"""Firebase Cloud Messaging, HTTP v1: the business's own Android app (or any that Firebase serves).

Source: Google, "Send a message using FCM HTTP v1 API", "REST Resource: projects.messages", "ErrorCode", "Using OAuth
2.0 for Server to Server Applications"; RFC 7523 (2.1).
"""

import time
from collections.abc import Iterator
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from django.utils.translation import gettext_noop as _

from wasl.channels.app.ring import LIFE, Device, Gone, Notice, Why, failure, named, shortened
from wasl.channels.app.settings import Firebase, NotSet, firebase
from wasl.channels.base import Failure, InDoubt, PermanentFailure, Reason, TemporaryFailure
from wasl.channels.port import Settings, Step
from wasl.channels.provider import Said, ask
from wasl.kit.base64url import jwt

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EARLY = 120.0
"""Seconds before its end from which an access token is not used any more."""

_known: dict[Firebase, tuple[float, str]] = {}
_lock = Lock()


def ring(inbox: Settings, device: Device, notice: Notice) -> str:
    """Call an app on a device; Firebase's name of the message.

    Raises Gone, Unreached, TemporaryFailure, PermanentFailure or InDoubt.
    """
    try:
        account = firebase(inbox)
    except NotSet as error:
        raise PermanentFailure("", error.advice, Reason.SIGN_IN) from error
    said = _send(account, _message(device, notice), inbox.private)
    if said.status == 401:  # a token that was taken back before its end
        _forget(account)
        said = _send(account, _message(device, notice), inbox.private)
    if said.status == 200:
        return str(said.body.get("name") or "")[:200]
    raise _failure(said)


def _message(device: Device, notice: Notice) -> dict[str, Any]:
    return {
        "token": device.token,
        "notification": {"title": shortened(notice.title, 120), "body": shortened(notice.text)},
        "data": notice.data,
        "android": {
            "ttl": f"{LIFE}s", "priority": "HIGH", "collapse_key": "wasl",
            "notification": {"tag": notice.id, "notification_count": max(1, notice.unread)},
        },
    }  # fmt: skip


def _send(account: Firebase, message: dict[str, Any], private: bool, *, only_try: bool = False) -> Said:
    url = f"{account.url}/v1/projects/{quote(account.project, safe='')}/messages:send"
    data = {"message": message} | ({"validate_only": True} if only_try else {})
    headers = {"Authorization": f"Bearer {_access(account, private)}"}
    return ask("POST", url, data=data, headers=headers, private=private)


def _access(account: Firebase, private: bool) -> str:
    """An access token, kept until shortly before it ends. Raises as `ring` does."""
    with _lock:
        until, token = _known.get(account, (0.0, ""))
    if time.monotonic() < until:
        return token
    form = {"grant_type": GRANT, "assertion": assertion(account, time.time())}
    said = ask(
        "POST", account.tokens, body=urlencode(form).encode(), private=private, changes=False,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    token = str(said.body.get("access_token") or "")
    if said.status != 200 or not token:
        detail = f"{said.body.get('error', '')} {said.body.get('error_description', '')}".strip()
        if said.status in (429, 500, 502, 503, 504):
            raise TemporaryFailure(str(said.status), detail, said.retry_after)
        raise PermanentFailure(str(said.status), detail, Reason.SIGN_IN)
    lasts = said.body.get("expires_in")
    until = time.monotonic() + (float(lasts) if isinstance(lasts, int) else 3600.0) - EARLY
    with _lock:
        _known[account] = (until, token)
    return token


def _forget(account: Firebase) -> None:
    with _lock:
        _known.pop(account, None)


def assertion(account: Firebase, at: float) -> str:
    """The signed claim for which an access token is given: a JWT, RS256, good for an hour."""
    head = {"alg": "RS256", "typ": "JWT", "kid": account.key_id}
    claims = {
        "iss": account.email, "scope": SCOPE, "aud": account.tokens, "iat": int(at), "exp": int(at) + 3600,
    }  # fmt: skip
    return jwt(head, claims, lambda said: account.key.sign(said, padding.PKCS1v15(), hashes.SHA256()))


def _failure(said: Said) -> Failure:
    error = said.body.get("error")
    status, detail = (
        str(named(said.body, "error", "status") or ""),
        str(named(said.body, "error", "message") or ""),
    )
    details = error.get("details") if isinstance(error, dict) else None
    parts = [each for each in details or () if isinstance(each, dict)]
    code = next(
        (str(each["errorCode"]) for each in parts if each.get("errorCode")), status or str(said.status)
    )
    fields = [str(named(v, "field")) for each in parts for v in each.get("fieldViolations") or ()]
    match code:
        case "UNREGISTERED":
            return Gone(Why.GONE, code, detail)
        case "SENDER_ID_MISMATCH":
            return Gone(Why.INVALID, code, detail)
        case "INVALID_ARGUMENT" if "message.token" in fields or "registration token" in detail:
            return Gone(Why.INVALID, code, detail)
        case "THIRD_PARTY_AUTH_ERROR" | "PERMISSION_DENIED" | "UNAUTHENTICATED":
            return PermanentFailure(code, detail, Reason.SIGN_IN)
        case "NOT_FOUND" if not parts:
            return PermanentFailure(code, detail, Reason.ACCOUNT)
    return failure(said, code, detail)


def probe(inbox: Settings) -> Iterator[Step]:
    """A message that is only tried, to a device that there is not: whoever gets as far as that may send."""
    what = _("Firebase, for your Android app")
    try:
        account = firebase(inbox)
    except NotSet as error:
        yield Step(what, not error.wanted, error.advice, "" if error.wanted else _NOT_USED)
        return
    try:
        said = _send(account, {"token": "wasl-connection-test"}, inbox.private, only_try=True)
    except (Failure, InDoubt) as error:
        yield Step(what, False, _ADVICE, str(error))
        return
    fine = (said.status == 200 and "name" in said.body) or isinstance(_failure(said), Gone)
    yield Step(what, fine, _ADVICE, "" if fine else str(_failure(said)))


_ADVICE = _(
    "The service account has to belong to the project of your app, with the right to send messages; "
    "in the Google Cloud console the Firebase Cloud Messaging API has to be on."
)
_NOT_USED = "–"
