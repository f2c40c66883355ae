"""A plain text apart: pieces of it, in order, each written, quoted, forwarded or signature. Nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass

from wasl.channels.email.trim.decide import Kind, decide


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of a text, line breaks included."""

    kind: Kind
    text: str


def split(text: str) -> tuple[Piece, ...]:
    """The pieces of a text; put together they are the text again, letter by letter."""
    if not text:
        return ()
    lines = text.split("\n")
    kinds = settled(decide(lines), [not line.strip() for line in lines])
    pieces: list[Piece] = []
    start = 0
    for number in range(1, len(lines) + 1):
        if number == len(lines) or kinds[number] != kinds[start]:
            end = "\n" if number < len(lines) else ""
            pieces.append(Piece(kinds[start], "\n".join(lines[start:number]) + end))
            start = number
    return tuple(pieces)


def settled(kinds: list[Kind], blank: list[bool]) -> list[Kind]:
    """Blank lines are of the kind of what comes after them, at the end of what came before."""
    out = list(kinds)
    following: Kind | None = None
    for number in range(len(out) - 1, -1, -1):
        if not blank[number]:
            following = out[number]
        elif following is not None:
            out[number] = following
    last = next((n for n in range(len(out) - 1, -1, -1) if not blank[n]), None)
    if last is not None:
        out[last + 1 :] = [out[last]] * (len(out) - last - 1)
    return out


def written(text: str) -> str:
    """What the person wrote; empty when there is nothing but a quotation."""
    lines = text.split("\n")
    kinds = decide(lines)
    kept = (line for line, kind in zip(lines, kinds, strict=True) if kind is Kind.WRITTEN)
    return "\n".join(kept).strip("\n ").rstrip()
