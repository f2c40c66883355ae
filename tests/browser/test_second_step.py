"""Signing in with a code of an app: switched on, asked for after the password, done without, and switched off again."""

import base64
import hmac
import struct
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.demo import PASSWORD
from tests.browser.pages import PROVOKED, clean, listen

WESTERN = "0123456789"
HALF_MINUTE = 30


class Telephone:
    """An authenticator app as RFC 6238 describes it. A code is good once: the next is that of the next half minute."""

    def __init__(self, address: str) -> None:
        self._key = base64.b32decode(parse_qs(urlsplit(address).query)["secret"][0])
        self._last = 0

    def code(self) -> str:
        """Six digits that were not shown before."""
        self._last = max(self._last + 1, int(time.time()) // HALF_MINUTE)
        digest = hmac.digest(self._key, struct.pack(">Q", self._last), "sha1")
        at = digest[-1] & 15
        return f"{(struct.unpack_from('>I', digest, at)[0] & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.mark.parametrize(
    ("who", "language", "width", "digits"),
    [("thierry", "en", 1440, WESTERN), ("sami", "ar", 390, "٠١٢٣٤٥٦٧٨٩")],
)
def test_a_code_is_asked_for_after_the_password(
    contexts: Any, demo: str, who: str, language: str, width: int, digits: str
) -> None:
    complaints: list[str] = []
    page = contexts(width=width, locale=language).new_page()
    listen(page, complaints)
    _give_password(page, demo, who)
    _inside(page)
    page.goto(f"{demo}/settings")
    page.locator(f"label:has([name=language][value={language}])").click()
    page.click("form[action='/settings'] button.primary")
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.click("a[href='/settings/second-step']")
    expect(page.locator("html")).to_have_attribute("lang", language)
    _good(page)
    telephone = Telephone(page.locator("a[href^='otpauth://']").get_attribute("href") or "")
    page.fill("[name=code]", telephone.code())
    page.press("[name=code]", "Enter")
    codes = page.locator("#recovery code")
    expect(codes).to_have_count(10)
    _good(page)
    kept = codes.first.inner_text()

    _sign_out(page, demo)
    _give_password(page, demo, who)
    expect(page.locator("[name=code]")).to_be_focused()
    _type(page, "000000")
    expect(page.locator("[name=code][aria-invalid=true]")).to_be_visible()
    page.click("details summary")
    _good(page)
    code = telephone.code()
    _type(page, code.translate(str.maketrans(WESTERN, digits)))
    _inside(page)

    _sign_out(page, demo)
    _give_password(page, demo, who)
    _type(page, code)
    expect(page.locator("[name=code][aria-invalid=true]")).to_be_visible()
    _type(page, kept)
    _inside(page)
    page.goto(f"{demo}/settings/second-step")
    _good(page)
    page.fill("#off_password", PASSWORD)
    page.press("#off_password", "Enter")
    page.wait_for_url("**/settings?kept=1")

    _sign_out(page, demo)
    _give_password(page, demo, who)
    _inside(page)
    assert [each for each in complaints if not PROVOKED.search(each)] == []


def _give_password(page: Page, demo: str, who: str) -> None:
    page.goto(f"{demo}/sign-in")
    page.fill("[name=login]", f"{who}@dar-zaytun.example")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")


def _type(page: Page, code: str) -> None:
    page.fill("[name=code]", code)
    page.press("[name=code]", "Enter")


def _inside(page: Page) -> None:
    page.wait_for_url(lambda url: "sign-in" not in url)


def _sign_out(page: Page, demo: str) -> None:
    page.goto(f"{demo}/sign-out")
    page.click("form[data-forget-drafts] button")
    page.wait_for_url("**/sign-in**")


def _good(page: Page) -> None:
    """Inside the screen, and nothing that an accessibility checker objects to."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    clean(page)
