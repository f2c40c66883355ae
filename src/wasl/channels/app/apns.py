"""Apple Push Notification service: the business's own app on iPhones and iPads.

HTTP/2 only, one connection for many calls. A provider token is signed anew after forty minutes: Apple refuses one
older than an hour, and one that is made anew more often than every twenty minutes.

Source: Apple, "Sending notification requests to APNs", "Handling notification responses from APNs", "Establishing a
token-based connection to APNs"; RFC 7515 (3.4: a signature is r ‖ s), RFC 9113.
"""

import time
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.utils.translation import gettext_noop as _

from wasl.channels.app import http2
from wasl.channels.app.ring import BODY, LIFE, Device, Gone, Notice, Why, failure, fitting, shortened
from wasl.channels.app.settings import Apple, NotSet, apple
from wasl.channels.base import Failure, InDoubt, PermanentFailure, Reason, TemporaryFailure
from wasl.channels.port import Settings, Step
from wasl.channels.provider import Said
from wasl.kit.base64url import jwt

LASTS = 40 * 60.0
"""Seconds for which a provider token is used."""
LARGEST = 4096
"""Bytes of a notification."""
_GONE = {
    "Unregistered": Why.GONE,
    "ExpiredToken": Why.GONE,
    "BadDeviceToken": Why.INVALID,
    "DeviceTokenNotForTopic": Why.INVALID,
}
_OURS = frozenset({"BadTopic", "MissingTopic", "TopicDisallowed", "BadCertificateEnvironment", "BadPath"})
_NOBODY = "0" * 64

_tokens: dict[Apple, tuple[float, str]] = {}
_lock = Lock()


def ring(inbox: Settings, device: Device, notice: Notice) -> str:
    """Call an app on a device; Apple's name of the message (apns-id).

    Raises Gone, Unreached, TemporaryFailure, PermanentFailure or InDoubt.
    """
    try:
        known = apple(inbox)
    except NotSet as error:
        raise PermanentFailure("", error.advice, Reason.SIGN_IN) from error
    said = _send(known, device.token, notice, inbox.private)
    if said.status == 200:
        return str(said.headers.get("apns-id", ""))[:200]
    raise _failure(known, said)


def _send(known: Apple, token: str, notice: Notice, private: bool) -> Said:
    headers = {
        "authorization": f"bearer {provider_token(known)}",
        "apns-topic": known.topic,
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(int(time.time()) + LIFE),
        "apns-id": notice.id,
        "apns-collapse-id": notice.id,
        "content-type": "application/json",
    }
    return http2.post(f"{known.url}/3/device/{token}", payload(notice), headers, private=private)


def payload(notice: Notice) -> bytes:
    """The notification, of at most 4,096 bytes."""
    aps: dict[str, Any] = {"sound": "default", "thread-id": "wasl"}
    if notice.unread:
        aps["badge"] = notice.unread

    def made(most: int) -> Mapping[str, Any]:
        alert = {"title": shortened(notice.title, 120), "body": shortened(notice.text, most)}
        return {"aps": {"alert": alert, **aps}, **notice.data}

    return fitting(made, BODY, LARGEST)


def provider_token(known: Apple) -> str:
    """A JWT, ES256, that says whose server this is; the same for forty minutes."""
    with _lock:
        until, token = _tokens.get(known, (0.0, ""))
        if time.monotonic() >= until:
            token = signed(known, int(time.time()))
            _tokens[known] = (time.monotonic() + LASTS, token)
        return token


def signed(known: Apple, at: int) -> str:
    """The token of a moment."""

    def sign(said: bytes) -> bytes:
        r, s = decode_dss_signature(known.key.sign(said, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    return jwt({"alg": "ES256", "kid": known.key_id}, {"iss": known.team, "iat": at}, sign)


def _failure(known: Apple, said: Said) -> Failure:
    code = str(said.body.get("reason") or said.status)
    if code in _GONE:
        return Gone(_GONE[code], code)
    if said.status == 410:
        return Gone(Why.GONE, code)
    if code == "ExpiredProviderToken":
        with _lock:
            _tokens.pop(known, None)
        return TemporaryFailure(code, "", reason=Reason.SIGN_IN)
    if code in _OURS:
        return PermanentFailure(code, "", Reason.ACCOUNT)
    return failure(said, code, "")


def probe(inbox: Settings) -> Iterator[Step]:
    """A message to a device that there is not: Apple looks at who sends before it looks for the device."""
    what = _("Apple, for your iPhone app")
    try:
        known = apple(inbox)
    except NotSet as error:
        yield Step(what, not error.wanted, error.advice, "" if error.wanted else "–")
        return
    notice = Notice(id="00000000-0000-4000-8000-000000000000", title="", text="")
    try:
        said = _send(known, _NOBODY, notice, inbox.private)
    except (Failure, InDoubt) as error:
        yield Step(what, False, _ADVICE, str(error))
        return
    found = None if said.status == 200 else _failure(known, said)
    fine = found is None or found.code == "BadDeviceToken"
    yield Step(what, fine, _ADVICE, "" if fine else str(found))


_ADVICE = _(
    "The key has to be one for notifications, made by the team that the app belongs to; the app’s development version "
    "has another address than the one in the store."
)
