"""The rail: places and what waits in each."""

from dataclasses import dataclass
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.channels.queries import troubled
from wasl.conversations import views
from wasl.conversations.filters import Filter
from wasl.conversations.places import places
from wasl.desk import notices
from wasl.intake.queries import quarantine_count, unheard
from wasl.workspace import words


@dataclass(frozen=True, slots=True)
class Inbox:
    """An inbox as a place of the rail."""

    id: UUID
    name: str
    icon: str
    count: str
    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class Team:
    """A team of the reader's as a place of the rail."""

    id: UUID
    name: str
    count: str


@dataclass(frozen=True, slots=True)
class View:
    """A saved view as a place of the rail."""

    id: UUID
    name: str
    count: str
    shared: bool
    where: Filter


@dataclass(frozen=True, slots=True)
class Rail:
    """Counts are ready to show: '' for none. `at` names the current place; `alone` when no list refreshes it."""

    at: str
    alone: bool
    mine: str
    unassigned: str
    mentioned: str
    all: str
    snoozed: str
    notices: str
    callbacks: str
    """How many customers wait for a call that is due."""
    inboxes: list[Inbox]
    teams: list[Team]
    views: list[View]
    quarantined: str
    troubled: str
    """How many mailboxes cannot be fetched from, and connections do not stand; for administrators."""
    waiting: int
    """How many conversations nobody has, up to 1,000."""


def rail(actor: Actor, at: str = "", *, alone: bool = True) -> Rail:
    """The rail of a reader who stands `at` a place."""
    found = places(actor)
    kept = views.views(actor)
    viewed = views.counts(actor, kept)
    return Rail(
        at=at,
        alone=alone,
        mine=words.count(found.mine),
        unassigned=words.count(found.unassigned),
        mentioned=words.count(found.mentioned),
        all=words.count(found.all),
        notices=words.count(notices.unseen(actor)),
        callbacks=words.count(found.callbacks),
        snoozed=words.count(found.snoozed),
        inboxes=[
            Inbox(
                each.id,
                each.name,
                words.channel_icon(each.channel),
                words.count(each.open),
                each.channel,
                each.address,
            )
            for each in found.inboxes
        ],
        teams=[Team(each.id, each.name, words.count(each.open)) for each in found.teams],
        views=[View(v.id, v.name, words.count(viewed[v.id]), v.shared, v.where) for v in kept],
        quarantined=words.count(quarantine_count(actor)) if actor.administers else "",
        troubled=words.count(troubled(actor) + unheard(actor)),
        waiting=found.unassigned,
    )
