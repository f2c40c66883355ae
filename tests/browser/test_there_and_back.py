"""A customer writes, an agent sees it arrive and answers, the customer reads it and writes again: no page reloads."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.pages import clean, open_mail, play, send_mail

WORDS = {
    "en": {
        "who": "leila",
        "name": "Amal Idrissi",
        "subject": "Is the olive bowl dishwasher-safe?",
        "question": "Hello, can the olive wood bowl go into the dishwasher?",
        "answer": "By hand, please: warm water, then a drop of oil.",
        "thanks": "Thank you, that is clear.",
        "welcome": "You are welcome.",
        "direction": "ltr",
    },
    "ar": {
        "who": "yusuf",
        "name": "أمل الإدريسي",
        "subject": "هل يُغسل وعاء الزيتون في الجلاية؟",
        "question": "مرحبًا، هل أستطيع غسل وعاء خشب الزيتون في الجلاية؟",
        "answer": "الأفضل غسله باليد بماء دافئ ثم دهنه بقطرة زيت.",
        "thanks": "شكرًا جزيلًا، الأمر واضح.",
        "welcome": "على الرحب والسعة.",
        "direction": "rtl",
    },
}


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_message_goes_there_and_back(visit: Any, language: str) -> None:
    words = WORDS[language]
    here = visit(words["who"], language)
    desk = here.tab("/all")
    expect(desk.locator("html")).to_have_attribute("dir", words["direction"])
    customer = here.tab("/sandbox")
    mailbox = play(customer, words["name"], f"{language}@home.example")
    send_mail(customer, words["subject"], words["question"])

    row = desk.locator("a.row", has_text=words["subject"])
    expect(row).to_be_visible()
    clean(desk)
    row.click()
    expect(desk.locator("article.msg[data-way=in]", has_text=words["question"])).to_be_visible()
    desk.fill("#write [data-editor]", words["answer"])
    desk.press("#write [data-editor]", "Control+Enter")
    mine = desk.locator("article.msg[data-way=out]", has_text=words["answer"])
    expect(mine).to_be_visible()
    expect(mine.locator("[data-state=sent], [data-state=delivered]")).to_be_visible()
    clean(desk)

    expect(open_mail(customer, mailbox, words["subject"])).to_contain_text(words["answer"])
    clean(customer)
    customer.click(".mail-open a.primary")
    customer.fill("[name=text]", words["thanks"])
    customer.click("#send")

    expect(desk.locator("article.msg[data-way=in]", has_text=words["thanks"])).to_be_visible()
    expect(desk.locator("article.msg[data-way=in]")).to_have_count(2)
    # Whoever answers what they have before their eyes is not warned of it.
    desk.fill("#write [data-editor]", words["welcome"])
    desk.press("#write [data-editor]", "Control+Enter")
    expect(desk.locator("article.msg[data-way=out]", has_text=words["welcome"])).to_be_visible()
    assert here.complaints == []


def test_two_agents_see_one_anothers_work(visit: Any) -> None:
    one, two = visit("leila", "en"), visit("karim", "en")
    first, second = one.tab("/all"), two.tab("/all")
    target = first.locator("a.row:has(use[href*='#i-mail'])").nth(3)
    subject = target.locator(".row-subject").inner_text()
    target.click()
    second.locator("a.row", has_text=subject).first.click()
    expect(second.locator("#messages article.msg").first).to_be_visible()
    first.keyboard.press("e")
    expect(second.locator("a.row[aria-current=true]", has_text=subject)).to_have_count(0)
    assert one.complaints == two.complaints == []


def test_without_words_nothing_is_sent(visit: Any) -> None:
    page = visit("leila", "en").tab("/all")
    page.locator("a.row").first.click()
    page.click("#send")
    expect(page.locator("#write [data-error]")).to_be_visible()
    expect(page.locator("article.msg[data-way=out]", has_text=re.compile("^$"))).to_have_count(0)


PATHS = ["/mine", "/all", "/customers", "/quarantine", "/settings", "/imports", "/sandbox"]
SCREENS = [("en", "dark", 390), ("ar", "light", 390), ("fr", "dark", 1440), ("it", "light", 900)]


@pytest.mark.parametrize(("language", "scheme", "width"), SCREENS)
def test_every_page_is_clean_and_stays_inside_the_screen(
    visit: Any, language: str, scheme: str, width: int
) -> None:
    here = visit("leila", language, width=width, scheme=scheme)
    page = here.tab("/all")
    conversation = page.locator("a.row").first.get_attribute("href")
    person = here.tab("/customers").locator("main a[href^='/customers/']").first.get_attribute("href")
    for path in [*PATHS, conversation, person]:
        page.goto(here.address + path)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide"
        assert page.get_by_role("heading", level=1).count() == 1, path
        clean(page)
    assert here.complaints == []


def test_the_sign_in_page_is_clean_in_both_directions(demo: str, chromium: Any) -> None:
    for language in ("en", "ar"):
        page = chromium.new_page(locale=language)
        page.goto(f"{demo}/sign-in")
        expect(page.locator("html")).to_have_attribute("lang", language)
        clean(page)
        page.close()
