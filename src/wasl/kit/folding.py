"""What a reader takes for the same letter is made the same letter: for search and for comparing names.

Case, accents and compatibility forms go (Unicode NFKD). Of Arabic the carriers of hamza and madda, diacritics,
tatweel, teh marbuta, alef maksura and the Persian and Urdu forms of kaf, yeh and heh are brought together; digits
become the Western ones. What only steers the display (joiners, direction marks, soft hyphens) goes.
"""

import unicodedata

_ALIKE = {
    ord(letter): with_
    for letters, with_ in {
        "ٱ": "ا", "ىیئےې": "ي", "ؤ": "و", "ةہھۀ": "ه", "کڪ": "ك", "گ": "ك", "ڤ": "ف", "پ": "ب", "ـ": "",
        "œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "þ": "th", "ß": "ss",
    }.items()
    for letter in letters
}  # fmt: skip
_ALIKE |= {start + n: str(n) for start in (0x0660, 0x06F0) for n in range(10)}
_ALIKE |= dict.fromkeys(
    (0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF), ""
)


def fold(text: str) -> str:
    """The folded text, of about the same length; what was equal to a reader is equal."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join([c for c in apart if not unicodedata.combining(c)]).translate(_ALIKE)


def fold_name(text: str) -> str:
    """A name as it is compared: folded, with single spaces."""
    return " ".join(fold(text).split())
