"""What of the pages' traffic goes into the access log: every change made, and looks at what is a customer's."""

from typing import Final
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from wasl.accounts import access_log
from wasl.accounts.actor import Actor
from wasl.kit.db import tenant

LOOKS: Final = frozenset(
    {"conversation", "conversation_at", "customer", "message", "file", "original", "attempts", "export"}
)
"""Routes whose GET shows what a customer wrote or who they are. Lists and counts are not looks."""

QUIET: Final = frozenset(
    {
        "acknowledgement_preview",
        "bulk_menu",
        "device",
        "draft",
        "draft_file",
        "draft_file_remove",
        "draft_files",
        "language",
        "looks",
        "mentionable",
        "notices_choices",
        "notices_seen",
        "presence",
        "saved_filled",
        "saved_picker",
        "seen",
        "settings",
        "workspace",
    }
)
"""Routes whose POST changes nothing but how the reader's own pages stand."""

SANDBOX: Final = "sandbox_"
"""How the routes begin by which one plays the customers' side: nobody's customers."""

RECORDED: Final = frozenset(
    {
        "again",
        "close",
        "import_contacts",
        "import_orders",
        "invite",
        "open_again",
        "role",
        "second_step_all",
        "second_step_take",
        "team",
        "team_remove",
        "teams",
        "withdraw",
    }
)
"""Routes whose actions write their own line, with more to say than the name of a route."""


def changed(request: HttpRequest, actor: Actor, response: HttpResponseBase) -> None:
    """Write down a change, in the transaction that made it."""
    verb = _name(request)
    if response.status_code >= 400 or verb in QUIET or verb in RECORDED or verb.startswith(SANDBOX):
        return
    thing, thing_id = _thing(request)
    access_log.record(actor, verb, thing, thing_id, address=address_of(request))


def looked(request: HttpRequest, actor: Actor, response: HttpResponseBase) -> None:
    """Write down a look, in a transaction of its own: reading requests cannot write."""
    verb = _name(request)
    if verb not in LOOKS or response.status_code >= 400:
        return
    thing, thing_id = _thing(request)
    if thing_id is None or access_log.is_new_look(actor, thing_id):
        with tenant(actor.workspace_id):
            access_log.record(actor, verb, thing, thing_id, changed=False, address=address_of(request))


def address_of(request: HttpRequest) -> str:
    """Where a request came from; '' when the server does not say."""
    return str(request.META.get("REMOTE_ADDR") or "")


def _name(request: HttpRequest) -> str:
    match = request.resolver_match
    return (match.url_name or "") if match else ""


def _thing(request: HttpRequest) -> tuple[str, UUID | None]:
    match = request.resolver_match
    return access_log.thing_in(match.kwargs if match else {})
