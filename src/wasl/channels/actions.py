"""What administrators do with inboxes."""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.models import Team
from wasl.channels.base import normalise_address
from wasl.channels.email.outside import Imap, Opening, Smtp
from wasl.channels.email.tokens import base_address, reply_address
from wasl.channels.models import Inbox, InboxTeam, Mailbox
from wasl.channels.queries import inboxes_at
from wasl.channels.secret import MAILBOX, Unreadable, seal, unseal
from wasl.kit.clock import now
from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal, send, wake

_ADDRESS = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
_MAIL = re.compile(r"[^\s<>()\[\],;:\\\"@+\x00-\x1f\x7f]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_PLAIN = "abcdefghijkmnpqrstuvwxyz23456789"


class BadAddress(Exception):
    """The address cannot be an inbox's: `reason` is shape, long or taken."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PasswordAgain(Exception):
    """Another server or user was named, to which the password kept so far is not shown; `which` is imap or smtp."""

    def __init__(self, which: str) -> None:
        super().__init__(which)
        self.which = which


@dataclass(frozen=True, slots=True, kw_only=True)
class MailInbox:
    """An e-mail inbox as an administrator wants it.

    imap None: mail is delivered or forwarded to Wasl; smtp None: the installation's relay sends. `opening` and
    `password` None: what is kept stays. `since` is from when mail is fetched; None: as before, or from now on.
    Not `plus`: its mail server takes no addresses with a plus sign.
    """

    name: str
    address: str
    language: str
    teams: Collection[UUID] = ()
    signature: str = ""
    plus: bool = True
    imap: Imap | None = None
    opening: Opening | None = None
    since: datetime | None = None
    smtp: Smtp | None = None
    password: str | None = None


def open_api_inbox(actor: Actor, address: str, name: str, language: str = "en") -> Inbox:
    """An inbox into which programs hand what customers wrote, inside `tenant(…)`. Raises Forbidden, BadAddress.

    `address` stands in the API's addresses: small letters, digits, and . _ - between them.
    """
    actor.require_admin()
    inbox, new = Inbox.objects.get_or_create(
        workspace_id=actor.workspace_id,
        channel="api",
        address=_slug(address),
        defaults={"name": name.strip()[:80] or address, "language": language},
    )
    if not new:
        raise BadAddress("taken")
    _tell(actor)
    return inbox


def change_api_inbox(
    actor: Actor, inbox_id: UUID, *, address: str, name: str, language: str, teams: Collection[UUID]
) -> None:
    """Name an API inbox and say who may see it. Raises Forbidden, NotFound, BadAddress."""
    actor.require_admin()
    inbox = locked(inbox_id, "api")
    if Inbox.objects.filter(channel="api", address=_slug(address)).exclude(id=inbox_id).exists():
        raise BadAddress("taken")
    inbox.address, inbox.name, inbox.language = address, name.strip()[:80] or address, language
    inbox.save(update_fields=["address", "name", "language"])
    show_to(actor, inbox_id, teams)


def open_mail_inbox(actor: Actor, wanted: MailInbox) -> Inbox:
    """A new e-mail inbox, inside `tenant(…)`. Raises Forbidden, NotFound, BadAddress, PasswordAgain."""
    actor.require_admin()
    inbox = Inbox(id=uuid7(), workspace_id=actor.workspace_id, channel="email")
    _settle(actor, inbox, wanted)
    return inbox


def change_mail_inbox(actor: Actor, inbox_id: UUID, wanted: MailInbox) -> Inbox:
    """Change an e-mail inbox. Raises Forbidden, NotFound, BadAddress, PasswordAgain."""
    actor.require_admin()
    inbox = locked(inbox_id, "email")
    _settle(actor, inbox, wanted)
    return inbox


def switch(actor: Actor, inbox_id: UUID, *, on: bool) -> Inbox:
    """Take an inbox out of use, or back into it: nothing comes in or leaves meanwhile. Raises Forbidden, NotFound."""
    actor.require_admin()
    inbox = locked(inbox_id)
    if on and inbox.channel == "email":
        _free(actor, inbox.address)
    inbox.is_active = on
    inbox.save(update_fields=["is_active"])
    fetches = on and Imap.of(inbox.config) is not None
    Mailbox.objects.filter(id=inbox_id).update(
        is_active=fetches, due_at=now(), failures=0, held_by=None, held_until=None
    )
    _tell(actor)
    return inbox


def look_now(actor: Actor, inbox_id: UUID) -> None:
    """Have the outside mailbox looked into at once. Raises Forbidden, NotFound."""
    actor.require_admin()
    if not Mailbox.objects.filter(id=inbox_id, is_active=True).update(due_at=now()):
        raise NotFound
    _tell(actor)


def show_to(actor: Actor, inbox_id: UUID, teams: Collection[UUID]) -> None:
    """Let these teams see an inbox, and nobody else but administrators; without any, everybody. Raises NotFound."""
    wanted = set(teams)
    if Team.objects.filter(id__in=wanted).count() != len(wanted):
        raise NotFound
    InboxTeam.objects.filter(inbox_id=inbox_id).exclude(team_id__in=wanted).delete()
    present = set(InboxTeam.objects.filter(inbox_id=inbox_id).values_list("team_id", flat=True))
    InboxTeam.objects.bulk_create(
        InboxTeam(workspace_id=actor.workspace_id, inbox_id=inbox_id, team_id=team)
        for team in wanted - present
    )
    _tell(actor)


def kept_opening(inbox: Inbox) -> Opening | None:
    """What opens the outside mailbox; None when nothing is kept, or it cannot be read."""
    if inbox.incoming_secret is None:
        return None
    try:
        return Opening.unpack(unseal(inbox.workspace_id, inbox.id, bytes(inbox.incoming_secret), MAILBOX))
    except (Unreadable, TypeError, ValueError):
        return None


def kept_password(inbox: Inbox) -> str | None:
    """The password of the server that sends; None when nothing is kept, or it cannot be read."""
    if inbox.secret is None:
        return None
    try:
        return unseal(inbox.workspace_id, inbox.id, bytes(inbox.secret))
    except Unreadable:
        return None


def usable_opening(inbox: Inbox, imap: Imap, given: Opening | None) -> Opening | None:
    """What opens a mailbox: what was given, else what is kept if it was kept for this one. Raises PasswordAgain."""
    kept = kept_opening(inbox)
    if given is not None and kept is not None and _is_same_mailbox(inbox, imap):
        # Of a client's secret and a refresh token one may be entered anew alone.
        return given if given.password else _filled(given, kept)
    if given is not None or kept is None:
        return given
    if not _is_same_mailbox(inbox, imap):
        raise PasswordAgain("imap")
    return kept


def usable_password(inbox: Inbox, smtp: Smtp, given: str | None) -> str | None:
    """What signs in where mail is sent: what was given, else what is kept for this server. Raises PasswordAgain."""
    kept = kept_password(inbox)
    if given is not None or kept is None or not smtp.user:
        return given
    before = Smtp.of(inbox.config)
    if before is None or before.place != smtp.place:
        raise PasswordAgain("smtp")
    return kept


def _is_same_mailbox(inbox: Inbox, imap: Imap) -> bool:
    before = Imap.of(inbox.config)
    return before is not None and (before.place, before.auth, before.token_url, before.client_id) == (
        imap.place,
        imap.auth,
        imap.token_url,
        imap.client_id,
    )


def _filled(given: Opening, kept: Opening) -> Opening:
    return replace(
        given,
        client_secret=given.client_secret or kept.client_secret,
        refresh_token=given.refresh_token or kept.refresh_token,
    )


def _settle(actor: Actor, inbox: Inbox, wanted: MailInbox) -> None:
    """Everything that saving an e-mail inbox does, new or not."""
    opening = usable_opening(inbox, wanted.imap, wanted.opening) if wanted.imap else None
    password = usable_password(inbox, wanted.smtp, wanted.password) if wanted.smtp else None
    before = Imap.of(inbox.config)
    inbox.address = _free(actor, wanted.address)
    if Inbox.objects.filter(channel="email", address=inbox.address).exclude(id=inbox.id).exists():
        raise BadAddress("taken")
    inbox.name = wanted.name.strip()[:80] or inbox.address
    inbox.language = wanted.language
    inbox.forward = inbox.forward or "in-" + invented(12)
    inbox.config = _config(inbox.config, wanted)
    inbox.incoming_secret = seal(actor.workspace_id, inbox.id, opening.pack(), MAILBOX) if opening else None
    inbox.secret = seal(actor.workspace_id, inbox.id, password) if password else None
    inbox.save()
    show_to(actor, inbox.id, wanted.teams)
    _fetch(actor, inbox, before, wanted)


def _config(before: dict[str, Any], wanted: MailInbox) -> dict[str, Any]:
    config = {k: v for k, v in before.items() if k not in ("imap", "smtp", "signature", "plus")}
    if wanted.imap:
        config["imap"] = wanted.imap.record()
    if wanted.smtp:
        same = Smtp.of(before)
        smtp = dict(before["smtp"]) if same and same.place == wanted.smtp.place else {}
        to = wanted.smtp
        config["smtp"] = smtp | {"host": to.host, "port": to.port, "tls": to.tls, "user": to.user}
    if not wanted.plus:
        config["plus"] = False
    if wanted.signature.strip():
        config["signature"] = wanted.signature.strip()
    return config


def _fetch(actor: Actor, inbox: Inbox, before: Imap | None, wanted: MailInbox) -> None:
    """Begin, go on or stop fetching. Another folder or server is read from its beginning, as far as it is wanted."""
    present = now()
    if wanted.imap is None:
        Mailbox.objects.filter(id=inbox.id).update(is_active=False, held_by=None, held_until=None)
        return
    row, _ = Mailbox.objects.select_for_update().get_or_create(
        id=inbox.id, workspace_id=actor.workspace_id, defaults={"due_at": present, "since": present}
    )
    moved = before is not None and (before.place, before.folder) != (wanted.imap.place, wanted.imap.folder)
    if moved or wanted.since:
        row.uidvalidity = row.last_uid = row.highest_uid = 0
        row.since = wanted.since or present
    row.is_active, row.due_at = inbox.is_active, present
    row.held_by = row.held_until = row.problem_since = None
    row.stuck_uid = row.stuck_tries = row.failures = 0
    row.problem = row.detail = ""
    row.save()


def _slug(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise BadAddress("shape")
    return address


def _free(actor: Actor, address: str) -> str:
    """An address at which no other workspace gets its mail, as it is kept. Raises BadAddress."""
    address = normalise_address(address).lower()
    if len(address) > 254 or not _MAIL.fullmatch(address) or base_address(address) != address:
        raise BadAddress("shape")
    try:
        reply_address(address, actor.workspace_id, b"")
    except ValueError as error:
        raise BadAddress("long") from error
    if any(workspace != actor.workspace_id for workspace, _ in inboxes_at("email", address)):
        raise BadAddress("taken")
    return address


def invented(length: int) -> str:
    """Letters and digits that nobody can guess, and nobody mistakes for others."""
    return "".join(secrets.choice(_PLAIN) for _ in range(length))


def locked(inbox_id: UUID, channel: str = "") -> Inbox:
    """An inbox, held until the transaction ends. Raises NotFound."""
    rows = Inbox.objects.select_for_update().filter(id=inbox_id)
    inbox = (rows.filter(channel=channel) if channel else rows).first()
    if inbox is None:
        raise NotFound
    return inbox


def _tell(actor: Actor) -> None:
    """Open pages read again what may be seen; the worker looks at what is to be fetched."""
    with connection.cursor() as cursor:
        send(cursor, [Signal("access", actor.workspace_id)])
        wake(cursor, "mailboxes")
