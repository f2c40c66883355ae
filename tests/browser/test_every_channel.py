"""One customer and one conversation: WhatsApp, mail, a short message, web chat, a call-back, a visit to a branch.

Both sides are real pages: the agent's, and the customer's phone, mail program and browser.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.host_site import HostSite, serving
from tests.browser.pages import Visit, clean, fine, ours, play, ready, send_mail, sent, theirs, write
from wasl.kit.clock import now
from wasl.widget.tokens import Account, make


@dataclass(frozen=True)
class Story:
    """Who it is about and what they say, in one language."""

    agent: str
    name: str
    address: str
    asked: str
    mailed: str
    answered: str
    thanks: str
    texted: str
    chatted: str
    chat_answer: str
    spoken: str


STORIES = {
    "en": Story(
        "leila", "Maren Thorsby", "maren@thorsby.example", "Hello, my lamp from order DZ-90871 flickers.",
        "Here is the receipt for the lamp.", "Thank you, we will exchange it.", "Lovely, thanks a lot!",
        "Can I bring it to the branch?", "One more thing: is the shade included?", "Yes, the shade is included.",
        "Told her the branch has one in stock.",
    ),
    "ar": Story(
        "karim", "شهرزاد الغماري", "chahrazad@ghomari.example", "مرحبًا، مصباح الطلب DZ-90872 يومض.",
        "هذا وصل شراء المصباح.", "شكرًا لك، سنستبدله.", "رائع، شكرًا جزيلًا!", "هل أستطيع إحضاره إلى الفرع؟",
        "سؤال آخر: هل يشمل ذلك الغطاء؟", "نعم، الغطاء مشمول.", "أخبرتها أن الفرع لديه واحد.",
    ),
}  # fmt: skip


@pytest.fixture
def site() -> Iterator[HostSite]:
    with serving() as made:
        yield made


def _keep(page: Page, name: str) -> None:
    """A picture for whoever wants to look, in the folder PICTURES."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def _speaks(here: Visit, language: str) -> Page:
    """The agent's first page, in that language."""
    page = here.tab("/settings")
    page.locator(f"label:has([name=language][value={language}])").click()
    page.click("form[action='/settings'] button.primary")
    expect(page.locator("html")).to_have_attribute("lang", language)
    return page


def _say(phone: Page, app: str, text: str) -> Locator:
    """Open an app on the phone and write."""
    phone.locator(f"#apps a[href*='app={app}'], #apps a[href*='/{app}']").first.click()
    phone.fill("#say input[name=text]", text)
    phone.press("#say input[name=text]", "Enter")
    mine = phone.locator("#screen article[data-way=out]", has_text=text)
    expect(mine).to_be_visible()
    return mine


def _make_one(desk: Page, at: str, name: str) -> None:
    """An agent sees that two customers are one, says so, and makes their conversations one."""
    desk.goto(f"{at}/customers?q={name.split()[0]}")
    found = desk.locator("a.person", has_text=name)
    for _ in range(150):
        if found.count() >= 2:
            break
        desk.wait_for_timeout(200)
        desk.reload()
    expect(found).to_have_count(2)
    found.first.click()
    asked = desk.locator(".alike .acts form").first.locator("button")
    for _ in range(150):
        if asked.count():
            break
        desk.wait_for_timeout(200)
        desk.reload()
    asked.click()
    expect(desk.locator(".alike .acts")).to_have_count(0)


def _merge(desk: Page, at: str, conversation: str) -> None:
    desk.goto(f"{at}/all/{conversation}")
    ready(desk)
    desk.click("#more-acts > summary")
    desk.click("#more-acts a[href*='merge']")
    sheet = desk.locator("#sheet form.in")
    expect(sheet.locator("[name=id]")).not_to_have_count(0)
    for box in sheet.locator("[name=id]").all():
        box.check()
    sheet.locator(f"[name=into][value='{conversation}']").check()
    sheet.locator("button.primary").click()
    expect(desk.locator("#sheet")).to_be_hidden()


def _answer(desk: Page, text: str) -> None:
    write(desk, text)
    desk.keyboard.press("Control+Enter")
    expect(ours(desk, text)).to_be_visible()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_one_conversation_on_every_channel(visit: Any, contexts: Any, site: HostSite, language: str) -> None:
    story = STORIES[language]
    here = visit(story.agent, language)
    desk = _speaks(here, language)
    phone = here.tab("/sandbox")

    # WhatsApp
    mailbox = play(phone, story.name, story.address)
    _say(phone, "whatsapp", story.asked)
    desk.goto(here.address + "/all")
    row = desk.locator("a.row", has_text=story.name)
    expect(row).to_be_visible()
    row.click()
    expect(theirs(desk, story.asked)).to_be_visible()
    conversation = desk.url.rpartition("/")[2].partition("?")[0]

    # They also wrote a mail, under the same name: one person, says the agent, and one matter.
    phone.goto(mailbox + "?write=new")
    phone.wait_for_selector("[name=subject]")
    send_mail(phone, "DZ", story.mailed)
    _make_one(desk, here.address, story.name)
    _merge(desk, here.address, conversation)
    desk.goto(f"{here.address}/all/{conversation}")
    ready(desk)
    expect(theirs(desk, story.asked)).to_be_visible()
    expect(theirs(desk, story.mailed)).to_be_visible()

    # The answer goes by mail, and theirs comes back to the same conversation.
    desk.click("#ways summary")
    _keep(desk, f"ways-{language}")
    clean(desk)
    desk.click("#ways button[data-mail]")
    _answer(desk, story.answered)
    phone.goto(mailbox)
    arrived = phone.locator("#mails a.row", has_text=story.asked[:12]).first
    expect(arrived).to_be_visible()
    phone.goto(mailbox)  # the newest is open at once
    expect(phone.locator(".mail-open .text")).to_contain_text(story.answered)
    phone.locator(".mail-open a.btn.primary, #mailbox a.btn.primary").first.click()
    sent(phone, story.thanks)
    expect(theirs(desk, story.thanks)).to_be_visible()

    # A short message from the number that WhatsApp vouches for.
    phone.goto(mailbox)
    _say(phone, "sms", story.texted)
    expect(theirs(desk, story.texted)).to_be_visible()
    expect(desk.locator("#ways [aria-current=true]").first).to_contain_text("SMS")
    _keep(phone, f"phone-{language}")

    # The shop's website, where they are signed in.
    _website(here, site)
    browser = contexts(locale=language)
    host = browser.new_page()
    host.goto(f"{site.origin}/?language={language}")
    token = make(Account("77", story.address, story.name), site.secret, now() + timedelta(minutes=20))
    host.locator("wasl-chat button.launcher").wait_for()
    host.evaluate("token => document.querySelector('wasl-chat').setAttribute('token', token)", token)
    host.locator("wasl-chat button.launcher").click()
    host.locator("wasl-chat textarea").fill(story.chatted)
    host.keyboard.press("Enter")
    expect(host.locator("wasl-chat .msg:has(time)", has_text=story.chatted)).to_be_visible()
    desk.goto(here.address + "/all")
    expect(desk.locator("a.row", has_text=story.chatted[:30]).first).to_be_visible()
    desk.goto(f"{here.address}/all/{conversation}")
    ready(desk)
    if not theirs(desk, story.chatted).count():
        _make_one(desk, here.address, story.name)
        _merge(desk, here.address, conversation)
        desk.goto(f"{here.address}/all/{conversation}")
        ready(desk)
    expect(theirs(desk, story.chatted)).to_be_visible()
    desk.click("#ways summary")
    desk.locator("#ways button[data-via]:has(use[href*='i-webchat'])").first.click()
    _answer(desk, story.chat_answer)
    expect(host.locator("wasl-chat .msg", has_text=story.chat_answer)).to_be_visible()
    _keep(host, f"website-{language}")

    # A call-back, promised and kept.
    desk.click("#more-acts > summary")
    desk.click("#more-acts a[href$='/callback']")
    sheet = desk.locator("#sheet form.calling")
    expect(sheet.locator("[name=start]")).not_to_have_count(1)
    sheet.locator("[name=about]").fill("DZ")
    sheet.locator("button.primary").click()
    expect(desk.locator("#sheet")).to_be_hidden()
    desk.goto(here.address + "/callbacks?view=later")
    desk.locator(".ringing > li", has_text=story.name).first.locator(".who a").click()
    desk.wait_for_url("**/callbacks/*-*")
    desk.locator("label:has([name=outcome][value=reached])").click()
    desk.fill("[name=notes]", story.spoken)
    desk.locator("form[action$='/outcome'] button.btn").click()
    expect(desk.locator("[role=status].notice")).to_be_visible()

    # A visit to the branch, checked in at the counter.
    desk.goto(here.address + "/branches/new")
    desk.fill("[name=name]", f"Branch {language}")
    desk.locator("form[method=post] p.cluster button.primary").last.click()
    desk.locator("header a.btn[href*='/visits/']").click()
    desk.fill("#who", story.address)
    desk.locator("aside form button.btn").first.click()
    expect(desk.locator("ul.visits li", has_text=story.name)).to_be_visible()
    desk.locator("form.next-up button").click()
    served = desk.locator("li.serving", has_text=story.name)
    served.locator("form button.btn").first.click()
    expect(served).to_have_count(0)

    # All of it is one conversation.
    desk.goto(f"{here.address}/all/{conversation}")
    ready(desk)
    for icon in ("whatsapp", "mail", "sms", "webchat", "store"):
        expect(desk.locator(f"#messages .msg-head use[href*='i-{icon}']").first).to_be_attached()
    expect(
        desk.locator("#messages .event use[href*='i-phone'], #messages .event use[href*='i-callback']").first
    ).to_be_attached()
    clean(desk)
    _keep(desk, f"one-conversation-{language}")
    fine(here, but=re.compile("^htmx:|net::ERR_"))


def _website(here: Visit, site: HostSite) -> None:
    """An administrator makes the website's inbox."""
    page = here.tab("/inboxes/new/webchat")
    page.fill("[name=name]", f"Website {site.port}")
    page.fill("[name=at_address]", site.origin)
    page.locator("form.doorway p.cluster button.primary").last.click()
    page.wait_for_url("**kept=1")
    found = re.search(r'src="(.*)/widget/(.*)\.js"', page.locator("#snippet").inner_text())
    assert found
    site.wasl, site.inbox = found[1], found[2]
    site.secret = page.locator("code.copyable:not(#snippet)").inner_text()
    page.close()
