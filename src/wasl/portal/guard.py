"""What every page of the portal carries: headers that keep the link to its customer, and a check of its forms."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import reverse
from django.utils.decorators import decorator_from_middleware
from django.views.decorators.csrf import csrf_exempt

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cache-Control": "no-store",
}

View = Callable[..., HttpResponseBase]


class _Forms(CsrfViewMiddleware):
    """Django's own check, for pages that send no referrer: browsers then say `Origin: null` of our own forms too.

    They still say, where no page can forge it, whether the form stood on a page of ours (Fetch Metadata). The token in
    the form must fit the cookie as everywhere.
    """

    def _origin_verified(self, request: HttpRequest) -> bool:
        if request.META.get("HTTP_ORIGIN") == "null":
            return request.META.get("HTTP_SEC_FETCH_SITE") == "same-origin"
        return bool(super()._origin_verified(request))  # type: ignore[misc]  # its stub is behind


def _with_headers(view: View) -> View:
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code == 405 and request.method == "GET":
            # Where the form was sent to, opened again by a browser that brings its tabs back.
            response = HttpResponseRedirect(reverse("portal", args=[kwargs["token"]]))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return wrapped


def customers_page(view: View) -> View:
    """For a view of the portal."""
    return csrf_exempt(_with_headers(decorator_from_middleware(_Forms)(view)))
