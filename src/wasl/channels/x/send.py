"""Sending direct messages on X, fetching what was sent to us, and trying whether settings are right.

Source: X Developer Platform, "X API v2: Manage Direct Messages, Media upload, Response codes, Rate limits".
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from django.utils.translation import gettext_noop as _

from wasl.channels import provider
from wasl.channels.base import InDoubt, PermanentFailure, Reason, Sent, TemporaryFailure, Unreached
from wasl.channels.meta.send import multipart
from wasl.channels.port import Fetched, OutboundChat, Settings, Step, Upload
from wasl.channels.provider import Said
from wasl.channels.x.oauth import Keys, authorization
from wasl.kit.clock import now

API = "https://api.x.com"
PIECE = 4_000_000
"""Bytes of a file that are handed over at once; X takes up to 5 MB."""
KINDS = (
    ("image/gif", 15_000_000),
    ("image/jpeg", 5_000_000),
    ("image/png", 5_000_000),
    ("image/webp", 5_000_000),
    ("video/mp4", 15_000_000),
)
"""What a message can carry, in bytes."""
PATIENCE = 20.0
"""Seconds for which we wait until X has looked at a film; then the message is tried again later."""


def keys(inbox: Settings) -> Keys:
    """What requests are signed with."""
    known = inbox.secrets.get
    return Keys(
        inbox.text("app_key"),
        known("app_secret", ""),
        known("access_token", ""),
        known("access_secret", ""),
    )


def ask(
    inbox: Settings, method: str, path: str, *, data: Mapping[str, Any] | None = None, body: bytes | None = None,
    kind: str = "", changes: bool = True, most: int = provider.ANSWER,
) -> Said:  # fmt: skip
    """A signed call; `path` may be a whole address, which never leads into one's own network, unless the provider
    itself stands there (a sandbox). Raises Unreached and InDoubt."""
    home, whole = inbox.text("base_url", API), path.startswith("http")
    url, private = (
        (path, inbox.private and home != API) if whole else (f"{home.rstrip('/')}{path}", inbox.private)
    )
    headers = {"Authorization": authorization(method, url, keys(inbox))}
    if kind:
        headers["Content-Type"] = kind
    return provider.ask(
        method, url, data=data, body=body, headers=headers, private=private, changes=changes, most=most
    )


class Line:
    """An account of the business."""

    def __init__(self, inbox: Settings) -> None:
        if not inbox.address or not keys(inbox).whole:
            raise Unreached("", "The account's ID or one of the keys is missing.", reason=Reason.SIGN_IN)
        self._inbox = inbox

    def send(self, message: OutboundChat) -> Sent:
        """One message, with at most one picture or film. Raises as `port.Line` says."""
        if message.reaction:
            raise PermanentFailure("", "no reactions can be sent here", Reason.BAD_MESSAGE)
        body: dict[str, Any] = {"text": message.text} if message.text else {}
        if message.files:
            body["attachments"] = [{"media_id": self._upload(message.files[0])}]
        if not body:
            raise ValueError("a message without words or file")
        said = ask(self._inbox, "POST", f"/2/dm_conversations/with/{message.to}/messages", data=body)
        found = said.body.get("data")
        id_ = found.get("dm_event_id") if isinstance(found, dict) else None
        if said.status not in (200, 201) or not isinstance(id_, str):
            fail(said)
        return Sent(id_)

    def close(self) -> None:
        """Nothing is kept between calls."""

    def _upload(self, file: Upload) -> str:
        """Hand a file over; the id under which it can be sent. Nothing reaches the customer by that."""
        about = {"media_type": file.content_type, "total_bytes": file.size, "media_category": _category(file)}
        found = self._step("POST", "/2/media/upload/initialize", data=about)
        id_ = found.get("id")
        if not isinstance(id_, str):
            raise TemporaryFailure("", "no id for the file")
        with file.read() as source:
            number = 0
            while piece := source.read(PIECE):
                boundary = uuid.uuid4().hex
                form = multipart(boundary, {"segment_index": str(number)}, "media", file, piece)
                kind = f"multipart/form-data; boundary={boundary}"
                self._step("POST", f"/2/media/upload/{id_}/append", body=form, kind=kind)
                number += 1
        self._wait(id_, self._step("POST", f"/2/media/upload/{id_}/finalize"))
        return id_

    def _step(self, method: str, path: str, **more: Any) -> Mapping[str, Any]:
        said = ask(self._inbox, method, path, changes=False, **more)
        if said.status not in (200, 201, 202, 204):
            fail(said, sure=True)
        found = said.body.get("data")
        return found if isinstance(found, dict) else {}

    def _wait(self, id_: str, found: Mapping[str, Any]) -> None:
        """X looks at films before it takes them."""
        waited = 0.0
        while isinstance(about := found.get("processing_info"), dict) and about.get("state") != "succeeded":
            if about.get("state") == "failed":
                raise PermanentFailure("", "the file was not accepted", Reason.BAD_MESSAGE)
            pause = about.get("check_after_secs")
            pause = float(pause) if isinstance(pause, int | float) else 1.0
            if waited + pause > PATIENCE:
                raise TemporaryFailure("", "the file is still being looked at", pause)
            time.sleep(max(pause, 0.05))
            waited += max(pause, 0.05)
            found = self._step("GET", f"/2/media/upload?command=STATUS&media_id={id_}")


def _category(file: Upload) -> str:
    kind = file.content_type.partition(";")[0].strip().lower()
    if kind == "image/gif":
        return "dm_gif"
    if kind in ("image/jpeg", "image/png", "image/webp"):
        return "dm_image"
    if kind == "video/mp4":
        return "dm_video"
    raise PermanentFailure("", f"files of type {kind} do not go there", Reason.BAD_MESSAGE)


def fail(said: Said, *, sure: bool = False) -> NoReturn:
    """What an answer means that is no success. `sure`: nothing can have reached the customer."""
    errors = said.body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    kind = str(said.body.get("type") or first.get("type") or "").rpartition("/")[2]
    detail = str(said.body.get("detail") or first.get("message") or first.get("detail") or kind)[:500]
    code = kind or str(said.status)
    if not (detail or kind) and (said.status >= 500 or said.status < 300):
        if not sure:
            raise InDoubt(f"HTTP {said.status} without an explanation")
        raise TemporaryFailure(code, "no explanation", said.retry_after)
    if said.status == 401:
        raise Unreached(code, detail, reason=Reason.SIGN_IN)
    if said.status == 402 or kind in ("usage-capped", "client-forbidden", "client-not-enrolled"):
        raise Unreached(code, detail, _reset(said), reason=Reason.ACCOUNT)
    if said.status == 429 or said.status >= 500:
        raise TemporaryFailure(code, detail, _reset(said))
    if said.status == 403:
        # That the app may not, an administrator can change; that the customer does not want to, nobody.
        if "permission" in f"{kind} {detail}".lower():
            raise Unreached(code, detail, reason=Reason.SIGN_IN)
        raise PermanentFailure(code, detail, Reason.STOPPED)
    raise PermanentFailure(code, detail, Reason.ADDRESS_UNKNOWN if said.status == 404 else Reason.BAD_MESSAGE)


def _reset(said: Said) -> float | None:
    """When X will listen again: in so many seconds, or at a moment (seconds since 1970)."""
    if said.retry_after is not None:
        return said.retry_after
    try:
        return max(0.0, float(said.headers.get("x-rate-limit-reset", "")) - now().timestamp())
    except ValueError:
        return None


def fetch(inbox: Settings, ref: Mapping[str, Any]) -> Fetched:
    """A file of a message, which only the two who write to each other may read: the call is signed.

    Raises Unreached, TemporaryFailure or PermanentFailure.
    """
    said = ask(inbox, "GET", str(ref["url"]), changes=False, most=provider.FILE)
    if said.status != 200:
        if said.status in (404, 410):
            raise PermanentFailure(str(said.status), "the file is gone", Reason.OTHER)
        fail(said, sure=True)
    kind = said.headers.get("content-type") or "application/octet-stream"
    return Fetched(said.raw, kind.partition(";")[0].strip().lower())


def probe(inbox: Settings) -> Iterator[Step]:
    """Whether the keys are good, and whose they are."""
    if not keys(inbox).whole:
        yield Step(_("Sign in"), False, _("Enter all four keys of the app."))
        return
    try:
        said = ask(inbox, "GET", "/2/users/me", changes=False)
    except Unreached as error:
        yield Step(_("Reach X"), False, _("Let this machine reach api.x.com by HTTPS."), error.detail)
        return
    yield Step(_("Reach X"), True)
    found = said.body.get("data")
    if said.status != 200 or not isinstance(found, dict):
        detail = str(said.body.get("detail") or said.body.get("title") or f"HTTP {said.status}")
        if said.status in (402, 403, 429):
            yield Step(
                _("Sign in"), False, _("Look at the plan of the app with X: it may not ask now."), detail
            )
        elif said.status in (400, 401):
            yield Step(
                _("Sign in"),
                False,
                _("Make the keys anew, with the right to read and write messages."),
                detail,
            )
        else:
            yield Step(_("Sign in"), False, provider.astray(said), detail)
        return
    yield Step(_("Sign in"), True)
    name = f"@{found.get('username') or ''} {found.get('id') or ''}".strip()
    if str(found.get("id") or "") != inbox.address:
        yield Step(
            _("Find the account"), False, _("Enter the ID of the account that the keys belong to."), name
        )
        return
    yield Step(_("Find the account"), True, "", name)
