"""What a reader is told when something cannot be done: in their language, with what to do next."""

import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from wasl.kit.db import AWAY


@dataclass(frozen=True, slots=True)
class Trouble:
    """A page of its own, or one sentence for a fragment."""

    status: int
    title: str
    text: str
    again: bool = False


def bad_request(request: HttpRequest, *_args: object, **_more: object) -> HttpResponse:
    """400."""
    return _answer(
        request,
        Trouble(
            400,
            _("That could not be understood"),
            _("The address or the form was not complete. Nothing was changed. Go back and try once more."),
        ),
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403; the reason is the exception's text."""
    return _answer(request, Trouble(403, *_refusal(str(exception or ""))))


def csrf(request: HttpRequest, **_more: object) -> HttpResponse:
    """403, for a form that is not ours or too old."""
    return _answer(
        request,
        Trouble(
            403,
            _("This page has been open too long"),
            _(
                "It can no longer prove that it is yours. Load it again; what you wrote is kept on this device."
            ),
            again=True,
        ),
    )


def not_found(request: HttpRequest, *_args: object, **_more: object) -> HttpResponse:
    """404."""
    return _answer(
        request,
        Trouble(
            404,
            _("There is nothing here"),
            _(
                "It may have been merged or moved, or it belongs to others. Look for it by the customer’s name."
            ),
        ),
    )


def wrong_way(request: HttpRequest) -> HttpResponse:
    """405, for an address that takes forms only: a browser that brings its tabs back opens it by itself."""
    return _answer(
        request,
        Trouble(
            405,
            _("There is nothing to look at here"),
            _("A form was sent to this address. Opening it again changed nothing."),
        ),
    )


def too_many(request: HttpRequest) -> HttpResponse:
    """429, for signing in, or asking for a new password, over and over."""
    return _answer(
        request,
        Trouble(429, _("Too many tries"), _("Wait five minutes, then try again."), again=True),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500; or 503 while the database does not answer."""
    if isinstance(sys.exc_info()[1], AWAY):
        response = _answer(
            request,
            Trouble(
                503,
                _("One moment, please"),
                _(
                    "The database is not answering. Nothing is lost: what was accepted is kept. Try again shortly."
                ),
                again=True,
            ),
        )
        response.headers["Retry-After"] = "5"
        return response
    return _answer(
        request,
        Trouble(
            500,
            _("That went wrong on our side"),
            _("Nothing that was accepted is lost. Please try again in a moment.")
            if _customers(request)
            else _(
                "Nothing that was accepted is lost, and the mistake is in the log. Try again, or tell an administrator."
            ),
            again=True,
        ),
    )


def _refusal(reason: str) -> tuple[str, str]:
    if reason == "no_workspace":
        return (
            _("You have no workspace yet"),
            _(
                "You are signed in, but nobody has given you a place to work. Ask an administrator of your workspace."
            ),
        )
    if reason == "read_only":
        return (
            _("You may read, not change"),
            _("Your role is read-only. An administrator of your workspace can change that."),
        )
    return (
        _("This is for administrators"),
        _("If you need it for your work, ask an administrator of your workspace."),
    )


def _answer(request: HttpRequest, trouble: Trouble) -> HttpResponse:
    if "HX-Request" in request.headers:
        return HttpResponse(
            f"{trouble.title}. {trouble.text}",
            status=trouble.status,
            content_type="text/plain; charset=utf-8",
        )
    context = {
        "trouble": trouble,
        "again": _again(request) if trouble.again else "",
        "desk": not _customers(request),
    }
    return render(request, "errors/error.html", context, status=trouble.status)


def _customers(request: HttpRequest) -> bool:
    """A customer reads it, who has no conversations to go to and knows no administrator."""
    match = request.resolver_match
    return match is not None and match.func.__module__.startswith("wasl.portal.")


def _again(request: HttpRequest) -> str:
    """Where to try again: the page that was asked for, or the one whose form was sent, if it is ours; else ''."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    came = urlsplit(request.headers.get("Referer", ""))
    if came.netloc != request.get_host() or came.path.startswith("//"):
        return ""
    return came._replace(scheme="", netloc="", fragment="").geturl()
