"""Stylesheets, scripts and icons: where they lie and under which address a page asks for them.

Every address carries a fingerprint of all files together, as a folder, so that a browser may keep what it has
for ever and modules that import one another stay of one version.
"""

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

import django_htmx
from django.conf import settings

OWN = Path(__file__).parent / "static"
HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx"

# In the order of the cascade; a page of another surface adds its own after these.
STYLES = (
    "tokens",
    "base",
    "layout",
    "controls",
    "rail",
    "list",
    "choose",
    "thread",
    "compose",
    "copies",
    "mail",
    "customer",
    "dossier",
    "search",
    "people",
    "hooks",
    "inboxes",
    "hours",
    "visits",
    "calls",
    "float",
    "door",
)


@cache
def fingerprint() -> str:
    """Twelve hexadecimal digits that change when any file does."""
    digest = hashlib.sha256()
    for root in (OWN, HTMX):
        for path in sorted(root.rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def url(name: str) -> str:
    """The address of a file, such as `css/base.css`."""
    return f"{settings.STATIC_URL}{fingerprint()}/{name}"


def find(name: str) -> tuple[Path, str] | None:
    """(file, content type) behind what follows `/static/` in an address, with or without a fingerprint."""
    first, _, rest = name.partition("/")
    if rest and len(first) == 12 and all(c in "0123456789abcdef" for c in first):
        name = rest
    root, name = (HTMX, name.removeprefix("htmx/")) if name.startswith("htmx/") else (OWN, name)
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    kind = _CONTENT_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return path, kind or "application/octet-stream"


_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
