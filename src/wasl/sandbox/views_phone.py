"""The customer's phone on their page: reading what arrived, and doing what one does on a phone.

It speaks the customer's language, whatever the page around it speaks.
"""

from typing import Any
from uuid import UUID

from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from markupsafe import Markup

from wasl.sandbox import bench, people, phone, telephone
from wasl.sandbox.chats import Files
from wasl.sandbox.network import CALLS, WEBHOOKS, Mode, Rule, person_on, provider_of
from wasl.sandbox.people import Person
from wasl.sandbox.phone import App, NoAnswer, Phone
from wasl.workspace.files import FILE_POLICY, plain_name
from wasl.workspace.format import first_name, isolated
from wasl.workspace.web import Request

CHANGED = "sandbox:changed"
LARGEST_TEXT = 4000
LARGEST_FILE = 16_000_000
NOT_SET = "mode"
PDF = "application/pdf"
PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; plugin-types application/pdf"
SOUND = "audio/mpeg"


def played(request: Request, person_id: UUID) -> Person:
    """Who is played; changing anything needs the right to write."""
    if request.method == "POST":
        request.actor.require_write()
    person = people.chosen(people.people(request.actor, bench.place()), person_id, bench.place())
    if person is None:
        raise Http404
    return person


def of(request: Request, person: Person, app: str = "", end: str = "") -> Phone:
    """The phone, as the address of the page says or with that app open."""
    folder = bench.folder()
    app, end = app or request.GET.get("app", ""), end or request.GET.get("end", "")
    return phone.phone(folder, person, phone.register(folder), app, end)


def shown(request: Request, person: Person) -> Markup | None:
    """The phone as a part of the page; None when there is no app on it."""
    made = of(request, person)
    return _render(request, "sandbox/phone.html", made) if made.apps else None


def part(request: Request, person: Person) -> HttpResponse:
    """The phone, or only what is on its screen, when it is read again."""
    made = of(request, person)
    if request.headers["HX-Target"] == "screen":
        return HttpResponse(_render(request, "sandbox/screen_news.html", made))
    about = network(request, person) | {"swapped": True}
    beside = render_to_string("sandbox/network.html", about, request)
    return HttpResponse(f"{_render(request, 'sandbox/phone.html', made)}{beside}")


def _render(request: Request, template: str, made: Phone, **more: str) -> Markup:
    context = {"phone": made, "person": made.person, "emoji": phone.EMOJI, "gist": telephone.gist, **more}
    with translation.override(made.person.language or translation.get_language()):
        return Markup(render_to_string(template, context, request))  # noqa: S704 - our own template


@require_POST
def act(request: Request, person_id: UUID, app: str) -> HttpResponse:
    """Do something in an app: write (with files), or whatever else its stand-in knows."""
    person = played(request, person_id)
    made = of(request, person, app, request.POST.get("end", ""))
    if made.opened is None:
        raise Http404
    do = request.POST.get("do", "write")
    if do == "write" and made.opened.can(do):
        return _write(request, made, made.opened)
    if not made.opened.can(do):
        raise Http404
    text = request.POST.get("text", "")[:LARGEST_TEXT]
    what = {"of": request.POST.get("of", ""), "key": request.POST.get("key", ""), "text": text}
    spoken = (
        [f for f in request.FILES.getlist("files") if 0 < (f.size or 0) <= LARGEST_FILE]
        if do == "leave"
        else []
    )
    kept = [Files(bench.folder()).put(f.read(), f.content_type or SOUND, f.name or "") for f in spoken]
    try:
        phone.play(made.opened, do, **what, files=kept)
    except NoAnswer as error:
        return HttpResponse(str(error), status=422, content_type="text/plain; charset=utf-8")
    if "HX-Request" in request.headers:
        return HttpResponse(status=204, headers={"HX-Trigger": CHANGED})
    return _back(made.opened)


def _write(request: Request, made: Phone, app: App) -> HttpResponse:
    """Send a message. The line to write in comes back: empty, or with what was written and why it did not leave."""
    text = request.POST.get("text", "").replace("\r\n", "\n").strip()[:LARGEST_TEXT]
    with translation.override(made.person.language or translation.get_language()):
        error = _leave(request, app, text)
    if "HX-Request" not in request.headers:
        return _back(app)
    line = _render(request, "sandbox/say.html", made, text=text if error else "", error=error)
    return HttpResponse(line, headers={} if error else {"HX-Trigger": CHANGED})


def _leave(request: Request, app: App, text: str) -> str:
    """Have it sent; why it was not, '' when it was."""
    files = [f for f in request.FILES.getlist("files") if f.size] if app.standin.files else []
    if any((f.size or 0) > LARGEST_FILE for f in files):
        return _("That file is too large for a phone.")
    if not text and not files:
        return _("Write something first, or send a picture.")
    kept = Files(bench.folder())
    ids = [kept.put(f.read(), f.content_type or "application/octet-stream", f.name or "") for f in files]
    try:
        phone.play(app, "write", text=text, files=ids, answers=request.POST.get("answers", ""))
    except NoAnswer as error:
        return _("The sandbox does not take it: %(why)s") % {"why": error}
    return ""


def _back(app: App) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": app.href})


@require_POST
def disturb(request: Request, person_id: UUID, app: str) -> HttpResponse:
    """Tell an app's provider how to treat this customer next, or (`keep=1`) from now on."""
    made = of(request, played(request, person_id), app, request.POST.get("end", ""))
    try:
        mode = Mode(request.POST.get("mode", ""))
    except ValueError:
        return HttpResponse(NOT_SET, status=422, content_type="text/plain; charset=utf-8")
    if made.opened is None or mode not in CALLS | WEBHOOKS | {Mode.AT_ONCE}:
        raise Http404
    shared = made.opened.standin.shared
    key = provider_of(app) if shared else person_on(app, made.opened.who.address)
    bench.network().set(Rule(mode, once=request.POST.get("keep") != "1"), key)
    if "HX-Request" in request.headers:
        return HttpResponse(status=204, headers={"HX-Trigger": CHANGED})
    return _back(made.opened)


def network(request: Request, person: Person) -> dict[str, Any]:
    """What the panel of the network shows: faults of the open app, else of the person's mail."""
    opened = of(request, person).opened
    made: dict[str, Any] = {"person": person, "app_faults": None, "who": isolated(first_name(person.name))}
    if opened is None:
        return made | {"faults": bench.faults(person), "for_good": bench.is_for_good(person)}
    where = (opened.channel, opened.who.address)
    listed = {"app": opened, "list": bench.app_faults(*where), "for_good": bench.app_for_good(*where)}
    return made | {"app_faults": listed, "app_name": isolated(opened.label)}


@require_safe
def file(request: Request, person_id: UUID, app: str, name: str) -> HttpResponseBase:
    """A file of a chat: a picture or a letter to look at, all else to keep."""
    opened = of(request, played(request, person_id), app).opened
    found = Files(bench.folder()).get(name)
    if opened is None or found is None or not any(name in item.files for item in opened.items):
        raise Http404
    shown = found.content_type in phone.PHOTOS or found.content_type == PDF
    return FileResponse(
        found.path.open("rb"),
        as_attachment=not shown,
        filename=plain_name(found.filename),
        content_type=found.content_type if shown else "application/octet-stream",
        headers={"Content-Security-Policy": PDF_POLICY if found.content_type == PDF else FILE_POLICY},
    )
