"""A customer’s page in a real browser: whole and in parts, wide and narrow, sound for an accessibility checker."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.pages import clean, fine


@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_is_sound_whole_and_in_parts(visit: Any, width: int) -> None:
    here = visit("leila", "en", width=width)
    page = here.tab("/customers")
    page.locator("a.person").first.click()
    page.wait_for_selector("#story")
    clean(page)
    parts = page.get_by_role("navigation", name="Parts of the timeline")
    parts.get_by_role("link", name="Messages").click()
    expect(parts.get_by_role("link", name="Messages")).to_have_attribute("aria-current", "true")
    expect(page.locator("#story .entry").first).to_be_visible()
    clean(page)
    fine(here)
