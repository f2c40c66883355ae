"""A program of the business that is handed messages.

It forgets to answer, answers late, answers 429, 503 and 500, and reports what became of each message in any order, some
of it twice, before or after its answer, again until it is taken. What it has it knows by `webhook-id`.
"""

import contextlib
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.storm.webhooks import bring, by_program
from wasl.sandbox.chats import End

SLOWNESS = (0.02, 0.5)
FAULTS = (("lose", 0.03), ("busy", 0.03), ("wait", 0.02), ("broken", 0.03), ("early", 0.1))
LOST, TWICE = 0.05, 0.1
"""Shares of receipts."""


class Elsewhere:
    """Listens on `port`. `copies`: how often each text was taken; `unclear`: answers that left it open."""

    def __init__(self, seed: int, *, faults: bool) -> None:
        self.copies: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.under_way = 0
        self.program: End | None = None
        """Where receipts are to go, once it is known."""
        self._faults = faults
        self._dice = random.Random(f"{seed} elsewhere")
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()
        self._receipts: list[threading.Thread] = []
        self._open = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, name="elsewhere", daemon=True).start()

    @property
    def unclear(self) -> int:
        """Calls whose answer, as far as it came, did not say whether the message was taken."""
        return self.faults["lose"] + self.faults["broken"]

    def close(self) -> None:
        """Bring the receipts that are under way, and stop."""
        for thread in self._receipts:
            thread.join(30)
        self._open = False
        self._server.shutdown()
        self._server.server_close()

    def answer(self, headers: Mapping[str, str], body: Any) -> tuple[int, dict[str, Any]] | None:
        """What is answered: status and JSON; None for hanging up."""
        with self._lock:
            self.under_way += 1
            fault, wait = self._fault(), self._dice.uniform(*SLOWNESS) if self._faults else 0.0
        try:
            time.sleep(wait)
            if fault == "wait":
                return 429, {"detail": "Too Many Requests"}
            if fault == "busy":
                return 503, {"detail": "Service Unavailable", "title": "Service Unavailable"}
            if fault == "broken":
                return 500, {}
            said = self._take(headers, body, early=fault == "early")
            return None if fault == "lose" else said
        finally:
            with self._lock:
                self.under_way -= 1

    def _fault(self) -> str:
        throw = self._dice.random()
        for name, share in FAULTS if self._faults else ():
            if (throw := throw - share) < 0:
                self.faults[name] += 1
                return name
        return ""

    def _take(self, headers: Mapping[str, str], body: Any, *, early: bool) -> tuple[int, dict[str, Any]]:
        if body.get("type") != "message.send":
            return 200, {}
        key = headers["webhook-id"]
        with self._lock:
            new = key not in self._known
            ref = self._known.setdefault(key, f"ref-{len(self._known)}")
            self.copies[body["text"]] += new
        if new:
            told = self._report(ref)
            told.join(10.0 if early else 0.0)
        return 200, {"id": ref}

    def _report(self, ref: str) -> threading.Thread:
        """Bring receipts, from a thread of their own."""
        with self._lock:
            states = self._dice.sample(["sent", "delivered", "read"], k=self._dice.choice((2, 3)))
            states += [each for each in states if self._dice.random() < TWICE]
            states = [each for each in states if self._dice.random() >= LOST]
        thread = threading.Thread(target=self._bring, args=(ref, states), daemon=True)
        self._receipts.append(thread)
        thread.start()
        return thread

    def _bring(self, ref: str, states: list[str]) -> None:
        for state in states:
            event = {"type": "receipt", "of": ref, "state": state, "at": datetime.now(UTC).isoformat()}
            while self._open and self.program and not 200 <= bring(by_program(self.program, event)) < 300:
                time.sleep(0.2)


def _handler(here: Elsewhere) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            said = here.answer({k.lower(): v for k, v in self.headers.items()}, body)
            if said is None:
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            raw = json.dumps(said[1]).encode() if said[1] else b""
            self.send_response(said[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            if said[0] == 429:
                self.send_header("Retry-After", "1")
            with contextlib.suppress(OSError):  # whoever asked may be dead
                self.end_headers()
                self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
