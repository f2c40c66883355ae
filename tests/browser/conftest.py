"""The demo, started by its own command, and a real Chromium to look at it with."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.processes import free_port

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
PASSWORD = "olives-and-lamps"

Desk = Callable[..., "Visit"]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The address of a running demo shop."""
    data = Path(tempfile.mkdtemp(prefix="wasl-browser-"))
    data.chmod(0o711)
    log = data.with_suffix(".log")
    http = free_port()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WASL_", "DJANGO_"))}
    ports = ("HTTP_PORT", "SMTP_PORT", "LMTP_PORT", "SANDBOX_SMTP_PORT", "SANDBOX_HTTP_PORT")
    settings = {f"WASL_{name}": str(http if name == "HTTP_PORT" else free_port()) for name in ports}
    environment = clean | settings | {"WASL_DATA_DIR": str(data / "demo")}
    command = [str(Path(sys.executable).with_name("wasl")), "demo"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        _wait_until_ready(process, log)
        yield f"http://localhost:{http}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(data, ignore_errors=True)
        log.unlink()


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: Path, patience: float = 90.0) -> None:
    end = time.monotonic() + patience
    while b"Wasl is ready" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; where it is absent the tests are skipped, in CI they fail.

    Not kept for the session: Playwright leaves an event loop running, in which Django does not work.
    """
    if not Path(CHROMIUM).exists():
        words = "a browser is needed: apt-get install chromium fonts-noto-core"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """Somebody in front of a browser, signed in. What went wrong in the page is in `complaints`."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.address = address
        self.complaints: list[str] = []

    def tab(self, path: str) -> Page:
        """A new tab at a path."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )
        page.goto(self.address + path)
        return page


@pytest.fixture
def visit(chromium: Browser, demo: str) -> Iterator[Callable[..., "contextmanager[Visit]"]]:
    """`visit("leila", "en", width=1440)`: sign in through the page and look around."""
    opened: list[BrowserContext] = []

    def enter(
        who: str, language: str, *, width: int = 1440, height: int = 900, scheme: str = "light"
    ) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale=language,  # type: ignore[arg-type]
        )
        context.set_default_timeout(15_000)
        opened.append(context)
        page = context.new_page()
        page.goto(f"{demo}/sign-in")
        page.fill("[name=login]", f"{who}@dar-zaytun.example")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "sign-in" not in url)
        page.close()
        return Visit(context, demo)

    yield enter  # type: ignore[misc]
    for context in opened:
        context.close()
