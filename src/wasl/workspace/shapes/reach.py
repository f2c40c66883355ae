"""Every address of a customer on their page: whether it works, how it is known to be theirs, and what they prefer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone
from django.utils.translation import gettext as _

from wasl.accounts.actor import Actor
from wasl.conversations import queries
from wasl.conversations.ways import Way, best, ways
from wasl.customers.models import Claim, Customer, Identity, Known
from wasl.customers.queries import Summary, timeline_of
from wasl.delivery import suppression
from wasl.kit.clock import now
from wasl.kit.db import raw
from wasl.workspace import words
from wasl.workspace.format import clock_time, moment
from wasl.workspace.shapes import card, devices

TOLD = 60
"""Touchpoints of deliveries that are looked at for how addresses do."""

MOST_CLAIMS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One address. `works` is a word, `under` says the rest; `known` how it is known to be theirs, `sure` whether that
    is proved."""

    icon: str
    channel: str
    address: str
    works: str
    trouble: bool
    under: tuple[str, ...]
    known: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Preference:
    """A preference in words."""

    label: str
    text: str


def lines(
    actor: Actor, members: Sequence[UUID], identities: Sequence[Identity]
) -> tuple[list[Line], Way | None]:
    """A line for each address, then for what was only left somewhere; and the best way to write to them now."""
    told = timeline_of(actor, members, limit=TOLD, kinds=card.TELLING)
    does = {way.id: way for way in card.ways(identities, told.rows)}
    found = _ways(actor, members)
    by_identity = {way.identity_id: way for way in found}
    stopped = suppression.stopped(
        raw(), actor.workspace_id, [(each.channel, each.address) for each in identities]
    )
    rung = devices.told(identities)
    shown = [
        _line(each, does[each.id], by_identity.get(each.id), (each.channel, each.address) in stopped, rung)
        for each in identities
    ]
    return shown + _claims(members, identities), best(found)


def _ways(actor: Actor, members: Sequence[UUID]) -> list[Way]:
    """As the composer of their latest conversation offers them."""
    latest = (
        queries.visible(actor)
        .filter(customer_id__in=members)
        .select_related("customer")
        .order_by("-last_at", "-id")
        .first()
    )
    return ways(actor, latest) if latest else []


def _line(
    identity: Identity, does: card.Way, way: Way | None, stopped: bool, rung: Mapping[UUID, Sequence[str]]
) -> Line:
    under = [does.under, _window(way)] if not stopped else [_("They do not want messages here")]
    under += rung.get(identity.id, ())
    return Line(
        does.icon,
        does.channel,
        words.address(identity.channel, identity.display),
        _("Stopped") if stopped else does.works,
        stopped or does.trouble,
        tuple(filter(None, under)),
        known(identity.known),
        identity.known != Known.CLAIMED,
    )


def _window(way: Way | None) -> str:
    """Until when one may write there freely, on channels where that ends."""
    if way is None or (way.until is None and not way.why):
        return ""
    if way.why == "window_closed":
        return (
            _("Only an approved text may be sent now")
            if way.by_template
            else _("Too long ago that they wrote here")
        )
    return _("Free to write until %(time)s") % {"time": moment(way.until)} if way.until else ""


def known(how: str) -> str:
    """How an address is known to be somebody's."""
    return {
        Known.CHANNEL: _("Verified: they wrote from it"),
        Known.TOKEN: _("Verified by your own site"),
        Known.CLAIMED: _("Claimed, not proved"),
    }[Known(how)]


def _claims(members: Sequence[UUID], identities: Iterable[Identity]) -> list[Line]:
    """Numbers and mailboxes that they left and never wrote from."""
    there = {identity.point for identity in identities}
    rows = (
        Claim.objects.filter(customer_id__in=members)
        .exclude(point="")
        .order_by("-at", "-id")[: MOST_CLAIMS * 4]
    )
    found: dict[str, Line] = {}
    for row in rows:
        kind, _colon, address = row.point.partition(":")
        if row.point not in there and row.point not in found:
            found[row.point] = Line(
                "phone" if kind == "tel" else words.channel_icon("email"),
                _("Telephone") if kind == "tel" else words.channel("email"),
                address,
                "",
                False,
                (_("They left it and never wrote from it"),),
                known(row.known),
                row.known != Known.CLAIMED,
            )
    return list(found.values())[:MOST_CLAIMS]


def names(card_name: str, identities: Iterable[Identity]) -> list[str]:
    """Other names under which they write."""
    found = dict.fromkeys(
        identity.name for identity in identities if identity.name and identity.name != card_name
    )
    return list(found)[:5]


def preferences(customer: Customer, summary: Summary, way: Way | None) -> list[Preference]:
    """What they prefer, as far as it is known."""
    channel = (
        words.channel(way.channel)
        if way
        else words.channel(summary.last_channel)
        if summary.last_channel
        else ""
    )
    found = [
        Preference(_("Language"), words.language_name(customer.language)),
        Preference(_("Channel"), channel),
        Preference(_("Their time"), _there(customer.timezone)),
    ]
    return [each for each in found if each.text]


def _there(zone: str) -> str:
    """What time it is where they are; '' when that is the reader's own zone or not known."""
    try:
        at: datetime = now().astimezone(ZoneInfo(zone)) if zone else now()
    except (ZoneInfoNotFoundError, ValueError):
        return ""
    if not zone or at.utcoffset() == timezone.localtime(at).utcoffset():
        return ""
    with timezone.override(ZoneInfo(zone)):
        return clock_time(at)
