"""What may be opened without signing in, beside sign-in itself."""

from datetime import timedelta

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from wasl.workspace import assets

_YEAR = int(timedelta(days=365).total_seconds())


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Change the language of the pages before sign-in, and go back to where the switch stood."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    code = request.POST.get("language", "")
    if code in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            code,
            max_age=_YEAR,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


@require_safe
def static(_request: HttpRequest, name: str) -> HttpResponseBase:
    """A stylesheet, script or icon, where no front serves them before Django is asked."""
    found = assets.find(name)
    if found is None:
        raise Http404
    path, content_type = found
    fixed = name.startswith(assets.fingerprint())
    caching = f"public, max-age={_YEAR}, immutable" if fixed else "no-cache"
    return FileResponse(path.open("rb"), content_type=content_type, headers={"Cache-Control": caching})


@require_safe
def worker(_request: HttpRequest) -> HttpResponseBase:
    """The service worker: at the root, since it may only look after what lies below it."""
    found = assets.find("js/service-worker.js")
    assert found
    path, content_type = found
    return FileResponse(path.open("rb"), content_type=content_type, headers={"Cache-Control": "no-cache"})


@require_safe
def manifest(_request: HttpRequest) -> HttpResponse:
    """What an installed Wasl is called and looks like (W3C, Web Application Manifest)."""
    code = get_language() or "en"
    body = {
        "name": _("Wasl"),
        "short_name": _("Wasl"),
        "description": _("Everything your customers say to you, in one place."),
        "lang": code,
        "dir": "rtl" if code == "ar" else "ltr",
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f6f4ef",
        "theme_color": "#0b6075",
        "icons": [
            {"src": assets.url("icons/wasl-192.png"), "sizes": "192x192", "type": "image/png"},
            {"src": assets.url("icons/wasl-512.png"), "sizes": "512x512", "type": "image/png"},
            {
                "src": assets.url("icons/wasl-maskable.png"),
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "maskable",
            },
        ],
        "shortcuts": [
            {"name": _("Mine"), "url": reverse("desk", args=["mine"])},
            {"name": _("Unassigned"), "url": reverse("desk", args=["unassigned"])},
        ],
    }
    return JsonResponse(body, content_type="application/manifest+json", headers={"Cache-Control": "no-cache"})


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What an installed Wasl shows while its server cannot be reached."""
    return render(request, "errors/offline.html")
