"""The second step of signing in: a code of an app (TOTP, RFC 6238) or a recovery code.

The table, the hook that seals and the recovery codes are those of `allauth.mfa`. Its views, forms and stages are not
used: they import its passkeys, and those a package that is not needed otherwise.
"""

import logging
import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import LiteralString
from uuid import UUID

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import transaction

from wasl.accounts.models import User
from wasl.kit import base64url
from wasl.kit.clock import now

log = logging.getLogger(__name__)

OWES: LiteralString = (
    "w.second_step AND NOT EXISTS"
    " (SELECT FROM mfa_authenticator m WHERE m.user_id = a.user_id AND m.type = 'totp')"
)
"""As SQL: workspace `w` asks everybody for a second step, and its agent `a` has none yet."""

CODE, RECOVERY = Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES
TRIES, WITHIN = 5, 300
"""Wrong codes within so many seconds, after which no code is looked at. Counted in the row and not in a process: else
each further process, and each start of one, would be as many tries more."""
_NONCE = 12
_VERSION = b"\x01"
_KEPT = b"second step"
_OFFERED = b"second step, offered to "


class Unreadable(Exception):
    """A secret does not open: another master key, or letters that somebody changed."""


class Refused(Exception):
    """Why not: wrong_code, too_many, is_on, is_off, stale (what is shown as offered was not offered to this person)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is untyped
    """What `allauth.mfa` keeps is sealed under the installation's master key."""

    def encrypt(self, text: str) -> str:
        """As it is kept."""
        return _seal(text, _KEPT)

    def decrypt(self, encrypted_text: str) -> str:
        """As it was. Raises Unreadable."""
        return _unseal(encrypted_text, _KEPT)


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody's second step that is on: since when, when it was last passed, recovery codes that are left."""

    since: datetime
    used_at: datetime | None
    left: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret for somebody's app: to type (base32), as the address in a QR code, and sealed for the way back."""

    secret: str
    address: str
    sealed: str


def is_on(user_id: UUID) -> bool:
    """Whether this person is asked for a code after the password."""
    return bool(Authenticator.objects.filter(user_id=user_id, type=CODE).exists())


def having(user_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Which of these people are."""
    rows = Authenticator.objects.filter(user_id__in=list(user_ids), type=CODE)
    return frozenset(rows.values_list("user_id", flat=True))


def standing(user_id: UUID) -> Standing | None:
    """How somebody's second step stands; None while it is off."""
    rows = {row.type: row for row in Authenticator.objects.filter(user_id=user_id)}
    if CODE not in rows:
        return None
    used = [row.last_used_at for row in rows.values() if row.last_used_at]
    return Standing(rows[CODE].created_at, max(used, default=None), _left(rows.get(RECOVERY)))


def _left(row: Authenticator | None) -> int:
    try:
        return len(RecoveryCodes(row).get_unused_codes()) if row else 0
    except Unreadable:
        return 0


def offer(user: User) -> Offer:
    """A new secret. Nothing is kept: the page holds it, sealed for this person, until they prove that it arrived."""
    secret = totp.generate_totp_secret()
    address = Adapter().build_totp_url(user, secret)
    return Offer(secret, address, _seal(secret, _OFFERED + user.pk.bytes))


def offered(user: User, sealed: str) -> Offer:
    """The same once more. Raises Refused."""
    try:
        secret = _unseal(sealed, _OFFERED + user.pk.bytes)
    except Unreadable as error:
        raise Refused("stale") from error
    return Offer(secret, Adapter().build_totp_url(user, secret), sealed)


def switch_on(user: User, sealed: str, code: str) -> list[str]:
    """Ask for a code from now on, after the app has made one; returns the recovery codes. Raises Refused."""
    secret = offered(user, sealed).secret
    counter = _counter(secret, code, after=0)
    if counter is None:
        raise Refused("wrong_code")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two pages of one person come one after the other
        if is_on(user.pk):
            raise Refused("is_on")
        row = totp.TOTP.activate(user, secret).instance
        _passed(row, counter)
        return _codes(user)


def new_codes(user: User) -> list[str]:
    """Ten recovery codes in place of those before. Raises Refused while the second step is off."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if not is_on(user.pk):
            raise Refused("is_off")
        return _codes(user)


def _codes(user: User) -> list[str]:
    Authenticator.objects.filter(user_id=user.pk, type=RECOVERY).delete()
    return list(RecoveryCodes.activate(user).generate_codes())


def switch_off(user_id: UUID) -> bool:
    """Ask for the password alone; whether anything was on."""
    return bool(Authenticator.objects.filter(user_id=user_id).delete()[0])


def passes(user_id: UUID, typed: str) -> bool:
    """Whether this is a code of the app that was not used yet, or a recovery code, which is used up by it.

    Raises Refused("too_many") after too many that were not.
    """
    with transaction.atomic():
        rows = {
            row.type: row
            for row in Authenticator.objects.select_for_update().filter(user_id=user_id).order_by("id")
        }
        code = rows.get(CODE)
        if code is None:
            return False
        since = now().timestamp() - WITHIN
        wrong = [at for at in code.data.pop("wrong", ()) if at > since]
        if len(wrong) >= TRIES:
            raise Refused("too_many")
        try:
            right = _is_code(code, typed) or _is_recovery(rows.get(RECOVERY), typed)
        except Unreadable:
            log.exception("the second step of %s cannot be read", user_id)
            return False
        if not right:
            code.data["wrong"] = [*wrong, now().timestamp()]
        code.save(update_fields=["data"])
        return right


def _is_code(row: Authenticator, typed: str) -> bool:
    counter = _counter(decrypt(row.data["secret"]), typed, after=row.data.get("last", 0))
    if counter is None:
        return False
    _passed(row, counter)
    return True


def _is_recovery(row: Authenticator | None, typed: str) -> bool:
    if row is None or not RecoveryCodes(row).validate_code(_western(typed)):
        return False
    row.record_usage()
    return True


def _counter(secret: str, typed: str, after: int) -> int | None:
    """The half minute whose code this is; none up to `after`, as a code is good once (RFC 6238, 5.2)."""
    for counter in totp.yield_hotp_counters_from_time():
        right = totp.format_hotp_value(totp.hotp_value(secret, counter))
        if counter > after and compare_user_code(actual=_western(typed), expected=right):
            return int(counter)
    return None


def _passed(row: Authenticator, counter: int) -> None:
    """Kept in the row, not in a process: a code that was used is used up everywhere."""
    row.data["last"] = counter
    row.save(update_fields=["data"])
    row.record_usage()


def _western(typed: str) -> str:
    """Digits of any script as 0 to 9."""
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in typed)


@cache
def _master() -> AESGCM:
    return AESGCM(settings.ENV.keys.master_key)


def _seal(text: str, purpose: bytes) -> str:
    """0x01 ‖ nonce ‖ AES-256-GCM, as letters."""
    nonce = os.urandom(_NONCE)
    return base64url.letters(_VERSION + nonce + _master().encrypt(nonce, text.encode(), purpose))


def _unseal(letters: str, purpose: bytes) -> str:
    try:
        data = base64url.content(letters)
        if data[:1] != _VERSION:
            raise Unreadable("sealed in a way this version does not know")
        nonce, rest = data[1 : 1 + _NONCE], data[1 + _NONCE :]
        return _master().decrypt(nonce, rest, purpose).decode()
    except (InvalidTag, ValueError) as error:
        raise Unreadable("the secret does not open with this master key") from error
