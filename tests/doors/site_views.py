"""The views of `site.py`."""

import hashlib
import io
import time
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path

from wasl.workspace import assets
from wasl.workspace.middleware import CSP


def hello(request: HttpRequest) -> HttpResponseBase:
    """A page."""
    return HttpResponse("hello")


def slow(request: HttpRequest) -> HttpResponseBase:
    """A page that takes its time."""
    time.sleep(float(request.GET["seconds"]))
    return HttpResponse("done")


def echo(request: HttpRequest) -> HttpResponseBase:
    """What Django sees of a request."""
    meta = {name: value for name, value in request.META.items() if isinstance(value, str)}
    body = request.body
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "query": request.GET.urlencode(),
            "size": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "scheme": request.scheme,
            "meta": meta,
        }
    )


def upload(request: HttpRequest) -> HttpResponseBase:
    """Read the files of a form without keeping them."""
    found: dict[str, Any] = {}
    for name, file in request.FILES.items():
        assert isinstance(file, UploadedFile)
        digest = hashlib.sha256()
        for piece in file.chunks():
            digest.update(piece)
        found[name] = {"size": file.size, "sha256": digest.hexdigest(), "at": _place(file)}
    return JsonResponse(found)


def _place(file: "UploadedFile[Any]") -> str:
    return (
        str(Path(file.temporary_file_path()).parent) if isinstance(file, TemporaryUploadedFile) else "memory"
    )


def file(request: HttpRequest) -> HttpResponseBase:
    """A file to download: `?size=` bytes."""
    return FileResponse(io.BytesIO(b"x" * int(request.GET["size"])), filename="x.bin", as_attachment=True)


def stream(request: HttpRequest) -> HttpResponseBase:
    """A response in pieces, of an unknown length."""
    return StreamingHttpResponse(b"y" * 1000 for _ in range(int(request.GET["pieces"])))


def crash(request: HttpRequest) -> HttpResponseBase:
    """A page with a fault."""
    raise RuntimeError("on purpose")


def leave(request: HttpRequest) -> HttpResponseBase:
    """Sign out."""
    request.session.flush()
    return HttpResponse("bye")


PAGE = """<!doctype html><title>live</title>
<meta name="htmx-config" content='{{"includeIndicatorStyles":false,"allowEval":false}}'>
<script src="{htmx}" defer></script><script src="{live}" type="module"></script>
<body data-agent="{agent}"><i data-live-dot></i><b data-live-words data-on="yes" data-off="no">?</b>
{parts}</body>"""
PART = """<p id="{name}" data-live="{live}" hx-get="/part?{name}" hx-trigger="wasl:refresh" hx-swap="innerHTML"
 hx-sync="this:queue last">0</p>"""
_read: Counter[str] = Counter()


def page(request: HttpRequest) -> HttpResponseBase:
    """A page with parts that follow what happens: `?name=data-live` each."""
    agent = request.session["agent"]
    parts = "".join(PART.format(name=name, live=live) for name, live in request.GET.items())
    text = PAGE.format(
        htmx=assets.url("htmx/htmx-2.min.js"), live=assets.url("js/live.js"), agent=agent, parts=parts
    )
    return HttpResponse(text, headers={"Content-Security-Policy": CSP})


def part(request: HttpRequest) -> HttpResponseBase:
    """How often this part was read, by whom."""
    key = f"{request.session['agent']} {request.META['QUERY_STRING']}"
    _read[key] += 1
    return HttpResponse(str(_read[key]))


urlpatterns = [
    path("page", page),
    path("part", part),
    path("hello", hello),
    path("slow", slow),
    path("echo", echo),
    path("echo/<path:rest>", lambda request, rest: echo(request)),
    path("upload", upload),
    path("file", file),
    path("stream", stream),
    path("crash", crash),
    path("leave", leave),
]
