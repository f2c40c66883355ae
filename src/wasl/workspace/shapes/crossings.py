"""What gets in the way of an open conversation, as calm bands above it: what each says, and one click that helps."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from wasl.accounts.actor import Actor
from wasl.calls import promises
from wasl.calls import queries as calls
from wasl.calls.promises import Contradiction, Word
from wasl.desk import crossings, placed
from wasl.desk.crossings import Beside, Both, Crossings, Held
from wasl.desk.placed import Placed
from wasl.kit.clock import now
from wasl.kit.folding import fold_name
from wasl.workspace import words
from wasl.workspace.format import first_name, isolated, later, moment, number
from wasl.workspace.shapes.timeline import REPLY_MARKS

MOST = 3
"""Bands at once: more would be a page of their own."""


@dataclass(frozen=True, slots=True)
class Deed:
    """A button: a POST to `href` with these fields."""

    label: str
    icon: str
    href: str
    fields: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """The conversation or call-back that is meant."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """One thing that is in the way."""

    kind: str
    icon: str
    text: str
    link: Link | None = None
    deeds: Sequence[Deed] = ()
    placed: str = ""


def bands(actor: Actor, row: Any) -> list[Band]:
    """Those of a conversation as `queries.opened` gives it; none once it is resolved."""
    if row.status == "resolved":
        return []
    found = crossings.read(actor, row.id, row.family)
    wrong = promises.contradictions(promises.standing(actor, row.family), now())
    shown = [
        *_held(actor, row, found.held),
        *_both(actor, row, found),
        *_beside(actor, row, found.beside),
        *(_promised(actor, row, each) for each in wrong),
    ][:MOST]
    if any(band.kind != "held" for band in shown) and actor.writes:
        return _offered(actor, row, shown)
    return shown


def _held(actor: Actor, row: Any, held: Held | None) -> Iterator[Band]:
    if held is None:
        return
    back = Deed(_("Hand back"), "form", reverse("hand_back", args=[row.id]))
    text = (
        _("You have taken this over: programs send nothing here.")
        if held.agent_id == actor.agent_id
        else _("%(who)s has taken this over: programs send nothing here.")
        % {"who": isolated(first_name(held.name))}
    )
    yield Band("held", "hold", text, deeds=[back] if actor.writes else ())


def _both(actor: Actor, row: Any, found: Crossings) -> Iterator[Band]:
    if found.both is None or found.held is not None:
        return
    take = Deed(_("Take over"), "hold", reverse("take_over", args=[row.id]))
    yield Band("both", "form", _both_said(actor, found.both), deeds=[take] if actor.writes else ())


def _both_said(actor: Actor, both: Both) -> str:
    who = {"who": isolated(first_name(both.name))}
    if both.agent_id == actor.agent_id:
        if both.is_writing:
            return _("A program answered while you were writing.")
        return _("You and a program have both answered.")
    if both.is_writing:
        return _("A program answered while %(who)s was writing.") % who
    return _("%(who)s and a program have both answered.") % who


def _beside(actor: Actor, row: Any, others: Iterable[Beside]) -> Iterator[Band]:
    """Open conversations of the same customer in another agent's hands, or on the same matter."""
    mine = matter(row.subject)
    for other in others:
        link = Link(reverse("conversation", args=[other.id]), words.subject(other.subject) or _("No subject"))
        if other.owner_id and other.owner_id not in (actor.agent_id, row.assignee_id):
            who = {"who": isolated(first_name(other.owner))}
            yield Band("agents", "users", _("%(who)s is talking with this customer too") % who, link)
        elif mine and matter(other.subject) == mine:
            deeds = (
                [
                    Deed(
                        _("Merge into this one"),
                        "merge",
                        reverse("merge_conversations"),
                        (("id", str(other.id)), ("id", str(row.id)), ("into", str(row.id))),
                    )
                ]
                if actor.writes
                else []
            )
            yield Band("matter", "merge", _("The same matter is open twice"), link, deeds)


def matter(subject: str) -> str:
    """A subject as it is compared: folded, without “Re:” and its like."""
    return fold_name(REPLY_MARKS.sub("", subject))


def _promised(actor: Actor, row: Any, found: Contradiction) -> Band:
    """Two promised times, where each was promised, and which of them is to count."""
    texts = {
        "passed": _("An answer was promised by %(first)s, which has passed, and now %(second)s."),
        "times": _("Two answers are promised: by %(first)s and by %(second)s."),
        "late_call": _("An answer is promised by %(first)s, but the call is set for %(second)s."),
        "calls": _("Two calls are promised: %(first)s and %(second)s."),
    }
    labels = {
        "passed": _("The new time counts"),
        "times": _("Hold to the earlier time"),
        "late_call": _("The call counts"),
        "calls": _("Call once, at the earlier time"),
    }
    said = {
        "first": isolated(moment(found.first.at) if found.kind == "passed" else later(found.first.at)),
        "second": isolated(later(found.second.at)),
    }
    settle = Deed(
        labels[found.kind],
        "check",
        reverse("settle_promises", args=[row.id]),
        (("kind", found.kind), ("first", str(found.first.id)), ("second", str(found.second.id))),
    )
    return Band(
        "promises",
        "clock",
        texts[found.kind] % said,
        _elsewhere(row, found),
        [settle] if actor.writes else (),
    )


def _elsewhere(row: Any, found: Contradiction) -> Link | None:
    """The call-back, or the other conversation in which one of the two was promised."""
    if found.second.kind == "call":
        return Link(reverse("callback", args=[found.second.id]), _("Call-back"))
    other: Word | None = next(
        (each for each in (found.first, found.second) if each.conversation_id != row.id), None
    )
    if other is None:
        return None
    return Link(
        reverse("conversation", args=[other.conversation_id]), words.subject(other.subject) or _("No subject")
    )


def _offered(actor: Actor, row: Any, shown: list[Band]) -> list[Band]:
    """The same, the best-placed agent offered in the first of them where somebody else has the conversation."""
    best = placed.best(actor, row.inbox_id, row.family, calls.on_duty(actor))
    if best is None or best.id == row.assignee_id:
        return shown
    at = next(i for i, band in enumerate(shown) if band.kind != "held")
    mine = best.id == actor.agent_id
    label = _("Step in") if mine else _("Give it to %(who)s") % {"who": isolated(first_name(best.name))}
    step = Deed(label, "user", reverse("assign", args=[row.id]), (("agent", str(best.id)),))
    band = replace(shown[at], deeds=[*shown[at].deeds, step], placed=_speaks(best, mine=mine))
    return [*shown[:at], band, *shown[at + 1 :]]


def _speaks(best: Placed, *, mine: bool) -> str:
    """Who is best placed, and why."""
    why = []
    if best.on_duty and not mine:
        why.append(_("on duty"))
    if best.has_it:
        why.append(_("has another conversation of theirs"))
    if best.answers:
        why.append(
            ngettext("answered them once of late", "answered them %(n)s times of late", best.answers)
            % {"n": number(best.answers)}
        )
    why.append(
        ngettext("%(n)s open conversation", "%(n)s open conversations", best.open) % {"n": number(best.open)}
    )
    said = {"who": isolated(first_name(best.name)), "why": " · ".join(why)}
    return (_("You are best placed: %(why)s") if mine else _("Best placed: %(who)s (%(why)s)")) % said
