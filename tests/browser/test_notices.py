"""Notices that come by themselves, the pages of administration on every screen, and Wasl without its server."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.pages import clean, fine

PATHS = ("/people", "/teams", "/access", "/notices", "/settings")


def test_work_that_is_given_is_told_without_a_reload(visit: Any) -> None:
    giver, taker = visit("karim", "ar"), visit("marta", "it")
    there = taker.tab("/settings")
    place = there.locator("#places a[href='/notices']")
    expect(place).to_be_visible()
    before = place.locator(".count").inner_text() if place.locator(".count").count() else "0"
    here = giver.tab("/unassigned")
    here.locator("a.row").first.click()
    here.locator("#assign summary").click()
    here.locator("#assign button", has_text="Marta Rinaldi").click()
    expect(place.locator(".count")).to_have_text(str(int(before) + 1))
    place.click()
    newest = there.locator(".news a.unseen").first
    expect(newest).to_be_visible()
    with there.expect_response("**/seen"):
        newest.click()
    expect(there.locator("#thread-head h1")).to_be_visible()
    there.goto(there.url.split("/conv")[0].split("/all")[0] + "/notices")
    expect(there.locator(".news a.unseen")).to_have_count(int(before))


@pytest.mark.parametrize(
    ("who", "language", "width"),
    [("leila", "en", 1440), ("leila", "en", 390), ("karim", "ar", 1440), ("karim", "ar", 390)],
)
def test_the_pages_are_clean_and_stay_inside_the_screen(
    visit: Any, who: str, language: str, width: int
) -> None:
    here = visit(who, language, width=width, height=844)
    for path in PATHS:
        page = here.tab(path)
        clean(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.close()
    fine(here)


def test_without_a_server_the_app_says_so(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/all")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    assert page.evaluate("navigator.serviceWorker.controller !== null")
    here.context.set_offline(True)
    page.goto(f"{here.address}/notices")
    expect(page.locator("h1")).to_have_text("Not connected")
    clean(page)
    here.context.set_offline(False)
    page.click("a.primary")
    expect(page.locator("a.row").first).to_be_visible()


def test_the_palette_does_and_goes(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/all")
    page.locator("a.row").nth(2).click()
    expect(page.locator("#thread-head h1")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.locator("#found [role=option][aria-selected=true]")).to_have_count(1)
    clean(page)
    page.keyboard.type("resol")
    expect(page.locator("#found [data-act=e]")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.locator("#found [data-act=e]").click()
    expect(page.locator("#thread-head")).to_contain_text("Open again")
    page.keyboard.press("Control+k")
    page.keyboard.type("webho")
    expect(page.locator("#found a[href='/webhooks']")).to_be_visible()
    page.locator("#found a[href='/webhooks']").click()
    expect(page.locator("h1")).to_have_text("Webhooks")
    fine(here)
