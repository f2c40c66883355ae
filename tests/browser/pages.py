"""What browser tests do in pages again and again."""

import re
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

EDITOR = "#write [data-editor]"
PROVOKED = re.compile(
    r"status of (409|422)|Status Error Code (409|422)|ERR_INTERNET_DISCONNECTED|ERR_FAILED|Send Error"
    r"|^htmx:"  # the request that a test lets fail, or that leaving the page ended, as htmx itself tells of it
)


class Visit:
    """Somebody in front of a browser, signed in. What went wrong in the pages is in `complaints`."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.address = address
        self.complaints: list[str] = []

    def tab(self, path: str) -> Page:
        """A new tab at a path."""
        page = self.context.new_page()
        listen(page, self.complaints)
        page.goto(self.address + path)
        return page


def listen(page: Page, complaints: list[str]) -> None:
    """Note what goes wrong in a page."""
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)


CUT_OFF = re.compile(r"net::ERR_|" + PROVOKED.pattern)


def fine(*visits: Visit, but: re.Pattern[str] = PROVOKED) -> None:
    """Nothing went wrong in these pages but what the tests provoke."""
    said = [each for visit in visits for each in visit.complaints if not but.search(each)]
    assert said == [], said


AT_REST = """() => {
  const ending = document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime < Infinity);
  const second = new Promise((over) => setTimeout(over, 1000));
  return Promise.race([Promise.allSettled(ending.map((each) => each.finished)).then(() => null), second]);
}"""


def faults(page: Page) -> list[str]:
    """What an accessibility checker objects to, once what fades or changes its colour has done so."""
    page.evaluate(AT_REST)
    found: Any = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['help']} ({n['target']})" for v in found for n in v["nodes"]]


def clean(page: Page) -> None:
    """Nothing that an accessibility checker objects to."""
    said = faults(page)
    assert said == [], f"{page.url}\n" + "\n".join(said)


def ready(page: Page) -> None:
    """Until the conversation that was opened listens: a test's keys and clicks come sooner than any person's."""
    page.wait_for_selector("#thread:not([aria-busy]) #write[data-restored]")


def write(page: Page, text: str, where: str = EDITOR) -> None:
    """Put these words in the place of those in an editor, by keys."""
    page.click(where)
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.type(text)


def ours(page: Page, text: str) -> Locator:
    """The answers of the open conversation that say this."""
    return page.locator("article.msg[data-way=out]", has_text=text)


def theirs(page: Page, text: str) -> Locator:
    """The customer's messages that say this."""
    return page.locator("article.msg[data-way=in]", has_text=text)


def left(message: Locator) -> None:
    """An answer has left, and nothing can take it back."""
    expect(message.locator("[data-state=sent], [data-state=delivered]")).to_be_visible()


def play(page: Page, name: str, address: str) -> str:
    """Become a new customer on the sandbox's page, before a blank mail; the address of their mailbox."""
    page.locator("details.menu.end summary").click()
    page.fill("#new-name", name)
    page.fill("#new-address", address)
    page.press("#new-address", "Enter")
    page.wait_for_selector("[name=subject]")
    return page.url.partition("?")[0]


def send_mail(page: Page, subject: str, text: str) -> None:
    """Send the blank mail of `play`."""
    page.fill("[name=subject]", subject)
    sent(page, text)


def sent(page: Page, text: str) -> None:
    """Send the open mail of a played customer, and wait until the page has left for the sent ones."""
    page.fill("[name=text]", text)
    page.click("#send")
    refused = page.locator("#mailbox [data-error]")
    expect(page.locator("#mailbox nav a[href$='box=sent'][aria-current]").or_(refused)).to_be_visible()
    assert "box=sent" in page.url, refused.inner_text()


def open_mail(page: Page, mailbox: str, subject: str) -> Locator:
    """Open the newest mail of a subject in a played customer's mailbox; its text."""
    page.goto(mailbox)
    arrived = page.locator("#mails a.row", has_text=subject).first
    expect(arrived).to_be_visible()
    arrived.click()
    return page.locator(".mail-open .text")
