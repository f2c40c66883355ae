"""Every message of the development data through the whole intake: SMTP, the raw store, the worker's understanding.

Each ends as a message on the timeline, as a receipt of a delivery, or in quarantine with a reason that is the
message's own fault; none brings its batch down.
"""

import os
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings

from tests.delivery.road import Road
from tests.inbound import receive, work
from tests.processes import free_port, role, wait_for_port
from tests.worlds import Shop
from wasl.channels.base import Unparseable, Unread
from wasl.channels.email.parse import parse


@pytest.fixture
def samples() -> list[bytes]:
    folder: Path = settings.ENV.sample_data
    found = sorted([*folder.glob("mime/**/*.eml"), *folder.glob("bounces/**/*.eml")])
    if not found:
        if os.environ.get("CI"):
            pytest.fail(f"no development data in {folder}")
        pytest.skip("needs the development data: WASL_SAMPLE_DATA=/path/to/data")
    assert len(found) > 300
    return [path.read_bytes() for path in found]


@pytest.fixture
def smtp(cluster: Any) -> Iterator[int]:
    port = free_port()
    with role("wasl.doors.mail:serve", WASL_SMTP_PORT=str(port), WASL_LMTP_PORT="off") as process:
        wait_for_port(port, process)
        yield port


def ends(owner: psycopg.Connection[Any]) -> dict[UUID, list[str]]:
    """What became of each stored payload."""
    found: dict[UUID, list[str]] = {row[0]: [] for row in owner.execute("SELECT id FROM intake_inbound")}
    for question in (
        "SELECT id, 'message' FROM conversations_message WHERE way = 'in'",
        "SELECT about_id, 'touchpoint' FROM timeline_touchpoint WHERE kind = 'message.received'",
        "SELECT inbound_id, 'receipt' FROM delivery_receipt",
        "SELECT id, reason FROM intake_quarantine",
        "SELECT id, 'waiting' FROM intake_inboundqueue",
    ):
        for payload, what in owner.execute(question):
            found[payload].append(what)
    return found


MESSAGE, RECEIPT = ["message", "touchpoint"], ["receipt"]


def assert_one_end_each(stored: dict[UUID, bytes], found: dict[UUID, list[str]], ended: list[str]) -> None:
    """Those that can be read came to `ended`, or to a message; the others are set aside for their own fault."""
    assert found.keys() == stored.keys()
    for payload, raw in stored.items():
        why = fault(raw)
        nobody = why is None and not parse(raw).sender.address
        expected = [[why]] if why else [ended, [str(Unread.NO_SENDER)]] if nobody else [MESSAGE, ended]
        assert found[payload] in expected
        assert why in {None, *Unread} - {Unread.BROKEN}


def fault(raw: bytes) -> str | None:
    """Why a message cannot be read at all; None when it can."""
    try:
        parse(raw)
    except Unparseable as error:
        return error.reason
    return None


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the product had to say: a batch that was brought down is logged."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("wasl")]


def test_every_sample_comes_to_one_end(
    samples: list[bytes],
    smtp: int,
    shop: Shop,
    owner: psycopg.Connection[Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    stored: dict[UUID, bytes] = {}
    with smtplib.SMTP("127.0.0.1", smtp) as server:
        server.ehlo()
        for raw in samples:
            server.mail("someone@elsewhere.example")
            server.rcpt("support@dar-zaytun.example")
            code, said = server.data(raw)
            assert code == 250, said
            stored[UUID(said.decode().rpartition(" ")[2])] = raw
    assert len(stored) > 300
    assert work() == len(stored)
    assert_one_end_each(stored, ends(owner), MESSAGE)
    assert complaints(caplog) == []


def test_reports_about_our_own_mail_become_receipts(
    samples: list[bytes], shop: Shop, owner: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    road = Road(shop, owner)
    reports = []
    for raw in samples:
        report = None if fault(raw) else parse(raw).bounce
        if report and report.original_message_id:
            reports.append(raw)
            delivery = road.send()
            owner.execute(
                "UPDATE conversations_message m SET rfc_id = %s, delivery_id = d.id FROM delivery_delivery d"
                " WHERE d.id = %s AND m.id = d.message_id",
                [report.original_message_id, delivery],
            )
    assert len(reports) > 150
    stored = dict(zip(receive(shop, *reports), reports, strict=True))
    assert work() == len(stored)
    found = ends(owner)
    assert_one_end_each(stored, found, RECEIPT)
    assert all(what == RECEIPT for what in found.values())
    assert complaints(caplog) == []
