"""Places that hold conversations, as they stand in addresses: a place of the rail, narrowed further by a query."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from wasl.accounts.models import Agent, Team
from wasl.conversations.filters import NOBODY, Filter, View
from wasl.conversations.models import Tag
from wasl.workspace import words
from wasl.workspace.shapes.rail import Rail

# How a kind of narrowing is called in an address, and in a filter.
KINDS = {
    "inbox": "inboxes",
    "language": "languages",
    "assignee": "assignees",
    "team": "teams",
    "tag": "tags",
}
TABS = ("open", "pending", "resolved")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list stands. `at` is the place's own address; `own` what it asks by itself, `where` all that is asked."""

    at: str
    title: str
    own: Filter
    where: Filter

    @property
    def href(self) -> str:
        """The place itself."""
        return reverse("desk", args=[self.at])

    def query(self, where: Filter | None = None) -> str:
        """`?…` of what is asked beyond the place; '' for nothing."""
        where = where or self.where
        asked: list[tuple[str, str]] = []
        if where.status != self.own.status:
            asked.append(("status", where.status or "any"))
        for name, field in KINDS.items():
            if not getattr(self.own, field):
                asked += [(name, NOBODY if v is None else str(v)) for v in getattr(where, field)]
        return f"?{urlencode(asked)}" if asked else ""

    def address(self, where: Filter | None = None) -> str:
        """The list's address, narrowed."""
        return self.href + self.query(where)


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that narrows a list, and the address without it."""

    text: str
    href: str


def place(at: str, asked: QueryDict, rail: Rail) -> Place:
    """The place an address names. Raises Http404 for what the reader may not see, BadRequest for what says nothing."""
    title, own = _known(at, rail)
    return Place(at, title, own, _narrowed(own, asked))


def _known(at: str, rail: Rail) -> tuple[str, Filter]:
    plain: dict[str, tuple[str, View]] = {
        "mine": (_("Mine"), "mine"),
        "unassigned": (_("Unassigned"), "unassigned"),
        "mentioned": (_("Mentions"), "mentioned"),
        "all": (_("All"), "all"),
    }
    if at in plain:
        title, view = plain[at]
        return title, Filter(view=view)
    if at == "snoozed":
        return _("Snoozed"), Filter(status="snoozed")
    kind, _slash, key = at.partition("/")
    for inbox in rail.inboxes if kind == "inbox" else ():
        if str(inbox.id) == key:
            return inbox.name, Filter(inboxes=(inbox.id,))
    for team in rail.teams if kind == "team" else ():
        if str(team.id) == key:
            return team.name, Filter(teams=(team.id,))
    for view_ in rail.views if kind == "view" else ():
        if str(view_.id) == key:
            return view_.name, view_.where
    raise Http404


def _narrowed(own: Filter, asked: QueryDict) -> Filter:
    written: dict[str, Any] = {}
    for name, field in KINDS.items():
        values = [value for value in asked.getlist(name) if value]
        if values and not getattr(own, field):
            written[field] = values
    status = asked.get("status", "")
    try:
        more = Filter.read(written | ({"status": "" if status == "any" else status} if status else {}))
    except ValueError as error:
        raise BadRequest("filter") from error
    return Filter(
        own.view,
        more.status if status else own.status,
        own.inboxes or more.inboxes,
        own.languages or more.languages,
        own.tags or more.tags,
        own.assignees or more.assignees,
        own.teams or more.teams,
    )


def chips(here: Place, rail: Rail) -> list[Chip]:
    """What narrows a list beyond its place. In a saved view each leads out of it, to the place below."""
    base = below(here)
    found = []
    names = _names(here.where, rail)
    for field in KINDS.values():
        values = getattr(here.where, field)
        if getattr(base.own, field):
            continue
        for value in values:
            left: dict[str, Any] = {field: tuple(v for v in values if v != value)}
            rest = replace(here.where, **left)
            found.append(Chip(names.get((field, value), _("something that is gone")), base.address(rest)))
    return found


def below(here: Place) -> Place:
    """Of a saved view, the place that it narrows: where its filter can be changed."""
    if not here.at.startswith("view/"):
        return here
    view = here.own.view
    return Place(view, here.title, Filter(view=view), here.where)


def _names(where: Filter, rail: Rail) -> dict[tuple[str, Any], str]:
    """What the values of a filter are called."""
    found: dict[tuple[str, Any], str] = {("inboxes", inbox.id): inbox.name for inbox in rail.inboxes}
    found |= {("languages", code): words.language_name(code) for code in where.languages}
    found |= {("assignees", None): _("Unassigned"), ("teams", None): _("No team")}
    if agents := _real(where.assignees):
        rows = Agent.objects.filter(id__in=agents).values_list("id", "name")
        found |= {("assignees", key): name for key, name in rows}
    if teams := _real(where.teams):
        found |= {
            ("teams", key): name for key, name in Team.objects.filter(id__in=teams).values_list("id", "name")
        }
    if where.tags:
        tags = Tag.objects.filter(id__in=where.tags).values_list("id", "name")
        found |= {("tags", key): name for key, name in tags}
    return found


def _real(values: Iterable[UUID | None]) -> list[UUID]:
    return [value for value in values if value]


def pairs(here: Place) -> Iterator[tuple[str, str]]:
    """What a form has to carry along to ask for the same."""
    yield "at", here.at
    if here.where.status != here.own.status:
        yield "status", here.where.status or "any"
    for name, field in KINDS.items():
        if not getattr(here.own, field):
            for value in getattr(here.where, field):
                yield name, NOBODY if value is None else str(value)
