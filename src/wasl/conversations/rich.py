"""What the editor wrote: cleaned down to the little markup it can make, as plain text too, and made ready for mail.

In the store a picture among the words is `<img data-cid="…">`, the content id of one of the message's files. Every
paragraph, list and quotation says `dir="auto"`, so that each is read in the direction of its own first letter.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import nh3

from wasl.channels.email.compose import direction
from wasl.channels.email.html import MAX_DEPTH, depth, from_text, to_text

HTML_LIMIT = 400_000

_BLOCKS = ("p", "ul", "ol", "li", "blockquote")
_SIMPLE = frozenset({"p", "br"})
_CID = re.compile(r"[0-9a-f]{32}\Z")
_DIV = re.compile(r"<(/?)div\b")
_EMPTY = re.compile(r"(?:<p dir=\"auto\">(?:\s|&nbsp;|<br>)*</p>\s*)+")
_TAG = re.compile(r"</?([a-z]+)[^>]*>")
_OPENING = re.compile(rf'<({"|".join(_BLOCKS)}) dir="auto">')
_LOOSE_LINK = re.compile(r"<a(?![^>]* href=)[^>]*>(.*?)</a>", re.DOTALL)
_LOOSE_PICTURE = re.compile(r"<img(?![^>]* data-cid=)[^>]*>")
_PICTURE = re.compile(r'<img[^>]*? data-cid="([0-9a-f]{32})"[^>]*>')


def _attribute(_tag: str, name: str, value: str) -> str | None:
    if name == "data-cid":
        return value if _CID.match(value) else None
    if name == "dir":
        return "auto"
    if name in ("href", "target", "rel"):
        return value.strip()[:2000]
    if name == "alt":
        return value[:200]
    return value[:4] if name == "start" and value.isascii() and value.isdigit() else None


_CLEANER = nh3.Cleaner(
    tags={"p", "div", "br", "b", "strong", "i", "em", "u", "a", "ul", "ol", "li", "blockquote", "img"},
    clean_content_tags={
        "script",
        "style",
        "title",
        "template",
        "svg",
        "math",
        "iframe",
        "textarea",
        "select",
    },
    attributes={"*": {"dir"}, "a": {"href", "target"}, "img": {"data-cid", "alt"}, "ol": {"start"}},
    attribute_filter=_attribute,
    url_schemes={"http", "https", "mailto", "tel"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={tag: {"dir": "auto"} for tag in ("div", *_BLOCKS)}
    | {"a": {"target": "_blank"}},
)


@dataclass(frozen=True, slots=True)
class Rich:
    """A text as it was meant: `html` is empty where the plain text says everything."""

    text: str
    html: str = ""


def read(text: str, html: str = "") -> Rich:
    """What came from an editor, safe to keep. The plain text is made from the HTML where there is any.

    Raises ValueError('too_long') when the HTML is not worth the time.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    text = text.encode("utf-8", "replace").decode().strip()
    if not html.strip():
        return Rich(text)
    if len(html) > HTML_LIMIT or depth(html) > MAX_DEPTH:
        raise ValueError("too_long")
    html = html.replace("\x00", "").encode("utf-8", "replace").decode()
    clean = _DIV.sub(r"<\1p", _CLEANER.clean(html))
    clean = _trimmed(_LOOSE_LINK.sub(r"\1", _LOOSE_PICTURE.sub("", clean)).strip())
    plain = to_text(clean)
    if set(_TAG.findall(clean)) <= _SIMPLE:
        return Rich(plain)
    return Rich(plain, clean)


def _trimmed(html: str) -> str:
    """Without the empty paragraphs at either end."""
    while found := _EMPTY.match(html):
        html = html[found.end() :]
    ends = [found for found in _EMPTY.finditer(html) if found.end() == len(html)]
    return html[: ends[0].start()] if ends else html


def pictures(html: str) -> set[str]:
    """The content ids that stand among the words."""
    return set(_PICTURE.findall(html))


def with_choices(body: Rich, titles: Sequence[str]) -> Rich:
    """The same with choices below it, numbered, for a channel that has no buttons."""
    lines = "\n".join(f"{number}. {title}" for number, title in enumerate(titles, 1))
    items = "".join(f'<li dir="auto">{escape(title)}</li>' for title in titles)
    html = f'{body.html}<ol dir="auto">{items}</ol>' if body.html else ""
    return Rich(f"{body.text}\n\n{lines}".strip(), html)


def signed(body: Rich, signature: str) -> Rich:
    """With the inbox's signature under it, set off as mail programs know it (RFC 3676, 4.3)."""
    signature = signature.replace("\r\n", "\n").strip()
    if not signature:
        return body
    text = f"{body.text}\n\n-- \n{signature}" if body.text else f"-- \n{signature}"
    if not body.html:
        return Rich(text)
    return Rich(text, f'{body.html}\n<p dir="auto">-- </p>\n{from_text(signature)}')


def for_mail(html: str) -> str:
    """Ready to leave: each block with a direction that programs without `auto` know too, pictures by their ids."""

    def directed(opening: re.Match[str]) -> str:
        end = html.find(f"</{opening[1]}>", opening.end())
        words = to_text(html[opening.end() : end if end >= 0 else None][:2000])
        return f'<{opening[1]} dir="{direction("", words)}">'

    html = _PICTURE.sub(lambda found: found[0].replace(' data-cid="', ' src="cid:'), html)
    return _OPENING.sub(directed, html)


def for_editor(html: str, text: str, address: str) -> str:
    """Ready to be written on; `address` holds `{}` where a picture's content id goes."""
    if not html:
        return from_text(text)
    return _PICTURE.sub(lambda found: f'{found[0][:-1]} src="{address.format(found[1])}">', html)


def without(html: str, content_ids: Iterable[str]) -> str:
    """Without the pictures of files that are gone."""
    gone = set(content_ids)
    return _PICTURE.sub(lambda found: "" if found[1] in gone else found[0], html)


def unsigned(body: Rich, signature: str) -> Rich:
    """The other way round: without that signature at its end."""
    end = signed(Rich("", body.html and "-"), signature)
    if not end.text or not body.text.endswith(end.text):
        return body
    return Rich(
        body.text[: -len(end.text)].rstrip("\n"), body.html.removesuffix(end.html[1:]) if body.html else ""
    )
