"""Replies with what a reader should see of them: the development data, and our own in four languages.

Ours lie in `replies/<language>/<part>.txt`, one after the other: `%% name`, the mail's text, `%=`, what was written.
`first` was there while the rules were made. `held` was written after them: at its first reading 51 of 52 agreed (ar 13,
fr 13, it 12, en 13 of 13); the one that did not, a date in somebody's own sentence, made one rule stricter. Of HTML
8 of 8.
"""

import re
from dataclasses import dataclass
from pathlib import Path

OURS = Path(__file__).parent / "replies"
LANGUAGES = ("ar", "fr", "it", "en")
_CASE = re.compile(r"^%% (.+)\n((?:.*\n)*?)%=\n((?:(?!%% ).*\n)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reply:
    name: str
    text: str
    expected: str

    def agrees(self, written: str) -> bool:
        """Word by word; where lines are broken does not matter to a reader."""
        return written.split() == self.expected.split()


def ours(language: str, part: str) -> list[Reply]:
    text = (OURS / language / f"{part}.txt").read_text()
    return [
        Reply(f"{language}/{name}", body.rstrip("\n"), expected)
        for name, body, expected in _CASE.findall(text)
    ]


def development(samples: Path) -> list[Reply]:
    def read(folder: str, name: str) -> str:
        raw = (samples / "replies" / folder / name).read_bytes()
        return raw.decode().replace("\r\n", "\n")

    names = sorted(path.name for path in (samples / "replies" / "emails").glob("*.txt"))
    return [Reply(name, read("emails", name), read("trimmed", name)) for name in names]
