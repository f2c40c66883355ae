"""Inboxes as their administrators see them, and what a try at a server's door has shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wasl.channels import port
from wasl.channels.email.outside import Imap, Smtp
from wasl.channels.email.probe import Findings
from wasl.channels.models import Mailbox
from wasl.channels.queries import Kept
from wasl.channels.registry import channels
from wasl.intake.models import Listening
from wasl.workspace import troubles, words
from wasl.workspace.format import isolated, number
from wasl.workspace.troubles import At


@dataclass(frozen=True, slots=True)
class State:
    """How mail comes into an inbox, or leaves it. `kind` is ok, warn, bad or off; `help` is the next step."""

    kind: str
    icon: str
    title: str
    help: str = ""
    said: str = ""
    since: datetime | None = None
    last: datetime | None = None
    again: datetime | None = None
    count: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """An inbox in the list."""

    id: UUID
    name: str
    address: str
    icon: str
    channel: str
    page: str
    is_active: bool
    teams: list[str]
    state: State
    fetches: bool
    sends: State | None


def rows(kept: list[Kept], connections: Mapping[UUID, Listening]) -> list[Row]:
    """Every inbox with how it stands; `connections` are those that channels keep by themselves."""
    return [
        Row(
            each.inbox.id,
            each.inbox.name,
            each.inbox.address,
            words.channel_icon(each.inbox.channel),
            words.channel(each.inbox.channel),
            _PAGES.get(each.inbox.channel, "chat_inbox"),
            each.inbox.is_active,
            [team.name for team in each.teams],
            state(each, connections.get(each.inbox.id)),
            _fetches(each),
            _sends(each),
        )
        for each in kept
    ]


_PAGES = {"email": "mail_inbox", "api": "api_inbox", "visit": "branch"}


def forward_address(kept: Kept) -> str:
    """The address to which mail for this inbox can be forwarded; '' before it has one."""
    host = settings.ENV.mail_host or settings.ENV.public_url.partition("://")[2].partition("/")[0]
    return f"{kept.inbox.forward}@{host.partition(':')[0]}" if kept.inbox.forward else ""


def state(kept: Kept, connection: Listening | None = None) -> State:
    """How messages come in."""
    if not kept.inbox.is_active:
        return State("off", "minus", _("Switched off"), _("Nothing comes in and nothing leaves."))
    if kept.inbox.channel == "api":
        return State("ok", "check", _("Programs hand messages in."))
    if kept.inbox.channel == "visit":
        return State("ok", "check", _("Customers check in at the kiosk or at the counter."))
    if kept.inbox.channel == "webchat":
        return State("ok", "check", _("Visitors write in the chat on your website."))
    if kept.inbox.channel != "email":
        return _listening(kept, connection)
    if not _fetches(kept):
        return State("ok", "check", _("Mail is delivered or forwarded to Wasl."))
    return _fetching(kept, kept.mailbox)


def _fetching(kept: Kept, box: Mailbox | None) -> State:
    if box is None or (box.checked_at is None and not box.problem):
        return State(
            "warn", "pending", _("Not fetched yet"), _("Wasl looks into the mailbox within a minute.")
        )
    count = ngettext("%(n)s message fetched", "%(n)s messages fetched", box.fetched) % {
        "n": number(box.fetched)
    }
    if not box.problem:
        return State("ok", "check", _("Fetching works."), last=box.checked_at, count=count)
    said = troubles.trouble(box.problem, at_mailbox(kept))
    goes_on = box.problem == "after_folder_missing"
    return State(
        "warn" if goes_on else "bad",
        "alert",
        said.title,
        said.help,
        box.detail,
        box.problem_since,
        box.checked_at,
        None if goes_on else box.due_at,
        count,
    )


def _listening(kept: Kept, row: Listening | None) -> State:
    """Of a channel that is not mail: what its own connection comes to, where it keeps one."""
    channel = channels().get(kept.inbox.channel)
    if channel is None or (channel.hook is None and channel.listen is None):
        return State("ok", "check", _("It only sends: nothing comes in by it."))
    if row and row.problem:
        said = troubles.connection(row.problem)
        since = row.problem_since
        return State("bad", "alert", said.title, said.help, row.detail, since, row.well_at, row.due_at)
    if not channel.receives:
        return State("ok", "check", _("It only sends: nothing comes in by it."))
    if row and row.taken:
        count = ngettext("%(n)s message fetched", "%(n)s messages fetched", row.taken) % {
            "n": number(row.taken)
        }
        return State(
            "ok", "check", _("The connection to the provider stands."), last=row.well_at, count=count
        )
    if row and row.well_at:
        return State("ok", "check", _("The connection to the provider stands."), last=row.well_at)
    if channel.hook:
        return State("ok", "check", _("The provider hands messages in."))
    return State("warn", "pending", _("Not connected yet"), _("Wasl connects within a minute."))


def at_mailbox(kept: Kept) -> At:
    """What sentences about the mailbox name."""
    imap = Imap.of(kept.inbox.config) or Imap("")
    return At(imap.host, imap.port, imap.user, imap.folder)


def _fetches(kept: Kept) -> bool:
    return kept.inbox.channel == "email" and Imap.of(kept.inbox.config) is not None


def _sends(kept: Kept) -> State | None:
    if kept.inbox.channel != "email":
        return None
    smtp = Smtp.of(kept.inbox.config)
    if smtp:
        return State("ok", "send", _("Sends by %(host)s.") % {"host": isolated(smtp.host)})
    if settings.ENV.smtp_relay:
        return State("ok", "send", _("Sends by Wasl’s own relay."))
    return State("bad", "alert", _("It cannot send."), _("Give it a mail server of its own."))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a try, in words. `mark` is ok, failed, untried or unwanted."""

    mark: str
    icon: str
    name: str
    title: str = ""
    help: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A whole try."""

    works: bool
    title: str
    steps: list[Step]


_ICONS = {"ok": "check", "failed": "x", "untried": "minus", "unwanted": "minus"}


def probed(steps: Iterable[port.Step]) -> Tried:
    """What a channel's own test has shown."""
    shown = [
        Step(
            "ok" if each.fine else "failed", "check" if each.fine else "x", _(each.what),
            each.detail if each.fine else "", "" if each.fine else _(each.advice), "" if each.fine else each.detail,
        )
        for each in steps
    ]  # fmt: skip
    works = all(step.mark == "ok" for step in shown)
    return Tried(works, _("Everything works.") if works else _("It does not work yet."), shown)


def tried(found: Findings, at: At) -> Tried:
    """What a try has shown, step by step."""
    steps = []
    for each in found.steps:
        said = troubles.trouble(each.fault, at) if each.fault else troubles.Said("", "")
        skipped = _("not asked for") if each.mark == "unwanted" else ""
        steps.append(
            Step(
                each.mark,
                _ICONS[each.mark],
                troubles.step(each.step),
                said.title or skipped,
                said.help,
                each.detail,
            )
        )
    title = _("Everything works.") if found.works else _("It does not work yet.")
    return Tried(found.works, title, steps)
