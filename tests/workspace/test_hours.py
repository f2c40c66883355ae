"""The pages of opening hours and of what customers are told."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from tests.inbound import mail, take
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.accounts import calendars
from wasl.accounts.calendars import Wanted
from wasl.accounts.models import Calendar, Holiday, Team
from wasl.channels.models import Inbox
from wasl.conversations.models import Conversation
from wasl.desk import texts, waits
from wasl.desk.models import Acknowledgement, AcknowledgementText
from wasl.kit.db import tenant
from wasl.workspace.views.hours import _minute

WEEK = {
    "from-0": ["09:00", "15:00"], "to-0": ["13:00", "18:00"], "from-5": ["22:00"], "to-5": ["02:00"],
    "from-6": [""], "to-6": [""],
}  # fmt: skip
FORM: dict[str, Any] = {
    "name": "Shop", "timezone": "Africa/Tunis", **WEEK,
    "holiday": ["Fête", "", "Soldes"], "first": ["2026-12-25", "", "2026-07-01"], "last": ["", "", "2026-07-03"],
    "yearly": ["1", "0", "0"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh() -> None:
    waits.forget()


def test_a_calendar_is_made_shown_changed_and_used(shop: Shop, browser: Browser) -> None:
    admin = browser(shop, "admin")
    assert "No opening hours yet" in admin.get("/hours").text
    assert 'value="09:00"' in admin.get("/hours/new").text
    assert (
        admin.post("/hours/new", FORM | {"inboxes": [str(shop.mail.id)]}).headers["Location"]
        == "/hours?kept=1"
    )
    with tenant(shop.id):
        row = Calendar.objects.get()
        assert row.week == [[[540, 780], [900, 1080]], [], [], [], [], [[1320, 1560]], []]
        assert row.is_default
        holidays = list(Holiday.objects.order_by("day").values_list("name", "day", "last_day", "yearly"))
        assert Inbox.objects.get(id=shop.mail.id).calendar_id == row.id
        team = Team.objects.create(workspace_id=shop.id, name="Lyon")
    assert holidays == [
        ("Soldes", date(2026, 7, 1), date(2026, 7, 3), False), ("Fête", date(2026, 12, 25), date(2026, 12, 25), True),
    ]  # fmt: skip
    page = admin.get(f"/hours/{row.id}").text
    for piece in ('value="15:00"', 'value="02:00"', "Soldes", 'value="2026-07-03"', "Africa/Tunis", "Lyon"):
        assert piece in page
    assert "Shop" in admin.get("/hours?kept=1").text
    admin.post(f"/hours/{row.id}", FORM | {"name": "Other", "teams": [str(team.id)], "default": "1"})
    with tenant(shop.id):
        assert Calendar.objects.get().name == "Other"
        assert Inbox.objects.get(id=shop.mail.id).calendar_id is None
        assert Team.objects.get().calendar_id == row.id
    assert admin.post(f"/hours/{row.id}/remove").status_code == 302
    with tenant(shop.id):
        assert not Calendar.objects.exists()
        assert Team.objects.get().calendar_id is None


@pytest.mark.parametrize(
    ("typed", "minute"),
    [("9", 540), ("930", 570), ("9:30", 570), ("9h30", 570), ("09.30", 570), ("9 h", 540), ("٩:٣٠", 570),
     ("24:00", 1440), ("0", 0), ("", -1), ("noon", -1), ("25", -1), ("9:75", -1), ("12345", -1)],
)  # fmt: skip
def test_times_as_people_type_them(typed: str, minute: int) -> None:
    assert _minute(typed) == minute


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": " "}, "Give the calendar a name."),
        ({"timezone": "Mars"}, "Choose a time zone"),
        ({"from-1": ["09:00", "10:00"], "to-1": ["11:00", "12:00"]}, "overlap"),
        ({"from-1": ["09:00"], "to-1": [""]}, "both a beginning and an end"),
        ({"first": ["2026-12-25", "", "2026-07-05"]}, "ends before it begins"),
    ],
)
def test_what_cannot_be_kept_is_said_and_stays_in_the_form(
    shop: Shop, browser: Browser, more: dict[str, Any], said: str
) -> None:
    response = browser(shop, "admin").post("/hours/new", FORM | more)
    assert response.status_code == 422
    assert said in response.text
    assert 'value="15:00"' in response.text
    assert "Soldes" in response.text
    with tenant(shop.id):
        assert not Calendar.objects.exists()


def test_the_workspaces_own_calendar_stays_while_there_are_others(shop: Shop, browser: Browser) -> None:
    with tenant(shop.id):
        own = calendars.keep(shop.actor("admin"), None, Wanted("A", "UTC", [[]] * 7, ()))
        calendars.keep(shop.actor("admin"), None, Wanted("B", "UTC", [[]] * 7, ()))
    response = browser(shop, "admin").post(f"/hours/{own.id}/remove")
    assert response.status_code == 422
    assert "workspace’s own" in response.text


def test_only_for_administrators_and_their_own(shop: Shop, browser: Browser) -> None:
    other = Shop.create("elsewhere", "support@elsewhere.example")
    with tenant(other.id):
        theirs = calendars.keep(other.actor("admin"), None, Wanted("A", "UTC", [[]] * 7, ()))
    pages = [
        f"/hours/{theirs.id}",
        f"/acknowledgements/{other.mail.id}",
        f"/acknowledgements/{shop.forms.id}",
    ]
    agent, admin = browser(shop, "agent"), browser(shop, "admin")
    for path in ("/hours", "/hours/new", "/acknowledgements", f"/acknowledgements/{shop.mail.id}"):
        assert agent.get(path).status_code == 403
        assert admin.get(path).status_code == 200
    for path in pages:
        assert admin.get(path).status_code == admin.post(path, FORM).status_code == 404
        assert admin.get(path.replace(str(theirs.id), str(uuid4()))).status_code == 404
    assert admin.post(f"/hours/{theirs.id}/remove").status_code == 404
    assert admin.post(f"/acknowledgements/{other.mail.id}/preview").status_code == 404
    with tenant(shop.id):
        Inbox.objects.filter(id=shop.mail.id).update(calendar=None)
    admin.post("/hours/new", FORM | {"inboxes": [str(other.mail.id)]})
    with tenant(other.id):
        assert Inbox.objects.get(id=other.mail.id).calendar_id is None


def test_an_inbox_is_switched_on_with_its_own_words(shop: Shop, browser: Browser) -> None:
    admin, path = browser(shop, "admin"), f"/acknowledgements/{shop.mail.id}"
    assert "Not acknowledged" in admin.get("/acknowledgements").text
    words = "{{greeting}}\n\nOn vous répond {{promise}}."
    form = {"language": "fr", "text": words, "on": "1", "links": "1", "hours": "3,5"}
    assert admin.post(path, form).headers["Location"] == f"{path}?language=fr&kept=1"
    with tenant(shop.id):
        row = Acknowledgement.objects.get()
        assert (row.is_on, row.minutes, Inbox.objects.get(id=shop.mail.id).links) == (True, 210, True)
        assert list(AcknowledgementText.objects.values_list("language", "text")) == [("fr", words)]
    page = admin.get(f"{path}?language=fr").text
    assert "On vous répond" in page
    assert "Bonjour Camille Moreau" in page, "the preview"
    assert "Le risponderemo" in admin.get(f"{path}?language=it").text
    assert "Acknowledged at once" in admin.get("/acknowledgements").text
    admin.post(path, {"language": "fr", "text": texts.DEFAULT["fr"].replace("\n", "\r\n"), "hours": "x"})
    with tenant(shop.id):
        assert not AcknowledgementText.objects.exists(), "our own words are not copied"
        row = Acknowledgement.objects.get()
        assert (row.is_on, row.minutes) == (False, 210)


def test_who_leaves_the_form_is_offered_no_other_deed(shop: Shop, browser: Browser) -> None:
    """What the chat calls to leave an address is "save the address" in other languages."""
    admin = browser(shop, "admin")
    admin.post("/settings", {"language": "ar", "theme": "light", "digits": "latn"})
    for path in ("/hours/new", f"/acknowledgements/{shop.mail.id}"):
        page = admin.get(path).text
        assert "إلغاء" in page
        assert "حفظ العنوان" not in page


def test_a_variable_that_means_nothing_is_said(shop: Shop, browser: Browser) -> None:
    admin, path = browser(shop, "admin"), f"/acknowledgements/{shop.mail.id}"
    form = {"language": "en", "text": "Hi {{nmae}} <script>", "on": "1"}
    response = admin.post(path, form)
    assert response.status_code == 422
    assert "{{nmae}}" in response.text
    assert "There is no variable" in response.text
    assert "&lt;script&gt;</textarea>" in response.text
    assert "There is no variable" in admin.post(f"{path}/preview", form).text
    with tenant(shop.id):
        assert not Acknowledgement.objects.exists()
    assert admin.post(path, form | {"text": "x" * 4001}).status_code == 422


def test_the_preview_reads_as_the_mail_open_and_closed(shop: Shop, browser: Browser) -> None:
    admin = browser(shop, "admin")
    admin.post("/hours/new", FORM)
    form = {"language": "en", "text": texts.DEFAULT["en"], "links": "1"}
    letters = admin.post(f"/acknowledgements/{shop.mail.id}/preview", form).text
    assert letters.count('class="letter"') == 2
    assert letters.count("We will answer you") == 2
    assert letters.count("We are closed just now") == 1
    assert letters.count("<u>Open my conversation</u>") == 2
    without = admin.post(f"/acknowledgements/{shop.mail.id}/preview", form | {"links": ""}).text
    assert "Open my conversation" not in without
    with tenant(shop.id):
        assert not AcknowledgementText.objects.exists()


def test_links_of_a_conversation_can_be_closed(shop: Shop, browser: Browser) -> None:
    take(shop, mail("Bonjour"))
    with tenant(shop.id):
        conversation = Conversation.objects.get()
        Inbox.objects.update(links=True)
    path = f"/conversations/{conversation.id}/links/close"
    assert path in browser(shop, "agent").get(f"/conversations/{conversation.id}/card").text
    assert path in browser(shop, "agent").get(f"/all/{conversation.id}").text
    assert path not in browser(shop, "readonly").get(f"/conversations/{conversation.id}/card").text
    assert browser(shop, "readonly").post(path).status_code == 403
    assert browser(shop, "agent").post(path).status_code == 302
    with tenant(shop.id):
        assert Conversation.objects.get().link_version == 2
