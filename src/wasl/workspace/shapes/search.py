"""The search: its results, what it suggests while somebody types, and what its operators mean."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from wasl.accounts.actor import Actor
from wasl.conversations import queries, searching
from wasl.conversations.asking import Asked
from wasl.conversations.excerpts import Piece
from wasl.conversations.models import Tag
from wasl.conversations.operators import HOLDINGS, LANGUAGES, NAMES, OPERATORS, STATES, Word
from wasl.customers import queries as customers
from wasl.kit.folding import fold
from wasl.workspace import paging, words
from wasl.workspace.format import first_name, language
from wasl.workspace.shapes import customers as people_shapes
from wasl.workspace.shapes import people
from wasl.workspace.shapes.wordless import Wordless, wordless

FEW = 4
MANY = 8


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation that was found, and the words by which."""

    id: UUID
    name: str
    at: datetime
    subject: list[Piece]
    text: list[Piece]
    files: list[list[Piece]]
    icon: str
    channel: str
    status: str
    unread: bool
    ours: bool
    note: bool
    owner: str
    wordless: Wordless | None


@dataclass(frozen=True, slots=True)
class Results:
    """A page of results. `older` is the address of the next; `back_to` how far was looked when that is not the end."""

    query: str
    rows: list[Row]
    people: list[people_shapes.Row]
    older: str
    back_to: datetime | None
    unknown: tuple[str, ...]
    narrowed: bool
    plain: str

    @property
    def href(self) -> str:
        """The search without its question."""
        return reverse("search")

    @property
    def tail(self) -> str:
        """What keeps the question in an address."""
        return f"?{urlencode({'q': self.query})}" if self.query else ""


def results(actor: Actor, asked: Asked, found: searching.Found, *, first: bool) -> Results:
    """What a page shows of a search; on its first page the customers who are called so, too."""
    older = ""
    if found.after:
        older = f"{reverse('search')}?{urlencode({'q': asked.text, 'before': paging.write(found.after)})}"
    plain = " ".join(asked.plain)
    only_words = bool(plain) and not asked.narrowed
    called = customers.of_late(actor, plain, limit=3) if first and only_words else []
    return Results(
        asked.text,
        _rows(actor, found.rows),
        people_shapes.rows(called),
        older,
        found.after[0] if found.after and found.unfinished else None,
        found.unknown,
        asked.narrowed,
        plain,
    )


def _rows(actor: Actor, found: list[searching.Hit]) -> list[Row]:
    inboxes = {inbox.id: inbox for inbox in queries.inboxes(actor)}
    names = people.called({hit.customer_id: hit.customer for hit in found})
    return [
        Row(
            hit.id,
            names[hit.customer_id],
            hit.at,
            hit.subject,
            hit.text,
            hit.files,
            words.channel_icon(inboxes[hit.inbox_id].channel),
            words.channel(inboxes[hit.inbox_id].channel),
            hit.status,
            hit.unread,
            hit.way == "out",
            hit.way == "note",
            first_name(hit.assignee),
            None if hit.text else wordless(hit.wordless),
        )
        for hit in found
    ]


@dataclass(frozen=True, slots=True)
class Option:
    """A suggestion: how it reads, and what the field holds once it is taken. `whole`: it can be searched for then."""

    icon: str
    label: str
    note: str
    text: str
    whole: bool = True


_LAST = re.compile(r'(?:(-?[^\s":]{1,20}):)?("[^"]*|[^\s"]*)\Z')


def options(actor: Actor, text: str) -> list[Option]:
    """What may be meant by the last word of what is typed."""
    found = _LAST.search(text)
    if found is None:
        return []
    head, name, value = text[: found.start()], found[1] or "", found[2].strip('"')
    key = NAMES.get(fold(name)) if name else None
    if key:
        return _values(actor, key, f"{head}{name}:", fold(value).strip())
    if name:
        return []
    typed = fold(value)
    made = [_operator(word, head) for word in OPERATORS if _begins(word, typed)]
    if len(typed) < 2:
        return made[:MANY] if not typed else made[:FEW]
    return [*made[:FEW], *_people(actor, "from", _shown("from", head), value), *_subjects(actor, head, typed)]


def _begins(word: Word, typed: str) -> bool:
    return any(fold(name).startswith(typed) for name in word.names[language()])


def _shown(key: str, head: str) -> str:
    word = next(word for word in OPERATORS if word.key == key)
    return f"{head}{word.shown(language())}:"


def _operator(word: Word, head: str) -> Option:
    return Option(
        "filter", f"{word.shown(language())}:", meaning(word.key), f"{head}{word.shown(language())}:", False
    )


def meaning(key: str) -> str:
    """What an operator asks, in a few words."""
    meanings = {
        "from": _("who wrote"),
        "to": _("who it was written to"),
        "is": _("state, unread, mine"),
        "in": _("inbox"),
        "tag": _("tag"),
        "has": _("has a file"),
        "before": _("before a day"),
        "after": _("from a day on"),
        "lang": _("language"),
    }
    return meanings[key]


def _values(actor: Actor, key: str, head: str, typed: str) -> list[Option]:
    if key in ("from", "to"):
        return _people(actor, key, head, typed) if typed else []
    if key in ("is", "has", "lang"):
        known = {"is": STATES, "has": HOLDINGS, "lang": LANGUAGES}[key]
        icon = {"is": "check", "has": "attach", "lang": "globe"}[key]
        return [
            Option(icon, word.shown(language()), "", head + word.shown(language()))
            for word in known
            if _begins(word, typed)
        ]
    if key == "in":
        inboxes = [inbox for inbox in queries.inboxes(actor) if f" {typed}" in f" {fold(inbox.name)}"]
        return [
            Option(words.channel_icon(inbox.channel), inbox.name, inbox.address, head + _quoted(inbox.name))
            for inbox in inboxes[:MANY]
        ]
    if key == "tag":
        tags = Tag.objects.filter(folded__startswith=typed).order_by("folded")[:MANY]
        return [Option("tag", tag.name, "", head + _quoted(tag.name)) for tag in tags]
    spans = (("7d", _("a week ago")), ("30d", _("a month ago")), ("1y", _("a year ago")))
    return [Option("calendar", label, span, head + span) for span, label in spans if span.startswith(typed)]


def _people(actor: Actor, key: str, head: str, typed: str) -> list[Option]:
    rows = people_shapes.rows(customers.of_late(actor, typed, limit=FEW))
    found = [Option("user", row.name, row.address, head + _quoted(row.address or row.name)) for row in rows]
    if key == "from":
        agents = [
            agent.name for agent in queries.agents(actor) if f" {fold(typed)}" in f" {fold(agent.name)}"
        ]
        found += [Option("users", name, _("colleague"), head + _quoted(name)) for name in agents[:2]]
    return found


def _subjects(actor: Actor, head: str, typed: str) -> list[Option]:
    """Subjects of late that hold a word that begins so."""
    found = {
        fold(subject): subject for subject in searching.subjects(actor) if f" {typed}" in f" {fold(subject)}"
    }
    return [
        Option("search", subject, "", f"{head}{_quoted(subject)}") for subject in list(found.values())[:FEW]
    ]


def _quoted(text: str) -> str:
    text = text.replace('"', " ").strip()
    return f'"{text}"' if " " in text else text


@dataclass(frozen=True, slots=True)
class Help:
    """An operator in the list of all: its name, an example, what it asks."""

    name: str
    example: str
    meaning: str


def helps() -> Iterable[Help]:
    """Every operator, in the reader's language."""
    code = language()
    examples = {
        "from": "camille", "to": "camille", "is": STATES[0].shown(code), "in": "support", "tag": "vip",
        "has": HOLDINGS[0].shown(code), "before": "2026-03-31", "after": "30d", "lang": LANGUAGES[0].shown(code),
    }  # fmt: skip
    return [Help(f"{w.shown(code)}:", examples[w.key], meaning(w.key)) for w in OPERATORS]
