"""What administrators do with inboxes of chat channels: whatever the channel's own `fields` ask for."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from wasl.accounts.actor import Actor, NotFound
from wasl.channels.actions import BadAddress, invented, locked, show_to
from wasl.channels.models import Inbox, Refused
from wasl.channels.port import Channel, Settings
from wasl.channels.registry import channels
from wasl.channels.secret import seal_all, unseal_all
from wasl.kit.clock import now
from wasl.kit.ids import uuid7

ADDRESS = "address"
"""The field that is the inbox's address: what the provider calls its end of the channel."""
TEMPLATES = "templates"
"""Where an inbox's settings keep the provider's approved texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatInbox:
    """An inbox as an administrator wants it. `values` by field; a secret that is not there stays as it is kept."""

    name: str
    language: str
    values: Mapping[str, str]
    teams: Collection[UUID] = field(default_factory=tuple)


def kinds() -> list[Channel]:
    """The channels of which inboxes can be made so, by their names."""
    return sorted((each for each in channels().values() if each.fields), key=lambda each: each.label)


def kind(name: str) -> Channel:
    """One of them. Raises NotFound."""
    found = channels().get(name)
    if found is None or not found.fields:
        raise NotFound
    return found


def open_inbox(actor: Actor, channel: Channel, wanted: ChatInbox) -> Inbox:
    """A new inbox, inside `tenant(…)`. Raises Forbidden, NotFound, BadAddress."""
    actor.require_admin()
    inbox = Inbox(id=uuid7(), workspace_id=actor.workspace_id, channel=channel.name)
    _settle(actor, channel, inbox, wanted)
    return inbox


def change_inbox(actor: Actor, inbox_id: UUID, wanted: ChatInbox) -> Inbox:
    """Change one. Raises Forbidden, NotFound, BadAddress."""
    actor.require_admin()
    inbox = locked(inbox_id)
    _settle(actor, kind(inbox.channel), inbox, wanted)
    Refused.objects.filter(id=inbox_id).delete()
    return inbox


def _settle(actor: Actor, channel: Channel, inbox: Inbox, wanted: ChatInbox) -> None:
    known = as_wanted(channel, inbox, wanted.values)
    taken = Inbox.objects.filter(channel=channel.name, address=known.address).exclude(id=inbox.id)
    if not known.address or len(known.address) > 254:
        raise BadAddress("shape")
    if taken.exists():
        raise BadAddress("taken")
    inbox.address = known.address
    inbox.name = wanted.name.strip()[:80] or channel.label
    inbox.language = wanted.language
    inbox.config = dict(known.config)
    inbox.secret = seal_all(inbox.workspace_id, inbox.id, known.secrets)
    inbox.save()
    show_to(actor, inbox.id, wanted.teams)


def as_wanted(channel: Channel, inbox: Inbox, values: Mapping[str, str]) -> Settings:
    """The inbox with these values, kept or not yet: for a try, and to be kept."""
    kept = settings_of(inbox)
    config, hidden = dict(kept.config), dict(kept.secrets)
    for each in channel.fields:
        value = values.get(each.name, "").strip()
        if each.kind == "secret":
            hidden[each.name] = value or hidden.get(each.name) or (invented(24) if each.made else "")
        elif each.name != ADDRESS:
            config[each.name] = value
    address = values.get(ADDRESS, "").strip() or kept.address
    private = settings.ENV.private_servers
    return Settings(address, config, hidden, private=private, webhook=webhook(inbox))


def settings_of(inbox: Inbox) -> Settings:
    """The inbox as it is kept; without secrets where they cannot be read."""
    hidden = unseal_all(inbox.workspace_id, inbox.id, bytes(inbox.secret) if inbox.secret else None)
    private = settings.ENV.private_servers
    return Settings(inbox.address, inbox.config, hidden, private=private, webhook=webhook(inbox))


def refused(inbox_id: UUID) -> Refused | None:
    """How many webhooks for it were refused since it was last changed."""
    return Refused.objects.filter(id=inbox_id).first()


def webhook(inbox: Inbox) -> str:
    """The address that the provider is to be given; '' for a channel without webhook."""
    found = channels().get(inbox.channel)
    if found is None or found.hook is None:
        return ""
    return f"{settings.ENV.public_url.rstrip('/')}/hooks/{inbox.channel}/{inbox.id}"


def snippet(inbox: Inbox) -> str:
    """What the business puts into its own pages; '' for a channel that asks for nothing of the kind."""
    found = channels().get(inbox.channel)
    wanted = found.snippet if found else ""
    return wanted.format(public=settings.ENV.public_url.rstrip("/"), inbox=inbox.id)


def fetch_approved(actor: Actor, inbox_id: UUID) -> Callable[[], list[dict[str, str]]] | None:
    """What asks the provider for its approved texts; None where there are no such. Raises Forbidden, NotFound."""
    actor.require_admin()
    inbox = locked(inbox_id)
    ask, known = kind(inbox.channel).approved, settings_of(inbox)
    return (lambda: ask(known)) if ask else None


def keep_approved(actor: Actor, inbox_id: UUID, found: list[dict[str, str]]) -> None:
    """Keep the approved texts, with the moment. Raises Forbidden, NotFound."""
    actor.require_admin()
    inbox = locked(inbox_id)
    inbox.config = {**inbox.config, TEMPLATES: found, "templates_at": now().isoformat()}
    inbox.save(update_fields=["config"])
