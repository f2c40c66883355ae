"""Workers that are killed in the middle of acknowledging: every customer hears once, and only once."""

import random
import subprocess
import sys
import time
from typing import Any

import psycopg

from tests.desk.test_acknowledge import FRENCH, acknowledgements, desk, follow_on, fresh  # noqa: F401 - fixtures
from tests.inbound import mail, take
from tests.worlds import Shop
from wasl.delivery.models import Delivery
from wasl.desk.models import Promise
from wasl.kit.db import tenant
from wasl.timeline.models import Touchpoint

CUSTOMERS = 80
KILLS = 10

WORKER = """
import dataclasses, sys
import django
django.setup()
from wasl.desk.acknowledge import FOLLOWER
from wasl.kit.db import pool
from wasl.timeline.follow import run_once
few = dataclasses.replace(FOLLOWER, batch=4)
with pool("queue", "killed").connection() as conn:
    print("ready", flush=True)
    while run_once(conn, few):
        print("passed", flush=True)
print("done", flush=True)
"""


def test_every_first_message_is_acknowledged_exactly_once(
    desk: Shop,  # noqa: F811
    owner: psycopg.Connection[Any],
) -> None:
    take(desk, *[mail(FRENCH, sender=f"Someone <someone{n}@atelier.example>") for n in range(CUSTOMERS)])
    chance, cut_short = random.Random(2026), 0
    for _ in range(KILLS):
        worker = subprocess.Popen([sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.1))
        cut_short += worker.poll() is None
        worker.kill()
        worker.wait()
        worker.stdout.close()
    assert cut_short > KILLS / 2, "most were killed while they worked"
    _until_nobody_holds_the_cursor(owner)
    follow_on()
    with tenant(desk.id):
        assert Promise.objects.count() == CUSTOMERS
        assert Delivery.objects.filter(payload__auto=True).count() == CUSTOMERS
        assert Touchpoint.objects.filter(kind="promise.made").count() == CUSTOMERS
    sent = acknowledgements(desk)
    assert len({message.conversation_id for message in sent}) == len(sent) == CUSTOMERS


def _until_nobody_holds_the_cursor(owner: psycopg.Connection[Any]) -> None:
    """A killed client's transaction ends when the server notices."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wasl killed'"
    end = time.monotonic() + 120
    while (owner.execute(asked).fetchone() or (0,))[0] and time.monotonic() < end:
        time.sleep(0.05)
