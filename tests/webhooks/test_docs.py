"""What docs/webhooks.md shows is what happens."""

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.inbound import mail, take
from tests.processes import free_port
from tests.webhooks.receiver import Receiver
from tests.webhooks.road import Road
from wasl.config import kinds
from wasl.webhooks import course
from wasl.webhooks.events import OFFERED

DOCS = kinds.CHECKOUT / "docs"
PAGE = (DOCS / "webhooks.md").read_text()
RECEIVER = DOCS / "examples" / "verify_webhook.py"


def test_the_receiver_of_the_examples_takes_real_calls_and_no_forged_ones(road: Road) -> None:
    port = free_port()
    endpoint, secret = road.endpoint(f"http://127.0.0.1:{port}/hook")
    environment = {"PATH": os.environ["PATH"], "WASL_WEBHOOK_SECRET": secret, "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, str(RECEIVER)], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        _wait(port)
        take(road.shop, mail("Où est ma facture ?"))
        road.go()
        (call,) = road.calls(endpoint)
        assert (call.state, call.status) == ("done", 204)
        begin = datetime.now(UTC)
        body = b'{"type": "message.created", "data": {}}'
        stale = Webhook(secret).sign("msg_1", begin - timedelta(seconds=600), body.decode())
        fresh = Webhook(secret).sign("msg_1", begin, body.decode())
        for signature, at, what, status in (
            (stale, -600, body, 401),
            (fresh, 0, body + b" ", 401),
            ("v1,AAAA", 0, body, 401),
            (f"v1,AAAA {fresh}", 0, body, 204),
            (fresh, 0, body, 204),
        ):
            moment = str(int(begin.timestamp()) + at)
            headers = {"webhook-id": "msg_1", "webhook-timestamp": moment, "webhook-signature": signature}
            assert (
                httpx.post(f"http://127.0.0.1:{port}/", content=what, headers=headers).status_code == status
            )
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=5)
    lines = said.splitlines()
    assert len(lines) == 2, "the last one came twice and is one event"
    assert lines[0].startswith("message.created ")
    assert "Où est ma facture" in lines[0]


def _wait(port: int) -> None:
    end = time.monotonic() + 90
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/")
        except httpx.TransportError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return


def test_the_page_shows_the_lines_of_the_example() -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert lines in RECEIVER.read_text()


def test_the_example_has_the_shape_of_a_call(road: Road, receiver: Receiver) -> None:
    road.endpoint(receiver.url)
    take(road.shop, mail("Où est ma facture ?"))
    road.go()
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)

    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shape(each) for name, each in value.items() if name != "facts"}
        return [] if isinstance(value, list) else type(value).__name__

    assert shape(json.loads(example)) == shape(receiver.heard[0].json)


def test_what_it_says_of_kinds_and_tries_is_so() -> None:
    table = PAGE[PAGE.index("| kind | when |") : PAGE.index("## Answering")]
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", table)) - {"webhook.test"}
    assert named <= set(OFFERED)
    assert course.TRIES == 10
    assert "5 seconds, 5 minutes, 30 minutes, 2, 5, 10, 14, 20 and 24 hours" in PAGE
    assert [round(wait.total_seconds()) for wait in course.WAITS] == [
        5, 300, 1800, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)),
    ]  # fmt: skip
