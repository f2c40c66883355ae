"""`/static/`: stylesheets, scripts and icons."""

import hashlib
import stat
from functools import cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from wasl.workspace import assets

FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "public, no-cache"


class Static:
    """The ASGI application behind `/static/`.

    An address that carries the present fingerprint of all files may be kept for ever; any other (an older page,
    an address typed by hand) is asked for again each time, and answered 304 when nothing changed.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises HTTPException 404 or 405."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await run_in_threadpool(
            _answer, scope["path"].removeprefix("/static/"), Headers(scope=scope)
        )
        await response(scope, receive, send)


def _answer(name: str, headers: Headers) -> Response:
    found = _find(name)
    if found is None:
        raise HTTPException(404)
    path, content_type = found
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise HTTPException(404)
    etag = _etag(path, status.st_mtime_ns, status.st_size)
    present = name.startswith(assets.fingerprint() + "/")
    common = {
        "ETag": etag,
        "Cache-Control": FOR_EVER if present else ASK_FIRST,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if path.is_relative_to(assets.OWN / "js" / "view"):  # the widget shows it on other sites
        common |= {"Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Allow-Origin": "*"}
    if etag in (mark.strip().removeprefix("W/") for mark in headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=common)
    return FileResponse(path, headers={**common, "Content-Type": content_type}, stat_result=status)


def _find(name: str) -> tuple[Path, str] | None:
    try:
        return None if name.endswith("/") else assets.find(name)
    except (ValueError, OSError):  # NUL bytes, a name longer than a file's may be
        return None


@cache
def _etag(path: Path, _changed: int, _size: int) -> str:
    return f'"{hashlib.sha256(path.read_bytes()).hexdigest()[:20]}"'
