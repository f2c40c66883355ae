"""What the documentation shows runs as it stands, against a real server."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.client import token_of
from tests.processes import free_port, role, wait_for_port
from tests.worlds import Shop
from wasl.config import kinds
from wasl.config.env import table
from wasl.kit.problem import KINDS

DOCS = kinds.CHECKOUT / "docs"
EXAMPLES = DOCS / "examples"


@pytest.fixture
def server(shop: Shop) -> Iterator[dict[str, str]]:
    """The environment of somebody who tries the examples; web front and worker are processes of their own."""
    port = free_port()
    with role("wasl.doors.web:serve", WASL_HTTP_PORT=str(port)) as web, role("wasl.config.worker:run"):
        wait_for_port(port, web)
        yield {
            "PATH": os.environ["PATH"],
            "WASL_URL": f"http://127.0.0.1:{port}",
            "WASL_TOKEN": token_of(shop),
            "WASL_INBOX": "forms",
        }


def run(server: dict[str, str], *command: str, given: str = "") -> str:
    """What an example prints; it must end well."""
    done = subprocess.run(
        command, env=server, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shell(server: dict[str, str], name: str, *arguments: str) -> str:
    return run(server, "sh", str(EXAMPLES / name), *arguments)


def python(server: dict[str, str], name: str, *arguments: str, given: str = "") -> str:
    return run(server, sys.executable, str(EXAMPLES / name), *arguments, given=given)


def needs_curl() -> None:
    if shutil.which("curl") is None:
        if os.environ.get("CI"):
            pytest.fail("curl is not installed")
        pytest.skip("needs curl: apt-get install curl")


def test_the_shell_examples(server: dict[str, str]) -> None:
    needs_curl()
    first, last = shell(server, "hand_in.sh").splitlines()
    assert first.startswith("accepted: ")
    assert last.startswith("received, in conversation ")
    again = shell(server, "hand_in.sh").splitlines()
    assert again == [first, last]
    answered = shell(server, "answer.sh", "It left this morning.").splitlines()
    message, conversation = json.loads(answered[1]), json.loads(answered[2])
    assert (message["text"], message["status"]) == ("It left this morning.", "ready")
    assert (conversation["status"], conversation["messages"]) == ("resolved", 2)


def test_the_python_examples(server: dict[str, str]) -> None:
    lines = [
        json.dumps(
            {
                "id": f"m{n}",
                "from": {"address": f"c{n % 7}", "name": f"Customer {n % 7}"},
                "text": f"Line {n}",
            }
        )
        for n in range(230)
    ]
    for _ in range(2):
        assert python(server, "import_messages.py", given="\n".join(lines)) == "230 messages are stored\n"
    until(lambda: len(python(server, "list_customers.py").splitlines()) == 7)
    assert "Customer 3 api:c3" in python(server, "list_customers.py").splitlines()
    customer = ask(server, "/customers?search=c3")["items"][0]["id"]
    until(lambda: proved(server, customer))
    assert re.fullmatch(
        r"message.received of \S+ is number \d+ of \d+: proved\n", python(server, "verify.py", customer)
    )


def proved(server: dict[str, str], customer: str) -> bool:
    """Whether the log has come to the customer's newest touchpoint."""
    newest = ask(server, f"/customers/{customer}/timeline?limit=1")["items"][0]["id"]
    return "leaf" in ask(server, f"/touchpoints/{newest}/proof")


def ask(server: dict[str, str], path: str) -> Any:
    import httpx

    headers = {"Authorization": f"Bearer {server['WASL_TOKEN']}"}
    return httpx.get(f"{server['WASL_URL']}/api/v1{path}", headers=headers).json()


def until(true: Any) -> None:
    deadline = time.monotonic() + 90
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_commands_of_the_page(server: dict[str, str]) -> None:
    needs_curl()
    commands = re.findall(r"^```sh\n(.*?)^```", (DOCS / "api.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(commands) == 4
    inboxes, accepted, conversations, order = (
        json.loads(run(server, "sh", "-euc", command)) for command in commands
    )
    assert {inbox["address"] for inbox in inboxes} >= {"forms"}
    assert accepted["status"] == "accepted"
    assert conversations["next"] is None
    assert (order["number"], order["status"]) == ("DZ-20377", "sent")


def test_the_page_speaks_of_what_there_is() -> None:
    pages = (DOCS / "api.md", DOCS / "webhooks.md", DOCS / "channels" / "webhook.md")
    text = "".join(page.read_text() for page in pages)
    for name in re.findall(r"\((?:\.\./)?examples/([^)]+)\)", text):
        assert (EXAMPLES / name).is_file()
    assert {path.name for path in EXAMPLES.iterdir()} == set(
        re.findall(r"\((?:\.\./)?examples/([^)]+)\)", text)
    )
    for slug in re.findall(r"/api/v1/problems/([\w-]+)", text):
        assert slug in KINDS


def test_the_pace_of_the_page_is_the_setting() -> None:
    rate = next(row.default for row in table() if row.name == "WASL_API_RATE")
    assert f"may ask {int(rate):,} times a second" in (DOCS / "api.md").read_text()


def test_the_page_shows_a_true_problem(shop: Shop) -> None:
    from tests.api.client import Door

    text = (DOCS / "api.md").read_text()
    (shown,) = re.findall(r"^```json\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    door = Door(shop, token_of(shop))
    try:
        assert door({"from": {"address": "a"}, "text": 7}).json() == json.loads(shown)
    finally:
        door.close()


def test_every_address_of_the_page_is_in_the_document() -> None:
    from wasl.api.document import document

    known = {re.sub(r"{\w+}", "{}", path) for path in document()["paths"]}
    text = (DOCS / "api.md").read_text()
    for path in re.findall(r"`(?:GET|POST|PATCH) (/api/v1/[^`?\s]+)", text):
        assert re.sub(r"{\w+}", "{}", path) in known, path
