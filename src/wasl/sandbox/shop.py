"""The shop's own website, as its customers see it: one page that carries the chat, with the customer signed in.

It does what docs/channels/webchat.md asks of a host: one script, and a token that its server signs.
"""

import hmac
from datetime import timedelta
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from wasl.channels.chat_inboxes import settings_of
from wasl.channels.models import Inbox
from wasl.kit.base64url import jwt
from wasl.kit.clock import now
from wasl.sandbox import views_phone
from wasl.sandbox.people import Person
from wasl.workspace.web import Request

SIGNED_IN = timedelta(hours=8)


def website() -> Inbox | None:
    """The inbox of the chat on the shop's page."""
    return Inbox.objects.filter(channel="webchat", is_active=True).order_by("created_at", "id").first()


@require_safe
def page(request: Request, person_id: UUID) -> HttpResponse:
    """The page, in the customer's language; `?guest=1` for somebody who is not signed in."""
    person, inbox = views_phone.played(request, person_id), website()
    if inbox is None:
        raise Http404
    guest = request.GET.get("guest") == "1"
    token = "" if guest else sign(person, settings_of(inbox).secrets.get("identity_secret", ""))
    with translation.override(person.language or translation.get_language()):
        goods = [
            (_("Plates and bowls"), _("glazed by hand in Fès")),
            (_("Olive wood"), _("boards and spoons, each with its own grain")),
            (_("Lamps"), _("pierced brass, wired for Europe")),
        ]
        context = {"person": person, "inbox": inbox, "token": token, "guest": guest, "goods": goods}
        return render(request, "sandbox/shop.html", context)


def sign(person: Person, secret: str) -> str:
    """A JSON Web Token (RFC 7519, HS256) that says who is signed in."""
    claims = {
        "sub": str(person.id), "email": person.address, "name": person.name,
        "exp": int((now() + SIGNED_IN).timestamp()),
    }  # fmt: skip
    return jwt(
        {"alg": "HS256", "typ": "JWT"}, claims, lambda said: hmac.digest(secret.encode(), said, "sha256")
    )
