"""The palette (Ctrl K): what can be done, where one can go, and who is there."""

import re
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from wasl.accounts.actor import Actor
from wasl.conversations.queries import inboxes, own_teams
from wasl.conversations.views import views
from wasl.customers import queries
from wasl.kit.folding import fold, fold_name
from wasl.workspace import admin, words
from wasl.workspace.shapes import customers as shapes
from wasl.workspace.web import Request

PEOPLE = 6


@dataclass(frozen=True, slots=True)
class Act:
    """Something to do: `key` is the key that does it; `open`: only with an open conversation."""

    key: str
    icon: str
    name: str
    open: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go."""

    address: str
    icon: str
    name: str


@require_safe
def palette(request: Request) -> HttpResponse:
    """What fits the words, or with none what is near at hand."""
    asked = request.GET.get("q", "")[:80].replace("\0", "").strip()
    near = _near()
    places = [p for p in [*near, *_theirs(request.actor)] if matches(asked, p.name)] if asked else near
    people = queries.customers(request.actor, asked, limit=PEOPLE).rows if asked else []
    context = {
        "asked": asked,
        "acts": [act for act in _acts(request) if matches(asked, act.name)],
        "places": places,
        "marked": partial(marked, asked),
        "people": shapes.rows(people),
        "search": f"{reverse('search')}?{urlencode({'q': asked})}" if asked else "",
    }
    return render(request, "parts/palette.html", context)


def matches(asked: str, name: str) -> bool:
    """Whether every word asked for begins one of the name's."""
    begun = [start for word in fold_name(name).split() for start in _starts(word)]
    return all(any(start.startswith(each) for start in begun) for each in fold_name(asked).split())


def _starts(word: str) -> tuple[str, ...]:
    """A word as it may be begun: in Arabic with its article or without."""
    return (word, word[2:]) if word.startswith("ال") and len(word) > 4 else (word,)


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a name; `found`: what was typed."""

    text: str
    found: bool = False


def marked(asked: str, name: str) -> list[Piece]:
    """A name with the beginnings of its words that were asked for."""
    typed = fold_name(asked).split()
    pieces: list[Piece] = []
    for gap, word in re.findall(r"(\s*)(\S+)", name):
        starts = [(s, f) for s in _starts(word) for each in typed if (f := _found(each, s))]
        start, found = max(starts, key=lambda pair: len(pair[1]), default=("", ""))
        before = word[: len(word) - len(start)] if found else word
        pieces += [Piece(gap + before), Piece(found, found=True), Piece(start[len(found) :])]
    return [piece for piece in pieces if piece.text]


def _found(typed: str, word: str) -> str:
    """The beginning of a word that is what was typed; '' when it begins otherwise."""
    fits = (n for n in range(1, len(word) + 1) if fold(word[:n]) == typed)
    n = max(fits, default=0)
    return word[:n]


def _acts(request: Request) -> list[Act]:
    acts = [
        Act("r", "reply", _("Write a reply"), True),
        Act("n", "lock", _("Write a note"), True),
        Act("a", "user", _("Assign"), True),
        Act("e", "check", _("Resolve, or open again"), True),
        Act("s", "snooze", _("Snooze"), True),
        Act("t", "tag", _("Tag"), True),
    ]
    always = [
        Act("f", "filter", _("Filter the list"), False),
        Act("/", "search", _("Search messages"), False),
        Act("z", "undo", _("Undo what was done last"), False),
        Act("?", "keys", _("Keyboard"), False),
    ]
    return [*(acts if request.actor.writes else []), *always]


def _near() -> list[Place]:
    return [
        Place(reverse("desk", args=["mine"]), "user", _("Mine")),
        Place(reverse("desk", args=["unassigned"]), "tray", _("Unassigned")),
        Place(reverse("desk", args=["mentioned"]), "at", _("Mentions")),
        Place(reverse("desk", args=["all"]), "inbox", _("All")),
        Place(reverse("desk", args=["snoozed"]), "snooze", _("Snoozed")),
        Place(reverse("notices"), "bell", _("Notices")),
        Place(reverse("customers"), "users", _("Customers")),
        Place(reverse("settings"), "tune", _("Settings")),
    ]


def _theirs(actor: Actor) -> list[Place]:
    """The places of this agent's own; no counts, which every key that is typed would ask again."""
    theirs = [
        *(Place(reverse("desk", args=[f"view/{v.id}"]), "saved", v.name) for v in views(actor)),
        *(Place(reverse("desk", args=[f"team/{t.id}"]), "users", t.name) for t in own_teams(actor)),
        *(
            Place(reverse("desk", args=[f"inbox/{i.id}"]), words.channel_icon(i.channel), i.name)
            for i in inboxes(actor)
        ),
    ]
    pages = [Place(page.address, page.icon, page.name) for page in admin.pages()]
    return [*theirs, *(pages if actor.administers else [])]
