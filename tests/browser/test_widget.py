"""A visitor chats on the shop's own website, under its strict policy: in four languages, offline, in two tabs."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.host_site import HostSite, serving
from tests.browser.pages import clean, listen
from wasl.kit.clock import now
from wasl.widget.tokens import Account, make

WORDS = {
    "en": ("Write a message", "Hello, is the blue lamp back?", "ltr"),
    "fr": ("Écrire un message", "Bonjour, la lampe bleue est-elle revenue ?", "ltr"),
    "it": ("Scrivi un messaggio", "Buongiorno, la lampada blu è tornata?", "ltr"),
    "ar": ("اكتبوا رسالة", "مرحبًا، هل عاد المصباح الأزرق؟", "rtl"),
}
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001"
    "f61738550000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def site() -> Iterator[HostSite]:
    with serving() as made:
        yield made


@pytest.fixture
def secret(site: HostSite, visit: Any, demo: str) -> str:
    """The inbox is made by an administrator, once; what their server signs identities with."""
    if site.inbox:
        return site.secret
    here = visit("leila", "en")
    page = here.tab("/inboxes/new/webchat")
    page.fill("[name=name]", "Website")
    page.fill("[name=at_address]", site.origin)
    page.get_by_role("button", name="Keep").click()
    page.wait_for_url("**kept=1")
    calm(page)
    line = page.locator("#snippet").inner_text()
    found = re.search(r'src="(.*)/widget/(.*)\.js"', line)
    assert found
    site.wasl, site.inbox = found[1], found[2]
    site.secret = page.locator("code.copyable:not(#snippet)").inner_text()
    page.close()
    return site.secret


class Visitor:
    """Somebody in front of the shop's website."""

    def __init__(self, context: BrowserContext, site: HostSite, language: str = "en") -> None:
        self.context = context
        self.site = site
        self.language = language
        self.complaints: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        """Another tab of the website."""
        page = self.context.new_page()
        listen(page, self.complaints)
        page.goto(f"{self.site.origin}/?language={self.language}")
        return page

    def open(self, page: Page | None = None) -> Page:
        """The chat is opened."""
        page = page or self.page
        page.locator("wasl-chat button.launcher").click()
        expect(page.locator("wasl-chat textarea")).to_be_focused()
        return page

    def write(self, text: str, page: Page | None = None) -> None:
        """Type and press Enter."""
        page = page or self.page
        page.locator("wasl-chat textarea").fill(text)
        page.keyboard.press("Enter")


def calm(page: Page) -> None:
    """Nothing that an accessibility checker objects to, once what fades in has done so (a shadow's own animations
    are not among the document's)."""
    page.wait_for_timeout(400)
    clean(page)


def bubbles(page: Page) -> Any:
    return page.locator("wasl-chat .msg .bubble")


def arrived(page: Page, text: str) -> Any:
    """A message that the other side has understood: it stands there with its time."""
    return page.locator("wasl-chat .msg:has(time)", has_text=text)


def answer(visit: Any, text: str, to: str) -> Page:
    """An agent finds the conversation and answers."""
    here = visit("leila", "en")
    desk = here.tab("/all")
    desk.locator("a.row", has_text=to).first.click()
    desk.wait_for_selector("#thread:not([aria-busy]) #write[data-restored]")
    desk.fill("#write [data-editor]", text)
    desk.press("#write [data-editor]", "Control+Enter")
    page: Page = desk
    return page


@pytest.mark.parametrize("language", ["en", "fr", "it", "ar"])
def test_it_speaks_the_pages_language_under_a_strict_policy(
    site: HostSite, secret: str, contexts: Any, language: str
) -> None:
    placeholder, question, direction = WORDS[language]
    scheme = "dark" if language in ("ar", "it") else "light"
    width = 390 if language in ("ar", "fr") else 1200
    one = Visitor(contexts(locale="de", color_scheme=scheme, width=width, height=800), site, language)
    clean(one.page)
    page = one.open()
    expect(page.locator("wasl-chat .root")).to_have_attribute("dir", direction)
    expect(page.locator("wasl-chat textarea")).to_have_attribute("placeholder", placeholder)
    expect(page.locator("wasl-chat .standing")).not_to_be_empty()
    one.write(question)
    expect(arrived(page, question)).to_be_visible()
    expect(arrived(page, question).locator("time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    page.locator("wasl-chat input[type=file]").set_input_files(
        {"name": "lamp.png", "mimeType": "image/png", "buffer": PICTURE}
    )
    picture = page.locator("wasl-chat .picture img")
    expect(picture).to_be_visible()
    page.wait_for_function(
        "() => document.querySelector('wasl-chat').shadowRoot.querySelector('.picture img').naturalWidth"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    calm(page)
    page.keyboard.press("Escape")
    expect(page.locator("wasl-chat button.launcher")).to_be_focused()
    expect(page.locator("wasl-chat .panel")).to_be_hidden()
    assert one.complaints == []


def test_an_answer_comes_and_its_reading_goes_back(
    site: HostSite, secret: str, contexts: Any, visit: Any
) -> None:
    one = Visitor(contexts(width=1200), site)
    page = one.open()
    one.write("Do you restore old lamps?")
    expect(arrived(page, "Do you restore old lamps?")).to_be_visible()
    page.locator("wasl-chat button.launcher").click()
    desk = answer(visit, "We do, bring it by.", to="Do you restore old lamps?")
    expect(page.locator("wasl-chat .badge")).to_have_text("1")
    page.locator("wasl-chat button.launcher").click()
    expect(arrived(page, "We do, bring it by.")).to_be_visible()
    expect(page.locator("wasl-chat .badge")).to_be_hidden()
    expect(desk.locator("article.msg[data-way=out] [data-state=seen]")).to_be_visible()
    # Who writes is seen to write, on both sides; and it is all there again when the page is loaded anew.
    page.locator("wasl-chat textarea").press_sequentially("I will come")
    expect(desk.locator("#composer [data-presence]")).to_contain_text("Visitor")
    page.reload()
    one.open()
    expect(arrived(page, "We do, bring it by.")).to_be_visible()
    desk.click("#write [data-editor]")
    desk.keyboard.type("And")
    expect(page.locator("wasl-chat .typist")).to_contain_text("is writing")
    one.write("Thank you")
    expect(desk.locator("article.msg[data-way=in]", has_text="Thank you")).to_be_visible()
    calm(page)
    assert one.complaints == []


def test_what_is_written_offline_arrives_once_and_in_order(
    site: HostSite, secret: str, contexts: Any, visit: Any
) -> None:
    one = Visitor(contexts(width=1200), site)
    page = one.open()
    one.write("First")
    expect(arrived(page, "First")).to_be_visible()
    one.context.set_offline(True)
    for text in ("Second", "Third"):
        one.write(text)
    page.locator("wasl-chat input[type=file]").set_input_files(
        {"name": "bill.txt", "mimeType": "text/plain", "buffer": b"40 EUR"}
    )
    expect(page.locator("wasl-chat .notice", has_text="No connection")).to_be_visible()
    expect(page.locator("wasl-chat .msg.waiting")).to_have_count(3)
    calm(page)
    time.sleep(30)  # as long as the issue asks for
    expect(page.locator("wasl-chat .msg.waiting")).to_have_count(3)
    one.context.set_offline(False)
    expect(page.locator("wasl-chat .msg:has(time)")).to_have_count(4)
    expect(page.locator("wasl-chat .msg.waiting")).to_have_count(0)
    expect(page.locator("wasl-chat .notice", has_text="No connection")).to_be_hidden()
    assert bubbles(page).all_inner_texts() == ["First", "Second", "Third"]
    desk = visit("leila", "en").tab("/all")
    desk.locator("a.row", has_text="Visitor").first.click()
    expect(desk.locator("article.msg[data-way=in]")).to_have_count(4)


def test_an_answer_whose_word_was_lost_is_not_sent_twice(site: HostSite, secret: str, contexts: Any) -> None:
    """The message is taken, and the line breaks before the browser hears of it: it sends it again."""
    one = Visitor(contexts(width=1200), site)
    page = one.open()
    lost = 0

    def lose(route: Any) -> None:
        nonlocal lost
        if lost < 2 and route.request.method == "POST":
            lost += 1
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/messages?*", lose)
    one.write("Only once, please")
    expect(arrived(page, "Only once, please")).to_be_visible()
    page.wait_for_timeout(3000)
    assert lost, "at least once; the stream may say that it is there before it is sent again"
    page.reload()
    one.open()
    expect(arrived(page, "Only once, please")).to_have_count(1)
    expect(bubbles(page)).to_have_count(1)


def test_two_tabs_are_in_step(site: HostSite, secret: str, contexts: Any, visit: Any) -> None:
    one = Visitor(contexts(width=1200), site)
    one.open()
    one.write("In the first tab")
    expect(arrived(one.page, "In the first tab")).to_be_visible()
    second = one.open(one.tab())
    expect(arrived(second, "In the first tab")).to_be_visible()
    one.write("In the second tab", second)
    for page in (one.page, second):
        expect(arrived(page, "In the second tab")).to_be_visible()
    answer(visit, "Seen in both.", to="In the second tab")
    for page in (one.page, second):
        expect(arrived(page, "Seen in both.")).to_be_visible()
        expect(bubbles(page)).to_have_count(3)
    # Whichever held the stream is closed; the other one goes on.
    one.page.close()
    answer(visit, "And after one is closed.", to="Seen in both.")
    expect(arrived(second, "And after one is closed.")).to_be_visible()
    assert one.complaints == []


def test_a_tab_that_sleeps_holds_nobody_up(site: HostSite, secret: str, contexts: Any, visit: Any) -> None:
    """Phones put tabs to sleep that still hold the stream; the one that is looked at takes it over."""
    one = Visitor(contexts(width=1200), site)
    one.open()
    one.write("Half asleep")
    expect(arrived(one.page, "Half asleep")).to_be_visible()
    second = one.open(one.tab())
    second.evaluate("document.querySelector('wasl-chat').wire.patience = 3000")
    held = "async () => (await navigator.locks.query()).held.map((lock) => lock.clientId)"
    before = second.evaluate(held)
    one.context.new_cdp_session(one.page).send("Page.setWebLifecycleState", {"state": "frozen"})
    second.bring_to_front()
    # What keeps a line alive comes every 15 s; without it, and with nothing else, the first tab counts as asleep.
    second.wait_for_function(
        "async (before) => (await navigator.locks.query()).held.some((lock) => !before.includes(lock.clientId))",
        arg=before,
    )
    answer(visit, "Good morning.", to="Half asleep")
    expect(arrived(second, "Good morning.")).to_be_visible()


def test_a_button_is_pressed_and_a_file_that_nobody_should_open_is_refused(
    site: HostSite, secret: str, contexts: Any
) -> None:
    one = Visitor(contexts(width=1200), site)
    page = one.open()
    one.write("Can I collect it?")
    expect(arrived(page, "Can I collect it?")).to_be_visible()
    page.evaluate("""() => document.querySelector("wasl-chat").take([{
        id: "x", way: "out", by: "Leila Haddad", at: new Date().toISOString(), state: "read",
        text: "On which day?", ref: "", choices: [["sat", "Saturday"], ["mon", "Monday"]]}])""")
    calm(page)
    page.get_by_role("button", name="Saturday").click()
    expect(arrived(page, "Saturday")).to_be_visible()
    expect(page.get_by_role("button", name="Monday")).to_have_count(0)
    page.locator("wasl-chat input[type=file]").set_input_files(
        {"name": "invoice.pdf.exe", "mimeType": "application/pdf", "buffer": b"MZ"}
    )
    refused = page.locator("wasl-chat .msg.failed")
    expect(refused).to_contain_text("Files of this kind cannot be sent here.")
    calm(page)
    refused.get_by_role("button", name="Discard").click()
    expect(refused).to_have_count(0)
    assert [said for said in one.complaints if "415" not in said] == []


def test_an_address_is_left_for_later(site: HostSite, secret: str, contexts: Any) -> None:
    one = Visitor(contexts(width=390, height=800), site)
    page = one.open()
    # Whatever the hour of the test is, and whoever of the desk is there.
    page.evaluate("""() => {
        const chat = document.querySelector("wasl-chat");
        chat.stands({ state: "later" });
        chat.stands = () => {};
    }""")
    one.write("Is anybody there?")
    expect(arrived(page, "Is anybody there?")).to_be_visible()
    page.locator("wasl-chat input[type=email]").fill("sara@home.example")
    page.get_by_role("button", name="Leave it").click()
    expect(arrived(page, "sara@home.example")).to_be_visible()
    expect(page.locator("wasl-chat .leave")).to_be_hidden()
    calm(page)
    assert one.complaints == []


def test_a_call_back_is_asked_for_and_called_off(site: HostSite, secret: str, contexts: Any) -> None:
    one = Visitor(contexts(width=390, height=800, locale="ar", color_scheme="dark"), site, "ar")
    page = one.open()
    door = page.locator("wasl-chat button.belled").last
    one.context.set_offline(True)
    door.click()
    expect(page.locator("wasl-chat .calls [role=alert]")).to_be_visible()
    one.context.set_offline(False)
    page.locator("wasl-chat .calls [role=alert] button").click()
    times = page.locator("wasl-chat .time")
    expect(times).to_have_count(6)
    times.nth(1).click()
    page.locator("wasl-chat input[type=tel]").fill("12")
    page.keyboard.press("Enter")
    expect(page.locator("wasl-chat .call [role=alert]")).to_contain_text("+")
    clean(page)
    page.locator("wasl-chat input[type=tel]").fill("+39 333 111 2299")
    page.keyboard.press("Enter")
    expect(page.locator("wasl-chat .done")).to_contain_text("شكرًا لكم")
    page.locator("wasl-chat .calls > .link").click()
    expect(bubbles(page)).to_have_count(2)
    expect(bubbles(page).last).to_contain_text("+393331112299")
    door.click()
    page.locator("wasl-chat .plain").click()
    expect(page.locator("wasl-chat .done")).to_contain_text("أُلغي الاتصال")
    clean(page)
    assert [said for said in one.complaints if "422" not in said and "DISCONNECTED" not in said] == []


def test_who_is_signed_in_is_known_and_who_pretends_is_not(
    site: HostSite, secret: str, contexts: Any
) -> None:
    one = Visitor(contexts(width=1200), site)
    token = make(Account("10045", "noor@home.example", "Noor Vella"), secret, now() + timedelta(minutes=5))
    one.page.evaluate("token => document.querySelector('wasl-chat').setAttribute('token', token)", token)
    page = one.open()
    one.write("Where is my order?")
    expect(arrived(page, "Where is my order?")).to_be_visible()
    one.context.set_offline(True)
    one.write("For Noor to send")
    expect(page.locator("wasl-chat .msg.waiting")).to_have_count(1)
    # Signed out: the same browser is somebody new, sees nothing of it, and sends nothing of hers.
    page.evaluate("document.querySelector('wasl-chat').removeAttribute('token')")
    expect(bubbles(page)).to_have_count(0)
    one.context.set_offline(False)
    one.write("Who am I?")
    expect(arrived(page, "Who am I?")).to_be_visible()
    expect(bubbles(page)).to_have_count(1)
    page.evaluate("token => document.querySelector('wasl-chat').setAttribute('token', token)", token)
    expect(arrived(page, "For Noor to send")).to_be_visible()
    # What the browser's stranger wrote goes with the first one who signs in.
    expect(bubbles(page)).to_have_count(3)
    # And on another machine, signed in, it is all there.
    other = Visitor(contexts(width=1200), site)
    other.page.evaluate("token => document.querySelector('wasl-chat').setAttribute('token', token)", token)
    expect(arrived(other.open(), "Where is my order?")).to_be_visible()
    said: list[str] = []
    liar = Visitor(contexts(width=1200), site)
    liar.page.on("console", lambda message: said.append(message.text))
    liar.page.evaluate("document.querySelector('wasl-chat').setAttribute('token', 'x.y.z')")
    liar.open()
    liar.write("I am Noor, really")
    expect(arrived(liar.page, "I am Noor, really")).to_be_visible()
    expect(bubbles(liar.page)).to_have_count(1)
    assert any("proves nothing" in each for each in said)


DEVICE = """() => {
    const found = { endpoint: "https://push.example.net/x", unsubscribe: async () => true, toJSON: () => ({
        endpoint: "https://push.example.net/x",
        keys: { p256dh: "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
                auth: "tBHItJI5svbpez7KI4CCXg" } }) };
    const made = { active: { state: "activated" },
        pushManager: { subscribe: async () => found, getSubscription: async () => found } };
    navigator.serviceWorker.register = navigator.serviceWorker.getRegistration = async () => made;
    Notification.requestPermission = async () => "granted";
}"""


def test_notices_are_listed_read_and_answered(site: HostSite, secret: str, contexts: Any, visit: Any) -> None:
    """In two tabs in step, by keyboard, in the dark and in the light, from the right; a device is asked for after a
    click, and given back."""
    desk = visit("leila", "en").tab("/inboxes/new/app")
    desk.fill("[name=at_address]", site.origin)
    desk.get_by_role("button", name="Keep").click()
    desk.wait_for_url("**kept=1")
    calm(desk)
    assert "/widget/push.js" in desk.locator("#snippet").inner_text()
    notify, mute = "أرسلوا إليّ إشعارات على هذا الجهاز", "إيقاف"
    asked = "هل صار مصباحي جاهزًا؟"
    phone = contexts(width=390, height=800, color_scheme="dark")
    # Without windows nobody can be asked, and the answer is always no.
    phone.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'default' })")
    one = Visitor(phone, site, "ar")
    token = make(Account("bell"), secret, now() + timedelta(minutes=9))
    sign_in = f"document.querySelector('wasl-chat').setAttribute('token', '{token}')"
    one.page.evaluate(sign_in)
    page = one.open()
    one.write(asked)
    expect(arrived(page, asked)).to_be_visible()
    bell = page.locator("wasl-chat button.belled").first  # the other one rings up
    expect(bell).to_be_visible()

    desk = visit("leila", "en").tab("/all")
    desk.locator("a.row", has_text=asked).first.click()
    desk.wait_for_selector("#thread:not([aria-busy]) #write[data-restored]")
    desk.click("#ways summary")
    desk.locator("#ways button[data-via]:has(use[href*='i-bell'])").first.click()
    desk.fill("#write [data-editor]", "It is, come by.")
    desk.press("#write [data-editor]", "Control+Enter")
    expect(page.locator("wasl-chat .count")).to_have_text("1")
    second = one.tab()
    second.evaluate(sign_in)
    expect(second.locator("wasl-chat .badge")).to_have_text("1")
    expect(bubbles(page)).to_have_count(1)

    bell.press("Enter")
    note = page.locator("wasl-chat button.note")
    expect(note).to_contain_text("It is, come by.")
    calm(page)
    expect(desk.locator("article.msg[data-way=out]", has_text="Seen in their list")).to_be_visible()
    note.press("Enter")
    expect(note).to_have_attribute("aria-expanded", "true")
    expect(note).to_be_focused()
    expect(second.locator("wasl-chat .badge")).to_be_hidden()
    expect(desk.locator("article.msg[data-way=out] [data-state=seen]")).to_be_visible()
    page.evaluate("document.querySelector('wasl-chat').setAttribute('theme', 'light')")
    calm(page)
    page.evaluate(DEVICE)
    page.get_by_role("button", name=notify).click()
    page.get_by_role("button", name=mute).click()
    expect(page.get_by_role("button", name=notify)).to_be_visible()
    bell.click()
    expect(page.locator("wasl-chat textarea")).to_be_focused()
    # Signed out, there is nothing of it.
    page.evaluate("document.querySelector('wasl-chat').removeAttribute('token')")
    expect(bell).to_be_hidden()
    # The other tab is still signed in: what it hears is not for this one.
    desk.fill("#write [data-editor]", "Until six.")
    desk.press("#write [data-editor]", "Control+Enter")
    expect(second.locator("wasl-chat .badge")).to_have_text("1")
    expect(bell).to_be_hidden()
    expect(page.locator("wasl-chat .note")).to_have_count(0)
    # What the account goes on with does not take over what somebody else begins in this browser.
    one.open(second)
    one.write("I come at five.", second)
    expect(arrived(second, "I come at five.")).to_be_visible()
    one.write("Do you repair toasters?")
    expect(arrived(page, "Do you repair toasters?")).to_be_visible()
    expect(bubbles(page).filter(has_text="at five")).to_have_count(0)
    expect(bubbles(second).filter(has_text="toasters")).to_have_count(0)
    assert one.complaints == []
