"""How long a message takes from smtplib to every open page: streams, the screen of a browser, pages that read again.

    make bench ARGS=live
    python -m bench.live --streams 200 1000 --mails 50

Each mail is sent alone, after the last one has arrived everywhere. The clock starts before smtplib connects; `last`
is the moment the last of the streams has the event. `NOTIFY` is the stream by itself, without a message.
"""

import argparse
import http.client
import json
import random
import shutil
import smtplib
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from bench.product import Product, product
from bench.streams import COOKIE, Browsers

Row = dict[str, Any]


def _chromium() -> str | None:
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


class Bench:
    """The running product, its agents' sessions and the mails sent so far."""

    def __init__(self, made: Product) -> None:
        import psycopg

        from bench.world import shop

        self.made = made
        self.shop = shop()
        self.owner = psycopg.connect(made.dsn, autocommit=True)
        self.mails = 0
        self.rows: list[Row] = []

    def sessions(self, count: int) -> list[str]:
        """Sessions of as many agents, all of whom may see the inbox."""
        from django.contrib.sessions.backends.db import SessionStore
        from django.contrib.sessions.models import Session

        from wasl.accounts.models import Agent, User
        from wasl.kit.clock import now
        from wasl.kit.db import tenant

        users = [
            User(email=f"agent{i}.{time.time_ns()}@bench.example", name=f"Agent {i}", password="!")
            for i in range(count)
        ]
        User.objects.bulk_create(users)
        with tenant(self.shop.id):
            Agent.objects.bulk_create(
                [Agent(workspace_id=self.shop.id, user=user, name=user.name, role="agent") for user in users]
            )
        store, until = SessionStore(), now().replace(year=now().year + 1)
        made = []
        for user in users:
            content = {
                "_auth_user_id": str(user.pk),
                "_auth_user_backend": "allauth.account.auth_backends.AuthenticationBackend",
                "_auth_user_hash": user.get_session_auth_hash(),
            }
            key = store._get_new_session_key()  # type: ignore[attr-defined]
            made.append(Session(session_key=key, session_data=store.encode(content), expire_date=until))
        Session.objects.bulk_create(made)
        return [session.session_key for session in made]

    def mail(self) -> str:
        """Send one mail of a new customer with smtplib; returns its subject."""
        self.mails += 1
        subject = f"Bench {self.mails} {time.time_ns() % 10**9}"
        text = (
            f"From: Customer <customer{self.mails}@people.example>\r\nTo: {self.shop.mail.address}\r\n"
            f"Subject: {subject}\r\nMessage-ID: <{time.time_ns()}@people.example>\r\n\r\nWhere is my order?\r\n"
        )
        with smtplib.SMTP("127.0.0.1", self.made.smtp, local_hostname="bench.example") as smtp:
            smtp.sendmail(f"customer{self.mails}@people.example", [self.shop.mail.address], text)
        return subject

    def notify(self) -> None:
        """Signal without a message."""
        from wasl.kit import signal
        from wasl.kit.ids import uuid7

        signal.send(self.owner, [signal.Signal("message", self.shop.id, self.shop.mail.id, (uuid7(),))])

    def click(self, key: str) -> float:
        """Open the list as a person does, a moment later; seconds until it is there."""
        time.sleep(0.15)
        start = time.monotonic()
        line = http.client.HTTPConnection("127.0.0.1", self.made.http, timeout=60)
        line.request("GET", "/all", headers={"Cookie": f"{COOKIE}={key}"})
        line.getresponse().read()
        line.close()
        return time.monotonic() - start

    def row(self, case: str, streams: int, **times: list[float]) -> None:
        """Note and print one row: milliseconds."""
        row: Row = {"case": case, "streams": streams}
        for name, values in times.items():
            row[name] = _summary([value * 1000 for value in values])
        self.rows.append(row)
        parts = "   ".join(
            f"{name}: median {part['median']:.0f} p99 {part['p99']:.0f} max {part['max']:.0f} ms (n={part['count']})"
            for name, part in row.items()
            if isinstance(part, dict)
        )
        print(f"{case:<34} {streams:>5} streams   {parts}", flush=True)


def _summary(values: list[float]) -> dict[str, float]:
    values = sorted(values)
    return {
        "median": round(statistics.median(values), 1),
        "p99": round(values[min(len(values) - 1, int(len(values) * 0.99))], 1),
        "max": round(values[-1], 1),
        "count": len(values),
    }


def arrivals(
    browsers: Browsers,
    streams: int,
    count: int,
    send: Callable[[], Any],
    path: str = "",
    click: Callable[[], float] | None = None,
) -> dict[str, list[float]]:
    """Send `count` times; seconds from each start to every stream, to the last stream, and to the last read."""
    found: dict[str, list[float]] = {"each": [], "last": []}
    if path:
        found |= {"last read": [], "a click meanwhile": []}
    for _ in range(count):
        time.sleep(random.uniform(0.05, 0.15))
        browsers.arm(path)
        start = time.monotonic()
        send()
        if click:
            found["a click meanwhile"].append(click())
        seen = browsers.wait(streams, 30)
        if len(seen["heard"]) < streams or set(seen["answers"]) - {200}:
            raise SystemExit(
                f"{len(seen['heard'])} of {streams} streams heard of it; answers {set(seen['answers'])}"
            )
        found["each"] += [moment - start for moment in seen["heard"]]
        found["last"].append(max(seen["heard"]) - start)
        if path:
            found["last read"].append(max(seen["read"]) - start)
    return found


@contextmanager
def writing_transaction(dsn: str, seconds: float = 5.0) -> Iterator[None]:
    """An unrelated transaction that has written, and stays open while the body runs (at least `seconds` in all)."""
    import psycopg

    with psycopg.connect(dsn) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS bench_unrelated (words text)")
        conn.commit()
        started = time.monotonic()
        conn.execute("INSERT INTO bench_unrelated VALUES ('held open')")
        yield
        time.sleep(max(0.0, started + seconds - time.monotonic()))
        conn.commit()


WATCH = """
globalThis.seen = {};
new MutationObserver(() => {
  const list = document.getElementById("list");
  for (const [subject] of (list?.innerText ?? "").matchAll(/Bench \\d+ \\d+/g)) {
    if (!(subject in seen)) {
      seen[subject] = 0;
      requestAnimationFrame(() => (seen[subject] = performance.timeOrigin + performance.now()));
    }
  }
}).observe(document.body, { subtree: true, childList: true, characterData: true });
"""


class Screen:
    """A real browser with the list of conversations open."""

    def __init__(self, made: Product, key: str) -> None:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=_chromium(), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        context = self._browser.new_context()
        address = f"http://127.0.0.1:{made.http}"
        context.add_cookies([{"name": COOKIE, "value": key, "url": address}])
        self.page = context.new_page()
        self.page.goto(f"{address}/all")
        self.page.wait_for_selector("[data-live-dot][data-live=on]", state="attached")
        self.page.evaluate(WATCH)

    def shown(self, subject: str) -> float:
        """When the frame with that subject was drawn: seconds of the wall clock."""
        handle = self.page.wait_for_function(
            "subject => globalThis.seen[subject]", arg=subject, polling=20, timeout=15000
        )
        return float(handle.json_value()) / 1000

    def close(self) -> None:
        """Close it."""
        self._browser.close()
        self._playwright.stop()


def screen_times(bench: Bench, screen: Screen, count: int) -> list[float]:
    """Seconds from smtplib's start to the text on the screen."""
    found = []
    for _ in range(count):
        time.sleep(random.uniform(0.05, 0.15))
        start = time.time()
        subject = bench.mail()
        found.append(screen.shown(subject) - start)
    return found


def with_streams(bench: Bench, streams: int, mails: int, *, browser: bool) -> None:
    """Every case with this many streams open."""
    made, browsers = bench.made, Browsers(bench.made.http)
    keys = bench.sessions(streams)
    before = made.memory()["web"]
    took = browsers.open(keys)
    time.sleep(1)
    memory = made.memory()["web"]
    print(f"{streams} streams open in {took:.1f} s; web {before:.0f} → {memory:.0f} MB", flush=True)
    bench.rows.append(
        {"case": "memory", "streams": streams, "before_mb": before, "after_mb": memory, "opened_s": took}
    )
    bench.row("NOTIFY to the streams", streams, **arrivals(browsers, streams, mails, bench.notify))
    bench.row("smtplib to the streams", streams, **arrivals(browsers, streams, mails, bench.mail))
    with writing_transaction(made.dsn):
        held = arrivals(browsers, streams, min(mails, 20), bench.mail)
    bench.row("… a writing transaction held open", streams, **held)
    if streams <= 200:
        reading = arrivals(
            browsers, streams, min(mails, 20), bench.mail, "/all", lambda: bench.click(keys[0])
        )
        bench.row("… and every one reads the list", streams, **reading)
    if browser:
        browsers.arm()
        on_screen(bench, streams, mails, keys[0])
    browsers.close()


def on_screen(bench: Bench, streams: int, mails: int, key: str) -> None:
    """The cases with a real browser."""
    found: list[float] = []
    failed: list[BaseException] = []

    def drive() -> None:  # Playwright wants a thread without Django's connections
        try:
            screen = Screen(bench.made, key)
            screen_times(bench, screen, 5)
            found.extend(screen_times(bench, screen, mails))
            screen.close()
        except BaseException as error:
            failed.append(error)

    for case, around in (
        ("smtplib to a browser's screen", nullcontext()),
        ("… a writing transaction held open", writing_transaction(bench.made.dsn)),
    ):
        found.clear()
        with around:
            thread = threading.Thread(target=drive)
            thread.start()
            thread.join()
        if failed:
            raise failed[0]
        bench.row(case, streams, screen=list(found))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", nargs="*", type=int, default=[200, 1000])
    parser.add_argument("--mails", type=int, default=50)
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    browser = _chromium() is not None
    if not browser:
        print("Without Chromium (apt-get install chromium-headless-shell) nothing is measured on a screen.")
    with product("web", "mail", "worker") as made:
        bench = Bench(made)
        for _ in range(10):  # warm
            bench.mail()
        time.sleep(1)
        for streams in options.streams:
            with_streams(bench, streams, options.mails, browser=browser)
        if options.json:
            with open(options.json, "w") as file:
                json.dump(bench.rows, file, indent=1)


if __name__ == "__main__":
    main()
