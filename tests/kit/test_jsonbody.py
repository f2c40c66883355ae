"""Saying what is wrong with a body."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasl.kit.jsonbody import decode, refuse_nul
from wasl.kit.problem import BY_STATUS, KINDS, Problem, for_status

ANY = msgspec.json.Decoder(Any)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def outcome(work: Callable[[], Any]) -> Any:
    """What it returns, or the problem it raises."""
    try:
        return work()
    except Problem as problem:
        return problem


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_problem(body: bytes) -> None:
    value = outcome(lambda: decode(ANY, body))
    if isinstance(value, Problem):
        assert value.status == 400
        assert json.loads(value.body())["detail"]
    else:
        json.dumps(value).encode()


@given(JSON)
def test_a_nul_is_found_wherever_it_is(value: Any) -> None:
    found = outcome(lambda: refuse_nul(json.dumps(value).encode()))
    if holds_nul(value):
        assert found.errors[0].pointer.startswith("#")
    else:
        assert found is None


def holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(holds_nul(item) for pair in value.items() for item in pair)
    return any(map(holds_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value


@pytest.mark.parametrize("text", [r'"\ud83d\ude00"', r'"\\ud800"', r'"\\\\udc00"'])
def test_whole_pairs_and_backslashes_are_fine(text: str) -> None:
    assert decode(ANY, text.encode()) == json.loads(text)


def test_what_is_nested_too_deeply_is_a_problem() -> None:
    with pytest.raises(Problem, match="deep"):
        decode(ANY, b"[" * 100_000)


def test_every_status_has_a_general_kind() -> None:
    assert set(BY_STATUS) == {kind.status for kind in KINDS.values()}
    assert for_status(422).kind.slug == "invalid"
    assert for_status(418).status == 400
    assert for_status(502).status == 500
