"""A whole day of two agents and a customer, in order: Leïla works in English, Yusuf in Arabic, Nadia by mail."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.cable import Cable, cable
from tests.browser.customer import Customer, said
from tests.browser.demo import Demo
from tests.browser.pages import CUT_OFF, EDITOR, Visit, clean, fine, left, listen, ours, ready, theirs, write

pytestmark = pytest.mark.timeout(600, func_only=True)

SHOP = ZoneInfo("Africa/Casablanca")
SUBJECT = "The blue lamp came without its cord"
QUESTION = "Good morning, the blue lamp came today, but there is no cord in the box."
HIS = "مرحبًا نادية، سنرسل إليك السلك اليوم."
BEGUN = "Good morning Nadia, the cord is"
HASTY = "Good morning Nadia, the cord follows on Tuesday."
HERS = "Good morning Nadia, the cord follows tomorrow, with our apologies."
THANKS = "Thank you both, tomorrow is perfect."
NOTE = "would you put the cord aside?"
NUDGE = "One thing more: is it the cord with a switch?"
WHILE_AWAY = "And may I have two of them?"
IN_THE_TUNNEL = "نعم، وهو سلك بمفتاح."
ASIDE = "Half a thought of Leïla's"
FROM_THE_PAGE = "I am writing this from your page: could the parcel go to my office?"
TALK = (QUESTION, HIS, HERS, THANKS, NUDGE, WHILE_AWAY, IN_THE_TUNNEL, FROM_THE_PAGE)
TIMELINE = (
    QUESTION,
    "Acknowledged at once",
    HIS,
    "replied",  # what it said was taken back
    "took an answer back",
    HERS,
    THANKS,
    "left a note",
    "put this off for a time",
    "put this off for a time",
    "It is time",
    "put this off until the customer writes",
    NUDGE,
    WHILE_AWAY,
    IN_THE_TUNNEL,
    FROM_THE_PAGE,
    "resolved this",
)


@dataclass
class Day:
    """Who lives it: Leïla's page and Yusuf's, the cable of his browser, and Nadia's mailbox."""

    leila: Visit
    yusuf: Visit
    hers: Page
    his: Page
    cable: Cable
    nadia: Customer
    contexts: Callable[..., BrowserContext]
    key: str = ""
    link: str = ""

    @property
    def pages(self) -> tuple[Page, Page]:
        """Both agents'."""
        return self.hers, self.his

    def row(self, page: Page) -> Locator:
        """The conversation in a list."""
        return page.locator(f"#list a.row[data-conversation='{self.key}']")


@pytest.fixture
def day(shop: Demo, visit: Callable[..., Visit], contexts: Callable[..., BrowserContext]) -> Iterator[Day]:
    nadia = Customer(shop, "Nadia Farouk", "nadia.farouk@home.example")
    with cable(shop.http) as line:
        leila, yusuf = visit("leila", "en"), visit("yusuf", "ar", at=line.address)
        yield Day(leila, yusuf, leila.tab("/all"), yusuf.tab("/all"), line, nadia, contexts)


def test_a_day(day: Day) -> None:
    _the_customer_writes(day)
    _one_begins_and_the_other_sees_it(day)
    _the_replies_cross(day)
    _she_sends_takes_back_and_sends_again(day)
    _each_answer_arrives_once_in_the_thread(day)
    _the_customer_answers_into_the_conversation(day)
    _a_note_names_the_other(day)
    _it_is_put_off_until_a_time(day)
    _it_is_put_off_until_the_customer_writes(day)
    _many_are_resolved_and_brought_back(day)
    _he_works_on_while_cut_off(day)
    _drafts_stay_where_they_were_begun(day)
    _what_was_written_offline_is_sent_once(day)
    _the_customer_writes_on_without_an_account(day)
    _it_is_resolved(day)
    _the_timeline_tells_it_in_order(day)
    _nothing_went_twice(day)
    fine(day.leila)
    fine(day.yusuf, but=CUT_OFF)


def _the_customer_writes(day: Day) -> None:
    expect(day.hers.locator("html")).to_have_attribute("dir", "ltr")
    expect(day.his.locator("html")).to_have_attribute("dir", "rtl")
    expect(day.his.locator("html")).to_have_attribute("lang", "ar")
    for page in day.pages:
        expect(page.locator("[data-live-dot]").first).to_have_attribute("data-live", "on")
        expect(page.locator("a.row", has_text=SUBJECT)).to_have_count(0)
    day.nadia.write(SUBJECT, QUESTION)
    for page in day.pages:
        expect(page.locator("a.row", has_text=SUBJECT)).to_have_count(1)
        clean(page)
    day.key = day.hers.locator("a.row", has_text=SUBJECT).get_attribute("data-conversation") or ""
    found = re.search(r"http\S+/c/\S+", said(day.nadia.await_mail("/c/")))
    assert found
    day.link = found.group()


def _one_begins_and_the_other_sees_it(day: Day) -> None:
    for page in day.pages:
        day.row(page).click()
        ready(page)
        expect(theirs(page, QUESTION)).to_be_visible()
    expect(day.hers.locator("[data-presence]")).to_contain_text("is reading this too")
    expect(day.hers.locator("[data-presence]")).to_contain_text("يوسف")
    write(day.hers, BEGUN)
    expect(day.his.locator("[data-presence]")).to_contain_text("يكتب ردًّا الآن")
    expect(day.his.locator("[data-presence]")).to_contain_text("Leïla")
    clean(day.his)


def _the_replies_cross(day: Day) -> None:
    write(day.his, HIS)
    day.his.press(EDITOR, "Control+Enter")
    for page in day.pages:
        expect(ours(page, HIS)).to_have_count(1)
    day.hers.press(EDITOR, "Control+Enter")
    expect(day.hers.locator("[data-doubting]")).to_contain_text(HIS)
    expect(day.hers.locator("#send")).to_be_enabled()
    clean(day.hers)
    day.hers.click("[data-back-to-writing]")
    expect(day.hers.locator("[data-doubting]")).to_have_count(0)
    expect(day.hers.locator(EDITOR)).to_have_text(BEGUN)
    expect(ours(day.hers, BEGUN)).to_have_count(0)


def _she_sends_takes_back_and_sends_again(day: Day) -> None:
    write(day.hers, HASTY)
    day.hers.press(EDITOR, "Control+Enter")
    day.hers.click("[data-doubting] [data-anyway]")
    expect(ours(day.his, HASTY)).to_have_count(1)
    ours(day.hers, HASTY).locator("[data-leaves] button").click()
    for page in day.pages:
        expect(ours(page, HASTY)).to_have_count(0)
    expect(day.hers.locator(EDITOR)).to_have_text(HASTY)
    write(day.hers, HERS)
    day.hers.press(EDITOR, "Control+Enter")
    for page in day.pages:
        expect(ours(page, HERS)).to_have_count(1)
        left(ours(page, HERS))


def _each_answer_arrives_once_in_the_thread(day: Day) -> None:
    for words in (HIS, HERS):
        mail = day.nadia.await_mail(words)
        assert day.nadia.sent[0] in mail["References"].split()
        assert SUBJECT in mail["Subject"]
    for words in (BEGUN, HASTY):
        assert len(day.nadia.with_words(words)) == 0, words


def _the_customer_answers_into_the_conversation(day: Day) -> None:
    day.nadia.write(SUBJECT, THANKS, answering=day.nadia.await_mail(HERS))
    for page in day.pages:
        expect(theirs(page, THANKS)).to_have_count(1)
        expect(page.locator("#list a.row", has_text=SUBJECT)).to_have_count(1)


def _a_note_names_the_other(day: Day) -> None:
    day.his.goto(day.yusuf.address + "/notices")
    told = day.his.locator(".news a.unseen", has_text="ذُكر اسمك")
    expect(day.his.locator("#news")).to_be_visible()
    assert told.count() == 0
    day.hers.click("#write [data-switch=note]")
    day.hers.keyboard.type("@يوس")
    day.hers.locator("#note [role=option]", has_text="يوسف").click()
    day.hers.keyboard.type(NOTE)
    day.hers.press("#note [data-editor]", "Control+Enter")
    expect(day.hers.locator("article.msg[data-way=note]", has_text=NOTE)).to_have_count(1)
    expect(told).to_have_count(1)
    expect(told).to_contain_text(SUBJECT)
    expect(day.his.locator("#places a[href='/notices'] .count")).to_be_visible()
    clean(day.his)
    with day.his.expect_response("**/seen"):
        told.click()
    note = day.his.locator("article.msg[data-way=note]", has_text=NOTE)
    expect(note.locator(".mention")).to_contain_text("@يوسف")
    day.his.goto(day.yusuf.address + "/notices")
    expect(day.his.locator(".news a:not(.unseen)", has_text="ذُكر اسمك").first).to_contain_text(SUBJECT)
    day.hers.click("#note [data-switch=out]")


def _it_is_put_off_until_a_time(day: Day) -> None:
    day.his.goto(day.yusuf.address + "/all")
    expect(day.row(day.his)).to_be_visible()
    _put_off(day, "Tomorrow morning")
    expect(day.hers.locator("#thread-head .strip")).to_contain_text("Snoozed until")
    expect(day.row(day.his)).to_have_count(0)
    _choose_the_time(day.hers, datetime.now(SHOP) + timedelta(seconds=15))
    expect(day.hers.locator("#messages .event", has_text="It is time")).to_have_count(1)
    expect(day.row(day.his)).to_be_visible()


# In one go: when the head is read again in between, the page takes away what it did not say itself.
CHOOSE = """(field, at) => {
  field.step = "1";
  field.value = at;
  field.form.querySelector("button[value=at]").click();
}"""


def _choose_the_time(page: Page, at: datetime) -> None:
    """To the second, where a person chooses the minute: the test would wait for it."""
    page.click("#snooze summary")
    page.locator("#snooze-at").evaluate(CHOOSE, at.replace(tzinfo=None, microsecond=0).isoformat())
    expect(page.locator("#snooze")).not_to_have_attribute("open", "")
    expect(page.locator("#snooze-at")).to_have_value("")


def _it_is_put_off_until_the_customer_writes(day: Day) -> None:
    _put_off(day, "Until they reply")
    expect(day.row(day.his)).to_have_count(0)
    day.nadia.write(SUBJECT, NUDGE, answering=day.nadia.await_mail(HIS))
    expect(theirs(day.hers, NUDGE)).to_have_count(1)
    expect(day.hers.locator("#messages .event", has_text="A new message opened this again")).to_have_count(1)
    expect(day.row(day.his)).to_be_visible()
    expect(day.row(day.his)).to_contain_text(NUDGE)


def _put_off(day: Day, until: str) -> None:
    day.hers.click("#snooze summary")
    day.hers.locator("#snooze button", has_text=until).click()


def _many_are_resolved_and_brought_back(day: Day) -> None:
    page = day.hers
    page.goto(day.leila.address + "/all")
    expect(page.locator("a.row").nth(4)).to_be_visible()
    chosen = [page.locator("a.row").nth(n).get_attribute("data-conversation") for n in (1, 2, 3)]
    assert day.key not in chosen
    page.locator("a.row").nth(1).focus()
    for key in ("x", "j", "j", "Shift+X"):
        page.keyboard.press(key)
    expect(page.locator("[data-picked]")).to_have_text("3")
    page.keyboard.press("e")
    done = page.locator(".toast", has_text="3 conversations resolved")
    expect(done).to_be_visible()
    _both_lists_hold(day, chosen, 0)
    done.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast", has_text="3 conversations are as they were.")).to_be_visible()
    _both_lists_hold(day, chosen, 1)


def _both_lists_hold(day: Day, keys: list[str | None], times: int) -> None:
    for page in day.pages:
        for key in keys:
            expect(page.locator(f"#list [data-conversation='{key}']")).to_have_count(times)


def _he_works_on_while_cut_off(day: Day) -> None:
    for page in day.pages:
        day.row(page).click()
        ready(page)
    day.his.evaluate("globalThis.stays = true")
    day.cable.pull()
    day.yusuf.context.set_offline(True)
    dot = day.his.locator("[data-live-dot]").first
    expect(dot).to_have_attribute("data-live", "off")
    write(day.his, IN_THE_TUNNEL)
    expect(day.his.locator("#write [data-hint]")).to_contain_text("محفوظة على هذا الجهاز")
    day.nadia.write(SUBJECT, WHILE_AWAY, answering=day.nadia.await_mail(HERS))
    expect(theirs(day.hers, WHILE_AWAY)).to_have_count(1)
    assert theirs(day.his, WHILE_AWAY).count() == 0
    clean(day.his)
    day.cable.plug()
    day.yusuf.context.set_offline(False)
    expect(theirs(day.his, WHILE_AWAY)).to_have_count(1)
    expect(dot).to_have_attribute("data-live", "on")
    expect(day.his.locator("#write [data-hint]")).to_have_text("حُفظت المسودة")
    expect(day.row(day.his)).to_contain_text(WHILE_AWAY)
    expect(day.his.locator("#list a.row", has_text=SUBJECT)).to_have_count(1)
    assert day.his.evaluate("globalThis.stays") is True


def _drafts_stay_where_they_were_begun(day: Day) -> None:
    write(day.hers, ASIDE)
    for page, words in ((day.hers, ASIDE), (day.his, IN_THE_TUNNEL)):
        page.locator("#list a.row:not([aria-current]):has(use[href*='#i-mail'])").first.click()
        expect(
            page.locator(f"#thread:not([data-conversation='{day.key}']) #write[data-restored]")
        ).to_be_visible()
        expect(page.locator(EDITOR)).not_to_have_text(words)
        day.row(page).click()
        expect(page.locator(f"#thread[data-conversation='{day.key}'] {EDITOR}")).to_have_text(words)
    write(day.hers, "")
    expect(day.hers.locator("#write [data-hint]")).to_have_text("")


def _what_was_written_offline_is_sent_once(day: Day) -> None:
    day.his.press(EDITOR, "Control+Enter")
    expect(day.his.locator("[data-doubting]")).to_contain_text(WHILE_AWAY)
    day.his.click("[data-doubting] [data-anyway]")
    for page in day.pages:
        expect(ours(page, IN_THE_TUNNEL)).to_have_count(1)
        left(ours(page, IN_THE_TUNNEL))
    day.nadia.await_mail(IN_THE_TUNNEL)


def _the_customer_writes_on_without_an_account(day: Day) -> None:
    page = day.contexts(width=390, height=844, locale="de").new_page()
    wrong: list[str] = []
    listen(page, wrong)
    page.goto(day.link)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    _tells(page, TALK[:-1])
    expect(page.locator("body")).not_to_contain_text(NOTE)
    expect(page.locator("body")).not_to_contain_text(HASTY)
    clean(page)
    page.fill("#portal-text", FROM_THE_PAGE)
    page.locator(".portal-composer .primary").click()
    _tells(page, TALK)
    for each in day.pages:
        expect(theirs(each, FROM_THE_PAGE)).to_have_count(1)
    assert wrong == []


def _tells(page: Page, talk: tuple[str, ...]) -> None:
    """The conversation holds these messages in this order, and no other but what Wasl wrote by itself."""
    messages = page.locator("#messages article.msg:not([data-auto]):not([data-way=note])")
    expect(messages).to_have_count(len(talk))
    for number, words in enumerate(talk):
        expect(messages.nth(number)).to_contain_text(words)


def _it_is_resolved(day: Day) -> None:
    for page in day.pages:
        _tells(page, TALK)
    day.hers.click("#turn")
    expect(day.hers.locator("#thread-head .badge.ok")).to_have_text("Resolved")
    expect(day.his.locator("#thread-head .badge.ok")).to_have_text("منجزة")
    for page in day.pages:
        expect(day.row(page)).to_have_count(0)
    expect(day.hers.locator("#card .line", has_text="resolved this")).to_be_visible()


def _the_timeline_tells_it_in_order(day: Day) -> None:
    expect(day.his.locator("#card .sec:last-child .line").first).to_contain_text("إنجاز")
    for page in day.pages:
        page.locator("#card a[href^='/customers/']").first.click()
        entries = page.locator("#story .entry")
        expect(entries).to_have_count(len(TIMELINE))
        times = entries.locator("time").evaluate_all("all => all.map((each) => each.dateTime)")
        assert times == sorted(times, reverse=True)
        clean(page)
    shown = reversed(day.hers.locator("#story .entry").all_inner_texts())
    assert [words for words, text in zip(TIMELINE, shown, strict=True) if words not in text] == []


def _nothing_went_twice(day: Day) -> None:
    for words in (HIS, HERS, IN_THE_TUNNEL):
        assert len(day.nadia.with_words(words)) == 1, words
