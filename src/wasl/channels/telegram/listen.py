"""How updates come: Telegram is asked for them, or told where to hand them in; and whether the settings are right.

Source: Telegram Bot API, "getUpdates", "setWebhook", "getWebhookInfo", "getMe".
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from threading import Event
from typing import Any

from django.utils.translation import gettext_noop as _

from wasl.channels.base import Failure, InDoubt, Reason, TemporaryFailure, Unreached
from wasl.channels.port import Settings, Step, Take
from wasl.channels.telegram import api
from wasl.channels.telegram.hook import ALLOWED, mark, slip
from wasl.channels.values import line, obj, objs, text, whole

POLL = 5
"""Seconds for which Telegram holds a question open: news comes at once, and so late is it seen that we are to end."""
UPDATES = 16_000_000
"""Bytes of a hundred updates, at most."""

WEBHOOK = "webhook"
LATELY = 600
"""Seconds after which an error of the webhook is an old one."""


def by_webhook(inbox: Settings) -> bool:
    """Whether Telegram is to hand updates in; else it is asked for them."""
    return inbox.text("mode").strip().lower() == WEBHOOK


def listen(inbox: Settings, take: Take, stop: Event) -> None:
    """As `port.Channel` says. What is asked for next tells Telegram that what came before is stored."""
    if by_webhook(inbox):
        have_handed_in(inbox, take)
        return
    here, after, wait = mark(inbox.webhook), 0, 0
    while not stop.is_set():
        updates = _ask(inbox, after, wait)
        take([slip(update, here) for update in updates])
        after = max((update["update_id"] + 1 for update in updates), default=after)
        wait = POLL
        for update in updates:
            _confirm(inbox, obj(update.get("callback_query")))


def _ask(inbox: Settings, after: int, wait: int) -> Sequence[Mapping[str, Any]]:
    data: dict[str, Any] = {"timeout": wait, "limit": 100, "allowed_updates": list(ALLOWED)}
    if after:
        data["offset"] = after
    said = api.ask(inbox, "getUpdates", data, changes=False, most=UPDATES)
    if said.status == 409 and "webhook" in api.words(said).lower():
        # The inbox wants to be asked, so nobody is to be called any more; what waits there is kept.
        api.result(api.ask(inbox, "deleteWebhook", {"drop_pending_updates": False}, changes=False), sure=True)
        said = api.ask(inbox, "getUpdates", data, changes=False, most=UPDATES)
    found = api.result(said, sure=True)
    return [each for each in objs(found) if whole(each.get("update_id")) is not None]


def _confirm(inbox: Settings, query: Mapping[str, Any]) -> None:
    """The button that was pressed stops waiting; that this fails is nobody's loss."""
    if id_ := text(query.get("id")):
        try:
            api.ask(inbox, "answerCallbackQuery", {"callback_query_id": id_}, changes=False)
        except (Failure, InDoubt):
            return


def have_handed_in(inbox: Settings, take: Take) -> None:
    """Tell Telegram the address of the webhook, unless it knows it. Raises Unreached, TemporaryFailure."""
    if not inbox.webhook.startswith("https://") and not inbox.private:
        raise Unreached("", "Telegram calls public https addresses only.", reason=Reason.INSECURE)
    info = _info(inbox)
    wrong, lately = line(info.get("last_error_message")), _lately(info)
    known = info.get("url") == inbox.webhook and set(info.get("allowed_updates") or ()) == set(ALLOWED)
    if not known or (lately and "401" in wrong):  # 401: it knows an earlier secret
        data = {
            "url": inbox.webhook, "secret_token": inbox.secrets.get("secret_token", ""),
            "allowed_updates": list(ALLOWED), "drop_pending_updates": False,
        }  # fmt: skip
        api.result(api.ask(inbox, "setWebhook", data, changes=False), sure=True)
    elif lately and (whole(info.get("pending_update_count")) or 0) > 0:
        raise TemporaryFailure(
            "", f"Telegram does not get through to Wasl: {wrong}", reason=Reason.UNREACHABLE
        )
    take(())


def _info(inbox: Settings) -> Mapping[str, Any]:
    return obj(api.result(api.ask(inbox, "getWebhookInfo", changes=False), sure=True))


def _lately(info: Mapping[str, Any]) -> bool:
    return (whole(info.get("last_error_date")) or 0) > time.time() - LATELY


def probe(inbox: Settings) -> Iterator[Step]:
    """Whether the token opens the bot that was named, and how its messages come. Changes nothing at Telegram."""
    try:
        said = api.ask(inbox, "getMe", changes=False)
    except Unreached as error:
        if error.reason is Reason.SIGN_IN:
            yield Step(_("Sign in"), False, _("Enter the bot token that BotFather gave you."), error.detail)
        else:
            yield Step(
                _("Reach Telegram"),
                False,
                _("Let this machine reach the API address by HTTPS."),
                error.detail,
            )
        return
    yield Step(_("Reach Telegram"), True)
    try:
        me = obj(api.result(said, sure=True))
        yield Step(_("Sign in"), True)
        yield _named(inbox, text(me.get("username")))
        yield _coming(inbox, _info(inbox))
    except Unreached as error:
        yield Step(_("Sign in"), False, _("Enter the bot token that BotFather gave you."), str(error))
    except Failure as error:
        yield Step(_("Telegram’s answer"), False, _("Try again in a minute."), str(error))


def _named(inbox: Settings, name: str) -> Step:
    if name.lower() == inbox.address.strip().removeprefix("@").lower():
        return Step(_("Find the bot"), True, "", f"@{name}")
    return Step(
        _("Find the bot"),
        False,
        _("The token belongs to another bot: enter its name, or the other token."),
        f"@{name}",
    )


def _coming(inbox: Settings, info: Mapping[str, Any]) -> Step:
    what, url = _("How messages come in"), line(info.get("url"))
    mode = inbox.text("mode").strip().lower()
    if mode not in ("", "polling", WEBHOOK):
        return Step(what, False, _("Write polling or webhook."), mode)
    if not by_webhook(inbox):
        return Step(what, True, "", "getUpdates")
    if not inbox.webhook.startswith("https://") and not inbox.private:
        return Step(
            what,
            False,
            _("Wasl needs a public https address for that; choose polling otherwise."),
            inbox.webhook,
        )
    if url == inbox.webhook and _lately(info):
        return Step(
            what,
            False,
            _("Telegram does not get through to Wasl: see what it says."),
            line(info.get("last_error_message")),
        )
    return Step(what, True, "", "setWebhook")
