"""What every page goes through: headers, language, and the way into a workspace."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode

from wasl.accounts.actor import Forbidden, NotFound
from wasl.workspace import format as shown
from wasl.workspace import seat, watch
from wasl.workspace.later import Later
from wasl.workspace.views import errors

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# The short list: what may be opened without signing in, by the name of its route. The API signs its callers in
# itself.
PUBLIC = frozenset(
    {
        "account_inactive",
        "account_login",
        "account_logout",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "invitation",
        # the tablet at a branch's door and the screen in its room, which a token opens
        "kiosk",
        "kiosk_screen",
        "language",
        "manifest",
        # one 3D model, by a signed link of its own, and the words of what shows it
        "model_file",
        "offline",
        # the customers' pages, which a signed link opens
        "portal",
        "portal_call",
        "portal_file",
        "portal_news",
        "portal_renew",
        "portal_send",
        # the code after the password
        "second_step_confirm",
        "static",
        "viewer_words",
        "worker",
    }
)
API_PREFIX = "/api/"

# What somebody may open who owes their workspace a second step.
BEFORE_SECOND_STEP = frozenset({"second_step", "workspace"})

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "frame-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def security_headers(get_response: GetResponse) -> GetResponse:
    """Strict headers on every answer; a view that needs others has set its own."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def language(get_response: GetResponse) -> GetResponse:
    """Speak the reader's language: their preference, else the cookie of the switch, else the browser's."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        code = user.language if user.is_authenticated else translation.get_language_from_request(request)
        request.theme = (  # type: ignore[attr-defined]
            user.theme if user.is_authenticated else "system"
        )
        translation.activate(code)
        shown.use_digits(user.digits if user.is_authenticated else "latn")
        response = get_response(request)
        response.headers.setdefault("Content-Language", code)
        translation.activate(settings.LANGUAGE_CODE)
        return response

    return middleware


def wrong_way(get_response: GetResponse) -> GetResponse:
    """A page instead of nothing where an address takes forms only."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code != 405 or request.method != "GET" or request.path.startswith(API_PREFIX):
            return response
        page = errors.wrong_way(request)
        page.headers["Allow"] = response.headers["Allow"]
        return page

    return middleware


class Membership:
    """Every route that is not on the public list: signed in, in a workspace, in one transaction.

    The view finds `request.seat` and `request.actor`. What it raises rolls the transaction back; reading
    requests cannot write at all.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        if request.path.startswith(API_PREFIX) or (match is not None and match.url_name in PUBLIC):
            return None
        if not request.user.is_authenticated:
            return _sign_in_first(request)
        found = seat.places(UUID(str(request.user.pk)))
        place = seat.choose(found, request.session.get(seat.SESSION_KEY, ""))
        if place is None:
            raise PermissionDenied("no_workspace")
        reading = request.method in ("GET", "HEAD")
        try:
            with seat.take(place, found, reading=reading) as taken:
                request.seat, request.actor = taken, taken.actor  # type: ignore[attr-defined]
                if taken.owes_second_step and not (match and match.url_name in BEFORE_SECOND_STEP):
                    return _elsewhere(request, reverse("second_step"))
                with timezone.override(taken.timezone):
                    response = view(request, *args, **kwargs)
                if not reading:
                    watch.changed(request, taken.actor, response)
            if reading:
                watch.looked(request, taken.actor, response)
            return response.now() if isinstance(response, Later) else response
        except Forbidden as error:
            raise PermissionDenied(error.reason) from error
        except NotFound as error:
            raise Http404 from error


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back."""
    whole = request.method == "GET" and "HX-Request" not in request.headers
    target = request.get_full_path() if whole else ""
    address = reverse("account_login") + (f"?{urlencode({'next': target})}" if target.strip("/") else "")
    return _elsewhere(request, address)


def _elsewhere(request: HttpRequest, address: str) -> HttpResponse:
    """To another page; a fragment asks the whole page to go."""
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)
