"""What people wrote, as safe HTML: links live, what they quoted folded away, pictures only where they may load.

HTML of messages was sanitised when it came in (`channels.email.html`); here it is only rearranged, on the canonical
markup that the sanitiser writes. Folding hides and never deletes: what is folded stands in its place, one click away.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from html import unescape
from itertools import groupby
from unicodedata import bidirectional

from django.utils.translation import gettext as _
from markupsafe import Markup, escape

from wasl.channels.email.html import from_text
from wasl.channels.email.trim import markup
from wasl.channels.email.trim.decide import Kind
from wasl.channels.email.trim.split import Piece, split

SHOWN_LIMIT = 200_000
"""Letters of a body shown at once; the rest is in the original."""
DEEPEST = 6
"""Quotations within quotations that are drawn as such."""
BEGINNING = 4_000
"""Letters of markup among which the first one that tells a direction is looked for."""
REMEMBERED, SMALL = 2_000, 4_000
"""Messages of which a process remembers where they are folded: some hundred bytes each, seldom thousands."""

_known_cuts: dict[bytes, tuple[markup.Cut, ...]] = {}

_MARKS = re.compile(r"(?:> ?)+")
# An element with its attributes, as the sanitiser writes them. What one of them says may look like another one: only
# whoever reads from its beginning can tell.
_ELEMENT = re.compile(r'<([a-z][a-z0-9]*)((?: [^\s=>"]+="[^"]*")+)>')
_ATTRIBUTE = re.compile(r' ([^\s=>"]+)="([^"]*)"')
_BUTTON = re.compile(r"<summary\b.*?</summary>", re.DOTALL)
_TAG = re.compile(r"<[^>]*(?:>|$)")


def of_text(text: str, *, folds: bool = True) -> Markup:
    """A plain-text body: paragraphs with the direction of their own first letter, links, quotations drawn as such.

    Without `folds` all is shown: what agents write has no history below it.
    """
    text = text[:SHOWN_LIMIT]
    return Markup(_folded(split(text) if folds else (), text, _paragraphs))  # noqa: S704 - from_text escapes


def of_html(html: str, files: Mapping[str, str], *, pictures: bool = False, folds: bool = True) -> Markup:
    """A sanitised HTML body; `files` maps content ids to addresses of our own, `pictures` lets remote images load."""
    if len(html) > SHOWN_LIMIT:
        # An <a> that is left open would make a link of everything that stands behind it on the page.
        html = markup.closed(html[: html.rfind(">", 0, SHOWN_LIMIT) + 1])
    shown = _folded(markup.apart(html, _cuts(html)) if folds else (), html, str)
    return Markup(_images(shown, files, pictures=pictures))  # noqa: S704 - sanitised


def _cuts(html: str) -> tuple[markup.Cut, ...]:
    """Where to cut it, remembered: an open thread is drawn again at every change, and 60 kB of HTML take 10 ms."""
    key = blake2b(html.encode("utf-8", "replace"), digest_size=16).digest()
    known = _known_cuts.get(key)
    if known is None:
        known = markup.cuts(html)
        if len(_known_cuts) >= REMEMBERED:
            _known_cuts.clear()
        if sum(len(cut.before) + len(cut.after) for cut in known) < SMALL:
            _known_cuts[key] = known
    return known


def marked(body: Markup, names: Sequence[str]) -> Markup:
    """The body with these words, such as `@Amal`, made to stand out wherever they are not within a tag."""
    if not names:
        return body
    longest_first = sorted((str(escape(name)) for name in names), key=len, reverse=True)
    found = re.compile(rf"<[^>]*>|({'|'.join(map(re.escape, longest_first))})", re.IGNORECASE)
    return Markup(  # noqa: S704 - only wraps what is there
        found.sub(lambda m: f'<bdi class="mention">{m[1]}</bdi>' if m[1] else m[0], str(body))
    )


def reading(body: str) -> str:
    """The direction a body is read in: that of the first letter that was written, not of a button among it.

    Not "auto", which looks past elements that have a direction of their own, as each paragraph has: what is left is a
    button in the reader's language or nothing, so that Arabic is set like Latin, and Latin like Arabic.
    """
    return _direction(unescape(_TAG.sub("", _BUTTON.sub("", body[:BEGINNING]))))


def _folded(pieces: Sequence[Piece], whole: str, draw: Callable[[str], str]) -> str:
    """The pieces in order, those that are not to be read at first behind a button; all, when nothing else is there."""
    if len(pieces) > markup.MOST_PIECES or not any(piece.kind is Kind.WRITTEN for piece in pieces):
        return draw(whole)
    return "".join(
        draw(piece.text) if piece.kind is Kind.WRITTEN else _fold(piece.kind, draw(piece.text))
        for piece in pieces
    )


def _fold(kind: Kind, html: str) -> str:
    if not html.strip():
        return html
    return (
        f'<details class="quoted"><summary class="folded">{_button(kind)}</summary>'
        f'<div class="unfolded">{html}</div></details>'
    )


def _button(kind: Kind) -> str:
    if kind is Kind.FORWARDED:
        words = _("Forwarded message")
        return f"<span>{escape(words)}</span>"
    words = _("Show signature") if kind is Kind.SIGNATURE else _("Show quoted text")
    return f'<span aria-hidden="true">•••</span><span class="sr">{escape(words)}</span>'


def _images(html: str, files: Mapping[str, str], *, pictures: bool) -> str:
    def attribute(match: re.Match[str]) -> str:
        name, value = match.groups()
        if name == "data-cid":
            address = files.get(unescape(value))
            return f' src="{escape(address)}" loading="lazy"' if address else ""
        if name == "data-remote-src" and pictures:
            return f' src="{value}" loading="lazy" referrerpolicy="no-referrer"'
        return match[0]

    def element(match: re.Match[str]) -> str:
        return f"<img{_ATTRIBUTE.sub(attribute, match[2])}>" if match[1] == "img" else match[0]

    return _ELEMENT.sub(element, html)


def _paragraphs(text: str) -> str:
    if ">" not in text:
        return _drawn(text)
    lines = ((_depth(line), line) for line in text.split("\n"))
    return "\n".join(_quoted(depth, group) for depth, group in groupby(lines, key=lambda pair: pair[0]))


def _quoted(depth: int, lines: Iterable[tuple[int, str]]) -> str:
    text = "\n".join(_MARKS.sub("", line) if depth else line for _depth, line in lines)
    html = _drawn(text)
    if not (html and depth):
        return html
    # Not "auto": that looks past elements which have a direction of their own, as each paragraph has.
    return f'<blockquote dir="{_direction(text)}">' * depth + html + "</blockquote>" * depth


def _direction(text: str) -> str:
    """That of the first letter which has one."""
    strong = (kind for letter in text[:400] if (kind := bidirectional(letter)) in ("L", "R", "AL"))
    return "ltr" if next(strong, "L") == "L" else "rtl"


def _depth(line: str) -> int:
    marks = _MARKS.match(line) if line.startswith(">") else None
    return min(marks[0].count(">"), DEEPEST) if marks else 0


def _drawn(text: str) -> str:
    return from_text(text).replace("<a href=", '<a target="_blank" rel="noopener noreferrer nofollow" href=')
