"""Branches: what administrators do with them. Inside `tenant(…)`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from wasl.accounts.actor import Actor, NotFound
from wasl.accounts.models import Calendar
from wasl.channels.actions import show_to
from wasl.channels.models import Inbox
from wasl.channels.visit.parse import CHANNEL
from wasl.kit.clock import now
from wasl.kit.ids import uuid7
from wasl.visits import codes
from wasl.visits.models import Branch, Purpose

MOST = 500
LARGEST = 1 << 30


class BadBranch(Exception):
    """It cannot be kept like this: no_name, taken, country, too_many."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A branch as an administrator wants it."""

    name: str
    address: str = ""
    country: str = ""
    language: str = "en"
    purposes: Sequence[str] = ()
    calendar_id: UUID | None = None
    teams: Collection[UUID] = field(default_factory=tuple)


def open_branch(actor: Actor, wanted: Wanted) -> Branch:
    """A new branch. Raises Forbidden, NotFound, BadBranch."""
    actor.require_admin()
    if Branch.objects.count() >= MOST:
        raise BadBranch("too_many")
    own = uuid7()
    inbox = Inbox(id=own, workspace_id=actor.workspace_id, channel=CHANNEL, address=f"branch-{own.hex[-8:]}")
    branch = Branch(id=own, workspace_id=actor.workspace_id, created_at=now())
    _settle(actor, branch, inbox, wanted)
    return branch


def change_branch(actor: Actor, branch_id: UUID, wanted: Wanted) -> Branch:
    """Change one. Raises Forbidden, NotFound, BadBranch."""
    branch, inbox = administered(actor, branch_id)
    _settle(actor, branch, inbox, wanted)
    return branch


def _settle(actor: Actor, branch: Branch, inbox: Inbox, wanted: Wanted) -> None:
    name, country = " ".join(wanted.name.split())[:80], wanted.country.strip().upper()
    if not name:
        raise BadBranch("no_name")
    if Inbox.objects.filter(channel=CHANNEL, name__iexact=name).exclude(id=inbox.id).exists():
        raise BadBranch("taken")
    if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise BadBranch("country")
    if wanted.calendar_id and not Calendar.objects.filter(id=wanted.calendar_id).exists():
        raise NotFound
    inbox.name, inbox.language, inbox.calendar_id = name, wanted.language, wanted.calendar_id
    inbox.save()
    branch.address = "\n".join(
        filter(None, (" ".join(each.split()) for each in wanted.address.splitlines()))
    )[:500]
    branch.country = country
    branch.purposes = [each for each in Purpose.values if each in wanted.purposes]
    branch.save()
    show_to(actor, inbox.id, wanted.teams)


def make_kiosk(actor: Actor, branch_id: UUID) -> str:
    """A new kiosk for a branch; the one before is closed. Its token. Raises Forbidden, NotFound."""
    branch, _ = administered(actor, branch_id)
    branch.kiosks_made = branch.kiosks_made % LARGEST + 1
    branch.kiosk = branch.kiosks_made
    branch.save(update_fields=["kiosk", "kiosks_made"])
    return kiosk_token(branch)


def close_kiosk(actor: Actor, branch_id: UUID) -> None:
    """Let no kiosk of a branch open any more. Raises Forbidden, NotFound."""
    branch, _ = administered(actor, branch_id)
    branch.kiosk = 0
    branch.save(update_fields=["kiosk"])


def kiosk_token(branch: Branch) -> str:
    """What opens the kiosk of a branch; '' when it has none."""
    if not branch.kiosk:
        return ""
    return codes.kiosk(codes.Kiosk(branch.workspace_id, branch.id, branch.kiosk))


def administered(actor: Actor, branch_id: UUID) -> tuple[Branch, Inbox]:
    """A branch and its inbox, held. Raises Forbidden, NotFound."""
    actor.require_admin()
    branch = Branch.objects.select_for_update(no_key=True).filter(id=branch_id).first()
    inbox = Inbox.objects.filter(id=branch_id, channel=CHANNEL).first()
    if branch is None or inbox is None:
        raise NotFound
    return branch, inbox
