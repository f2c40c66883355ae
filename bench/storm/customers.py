"""Customers who write through every door, and write the same again until they are told that it was taken.

Each sender is a process of its own and keeps a ledger: a line for each message that was acknowledged, with the id
that the product gave it.
"""

import http.client
import json
import random
import smtplib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAIL_INBOXES = ("support@dar-zaytun.example", "orders@dar-zaytun.example")
BATCH = 10
PAUSE = 0.1
HUNG_UP = 0.02
"""Share of mails after whose final dot the sender hangs up without hearing the answer, and comes again."""
LARGE, UNREADABLE = 0.01, 0.01


@dataclass(frozen=True)
class Round:
    """What one sender does: `count` messages by `door`, spread over `seconds`."""

    door: str
    number: int
    count: int
    seconds: float
    seed: int
    ledger: Path
    port: int
    inbox: str = ""
    token: str = ""


def write(one: Round) -> None:
    """Send everything; ends when all of it was acknowledged."""
    dice = random.Random(f"{one.seed} {one.door} {one.number}")
    began = time.monotonic()
    gap = one.seconds / one.count
    with one.ledger.open("a", buffering=1) as ledger:
        if one.door == "batch":
            for first in range(0, one.count, BATCH):
                _wait_until(began + first * gap)
                _post_batch(one, range(first, min(first + BATCH, one.count)), ledger)
            return
        for index in range(one.count):
            _wait_until(began + index * gap)
            if one.door == "api":
                _post(one, index, ledger)
            else:
                _mail(one, index, dice, ledger)


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _acknowledged(ledger: Any, key: str, payload: str, tries: int) -> None:
    ledger.write(json.dumps({"key": key, "id": payload, "tries": tries}) + "\n")


# Mail ------------------------------------------------------------------------------------------------------


def _mail(one: Round, index: int, dice: random.Random, ledger: Any) -> None:
    """A session for each message, as mail servers do."""
    key = f"{one.door}{one.number}-{index}"
    raw, to = _letter(one, index, key, dice)
    kind = smtplib.LMTP if one.door == "lmtp" else smtplib.SMTP
    hang_up = dice.random() < HUNG_UP
    for tries in range(1, 100_000):
        try:
            with kind("127.0.0.1", one.port, local_hostname="people.example", timeout=30) as session:
                said = _session(session, to, raw, hang_up)
        except (OSError, smtplib.SMTPException):
            said = ""
        hang_up = False
        if said:
            _acknowledged(ledger, key, said.rpartition(" ")[2], tries)
            return
        time.sleep(PAUSE)


def _session(session: smtplib.SMTP, to: str, raw: bytes, hang_up: bool) -> str:
    """The listener's words if it took the message, else ''. Raises OSError, SMTPException."""
    session.ehlo()
    if session.mail("customer@people.example")[0] != 250 or session.rcpt(to)[0] != 250:
        return ""
    if hang_up:
        session.putcmd("data")
        session.getreply()
        session.send(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        if session.sock:
            session.sock.shutdown(socket.SHUT_RDWR)
        return ""
    code, said = session.data(raw)
    return said.decode() if code == 250 else ""


def _letter(one: Round, index: int, key: str, dice: random.Random) -> tuple[bytes, str]:
    """A mail and its inbox: a person's first, or one more in their thread; some large, some that nobody can read."""
    person = index // 3
    before = " ".join(f"<{one.door}{one.number}-{n}@people.example>" for n in range(index - index % 3, index))
    sender = (
        ""
        if dice.random() < UNREADABLE
        else f"From: P {key} <{one.door}{one.number}.p{person}@people.example>"
    )
    thread = f"In-Reply-To: {before.split()[-1]}\r\nReferences: {before}" if before else ""
    lines = [
        sender,
        f"To: {MAIL_INBOXES[person % 2]}",
        f"Subject: Order {key}",
        f"Message-ID: <{key}@people.example>",
        "Date: Tue, 10 Feb 2026 09:51:00 +0000",
        thread,
    ]
    words = "Has my parcel left?\r\n.. and a line with dots.\r\n"
    if dice.random() < LARGE:
        words *= 3000
    head = "\r\n".join(line for line in lines if line)
    return f"{head}\r\n\r\n{key}\r\n{words}".encode(), MAIL_INBOXES[person % 2]


# The API ---------------------------------------------------------------------------------------------------


def _body(one: Round, index: int) -> dict[str, Any]:
    key = f"{one.door}{one.number}-{index}"
    address = f"{one.door}{one.number}.p{index // 3}"
    return {
        "id": key,
        "from": {"address": address},
        "subject": f"Order {key}",
        "text": f"{key}\nHas my parcel left?",
    }


def _post(one: Round, index: int, ledger: Any) -> None:
    body = _body(one, index)
    for tries, (status, answer) in _answers(one, "", body):
        if status == 202:
            _acknowledged(ledger, body["id"], answer["id"], tries)
            return


def _post_batch(one: Round, indexes: range, ledger: Any) -> None:
    bodies = [_body(one, index) for index in indexes]
    for tries, (status, answer) in _answers(one, "/batch", {"messages": bodies}):
        if status == 202:
            for body, result in zip(bodies, answer["results"], strict=True):
                _acknowledged(ledger, body["id"], result["id"], tries)
            return


def _answers(one: Round, end: str, body: dict[str, Any]) -> Iterator[tuple[int, tuple[int, dict[str, Any]]]]:
    """The answers to the same request, sent again and again; status 0 when there was none."""
    path = f"/api/v1/inboxes/{one.inbox}/messages{end}"
    headers = {"Authorization": f"Bearer {one.token}", "Content-Type": "application/json"}
    for tries in range(1, 100_000):
        connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=30)
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            yield tries, (answer.status, json.loads(answer.read()))
            if answer.status not in (202, 429, 500, 503):
                raise SystemExit(f"the API's door answered {answer.status}")
        except (OSError, ValueError, http.client.HTTPException):
            yield tries, (0, {})
        finally:
            connection.close()
        time.sleep(PAUSE)
