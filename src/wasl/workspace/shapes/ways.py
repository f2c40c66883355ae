"""The ways to a customer as the composer offers them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from wasl.conversations.ways import Via, Way
from wasl.workspace import words


@dataclass(frozen=True, slots=True)
class Shown:
    """One way. `why` says why it cannot be used, or what to bear in mind; `text` is what a form sends.

    `mail` has people in copy; `template` takes only an approved text now; what is `public` everybody reads. `reason` is
    why the one that is preselected is.
    """

    value: str
    icon: str
    channel: str
    address: str
    why: str
    until: datetime | None
    usable: bool
    mail: bool
    template: bool
    choices: bool
    current: bool
    public: bool = False
    reason: str = ""


def shown(found: Sequence[Way]) -> list[Shown]:
    """Those ways, the one that is preselected marked."""
    rows = [_shown(way) for way in found]
    chosen = next((row for row in rows if row.usable and not row.template), None)
    chosen = chosen or next((row for row in rows if row.usable), None)
    return [
        replace(row, current=True, reason=_reason(way)) if row is chosen else row
        for row, way in zip(rows, found, strict=True)
    ]


def _reason(way: Way) -> str:
    if way.used_at is None:
        return ""
    return _("They last wrote here") if way.used_at == way.wrote_at else _("They last read here")


def _shown(way: Way) -> Shown:
    template = way.why == "window_closed" and way.by_template
    return Shown(
        value=value(way.via),
        icon=words.channel_icon(way.channel),
        channel=words.channel(way.channel),
        address=words.address(way.channel, way.display),
        why=_why(way, template),
        until=None if way.why else way.until,
        usable=not way.why or template,
        mail=way.channel == "email",
        template=template,
        choices=way.limits.choices > 0 or way.channel != "email",
        current=False,
        public=way.public,
    )


def _why(way: Way, template: bool) -> str:
    if way.why == "stopped":
        return _("They do not want messages here")
    if template:
        return _("Only an approved text may be sent now")
    if way.why == "window_closed":
        return _("Too long ago that they wrote here")
    if way.warning == "unproved":
        return _("They left it, and nothing proves that it is theirs")
    if way.warning == "bounced":
        return _("The last message did not arrive here")
    if way.aside:
        return _("To them alone, once, for their comment") if way.comment else _("To them alone")
    if way.public:
        return _("Below their comment, where everybody reads along")
    return ""


def value(via: Via) -> str:
    """As a form sends it."""
    return f"{via.inbox_id}:{via.identity_id or ''}" + (":aside" if via.aside else "")
