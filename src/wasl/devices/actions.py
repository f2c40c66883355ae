"""What becomes of customers' devices, each inside `tenant(…)`."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from wasl.channels.app.ring import KINDS, Kind, Why
from wasl.channels.app.ring import Device as Target
from wasl.channels.secret import Unreadable, seal, unseal
from wasl.customers.models import Identity
from wasl.customers.points import TOKEN
from wasl.customers.resolve import Sender, resolve
from wasl.devices.models import Device, Push
from wasl.kit import webpush
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.kit.signal import Signal, send
from wasl.timeline.actions import Touch, append

CHANNEL = "app"
QUIET = timedelta(days=90)
"""A device that did not show itself for so long is not rung any more."""
MOST = 10
"""Devices that an account may have; a new one takes the place of the one that was quiet longest."""
KEPT = timedelta(days=90)
"""For how long it is remembered that a device ended."""
LONGEST = 2000
"""Letters of a token, or of the address that a browser was given."""
_PURPOSE = b"customer device"


class BadDevice(ValueError):
    """What a device says of itself cannot be used."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who is signed in at the host site or in the app, as its server signed. `key` is the one that their chat
    has as well."""

    key: UUID
    sub: str
    name: str = ""
    email: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A device that wants to be rung: `key` and `auth` are a browser's (base64url, RFC 8291)."""

    kind: str
    token: str
    key: str = ""
    auth: str = ""
    label: str = ""
    language: str = ""


def account_of(workspace_id: UUID, account: Account) -> Identity:
    """The account's own address in the in-app inbox; made, and its customer with it, when they come first.

    It is the same customer who chats under that account, or who has written from the address that the token vouches
    for.
    """
    found = Identity.objects.filter(channel=CHANNEL, address=str(account.key)).first()
    if found is not None:
        return found
    verified = [("webchat", str(account.key))] + ([("email", account.email)] if account.email else [])
    sender = Sender(
        CHANNEL,
        str(account.key),
        account.sub,
        account.name,
        account.language,
        now(),
        (),
        tuple(verified),
        TOKEN,
    )
    [resolved] = resolve(raw(), workspace_id, [sender])
    # Known by way of the chat's own address, it has been given no better name than its key.
    Identity.objects.filter(id=resolved.identity_id).update(display=account.sub)
    touch = Touch(
        resolved.customer_id, "identity.added", now(), CHANNEL, about_id=resolved.identity_id,
        facts={"by": "customer"},
    )  # fmt: skip
    append(raw(), workspace_id, [touch])
    send(raw(), [Signal("customer", workspace_id, customers=(resolved.root_id,))])
    return Identity.objects.get(id=resolved.identity_id)


def register(
    workspace_id: UUID, inbox_id: UUID, identity: Identity, wanted: Wanted, *, private: bool = False
) -> Device:
    """Ring this device from now on, for this account alone; the same again says that it is still there.

    Raises BadDevice.
    """
    target, digest = _target(wanted, private=private), _digest(wanted.kind, wanted.token)
    sealed = seal(workspace_id, inbox_id, json.dumps(target), _PURPOSE)
    before = Device.objects.select_for_update().filter(inbox_id=inbox_id, digest=digest).first()
    if before and before.identity_id != identity.id:  # somebody else has signed in on it
        Push.objects.filter(device_id=before.id).delete()
    known = {
        "kind": wanted.kind, "target": sealed, "label": " ".join(wanted.label.split())[:80], "seen_at": now(),
        "language": wanted.language[:2], "ended_at": None, "why": "", "trouble": "", "identity": identity,
        "customer_id": identity.customer_id,
    }  # fmt: skip
    device, _ = Device.objects.update_or_create(
        workspace_id=workspace_id, inbox_id=inbox_id, digest=digest,
        defaults=known, create_defaults={**known, "created_at": now()},
    )  # fmt: skip
    _tidy(identity)
    return device


def _tidy(identity: Identity) -> None:
    theirs = Device.objects.filter(identity=identity)
    for one in theirs.filter(ended_at=None).order_by("-seen_at", "-id")[MOST:]:
        end(one, Why.MANY)
    old = list(theirs.filter(ended_at__lt=now() - KEPT).values_list("id", flat=True))
    Push.objects.filter(device_id__in=old).delete()
    Device.objects.filter(id__in=old).delete()


def forget(inbox_id: UUID, identity: Identity, kind: str, token: str) -> bool:
    """Ring it no more: somebody signed out, or wants no notices. Whether there was such a device of theirs."""
    found = Device.objects.filter(
        inbox_id=inbox_id, identity=identity, digest=_digest(kind, token), ended_at=None
    ).first()
    if found:
        end(found, Why.SIGNED_OUT)
    return found is not None


def end(device: Device, why: Why) -> None:
    """Its subscription has ended: what is known of where it was called goes, and what waits for it."""
    Push.objects.filter(device_id=device.id).delete()
    device.target, device.ended_at, device.why = None, now(), str(why)
    device.save(update_fields=["target", "ended_at", "why"])


def is_quiet(device: Device, at: datetime) -> bool:
    """Whether it did not show itself for too long."""
    return device.seen_at < at - QUIET


def target_of(device: Device) -> Target | None:
    """Where it is called; None when that is not known any more."""
    if device.target is None:
        return None
    try:
        said = json.loads(unseal(device.workspace_id, device.inbox_id, bytes(device.target), _PURPOSE))
    except (Unreadable, ValueError):
        return None
    kind: Kind = next(each for each in KINDS if each == device.kind)
    return Target(kind, said["token"], bytes.fromhex(said["key"]), bytes.fromhex(said["auth"]))


def _target(wanted: Wanted, *, private: bool) -> dict[str, str]:
    token = wanted.token
    if (
        wanted.kind not in KINDS
        or not 8 <= len(token) <= LONGEST
        or not (token.isascii() and token.isprintable())
    ):
        raise BadDevice("token")
    if wanted.kind == "web":
        try:
            key, auth = webpush.subscription(token, wanted.key, wanted.auth, private=private)
        except ValueError as error:
            raise BadDevice("subscription") from error
        return {"token": token, "key": key.hex(), "auth": auth.hex()}
    # Apple's tokens are hexadecimal and stand in a path.
    if wanted.kind == "apns" and not all(each in "0123456789abcdefABCDEF" for each in token):
        raise BadDevice("token")
    if " " in token:
        raise BadDevice("token")
    return {"token": token, "key": "", "auth": ""}


def _digest(kind: str, token: str) -> bytes:
    return hashlib.sha256(f"{kind} {token}".encode()).digest()
