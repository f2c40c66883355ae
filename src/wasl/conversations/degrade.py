"""What becomes of a message on a channel that cannot carry all of it.

Buttons and lists become numbered lines, files that are too large or of no kind for it a link to the customer's own
page, several files several messages. Nothing is left out silently: whoever writes sees the result before it is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from wasl.channels.port import Choice, Limits, Parts
from wasl.kit.scenes import MODELS

TITLE = 80
"""Letters of a choice."""


class File(Protocol):
    """A file of the message."""

    @property
    def filename(self) -> str:
        """Its name."""

    @property
    def content_type(self) -> str:
        """What it is."""

    @property
    def size(self) -> int:
        """Its bytes."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What goes as one message of the channel: words, choices, and files by their places among all of them."""

    text: str
    choices: tuple[Choice, ...] = ()
    files: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as a channel shows it: `linked` files are behind the link that stands in the text, by name; `along` go
    as they are, by their places among the files. It goes as these `pieces`, one after the other.

    `parts` is in how many pieces the text goes, where that costs. `too_long` is by how many letters.
    """

    text: str
    choices: tuple[Choice, ...]
    linked: tuple[str, ...]
    along: tuple[int, ...]
    numbered: bool
    parts: Parts | None
    too_long: int
    pieces: tuple[Piece, ...]


def carries(limits: Limits, files: Sequence[File]) -> bool:
    """Whether the channel takes these files as they are, be it as several messages."""
    return all(_fits(limits, file) for file in files)


def _fits(limits: Limits, file: File) -> bool:
    if not limits.files or file.size > limits.file_size:
        return False
    if file.content_type in MODELS:
        return limits.models
    own = [most for start, most in limits.kinds if file.content_type.startswith(start)]
    return file.size <= own[0] if own else not limits.kinds


def degrade(
    text: str, choices: Sequence[Choice], files: Sequence[File], limits: Limits, link: str = ""
) -> Shown:
    """The message as the channel shows it. `link` is where files can be looked at instead; '' for nowhere."""
    lines = [text] if text else []
    wordless = bool(files) and not text and not limits.captioned_choices
    numbered = bool(choices) and (len(choices) > limits.choices or wordless)
    if numbered:
        lines += ["", *(f"{number}. {each.title}" for number, each in enumerate(choices, 1))]
    along = tuple(at for at, file in enumerate(files) if not link or _fits(limits, file))
    linked = tuple(file.filename for at, file in enumerate(files) if at not in along)
    if linked:
        lines += ["", *linked, link]
    said = "\n".join(lines).strip()
    kept = () if numbered else tuple(choices)
    return Shown(
        text=said,
        choices=kept,
        linked=linked,
        along=along,
        numbered=numbered,
        parts=limits.parts(said) if limits.parts else None,
        too_long=max(0, len(said) - limits.text),
        pieces=_pieces(Piece(said, kept), along, files, limits),
    )


def _pieces(words: Piece, along: Sequence[int], files: Sequence[File], limits: Limits) -> tuple[Piece, ...]:
    """One message after the other. Words stand by the first files, else before them; what the customer is to choose
    from stands by the last, else after them: right above where they answer."""
    size = limits.files or len(along)
    groups = [tuple(along[at : at + size]) for at in range(0, len(along), size)] if along else []
    if not groups:
        return (words,)
    host = len(groups) - 1 if words.choices else 0
    mute = any(files[at].content_type.startswith(limits.mute) for at in groups[host])
    beside = (
        len(words.text) <= limits.caption and not mute and (limits.captioned_choices or not words.choices)
    )
    if beside or not words.text:
        return tuple(
            replace(words, files=each) if at == host else Piece("", (), each)
            for at, each in enumerate(groups)
        )
    apart = [Piece("", (), each) for each in groups]
    return (*apart, words) if words.choices else (words, *apart)


def choices_of(titles: Sequence[str]) -> tuple[Choice, ...]:
    """Choices as they were written, one a line; empty ones and repetitions left out. Their keys are their numbers."""
    known = dict.fromkeys(" ".join(each.split())[:TITLE] for each in titles)
    return tuple(Choice(str(number), title) for number, title in enumerate(filter(None, known), 1))
