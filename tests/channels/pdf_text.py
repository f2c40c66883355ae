"""What stands in a PDF and where, read without the library that wrote it: enough of ISO 32000 for our own letters."""

import re
import zlib
from dataclasses import dataclass

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_PIECE = re.compile(rb"/F(\d+) ([\d.]+) Tf|([\d.-]+) ([\d.-]+) Td|\(((?:\\.|[^\\()])*)\)|(ET)", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
POINT = 25.4 / 72


@dataclass(frozen=True)
class Run:
    """Letters from one place on, in the order in which they stand on paper. In mm from the left and the top."""

    page: int
    x: float
    y: float
    size: float
    text: str
    glyphs: tuple[int, ...]


def runs(pdf: bytes) -> list[Run]:
    """Every run of letters on every page."""
    pages, maps = [], []
    for found in _STREAM.finditer(pdf):
        body = found.group(1)
        if b"begincmap" in body:
            maps.append(_map(body))
        elif (content := _inflated(body)) is not None and b" Tf" in content:
            pages.append(content)
    return [run for number, page in enumerate(pages) for run in _runs(number, page, maps)]


def _inflated(body: bytes) -> bytes | None:
    try:
        return zlib.decompress(body)
    except zlib.error:
        return None


def _map(body: bytes) -> dict[int, str]:
    pairs = re.findall(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>", body.partition(b"beginbfchar")[2])
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def _runs(number: int, content: bytes, maps: list[dict[int, str]]) -> list[Run]:
    made: list[Run] = []
    font, size, at, said = 1, 0.0, (0.0, 0.0), ""
    glyphs: list[int] = []
    for found in _PIECE.finditer(content):
        face, points, x, y, text, over = found.groups()
        if face:
            font, size = int(face), float(points)
        elif x:
            at = float(x) * POINT, 297 - float(y) * POINT
        elif over:
            if glyphs:
                made.append(Run(number, *at, size, said, tuple(glyphs)))
            glyphs, said = [], ""
        else:
            codes = re.sub(rb"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text, flags=re.DOTALL)
            fresh = [int.from_bytes(codes[i : i + 2], "big") for i in range(0, len(codes), 2)]
            glyphs += fresh
            said += "".join(maps[font - 1].get(each, "\ufffd") for each in fresh)
    return made
