"""Packed arrays say what psycopg's own say."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.array import ListBinaryDumper

from wasl.kit import arrays

TEXT = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]))


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.lists(st.none() | st.uuids()),
        st.lists(st.none() | TEXT),
        st.lists(st.none() | st.binary()),
        st.lists(st.integers(-(2**40), 2**40), min_size=1),
        st.lists(st.lists(st.uuids(), min_size=2, max_size=2), min_size=1),
    )
)
def test_the_bytes_are_the_same(values: list[Any]) -> None:
    ours = arrays.PackedListDumper(list).upgrade(values, psycopg.adapt.PyFormat.BINARY)
    theirs = ListBinaryDumper(list).upgrade(values, psycopg.adapt.PyFormat.BINARY)
    assert ours.oid == theirs.oid
    assert bytes(ours.dump(values) or b"") == bytes(theirs.dump(values) or b"")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("uuid[]", [UUID(int=1), None, UUID(int=2**128 - 1)]),
        ("text[]", ["", None, 'a"{},\\', "فاتورة"]),
        ("bytea[]", [b"", b"\x00\xff", None]),
        ("uuid[]", []),
    ],
)
def test_postgresql_reads_them(owner: psycopg.Connection[Any], kind: str, values: list[Any]) -> None:
    row = owner.execute(f"SELECT %b::{kind}", [values]).fetchone()  # type: ignore[call-overload]
    assert row == (values,)
