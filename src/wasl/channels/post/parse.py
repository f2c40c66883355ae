"""A receipt of the print provider → Report.

{"id": the job's, "state": "printed" | "posted" | "delivered" | "returned" | "refused", "at": ISO 8601, "ref": the
provider's own id or "", "detail": text for administrators}.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from wasl.channels.base import Reason, Unparseable, Unread
from wasl.channels.port import Nothing, Parsed, Report, ReportKind

CHANNEL = "post"
_STATES: dict[str, tuple[ReportKind, Reason]] = {
    "printed": ("sent", Reason.OTHER),
    "posted": ("sent", Reason.OTHER),
    "delivered": ("delivered", Reason.OTHER),
    "returned": ("failed", Reason.ADDRESS_UNKNOWN),
    "refused": ("failed", Reason.BAD_MESSAGE),
}


def parse(raw: bytes) -> Parsed:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        return _report(json.loads(raw))
    except Unparseable:
        raise
    except Exception as error:
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


def _report(body: dict[str, Any]) -> Parsed:
    state, own = _text(body.get("state"), 40), _text(body.get("id"), 64)
    ref = _text(body.get("ref"), 200)
    if not own and not ref:
        raise Unparseable(Unread.BROKEN, "it does not say which letter it is about")
    if state not in _STATES:
        return Nothing(f"state {state}")
    kind, reason = _STATES[state]
    at = datetime.fromisoformat(body["at"])
    return Report(
        kind=kind,
        at=(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC),
        ref=ref,
        delivery=own,
        code=state,
        detail=_text(body.get("detail"), 500) or state,
        reason=reason,
    )


def _text(value: Any, most: int) -> str:
    text = value if isinstance(value, str) else ""
    return (
        "".join(c if c.isprintable() else " " for c in text)
        .encode("utf-8", "replace")
        .decode()
        .strip()[:most]
    )
