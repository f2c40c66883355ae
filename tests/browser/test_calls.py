"""A call-back from the thread to its end, in both directions and on a phone."""

import re
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from tests.browser.pages import clean, fine, ready
from wasl.channels.sms.hook import sign

WORDS = {
    "en": {
        "who": "leila",
        "promise": "Promise it",
        "later": "Later",
        "noted": "Noted.",
        "off": "Call it off",
    },
    "ar": {
        "who": "karim",
        "promise": "تأكيد الموعد",
        "later": "لاحقًا",
        "noted": "سُجّل.",
        "off": "إلغاء معاودة الاتصال",
    },
}


def _wide(page: Any) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_call_back_from_the_thread_to_its_end(visit: Any, language: str, width: int) -> None:
    words, number = WORDS[language], f"+3933300{width:04d}{'1' if language == 'en' else '2'}"
    here = visit(words["who"], language, width=width)
    page = here.tab("/settings")
    page.locator(f"label:has([name=language][value={language}])").click()
    page.click("form[action='/settings'] button.primary")
    expect(page.locator("html")).to_have_attribute("lang", language)

    page.goto(here.address + "/all")
    page.locator("#list .row").first.click()
    ready(page)
    page.click("#more-acts > summary")
    page.click("#more-acts a[href$='/callback']")
    sheet = page.locator("#sheet form.calling")
    expect(sheet.locator("[name=start]")).not_to_have_count(1)
    sheet.locator("[name=number]").fill(number)
    sheet.locator("[name=about]").fill("DZ-20377")
    clean(page)
    sheet.get_by_role("button", name=words["promise"]).click()
    expect(page.locator("#toasts .toast")).to_be_visible()
    expect(page.locator("#sheet")).to_be_hidden()
    clean(page)

    page.goto(here.address + "/callbacks?view=later")
    row = page.locator(".ringing > li", has_text="DZ-20377").first
    expect(row).to_be_visible()
    assert not _wide(page)
    clean(page)
    row.locator(".who a").click()
    page.wait_for_url("**/callbacks/*-*")
    expect(page.locator(f"a[href='tel:{number}']")).to_be_visible()
    assert not _wide(page)
    clean(page)
    page.locator("label:has([name=outcome][value=no_answer])").click()
    page.fill("[name=notes]", "…")
    page.locator("form[action$='/outcome'] button.btn").click()
    expect(page.locator("[role=status].notice")).to_contain_text(words["noted"])
    clean(page)
    page.locator("form[action$='/cancel'] button").click()
    page.wait_for_url("**done=cancelled")
    page.goto(here.address + "/callbacks")
    clean(page)
    page.goto(here.address + "/telephone")
    clean(page)
    fine(here)


def _ring(address: str, form: dict[str, str]) -> str:
    """A webhook of the provider; our answer."""
    body = urlencode(form).encode()
    headers = {"X-Twilio-Signature": sign("t0ken", address, form.items())}
    with urlopen(Request(address, body, headers), timeout=20) as answer:
        text: str = answer.read().decode()
        return text


def test_a_customer_who_rings_up_shows_on_the_page(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/inboxes/new/voice")
    for name, value in (
        ("name", "Telephone"),
        ("at_address", "+390600000000"),
        ("at_account_sid", "AC1"),
        ("at_auth_token", "t0ken"),
    ):
        page.fill(f"[name={name}]", value)
    clean(page)
    page.get_by_role("button", name="Keep", exact=True).click()
    page.wait_for_url("**/inboxes/chat/*")
    place = page.url.partition("?")[0].rpartition("/")[2]
    address = f"{here.address}/hooks/voice/{place}"
    expect(page.locator("body")).to_contain_text(f"/hooks/voice/{place}")
    page.goto(here.address + "/telephone")
    page.fill("[name=address]", "+39 06 12345678")
    page.check("[name=on_duty]")
    page.click("form[action='/telephone'] button.primary")
    page.wait_for_url("**kept=1")

    page.goto(here.address + "/all")
    expect(page.locator("[data-live-dot][data-live=on]").first).to_be_attached()
    call = {"CallSid": "CA1", "From": "+390655555555", "To": "+390600000000", "Direction": "inbound"}
    assert "<Say" in _ring(address, {**call, "CallStatus": "ringing"})
    toast = page.locator("#toasts [data-call]")
    expect(toast).to_contain_text("is calling")
    expect(toast.locator("a")).to_have_attribute("href", re.compile("/customers/"))
    clean(page)
    _ring(address, {**call, "CallStatus": "completed"})
    expect(toast).to_have_count(0)

    kept = {"RecordingUrl": f"{here.address}/none", "RecordingDuration": "7", "of": "CA1"}
    dialled = {**call, "of": "CA1", "DialCallStatus": "no-answer"}
    assert "<Record" in _ring(f"{address}/dialled", dialled)
    _ring(f"{address}/left", {**call, **kept})
    row = page.locator("#list .row", has_text="+390655555555").first
    expect(row).to_be_visible()
    row.click()
    expect(page.locator("article.msg[data-way=in]").last).to_contain_text("answering machine")
    clean(page)
    page.goto(here.address + "/telephone")
    page.uncheck("[name=on_duty]")
    page.click("form[action='/telephone'] button.primary")
    page.wait_for_url("**kept=1")
    page.goto(here.address + "/inboxes")
    page.locator(".doorways > li", has_text="+390600000000").locator("button[name=on]").click()
    fine(here)
