"""Addresses that carry a token: read back by us, by no one else made."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasl.channels.email.tokens import base_address, bounce_address, read_token, reply_address

KEY = b"k" * 32
ID = UUID("019a4a3e-7c00-7000-8000-123456789abc")


def test_a_reply_address_says_its_conversation() -> None:
    address = reply_address("help@shop.example", ID, KEY)
    assert address.startswith("help+r")
    assert address.endswith("@shop.example")
    assert address.islower()
    assert len(address.partition("@")[0]) <= 64
    assert read_token(address, KEY) == ("reply", ID)


def test_a_bounce_address_says_its_delivery() -> None:
    assert read_token(bounce_address("bounces@shop.example", ID, KEY), KEY) == ("bounce", ID)


def test_case_and_brackets_do_not_matter() -> None:
    address = reply_address("Help@shop.example", ID, KEY)
    assert read_token(address.upper(), KEY) == ("reply", ID)
    assert read_token(f" <{address.title()}> ", KEY) == ("reply", ID)


def test_a_token_of_another_key_kind_or_id_is_refused() -> None:
    address = reply_address("help@shop.example", ID, KEY)
    assert read_token(address, b"x" * 32) is None
    assert read_token(address.replace("+r", "+b"), KEY) is None
    other = reply_address("help@shop.example", uuid4(), KEY)
    assert read_token(address[:6] + other[6:30] + address[30:], KEY) is None


def test_every_single_damaged_letter_is_noticed() -> None:
    address = reply_address("help@shop.example", ID, KEY)
    start, end = address.index("+r") + 2, address.index("@")
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    for position in range(start, end):
        for letter in alphabet:
            damaged = address[:position] + letter + address[position + 1 :]
            assert (read_token(damaged, KEY) is None) == (damaged != address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "help@shop.example",
        "help+r@shop.example",
        "help+rabc@shop.example",
        "+r" + "a" * 42 + "@x",
        "a+r" + "é" * 42,
    ],
)
def test_what_is_no_token_is_none(address: str) -> None:
    assert read_token(address, KEY) is None


@given(st.text(max_size=80))
def test_no_text_is_a_token_by_chance_or_raises(text: str) -> None:
    assert read_token(text, KEY) is None
    assert read_token(f"help+r{text}@shop.example", KEY) is None


def test_the_base_is_what_stands_before_the_plus() -> None:
    assert base_address(reply_address("help+sales@shop.example", ID, KEY)) == "help@shop.example"
    assert base_address("help@shop.example") == "help@shop.example"
    assert base_address("+x@shop.example") == "+x@shop.example"


def test_a_local_part_that_would_get_too_long_is_refused() -> None:
    assert len(reply_address("a" * 20 + "@shop.example", ID, KEY).partition("@")[0]) == 64
    with pytest.raises(ValueError, match="20 letters"):
        reply_address("a" * 21 + "@shop.example", ID, KEY)
    with pytest.raises(ValueError, match="not a mail address"):
        reply_address("shop.example", ID, KEY)
