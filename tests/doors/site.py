"""A Django site of a few views, to see how the front serves Django: settings, routes and views in one."""

import hashlib
import io
import time
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path

from wasl.config.settings import *  # noqa: F403

ROOT_URLCONF = __name__
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]


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
        found[name] = {"size": file.size, "sha256": digest.hexdigest(), "kind": type(file).__name__}
    return JsonResponse(found)


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


urlpatterns = [
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
