"""A customer's devices in people's words: whether they are notified, and why not."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from wasl.channels.app.ring import Why
from wasl.customers.models import Identity
from wasl.devices.actions import CHANNEL, is_quiet
from wasl.devices.models import Device
from wasl.kit.clock import now
from wasl.workspace import words
from wasl.workspace.format import isolated, moment

MOST = 6
"""Devices of an account that are shown, the ones last used."""


def told(identities: Iterable[Identity]) -> dict[UUID, list[str]]:
    """A line for each device, by the account that was signed in on it; nothing is asked where there is none."""
    ids = [each.id for each in identities if each.channel == CHANNEL]
    found: dict[UUID, list[str]] = {}
    if ids:
        at = now()
        for device in Device.objects.filter(identity_id__in=ids).order_by("-seen_at", "-id")[
            : MOST * len(ids)
        ]:
            found.setdefault(device.identity_id, []).append(line(device, at))
    return {key: lines[:MOST] for key, lines in found.items()}


def line(device: Device, at: datetime) -> str:
    """What there is to say of one."""
    name = isolated(device.label) if device.label else _kind(device.kind)
    return _("%(device)s: %(state)s") % {"device": name, "state": _state(device, at)}


def _kind(kind: str) -> str:
    return {"web": _("Browser"), "fcm": _("App"), "apns": _("App on an Apple device")}.get(kind, kind)


def _state(device: Device, at: datetime) -> str:
    if device.ended_at:
        return _ended(device.why)
    if is_quiet(device, at):
        return _ended(Why.QUIET)
    if device.trouble:
        return _("the last notice did not get through, %(reason)s") % {
            "reason": words.reason(device.trouble, CHANNEL)
        }
    if device.rung_at:
        return _("last notified %(time)s") % {"time": moment(device.rung_at)}
    return _("takes notices")


def _ended(why: str) -> str:
    return {
        Why.GONE: _("ended: the app was removed or notices were turned off"),
        Why.INVALID: _("ended: it does not belong to this app or website"),
        Why.SIGNED_OUT: _("ended: they signed out or turned notices off here"),
        Why.QUIET: _("ended: it has not been used for three months"),
        Why.MANY: _("ended: newer devices took its place"),
    }.get(Why(why) if why in set(Why) else Why.GONE, "")
