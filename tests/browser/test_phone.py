"""A customer's phone: what is written there comes to the shop, and what the shop answers shows on the phone, live."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

import wasl
from tests.browser.pages import clean, fine, play, write

PLATE = Path(wasl.__file__).parent / "cli" / "demo_data" / "files" / "plate-chipped.png"


def phone_of(page: Page, name: str, address: str, app: str) -> str:
    """Become a new customer and open an app on their phone; the address of the page without it."""
    person = play(page, name, address)
    page.locator("#apps a", has_text=app).click()
    expect(page.locator("#say input[name=text]")).to_be_visible()
    return person


def say(page: Page, text: str) -> Locator:
    """Write in the open app by keys; the message on the phone."""
    page.fill("#say input[name=text]", text)
    page.press("#say input[name=text]", "Enter")
    return page.locator("#screen article[data-way=out]", has_text=text)


def of_shop(page: Page, text: str) -> Locator:
    return page.locator("#screen article[data-way=in]", has_text=text)


def test_a_chat_goes_there_and_back(visit: Any) -> None:
    here = visit("leila", "en")
    desk, customer = here.tab("/all"), here.tab("/sandbox")
    phone_of(customer, "Amira Nasri", "amira@home.example", "WhatsApp")
    mine = say(customer, "Is the blue bowl back in stock?")
    expect(mine).to_be_visible()
    expect(customer.locator("#say input[name=text]")).to_have_value("")
    expect(customer.locator("#say input[name=text]")).to_be_focused()
    expect(mine.get_by_text("Arrived")).to_be_attached()

    row = desk.locator("a.row", has_text="Amira Nasri")
    expect(row).to_be_visible()
    row.click()
    theirs = desk.locator("article.msg[data-way=in]", has_text="Is the blue bowl back in stock?")
    expect(theirs).to_be_visible()
    write(desk, "It is: twelve came in this morning.")
    desk.keyboard.press("Control+Enter")
    answer = of_shop(customer, "twelve came in this morning")
    expect(answer).to_be_visible()
    expect(mine.get_by_text("Seen")).to_be_attached()
    ours = desk.locator("article.msg[data-way=out]", has_text="twelve came in this morning")
    expect(ours.locator("[data-state=seen]")).to_be_visible()

    answer.locator("summary").click()
    answer.get_by_role("button", name="👍").click()
    expect(answer.locator(".reactions")).to_contain_text("👍")
    expect(ours.get_by_text("👍")).to_be_visible()

    customer.set_input_files("#say [type=file]", PLATE)
    expect(customer.locator("#screen article[data-way=out] img.photo")).to_be_visible()
    expect(desk.locator("article.msg[data-way=in]")).to_have_count(2)
    clean(customer)
    fine(here)


@pytest.mark.parametrize("app", ["SMS", "Telegram", "Messenger"])
def test_every_app_reaches_the_shop(visit: Any, app: str) -> None:
    here = visit("leila", "en")
    customer = here.tab("/sandbox")
    phone_of(customer, f"Nour {app}", f"nour.{app.lower()}@home.example", app)
    mine = say(customer, f"Do you deliver to Lyon? ({app})")
    expect(mine.get_by_text(re.compile("Arrived|Seen"))).to_be_attached()
    desk = here.tab("/all")
    row = desk.locator("a.row", has_text=f"({app})")
    expect(row).to_be_visible()
    row.click()
    write(desk, "We do, within two days.")
    desk.keyboard.press("Control+Enter")
    expect(of_shop(customer, "We do, within two days.")).to_be_visible()
    fine(here)


def test_what_is_unread_waits_on_the_locked_phone(visit: Any) -> None:
    here = visit("leila", "en")
    customer = here.tab("/sandbox")
    person = phone_of(customer, "Yara Aziz", "yara@home.example", "WhatsApp")
    say(customer, "When do you close today?")
    customer.locator("#phone .bar a").click()
    expect(customer.locator("#screen .lock")).to_be_visible()
    desk = here.tab("/all")
    desk.locator("a.row", has_text="Yara Aziz").click()
    write(desk, "At seven.")
    desk.keyboard.press("Control+Enter")
    count = customer.locator("#apps .count")
    expect(count).to_have_text(re.compile("1$"))
    expect(customer.locator("#screen .lock", has_text="At seven.")).to_be_visible()
    ours = desk.locator("article.msg[data-way=out]", has_text="At seven.")
    expect(ours.locator("[data-state=delivered]")).to_be_visible()
    customer.locator("#screen .lock a[data-unread]").click()
    expect(count).to_have_count(0)
    expect(ours.locator("[data-state=seen]")).to_be_visible()
    assert customer.url.startswith(person)
    fine(here)


def test_the_provider_is_told_to_misbehave(visit: Any) -> None:
    here = visit("leila", "en")
    customer = here.tab("/sandbox")
    phone_of(customer, "Karima Saidi", "karima@home.example", "WhatsApp")
    expect(customer.locator("#network legend")).to_contain_text("WhatsApp")
    with customer.expect_response(re.compile("/network$")):
        customer.get_by_label("Tells twice").check()
    say(customer, "Only once, please")
    desk = here.tab("/all")
    desk.locator("a.row", has_text="Karima Saidi").click()
    expect(desk.locator("article.msg[data-way=in]", has_text="Only once")).to_have_count(1)
    customer.locator("#apps a", has_text="WhatsApp").click()
    expect(customer.get_by_label("Everything goes well")).to_be_checked()
    with customer.expect_response(re.compile("/network$")):
        customer.get_by_label("Refuses for good").check()
    write(desk, "Nobody will read this.")
    desk.keyboard.press("Control+Enter")
    ours = desk.locator("article.msg[data-way=out]", has_text="Nobody will read this.")
    expect(ours.locator("[data-state=failed]")).to_be_visible()
    expect(of_shop(customer, "Nobody will read this.")).to_have_count(0)
    fine(here)


@pytest.mark.parametrize(
    ("who", "language", "scheme", "width"),
    [
        ("leila", "en", "light", 1440),
        ("yusuf", "ar", "dark", 1440),
        ("leila", "en", "dark", 390),
        ("yusuf", "ar", "light", 390),
    ],
)
def test_the_phone_is_clean_on_every_screen(
    visit: Any, who: str, language: str, scheme: str, width: int
) -> None:
    here = visit(who, language, width=width, scheme=scheme)
    page = here.tab("/sandbox")
    page.locator("a", has_text="ليلى المنصوري").first.evaluate("link => link.click()")
    expect(page.locator("#screen .lock")).to_be_visible()
    for app in ("WhatsApp", "SMS"):
        clean(page)
        page.locator("#apps a", has_text=app).click()
        expect(page.locator("#phone .bar", has_text=app)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.get_by_role("heading", level=1).count() == 1
    expect(page.locator("#phone")).to_have_attribute("dir", "rtl")
    clean(page)
    fine(here)
