"""A customer comes to a branch: takes a number at the kiosk, is called and served at the counter.

The queue and the screen in the room follow by themselves.
"""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import clean, listen

WORDS = {
    "en": {"who": "leila", "direction": "ltr", "waits": "waiting", "next": "You are next."},
    "ar": {"who": "karim", "direction": "rtl", "waits": "ينتظر", "next": "أنت التالي."},
}
# What a browser with a reader of codes has, and the one that these tests run in has not.
READER = """
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() { return window.code ? [{ rawValue: window.code }] : []; }
};
navigator.mediaDevices.getUserMedia = async () => document.createElement("canvas").captureStream();
HTMLMediaElement.prototype.play = async () => {};
"""
# After 20 s a ticket makes room for the next one by itself; a busy machine looks at it for longer.
PATIENT = (
    "{ const soon = setTimeout; setTimeout = (what, after) => soon(what, after < 10000 ? after : 2 ** 30); }"
)


def _speak(page: Page, language: str) -> None:
    page.goto(page.url.partition("/branches")[0] + "/settings")
    page.locator(f"label:has([name=language][value={language}])").click()
    page.click("form[action='/settings'] button.primary")
    expect(page.locator("html")).to_have_attribute("lang", language)


def _branch(page: Page, name: str) -> str:
    """Make a branch with a kiosk; the path of the kiosk."""
    page.goto(page.url.partition("/settings")[0] + "/branches/new")
    clean(page)
    page.fill("[name=name]", name)
    page.fill("[name=country]", "FR")
    page.locator("form button.primary").first.click()
    page.wait_for_url("**/branches/*?kept=1")
    page.click("#kiosk button[value='1']")
    page.wait_for_selector("#kiosk .qr")
    clean(page)
    found = re.search(r"/k/[\w=-]+", page.inner_text("#kiosk code >> nth=0"))
    assert found
    return found[0]


def _resolve(page: Page, conversation: str) -> None:
    """Leave the lists of other tests as they were."""
    page.goto(conversation)
    expect(page.locator("#turn")).to_be_visible()
    page.click("#turn")
    expect(page.locator("form[action$='/reopen']").first).to_be_attached()


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ar", 390)])
def test_from_the_door_to_the_counter(visit: Any, contexts: Any, language: str, width: int) -> None:
    words = WORDS[language]
    here = visit(words["who"], language, width=width)
    page = here.tab("/branches")
    _speak(page, language)
    kiosk = here.address + _branch(page, f"Lyon {language}")
    page.click("header a[href^='/visits/']")
    expect(page.locator("#waiting + .empty, #waiting ~ .empty").first).to_be_visible()
    queue = page.url

    said: list[str] = []
    door = contexts(locale=language, width=width)
    door.add_init_script(READER + PATIENT)
    tablet, hall = door.new_page(), door.new_page()
    for each in (tablet, hall):
        listen(each, said)
    hall.goto(f"{kiosk}/screen?lang={language}")
    tablet.goto(f"{kiosk}?lang={language}")
    expect(tablet.locator("html")).to_have_attribute("dir", words["direction"])
    clean(tablet)
    clean(hall)
    tablet.locator(".tile").nth(1).click()
    tablet.fill("#name", "Nadia Haddad")
    tablet.keyboard.press("Enter")
    expect(tablet.locator(".ticket-big")).to_have_text("1")
    expect(tablet.locator(".ticket")).to_contain_text(words["next"])
    clean(tablet)

    row = page.locator(".visits li", has_text="Nadia Haddad")
    expect(row).to_be_visible()
    page.fill("#counter", "B 7")
    page.click(".next-up button")
    expect(page.locator(".serving")).to_contain_text("Nadia Haddad")
    expect(hall.locator("#numbers li")).to_contain_text("B 7")
    clean(page)
    clean(hall)
    assert "Nadia" not in hall.content()

    # What the camera reads is sent by itself; this one is no code of ours, and the page says so.
    customer = page.locator(".serving a").first
    link = customer.get_attribute("href") or ""
    page.goto(here.address + link)
    href = page.locator("a[href^='/customers/']").first.get_attribute("href") or ""
    code = re.search(r"/customers/[0-9a-f-]{36}", href)
    assert code
    page.goto(f"{here.address}{code[0]}/code")
    clean(page)
    expect(page.locator(".qr")).to_be_visible()
    tablet.click(".ticket a.btn")
    tablet.locator(".tile").nth(0).click()
    tablet.evaluate("window.code = 'A'.repeat(56)")
    tablet.click("#camera")
    expect(tablet.locator("[role=alert]")).to_be_visible()
    expect(tablet.locator("#who")).to_have_value("A" * 56)
    clean(tablet)

    page.goto(queue)
    page.locator(".serving [name=note]").fill("Keys handed over")
    page.locator(".serving button").first.click()
    expect(page.locator("#ended")).to_contain_text("Nadia Haddad")
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    _resolve(page, here.address + link)
    assert here.complaints == []
    assert [each for each in said if "422" not in each] == []
