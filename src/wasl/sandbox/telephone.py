"""The telephone on a customer's phone: what a call is called, what goes on in one, and the telephones at the shop."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.utils.translation import gettext as _

from wasl.accounts.models import Agent
from wasl.calls.models import Telephone
from wasl.sandbox.chats import Item
from wasl.sandbox.standins._calls import Course

CALL, LETTER = "call", "letter"


@dataclass(frozen=True, slots=True)
class Leg:
    """A telephone of the shop in a call: whose it is, and whether it rings, talks or was turned down."""

    id: str
    name: str
    address: str
    state: str


@dataclass(frozen=True, slots=True)
class Live:
    """A call that is under way. `theirs`: the customer rang up."""

    item: Item
    course: Course
    legs: list[Leg]

    @property
    def words(self) -> str:
        """What goes on."""
        if self.course.phase == "ringing" and not self.item.theirs:
            return _("is calling you")
        return {
            "calling": _("Calling…"),
            "asked": _("Press a key"),
            "ringing": _("Ringing…"),
            "talking": _("In a call"),
            "machine": _("Speak after the tone"),
        }[cast(Any, self.course.phase)]


def live(items: Iterable[Item]) -> Live | None:
    """The call that is under way among these."""
    for item in items:
        if item.kind == CALL and (course := Course.of(item)).phase != "ended":
            names = _names([to for _id, to, _state in course.legs])
            legs = [Leg(id_, names.get(to, to), to, state) for id_, to, state in course.legs]
            return Live(item, course, legs)
    return None


def _names(addresses: list[str]) -> Mapping[str, str]:
    if not addresses:
        return {}
    owners = dict(Telephone.objects.filter(address__in=addresses).values_list("address", "id"))
    names = dict(Agent.objects.filter(id__in=owners.values()).values_list("id", "name"))
    return {address: names.get(id_, address) for address, id_ in owners.items()}


def gist(item: Item) -> str:
    """A message, a call or a letter in one line."""
    if item.kind == LETTER:
        return _("A letter")
    if item.kind != CALL:
        return item.text or _("A picture or a file")
    course = Course.of(item)
    if course.message:
        return _("You left a message")
    if course.seconds:
        return _("Call, %(time)s") % {"time": f"{course.seconds // 60}:{course.seconds % 60:02}"}
    if course.phase != "ended":
        return _("Call")
    if item.theirs:
        return _("Nobody answered")
    return _("You declined the call") if course.end == "busy" else _("Missed call")
