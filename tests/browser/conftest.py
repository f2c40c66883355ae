"""One demo for all these tests, started by its own command, and a real Chromium to look at it with."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.demo import PASSWORD, Demo, running
from tests.browser.pages import Visit

# The same browser without its windows opens a page at an eighth of the cost.
CHROMIUM = next(filter(os.path.exists, ("/usr/bin/chromium-headless-shell",)), "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]

# What is waited for comes about; how soon is the machine's matter, which does other things at the same time.
PATIENCE = 60_000  # ms
expect.set_options(timeout=PATIENCE)

Enter = Callable[..., Visit]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first also waits for the demo, which its time does not count."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600, func_only=True))


@pytest.fixture(scope="session")
def shop() -> Iterator[Demo]:
    """A running demo shop. All modules look at the same one: a test leaves its lists as it found them."""
    with running() as demo:
        yield demo


@pytest.fixture(scope="session")
def demo(shop: Demo) -> str:
    """The address of the demo's pages."""
    return shop.address


def needed() -> None:
    """Skip, or in CI fail, where there is no browser."""
    if not Path(CHROMIUM).exists():
        words = "a browser is needed: apt-get install chromium-headless-shell fonts-noto-core"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; where it is absent the tests are skipped, in CI they fail.

    Not kept for the session: Playwright leaves an event loop running, in which Django does not work.
    """
    needed()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def contexts(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """`contexts(locale="de")`: a browser that knows nothing, closed at the end."""
    opened: list[BrowserContext] = []

    def fresh(*, width: int = 1440, height: int = 900, **more: Any) -> BrowserContext:
        context = chromium.new_context(viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        return context

    yield fresh
    for context in opened:
        context.close()


@pytest.fixture(scope="session")
def passes() -> dict[str, Any]:
    """The cookies of each agent who signed in: a password takes time to check, which one proof of it is worth."""
    return {}


@pytest.fixture
def visit(contexts: Callable[..., BrowserContext], demo: str, passes: dict[str, Any]) -> Enter:
    """`visit("leila", "en", width=1440)`: a browser in which an agent is signed in."""

    def enter(who: str, language: str, *, scheme: str = "light", at: str = demo, **size: int) -> Visit:
        context = contexts(locale=language, color_scheme=scheme, **size)
        if who in passes:
            context.add_cookies(passes[who])
        else:
            _sign_in(context, at, who)
            passes[who] = context.cookies()
        return Visit(context, at)

    return enter


def _sign_in(context: BrowserContext, at: str, who: str) -> None:
    page = context.new_page()
    page.goto(f"{at}/sign-in")
    page.fill("[name=login]", f"{who}@dar-zaytun.example")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)
    page.close()
