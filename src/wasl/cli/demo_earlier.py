"""The demo shop's weeks before: conversations that came in as old mail, in every state, with orders, tags and notes.

They take the road of `wasl import`: read as they were, nothing is sent again.
"""

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from importlib.resources import files
from typing import Any, LiteralString
from uuid import UUID

from wasl.accounts.actor import Actor
from wasl.channels.models import Inbox
from wasl.conversations import follow
from wasl.conversations.filters import Filter
from wasl.conversations.importing import Importer
from wasl.conversations.models import (
    Conversation,
    Message,
    SavedReply,
    SavedView,
    Seen,
    Status,
    Tag,
    Tagging,
    Waking,
)
from wasl.conversations.notes import note
from wasl.conversations.ordering import owner
from wasl.customers import orders
from wasl.customers.models import Customer
from wasl.customers.orders import Told
from wasl.kit.clock import now, travel
from wasl.kit.db import raw, tenant
from wasl.kit.languages import CODES

_DATA = files("wasl.cli") / "demo_data"
_NUMBER = re.compile(r"DZ-\d{5}")
_HOSTS = {"ar": "barid.example", "fr": "courriel.example", "it": "posta.example", "en": "mailroom.example"}
_LETTERS = dict(
    pair.split("=")
    for pair in (  # noqa: SIM905 - easier to read beside each other
        "ا=a ب=b ت=t ث=th ج=j ح=h خ=kh د=d ذ=dh ر=r ز=z س=s ش=sh ص=s ض=d ط=t ظ=z ع=a غ=gh ف=f ق=q ك=k ل=l م=m ن=n"
        " ه=h و=w ي=y أ=a إ=i آ=a ة=a ى=a ئ=y ؤ=w"
    ).split()
)
_STATUS = {
    "open": Status.OPEN,
    "pending": Status.PENDING,
    "snoozed": Status.SNOOZED,
    "resolved": Status.RESOLVED,
}


@dataclass(slots=True)
class Story:
    """One conversation of the files: its first line's fields, and who says what."""

    language: str
    name: str
    city: str
    inbox: str
    days: float
    state: str
    agent: str
    tag: str
    subject: str = ""
    said: list[tuple[bool, str]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The Message-ID of its first mail, without its host."""
        return f"{self.language}-{self.days}-{self.address.partition('@')[0]}"

    @property
    def address(self) -> str:
        """An address as somebody of that name has it."""
        letters = "".join(_LETTERS.get(c, c) for c in self.name.lower())
        plain = letters.translate(str.maketrans("àâäçéèêëîïíôöóùûüñ", "aaaceeeeiiiooouuun"))
        return f"{re.sub('[^a-z]+', '.', plain).strip('.')}@{_HOSTS[self.language]}"


def stories() -> Iterator[Story]:
    """Those of every language, in the order of the files."""
    for language in CODES:
        text = (_DATA / f"earlier.{language}.txt").read_text(encoding="utf-8")
        for block in text.split("\n# ")[0:]:
            head, subject, *said = block.removeprefix("# ").strip().split("\n")
            name, city, inbox, days, state, agent, tag = head.split(" | ")
            story = Story(language, name, city, inbox, float(days), state, agent.strip("-"), tag)
            story.subject = subject.removeprefix("Subject: ")
            story.said = [(line[0] == ">", line[2:]) for line in said]
            yield story


def load(
    workspace_id: UUID,
    inboxes: Mapping[str, Inbox],
    agents: Mapping[str, Actor],
    people: Mapping[str, Mapping[str, Any]],
    addresses: Mapping[str, str],
) -> None:
    """Bring it all in. `people` are known customers by name, `addresses` the agents' by key."""
    every, dice = list(stories()), random.Random(11)  # noqa: S311 - the same demo each time
    at = {story.key: _times(story, dice) for story in every}
    for inbox in ("support", "orders"):
        mails = [
            (mail, when)
            for story in every
            if story.inbox == inbox or (inbox == "support" and story.inbox == "forms")
            for mail, when in _mails(story, at[story.key], inboxes[inbox].address, people, addresses)
        ]
        Importer(agents["karim"], inboxes[inbox]).take(mails)
    with tenant(workspace_id):
        found = _as_if_lived(workspace_id, _conversations(every))
        _standing(workspace_id, every, found, agents)
        _tags(workspace_id, every, found)
        _places(every, found)
        _orders(agents["karim"], every, at, people)
        _replies(workspace_id)
        _views(workspace_id)
    _notes(agents, every, found)


def _times(story: Story, dice: random.Random) -> list[datetime]:
    """When each of its mails was written; the last one before now."""
    first = now() - timedelta(days=story.days)
    gap = min(timedelta(hours=5), timedelta(days=story.days) / (len(story.said) + 1))
    times, when = [], first
    for _ in story.said:
        times.append(when)
        when += gap * dice.uniform(0.3, 1.0)
    return times


def _mails(
    story: Story,
    at: list[datetime],
    inbox: str,
    people: Mapping[str, Mapping[str, Any]],
    addresses: Mapping[str, str],
) -> Iterator[tuple[bytes, datetime]]:
    customer = f"{story.name} <{_address(story, people)}>"
    before: list[str] = []
    for number, ((theirs, text), when) in enumerate(zip(story.said, at, strict=True)):
        mail, key = EmailMessage(), f"<{story.key}.{number}@earlier.example>"
        ours = addresses.get(story.agent, inbox)
        mail["From"], mail["To"] = (customer, inbox) if theirs else (ours, customer)
        mail["Subject"] = story.subject if not number else f"Re: {story.subject}"
        mail["Date"], mail["Message-ID"] = format_datetime(when), key
        if before:
            mail["In-Reply-To"], mail["References"] = before[-1], " ".join(before)
        mail.set_content(text)
        before.append(key)
        yield mail.as_bytes(), when


def _address(story: Story, people: Mapping[str, Mapping[str, Any]]) -> str:
    known = people.get(story.name)
    return str(known["email"]) if known else story.address


def _conversations(every: list[Story]) -> dict[str, Conversation]:
    """The conversation of each story."""
    firsts = {f"{story.key}.0@earlier.example": story.key for story in every}
    rows = Message.objects.filter(rfc_id__in=firsts).select_related("conversation")
    return {firsts[row.rfc_id]: row.conversation for row in rows}


_LIVED: LiteralString = """
UPDATE conversations_message SET meta = meta - 'quiet'
WHERE workspace_id = %s AND conversation_id = ANY(%s::uuid[]) AND way = 'in'
"""


def _as_if_lived(workspace_id: UUID, found: Mapping[str, Conversation]) -> dict[str, Conversation]:
    """The same, as if each mail had come in at its time: what nobody answered is unread, and waits are known."""
    ids = sorted(row.id for row in found.values())
    raw().execute(_LIVED, [workspace_id, ids])
    follow.refresh(raw(), workspace_id, ids)
    rows = Conversation.objects.in_bulk(ids)
    return {key: rows[row.id] for key, row in found.items()}


def _standing(
    workspace_id: UUID, every: list[Story], found: Mapping[str, Conversation], agents: Mapping[str, Actor]
) -> None:
    wakings, seen = [], []
    for story in every:
        row = found[story.key]
        state, _, days = story.state.partition(":")
        row.status = _STATUS[state]
        row.assignee_id = agents[story.agent].agent_id if story.agent else None
        if days:
            row.snoozed_until = (now() + timedelta(days=int(days))).replace(minute=0, second=0, microsecond=0)
            wakings.append(Waking(id=row.id, workspace_id=workspace_id, due_at=row.snoozed_until))
        if state == "resolved" or row.last_way == "out":
            seen += [
                Seen(workspace_id=workspace_id, agent_id=actor.agent_id, conversation=row, at=now())
                for actor in agents.values()
                if actor.agent_id
            ]
    Conversation.objects.bulk_update(found.values(), ["status", "assignee_id", "snoozed_until"])
    Waking.objects.bulk_create(wakings)
    Seen.objects.bulk_create(seen)


def _tags(workspace_id: UUID, every: list[Story], found: Mapping[str, Conversation]) -> None:
    names = sorted({story.tag for story in every})
    tags = {name: Tag(workspace_id=workspace_id, name=name, folded=name.casefold()) for name in names}
    Tag.objects.bulk_create(tags.values())
    Tagging.objects.bulk_create(
        Tagging(
            workspace_id=workspace_id,
            tag=tags[story.tag],
            conversation=found[story.key],
            at=found[story.key].created_at,
        )
        for story in every
    )


def _places(every: list[Story], found: Mapping[str, Conversation]) -> None:
    """What the shop knows of them beside their mails."""
    for story in every:
        Customer.objects.filter(id=found[story.key].customer_id, place="").update(
            place=story.city, language=story.language
        )


_GOODS = (
    ("Atlas plate", 2400), ("Atlas bowl", 1900), ("Qamar lamp, small", 8900), ("Qamar lamp, large", 14900),
    ("Linen tablecloth", 7400), ("Olive wood board", 3900), ("Tea glass", 750), ("Glazed tagine", 6800),
    ("Cushion cover", 2100), ("Copper tray", 11200),
)  # fmt: skip


def _orders(
    actor: Actor,
    every: list[Story],
    at: Mapping[str, list[datetime]],
    people: Mapping[str, Mapping[str, Any]],
) -> None:
    """An order for every number that a story names."""
    told: dict[str, Told] = {}
    for story in every:
        for number in _NUMBER.findall(f"{story.subject} {story.said[0][1]}"):
            dice = random.Random(number)  # noqa: S311 - the same demo each time
            goods = [
                (name, price, dice.randint(1, 6)) for name, price in dice.sample(_GOODS, dice.randint(1, 3))
            ]
            placed = at[story.key][0] - timedelta(days=dice.randint(2, 6), minutes=dice.randint(0, 600))
            changed = placed + timedelta(days=1, hours=dice.randint(0, 20))
            status = "delivered" if story.days > 12 else "sent" if story.days > 2 else "packed"
            channel, key, display, name = owner(_address(story, people), story.name)
            told[number] = Told(
                number, channel, key, display, name, status, placed, changed,
                sum(price * count for _, price, count in goods), "EUR",
                tuple({"name": name, "quantity": count} for name, _, count in goods), language=story.language,
            )  # fmt: skip
    orders.put(actor, list(told.values())[: orders.AT_ONCE])


def _replies(workspace_id: UUID) -> None:
    """Saved replies in the four languages."""
    texts = json.loads((_DATA / "replies.json").read_text(encoding="utf-8"))
    SavedReply.objects.bulk_create(
        SavedReply(workspace_id=workspace_id, name=name, language=language, text=text)
        for name, by_language in texts.items()
        for language, text in by_language.items()
    )


def _views(workspace_id: UUID) -> None:
    """A view for everybody: what waits in Arabic."""
    SavedView.objects.create(
        workspace_id=workspace_id, name="العربية", filter=Filter(languages=("ar",)).write(), position=1
    )


_SAID = (
    ("pending", "karim", "@Leila shall we offer them the dealer's terms right away?"),
    ("open", "marta", "@Karim I would send this one at our cost. Do you agree?"),
    ("snoozed", "yusuf", "The workshop says the 22nd at the latest. @Sami keep three aside, please."),
)


def _notes(agents: Mapping[str, Actor], every: list[Story], found: Mapping[str, Conversation]) -> None:
    """What the team said to itself."""
    for state, author, text in _SAID:
        chosen = [story for story in every if story.state.startswith(state)][:3]
        for story in chosen:
            last = found[story.key].last_at
            with travel(min(now(), last + timedelta(minutes=20))), tenant(agents[author].workspace_id):
                note(agents[author], found[story.key].id, text)
