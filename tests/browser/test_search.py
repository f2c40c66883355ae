"""Searching in a real browser: by keyboard, with suggestions, and back again; accessible in both directions."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.pages import faults


def test_from_a_key_to_a_conversation_and_back(visit: Any) -> None:
    leila = visit("leila", "en")
    page = leila.tab("/mine")
    page.keyboard.press("/")
    field = page.locator("#ask-words")
    expect(field).to_be_focused()
    page.keyboard.type("refund")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=refund*")
    expect(page.locator("#list .row mark").first).to_contain_text("efund")
    rows = page.locator("#list .row").count()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#thread[data-conversation]")).to_be_visible()
    page.wait_for_url("**/search/*?q=refund*")
    page.keyboard.press("Escape")
    page.wait_for_url("**/search?q=refund*")
    assert page.locator("#list .row").count() == rows
    assert leila.complaints == []


def test_operators_are_suggested_and_taken(visit: Any) -> None:
    leila = visit("leila", "en")
    page = leila.tab("/search")
    field = page.locator("#ask-words")
    expect(field).to_be_focused()
    page.keyboard.type("is:re", delay=20)
    option = page.locator("#ask-options [role=option]", has_text="resolved")
    expect(option).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", "ask-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=is%3Aresolved*")
    expect(page.locator("#list .row").first).to_be_visible()
    page.get_by_label("What can be asked").click()
    page.locator("[data-ask='from:']").click()
    expect(field).to_have_value("is:resolved from:")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    assert leila.complaints == []


@pytest.mark.parametrize(("language", "words"), [("en", "order"), ("ar", "الطلب")])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_state_is_accessible(visit: Any, language: str, words: str, width: int) -> None:
    leila = visit("leila", language, width=width)
    page = leila.tab("/search")
    wrong = {"empty": faults(page)}
    page.locator("#ask-words").fill(words[:3])
    expect(page.locator("#ask-options [role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    wrong["suggestions"] = faults(page)
    page.goto(f"{leila.address}/search?q={words}")
    expect(page.locator("#list .row").first).to_be_visible()
    wrong["results"] = faults(page)
    page.goto(f"{leila.address}/search?q=is:wrong zebra")
    wrong["nothing"] = faults(page)
    page.locator("#list details.menu summary").click()
    wrong["help"] = faults(page)
    assert {state: found for state, found in wrong.items() if found} == {}
    assert leila.complaints == []
