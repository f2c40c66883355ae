"""Those whom a note names, made to stand out in it."""

import re
from collections.abc import Iterable

from markupsafe import Markup, escape


def marked(body: Markup, marks: Iterable[str]) -> Markup:
    """Safe markup in which each of the marks (`@Leïla`) stands out; tags and their attributes stay as they are."""
    names = sorted({str(escape(mark)) for mark in marks}, key=len, reverse=True)
    if not names:
        return body
    name = re.compile("|".join(map(re.escape, names)))
    pieces = re.split(r"(<[^>]*>)", str(body))
    shown = [p if p.startswith("<") else name.sub(r'<span class="mention">\g<0></span>', p) for p in pieces]
    return Markup("".join(shown))  # noqa: S704 - only a tag of our own is added
