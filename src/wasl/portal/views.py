"""A customer's conversation: read it again, write on, ask for a new link. Reading changes nothing, whoever reads."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from wasl.calls import asking
from wasl.calls.actions import CannotCall
from wasl.desk import texts
from wasl.kit import blobs
from wasl.kit.db import tenant
from wasl.portal import calls, gate, kiosk, shapes
from wasl.portal import write as writing
from wasl.portal.gate import Opened, TooFast
from wasl.portal.guard import customers_page
from wasl.portal.write import CannotWrite, Written
from wasl.workspace import files
from wasl.workspace.format import number, size
from wasl.workspace.shapes.scenes import SHOWN_TYPES


@customers_page
@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """The conversation so far, or why it does not open."""
    try:
        with gate.opened(request, token) as opened:
            if opened is not None:
                with _spoken(request, opened):
                    return _page(request, opened)
    except TooFast as error:
        return _too_fast(request, error)
    return _closed(request, token)


def _page(
    request: HttpRequest,
    opened: Opened,
    text: str = "",
    error: str = "",
    status: int = 200,
    call_error: str = "",
) -> HttpResponse:
    sent = _id(request.GET.get("sent", "")) if not error else None
    everything = request.GET.get("all") == "1"
    context = {
        "opened": opened,
        "talk": shapes.talk(opened, everything=everything, sent=sent),
        "band": shapes.band(opened),
        "sent": sent,
        "news": _news_address(request, opened),
        "here": reverse("portal", args=[opened.token]),
        "spoken": _asked(request),
        "key": secrets.token_hex(16),
        "text": text,
        "error": error,
        "address": masked(opened.identity.display),
        "most_files": writing.FILES,
        "most_bytes": writing.FILE_BYTES,
        "visit_code": kiosk.code(opened),
        "calls": (offered := calls.shown(opened)),
        "number_end": calls.masked(offered.number),
        "call_error": call_error,
        "call_number": request.POST.get("number", ""),
        "called": request.GET.get("called", ""),
    }
    response = render(request, "portal/page.html", context, status=status)
    response.headers["Content-Language"] = translation.get_language()
    return response


def _news_address(request: HttpRequest, opened: Opened) -> str:
    kept = request.GET.copy()
    for name in list(kept):
        if name not in ("lang", "sent", "all"):
            del kept[name]
    # What comes later is said in the language of the page it comes into, whatever the conversation's becomes.
    kept["lang"] = translation.get_language()
    return f"{reverse('portal_news', args=[opened.token])}?{kept.urlencode()}"


@customers_page
@require_safe
def news(request: HttpRequest, token: str) -> HttpResponse:
    """The messages alone, for a page that asks whether there are new ones: 304 when there are none."""
    try:
        with gate.opened(request, token) as opened:
            if opened is None:
                return HttpResponse(status=404)
            with _spoken(request, opened):
                sent, everything = _id(request.GET.get("sent", "")), request.GET.get("all") == "1"
                context = {
                    "opened": opened,
                    "talk": shapes.talk(opened, everything=everything, sent=sent),
                    "band": shapes.band(opened),
                    "here": reverse("portal", args=[token]),
                    "spoken": _asked(request),
                }
                response = render(request, "portal/talk.html", context)
    except TooFast as error:
        return HttpResponse(status=429, headers={"Retry-After": str(error.seconds)})
    tag = f'"{hashlib.sha256(response.content).hexdigest()[:24]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag})
    response.headers["ETag"] = tag
    return response


@customers_page
@require_POST
def send(request: HttpRequest, token: str) -> HttpResponse:
    """Take what the customer writes."""
    written = Written(
        request.POST.get("key", ""), request.POST.get("text", ""), request.FILES.getlist("files")
    )
    try:
        with gate.opened(request, token, writing=True) as opened:
            if opened is None or not opened.writes:
                return _closed(request, token)
            with _spoken(request, opened):
                try:
                    made = writing.write(opened, written)
                except CannotWrite as error:
                    return _page(request, opened, written.text, _why_not(error.reason), status=422)
    except TooFast as error:
        return _too_fast(request, error)
    spoken = f"&lang={_asked(request)}" if _asked(request) else ""
    return HttpResponseRedirect(f"{reverse('portal', args=[token])}?sent={made}{spoken}#newest", status=303)


@customers_page
@require_POST
def call(request: HttpRequest, token: str) -> HttpResponse:
    """Promise to call the customer back at the time they chose, or call it off when they need it no more."""
    try:
        with gate.opened(request, token, writing=True) as opened:
            if opened is None:
                return _closed(request, token)
            with _spoken(request, opened):
                try:
                    if request.POST.get("withdraw"):
                        calls.withdraw(opened)
                    else:
                        calls.ask(opened, request.POST.get("start", ""), request.POST.get("number", ""))
                except CannotCall as error:
                    return _page(request, opened, status=422, call_error=_no_call(error.reason))
    except TooFast as error:
        return _too_fast(request, error)
    spoken = f"&lang={_asked(request)}" if _asked(request) else ""
    done = "off" if request.POST.get("withdraw") else "1"
    return HttpResponseRedirect(f"{reverse('portal', args=[token])}?called={done}{spoken}#call", status=303)


def _no_call(reason: str) -> str:
    return _(asking.NO_CALL.get(reason, asking.GONE))


def _why_not(reason: str) -> str:
    most = ngettext("%(n)s file at most, please.", "%(n)s files at most, please.", writing.FILES)
    return {
        "empty": _("Write something, or add a file."),
        "too_long": _("That is too long for one message. Send it in two, or as a file."),
        "too_many": most % {"n": number(writing.FILES)},
        "too_large": _("The files have more than %(size)s together. Send them in several messages.")
        % {"size": size(writing.FILE_BYTES)},
        "model": _("One of the 3D models cannot be shown by itself. Save it as one GLB file, and send that."),
    }.get(reason, _("Load the page again, then send once more. Your words are still here."))


@customers_page
@require_POST
def renew(request: HttpRequest, token: str) -> HttpResponse:
    """Mail a new link to the address of the old one. Nobody learns here whether there is such an address."""
    try:
        gate.slow_renewals(request)
        claim = gate.known(request, token)
    except TooFast as error:
        return _too_fast(request, error)
    if claim is not None:
        with tenant(claim.workspace_id):
            opened = gate.find(claim, token)
            if opened is not None:
                writing.renew(opened, _language(opened))
    return HttpResponseRedirect(f"{reverse('portal', args=[token])}?asked=1", status=303)


@customers_page
@require_safe
def file(request: HttpRequest, token: str, file_id: UUID) -> HttpResponseBase:
    """A file of the conversation, to keep; a photo also to look at (`?show=1`)."""
    try:
        with gate.opened(request, token) as opened:
            row = shapes.file(opened, file_id) if opened else None
    except TooFast as error:
        return _too_fast(request, error)
    if row is None or opened is None:
        return _closed(request, token)
    show = request.GET.get("show") == "1" and row.content_type in SHOWN_TYPES
    try:
        return files.answer(opened.claim.workspace_id, row, show=show)
    except blobs.MissingBlob:
        return _closed(request, token)


def _closed(request: HttpRequest, token: str) -> HttpResponse:
    """One answer for every link that does not open: wrong, old, revoked."""
    asked = request.GET.get("asked") == "1"
    with translation.override(_asked(request) or translation.get_language()):
        context: dict[str, Any] = {"token": token, "asked": asked, "spoken": _asked(request)}
        response = render(request, "portal/closed.html", context, status=404)
        response.headers["Content-Language"] = translation.get_language()
        return response


def _too_fast(request: HttpRequest, error: TooFast) -> HttpResponse:
    response = render(request, "portal/slow.html", {"seconds": error.seconds}, status=429)
    response.headers["Retry-After"] = str(error.seconds)
    return response


@contextmanager
def _spoken(request: HttpRequest, opened: Opened) -> Iterator[None]:
    """The page in the language asked for, else the conversation's; times on the customer's clock where it is known."""
    code = _asked(request) or _language(opened)
    with translation.override(code), timezone.override(_zone(opened)):
        yield


def _zone(opened: Opened) -> ZoneInfo:
    try:
        return ZoneInfo(opened.customer.timezone)
    except (KeyError, ValueError):
        return opened.hours.zone


def _asked(request: HttpRequest) -> str:
    """The language chosen with the switch, which is part of the address; '' for none."""
    code = request.GET.get("lang", "") or request.POST.get("lang", "")
    return code if code in dict(settings.LANGUAGES) else ""


def _language(opened: Opened) -> str:
    codes = (opened.conversation.language, opened.customer.language, opened.inbox.language)
    return next((code for code in codes if code in texts.DEFAULT), "en")


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def masked(address: str) -> str:
    """`c•••@atelier.example`: enough to know one's own address again."""
    local, _at, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
