"""Calendars: which one holds, who may change them, and what cannot be kept."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.worlds import Shop
from wasl.accounts import calendars
from wasl.accounts.actor import Forbidden, NotFound
from wasl.accounts.calendars import BadCalendar, Wanted
from wasl.accounts.hours import Closed
from wasl.accounts.models import Calendar, Holiday, Team
from wasl.channels.models import Inbox
from wasl.kit.db import raw, tenant

NIGHT = datetime(2026, 11, 23, 2, tzinfo=UTC)


def wanted(name: str = "Shop", zone: str = "Africa/Tunis", **more: object) -> Wanted:
    week = [[(540, 780), (900, 1080)] for _ in range(6)] + [[]]
    values = {"week": week, "holidays": [Closed(date(2026, 12, 25), date(2026, 12, 26), True, "Winter")]}
    return Wanted(name, zone, **(values | more))  # type: ignore[arg-type]


def test_without_a_calendar_a_workspace_never_closes(shop: Shop) -> None:
    with tenant(shop.id):
        hours = calendars.hours_for(raw(), shop.id, shop.mail.id)
    assert hours.open_at(NIGHT)
    assert hours.zone == ZoneInfo("UTC")


def test_the_teams_calendar_before_the_inboxs_before_the_workspaces(shop: Shop) -> None:
    admin = shop.actor("admin")
    with tenant(shop.id):
        own = calendars.keep(admin, None, wanted())
        inboxs = calendars.keep(admin, None, wanted("Inbox", "Europe/Paris"))
        teams = calendars.keep(admin, None, wanted("Team", "Asia/Dubai"))
        assert [own.is_default, inboxs.is_default, teams.is_default] == [True, False, False]
        team = Team.objects.create(workspace_id=shop.id, name="Lyon", calendar=teams)
        assert calendars.hours_for(raw(), shop.id, shop.mail.id).zone.key == "Africa/Tunis"
        Inbox.objects.filter(id=shop.mail.id).update(calendar=inboxs)
        hours = calendars.hours_for(raw(), shop.id, shop.mail.id)
        assert hours.zone.key == "Europe/Paris"
        assert hours.is_holiday(date(2031, 12, 26))
        assert calendars.hours_for(raw(), shop.id, shop.mail.id, team.id).zone.key == "Asia/Dubai"
        assert calendars.hours_for(raw(), shop.id, shop.forms.id).zone.key == "Africa/Tunis"
        calendars.remove(admin, inboxs.id)
        assert calendars.hours_for(raw(), shop.id, shop.mail.id).zone.key == "Africa/Tunis"


def test_the_workspaces_own_changes_hands_and_is_not_taken_away(shop: Shop) -> None:
    admin = shop.actor("admin")
    with tenant(shop.id):
        first = calendars.keep(admin, None, wanted())
        second = calendars.keep(admin, None, wanted("Other", is_default=True))
        assert [c.name for c in calendars.calendars(admin)] == ["Other", "Shop"]
        assert Calendar.objects.filter(is_default=True).count() == 1
        with pytest.raises(BadCalendar, match="last"):
            calendars.remove(admin, second.id)
        calendars.remove(admin, first.id)
        calendars.remove(admin, second.id)
        assert not Holiday.objects.exists()


def test_changing_keeps_the_rest(shop: Shop) -> None:
    admin = shop.actor("admin")
    with tenant(shop.id):
        made = calendars.keep(admin, None, wanted())
        calendars.keep(admin, made.id, wanted("Shop", "Europe/Rome", holidays=[]))
        row = Calendar.objects.get()
        assert (row.timezone, row.is_default, Holiday.objects.count()) == ("Europe/Rome", True, 0)
        assert row.week[0] == [[540, 780], [900, 1080]]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"name": "  "}, "name"),
        ({"name": "Shop"}, "taken"),
        ({"zone": "Mars/Olympus"}, "timezone"),
        ({"week": [[(600, 660), (650, 700)], *[[]] * 6]}, "overlap"),
        ({"week": [[]]}, "days"),
        ({"holidays": [Closed(date(2026, 2, 2), date(2026, 2, 1))]}, "holidays"),
    ],
)
def test_what_cannot_be_kept(shop: Shop, more: dict[str, object], why: str) -> None:
    admin = shop.actor("admin")
    with tenant(shop.id):
        calendars.keep(admin, None, wanted())
        with pytest.raises(BadCalendar, match=why):
            calendars.keep(admin, None, wanted(**({"name": "Fresh"} | more)))  # type: ignore[arg-type]
        assert Calendar.objects.count() == 1


def test_only_administrators_and_only_their_own(shop: Shop) -> None:
    other = Shop.create("elsewhere", "support@elsewhere.example")
    with tenant(other.id):
        theirs = calendars.keep(other.actor("admin"), None, wanted())
    with tenant(shop.id):
        with pytest.raises(Forbidden):
            calendars.keep(shop.actor("agent"), None, wanted())
        with pytest.raises(NotFound):
            calendars.keep(shop.actor("admin"), theirs.id, wanted())
        with pytest.raises(NotFound):
            calendars.remove(shop.actor("admin"), theirs.id)
        assert calendars.calendars(shop.actor("admin")) == []
