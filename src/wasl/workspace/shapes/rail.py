"""The rail: places and what waits in each."""

from dataclasses import dataclass
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.conversations import queries
from wasl.intake.queries import quarantine_count
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
class Rail:
    """Counts are ready to show: '' for none. `at` names the current place; `alone` when no list refreshes it."""

    at: str
    alone: bool
    mine: str
    unassigned: str
    all: str
    inboxes: list[Inbox]
    quarantined: str
    waiting: int
    """How many conversations nobody has, up to 1,000."""

    def count(self, at: str) -> str:
        """What is open at a place."""
        places = {"mine": self.mine, "unassigned": self.unassigned, "all": self.all}
        places |= {f"inbox/{inbox.id}": inbox.count for inbox in self.inboxes}
        return places.get(at, "")


def rail(actor: Actor, at: str = "", *, alone: bool = True) -> Rail:
    """The rail of a reader who stands `at` a place."""
    counts = queries.counts(actor)
    return Rail(
        at=at,
        alone=alone,
        mine=words.count(counts.mine),
        unassigned=words.count(counts.unassigned),
        all=words.count(counts.all),
        inboxes=[
            Inbox(
                inbox.id,
                inbox.name,
                words.channel_icon(inbox.channel),
                words.count(counts.inboxes.get(inbox.id, 0)),
                inbox.channel,
                inbox.address,
            )
            for inbox in queries.inboxes(actor)
        ],
        quarantined=words.count(quarantine_count(actor)) if actor.administers else "",
        waiting=counts.unassigned,
    )
