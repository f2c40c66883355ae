"""The customers' page: play a customer, read what Wasl sent them, write to Wasl, and disturb the network.

There is no such page unless WASL_SANDBOX is on.
"""

import io
import time
from datetime import datetime
from uuid import UUID

from babel.dates import format_datetime
from django.conf import settings
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from wasl.channels.base import Address, Part
from wasl.channels.models import Inbox
from wasl.sandbox import bench, mailbox, people, views_phone, wire
from wasl.sandbox.network import EVERYONE, Mode, Rule
from wasl.sandbox.people import NotPlayable, Person
from wasl.sandbox.place import Box, Entry, NoSuchMail
from wasl.sandbox.report import junk as junk_report
from wasl.workspace.files import FILE_POLICY, plain_name
from wasl.workspace.shapes.rail import rail
from wasl.workspace.web import Request

CHANGED = "sandbox:changed"
LARGEST_TEXT = 100_000


@require_safe
def page(request: Request, person_id: UUID | None = None) -> HttpResponse:
    """The page, or only the mail program when that is what is asked for."""
    everyone = people.people(request.actor, bench.place())
    person = people.chosen(everyone, person_id, bench.place())
    if person is None:
        return render(request, "sandbox/nobody.html", {"rail": rail(request.actor)})
    if request.headers.get("HX-Target") in ("phone", "screen"):
        return views_phone.part(request, person)
    desk = bench.desk(person, _box(request), request.GET.get("mail", ""), request.GET.get("write", ""))
    context = {"desk": desk, "person": person}
    if request.headers.get("HX-Target") == "mailbox":
        return render(request, "sandbox/mailbox.html", context)
    if request.headers.get("HX-Target") == "mails":
        apps = views_phone.of(request, person).apps
        return render(
            request, "sandbox/news.html", {**context, "lines": wire.lines(bench.place(), everyone, apps)}
        )
    near = people.nearest(everyone, person)
    more = {
        "rail": rail(request.actor),
        "phone": views_phone.shown(request, person),
        **views_phone.network(request, person),
        "near": [(each, bench.address(each)) for each in near],
        "others": [(each, bench.address(each)) for each in everyone if each not in near],
        "lines": wire.lines(bench.place(), everyone, views_phone.of(request, person).apps),
    }
    return render(request, "sandbox/page.html", {**context, **more})


def _box(request: Request) -> Box:
    return "sent" if request.GET.get("box") == "sent" else "inbox"


@require_safe
def file(request: Request, person_id: UUID, box: Box, name: str, number: int) -> HttpResponseBase:
    """A file of a mail; a picture also to look at (`?show=1`)."""
    person = views_phone.played(request, person_id)
    try:
        part = mailbox.mail(bench.place(), person.address, name, box).content.parts[number]
    except (NoSuchMail, IndexError) as error:
        raise Http404 from error
    show = request.GET.get("show") == "1" and part.content_type in bench.PHOTOS
    return FileResponse(
        io.BytesIO(part.content),
        as_attachment=not show,
        filename=plain_name(part.filename),
        content_type=part.content_type if show else "application/octet-stream",
        headers={"Content-Security-Policy": FILE_POLICY},
    )


@require_POST
def send(request: Request, person_id: UUID) -> HttpResponse:
    """Send what was written, over SMTP to Wasl's own listener."""
    person = views_phone.played(request, person_id)
    text = request.POST.get("text", "").replace("\r\n", "\n")[:LARGEST_TEXT]
    files = [
        Part(f.name or "file", f.content_type or "application/octet-stream", f.read())
        for f in request.FILES.getlist("files")
    ]
    inbox = Inbox.objects.filter(channel="email", is_active=True)
    original = _original(person, request.POST.get("original", ""))
    to = mailbox.answer_to(original, person.language)[0] if original else None
    if to is None:
        chosen = inbox.filter(address=request.POST.get("to", "")).first()
        to = Address(chosen.name, chosen.address) if chosen else None
    if to is None or not (text.strip() or files):
        return _not_sent(_("Write something first, or attach a file."))
    try:
        raw = mailbox.write(
            person.mail,
            to,
            request.POST.get("subject", "").strip()[:500],
            text,
            files=files,
            original=original,
            quote=mailbox.quoted(original, person.language, _date(original.at, person)) if original else "",
            language=person.language,
        )
        mailbox.send(bench.place(), person.mail, to, raw, host=settings.ENV.smtp_host, port=_port())
    except ValueError as error:
        return _not_sent(_("This cannot be sent as a mail: %(why)s") % {"why": error})
    except mailbox.Refused as error:
        return _not_sent(_("Wasl did not take it: %(why)s") % {"why": error.said})
    return _go(request, bench.address(person, box="sent"))


def _port() -> int:
    port: int | None = settings.ENV.smtp_port
    if port is None:
        raise mailbox.Refused(_("its listener for mail is switched off"))
    return port


def _original(person: Person, name: str) -> mailbox.Mail | None:
    try:
        return mailbox.mail(bench.place(), person.address, name) if name else None
    except NoSuchMail:
        return None


def _date(at: datetime, person: Person) -> str:
    here = timezone.localtime(at)
    return format_datetime(here, "d MMMM y HH:mm", locale=person.language or "en")


def _not_sent(why: str) -> HttpResponse:
    return HttpResponse(why, status=422, content_type="text/plain; charset=utf-8")


@require_POST
def seen(request: Request, person_id: UUID, name: str) -> HttpResponse:
    """Mark a mail as read, or with `seen=0` as unread."""
    person = views_phone.played(request, person_id)
    as_read = request.POST.get("seen", "1") == "1"
    try:
        bench.place().mark(person.address, name, seen=as_read)
    except NoSuchMail as error:
        raise Http404 from error
    if as_read:
        _note("read", person, name)
    return _changed(request, bench.address(person))


@require_POST
def junk(request: Request, person_id: UUID, name: str) -> HttpResponse:
    """Report a mail as junk, as mail providers pass it on to the sender (RFC 5965), and throw it away."""
    person = views_phone.played(request, person_id)
    try:
        stored = bench.place().mail(person.address, name)
        raw = stored.path.read_bytes()
    except (NoSuchMail, FileNotFoundError) as error:
        raise Http404 from error
    to, report = junk_report(raw, person.address)
    if to:
        mailbox.hand_over("", to, report, settings.ENV.smtp_host, _port())
    _note("junk", person, name)
    bench.place().discard(person.address, name)
    return _go(request, bench.address(person))


def _note(what: str, person: Person, name: str) -> None:
    mail = mailbox.mail(bench.place(), person.address, name)
    sender = mail.content.sender.address
    bench.place().note(Entry(time.time(), what, sender, person.address, mail.message_id))


@require_POST
def disturb(request: Request, person_id: UUID) -> HttpResponse:
    """Tell the network how to treat this person's next mail, or (`keep=1`) every one from now on."""
    person = views_phone.played(request, person_id)
    try:
        mode = Mode(request.POST.get("mode", ""))
    except ValueError:
        return _not_sent("mode")
    network = bench.network()
    network.set(Rule(Mode.AT_ONCE), EVERYONE)
    network.set(Rule(mode, once=request.POST.get("keep") != "1"), person.address)
    return _changed(request, bench.address(person))


@require_POST
def somebody(request: Request) -> HttpResponse:
    """Make somebody up, and play them."""
    request.actor.require_write()
    language = request.POST.get("language", "")
    known = language if language in dict(settings.LANGUAGES) else ""
    try:
        person = people.invent(
            request.actor, bench.place(), request.POST.get("name", ""), request.POST.get("address", ""), known
        )
    except NotPlayable as error:
        return _not_sent(_why_not(error.reason))
    return _go(request, bench.address(person, write="new"))


def _why_not(reason: str) -> str:
    if reason == "an_inbox":
        return _("That is an inbox of this workspace. Choose an address of their own.")
    return _("Choose an address that ends in .example, such as amal@home.example.")


def _go(request: Request, where: str) -> HttpResponse:
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": where})
    return HttpResponseRedirect(where)


def _changed(request: Request, where: str) -> HttpResponse:
    if "HX-Request" in request.headers:
        return HttpResponse(status=204, headers={"HX-Trigger": CHANGED})
    return HttpResponseRedirect(where)
