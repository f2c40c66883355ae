"""What the whole product needs in memory: idle, and while eight people at once hand it 25 MB each.

    make bench ARGS=memory
    python -m bench.memory --idle 60

`wasl demo` as people run it. All figures are proportional set sizes in MB (10^6 bytes): pages that several processes
share are counted once. The peaks are the largest of samples taken every 50 ms, from the first byte of the uploads until
the last of the eight mails with them has been sent, and from the first byte of eight incoming mails until all are
understood.
"""

import argparse
import http.client
import json
import os
import re
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.house import House, house, wait_for

AT_ONCE = 8
SIZE = 25_000_000
IDLE_GOAL, PEAK_GOAL = 300, 350
EVERY = 0.05
PATIENCE = 600.0


class Sampler:
    """The largest sum of all processes, and what it was made of."""

    def __init__(self, home: House) -> None:
        self._home = home
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak: dict[str, float] = {}
        self.each: dict[str, float] = {}
        self.samples = 0

    def _run(self) -> None:
        while not self._stopping.wait(EVERY):
            sizes = self._home.memory()
            self.samples += 1
            self.each = {name: max(size, self.each.get(name, 0.0)) for name, size in sizes.items()}
            if sum(sizes.values()) > sum(self.peak.values()):
                self.peak = sizes

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()


class Visitor:
    """A signed-in browser without a screen."""

    def __init__(self, port: int, session: str) -> None:
        self._port = port
        self._cookies = f"wasl_session={session}"
        answer, page = self._ask("GET", "/all", b"", {})
        found = re.search(r"X-CSRFToken&#34;: &#34;(\w+)|X-CSRFToken\": \"(\w+)", page)
        if answer.status != 200 or not found:
            raise SystemExit(f"the page answered {answer.status}: {page[:200]}")
        self._token = found[1] or found[2]
        self._cookies += "; " + str(answer.getheader("Set-Cookie")).partition(";")[0]

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[Any, str]:
        connection = http.client.HTTPConnection("localhost", self._port, timeout=300)
        try:
            connection.request(method, path, body, {"Cookie": self._cookies, **headers})
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()

    def reply(self, conversation: str, text: str, file: bytes) -> None:
        """Answer a customer in the composer, with a file."""
        mark = b"----composer"
        body = b"".join(
            [
                b"--"
                + mark
                + b'\r\nContent-Disposition: form-data; name="text"\r\n\r\n'
                + text.encode()
                + b"\r\n",
                b"--" + mark + b'\r\nContent-Disposition: form-data; name="files"; filename="scan.bin"\r\n'
                b"Content-Type: application/octet-stream\r\n\r\n" + file + b"\r\n--" + mark + b"--\r\n",
            ]
        )
        headers = {
            "Content-Type": f"multipart/form-data; boundary={mark.decode()}",
            "X-CSRFToken": self._token,
            "HX-Request": "true",
        }
        answer, page = self._ask("POST", f"/conversations/{conversation}/reply", body, headers)
        if answer.status != 200:
            raise SystemExit(f"the reply was answered {answer.status}: {page[:300]}")


def incoming(number: int, to: str, file: bytes) -> bytes:
    """A mail with a file, about 34 MB as it travels."""
    from base64 import encodebytes

    mark = b"=_scans"
    return b"".join(
        [
            b"From: Samira <samira%d@people.example>\r\nTo: %s\r\nSubject: Scans\r\n" % (number, to.encode()),
            b"Message-ID: <scans%d@people.example>\r\nMIME-Version: 1.0\r\n" % number,
            b'Content-Type: multipart/mixed; boundary="' + mark + b'"\r\n\r\n--' + mark + b"\r\n",
            b"Content-Type: text/plain; charset=utf-8\r\n\r\nHere are the scans.\r\n--" + mark + b"\r\n",
            b'Content-Type: application/octet-stream; name="scan.bin"\r\nContent-Transfer-Encoding: base64\r\n'
            b"Content-Disposition: attachment; filename=scan.bin\r\n\r\n",
            encodebytes(file).replace(b"\n", b"\r\n") + b"--" + mark + b"--\r\n",
        ]
    )


def _files() -> list[bytes]:
    return [os.urandom(SIZE) for _ in range(AT_ONCE)]


def _all_at_once(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(work, range(AT_ONCE)))


@contextmanager
def _demo(home: House) -> Iterator[tuple[Visitor, list[str], str, Any]]:
    """A visitor who may answer, conversations to answer, the inbox to write to, and a connection that sees all."""
    import django
    import psycopg

    django.setup()
    from tests.live.browser import sign_in
    from wasl.accounts.models import User

    with psycopg.connect(home.dsn, autocommit=True) as conn:
        row = conn.execute(
            "SELECT user_id, workspace_id FROM accounts_agent WHERE role = 'owner' AND is_active LIMIT 1"
        ).fetchone()
        address = conn.execute(
            "SELECT address FROM channels_inbox WHERE channel = 'email' LIMIT 1"
        ).fetchone()
        chosen = conn.execute(
            "SELECT c.id::text FROM conversations_conversation c JOIN channels_inbox i ON i.id = c.inbox_id"
            " WHERE i.channel = 'email' ORDER BY c.last_at DESC LIMIT %s",
            [AT_ONCE],
        ).fetchall()
        assert row
        assert address
        session = sign_in(User.objects.get(id=row[0]), row[1])
        yield Visitor(home.http, session), [c[0] for c in chosen], address[0], conn


def measure(home: House, idle: float) -> dict[str, Any]:
    """All four figures of a demo that has just come up."""
    time.sleep(idle)
    result: dict[str, Any] = {"idle": home.memory()}
    _print("idle", result["idle"], IDLE_GOAL)
    with _demo(home) as (visitor, conversations, address, conn):
        for name, load in (
            ("uploads", lambda: _uploads(visitor, conversations, conn)),
            ("mails", lambda: _mails(home, address, conn)),
        ):
            began = time.monotonic()
            with Sampler(home) as sampler:
                load()
            took = time.monotonic() - began
            time.sleep(10)
            result[name] = {
                "peak": sampler.peak, "each": sampler.each, "after": home.memory(),
                "seconds": round(took, 1), "samples": sampler.samples,
            }  # fmt: skip
            _print(f"peak of {AT_ONCE} {name} of {SIZE // 10**6} MB ({took:.1f} s)", sampler.peak, PEAK_GOAL)
            _print("  10 s later", result[name]["after"], PEAK_GOAL)
            _print("  largest of each", sampler.each)
    return result


def _uploads(visitor: Visitor, conversations: list[str], conn: Any) -> None:
    files = _files()
    _all_at_once(lambda n: visitor.reply(conversations[n], f"Scan {n}", files[n]))
    under_way = (
        "SELECT count(*) FROM delivery_delivery d JOIN conversations_message m ON m.id = d.message_id"
        " WHERE m.text LIKE 'Scan %' AND d.state NOT IN ('sent', 'delivered', 'failed')"
    )
    wait_for(lambda: conn.execute(under_way).fetchone()[0] == 0, PATIENCE, "deliveries have not ended")
    failed = conn.execute(
        "SELECT count(*) FROM delivery_delivery d JOIN conversations_message m ON m.id = d.message_id"
        " WHERE m.text LIKE 'Scan %' AND d.state NOT IN ('sent', 'delivered')"
    ).fetchone()
    if failed[0]:
        raise SystemExit(f"{failed[0]} of the answers were not sent")


def _mails(home: House, address: str, conn: Any) -> None:
    raws = [incoming(number, address, file) for number, file in enumerate(_files())]

    def send(number: int) -> None:
        with smtplib.SMTP("127.0.0.1", home.smtp, local_hostname="people.example", timeout=300) as smtp:
            smtp.sendmail(f"samira{number}@people.example", [address], raws[number])

    _all_at_once(send)
    question = (
        "SELECT count(*) FROM conversations_attachment a JOIN conversations_message m ON m.id = a.message_id"
        " WHERE m.rfc_id LIKE 'scans%' AND a.size = " + str(SIZE)
    )
    wait_for(lambda: conn.execute(question).fetchone()[0] == AT_ONCE, PATIENCE, "mails are not understood")


def _print(what: str, sizes: dict[str, float], goal: int = 0) -> None:
    parts = "  ".join(f"{name} {size:.0f}" for name, size in sorted(sizes.items(), key=lambda item: -item[1]))
    total = sum(sizes.values())
    sum_ = f"{total:5.0f} MB" + (f" (goal {goal})" if goal else "")
    print(f"{what:44} {sum_:18} {parts}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--idle", type=float, default=60.0, help="seconds to wait before the idle figure is taken"
    )
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    with house("demo", WASL_LOG_LEVEL="warning") as home:
        result = measure(home, options.idle)
        home.stop()
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
