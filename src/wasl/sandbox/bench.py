"""What the customers' page shows: who is played, their mail, the network and the wire."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from markupsafe import Markup

from wasl.channels.base import Part
from wasl.channels.models import Inbox
from wasl.sandbox import mailbox
from wasl.sandbox.mailbox import Mail
from wasl.sandbox.network import Mode, Network
from wasl.sandbox.people import Person
from wasl.sandbox.place import Box, Place
from wasl.workspace import bodies

LISTED = 50
PHOTOS = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def folder() -> Path:
    """Where the sandbox of this installation keeps things."""
    path: Path = settings.ENV.data_dir / "sandbox"
    return path


def place() -> Place:
    """The sandbox's files."""
    return Place(folder())


def network() -> Network:
    """The sandbox's network."""
    return Network(folder())


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of an open mail."""

    filename: str
    content_type: str
    size: int
    href: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The mail that is open; `who` wrote it, or for sent mail was written to."""

    mail: Mail
    who: Markup
    href: str
    shown: Markup
    files: list[Attached]
    reply: str


@dataclass(frozen=True, slots=True)
class Writing:
    """A mail that is being written: to one of the shop's inboxes, maybe as an answer to `original`."""

    inboxes: list[Inbox]
    to: str
    subject: str
    original: str
    draft: str


@dataclass(slots=True)
class Desk:
    """One person's mail program."""

    person: Person
    box: Box
    mails: list[Mail]
    hrefs: dict[str, str]
    opened: Opened | None = None
    writing: Writing | None = None
    unread: int = 0


def address(person: Person, **query: str) -> str:
    """The page with this person's mail program in some state."""
    kept = urlencode({name: value for name, value in query.items() if value})
    return reverse("sandbox_person", args=[person.id]) + (f"?{kept}" if kept else "")


def desk(person: Person, box: Box, name: str, write: str) -> Desk:
    """A person's mail program: which box, which mail is open, what is being written (new or reply)."""
    store = place()
    mails = mailbox.mails(store, person.address, box)[:LISTED]
    found = next((mail for mail in mails if mail.name == name), None) or _first(mails, write)
    shown = Desk(
        person,
        box,
        mails,
        {mail.name: address(person, box=_other(box), mail=mail.name) for mail in mails},
        unread=sum(mail.unread for mail in mails),
    )
    if write == "new" or (write == "reply" and found is None):
        shown.writing = writing(person, None)
    elif found:
        shown.opened = opened(person, found)
        shown.writing = writing(person, found) if write == "reply" else None
    return shown


def _first(mails: list[Mail], write: str) -> Mail | None:
    return mails[0] if mails and write != "new" else None


def _other(box: Box) -> str:
    """The box in an address; the inbox is understood."""
    return "" if box == "inbox" else box


def opened(person: Person, mail: Mail) -> Opened:
    """A mail as it is read."""
    content = mail.content
    hrefs = [file_address(person, mail, n) for n in range(len(content.parts))]
    own = {p.content_id: f"{h}?show=1" for p, h in zip(content.parts, hrefs, strict=True) if _is_picture(p)}
    shown = bodies.of_html(content.html, own) if content.html else bodies.of_text(content.text)
    files = [
        Attached(p.filename, p.content_type, len(p.content), href)
        for p, href in zip(content.parts, hrefs, strict=True)
        if not (p.inline and _is_picture(p))
    ]
    href = address(person, box=_other(mail.box), mail=mail.name)
    reply = address(person, box=_other(mail.box), mail=mail.name, write="reply")
    who = mail.from_or_to.address
    return Opened(mail, Markup("<bdi>{}</bdi>").format(who), href, shown, files, reply)


def _is_picture(part: Part) -> bool:
    return bool(part.content_id) and part.content_type in PHOTOS


def file_address(person: Person, mail: Mail, number: int) -> str:
    """The address of a mail's file."""
    return reverse("sandbox_file", args=[person.id, mail.box, mail.name, number])


def writing(person: Person, original: Mail | None) -> Writing:
    """An empty mail, or an answer."""
    inboxes = list(Inbox.objects.filter(channel="email", is_active=True).order_by("id"))
    if original is None:
        first = inboxes[0].address if inboxes else ""
        return Writing(inboxes, first, "", "", f"sandbox-{person.id}")
    to, subject = mailbox.answer_to(original, person.language)
    return Writing(
        inboxes, to.name or to.address, subject, original.name, f"sandbox-{person.id}-{original.name}"
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """One way the network may behave. With `group` a new group of them begins."""

    mode: Mode
    text: str
    help: str
    is_on: bool
    group: str = ""


def faults(person: Person) -> list[Fault]:
    """The ways the network may behave, and which one is next for this person's mail."""
    now = network().rule(person.address).mode
    words = [
        (Mode.AT_ONCE, _("Delivers at once"), ""),
        (Mode.LATE, _("Delivers late"), _("after 20 seconds")),
        (Mode.REFUSE_NOW, _("Refuses for now"), _("try again later")),
        (Mode.REFUSE, _("Refuses for good"), _("mailbox does not exist")),
        (Mode.LOSE_ANSWER, _("Takes it, loses the answer"), _("Wasl must find out")),
        (Mode.BOUNCE, _("Takes it, bounces later"), _("after 2 minutes")),
    ]
    return [Fault(mode, text, help_, mode == now) for mode, text, help_ in words]


def app_faults(channel: str, address: str) -> list[Fault]:
    """The ways an app's provider may behave, and which one is next for this customer."""
    now = network().rule_on(channel, address).mode
    calls, webhooks = _("What Wasl sends"), _("What the customer does")
    words = [
        (Mode.AT_ONCE, _("Everything goes well"), "", ""),
        (Mode.LATE, _("Delivers late"), _("after 20 seconds"), calls),
        (Mode.REFUSE_NOW, _("Refuses for now"), _("try again later"), ""),
        (Mode.REFUSE, _("Refuses for good"), _("nobody there"), ""),
        (Mode.RATE_LIMIT, _("Says that it is too much"), "", ""),
        (Mode.RATE_LIMIT_WAIT, _("Says how long to wait"), _("30 seconds"), ""),
        (Mode.BREAK, _("Breaks down"), _("takes nothing"), ""),
        (Mode.LOSE_ANSWER, _("Takes it, loses the answer"), _("Wasl must find out"), ""),
        (Mode.BOUNCE, _("Takes it, fails later"), _("after 2 minutes"), ""),
        (Mode.EARLY, _("Reports before it answers"), "", ""),
        (Mode.SLOW, _("Tells late"), _("after 20 seconds"), webhooks),
        (Mode.LOSE, _("Never tells"), "", ""),
        (Mode.TWICE, _("Tells twice"), "", ""),
        (Mode.SHUFFLE, _("Tells the next one first"), "", ""),
    ]
    return [Fault(mode, text, help_, mode == now, group) for mode, text, help_, group in words]


def is_for_good(person: Person) -> bool:
    """Whether the network keeps behaving so, mail after mail."""
    rule = network().rule(person.address)
    return rule.mode != Mode.AT_ONCE and not rule.once


def app_for_good(channel: str, address: str) -> bool:
    """The same of an app."""
    rule = network().rule_on(channel, address)
    return rule.mode != Mode.AT_ONCE and not rule.once
