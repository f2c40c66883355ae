"""Who a customer may be as well, with the reasons in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from wasl.accounts.actor import Actor
from wasl.customers import linking, suggestions
from wasl.customers.models import Identity, Suggestion
from wasl.kit.db import raw
from wasl.workspace import words
from wasl.workspace.format import isolated, number
from wasl.workspace.shapes import people

ADDRESSES = 3


@dataclass(frozen=True, slots=True)
class Address:
    """An address of the other."""

    icon: str
    text: str


@dataclass(frozen=True, slots=True)
class Why:
    """A reason; `speaks` for it or against."""

    text: str
    speaks: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One suggestion."""

    id: UUID
    other_id: UUID
    name: str
    addresses: list[Address]
    likely: str
    share: str
    sure: bool
    reasons: list[Why]


def shown(actor: Actor, members: Sequence[UUID]) -> list[Shown]:
    """The open suggestions of a family, the likeliest first."""
    rows = suggestions.of_family(actor, members)
    if not rows:
        return []
    others = {row.id: suggestions.other(row, members) for row in rows}
    names = people.own_names(others.values())
    common = linking.in_common(raw(), actor.workspace_id, [(row.left_id, row.right_id) for row in rows])
    addresses: dict[UUID, list[Address]] = {}
    for identity in Identity.objects.filter(customer__in=others.values()).order_by("created_at", "id"):
        listed = addresses.setdefault(identity.customer_id, [])
        if len(listed) < ADDRESSES:
            listed.append(
                Address(
                    words.channel_icon(identity.channel), words.address(identity.channel, identity.display)
                )
            )
    return [
        Shown(
            row.id,
            others[row.id].root_id,
            names[others[row.id].id],
            addresses.get(others[row.id].id, []),
            *_likely(row.probability),
            _reasons(row, common.get((row.left_id, row.right_id), [])),
        )
        for row in rows
    ]


def _likely(probability: float) -> tuple[str, str, bool]:
    hundred = min(99, round(100 * probability))
    said = (
        _("Almost certainly the same person")
        if hundred >= 99
        else _("Very likely the same person")
        if hundred >= 90
        else _("Perhaps the same person")
    )
    return said, _("%(n)s of 100 such pairs are") % {"n": number(hundred)}, hundred >= 90


def _reasons(row: Suggestion, common: Sequence[linking.Common]) -> list[Why]:
    return [
        Why(text, code.endswith((":same", ":same+same")) or _speaks(code))
        for code in row.found
        if (text := _reason(str(code), common))
    ]


def _speaks(code: str) -> bool:
    what, _colon, level = code.partition(":")
    return what == "name" and "other" not in level


def _reason(code: str, common: Sequence[linking.Common]) -> str:
    """One code in words, with the address where it is one; '' for what is not worth saying."""
    what, _colon, level = code.partition(":")
    if what == "name":
        return _name(level)
    begins = "tel:" if what == "phone" else "mail:"
    points = [each for each in common if each.point.startswith(begins)]
    if level == "other":
        return _("But other telephone numbers") if what == "phone" else _("But other mail addresses")
    if not points:
        return ""
    address = {"address": isolated(points[0].point.partition(":")[2])}
    if level == "shared":
        return _("Both have %(address)s, but so do others") % address
    if points[0].claimed:
        return _("Both have %(address)s, without proof") % address
    return _("Both wrote from %(address)s") % address


def _name(level: str) -> str:
    if level == "same+same":
        return _("The same name")
    if level in ("same+near", "near+near"):
        return _("The same name, spelt in another way")
    if level in ("same+", "near+"):
        return _("One name is a part of the other")
    return _("But different names")
