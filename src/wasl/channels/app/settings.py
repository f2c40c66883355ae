"""What an inbox says of its push services, and "test this connection"."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key
from django.utils.translation import gettext_noop as _

from wasl.channels.port import Settings, Step

FCM = "https://fcm.googleapis.com"
TOKENS = "https://oauth2.googleapis.com/token"
APNS = "https://api.push.apple.com"
NO_ACCOUNT = _("Take the JSON file of a service account from the Firebase console, and enter all of it.")
NO_KEY = _("Take the .p8 file that Apple lets you download once, and enter all that is in it.")
NO_IDS = _("Enter the id of the key, the id of your team and the bundle id of the app.")


class NotSet(ValueError):
    """A push service that the inbox does not use, or whose settings cannot be used: `advice` is English."""

    def __init__(self, advice: str, *, wanted: bool = True) -> None:
        super().__init__(advice)
        self.advice = advice
        self.wanted = wanted
        """Whether something was entered for it at all."""


@dataclass(frozen=True, slots=True)
class Firebase:
    """A service account of a Firebase project."""

    url: str
    tokens: str
    project: str
    email: str
    key: rsa.RSAPrivateKey = field(repr=False, compare=False)
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Apple:
    """A key for notifications, and the app that they are for."""

    url: str
    key_id: str
    team: str
    topic: str
    key: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)


def firebase(inbox: Settings) -> Firebase:
    """Raises NotSet."""
    said = inbox.secrets.get("fcm_account", "").strip()
    if not said:
        raise NotSet(NO_ACCOUNT, wanted=False)
    try:
        account: Mapping[str, Any] = json.loads(said)
        key = load_pem_private_key(account["private_key"].encode(), None)
        project, email = str(account["project_id"]), str(account["client_email"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotSet(NO_ACCOUNT) from error
    if not isinstance(key, rsa.RSAPrivateKey) or not project:
        raise NotSet(NO_ACCOUNT)
    url, tokens = inbox.text("fcm_url", FCM).rstrip("/"), inbox.text("fcm_tokens", TOKENS)
    return Firebase(url, tokens, project, email, key, str(account.get("private_key_id") or ""))


def apple(inbox: Settings) -> Apple:
    """Raises NotSet."""
    said = inbox.secrets.get("apns_key", "").strip()
    ids = [inbox.text(name).strip() for name in ("apns_key_id", "apns_team", "apns_topic")]
    if not said:
        raise NotSet(NO_KEY, wanted=any(ids))
    if not all(ids):
        raise NotSet(NO_IDS)
    # A field of one line has lost the line ends of the file.
    letters = "".join(said.replace("-----BEGIN PRIVATE KEY-----", "").split("-----END")[0].split())
    try:
        key = load_der_private_key(base64.b64decode(letters, validate=True), None)
    except (ValueError, TypeError, binascii.Error) as error:
        raise NotSet(NO_KEY) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise NotSet(NO_KEY)
    key_id, team, topic = ids
    return Apple(inbox.text("apns_url", APNS).rstrip("/"), key_id, team, topic, key)


def page(inbox: Settings) -> str:
    """What a touch on a notice opens; '' for none that can be opened."""
    said = inbox.text("page").strip() or inbox.address.strip()
    parts = urlsplit(said)
    return said if parts.scheme in ("https", "http") and parts.hostname else ""


def probe(inbox: Settings) -> Iterator[Step]:
    """Whether what was entered can be used, and whether the push services know us."""
    # Here, since the services' own modules read these settings.
    from wasl.channels.app import apns, fcm

    yield Step(_("The website"), bool(page(inbox)), _("Write it as https://www.example.com."), inbox.address)
    yield from fcm.probe(inbox)
    yield from apns.probe(inbox)
