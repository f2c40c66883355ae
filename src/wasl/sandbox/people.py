"""Whom one can play: the workspace's own customers with an .example address, and people who have yet to write."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any
from uuid import UUID, uuid5

from wasl.accounts.actor import Actor, NotFound
from wasl.channels.base import Address
from wasl.channels.models import Inbox
from wasl.customers.models import Identity
from wasl.sandbox.place import Place

ENDING = ".example"
MOST = 300
SHOWN = 4
"""People one can change to with a single click."""


class NotPlayable(Exception):
    """Why nobody can be played under this address: not_an_address, not_example, an_inbox."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a mailbox on the customers' side. `id` is made of their address: it stays when they first write."""

    id: UUID
    name: str
    address: str
    language: str = ""

    @property
    def mail(self) -> Address:
        """As mail programs write them."""
        return Address(self.name, self.address)


def people(actor: Actor, place: Place) -> list[Person]:
    """Everyone who can be played in the actor's workspace, longest known first."""
    ours = set(Inbox.objects.filter(channel="email").values_list("address", flat=True))
    rows = (
        Identity.objects.filter(channel="email", address__endswith=ENDING)
        .exclude(address__in=ours)
        .select_related("customer")
        .order_by("id")[:MOST]
    )
    known = [
        Person(
            _id_of(actor, row.display),
            row.name or row.customer.name or row.display,
            row.display,
            row.customer.language,
        )
        for row in rows
    ]
    addresses = {person.address.lower() for person in known}
    return known + [p for p in _invented(actor, place) if p.address.lower() not in addresses]


def chosen(everyone: Sequence[Person], person_id: UUID | None, place: Place) -> Person | None:
    """The person of that id, without one whoever got mail last. Raises NotFound."""
    if person_id is None:
        newest = [place.newest(person.address) for person in everyone]
        return everyone[newest.index(max(newest))] if everyone else None
    for person in everyone:
        if person.id == person_id:
            return person
    raise NotFound


def nearest(everyone: list[Person], current: Person) -> list[Person]:
    """Few people to change to at once: one of each language first, the current one always among them."""
    by_language = sorted(everyone, key=lambda p: p.language)
    first = {next(iter(group)).id for _, group in groupby(by_language, key=lambda p: p.language)}
    order = sorted(everyone, key=lambda p: (p.id not in first, not p.language))[:SHOWN]
    if current not in order:
        order[-1:] = [current]
    return order


def invent(actor: Actor, place: Place, name: str, address: str, language: str) -> Person:
    """Somebody new, who becomes a customer by writing. Raises NotPlayable."""
    address = Address("", address.strip().lower()).address
    try:
        place.mailbox(address)
    except ValueError as error:
        raise NotPlayable("not_an_address") from error
    if not address.endswith(ENDING):
        raise NotPlayable("not_example")
    if Inbox.objects.filter(channel="email", address=address).exists():
        raise NotPlayable("an_inbox")
    name = " ".join(name.split())[:80] or address.partition("@")[0]
    person = Person(_id_of(actor, address), name, address, language)
    others = [p for p in _invented(actor, place) if p.id != person.id]
    place.write_people(actor.workspace_id, json.dumps([_kept(p) for p in [*others, person]]))
    for known in people(actor, place):
        if known.address.lower() == address:
            return known
    return person


def _id_of(actor: Actor, address: str) -> UUID:
    return uuid5(actor.workspace_id, address.lower())


def _invented(actor: Actor, place: Place) -> list[Person]:
    kept: list[dict[str, Any]] = json.loads(place.read_people(actor.workspace_id) or "[]")
    return [Person(UUID(p["id"]), p["name"], p["address"], p["language"]) for p in kept]


def _kept(person: Person) -> dict[str, str]:
    return asdict(person) | {"id": str(person.id)}
