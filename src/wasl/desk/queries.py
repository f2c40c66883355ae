"""What an actor may read of what customers were told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from wasl.accounts import calendars
from wasl.accounts.actor import Actor
from wasl.accounts.hours import Hours
from wasl.channels.email.html import from_text
from wasl.conversations.footer import Words
from wasl.conversations.queries import visible
from wasl.desk import promise, texts, waits
from wasl.desk.acknowledge import Named, values_of
from wasl.desk.actions import Settings
from wasl.desk.models import Promise
from wasl.desk.promise import Wait
from wasl.kit.clock import now
from wasl.kit.db import raw

LATELY = 20


@dataclass(frozen=True, slots=True)
class Told:
    """A promise as the customer's card shows it. `late` is true of a broken one, kept afterwards or not at all."""

    conversation_id: UUID
    due_at: datetime
    answered_at: datetime | None
    late: bool


def promises(actor: Actor, customer_ids: Sequence[UUID], limit: int = LATELY) -> list[Told]:
    """What these customers were promised in conversations the actor may see, the latest first."""
    rows = Promise.objects.filter(customer_id__in=customer_ids, due_at__isnull=False)
    rows = rows.filter(conversation_id__in=visible(actor).values("id")).order_by("-made_at")[:limit]
    return [_told(row) for row in rows]


def _told(row: Promise) -> Told:
    assert row.due_at is not None
    return Told(row.conversation_id, row.due_at, row.answered_at, (row.answered_at or now()) > row.due_at)


@dataclass(frozen=True, slots=True)
class Standing:
    """What an inbox would promise at a moment, and from what it is known."""

    hours: Hours
    wait: Wait
    at: datetime
    due: datetime | None


def standing(actor: Actor, settings: Settings, at: datetime | None = None) -> Standing:
    """What it would promise at `at`, or now."""
    moment, inbox_id = at or now(), settings.inbox.id
    hours = calendars.hours_for(raw(), actor.workspace_id, inbox_id)
    samples = waits.samples(raw(), actor.workspace_id, inbox_id, hours, now())
    wait = promise.wait(samples, timedelta(minutes=settings.minutes))
    return Standing(hours, wait, moment, promise.due(hours, moment, wait.time))


def moments(hours: Hours) -> tuple[datetime | None, datetime | None]:
    """The nearest moment at which a calendar is open, and the nearest at which it is closed; None for never."""
    present = now()
    closing = hours.next_closing(present)
    shut = closing if hours.open_at(present) else present
    if not hours.open_at(present) and hours.next_opening(present) is None:
        return None, present
    return hours.next_opening(present), shut


NAMES = {"ar": "سلمى بنّاني", "fr": "Camille Moreau", "it": "Giulia Ferri", "en": "Hannah Clarke"}
SUBJECTS = {"ar": "أين طلبي؟", "fr": "Ma commande", "it": "Il mio ordine", "en": "My order"}


def preview(standing: Standing, settings: Settings, language: str, text: str, address: str) -> Words:
    """The message that a customer would get, with somebody's name."""
    named = Named(
        NAMES[language],
        str(settings.inbox.config.get("from_name") or settings.inbox.name),
        SUBJECTS[language],
    )
    values = values_of(language, standing.hours, standing.at, standing.due, named, address)
    channel = settings.inbox.channel
    words = texts.fill(text or texts.default(channel, language), values, language)
    return words if channel == "email" else Words(text := texts.plain(words.text, channel), from_text(text))
