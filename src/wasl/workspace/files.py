"""Files that strangers sent, as answers: to keep, or to look at where that is harmless. Never pages of ours."""

import unicodedata
from typing import Protocol
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from wasl.kit import blobs

FILE_POLICY = "default-src 'none'; sandbox"


class Kept(Protocol):
    """A row that names what lies in the store."""

    filename: str
    content_type: str

    @property
    def digest(self) -> bytes | memoryview:
        """SHA-256, by which it lies there."""


def answer(workspace_id: UUID, row: Kept, *, show: bool) -> FileResponse:
    """The file, for no cache to keep; `show`: to look at. Raises `blobs.MissingBlob`."""
    return FileResponse(
        blobs.store().open(workspace_id, bytes(row.digest)),
        as_attachment=not show,
        filename=plain_name(row.filename),
        content_type=row.content_type if show else "application/octet-stream",
        headers={"Content-Security-Policy": FILE_POLICY, "Cache-Control": "private, no-store"},
    )


def again(request: HttpRequest, workspace_id: UUID, row: Kept, *, show: bool) -> HttpResponseBase:
    """The same for a browser that may keep it, and asks each time whether it still may show it (RFC 9111, 5.2.2.4):
    whoever signs in after somebody else sees nothing of theirs. Raises Http404."""
    tag = f'"{bytes(row.digest).hex()}"'
    known = get_conditional_response(request, etag=tag)
    try:
        found = known or answer(workspace_id, row, show=show)
    except blobs.MissingBlob as error:
        raise Http404 from error
    found.headers["ETag"], found.headers["Cache-Control"] = tag, "private, no-cache"
    return found


def plain_name(name: str) -> str:
    """A file name without letters that could break a header, hide its ending or name a folder."""
    kept = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    return kept.replace("/", "_").replace("\\", "_").strip(". ")[:150] or "file"
