"""How long until it serves again: every service asked, from the moment of the kill, until each has answered.

- mail: the listener answers EHLO;
- web: /healthz says ok, which includes the database and live events;
- worker: a mail that was sent after the kill is on the timeline;
- live: an open page is told of it;
- and of the chats, where there are any: hooks, a webhook is acknowledged; polling, a bot's news are fetched and the
  next are asked for; smpp, what a message centre brings is acknowledged;
- imap: a mail in a mailbox outside is fetched and understood.
"""

import http.client
import itertools
import json
import smtplib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.house import House

PATIENCE = 90.0
EVERY = 0.25
"""Seconds between two probing mails: what was signalled while nobody heard is not told again."""

SERVICES = ("mail", "web", "worker", "live")
Question = Callable[[], bool]
_number = itertools.count(1)


class Page:
    """An open page: keeps the event stream open as a browser's script does, and notes which conversations it names."""

    def __init__(self, port: int, session: str) -> None:
        self._port = port
        self._session = session
        self._last = ""
        self._heard: dict[str, float] = {}
        self.connections = 0
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)
        self._thread.start()

    def heard(self, conversation: str) -> bool:
        """Whether the page was told of a conversation."""
        return conversation in self._heard

    def _run(self) -> None:
        while True:
            try:
                self._listen()
            except (OSError, ValueError, http.client.HTTPException):
                time.sleep(0.05)

    def _listen(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = {"Cookie": f"wasl_session={self._session}"} | (
            {"Last-Event-ID": self._last} if self._last else {}
        )
        connection.request("GET", "/live", headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise ValueError(answer.status)
        self.connections += 1
        name = ""
        while line := answer.readline().decode():
            field_, _, value = line.rstrip("\n").partition(": ")
            if field_ == "event":
                name = value
            elif field_ == "id":
                self._last = value
            elif field_ == "data" and name == "change":
                for conversation in json.loads(value).get("c", ()):
                    self._heard.setdefault(conversation, time.monotonic())


@dataclass
class Recovery:
    """Seconds from the last kill of a blow until each service that was asked answered; inf when it never did."""

    services: tuple[str, ...] = SERVICES
    took: dict[str, float] = field(default_factory=dict)

    def until(self, services: Iterable[str]) -> float:
        """Until all of these served again, as far as they were asked."""
        return max(self.took.get(name, float("inf")) for name in services if name in self.services)

    @property
    def longest(self) -> float:
        """Until everything served again."""
        return self.until(self.services)


class Watch:
    """Asks every service at once. One `look` at a time."""

    def __init__(
        self, house: House, page: Page, more: Mapping[str, Callable[[], Question]] | None = None
    ) -> None:
        self._house = house
        self._page = page
        self._more = more or {}
        self.probes = 0

    def look(self, since: float) -> Recovery:
        """Wait until everything answers; `since` is the moment of the kill on the monotonic clock."""
        found = Recovery((*SERVICES, *self._more))
        probe = _Probe(self._house)
        questions: dict[str, Question] = {
            "mail": self._greets,
            "web": self._healthy,
            "worker": probe.understood,
            "live": lambda: bool(probe.conversation) and self._page.heard(probe.conversation),
        } | {name: begin() for name, begin in self._more.items()}

        def ask(name: str) -> None:
            while time.monotonic() - since < PATIENCE:
                if questions[name]():
                    found.took[name] = time.monotonic() - since
                    return
                time.sleep(0.02)

        threads = [threading.Thread(target=ask, args=(name,)) for name in questions]
        threads.append(
            threading.Thread(target=probe.send_until, args=(lambda: len(found.took) == len(questions), since))
        )
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        probe.close()
        self.probes += probe.sent
        return found

    def _greets(self) -> bool:
        try:
            with smtplib.SMTP(
                "127.0.0.1", self._house.smtp, local_hostname="probe.example", timeout=2
            ) as session:
                return session.ehlo()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._house.http, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class _Probe:
    """A person who writes again and again, and whom nobody else writes to or as."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._who = f"probe{next(_number)}"
        self._conn: psycopg.Connection[Any] | None = None
        self.conversation = ""
        self.sent = 0

    def send_until(self, enough: Callable[[], bool], since: float) -> None:
        """Write a mail every moment; one that was not taken is not counted."""
        while not enough() and time.monotonic() - since < PATIENCE:
            raw = (
                f"From: <{self._who}@people.example>\r\nTo: support@dar-zaytun.example\r\nSubject: Probe\r\n"
                f"Message-ID: <{self._who}-{self.sent}@people.example>\r\n"
                f"References: <{self._who}-0@people.example>\r\n\r\nStill there?\r\n"
            )
            try:
                with smtplib.SMTP(
                    "127.0.0.1", self._house.smtp, local_hostname="probe.example", timeout=20
                ) as session:
                    session.sendmail(f"{self._who}@people.example", ["support@dar-zaytun.example"], raw)
                self.sent += 1
                time.sleep(EVERY)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.03)

    def understood(self) -> bool:
        """Whether one of the mails has become a message."""
        try:
            self._conn = self._conn or psycopg.connect(self._house.dsn, autocommit=True, connect_timeout=3)
            row = self._conn.execute(
                "SELECT m.conversation_id FROM conversations_message m"
                " WHERE m.rfc_id LIKE %s AND m.way = 'in' LIMIT 1",
                [f"{self._who}-%@people.example"],
            ).fetchone()
        except psycopg.OperationalError:
            self.close()
            return False
        if row:
            self.conversation = str(row[0])
        return row is not None

    def close(self) -> None:
        """Hang up."""
        if self._conn:
            self._conn.close()
        self._conn = None
