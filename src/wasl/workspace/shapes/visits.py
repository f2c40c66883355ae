"""Visits in people's words: sentences of the timeline, a message's line, outcomes, reasons."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wasl.timeline.queries import Entry
from wasl.visits.models import Outcome, Via
from wasl.workspace.format import isolated, number


def outcomes() -> dict[str, str]:
    """What can come of a visit."""
    return {
        Outcome.DONE: _("It is done"),
        Outcome.FOLLOWS: _("We will come back to them"),
        Outcome.ELSEWHERE: _("Somebody else takes it on"),
        Outcome.NOTHING: _("Nothing came of it"),
    }


def sentence(entry: Entry, person: str) -> str:
    """A touchpoint `visit.…` in words."""
    branch = isolated(str(entry.detail.get("branch", "")))
    counter = isolated(str(entry.detail.get("counter", "")))
    outcome = outcomes().get(str(entry.facts.get("outcome", "")), "")
    values = {
        "n": number(int(entry.facts.get("number", 0))),
        "who": person,
        "branch": branch,
        "counter": counter,
        "outcome": outcome,
    }
    said = {
        "visit.checked_in": _("Came to the branch %(branch)s and took number %(n)s"),
        "visit.called": _("%(who)s called number %(n)s to %(counter)s")
        if counter
        else _("%(who)s called number %(n)s"),
        "visit.requeued": _("%(who)s let number %(n)s wait again"),
        "visit.served": _("%(who)s served number %(n)s. %(outcome)s"),
        "visit.left": _("Number %(n)s left without being served"),
    }
    return said.get(entry.kind, "") % values


def about(content: Mapping[str, Any]) -> str:
    """What stands above the words of a visit's message."""
    values = {
        "branch": isolated(str(content.get("branch", ""))),
        "n": number(int(content.get("number") or 0)),
        "said": isolated(str(content.get("said", ""))),
    }
    if content.get("said"):
        return _("At the branch %(branch)s, number %(n)s, as %(said)s, unproved") % values
    if content.get("via") == Via.NAME:
        return _("At the branch %(branch)s, number %(n)s, by name only") % values
    return _("At the branch %(branch)s, number %(n)s") % values


def known_by(via: str) -> str:
    """How we know who came, in short."""
    said: dict[str, str] = {
        Via.CODE: _("by their code"),
        Via.ADDRESS: _("by an address, unproved"),
        Via.NAME: _("by name only"),
        Via.AGENT: _("known to a colleague"),
    }
    return said.get(via, "")


def refused(reason: str) -> str:
    """Why a check-in or a change was refused."""
    return {
        "closed": _("This branch takes no visits at the moment."),
        "purpose": _("Choose what brings you here."),
        "nobody": _("Show your code, name an address, or give your name."),
        "address": _(
            "This is neither an e-mail address nor a telephone number. Begin the number with + and the country."
        ),
        "bad_code": _("This code is not one of ours. Give your address or your name instead."),
        "old_code": _("This code is too old. Open the page it came from again, or give your name."),
        "changed": _("A colleague was faster. The queue below is as it is now."),
        "no_name": _("Give the branch a name."),
        "taken": _("There is a branch of this name already."),
        "country": _("A country is two letters, such as FR or IT."),
        "too_many": _("There are as many branches as there can be."),
    }.get(reason, _("This cannot be kept."))


def waited(seconds: int) -> str:
    """How long, in minutes."""
    minutes = max(0, seconds) // 60
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": number(minutes)}
