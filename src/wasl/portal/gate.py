"""Who may come in with a link, and how fast. Wrong, old and revoked links are one and the same: they do not open."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.http import HttpRequest

from wasl.accounts import calendars
from wasl.accounts.hours import Hours
from wasl.channels.models import Inbox
from wasl.conversations import link
from wasl.conversations.link import Claim
from wasl.conversations.models import Conversation
from wasl.customers.models import Customer, Identity
from wasl.kit.db import raw, tenant
from wasl.kit.memory import Pace

MERGES = 10

# Reading: a page that asks every few seconds, in a few tabs. Writing: faster than a person writes.
_reads: Pace[UUID] = Pace(3, 60)
_writes: Pace[UUID] = Pace(1 / 10, 8)
_strangers: Pace[str] = Pace(1 / 2, 40)
_renewals: Pace[str] = Pace(1 / 10, 10)


class TooFast(Exception):
    """Come again in `seconds`."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.seconds = max(1, math.ceil(wait))


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation that its customer has opened. `family` are the addresses of theirs."""

    token: str
    claim: Claim
    conversation: Conversation
    inbox: Inbox
    identity: Identity
    customer: Customer
    family: frozenset[UUID]
    hours: Hours

    @property
    def writes(self) -> bool:
        """Whether they can write on here: what is written takes the road of a mail, so the inbox has to be one. Who
        came by another channel answers there."""
        return self.inbox.channel == "email"

    @property
    def business(self) -> str:
        """What the business calls itself in its mails."""
        return str(self.inbox.config.get("from_name") or self.inbox.name)


def known(request: HttpRequest, token: str) -> Claim | None:
    """What a genuine link says, expired or not; None for any other text. Raises TooFast for who tries many."""
    claim = link.read(token)
    if claim is None:
        _take(_strangers, _address(request))
    return claim


@contextmanager
def opened(request: HttpRequest, token: str, *, writing: bool = False) -> Iterator[Opened | None]:
    """What the link opens, in a transaction of its workspace that can change nothing unless `writing`.

    None when it does not open. Raises TooFast.
    """
    claim = known(request, token)
    if claim is None or claim.expired:
        yield None
        return
    _take(_writes if writing else _reads, UUID(int=claim.conversation_id.int ^ claim.identity_id.int))
    with tenant(claim.workspace_id):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('transaction_read_only', %s, true)", ["off" if writing else "on"]
            )
        yield find(claim, token)


def find(claim: Claim, token: str) -> Opened | None:
    """The conversation of a claim, inside its workspace: not revoked, its inbox gives out links (a chat's go out one by
    one, where it cannot carry something), and the address is still one of the customer whose conversation it is (a
    merge that was taken back parts them)."""
    row = _conversation(claim)
    identity = Identity.objects.select_related("customer__root").filter(id=claim.identity_id).first()
    if row is None or identity is None or identity.customer.root_id != row.customer.root_id:
        return None
    if not row.inbox.is_active or (row.inbox.channel == "email" and not row.inbox.links):
        return None
    root = identity.customer.root
    family = Identity.objects.filter(customer__root_id=root.id).values_list("id", flat=True)[:1000]
    hours = calendars.hours_for(raw(), claim.workspace_id, row.inbox_id, row.team_id)
    return Opened(token, claim, row, row.inbox, identity, root, frozenset(family), hours)


def _conversation(claim: Claim) -> Conversation | None:
    """The conversation, or the one it was merged into."""
    found = Conversation.objects.select_related("inbox", "customer")
    row = found.filter(id=claim.conversation_id, link_version=claim.version).first()
    for _ in range(MERGES):
        if row is None or row.merged_into_id is None:
            return row
        row = found.filter(id=row.merged_into_id).first()
    return None


def slow_renewals(request: HttpRequest) -> None:
    """Raise TooFast when one place asks for many new links."""
    _take(_renewals, _address(request))


def _take(pace: "Pace[UUID] | Pace[str]", key: "UUID | str") -> None:
    if wait := pace.take(key):  # type: ignore[arg-type]
        raise TooFast(wait)


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
