"""What may be opened without signing in, beside sign-in itself."""

from datetime import timedelta

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
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
