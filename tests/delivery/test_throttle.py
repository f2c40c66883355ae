from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from wasl.delivery.claim import Key
from wasl.delivery.throttle import FIRST_REST, LONGEST_REST, Breaker, share

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def key(workspace: int, inbox: int) -> Key:
    return Key(UUID(int=workspace), UUID(int=workspace * 1000 + inbox))


keys = st.builds(key, st.integers(1, 4), st.integers(1, 5))


@given(
    room=st.dictionaries(keys, st.integers(-1, 9), max_size=12),
    free=st.integers(0, 20),
    served=st.dictionaries(keys, st.integers(1, 99)),
)
def test_shares_are_full_and_within_limits(room: dict[Key, int], free: int, served: dict[Key, int]) -> None:
    dealt = share(room, free, room, served)
    possible = sum(max(0, r) for r in room.values())
    assert sum(dealt.values()) == min(free, possible)
    assert all(0 < dealt[k] <= room[k] for k in dealt)


def test_workspaces_get_equal_parts_however_many_inboxes_they_have() -> None:
    room = {key(1, n): 8 for n in range(10)} | {key(2, 1): 8}
    dealt = share(room, 8, room, {})
    assert dealt[key(2, 1)] == 4
    assert set(dealt.values()) == {1, 4}


def test_with_one_sender_everybody_gets_a_turn() -> None:
    room = {key(w, i): 1 for w in (1, 2, 3) for i in (1, 2)}
    served: dict[Key, int] = {}
    turns: list[Key] = []
    for turn in range(1, 7):
        [(chosen, _)] = share(room, 1, room, served).items()
        served[chosen] = turn
        turns.append(chosen)
    assert Counter(turns) == Counter(room)
    assert [k.workspace_id.int for k in turns] == [1, 2, 3, 1, 2, 3]


def test_a_breaker_rests_longer_each_time_within_bounds() -> None:
    breaker, at, rests = Breaker(), NOW, []
    for _ in range(12):
        until = breaker.fail("unreachable", at, lambda: 0.999999)
        rests.append((until - at).total_seconds())
        assert breaker.is_open(at)
        at = until
        assert not breaker.is_open(at)
        assert breaker.until
    assert round(rests[0]) == FIRST_REST
    assert rests == sorted(rests)
    assert round(rests[-1]) == LONGEST_REST
    assert Breaker().fail("unreachable", NOW, lambda: 0.0) - NOW == timedelta(seconds=FIRST_REST / 2)


def test_calls_that_fail_together_count_once_and_success_forgets() -> None:
    breaker = Breaker()
    until = breaker.fail("unreachable", NOW, lambda: 0.5)
    for _ in range(5):
        assert breaker.fail("sign_in", NOW, lambda: 0.5) == until
    assert (breaker.failures, breaker.reason) == (1, "sign_in")
    breaker.succeed()
    assert not breaker.is_open(NOW)
    assert breaker.until is None
