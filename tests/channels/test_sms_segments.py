"""How texts are cut into short messages: known answers, and what holds for every text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasl.channels.sms import alphabet
from wasl.channels.sms.segments import GSM, MOST, UNICODE, cut, parts

ARABIC = "مرحبا، وصلت طلبيتك إلى الفرع. "  # 30 letters


@pytest.mark.parametrize(
    ("text", "count", "left", "name"),
    [
        ("", 0, 160, GSM),
        ("a", 1, 159, GSM),
        ("a" * 160, 1, 0, GSM),
        ("a" * 161, 2, 153 * 2 - 161, GSM),
        ("a" * 306, 2, 0, GSM),
        ("a" * 307, 3, 152, GSM),
        ("è" * 160, 1, 0, GSM),  # of the basic table
        ("ê", 1, 69, UNICODE),  # of none
        ("€", 1, 158, GSM),  # two septets
        ("€" * 80, 1, 0, GSM),
        ("€" * 81, 2, 76 * 2 + 1 - 10, GSM),  # 76 in the first, 5 in the second
        ("a" * 152 + "€" + "a" * 8, 2, 153 - 10, GSM),  # the euro sign goes over whole
        ("[]{}\\~^|\f", 1, 160 - 18, GSM),
        ("`", 1, 69, UNICODE),
        (ARABIC, 1, 40, UNICODE),
        (ARABIC * 2 + "مرحبا مرحب", 1, 0, UNICODE),
        (ARABIC * 3, 2, 134 - 90, UNICODE),
        ("😀", 1, 68, UNICODE),
        ("😀" * 35, 1, 0, UNICODE),
        ("😀" * 36, 2, 67 - 6, UNICODE),  # 33 in the first (66 units), for half of one is none
        ("a" * 69 + "€" + "😀", 2, 62, UNICODE),
        ("مرحبا 😀", 1, 62, UNICODE),
    ],
)
def test_known_answers(text: str, count: int, left: int, name: str) -> None:
    found = parts(text)
    assert (found.count, found.left, found.alphabet) == (count, left, name)


def test_a_letter_is_never_cut() -> None:
    assert cut("a" * 152 + "€" + "a" * 8) == ["a" * 152, "€" + "a" * 8]
    first, second = cut("x" * 66 + "😀" * 3)
    assert (first, second) == ("x" * 66, "😀" * 3)


def test_the_alphabet_is_the_standards() -> None:
    assert len(alphabet.BASIC) == 128
    assert len(set(alphabet.BASIC)) == 128
    places = {
        "@": 0x00,
        "Δ": 0x10,
        " ": 0x20,
        "0": 0x30,
        "¡": 0x40,
        "A": 0x41,
        "Ü": 0x5E,
        "¿": 0x60,
        "à": 0x7F,
    }
    assert {letter: alphabet.BASIC.index(letter) for letter in places} == places
    assert alphabet.encode("€{") == b"\x1b\x65\x1b\x28"
    assert alphabet.decode(b"\x1b\x65@\x00\x1bA") == "€¡@A"
    assert alphabet.decode(b"\x1b\x1b\xff") == "??"
    with pytest.raises(ValueError, match="alphabet"):
        alphabet.encode("ب")


LETTERS = st.one_of(
    st.sampled_from(alphabet.BASIC.replace("\x1b", "") + "€[]{}"), st.characters(exclude_categories=["Cs"])
)


@given(st.lists(LETTERS, max_size=700).map("".join))
def test_nothing_is_lost_and_every_part_fits(text: str) -> None:
    pieces, found = cut(text), parts(text)
    assert "".join(pieces) == text
    assert found.count == len(pieces) <= MOST
    room = (160 if len(pieces) == 1 else 153) if found.alphabet == GSM else (70 if len(pieces) == 1 else 67)
    sizes = [
        len(alphabet.encode(piece)) if found.alphabet == GSM else len(piece.encode("utf-16-be")) // 2
        for piece in pieces
    ]
    assert all(0 < size <= room for size in sizes)
    if sizes:
        assert found.left == room - sizes[-1]
    if found.alphabet == GSM:
        assert alphabet.decode(alphabet.encode(text)) == text
