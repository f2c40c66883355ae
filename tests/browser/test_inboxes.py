"""An administrator opens an inbox, tries its servers and sees how fetching stands, in both directions."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import clean, fine
from tests.mailservers import fakes

WORDS = {
    "en": {"who": "leila", "keep": "Keep", "direction": "ltr", "works": "Everything works."},
    "ar": {"who": "karim", "keep": "حفظ", "direction": "rtl", "works": "كل شيء يعمل."},
}


@pytest.fixture(scope="module")
def mailbox() -> Any:
    """The port of an empty mailbox: what is fetched would stand on top of the lists of other tests."""
    with fakes.server(fakes.imap()) as port:
        yield port


def _speak(page: Page, language: str) -> None:
    page.goto(page.url.partition("/inboxes")[0] + "/settings")
    _choose(page, "language", language)
    page.click("form[action='/settings'] button.primary")
    expect(page.locator("html")).to_have_attribute("lang", language)


def _choose(page: Page, name: str, value: str) -> None:
    page.locator(f"label:has([name={name}][value={value}])").click()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_an_inbox_is_opened_and_tried(visit: Any, mailbox: int, language: str, width: int) -> None:
    words = WORDS[language]
    here = visit(words["who"], language, width=width)
    page = here.tab("/inboxes/mail")
    _speak(page, language)
    page.goto(here.address + "/inboxes/mail")
    expect(page.locator("html")).to_have_attribute("dir", words["direction"])
    clean(page)

    page.fill("[name=name]", f"Trade {language} {width}")
    page.fill("[name=address]", f"trade-{language}{width}@dar-zaytun.example")
    expect(page.locator("[name=imap_host]")).to_be_hidden()
    _choose(page, "incoming", "imap")
    page.fill("[name=imap_host]", "127.0.0.1")
    page.fill("[name=imap_port]", str(mailbox))
    _choose(page, "imap_tls", "none")
    page.fill("[name=imap_user]", "wholesale")
    page.fill("[name=imap_password]", "olives")
    page.click("button[name=way][value=incoming]")
    tried = page.locator("#tried-incoming")
    expect(tried.locator("li[data-mark=ok]")).to_have_count(4)
    expect(tried).to_contain_text(words["works"])
    _choose(page, "outgoing", "own")
    page.fill("[name=smtp_host]", "127.0.0.1")
    page.fill("[name=smtp_port]", "1")
    page.click("button[name=way][value=outgoing]")
    failed = page.locator("#tried-outgoing li[data-mark=failed]")
    expect(failed).to_have_count(1)
    clean(page)
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    page.get_by_role("button", name=words["keep"], exact=True).click()
    page.wait_for_url("**/inboxes/mail/*?kept=1")
    expect(page.locator("[name=imap_password]")).to_have_value("")
    clean(page)
    page.goto(here.address + "/inboxes")
    row = page.locator(".doorways > li", has_text=f"Trade {language} {width}")
    expect(row.locator(".standing.ok").first).to_be_visible()
    clean(page)
    row.locator("button[name=on]").click()
    expect(page.locator(".doorways > li.off", has_text=f"Trade {language} {width}")).to_be_visible()
    fine(here)
