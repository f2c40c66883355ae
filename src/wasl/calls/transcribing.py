"""Voicemail written down by a program of the business's own choosing: an optional plug of a telephone inbox.

Once the message of a voicemail stands in its conversation, a signed request (Standard Webhooks, as `channels.webhook`)
goes to the address that the inbox names: {"call", "recording", "seconds", "language"}. What comes back,
{"text", "language"}, becomes a note beside the message, once. It may take two minutes, so a loop of its own asks,
outside of any transaction. What was heard is kept in memory, and looked for again when a worker starts.
"""

import json
import logging
import time
from collections import deque
from datetime import timedelta
from typing import Any, LiteralString, NamedTuple
from uuid import UUID, uuid5

from django.utils.translation import gettext as _
from django.utils.translation import override

from wasl.accounts.actor import NotFound
from wasl.calls import actions
from wasl.calls.models import Call
from wasl.channels.chat_inboxes import settings_of
from wasl.channels.models import Inbox
from wasl.channels.port import Settings
from wasl.channels.webhook import signed
from wasl.conversations.models import Message
from wasl.conversations.notes import note
from wasl.conversations.reply import CannotReply
from wasl.kit import outside
from wasl.kit.clock import now
from wasl.kit.db import pool, tenant

log = logging.getLogger(__name__)

TIMEOUT = 120.0
"""Seconds that writing down a message may take."""
ANSWER = 256 * 1024
LONGEST = 20_000
"""Letters of it that are kept."""
AGAIN = (60.0, 600.0)
"""Seconds until the second try and until the third, the last."""
REST = 2.0
BACK = timedelta(days=1)


class Waiting(NamedTuple):
    """A voicemail to write down: not before `due` (of the monotonic clock), after so many tries."""

    workspace_id: UUID
    call_id: UUID
    due: float = 0.0
    tries: int = 0


_waiting: deque[Waiting] = deque(maxlen=10_000)
_started: list[bool] = []
# When a worker starts, once: of the last day, whatever has been written down already is found by its note.
_LATELY: LiteralString = """
SELECT workspace_id, id FROM calls_call
WHERE recording <> '' AND outcome = 'voicemail' AND conversation_id IS NOT NULL AND started_at > %s LIMIT 1000
"""


def hear(workspace_id: UUID, call_id: UUID) -> None:
    """A voicemail has got its conversation."""
    _waiting.append(Waiting(workspace_id, call_id))


def step() -> float:
    """Have one voicemail written down that is due; the seconds until the next look. Not inside a transaction."""
    if not _started:
        _started.append(True)
        with pool("queue", "worker", 6).connection() as conn:
            _waiting.extend(Waiting(*row) for row in conn.execute(_LATELY, [now() - BACK]).fetchall())
    for _turn in range(len(_waiting)):
        one = _waiting.popleft()
        if one.due <= time.monotonic():
            if not _write(one) and one.tries < len(AGAIN):
                _waiting.append(one._replace(due=time.monotonic() + AGAIN[one.tries], tries=one.tries + 1))
            return 0.0 if _waiting else REST
        _waiting.append(one)
    return REST


def _write(one: Waiting) -> bool:
    """Whether nothing is left to do for it."""
    key = uuid5(one.call_id, "written down")
    with tenant(one.workspace_id):
        call = Call.objects.filter(id=one.call_id).exclude(recording="").first()
        if call is None or call.inbox_id is None:
            return True
        inbox = Inbox.objects.filter(id=call.inbox_id, is_active=True).first()
        if inbox is None or Message.objects.filter(id=key).exists():
            return True
        known, language = settings_of(inbox), inbox.language
    if not known.text("transcribe_url") or not signed.key(known.secrets.get("transcribe_secret", "")):
        return True
    text = _ask(known, call, language)
    if text:
        _keep(one.workspace_id, call, key, text, language)
    return text is not None


def _ask(inbox: Settings, call: Call, language: str) -> str | None:
    """What was said, '' for nothing that could be written down; None where it is worth another try."""
    about = {
        "call": str(call.id), "recording": call.recording, "seconds": call.recorded, "language": language,
    }  # fmt: skip
    body = json.dumps(about, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    headers |= signed.headers(inbox.secrets["transcribe_secret"], f"msg_{call.id.hex}", body)
    try:
        said = outside.call(
            "POST", inbox.text("transcribe_url"), body, headers,
            timeout=TIMEOUT, most=ANSWER, private=inbox.private,
        )  # fmt: skip
    except outside.NotCalled as error:
        log.info("voicemail of call %s was not written down: %s", call.id, error)
        return None
    if said.status >= 500 or said.status == 429:
        return None
    try:
        found: Any = json.loads(said.body) if said.status == 200 else {}
    except (ValueError, RecursionError):
        found = {}
    text = found.get("text") if isinstance(found, dict) else None
    if not isinstance(text, str):
        log.warning("voicemail of call %s: the program answered %s and no text", call.id, said.status)
        return ""
    return text.replace("\x00", "").strip()[:LONGEST]


def _keep(workspace_id: UUID, call: Call, key: UUID, text: str, language: str) -> None:
    with override(language):
        said = _("What the voicemail says, written down by a program:")
    with tenant(workspace_id):
        place = Call.objects.get(id=call.id).conversation_id
        try:
            if place is not None:
                note(actions.system(workspace_id), place, f"{said}\n\n{text}", key=key)
        except (NotFound, CannotReply) as error:
            log.info("voicemail of call %s has no place any more: %s", call.id, error)
