"""What people wrote, as safe HTML: links live, quoted text folded away, pictures only where they may load.

HTML of messages was sanitised when it came in (`channels.email.html`); here it is only rearranged, on the canonical
markup that the sanitiser writes. Folding hides and never deletes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape

from markupsafe import Markup, escape

from wasl.channels.email.html import from_text

SHOWN_LIMIT = 200_000
"""Letters of a body shown at once; the rest is in the original."""

_ATTRIBUTION = re.compile(
    r"(wrote|a écrit|écrit|ha scritto|scrive|كتب|كتبت|schrieb|escribió|escreveu)\b[^\n]{0,120}:?\s*$|"
    r"^-{2,}\s*(original message|message d.origine|messaggio originale|الرسالة الأصلية)\s*-{2,}\s*$",
    re.IGNORECASE,
)
_BEGINNING = re.compile(r"\s*(On|Le|Il|Am|El|Em|في|بتاريخ|يوم|-{2,})\b", re.IGNORECASE)
_BLOCKQUOTE = re.compile(r"<(/?)blockquote\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_LINE_BEFORE = re.compile(
    r"<(div|p)(?: [^>]*)?>(?:(?!</?(?:div|p|blockquote)\b).){0,600}</\1>\s*$", re.DOTALL
)
_CID = re.compile(r' data-cid="([^"]*)"')
_REMOTE = re.compile(r' data-remote-src="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Body:
    """Safe markup; `quoted` is what is folded behind a button at the end."""

    shown: Markup
    quoted: Markup


def of_text(text: str) -> Body:
    """A plain-text body: paragraphs with the direction of their own first letter, links, quotes folded."""
    shown, quoted = split_quoted(text[:SHOWN_LIMIT])
    return Body(_paragraphs(shown), _paragraphs(quoted))


def of_html(html: str, files: Mapping[str, str], *, pictures: bool = False) -> Markup:
    """A sanitised HTML body; `files` maps content ids to addresses of our own, `pictures` lets remote images load."""
    return Markup(_images(fold(html[: _whole(html)]), files, pictures=pictures))  # noqa: S704 - sanitised


def split_quoted(text: str) -> tuple[str, str]:
    """What is new, and the quotation at the end with the line that introduces it ('' when there is none).

    Nothing is folded when nothing would remain, or when the writer answers between the quoted lines.
    """
    lines = text.rstrip().split("\n")
    start = len(lines)
    while start and (lines[start - 1].startswith(">") or not lines[start - 1].strip()):
        start -= 1
    if start == len(lines) or not any(line.startswith(">") for line in lines[start:]):
        return text, ""
    start -= _introduction(lines[max(0, start - 3) : start])
    shown = "\n".join(lines[:start]).rstrip()
    if not shown:
        return text, ""
    quoted = "\n".join(re.sub(r"^(> ?)+", "", line) for line in lines[start:])
    return shown, quoted.strip("\n")


def _introduction(before: list[str]) -> int:
    """How many of the last lines before a quotation introduce it."""
    if not before or not _ATTRIBUTION.search(before[-1]):
        return 0
    begun = [n for n in range(1, len(before) + 1) if _BEGINNING.match(before[-n])]
    return begun[0] if begun else 1


def fold(html: str) -> str:
    """Fold the last outermost quotation when only white space follows it and something stands before it."""
    span = _last_quotation(html)
    if span is None:
        return html
    start, end = span
    if unescape(_TAG.sub("", html[end:])).strip() or not unescape(_TAG.sub("", html[:start])).strip():
        return html
    before = _LINE_BEFORE.search(html[max(0, start - 900) : start])
    if before and _ATTRIBUTION.search(unescape(_TAG.sub("", before[0])).strip()):
        earlier = start - len(before[0])
        if unescape(_TAG.sub("", html[:earlier])).strip():
            start = earlier
    summary = escape(_folded_words())
    return (
        f'{html[:start]}<details class="quoted"><summary class="folded">{summary}</summary>'
        f"{html[start:end]}</details>{html[end:]}"
    )


def _folded_words() -> str:
    from django.utils.translation import gettext as _

    return _("Show quoted text")


def _last_quotation(html: str) -> tuple[int, int] | None:
    depth, start, found = 0, 0, None
    for tag in _BLOCKQUOTE.finditer(html):
        if not tag[1]:
            start = tag.start() if depth == 0 else start
            depth += 1
        elif depth:
            depth -= 1
            found = (start, tag.end()) if depth == 0 else found
    return found


def _images(html: str, files: Mapping[str, str], *, pictures: bool) -> str:
    def own(match: re.Match[str]) -> str:
        address = files.get(unescape(match[1]))
        return f' src="{escape(address)}" loading="lazy"' if address else ""

    html = _CID.sub(own, html)
    if pictures:
        html = _REMOTE.sub(r' src="\1" loading="lazy" referrerpolicy="no-referrer"', html)
    return html


def _paragraphs(text: str) -> Markup:
    html = from_text(text).replace("<a href=", '<a target="_blank" rel="noopener noreferrer nofollow" href=')
    return Markup(html)  # noqa: S704 - from_text escapes


def _whole(html: str) -> int:
    """Where a long body may be cut without opening a tag: the end of the last element that fits."""
    if len(html) <= SHOWN_LIMIT:
        return len(html)
    return html.rfind(">", 0, SHOWN_LIMIT) + 1
