"""A customer's phone: one app for each channel that has a stand-in and an inbox pointed at it."""

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from wasl.accounts.models import Workspace
from wasl.channels.chat_inboxes import settings_of, webhook
from wasl.channels.models import Inbox
from wasl.channels.registry import channels
from wasl.sandbox import telephone
from wasl.sandbox.chats import Chats, End, Ends, Files, Item, Kept, Thread, Who
from wasl.sandbox.people import Person
from wasl.sandbox.standins import Standin, standins

TIMEOUT = 10.0
SHOWN = 100
"""Messages of a chat that are shown at most."""

APPS = ("voice", "sms", "whatsapp", "telegram", "messenger", "instagram", "x", "post", "smpp")
"""In which order they lie on the screen; what is not named comes last."""

EMOJI = ("👍", "❤️", "😂", "🙏")
PHOTOS = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_FIRST = 33_6_39_98_00_00
"""Of the ten thousand numbers that the French regulator keeps for fiction: nobody has them."""


class NoAnswer(Exception):
    """The sandbox did not do what was asked of it."""


# Numbers ---------------------------------------------------------------------------------------------------------


class Numbers:
    """Everybody's telephone number, by mail address; who has none is given one, and keeps it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "numbers.json"

    def of(self, mail: str) -> str:
        """The digits of somebody's number, country code first."""
        known = self._read()
        if mail.lower() not in known:
            taken = set(known.values())
            known[mail.lower()] = next(
                n for n in map(str, range(_FIRST + 100, _FIRST + 10_000)) if n not in taken
            )
            self._write(known)
        return known[mail.lower()]

    def give(self, mail: str, number: str) -> None:
        """Say whose a number is."""
        self._write(self._read() | {mail.lower(): number})

    def _read(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return found

    def _write(self, numbers: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(numbers))
        draft.replace(self._path)


# Ends ------------------------------------------------------------------------------------------------------------


def base(channel: str) -> str:
    """The API address of a channel's stand-in."""
    return f"http://127.0.0.1:{settings.ENV.sandbox_http_port}/{channel}"


def end_of(inbox: Inbox, shop: str) -> End | None:
    """An inbox as its stand-in knows it, with the business's name; None when it is not pointed at one."""
    known = settings_of(inbox)
    standin = standins().get(inbox.channel)
    if standin is None or not standin.here(known.config, base(inbox.channel)):
        return None
    return End(inbox.channel, inbox.address, shop, webhook(inbox), dict(known.config), dict(known.secrets))


def register(folder: Path) -> list[End]:
    """Tell the stand-ins of the workspace's inboxes; those that are pointed at one."""
    kept = Ends(folder)
    inboxes = Inbox.objects.filter(channel__in=list(standins()), is_active=True).order_by("channel", "id")
    shop = Workspace.objects.values_list("name", flat=True).get() if inboxes else ""
    found = [end for inbox in inboxes if (end := end_of(inbox, shop))]
    for end in found:
        if kept.get(end.channel, end.address) != end:
            kept.put(end)
    return found


# The phone -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class App:
    """An app on the phone, and its chat with the business."""

    standin: Standin
    end: End
    icon: str
    href: str
    who: Who
    items: list[Item]
    unread: int

    @property
    def channel(self) -> str:
        """Its channel."""
        return self.standin.channel

    @property
    def label(self) -> str:
        """What the app is called."""
        return _(self.standin.label)

    @property
    def last(self) -> Item | None:
        """The newest message."""
        return self.items[-1] if self.items else None

    def can(self, do: str) -> bool:
        """Whether the app offers that."""
        return do in self.standin.acts


@dataclass(frozen=True, slots=True)
class Sight:
    """A message as it is seen: with the one it answers, its files, and the day, when it is another than before."""

    item: Item
    at: datetime
    answered: Item | None
    files: list[tuple[Kept, str]]
    begins: datetime | None


@dataclass(frozen=True, slots=True)
class Phone:
    """What the screen shows: one app, or which there are."""

    person: Person
    apps: list[App]
    opened: App | None = None
    sights: list[Sight] = field(default_factory=list)
    href: str = ""
    shop: str = ""
    """The address of the shop's website, where it has a chat."""

    @property
    def at(self) -> datetime:
        """The time on the phone's clock."""
        return timezone.now()

    @property
    def called(self) -> tuple[App, telephone.Live] | None:
        """The call that is under way, and the app that it is in."""
        found = ((app, telephone.live(app.items)) for app in self.apps if app.can("call"))
        return next(((app, live) for app, live in found if live), None)

    @property
    def newest(self) -> list[App]:
        """The apps, those with the latest news first."""
        return sorted(self.apps, key=lambda app: -app.last.at if app.last else 0)


def phone(folder: Path, person: Person, ends: Sequence[End], name: str, address: str) -> Phone:
    """Somebody's phone, with the app of that channel open (`address`: the business's end, of several)."""
    chats, number = Chats(folder), Numbers(folder).of(person.address)
    several = {each.channel for each in ends if sum(other.channel == each.channel for other in ends) > 1}
    places = {name: place for place, name in enumerate(APPS)}
    order = sorted(ends, key=lambda end: places.get(end.channel, len(APPS)))
    apps = [_app(chats, person, end, number, end.channel in several) for end in order]
    opened = next(
        (a for a in apps if a.channel == name and a.end.address == (address or a.end.address)), None
    )
    sights = _sights(folder, person, opened) if opened else []
    chat = Inbox.objects.filter(channel="webchat", is_active=True).exists()
    shop = reverse("sandbox_shop", args=[person.id]) if chat else ""
    return Phone(person, apps, opened, sights, where(person), shop)


def where(person: Person, **query: str) -> str:
    """The page with the phone in some state."""
    kept = urlencode({name: value for name, value in query.items() if value})
    return reverse("sandbox_person", args=[person.id]) + (f"?{kept}" if kept else "")


def who_on(channel: str, number: str, name: str) -> Who:
    """Somebody on a channel."""
    standin = standins()[channel]
    return Who(standin.of_name(name) if standin.of_name else standin.address_of(number), name)


def _app(chats: Chats, person: Person, end: End, number: str, several: bool) -> App:
    who = who_on(end.channel, number, person.name)
    items = [
        each for each in chats.items(Thread(end.channel, end.address, who.address))
        if each.theirs or each.state in ("delivered", "read")
    ]  # fmt: skip
    items = sorted(items, key=lambda each: each.at)[-SHOWN:]
    return App(
        standins()[end.channel],
        end,
        channels()[end.channel].icon,
        where(person, app=end.channel, end=end.address if several else ""),
        who,
        items,
        sum(not each.theirs and each.state == "delivered" for each in items),
    )


def _sights(folder: Path, person: Person, app: App) -> list[Sight]:
    files, by_id, day = Files(folder), {each.id: each for each in app.items}, None
    made = []
    for item in app.items:
        at = datetime.fromtimestamp(item.at, UTC)
        begins = at if timezone.localdate(at) != day else None
        day = timezone.localdate(at)
        kept = [
            (found, reverse("sandbox_phone_file", args=[person.id, app.channel, found.id]))
            for found in map(files.get, item.files)
            if found
        ]
        made.append(Sight(item, at, by_id.get(item.answers), kept, begins))
    return made


def play(app: App, do: str, **what: Any) -> None:
    """Have the customer do something. Raises NoAnswer."""
    told = {
        "channel": app.channel, "end": app.end.address, "act": {"do": do, **what},
        "who": {"address": app.who.address, "name": app.who.name},
    }  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", settings.ENV.sandbox_http_port, timeout=TIMEOUT)
    try:
        connection.request("POST", "/play", json.dumps(told).encode(), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(str(error)) from error
    finally:
        connection.close()
    if answer.status != 204:
        raise NoAnswer(said)
