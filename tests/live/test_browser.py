"""Real tabs of a real browser: one stream for all of them, and every part of a page that should is read again."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.live.browser import COOKIE, sign_in
from tests.processes import free_port, role, wait_for_port
from tests.worlds import Shop
from wasl.kit import signal as signals
from wasl.kit.ids import uuid7
from wasl.kit.postgres import Cluster
from wasl.kit.signal import Signal

Owner = psycopg.Connection[Any]
Open = Callable[..., Page]
SITE = {"DJANGO_SETTINGS_MODULE": "tests.doors.site"}


def chromium() -> str:
    """The system's Chromium; without one the test skips, but fails in CI."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        words = "needs Chromium: apt-get install chromium-headless-shell"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return found


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread; that Django is used beside it is what a test wants.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield browser
        browser.close()


@pytest.fixture
def context(chrome: Browser) -> Iterator[BrowserContext]:
    context = chrome.new_context()
    yield context
    context.close()


@pytest.fixture
def open_page(port: int, shop: Shop, context: BrowserContext) -> Open:
    """Open a tab whose parts follow what is given by name, signed in as the shop's agent."""
    enter(context, shop, port)

    def open_page(at: int = port, **parts: str) -> Page:
        page = context.new_page()
        query = "&".join(f"{name}={live}" for name, live in parts.items())
        page.goto(f"http://127.0.0.1:{at}/page?{query}")
        expect(page.locator("b")).to_have_text("yes")
        return page

    return open_page


def enter(context: BrowserContext, shop: Shop, port: int, role: str = "agent") -> str:
    key = sign_in(shop.users[role])
    session = SessionStore(key)
    session["agent"] = str(shop.agents[role].id)
    session.save()
    context.add_cookies([{"name": COOKIE, "value": key, "url": f"http://127.0.0.1:{port}"}])
    return key


def reads(page: Page, name: str) -> int:
    """How often the part was read when it was last read."""
    return int(page.locator(f"#{name}").inner_text())


def settle(*pages: Page) -> None:
    """Until nothing is being read."""
    for page in pages:
        page.wait_for_timeout(250)


def streams(context: BrowserContext) -> int:
    """Shared workers that are alive; each holds one stream."""
    assert context.browser
    targets = context.browser.new_browser_cdp_session().send("Target.getTargets")["targetInfos"]
    return sum(target["type"] == "shared_worker" for target in targets)


def test_parts_are_read_again_when_what_they_show_changed(open_page: Open, shop: Shop, owner: Owner) -> None:
    conversation, customer = uuid7(), uuid7()
    page = open_page(
        list="list",
        this=f"conversation:{conversation}",
        other=f"conversation:{uuid7()}",
        both=f"customer:{customer} x:y",
    )
    settle(page)
    before = {name: reads(page, name) for name in ("list", "this", "other", "both")}
    signals.send(owner, [Signal("message", shop.id, shop.mail.id, (conversation,), (customer,))])
    for name in ("list", "this", "both"):
        expect(page.locator(f"#{name}")).to_have_text(str(before[name] + 1))
    settle(page)
    assert reads(page, "other") == before["other"]


def test_all_tabs_share_one_stream_and_a_new_tab_misses_nothing(
    open_page: Open, context: BrowserContext, shop: Shop, owner: Owner
) -> None:
    tabs = [open_page(**{f"tab{i}": "list"}) for i in range(8)]
    settle(tabs[-1])
    before = [reads(tab, f"tab{i}") for i, tab in enumerate(tabs)]
    signals.send(owner, [Signal("conversation", shop.id, shop.mail.id, (uuid7(),))])
    for i, tab in enumerate(tabs):
        expect(tab.locator(f"#tab{i}")).to_have_text(str(before[i] + 1))
    assert streams(context) == 1


def test_going_from_page_to_page_neither_misses_nor_reads_everything_twice(
    open_page: Open, shop: Shop, owner: Owner, port: int
) -> None:
    page = open_page(start="list")
    settle(page)
    page.goto(f"http://127.0.0.1:{port}/page?next=list")
    expect(page.locator("b")).to_have_text("yes")
    settle(page)
    assert reads(page, "next") == 0
    signals.send(owner, [Signal("conversation", shop.id, shop.mail.id, (uuid7(),))])
    expect(page.locator("#next")).to_have_text("1")


def test_a_tab_in_the_background_reads_once_when_it_is_looked_at(
    open_page: Open, shop: Shop, owner: Owner
) -> None:
    page = open_page(list="list")
    settle(page)
    before = reads(page, "list")
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => globalThis.away, configurable: true })"
    )
    page.evaluate("globalThis.away = true")
    for _ in range(5):
        signals.send(owner, [Signal("conversation", shop.id, shop.mail.id, (uuid7(),))])
    settle(page)
    assert reads(page, "list") == before
    page.evaluate("globalThis.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#list")).to_have_text(str(before + 1))
    settle(page)
    assert reads(page, "list") == before + 1


def test_a_killed_front_is_found_again_and_everything_read(
    cluster: Cluster, shop: Shop, context: BrowserContext, owner: Owner
) -> None:
    port = free_port()
    enter(context, shop, port)
    page = context.new_page()
    with role("wasl.doors.web:serve", **SITE, WASL_HTTP_PORT=str(port)) as first:
        wait_for_port(port, first)
        page.goto(f"http://127.0.0.1:{port}/page?list=list")
        expect(page.locator("b")).to_have_text("yes")
        first.send_signal(signal.SIGKILL)
        first.wait()
    expect(page.locator("b")).to_have_text("no")
    assert page.locator("i").get_attribute("data-live") == "off"
    page.evaluate("document.querySelector('#list').textContent = 'old'")  # the second front counts anew
    with role("wasl.doors.web:serve", **SITE, WASL_HTTP_PORT=str(port)) as second:
        wait_for_port(port, second)
        expect(page.locator("b")).to_have_text("yes", timeout=60_000)
        expect(page.locator("#list")).not_to_have_text("old")


def test_signing_out_stops_the_stream_and_says_so(
    open_page: Open, context: BrowserContext, shop: Shop, owner: Owner, port: int
) -> None:
    page = open_page(list="list")
    page.evaluate("document.addEventListener('wasl:out', () => (document.title = 'out'))")
    context.request.get(f"http://127.0.0.1:{port}/leave")
    expect(page).to_have_title("out")
    expect(page.locator("b")).to_have_text("no")


def test_a_tab_of_someone_who_was_here_before_hears_nothing_of_the_next(
    open_page: Open, context: BrowserContext, shop: Shop, owner: Owner, port: int
) -> None:
    page = open_page(list="list")
    page.evaluate("document.addEventListener('wasl:out', () => (document.title = 'out'))")
    context.request.get(f"http://127.0.0.1:{port}/leave")
    enter(context, shop, port, "admin")
    expect(page).to_have_title("out")
    settle(page)
    before = reads(page, "list")
    fresh = open_page(list="list")
    settle(fresh)
    signals.send(owner, [Signal("quarantine", shop.id)])
    settle(fresh)
    page.bring_to_front()
    settle(page)
    assert reads(page, "list") == before


DEAD = """
globalThis.SharedWorker = class { port = { postMessage() {}, close() {} }; };
const later = setTimeout;
globalThis.setTimeout = (work, wait, ...more) => later(work, wait === 15000 ? 0 : wait, ...more);
"""


@pytest.mark.parametrize("script", ["delete globalThis.SharedWorker", DEAD], ids=["none", "dead"])
def test_a_page_without_shared_workers_holds_a_stream_of_its_own(
    open_page: Open, context: BrowserContext, shop: Shop, owner: Owner, script: str
) -> None:
    """Or with one that never says a word, as when it was ended while its file was on its way."""
    context.add_init_script(script)
    page = open_page(list="list")
    settle(page)
    before = reads(page, "list")
    signals.send(owner, [Signal("conversation", shop.id, shop.mail.id, (uuid7(),))])
    expect(page.locator("#list")).to_have_text(str(before + 1))


def test_a_part_that_could_not_be_read_is_read_a_little_later(
    open_page: Open, context: BrowserContext, shop: Shop, owner: Owner
) -> None:
    page = open_page(list="list")
    settle(page)
    before = reads(page, "list")
    failures: list[UUID] = []

    def fail_once(route: Any) -> None:
        if failures:
            route.continue_()
        else:
            failures.append(uuid7())
            route.fulfill(status=503)

    page.route("**/part?list", fail_once)
    signals.send(owner, [Signal("conversation", shop.id, shop.mail.id, (uuid7(),))])
    expect(page.locator("#list")).to_have_text(str(before + 1), timeout=60_000)
    assert failures


def test_a_part_rests_the_longer_the_slower_it_is_read(open_page: Open, shop: Shop, owner: Owner) -> None:
    page = open_page(list="list")
    settle(page)
    asked: list[dict[str, str]] = []

    def slow(route: Any) -> None:
        asked.append(route.request.headers)
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/part?list", slow)
    for _ in range(10):
        signals.send(owner, [Signal("conversation", shop.id, shop.mail.id, (uuid7(),))])
        page.wait_for_timeout(50)
    assert len(asked) == 1
    assert asked[0]["wasl-refresh"] == "1"
    page.wait_for_timeout(2000)
    assert len(asked) == 2
