"""What the viewer of 3D models and of sets of pictures asks for: its words, and a model by its own signed link."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_safe

from wasl.conversations import loose
from wasl.conversations.models import Attachment
from wasl.kit import blobs
from wasl.kit.db import tenant
from wasl.kit.languages import CODES
from wasl.kit.scenes import DRAWN
from wasl.workspace.files import FILE_POLICY, plain_name

WORDS = {
    "close": _("Close"),
    "loading": _("The model is on its way."),
    "model": _("%(name)s, a 3D model"),
    "help": _("Drag to turn it, pinch or scroll to come nearer. Keys: arrows, plus and minus, 0."),
    "nearer": _("Nearer"),
    "further": _("Further away"),
    "reset": _("As it was at first"),
    "room": _("See it in your room"),
    "keep": _("Keep the file"),
    "elsewhere": _("This model is made for the viewer of iPhones and iPads. Elsewhere it can be downloaded."),
    "unsupported": _("This model is packed in a way that cannot be shown here. It can be downloaded."),
    "broken": _("This model cannot be read. It can be downloaded as it is."),
    "old": _("This browser cannot draw 3D models. The file can be downloaded."),
    "away": _("The model could not be loaded. Close this, and try again."),
    "previous": _("Previous picture"),
    "next": _("Next picture"),
    "count": _("%(n)s of %(all)s"),
}


@require_safe
def words(request: HttpRequest) -> HttpResponse:
    """The viewer's words in one language, for any page that shows it: the widget stands on other people's."""
    code = request.GET.get("lang", "")[:2]
    with translation.override(code if code in CODES else "en"):
        said = {name: translation.gettext(text) for name, text in WORDS.items()}
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": "public, max-age=3600",
    }
    return JsonResponse(said, headers=headers)


@require_safe
def scene(_request: HttpRequest, token: str) -> HttpResponseBase:
    """One model, for whoever has its link."""
    found = loose.read(token)
    if found is None:
        raise Http404
    with tenant(found.workspace_id):
        row = Attachment.objects.filter(id=found.file_id, content_type__in=DRAWN).first()
    if row is None:
        raise Http404
    try:
        source = blobs.store().open(found.workspace_id, bytes(row.digest))
    except blobs.MissingBlob as error:
        raise Http404 from error
    headers = {
        "Content-Security-Policy": FILE_POLICY,
        "Cache-Control": "private, max-age=3600",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
        "Referrer-Policy": "no-referrer",
    }
    return FileResponse(
        source, filename=plain_name(row.filename), content_type=row.content_type, headers=headers
    )
