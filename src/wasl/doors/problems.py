"""What the front answers when it cannot do what was asked: RFC 9457 for programs, a short page for people."""

from typing import Any

import msgspec
from django.conf import settings
from django.http import parse_cookie
from django.template import engines
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from wasl.kit.problem import CONTENT_TYPE, for_status
from wasl.workspace import assets
from wasl.workspace.format import size

STYLES = ("tokens", "base", "controls", "door")
PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>{styles}
<body class="door"><header>{brand}<b class="grow big"><bdi>{name}</bdi></b></header>
<main><div class="form"><h1>{title}</h1><p>{detail}</p>{kept}
<div class="cluster"><a class="btn" href="/">{home}</a></div></div></main>
<footer><span class="quiet small"><bdi>{status}</bdi></span></footer>
"""


def problem(scope: Scope, status: int, headers: dict[str, str] | None = None) -> Response:
    """The answer for a status, in the reader's language and form."""
    asked = Headers(scope=scope)
    for_people = "text/html" in asked.get("accept", "") and not scope["path"].startswith("/api/")
    common = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept",
        **(headers or {}),
    }
    if not for_people:
        title, detail = words(status)
        body = (
            for_status(status, detail).body()
            if scope["path"].startswith("/api/")
            else msgspec.json.encode(
                {"type": "about:blank", "title": title, "status": status, "detail": detail}
            )
        )
        return Response(body, status, common, CONTENT_TYPE)
    language = _language(asked)
    with translation.override(language):
        title, detail = words(status)
        page = PAGE.format(
            language=language,
            direction="rtl" if translation.get_language_bidi() else "ltr",
            title=escape(title),
            detail=escape(detail),
            brand=_brand(),
            name=escape(_("Wasl")),
            kept=f"<p>{escape(_kept())}</p>" if scope["method"] == "POST" else "",
            home=escape(_("To the conversations")),
            status=status,
            styles="".join(
                f'<link rel="stylesheet" href="{assets.url(f"css/{name}.css")}">' for name in STYLES
            ),
        )
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'"}
    return Response(page, status, {**common, **policy}, "text/html; charset=utf-8")


def words(status: int) -> tuple[str, str]:
    """Title and sentence for a status, in the language that is active."""
    texts = {
        400: (_("This request cannot be understood"), _("It is malformed, or meant for another address.")),
        401: (_("Please sign in"), _("Your session has ended.")),
        403: (_("Not allowed"), _("This request came from another site.")),
        404: (_("Not found"), _("There is nothing at this address.")),
        405: (_("Not possible here"), _("This address does not answer that kind of request.")),
        408: (_("That took too long"), _("The connection was too slow or broke off. Please try again.")),
        413: (
            _("That is too large"),
            _("Everything together, files included, must stay under %s.")
            % size(settings.ENV.http_body_limit),
        ),
        429: (_("Too many at once"), _("Please close a few pages and try again.")),
        503: (_("Busy for a moment"), _("Please try again in a few seconds.")),
    }
    return texts.get(status) or (
        _("Something went wrong"),
        _("It is our fault, and it has been written down."),
    )


def _brand() -> str:
    jinja: Any = engines["jinja2"]
    return str(jinja.env.get_template("parts/macros.html").module.brand())


def _kept() -> str:
    """Whatever the front refuses never came as far as a page that changes something."""
    return _("Nothing was changed. Go back, and what you wrote is still there.")


def _language(asked: Headers) -> str:
    """The cookie of the language switch, else the first of the browser's languages that we speak."""
    cookie = parse_cookie(asked.get("cookie", "")).get(settings.LANGUAGE_COOKIE_NAME, "")
    wanted = [
        cookie,
        *(part.partition(";")[0].strip() for part in asked.get("accept-language", "").split(",")),
    ]
    known = dict(settings.LANGUAGES)
    return next((code for tag in wanted if (code := tag.lower()[:2]) in known), settings.LANGUAGE_CODE)
