"""What happened on the wire, in people's words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.translation import gettext as _
from markupsafe import Markup

from wasl.sandbox.people import Person
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


def lines(place: Place, everyone: Iterable[Person]) -> list[Line]:
    """The latest, newest first. Only what concerns people of this workspace."""
    names = {person.address.lower(): person.name for person in everyone}
    shown: list[Line] = []
    told: set[tuple[str, str]] = set()
    for entry in place.recent(READ):
        who = (entry.sender if entry.what in ("sent", "not_taken") else entry.to).lower()
        about = (entry.message_id, who)
        if who not in names or (entry.message_id and about in told):
            continue
        told.add(about)
        shown.append(_line(entry, first_name(names[who])))
        if len(shown) == LINES:
            break
    return shown


def _line(entry: Entry, name: str) -> Line:
    word, icon, sentence = _WORDS[entry.what]
    at = datetime.fromtimestamp(entry.at, UTC)
    values = {"name": Markup("<bdi>{}</bdi>").format(name), "time": clock_time(at)}
    return Line(word, icon, Markup(sentence()) % values)  # noqa: S704 - our own sentence
