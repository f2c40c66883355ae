"""Bytes of any charset, declared rightly, wrongly or not at all, to text that can be stored.

Nothing here raises and nothing is dropped: a byte that means nothing in the charset becomes the
character it has in windows-1252, the way browsers read it (WHATWG Encoding).
"""

from __future__ import annotations

import codecs
import re
from encodings.aliases import aliases

# Bytes mended one by one take a microsecond each; a text with more of them is no text in that charset.
MAX_REPAIRS = 20_000

# Not charsets of mail: some run in quadratic time on hostile input (punycode, idna), the others
# are escapes of programming languages or exist on one system only.
_DENIED = {
    *("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "charmap"),
    *("mbcs", "oem", "rot_13", "hex_codec", "base64_codec", "bz2_codec", "zlib_codec", "uu_codec"),
    *("quopri_codec", "tactis", "palmos"),
}
# What mail says and what it means by it (WHATWG Encoding, 4.2, and names seen in the wild).
_MEANT = {
    **dict.fromkeys(("iso8859_1", "latin_1", "ascii"), "cp1252"),
    "iso8859_9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "johab": "johab",
    "big5": "big5hkscs",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
}
_ALSO = {
    "windows874": "cp874",
    "ksc56011987": "cp949",
    "iso88598i": "iso8859_8",
    "iso88598e": "iso8859_8",
    "iso88596i": "iso8859_6",
    "iso88596e": "iso8859_6",
    "xsjis": "cp932",
    "xgbk": "gb18030",
    "xbig5": "big5hkscs",
    "xeucjp": "euc_jp",
    "cp850": "cp850",
    "utf8mb4": "utf_8",
    "utf8": "utf_8",
    "unicode11utf8": "utf_8",
    "unicode11utf7": "utf_7",
    "xmacroman": "mac_roman",
    "macintosh": "mac_roman",
    "xmacarabic": "mac_arabic",
    "asmo708": "iso8859_6",
    "dos720": "cp720",
    "cp720": "cp720",
}
_SQUASH = re.compile(r"[^a-z0-9]+")
# Charsets that say everything in ASCII bytes, by escapes, or in two and four bytes a character.
_SEVEN_BIT = frozenset(
    name for name in aliases.values() if name.startswith(("iso2022", "utf_7", "hz", "utf_16", "utf_32"))
)
_SINGLE_BYTE = re.compile(r"(cp\d+|iso8859_\d+|koi8_[rut]|mac_\w+|latin_1)\Z")


def _squash(name: str) -> str:
    return _SQUASH.sub("", name.lower())


def _known() -> dict[str, str]:
    names = dict(aliases) | {codec: codec for codec in aliases.values()}
    known = {_squash(name): codec for name, codec in names.items() if codec not in _DENIED}
    known |= _ALSO
    return {name: _MEANT.get(codec, codec) for name, codec in known.items()}


# Names are looked up here and never in `codecs`, which remembers every unknown name for ever.
_CODECS = _known()


def codec_of(charset: str) -> str:
    """The Python codec for a charset's name in mail, '' when it is none we know."""
    return _CODECS.get(_squash(charset), "")


def _byte_by_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return latin(error.object[error.start : error.end]), error.end


codecs.register_error("wasl.latin", _byte_by_byte)


def latin(data: bytes) -> str:
    """windows-1252, and latin-1 for the five bytes that have no meaning there."""
    return codecs.charmap_decode(data, "strict", _LATIN)[0]


def _latin_byte(byte: int) -> str:
    return chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes((byte,)).decode("cp1252")


_LATIN = "".join(map(_latin_byte, range(256)))


def _guess(data: bytes) -> str:
    """Text in an undeclared single-byte charset: Arabic (windows-1256) or Western (windows-1252)."""
    sample = data[:4096]
    high = sum(byte >= 0xC0 for byte in sample)
    letters = sum(0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A for byte in sample)
    # Arabic is nearly all high bytes even beside a Latin name or two; French and Italian have one
    # accented letter in ten.
    return data.decode("cp1256") if high * 2 > letters else latin(data)


_TAG = re.compile(rb"<[^<>]*>")


def _is_arabic(data: bytes) -> bool:
    """Whether what calls itself Western is Arabic in windows-1256: nearly all high bytes, alef and lam the commonest.

    Other scripts under a wrong name have other bytes there, and a few capitals with accents are too few to tell.
    """
    sample = _TAG.sub(b" ", data[:8192])
    high = sum(byte >= 0xC0 for byte in sample)
    letters = sum(0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A for byte in sample)
    return high >= 8 and high > 2 * letters and (sample.count(0xC7) + sample.count(0xE1)) * 10 >= high


def _utf8_or_guess(data: bytes) -> str:
    """Not valid UTF-8: mostly UTF-8 with damage (a cut, a footer in another charset), or not at all."""
    tried = data.decode("utf-8", "replace")
    damaged = tried.count("\ufffd")
    sound = sum(character > "\x7f" for character in tried) - damaged
    return data.decode("utf-8", "wasl.latin") if sound > damaged < MAX_REPAIRS else _guess(data)


def decode(data: bytes, charset: str = "", defects: set[str] | None = None) -> str:
    """Text of `data`, whatever `charset` says; storable. Adds to `defects` what was wrong.

    UTF-8 is tried first: bytes that are valid UTF-8 and not ASCII are UTF-8 whatever their label,
    except under a multi-byte label, whose short texts can pass for it.
    """
    found = set() if defects is None else defects
    codec = codec_of(charset) if charset else ""
    if data.isascii() and b"\x00" not in data and codec not in _SEVEN_BIT:
        return data.decode("ascii")
    if charset and not codec:
        found.add("charset_unknown")
    return storable(_decode(data, codec, found), found)


def _western(data: bytes, defects: set[str]) -> str:
    if _is_arabic(data):
        defects.add("charset_mismatch")
        return data.decode("cp1256")
    return latin(data)


def _decode(data: bytes, codec: str, defects: set[str]) -> str:
    single_byte = not codec or codec == "utf_8" or _SINGLE_BYTE.match(codec) is not None
    if single_byte:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            if codec and codec != "utf_8" and not data.isascii():
                defects.add("charset_mismatch")
            return text
    if codec == "cp1252":
        return _western(data, defects)
    if codec and codec != "utf_8":
        try:
            return data.decode(codec)
        except (UnicodeError, LookupError):
            pass
    defects.add("charset_mismatch" if codec else "charset_undeclared")
    if not single_byte:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return _mostly(data, codec)
    return _utf8_or_guess(data)


def _mostly(data: bytes, codec: str) -> str:
    """A multi-byte charset with damage: keep what is sound, and each bad byte as a character."""
    try:
        if data.decode(codec, "replace").count("\ufffd") > MAX_REPAIRS:
            return _utf8_or_guess(data)
        return data.decode(codec, "wasl.latin")
    except (UnicodeError, LookupError, IndexError):
        return _utf8_or_guess(data)


def storable(text: str, defects: set[str] | None = None) -> str:
    """`text` without NUL, lone surrogates as U+FFFD: what PostgreSQL and UTF-8 can hold."""
    if "\x00" in text:
        text = text.replace("\x00", "")
        if defects is not None:
            defects.add("nul_removed")
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        if defects is not None:
            defects.add("surrogate_replaced")
        # A pair split over two words of a header is one character; a lone half is none.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
