from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from wasl.channels.base import Address, Enclosed, OutboundMessage, Part
from wasl.channels.email.compose import compose
from wasl.delivery.payload import File, pack, unpack
from wasl.kit.ids import uuid7

WORKSPACE = uuid7()
# What PostgreSQL's jsonb can hold; the channel port promises no more than that.
words = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=40)
ids = st.lists(words, max_size=3).map(tuple)
people = st.builds(Address, words, st.just("salma@barid.example"))


@given(
    message=st.builds(
        OutboundMessage,
        message_id=words,
        date=st.datetimes(timezones=st.just(UTC)),
        from_=people,
        to=st.lists(people, min_size=1, max_size=2).map(tuple),
        cc=st.lists(people, max_size=2).map(tuple),
        reply_to=st.none() | people,
        envelope_from=words,
        subject=words,
        text=words,
        html=words,
        in_reply_to=ids,
        references=ids,
        language=st.sampled_from(["", "ar", "en"]),
        headers=st.lists(st.tuples(words, words), max_size=2).map(tuple),
        auto=st.booleans(),
    )
)
def test_a_message_comes_out_as_it_went_in(message: OutboundMessage) -> None:
    import json

    assert unpack(WORKSPACE, json.loads(json.dumps(pack(message)))) == message


def test_files_stay_in_the_store_until_they_are_sent() -> None:
    store = {b"\1" * 32: [b"la", b"mp"]}

    def stream(workspace: UUID, digest: bytes) -> Iterator[bytes]:
        assert workspace == WORKSPACE
        return iter(store[digest])

    packed = pack(message(), [File("lamp.png", "image/png", b"\1" * 32, "lamp@x", True)])
    assert b"lamp" not in bytes(str(packed["files"][0][2]), "ascii")
    whole = unpack(WORKSPACE, packed, stream)
    [part] = whole.parts
    assert isinstance(part, Enclosed)
    assert (part.filename, part.content_type, part.content_id, part.inline) == (
        "lamp.png",
        "image/png",
        "lamp@x",
        True,
    )
    assert compose(whole) == compose(
        replace(whole, parts=(Part("lamp.png", "image/png", b"lamp", "lamp@x", True),))
    )


@given(st.lists(st.binary(max_size=200), max_size=6), st.integers(0, 3))
def test_a_file_in_pieces_travels_as_the_whole_does(pieces: list[bytes], grown: int) -> None:
    pieces = [piece * 40**grown for piece in pieces]
    whole = Part("x.bin", "application/octet-stream", b"".join(pieces))
    parted = Enclosed("x.bin", "application/octet-stream", lambda: iter(pieces))
    assert compose(message(parts=(parted,))) == compose(message(parts=(whole,)))


def test_the_same_row_makes_the_same_bytes() -> None:
    """So that a second copy of a message in doubt is the same message."""
    packed: Any = Jsonb(pack(message())).obj
    assert compose(unpack(WORKSPACE, packed)) == compose(unpack(WORKSPACE, packed))


def test_bytes_do_not_belong_in_a_row() -> None:
    with pytest.raises(ValueError, match="blob store"):
        pack(message(parts=(Part("a", "text/plain", b"x"),)))


def message(**more: Any) -> OutboundMessage:
    values = {
        "message_id": "one@shop.example",
        "date": datetime(2026, 3, 1, tzinfo=UTC),
        "from_": Address("Dar Zaytun", "support@dar-zaytun.example"),
        "to": (Address("Salma", "salma@barid.example"),),
        "text": "Hello",
    }
    return OutboundMessage(**{**values, **more})
