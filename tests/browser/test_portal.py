"""A customer opens the link of the acknowledgement, reads, writes on without an account, and sees the answer arrive."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.pages import clean, listen, open_mail, play, send_mail

WORDS = {
    "en": {
        "subject": "Do you ship to Malta?",
        "question": "Hello, do you ship to Malta, and how long does it take? Thank you.",
        "more": "And could you wrap it as a present?",
        "answer": "We do, within a week, and gladly as a present.",
        "greeting": "Hello Noor Vella",
        "promise": "We will answer you",
        "name": "Noor Vella",
        "direction": "ltr",
    },
    "ar": {
        "subject": "هل ترسلون إلى مالطا؟",
        "question": "مرحبًا، هل ترسلون الطلبات إلى مالطا، وكم يستغرق ذلك؟ شكرًا لكم.",
        "more": "وهل يمكن تغليفه كهدية؟",
        "answer": "نعم، خلال أسبوع، ونغلّفه هدية بكل سرور.",
        "greeting": "مرحبًا نور فيلا",
        "promise": "سنجيبكم",
        "name": "نور فيلا",
        "direction": "rtl",
    },
}


@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("ar", 390)])
def test_the_link_opens_the_conversation_for_its_customer(
    visit: Any, contexts: Any, language: str, width: int
) -> None:
    words = WORDS[language]
    here = visit("leila", "en")
    desk = here.tab("/all")
    customer = here.tab("/sandbox")
    mailbox = play(customer, words["name"], f"noor-{language}@home.example")
    send_mail(customer, words["subject"], words["question"])
    row = desk.locator("a.row", has_text=words["subject"])
    expect(row).to_be_visible()
    letter = open_mail(customer, mailbox, words["subject"])
    expect(letter).to_contain_text(words["greeting"])
    expect(letter).to_contain_text(words["promise"])
    link = letter.locator("a[href*='/c/']").get_attribute("href")

    complaints: list[str] = []
    page = contexts(width=width, height=844, locale="de").new_page()
    listen(page, complaints)
    page.goto(link)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("html")).to_have_attribute("dir", words["direction"])
    expect(page.locator("#band")).to_contain_text(words["promise"])
    expect(page.locator("#messages article.msg")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    clean(page)

    # The agent has the conversation open, and sees what is written on the page arrive.
    row.click()
    expect(desk.locator("article.by-itself")).to_have_count(1)
    expect(desk.locator(".vow[data-state=open]")).to_be_visible()
    page.fill("#portal-text", words["more"])
    page.locator("input[type=file]").set_input_files(
        {"name": "maße.txt", "mimeType": "text/plain", "buffer": b"30 x 40"}
    )
    expect(page.locator("#portal-chosen")).to_contain_text("maße.txt")
    page.locator(".portal-composer .primary").click()
    expect(page.locator("#messages article.msg", has_text=words["more"])).to_be_visible()
    expect(page.locator("#portal-text")).to_have_value("")
    expect(desk.locator("article.msg[data-way=in]", has_text=words["more"])).to_be_visible()

    # And the customer, without a reload, sees the answer.
    marked = page.evaluate("window.stays = true")
    desk.fill("#write [data-editor]", words["answer"])
    desk.press("#write [data-editor]", "Control+Enter")
    expect(page.locator("#messages article.msg[data-way=in]", has_text=words["answer"])).to_be_visible()
    assert marked
    assert page.evaluate("window.stays") is True
    expect(page.locator("#band[data-state=promised]")).to_have_count(0)
    with page.expect_download() as download:
        page.locator("a.file", has_text="maße.txt").click()
    assert download.value.suggested_filename == "maße.txt"
    clean(page)

    page.goto(f"{link[:-6]}AAAAAA")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    clean(page)
    assert [said for said in complaints if "404" not in said] == []
    assert [said for said in here.complaints if "409" not in said] == [], "but for the question of before"


@pytest.mark.parametrize(("language", "scheme", "width"), [("en", "light", 1440), ("ar", "dark", 390)])
def test_the_pages_of_hours_and_acknowledgements_are_clean(
    visit: Any, language: str, scheme: str, width: int
) -> None:
    here = visit("leila", language, width=width, scheme=scheme)
    page = here.tab("/hours")
    calendar = page.locator("a.calendar").first.get_attribute("href")
    page.goto(here.address + "/acknowledgements")
    inbox = page.locator(".told a").first.get_attribute("href")
    for path in ("/hours", "/hours/new", calendar, "/acknowledgements", inbox):
        page.goto(here.address + path)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide"
        assert page.get_by_role("heading", level=1).count() == 1, path
        clean(page)
    assert here.complaints == []


def test_a_week_is_changed_by_hand(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/hours/new")
    monday, sunday = page.locator(".weekrow").nth(0), page.locator(".weekrow").nth(6)
    monday.locator("[name=to-0]").fill("13")
    monday.locator("[name=to-0]").press("Tab")
    expect(monday.locator("[name=to-0]")).to_have_value("13:00")
    monday.get_by_role("button", name="Add hours").click()
    monday.locator("[name=from-0]").nth(1).fill("15h30")
    monday.locator("[name=to-0]").nth(1).fill("1900")
    page.get_by_role("button", name="Same until Friday").click()
    expect(page.locator(".weekrow").nth(4).locator(".shifts .shift")).to_have_count(2)
    expect(page.locator(".weekrow").nth(4).locator("rect.open")).to_have_count(2)
    expect(sunday.locator(".closed")).to_be_visible()
    page.get_by_role("button", name="Add a holiday").click()
    page.locator("[name=holiday]").last.fill("Inventory")
    page.locator("[name=first]").last.fill("2026-12-30")
    page.fill("#name", "Atelier")
    page.get_by_role("button", name="Keep").click()
    page.locator("a.calendar", has_text="Atelier").click()
    expect(page.locator(".weekrow").nth(3).locator("[name=from-3]").nth(1)).to_have_value("15:30")
    expect(page.locator("[name=holiday]").first).to_have_value("Inventory")
    assert here.complaints == []
