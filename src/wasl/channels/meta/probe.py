"""Trying whether a Page's or an account's settings are right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_noop as _

from wasl.channels import provider
from wasl.channels.base import Reason, Unreached
from wasl.channels.meta.errors import error_of, number, reason_of
from wasl.channels.meta.graph import base, signed
from wasl.channels.meta.send import Platform
from wasl.channels.port import Settings, Step
from wasl.channels.provider import Said


def probe(inbox: Settings, platform: Platform) -> Iterator[Step]:
    """Whether the token is good, whose it is, and whether the webhook can be believed and is subscribed to."""
    fields = "id,name,instagram_business_account{id,username}" if platform.name == "instagram" else "id,name"
    if platform.name == "instagram" and "graph.instagram.com" in base(inbox):
        fields = "user_id,username"
    try:
        said = _ask(inbox, f"me?fields={fields}")
    except Unreached as error:
        yield Step(
            _("Reach Meta"), False, _("Let this machine reach graph.facebook.com by HTTPS."), error.detail
        )
        return
    yield Step(_("Reach Meta"), True)
    if said.status != 200:
        yield _not_let_in(said)
        return
    if "id" not in said.body and "user_id" not in said.body:
        yield Step(_("Sign in"), False, provider.astray(said), f"HTTP {said.status}")
        return
    yield Step(_("Sign in"), True)
    account, name = _whose(said, platform)
    if account != inbox.address:
        what = (
            _("Enter the ID of the Instagram account that the token belongs to.")
            if platform.name == "instagram"
            else _("Enter the ID of the Page that the token belongs to.")
        )
        yield Step(_("Find the account"), False, what, f"{name} {account}".strip())
        return
    yield Step(_("Find the account"), True, "", name)
    yield from _webhook(inbox, platform)


def _ask(inbox: Settings, path: str) -> Said:
    return provider.ask(
        "GET", f"{base(inbox)}/{path}", headers=signed(inbox), private=inbox.private, changes=False
    )


def _not_let_in(said: Said) -> Step:
    error = error_of(said)
    detail = str(error.get("message") or f"HTTP {said.status}")
    reason, _way = reason_of(number(error.get("code")), number(error.get("error_subcode")))
    if reason is Reason.SIGN_IN or said.status == 401:
        return Step(
            _("Sign in"),
            False,
            _("Make a Page access token that does not expire, and enter it here."),
            detail,
        )
    if not error:
        return Step(_("Sign in"), False, provider.astray(said), detail)
    return Step(_("Sign in"), False, _("Look at the app with Meta: it may not ask at the moment."), detail)


def _whose(said: Said, platform: Platform) -> tuple[str, str]:
    """The id that webhooks come for, and what it is called."""
    known: dict[str, Any] = dict(said.body)
    if platform.name == "instagram":
        linked = known.get("instagram_business_account")
        known = linked if isinstance(linked, dict) else known if "user_id" in known else {}
    return str(known.get("user_id") or known.get("id") or ""), str(
        known.get("name") or known.get("username") or ""
    )


def _webhook(inbox: Settings, platform: Platform) -> Iterator[Step]:
    if not inbox.secrets.get("app_secret") or not inbox.secrets.get("verify_token"):
        yield Step(_("Webhook"), False, _("Enter the app secret: without it no message can be trusted."))
        return
    try:
        said = _ask(inbox, "me/subscribed_apps")
    except Unreached as error:
        yield Step(_("Webhook"), False, _("Subscribe the app to these fields of the Page."), error.detail)
        return
    found = said.body.get("data")
    apps = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    wanted = {"messages"} if platform.name == "instagram" else {"messages", "message_echoes"}
    fields = {
        each if isinstance(each, str) else str(each.get("name") if isinstance(each, dict) else "")
        for app in apps
        for each in app.get("subscribed_fields") or ()
    }
    if said.status != 200 or not wanted <= fields:
        missing = ", ".join(sorted(wanted - fields))
        yield Step(_("Webhook"), False, _("Subscribe the app to these fields of the Page."), missing)
        return
    yield Step(_("Webhook"), True, "", ", ".join(sorted(filter(None, fields))))
