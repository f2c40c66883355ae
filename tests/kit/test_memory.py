"""What a process remembers for a while."""

from typing import Any

import pytest

from wasl.kit.memory import Pace, Recent


@pytest.fixture
def clock(monkeypatch: Any) -> list[float]:
    time = [1000.0]
    monkeypatch.setattr("wasl.kit.memory.time.monotonic", lambda: time[0])
    return time


def test_values_are_good_for_their_time(clock: list[float]) -> None:
    recent: Recent[str, int] = Recent(10, 100)
    recent.put("a", 1)
    clock[0] += 10
    assert recent.get("a") == 1
    clock[0] += 0.1
    assert recent.get("a") is None
    assert recent.get("b") is None


def test_the_oldest_make_room(clock: list[float]) -> None:
    recent: Recent[int, int] = Recent(10, 3)
    for n in (1, 2, 3, 1, 4):
        recent.put(n, n)
    assert [recent.get(n) for n in (1, 2, 3, 4)] == [1, None, 3, 4]
    recent.clear()
    assert recent.get(4) is None


def test_a_pace_lets_a_burst_through_and_then_its_rate(clock: list[float]) -> None:
    pace: Pace[str] = Pace(rate=4, burst=3)
    assert [pace.take("a") for _ in range(4)] == [0, 0, 0, 0.25]
    assert pace.take("b") == 0
    clock[0] += 0.25
    assert pace.take("a") == 0
    assert pace.take("a") == 0.25
    clock[0] += 3600
    assert [pace.wait("a") for _ in range(9)] == [0] * 9, "to look takes nothing"
    assert [pace.take("a") for _ in range(4)] == [0, 0, 0, 0.25]
    assert pace.wait("a") == 0.25


def test_no_rate_is_no_limit(clock: list[float]) -> None:
    pace: Pace[str] = Pace(0, 0)
    assert {pace.take("a") for _ in range(1000)} == {0.0}
    assert pace.wait("a") == 0


def test_a_pace_forgets_who_has_been_away_longest(clock: list[float]) -> None:
    pace: Pace[int] = Pace(1, 1, limit=2)
    for key in (1, 2, 3):
        pace.take(key)
    assert len(pace._buckets) == 2
    assert pace.take(3) == 1.0
