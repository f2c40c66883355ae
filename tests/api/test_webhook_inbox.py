"""What docs/channels/webhook.md shows runs as it stands: curl and Python against real servers, there and back."""

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.api.test_examples import needs_curl, run
from tests.processes import free_port, role, wait_for_port
from tests.worlds import Shop
from wasl.channels.base import Reason
from wasl.channels.chat_inboxes import ChatInbox, kind, open_inbox, settings_of, webhook
from wasl.channels.models import Inbox
from wasl.channels.port import Choice, OutboundChat, Upload
from wasl.channels.webhook.hook import MOST
from wasl.channels.webhook.parse import FILES, parse
from wasl.channels.webhook.send import compose
from wasl.config import kinds
from wasl.conversations.models import Conversation, Message
from wasl.conversations.reply import reply
from wasl.delivery.models import Delivery
from wasl.kit.db import tenant

DOCS = kinds.CHECKOUT / "docs"
PAGE = (DOCS / "channels" / "webhook.md").read_text()
PROGRAM = DOCS / "examples" / "webhook_inbox.py"


def until(true: Callable[[], object], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def opened(shop: Shop, port: int) -> Inbox:
    values = {"address": "marketplace", "url": f"http://127.0.0.1:{port}/messages"}
    with tenant(shop.id):
        return open_inbox(
            shop.actor("owner"), kind("webhook"), ChatInbox(name="Market", language="en", values=values)
        )


@pytest.fixture
def inbox(shop: Shop) -> Iterator[tuple[Inbox, dict[str, str], int]]:
    """An inbox, the environment that its page tells to set, and the program's port."""
    port, own = free_port(), free_port()
    made = opened(shop, own)
    with role("wasl.doors.web:serve", WASL_HTTP_PORT=str(port)) as web, role("wasl.config.worker:run"):
        wait_for_port(port, web)
        secrets = settings_of(made).secrets
        path = webhook(made).split("/", 3)[3]
        environment = {
            "PATH": os.environ["PATH"], "WASL_HOOK": f"http://127.0.0.1:{port}/{path}", "PORT": str(own),
            "WASL_SECRET_IN": secrets["secret_in"], "WASL_SECRET_OUT": secrets["secret_out"],
        }  # fmt: skip
        yield made, environment, own


def test_there_and_back(shop: Shop, inbox: tuple[Inbox, dict[str, str], int]) -> None:
    needs_curl()
    made, environment, _ = inbox
    script = str(DOCS / "examples" / "webhook_inbox.sh")
    for _again in range(2):
        assert run(environment, "sh", script, "m-1", "Where is my order?") == "{}"
    wrong = subprocess.run(
        ["sh", script, "m-2", "x"], env=environment | {"WASL_SECRET_IN": "AAAAAAAAAAAAAAAA"}, capture_output=True,
        text=True, check=False, timeout=90,
    )  # fmt: skip
    assert wrong.returncode != 0
    assert '"status":401' in wrong.stdout.replace(" ", "")
    with tenant(shop.id):
        until(lambda: Conversation.objects.filter(inbox_id=made.id).exists())
    program = subprocess.Popen(
        [sys.executable, str(PROGRAM)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdin
        assert program.stdout
        program.stdin.write("It is urgent\n")
        program.stdin.flush()
        with tenant(shop.id):
            until(lambda: Message.objects.filter(channel="webhook", way="in").count() == 2)
            conversation = Conversation.objects.get(inbox_id=made.id)
            shown = list(
                Message.objects.filter(channel="webhook").order_by("at").values_list("text", flat=True)
            )
        assert shown == ["Where is my order?", "It is urgent"]
        with tenant(shop.id):
            reply(shop.actor("owner"), conversation.id, "It left this morning.")
        assert program.stdout.readline() == 'to cust-7 "It left this morning."\n'

        def state() -> Any:
            with tenant(shop.id):
                return Delivery.objects.values_list("state", "ref").get()

        until(lambda: state()[0] == "delivered")
        assert state()[1].startswith("sent-")
    finally:
        program.terminate()
        program.communicate(timeout=5)


def test_the_page_shows_the_lines_of_the_example() -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert lines in PROGRAM.read_text()


def test_the_shapes_of_the_page_are_those_of_the_code() -> None:
    first, answer = (json.loads(each) for each in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    parse(json.dumps(first).encode())
    for event in re.findall(r"\| `(\{\"type\".*?\})` \|", PAGE):
        known = json.loads(event.replace('"at": "…"', '"at": "2026-11-22T14:07:07Z"'))
        assert "another" not in repr(parse(json.dumps(known).encode()))
    named = set(
        re.findall(r"`(\w+)`", PAGE[PAGE.index("`reason` is one of") : PAGE.index("An event of another")])
    )
    assert named - {"reason"} <= set(Reason)
    file = Upload("slip.pdf", "application/pdf", 4, lambda: io.BytesIO(b"%PDF"))
    message = OutboundChat(
        delivery="d", to="c", text="t", language="en", answers="m", mark_read="m", choices=(Choice("k", "t"),),
        files=(file,),
    )  # fmt: skip
    shown = compose(message)
    assert set(answer) == set(shown)
    assert answer["files"] == shown["files"]
    assert set(answer["choices"][0]) == set(shown["choices"][0])
    assert f"up to {MOST}" in PAGE
    assert f"Up to {FILES}." in PAGE
    limits = kind("webhook").limits
    assert (limits.text, limits.files, limits.file_size, limits.choices) == (100_000, 5, 5_000_000, 20)
