"""The door when something goes wrong below it."""

import asyncio
from typing import Any

import psycopg
import pytest

from tests.api.client import Door
from tests.worlds import Shop
from wasl.intake import writer as module
from wasl.intake.door import Door as Below
from wasl.intake.store import Raw, Stored
from wasl.intake.writer import Unavailable
from wasl.kit.db import conninfo

Owner = psycopg.Connection[Any]


def kill_doors() -> int:
    """End every connection of the doors, from the server's side."""
    with psycopg.connect(conninfo("app", "killer"), autocommit=True) as conn:
        rows = conn.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'wasl door'"
        )
        return len(rows.fetchall())


def test_a_message_survives_the_death_of_every_connection(door: Door, message: Any, owner: Owner) -> None:
    assert {a.status_code for a in door.together([message] * 8)} == {202}
    assert kill_doors() >= 2
    assert {a.status_code for a in door.together([message] * 8)} == {202}
    kill_doors()
    again = door(message | {"id": "x"})
    kill_doors()
    assert door(message | {"id": "x"}).json() == again.json()
    row = owner.execute("SELECT count(*) FROM intake_inbound").fetchone()
    assert row == (17,)


def test_a_connection_that_dies_in_the_middle_costs_nothing(door: Door, message: Any, owner: Owner) -> None:
    """Requests are sent while connections are being killed: each is stored once, or answered 503."""

    async def go() -> list[Any]:
        async def kill() -> None:
            for _ in range(10):
                await asyncio.to_thread(kill_doors)
                await asyncio.sleep(0.03)

        killing = asyncio.create_task(kill())
        answers = []
        for n in range(120):
            body = message | {"id": f"k{n}"}
            answers.append(await door.send(body, "/api/v1/inboxes/forms/messages", "POST", None, {}))
        await killing
        return answers

    answers = door.runner.run(go())
    assert {a.status_code for a in answers} <= {202, 503}
    assert all(a.headers["retry-after"] == "1" for a in answers if a.status_code == 503)
    accepted = {a.json()["id"] for a in answers if a.status_code == 202}
    stored = {str(row[0]) for row in owner.execute("SELECT id FROM intake_inbound")}
    assert accepted <= stored
    assert len(stored) <= 120


def below(shop: Shop, work: Any) -> Any:
    """Run something with the doors' common ground, opened and closed."""

    async def go() -> Any:
        door = Below("door test")
        await door.open()
        try:
            return await work(door)
        finally:
            await door.close()

    return asyncio.run(go())


def payload(shop: Shop, name: str, **envelope: Any) -> Raw:
    return Raw(shop.forms.id, "api", name.encode(), name.encode().ljust(32), envelope)


def test_one_bad_payload_does_not_harm_the_others(shop: Shop, owner: Owner) -> None:
    """A NUL inside jsonb makes the whole statement fail; only its sender hears of it."""

    async def work(door: Below) -> list[Any]:
        good = [door.take(shop.id, [payload(shop, f"m{n}")]) for n in range(6)]
        bad = door.take(shop.id, [payload(shop, "bad", text="\0")])
        return await asyncio.gather(*good[:3], bad, *good[3:], return_exceptions=True)

    answers = below(shop, work)
    assert isinstance(answers.pop(3), psycopg.DataError)
    assert all(isinstance(answer[0], Stored) for answer in answers)
    row = owner.execute("SELECT count(*) FROM intake_inboundqueue").fetchone()
    assert row == (6,)


def test_many_payloads_are_split_over_statements(shop: Shop, monkeypatch: Any, owner: Owner) -> None:
    monkeypatch.setattr(module, "TOGETHER", 3)

    async def work(door: Below) -> list[Any]:
        return await asyncio.gather(*(door.take(shop.id, [payload(shop, f"m{n}")]) for n in range(20)))

    answers = below(shop, work)
    stored = {row[0]: bytes(row[1]) for row in owner.execute("SELECT id, raw FROM intake_inbound")}
    assert [stored[answer[0].id] for answer in answers] == [f"m{n}".encode() for n in range(20)]


def test_a_database_that_is_away_is_said_so(shop: Shop, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)

    async def refuse() -> Any:
        raise psycopg.OperationalError("connection refused")

    async def work(door: Below) -> None:
        door._writer._connect = refuse
        with pytest.raises(Unavailable):
            await door.take(shop.id, [payload(shop, "m")])

    below(shop, work)


def test_the_worker_is_woken(shop: Shop, owner: Owner) -> None:
    owner.execute("LISTEN wasl_wake")

    async def work(door: Below) -> list[str]:
        await door.take(shop.id, [payload(shop, "m")])
        heard = owner.notifies(timeout=30, stop_after=1)
        return await asyncio.to_thread(lambda: [note.payload for note in heard])

    assert below(shop, work) == ["intake"]
