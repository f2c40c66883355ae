"""The message templates that WhatsApp has approved for a business account.

Source: Meta for Developers, "WhatsApp Business Management API: Message Templates".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from wasl.channels import provider
from wasl.channels.base import NO_ACCOUNT, Reason, Unreached
from wasl.channels.meta.graph import base, signed
from wasl.channels.port import Settings
from wasl.channels.whatsapp.send import fail

PAGES, PAGE = 20, 100
"""At most this many pages of so many templates are read: 2,000, more than an account may have by default."""
_PLACE = re.compile(r"\{\{[^{}]*\}\}")
_NUMBERED = re.compile(r"\{\{\s*\d{1,2}\s*\}\}")


def approved(inbox: Settings) -> list[dict[str, str]]:
    """Those that are words with numbered places and nothing else that has to be filled in.

    Raises Unreached, TemporaryFailure or PermanentFailure.
    """
    account = inbox.text("account")
    if not account:
        raise Unreached(NO_ACCOUNT, "", reason=Reason.SIGN_IN)
    found: list[dict[str, str]] = []
    after = ""
    for _ in range(PAGES):
        asked = {"fields": "name,language,status,components", "status": "APPROVED", "limit": str(PAGE)}
        asked |= {"after": after} if after else {}
        said = provider.ask(
            "GET", f"{base(inbox)}/{account}/message_templates?{urlencode(asked)}",
            headers=signed(inbox), private=inbox.private, changes=False, most=4 * 1024 * 1024,
        )  # fmt: skip
        if said.status != 200:
            fail(said, sure=True)
        rows = said.body.get("data")
        found += [each for row in rows if (each := _read(row))] if isinstance(rows, list) else []
        paging = said.body.get("paging")
        cursors = paging.get("cursors") if isinstance(paging, dict) and paging.get("next") else None
        after = str(cursors.get("after") or "") if isinstance(cursors, dict) else ""
        if not after:
            break
    return found


def _read(row: Any) -> dict[str, str] | None:
    if not isinstance(row, dict) or row.get("status") != "APPROVED":
        return None
    parts = [each for each in row.get("components") or () if isinstance(each, dict)]
    body = next((str(each.get("text") or "") for each in parts if each.get("type") == "BODY"), "")
    name, language = row.get("name"), row.get("language")
    if not body or not isinstance(name, str) or not isinstance(language, str):
        return None
    if _PLACE.sub("", body) != _NUMBERED.sub("", body) or any(_asks_more(each) for each in parts):
        return None
    return {"name": name[:512], "language": language[:16], "text": body[:4096]}


def _asks_more(part: Mapping[str, Any]) -> bool:
    """Whether a header or a button wants something of its own: a file, a value, an address, a code."""
    if part.get("type") == "HEADER":
        return part.get("format") != "TEXT" or bool(_PLACE.search(str(part.get("text") or "")))
    if part.get("type") != "BUTTONS":
        return False
    buttons = [each for each in part.get("buttons") or () if isinstance(each, dict)]
    return any(
        each.get("type") not in ("QUICK_REPLY", "PHONE_NUMBER", "URL")
        or _PLACE.search(str(each.get("url") or ""))
        for each in buttons
    )
