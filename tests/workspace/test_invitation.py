"""The card of an invitation: the reader's time, and the event's own."""

from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from tests.inbound import take
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.conversations.models import Message
from wasl.kit.db import tenant
from wasl.workspace.shapes.invitation import Invitation, invitation

STORED = {
    "method": "request",
    "title": "عرض المجموعة",
    "start": "2026-03-12T15:45+03:00",
    "end": "2026-03-12T16:45+03:00",
    "zone": "Asia/Riyadh",
    "place": "Riyadh",
    "organiser": "Sara",
}


@pytest.fixture(autouse=True)
def _in_rome() -> Iterator[None]:
    with timezone.override(ZoneInfo("Europe/Rome")), translation.override("en"):
        yield


def card(**changes: Any) -> Invitation:
    made = invitation(STORED | changes)
    assert made
    return made


def test_when_in_the_readers_time_and_in_its_own() -> None:
    assert card().when == "Thursday 12 March 2026, 13:45\u00a0–\u00a014:45"
    assert card().there == "Thursday 12 March 2026, 15:45\u00a0–\u00a016:45 in \u2068Riyadh\u2069"
    with timezone.override(ZoneInfo("Asia/Kuwait")):
        assert card().when == "Thursday 12 March 2026, 15:45\u00a0–\u00a016:45"
        assert card().there == "", "the same clock needs no second line"


def test_whole_days_and_times_without_a_zone() -> None:
    whole = card(all_day=True, start="2026-03-12", end="2026-03-14", zone="", repeats="weekly")
    assert (whole.when, whole.there, whole.repeats) == (
        "Thursday 12 March 2026 – Saturday 14 March 2026",
        "",
        "every week",
    )
    assert (
        card(start="2026-03-12T15:45", end="2026-03-12T15:45", zone="").when
        == "Thursday 12 March 2026, 15:45"
    )


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({}, "Invitation"),
        ({"method": "update"}, "Invitation, changed"),
        ({"method": "cancel"}, "Invitation, cancelled"),
        ({"method": "publish"}, "Event"),
        (
            {"method": "reply", "attendee": "Amal", "answer": "accepted"},
            "\u2068Amal\u2069 accepted the invitation",
        ),
        (
            {"method": "reply", "attendee": "Amal", "answer": "declined"},
            "\u2068Amal\u2069 declined the invitation",
        ),
        ({"method": "reply", "attendee": "Amal", "answer": "tentative"}, "\u2068Amal\u2069 may come"),
        ({"method": "reply", "attendee": "Amal"}, "\u2068Amal\u2069 answered the invitation"),
        ({"method": "counter", "attendee": "Amal"}, "\u2068Amal\u2069 proposes another time"),
    ],
)
def test_what_it_is(changes: dict[str, str], what: str) -> None:
    assert card(**changes).what == what


@pytest.mark.parametrize("stored", [None, {}, {"start": "x", "end": "y"}, {"title": "no times"}])
def test_no_card_without_a_time(stored: dict[str, str] | None) -> None:
    assert invitation(stored) is None


ICS = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Visit <b>now</b>\r\nDTSTART:20260312T124500Z\r\n"
    "ORGANIZER;CN=Amal:mailto:amal@example.net\r\nLOCATION:Rome\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_it_is_read_in_the_thread(shop: Shop, browser: Browser) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "amal@example.net", "support@dar-zaytun.example", "Visit"
    mail.set_content("You are invited.")
    mail.add_alternative(ICS, subtype="calendar", params={"method": "REQUEST"})
    take(shop, mail.as_bytes())
    with tenant(shop.id):
        conversation = Message.objects.get().conversation_id
    page = browser(shop).get(f"/all/{conversation}").text
    shown = page[page.index('class="invitation"') :].partition("</section>")[0]
    assert "Visit &lt;b&gt;now&lt;/b&gt;" in shown
    assert "12 March 2026" in shown
    assert "<bdi>Rome</bdi>" in shown
    assert "<bdi>Amal</bdi>" in shown
    assert 'class="file"' in page, "the file is there too"
