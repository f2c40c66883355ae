"""Every answer under /api that is no success is a problem (RFC 9457), whoever decided on it."""

import logging
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from wasl.accounts.actor import Forbidden, NotFound
from wasl.api import hooks
from wasl.conversations.reply import CannotReply
from wasl.desk.takeover import TakenOver
from wasl.kit.db import AWAY
from wasl.kit.problem import CONTENT_TYPE, KINDS, Fault, Problem, for_status
from wasl.webhooks import actions as webhooks

log = logging.getLogger(__name__)

ROOT = "/api/"


def respond(problem: Problem) -> HttpResponse:
    """The response of a problem."""
    response = HttpResponse(problem.body(), status=problem.status, content_type=CONTENT_TYPE)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def of(error: Exception) -> Problem:
    """What an exception comes to, in words that help; an exception nobody foresaw is logged."""
    if isinstance(error, Problem):
        return error
    for kind, explain in _EXPLAINED.items():
        if isinstance(error, kind):
            return explain(error)
    log.error("an API request failed", exc_info=error)
    return Problem("broken", "Nothing was changed. Please send the same again.")


def _forbidden(error: Exception) -> Problem:
    if isinstance(error, Forbidden) and error.reason == "read_only":
        return Problem(
            "not-allowed", "This token may only read. Ask an administrator for one that may write."
        )
    return Problem("not-allowed", "This is for administrators. Ask one for a token with the role 'admin'.")


def _not_found(_error: Exception) -> Problem:
    return Problem("not-found", "There is no such thing, or your token may not see it.")


def _taken_over(_error: Exception) -> Problem:
    return Problem(
        "taken-over",
        "An agent has taken this conversation over, so programs send nothing in it until it is handed back.",
    )


_REASONS = {
    "empty": ("invalid", "The answer needs a text or an attachment."),
    "too_long": ("invalid", "The text of an answer may have 100,000 characters."),
    "window_closed": (
        "conflict",
        "The customer last wrote too long ago to be answered freely on this channel.",
    ),
    "too_many_files": ("invalid", "An answer may have 20 attachments."),
    "public_files": ("conflict", "Files cannot be sent below a public comment."),
    "template_files": ("conflict", "No files can follow an approved text until the customer has written."),
    "bad_address": ("invalid", "One of the addresses in copy is not a mail address."),
    "no_address": ("conflict", "The customer has no address on the conversation's channel to send to."),
    "inbox_off": ("conflict", "The conversation's inbox is switched off, so nothing can be sent from it."),
}


def _cannot_reply(error: Exception) -> Problem:
    reason = error.reason if isinstance(error, CannotReply) else ""
    slug, detail = _REASONS.get(reason, ("conflict", "The answer cannot be sent as things stand."))
    return Problem(slug, detail)


def _away(error: Exception) -> Problem:
    log.warning("the database is away: %s", error)
    detail = "The database cannot be reached just now. Nothing was changed; send the same again in a second."
    return Problem("not-now", detail, headers={"Retry-After": "1"})


def _http(error: Exception) -> Problem:
    return for_status(error.status_code if isinstance(error, HttpError) else 400)


def _invalid(error: Exception) -> Problem:
    faults = [_fault(item) for item in error.errors] if isinstance(error, ValidationError) else []
    first = faults[0] if faults else Fault("The request is not what is expected.")
    where = first.parameter or (first.pointer if first.pointer != "#" else "")
    more = f" There are {len(faults) - 1} more faults." if len(faults) > 1 else ""
    return Problem("invalid", first.detail + (f" (at {where})" if where else "") + more, faults)


_EXPLAINED: Mapping[type[Exception], Callable[[Exception], Problem]] = {
    ValidationError: _invalid,
    Forbidden: _forbidden,
    NotFound: _not_found,
    Http404: _not_found,
    CannotReply: _cannot_reply,
    TakenOver: _taken_over,
    webhooks.Refused: hooks.refused,
    **dict.fromkeys(AWAY, _away),
    HttpError: _http,
}

# What pydantic says, in words; the rest is said as it says it.
_SAID = {
    "missing": "This is missing.",
    "extra_forbidden": "There is no field of this name here.",
    "string_type": "This must be text.",
    "string_unicode": "This holds half of a surrogate pair, which is no character.",
    "uuid_parsing": "This must be an id, such as 01932f5e-7c1a-7b00-8000-000000000000.",
    "uuid_type": "This must be an id, such as 01932f5e-7c1a-7b00-8000-000000000000.",
    "list_type": "This must be a list.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "dict_type": "This must be an object.",
    "bytes_invalid_encoding": "This must be Base64 (RFC 4648, section 4), with its padding.",
    "base64_decode": "This must be Base64 (RFC 4648, section 4), with its padding.",
    "bytes_type": "This must be Base64 text.",
    "int_parsing": "This must be a whole number.",
}


def _fault(error: Mapping[str, Any]) -> Fault:
    said = _SAID.get(error["type"]) or f"{error['msg'].removeprefix('Value error, ')}."
    source, *place = error["loc"]
    if source == "body":
        # The first step is the name of our function's argument, which nobody else knows.
        return Fault(said.replace("..", "."), "#" + "".join(f"/{_escaped(str(step))}" for step in place[1:]))
    return Fault(said.replace("..", "."), parameter=str(place[0]) if place else str(source))


def _escaped(step: str) -> str:
    return step[:100].replace("~", "~0").replace("/", "~1")


def install(api: NinjaAPI) -> None:
    """Let problems answer for every exception of an operation."""
    api.add_exception_handler(Exception, lambda _request, error: respond(of(error)))  # type: ignore[arg-type]
    for kind in (Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, lambda _request, error: respond(of(error)))  # type: ignore[arg-type]


def problems(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, the outermost: what Django itself refuses under /api is a problem as well, and not a page."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if (
            response.status_code < 400
            or not request.path_info.startswith(ROOT)
            or response.headers.get("Content-Type") == CONTENT_TYPE
        ):
            return response
        allowed = response.headers.get("Allow")
        found = for_status(response.status_code, f"It takes {allowed}." if allowed else "")
        found.headers |= {name: response.headers[name] for name in _KEPT if name in response.headers}
        response.close()
        return respond(found)

    return middleware


_KEPT: Sequence[str] = ("Allow", "Retry-After", "Content-Language")


def unknown(_request: HttpRequest, **_path: str) -> HttpResponse:
    """Whatever else is asked for under /api."""
    return respond(
        Problem("not-found", "There is nothing at this address. /api/v1/docs lists what there is.")
    )


unknown.csrf_exempt = True  # type: ignore[attr-defined]  # it changes nothing, and says the same to everyone


def page(request: HttpRequest, slug: str) -> HttpResponse:
    """What a kind of problem means, as text."""
    kind = KINDS.get(slug)
    if kind is None or request.method not in ("GET", "HEAD"):
        return unknown(request)
    text = f"{kind.title} ({kind.status})\n\n{textwrap.fill(kind.help, 80)}\n"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
