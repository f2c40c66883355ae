"""What happened on the wire, in people's words."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from markupsafe import Markup

from wasl.sandbox.chats import Chats, Thread
from wasl.sandbox.people import Person
from wasl.sandbox.phone import App
from wasl.sandbox.place import Entry, Place
from wasl.workspace.format import clock_time, first_name

LINES = 10
READ = 120


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `word` picks the colour, as for delivery states."""

    word: str
    icon: str
    text: Markup


# To whom, or from whom, and when.
_WORDS: dict[str, tuple[str, str, Callable[[], str]]] = {
    "read": ("seen", "eye", lambda: _("E-mail to %(name)s, read %(time)s")),
    "delivered": ("delivered", "checks", lambda: _("E-mail to %(name)s, arrived %(time)s")),
    "later": ("sent", "clock", lambda: _("E-mail to %(name)s, on its way since %(time)s")),
    "refused_now": ("late", "clock", lambda: _("E-mail to %(name)s, refused for now %(time)s")),
    "refused": ("failed", "alert", lambda: _("E-mail to %(name)s, refused for good %(time)s")),
    "lost": ("unsure", "question", lambda: _("E-mail to %(name)s, taken without an answer %(time)s")),
    "will_bounce": ("sent", "clock", lambda: _("E-mail to %(name)s, taken %(time)s, will come back")),
    "bounced": ("failed", "undo", lambda: _("E-mail to %(name)s, sent back %(time)s")),
    "junk": ("failed", "alert", lambda: _("E-mail to %(name)s, reported as junk %(time)s")),
    "sent": ("delivered", "check", lambda: _("E-mail from %(name)s, taken by Wasl %(time)s")),
    "not_taken": ("failed", "alert", lambda: _("E-mail from %(name)s, not taken by Wasl %(time)s")),
}


# Of which app, to whom or from whom, and when; by what the phone says of a message, and whether the customer wrote it.
_CHATS: dict[tuple[bool, str], tuple[str, str, Callable[[], str]]] = {
    (False, "read"): ("seen", "eye", lambda: _("%(app)s to %(name)s, read %(time)s")),
    (False, "delivered"): ("delivered", "checks", lambda: _("%(app)s to %(name)s, arrived %(time)s")),
    (False, "sent"): ("sent", "clock", lambda: _("%(app)s to %(name)s, on its way since %(time)s")),
    (False, "failed"): ("failed", "alert", lambda: _("%(app)s to %(name)s, did not arrive %(time)s")),
    (True, "sent"): ("late", "clock", lambda: _("%(app)s from %(name)s, not yet with Wasl %(time)s")),
    (True, "delivered"): ("delivered", "check", lambda: _("%(app)s from %(name)s, taken by Wasl %(time)s")),
    (True, "read"): ("seen", "eye", lambda: _("%(app)s from %(name)s, read by the shop %(time)s")),
}


def lines(place: Place, everyone: Iterable[Person], apps: Iterable[App] = ()) -> list[Line]:
    """The latest, newest first: everybody's mail, and what went over the apps of one phone. Only what concerns people
    of this workspace."""
    found = [*_mails(place, everyone), *_chats(place, apps)]
    return [line for _, line in sorted(found, key=lambda each: -each[0])[:LINES]]


def _mails(place: Place, everyone: Iterable[Person]) -> Iterator[tuple[float, Line]]:
    names = {person.address.lower(): person.name for person in everyone}
    told: set[tuple[str, str]] = set()
    for entry in place.recent(READ):
        who = (entry.sender if entry.what in ("sent", "not_taken") else entry.to).lower()
        about = (entry.message_id, who)
        if who not in names or (entry.message_id and about in told):
            continue
        told.add(about)
        yield entry.at, _line(entry, names[who])


def _chats(place: Place, apps: Iterable[App]) -> Iterator[tuple[float, Line]]:
    """The messages of each app, also those that are not on the phone."""
    chats = Chats(place.folder)
    for app in apps:
        for item in chats.items(Thread(app.channel, app.end.address, app.who.address))[-LINES:]:
            word, icon, sentence = _CHATS[item.theirs, item.state]
            values = _values(app.who.name, item.at) | {"app": Markup("<bdi>{}</bdi>").format(app.label)}
            yield item.at, Line(word, icon, Markup(sentence()) % values)  # noqa: S704 - our own sentence


def _line(entry: Entry, name: str) -> Line:
    word, icon, sentence = _WORDS[entry.what]
    return Line(word, icon, Markup(sentence()) % _values(name, entry.at))  # noqa: S704 - our own sentence


def _values(name: str, at: float) -> dict[str, Any]:
    shown = clock_time(datetime.fromtimestamp(at, UTC))
    return {"name": Markup("<bdi>{}</bdi>").format(first_name(name)), "time": shown}
