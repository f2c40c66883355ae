"""What Telegram brings, by webhook or by long polling: updates.

Source: Telegram Bot API, "Getting updates", "setWebhook", "Making requests when getting updates".
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from wasl.channels.port import Request, Settings, Slip
from wasl.channels.values import obj

ALLOWED = ("message", "edited_message", "message_reaction", "callback_query", "my_chat_member")
"""The kinds of update that we ask for."""

_REF = re.compile(r"-?[0-9]{1,20}:([0-9]{1,20})(?::[^:]*)?")


class Hook:
    """Updates by POST, with the secret that Telegram was given."""

    def challenge(self, request: Request, inbox: Settings) -> str | None:
        """Telegram asks for nothing of the kind."""
        return None

    def genuine(self, request: Request, inbox: Settings) -> bool:
        """Whether the header holds the secret that we told Telegram alone."""
        secret = inbox.secrets.get("secret_token", "")
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        return bool(secret) and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())

    def split(self, request: Request) -> list[Slip]:
        """The one update of a request."""
        return [slip(_read(request.body), mark(request.url))]


def said(request: Request) -> tuple[str, bytes]:
    """The answer to a webhook; that somebody's button was pressed is confirmed in it, so that it stops waiting."""
    answer = {}
    try:
        query = obj(_read(request.body).get("callback_query")).get("id")
    except ValueError:
        query = None
    if isinstance(query, str) and query:
        answer = {"method": "answerCallbackQuery", "callback_query_id": query}
    return "application/json", json.dumps(answer).encode()


def slip(update: Mapping[str, Any], inbox: str) -> Slip:
    """An update, as it is stored. `inbox` is the `mark` of the inbox it came to."""
    content = {"inbox": inbox, "update": update}
    stored = json.dumps(content, ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode()
    return Slip(f"update:{update['update_id']}", stored)


def mark(url: str) -> str:
    """What tells an inbox from its neighbours, from the address of its webhook: the end of its id.

    Numbers of chats and messages are only a bot's own: the same customer's messages to two bots may have the same.
    """
    return urlsplit(url).path.rpartition("/")[2].rpartition("-")[2][-12:]


def ref(chat: int | str, message: int, inbox: str) -> str:
    """The id of a message, unlike any other's in the workspace."""
    return f"{chat}:{message}:{inbox}" if inbox else f"{chat}:{message}"


def number(found: str) -> int | None:
    """The number of a message within its chat, out of its `ref`; None when it is none of Telegram's messages."""
    known = _REF.fullmatch(found)
    return int(known[1]) if known else None


def _read(raw: bytes) -> Mapping[str, Any]:
    try:
        update = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error
    if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
        raise ValueError("not an update of Telegram’s")
    return update
