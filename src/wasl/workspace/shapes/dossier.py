"""What a customer's page collects across conversations: documents, and the parts of the timeline one can ask for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from wasl.accounts.actor import Actor
from wasl.conversations import queries
from wasl.conversations.models import Attachment
from wasl.customers.models import Identity
from wasl.timeline.kinds import KINDS
from wasl.workspace import words

DOCUMENTS = 8


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was sent, by them or to them."""

    id: UUID
    name: str
    content_type: str
    size: int
    at: datetime
    theirs: bool
    conversation_id: UUID


def documents(actor: Actor, members: Sequence[UUID]) -> list[Document]:
    """The latest files of their conversations, as far as the reader may see them."""
    rows = (
        Attachment.objects.filter(
            message__conversation__in=queries.visible(actor).filter(customer_id__in=members), inline=False
        )
        .exclude(message__way="note")
        .select_related("message")
        .order_by("-message__at", "-id")[:DOCUMENTS]
    )
    return [
        Document(
            row.id,
            row.filename,
            row.content_type,
            row.size,
            row.message.at,
            row.message.way == "in",
            row.message.conversation_id,
        )
        for row in rows
    ]


class Part(NamedTuple):
    """What of the timeline is asked for. `kind` is a key of `PARTS`, `channel` '' for all."""

    kind: str = ""
    channel: str = ""

    @property
    def kinds(self) -> list[str]:
        """The touchpoints' kinds; none for all."""
        begins = PARTS.get(self.kind, ())
        return [kind for kind in KINDS if begins and kind.startswith(begins)]

    @property
    def files(self) -> bool:
        """Only what came with files."""
        return self.kind == "files"

    def query(self, **more: str) -> str:
        """As the page's address says it, with its question mark; '' for everything."""
        asked = {name: value for name, value in {**self._asdict(), **more}.items() if value}
        return "?" + urlencode(asked) if asked else ""


PARTS = {
    "": (),
    "messages": ("message.", "note.", "delivery."),
    "orders": ("order.",),
    "visits": ("visit.", "call."),
    "files": ("message.", "note."),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to narrow the timeline."""

    label: str
    href: str
    current: bool
    icon: str = ""


def asked(kind: str, channel: str) -> Part:
    """What an address asks for; what it does not know is everything."""
    return Part(kind if kind in PARTS else "", channel[:40])


def parts(customer_id: UUID, part: Part) -> list[Choice]:
    """By kind."""
    labels = {
        "": _("Everything"),
        "messages": _("Messages"),
        "orders": _("Orders"),
        "visits": _("Visits, calls"),
        "files": _("Documents"),
    }
    here = reverse("customer", args=[customer_id])
    return [
        Choice(label, here + part._replace(kind=kind).query(), kind == part.kind)
        for kind, label in labels.items()
    ]


def channels(customer_id: UUID, part: Part, identities: Iterable[Identity]) -> list[Choice]:
    """By channel, where they use more than one."""
    used = list(dict.fromkeys(identity.channel for identity in identities))
    if len(used) < 2 and not part.channel:
        return []
    here = reverse("customer", args=[customer_id])
    every = [Choice(_("Every channel"), here + part._replace(channel="").query(), not part.channel)]
    return every + [
        Choice(
            words.channel(name),
            here + part._replace(channel=name).query(),
            name == part.channel,
            words.channel_icon(name),
        )
        for name in used
    ]
