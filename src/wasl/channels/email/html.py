"""HTML of strangers made safe to show, and the way between HTML and plain text.

What comes out of `sanitise` loads nothing, runs nothing and cannot change the page it is shown in.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from html import escape, unescape
from urllib.parse import unquote

import nh3

from wasl.channels.email.headers import base64
from wasl.channels.email.trim.markup import CLASSES, IDS

MAX_LENGTH = 1_000_000
# Character references in one run of text take quadratic time: 400,000 of them three seconds.
MAX_REFERENCES = 100_000
# The HTML5 algorithm looks through all open elements for many tags: 1 MB of unclosed <div> takes
# two minutes, 500 levels are below a millisecond. Long reply chains reach two or three hundred.
MAX_DEPTH = 500
# Deeper quotations are written as this deep: every line of each carries its marks.
MAX_QUOTES = 20

_TAGS = {
    *("a", "abbr", "address", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite"),
    *("code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre"),
    *("q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "table"),
    *("tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr"),
}
_DROPPED_WITH_CONTENT = {
    *(
        "script",
        "style",
        "title",
        "head",
        "template",
        "noscript",
        "iframe",
        "object",
        "applet",
        "svg",
        "math",
    ),
    *("select", "textarea", "button", "audio", "video", "canvas", "map"),
}
# What tells a quotation from what was written (see `trim.markup`): nothing else of a class or an id stays.
_QUOTING = {"blockquote", "div", "p", "pre", "span", "table"}
_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "blockquote": {"type"},
    "div": {"id"},
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_LINKS = {"http", "https", "mailto", "tel"}
_DIRECTIONS = {"ltr", "rtl", "auto"}
_EMBEDDED_TYPES = r"png|jpe?g|gif|webp"
_EMBEDDED = re.compile(
    rf"""(["'])\s*data:image/({_EMBEDDED_TYPES});base64,([A-Za-z0-9+/=%\s]+)\1""", re.IGNORECASE
)
_TAG_NAME = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})")
_NEVER_DEEP = {
    *("br", "img", "hr", "meta", "link", "input", "col", "wbr", "area", "base", "source", "param", "embed"),
    *("p", "li", "dd", "dt", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "html", "head", "body"),
}
# Known to this process only, so that no message can hold it.
_MARK = "wasl-" + secrets.token_hex(12)
_NO_CLASS = re.compile(r'(<[a-z0-9]+(?: [^\s=>"]+="[^"]*")*?) class=""')
# Yahoo puts a number of its own before its classes: "ydp6c1e4f0ayahoo_quoted".
_NUMBERED = re.compile(r"\bydp[0-9a-f]{1,16}(?=yahoo_quoted)")
_CID = re.compile(r' data-cid="([^"]*)"')
_CONTROL = re.compile("[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Embedded:
    """An image that stood in the HTML itself as a data: URL."""

    content_id: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sanitised:
    """Safe HTML; whether it wanted to load images from elsewhere; what images it refers to and held."""

    html: str
    has_remote: bool = False
    content_ids: frozenset[str] = frozenset()
    embedded: tuple[Embedded, ...] = ()


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name in ("src", "href"):
        return _link(name, f"https:{value}" if value.startswith("//") else value)
    if name == "dir":
        return value.lower() if value.lower() in _DIRECTIONS else None
    if name in ("width", "height", "colspan", "rowspan", "start"):
        return value if value.isascii() and value.isdigit() and len(value) <= 4 else None
    if name == "id":
        return f"{_MARK}-part:{value}" if value in IDS else None
    if name == "type" and tag == "blockquote":
        return "cite" if value.strip().lower() == "cite" else None
    return value


def _link(name: str, value: str) -> str | None:
    scheme, _, rest = value.partition(":")
    scheme = scheme.strip().lower() if rest else ""
    if name == "href":
        return value if scheme in _LINKS else None
    if scheme == "cid":
        return f"{_MARK}-cid:{_CONTROL.sub('', unquote(rest)).strip('<> ')}"
    # With this in front an image loads nothing, even if the renaming in `sanitise` were to miss it.
    return f"{_MARK}-remote:{value}" if scheme in ("http", "https") else None


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_DROPPED_WITH_CONTENT,
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    url_schemes=_LINKS | {"cid"},
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    allowed_classes={tag: set(CLASSES) for tag in _QUOTING},
    strip_comments=True,
)


def sanitise(html: str) -> Sanitised:
    """Safe HTML of any HTML. ValueError ('too_large', 'too_deep') when it is not worth the time."""
    html, embedded = _lift_images(html)
    if len(html) > MAX_LENGTH or html.count("&") > MAX_REFERENCES:
        raise ValueError("too_large")
    if html.count("<") > MAX_DEPTH and depth(html) > MAX_DEPTH:
        raise ValueError("too_deep")
    if "yahoo_quoted" in html:
        html = _NUMBERED.sub("", html)
    clean = _CLEANER.clean(html)
    if ' class=""' in clean:
        clean = _NO_CLASS.sub(r"\1", clean)
    if _MARK not in clean:
        return Sanitised(clean)
    remote = f' src="{_MARK}-remote:'
    has_remote = remote in clean
    clean = clean.replace(f' id="{_MARK}-part:', ' data-part="')
    clean = clean.replace(remote, ' data-remote-src="').replace(f' src="{_MARK}-cid:', ' data-cid="')
    cids = frozenset(unescape(cid) for cid in _CID.findall(clean))
    return Sanitised(clean, has_remote, cids, tuple(each for each in embedded if each.content_id in cids))


def depth(html: str) -> int:
    """An upper bound, within a factor, of how deep the elements can lie in each other."""
    open_now: dict[str, int] = {}
    level = deepest = 0
    for closing, written in _TAG_NAME.findall(html):
        name = written.lower()
        if name in _NEVER_DEEP:
            continue
        count = open_now.get(name, 0)
        if not closing:
            open_now[name] = count + 1
            level += 1
            deepest = max(deepest, level)
        elif count:
            open_now[name] = count - 1
            level -= 1
    return deepest


def _lift_images(html: str) -> tuple[str, list[Embedded]]:
    """data: images become references, so that they are stored as files and not as text."""
    embedded: list[Embedded] = []
    if "data:image/" not in html.lower():
        return html, embedded

    def lift(match: re.Match[str]) -> str:
        content_id = f"embedded-{len(embedded) + 1}"
        kind = match[2].lower().replace("jpg", "jpeg")
        embedded.append(
            Embedded(content_id, f"image/{kind}", base64(unquote(match[3]).encode("ascii", "ignore")))
        )
        return f"{match[1]}cid:{content_id}{match[1]}"

    return _EMBEDDED.sub(lift, html), embedded


_PIECE = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [^\s=>"]+="[^"]*")*)>|([^<]+)')
_HREF = re.compile(r' href="([^"]*)"')
_ALT = re.compile(r' alt="([^"]*)"')
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BLOCK = {
    *("address", "blockquote", "center", "dd", "div", "dl", "dt", "figcaption", "figure", "hr", "li"),
    *("ol", "pre", "table", "tr", "ul", "caption"),
}
_PARAGRAPH = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "pre", "table"}


class _Writer:
    """Plain text in the making: words, line breaks that do not pile up, list marks, links."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.breaks = 2
        self.space = False
        self.pre = 0
        self.lists: list[int] = []
        self.links: list[tuple[str, int]] = []
        self.quotes: list[bool] = []
        self.levels: list[tuple[int, int]] = [(0, 0)]

    def line(self, wanted: int) -> None:
        """At least `wanted` line breaks here."""
        if wanted:
            self.space = False
        if self.breaks < wanted:
            self.out.append("\n" * (wanted - self.breaks))
            self.breaks = wanted

    def text(self, text: str) -> None:
        text = unescape(text)
        if not self.pre:
            text = _SPACE.sub(" ", text)
            leading = text.startswith(" ")
            text, trailing = text.strip(" "), text.endswith(" ")
            if leading and not self.breaks:
                self.space = True
            if not text:
                return
            if self.space:
                self.out.append(" ")
            self.space = trailing
        if text:
            self.out.append(text)
            self.breaks = 0

    def opened(self, tag: str, attributes: str) -> None:
        if tag == "br":
            self.space = False
            self.out.append("\n")
            self.breaks += 1
        elif tag == "img":
            alt = _ALT.search(attributes)
            if alt and alt[1].strip():
                self.text(f"[{alt[1]}]")
        elif tag == "a":
            href = _HREF.search(attributes)
            self.links.append((unescape(href[1]) if href else "", len(self.out)))
        elif tag in ("td", "th"):
            self.space = not self.breaks
        else:
            self.block(tag)
            if tag == "blockquote":
                self.quote(' type="cite"' in attributes or "_quote" in attributes)

    def quote(self, marked: bool) -> None:
        """From here on `>` stands before each line, when the program said that it quotes."""
        self.quotes.append(marked)
        self.levels.append((len(self.out), self.levels[-1][1] + marked))

    def unquote(self) -> None:
        if self.quotes:
            self.levels.append((len(self.out), self.levels[-1][1] - self.quotes.pop()))

    def block(self, tag: str) -> None:
        """The start of what stands on lines of its own."""
        self.line(2 if tag in _PARAGRAPH and not self.lists else 1 if tag in _BLOCK else 0)
        if tag == "li":
            self.mark()
        elif tag in ("ul", "ol"):
            self.lists.append(0 if tag == "ul" else 1)
        elif tag == "pre":
            self.pre += 1
        elif tag == "hr":
            self.out.append("---\n")
            self.breaks = 1

    def mark(self) -> None:
        number = self.lists[-1] if self.lists else 0
        self.out.append("  " * max(len(self.lists) - 1, 0) + (f"{number}. " if number else "- "))
        self.breaks = 2  # the text follows on this line
        if number:
            self.lists[-1] += 1

    def closed(self, tag: str) -> None:
        if tag == "a" and self.links:
            href, start = self.links.pop()
            shown = "".join(self.out[start:]).strip()
            if href and href.partition(":")[2].strip("/") not in shown.rstrip("/"):
                self.text(escape(f" <{href}>") if shown else escape(href))
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        elif tag == "pre":
            self.pre = max(self.pre - 1, 0)
        elif tag == "blockquote":
            self.unquote()
        elif tag == "li" and self.out and self.out[-1].endswith(("- ", ". ")):
            self.breaks = 0  # nothing came after the mark
        if tag in _PARAGRAPH and not self.lists:
            self.line(2)
        elif tag in _BLOCK:
            self.line(1)

    def text_so_far(self) -> str:
        if len(self.levels) == 1:
            return "".join(self.out)
        ends = [*(start for start, _ in self.levels[1:]), len(self.out)]
        return "".join(
            _at_level("".join(self.out[start:end]), min(level, MAX_QUOTES))
            for (start, level), end in zip(self.levels, ends, strict=True)
        )


def _at_level(text: str, level: int) -> str:
    if not level or not text.strip():
        return text
    body = text.strip("\n")
    before, _, after = text.partition(body)
    mark = ">" * level
    return before + "\n".join(f"{mark} {line}" for line in body.split("\n")) + after


def to_text(html: str) -> str:
    """Sanitised HTML → plain text with paragraphs, list marks and link targets."""
    writer = _Writer()
    for closing, tag, attributes, text in _PIECE.findall(html):
        if text:
            writer.text(text)
        elif closing:
            writer.closed(tag)
        else:
            writer.opened(tag, attributes)
    # Line by line: a search for white space before a line break takes quadratic time on white space.
    text = "\n".join(line.rstrip() for line in writer.text_so_far().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n ")


def strip_tags(html: str) -> str:
    """Something to read of HTML that is too large or too deep to be understood."""
    html = re.sub(r"(?is)<(script|style)\b[^<]*(?:<(?!/\1)[^<]*)*", " ", html)
    lines = (" ".join(line.split()) for line in unescape(re.sub(r"<[^<>]*>", " ", html)).split("\n"))
    return "\n".join(filter(None, lines))


_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}»،؛؟]")


def from_text(text: str) -> str:
    """Plain text → paragraphs of HTML, each with the direction of its own first letter; links made."""
    paragraphs = re.split(r"\n[ \t]*\n+", text.strip("\n"))
    return "\n".join(
        f'<p dir="auto">{_inline(paragraph)}</p>' for paragraph in paragraphs if paragraph.strip()
    )


def _inline(paragraph: str) -> str:
    out, reached = [], 0
    for url in _URL.finditer(paragraph):
        out.append(escape(paragraph[reached : url.start()], quote=False))
        out.append(f'<a href="{escape(url[0])}">{escape(url[0], quote=False)}</a>')
        reached = url.end()
    out.append(escape(paragraph[reached:], quote=False))
    return "".join(out).replace("\n", "<br>\n")
