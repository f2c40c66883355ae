"""What administrators decide about acknowledgements, and about links that were given out."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from wasl.accounts.actor import Actor, NotFound
from wasl.channels.models import Inbox
from wasl.channels.registry import greeting
from wasl.conversations import actions as conversations
from wasl.conversations import link
from wasl.desk import texts
from wasl.desk.models import Acknowledgement, AcknowledgementText
from wasl.kit.db import raw

LEAST_MINUTES, MOST_MINUTES = 30, 60 * 120


class BadText(Exception):
    """A text cannot be kept: `reason` is unknown (then `names` are variables that mean nothing), empty or too_long."""

    def __init__(self, language: str, reason: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(language, reason, names)
        self.language = language
        self.reason = reason
        self.names = names


@dataclass(frozen=True, slots=True)
class Settings:
    """What an inbox tells who writes to it for the first time. `own` are its own words, by language."""

    inbox: Inbox
    is_on: bool
    minutes: int
    own: Mapping[str, str]

    def text(self, language: str) -> str:
        """Its own words in a language, else ours."""
        return self.own.get(language) or texts.default(self.inbox.channel, language)


def inboxes(actor: Actor) -> list[Inbox]:
    """The inboxes that can acknowledge: those of channels that greet. Raises Forbidden."""
    actor.require_admin()
    found = Inbox.objects.filter(id__in=actor.inboxes, channel__in=greeting())
    return list(found.order_by("name", "id")[:200])


def settings_of(actor: Actor, inbox_id: UUID) -> Settings:
    """Raises Forbidden, NotFound."""
    actor.require_admin()
    inbox = Inbox.objects.filter(id__in=actor.inboxes, channel__in=greeting(), id=inbox_id).first()
    if inbox is None:
        raise NotFound
    row = Acknowledgement.objects.filter(inbox=inbox).first()
    row = row or Acknowledgement(inbox=inbox, is_on=inbox.channel in greeting("on"))
    own = dict(AcknowledgementText.objects.filter(inbox=inbox).values_list("language", "text"))
    return Settings(inbox, row.is_on, row.minutes, own)


def keep(actor: Actor, inbox_id: UUID, *, is_on: bool, links: bool, minutes: int) -> None:
    """Switch the acknowledgements of an inbox and its links on or off. Raises Forbidden, NotFound."""
    inbox = settings_of(actor, inbox_id).inbox
    minutes = min(max(minutes, LEAST_MINUTES), MOST_MINUTES)
    Acknowledgement.objects.update_or_create(
        workspace_id=actor.workspace_id, inbox=inbox, defaults={"is_on": is_on, "minutes": minutes}
    )
    Inbox.objects.filter(id=inbox.id).update(links=links)


def keep_text(actor: Actor, inbox_id: UUID, language: str, text: str) -> None:
    """Give an inbox its own words in a language; ours again when they are the same, or none.

    Raises Forbidden, NotFound, BadText.
    """
    inbox = settings_of(actor, inbox_id).inbox
    text = check_text(language, text)
    rows = AcknowledgementText.objects.filter(inbox=inbox, language=language)
    if not text or text == texts.default(inbox.channel, language):
        rows.delete()
    else:
        AcknowledgementText.objects.update_or_create(
            workspace_id=actor.workspace_id, inbox=inbox, language=language, defaults={"text": text}
        )


def check_text(language: str, text: str) -> str:
    """The text as it would be kept. Raises BadText, and NotFound for a language we do not speak."""
    if language not in texts.DEFAULT:
        raise NotFound
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if len(text) > texts.LONGEST:
        raise BadText(language, "too_long")
    if names := texts.unknown(text):
        raise BadText(language, "unknown", tuple(names))
    return text


def close_links(actor: Actor, conversation_id: UUID) -> None:
    """Close every link to a conversation that was ever mailed; new mails carry new ones. Raises NotFound, Forbidden."""
    conversation = conversations.lock(actor, conversation_id)
    link.revoke(raw(), actor.workspace_id, conversation.id)
