"""Sending by the Cloud API, fetching what it holds, and trying whether settings are right.

Source: Meta for Developers, "WhatsApp Cloud API: Messages, Media, Phone numbers".
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from django.utils.translation import gettext_noop as _

from wasl.channels import provider
from wasl.channels.base import InDoubt, PermanentFailure, Reason, Sent, TemporaryFailure, Unreached
from wasl.channels.meta.graph import base, signed
from wasl.channels.port import Choice, Fetched, OutboundChat, Settings, Step, Template, Upload
from wasl.channels.provider import Said
from wasl.channels.whatsapp.errors import reason_of

CAPTION = 1024
BUTTONS, BUTTON_TITLE, ROW_TITLE, ROW_DETAIL = 3, 20, 24, 72
_BUSINESS_SCOPED = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]+")
_PICTURES = frozenset({"image/jpeg", "image/png"})
_VIDEOS = frozenset({"video/mp4", "video/3gpp"})
PICTURE, FILM = 5_000_000, 16_000_000
"""Bytes of what is shown or played; larger ones go as the documents that they are."""
_SOUNDS = frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"})


class Line:
    """A phone number of the business."""

    def __init__(self, inbox: Settings) -> None:
        if not inbox.address or not inbox.secrets.get("access_token"):
            raise Unreached("", "The phone number id or the access token is missing.", reason=Reason.SIGN_IN)
        self._inbox = inbox
        self._place = f"{base(inbox)}/{inbox.address}"

    def send(self, message: OutboundChat) -> Sent:
        """One message: at most one file, whose caption the text is. Raises as `port.Line` says."""
        media = self._upload(message.files[0]) if message.files else ""
        body = compose(message, media)
        said = self._post("messages", body)
        ids = [each.get("id") for each in said.body.get("messages") or () if isinstance(each, dict)]
        if said.status != 200 or not ids or not isinstance(ids[0], str):
            fail(said)
        if message.mark_read:
            self._mark_read(message.mark_read)
        return Sent(ids[0])

    def close(self) -> None:
        """Nothing is kept between calls."""

    def _post(self, path: str, data: Mapping[str, Any]) -> Said:
        return provider.ask(
            "POST",
            f"{self._place}/{path}",
            data=data,
            headers=signed(self._inbox),
            private=self._inbox.private,
        )

    def _mark_read(self, message_id: str) -> None:
        """The customer sees that it was read; that this fails is nobody's loss."""
        try:
            self._post(
                "messages", {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
            )
        except (Unreached, InDoubt):
            return

    def _upload(self, file: Upload) -> str:
        """Hand a file over; the id under which it can be sent. Nothing reaches the customer by that."""
        with file.read() as source:
            content = source.read()
        boundary = uuid.uuid4().hex
        body = _multipart(boundary, file, content)
        headers = {**signed(self._inbox), "Content-Type": f"multipart/form-data; boundary={boundary}"}
        said = provider.ask(
            "POST",
            f"{self._place}/media",
            body=body,
            headers=headers,
            private=self._inbox.private,
            changes=False,
        )
        media = said.body.get("id")
        if said.status != 200 or not isinstance(media, str):
            fail(said, sure=True)
        return media


def _multipart(boundary: str, file: Upload, content: bytes) -> bytes:
    """A form with a file (RFC 7578)."""
    name = file.filename.encode("ascii", "replace").decode().replace('"', "_") or "file"
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp\r\n',
        f'--{boundary}\r\nContent-Disposition: form-data; name="type"\r\n\r\n{file.content_type}\r\n',
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {file.content_type}\r\n\r\n",
    ]
    return "".join(lines).encode() + content + f"\r\n--{boundary}--\r\n".encode()


def compose(message: OutboundChat, media: str = "") -> dict[str, Any]:
    """The body of the call. Raises ValueError for a message without anything in it."""
    whom = "recipient" if _BUSINESS_SCOPED.fullmatch(message.to) else "to"
    body: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", whom: message.to}
    if message.delivery:
        body["biz_opaque_callback_data"] = message.delivery
    if message.answers and not message.reaction:
        body["context"] = {"message_id": message.answers}
    kind, part = _part(message, media)
    return body | {"type": kind, kind: part}


def _part(message: OutboundChat, media: str) -> tuple[str, dict[str, Any]]:
    if message.reaction:
        return "reaction", {"message_id": message.answers, "emoji": message.reaction}
    if message.template:
        return "template", _template(message.template)
    if media:
        return _file(message.files[0], media, message.text)
    if not message.text:
        raise ValueError("a message without words, file or template")
    if message.choices:
        return "interactive", _interactive(message.text, message.choices)
    return "text", {"body": message.text, "preview_url": "https://" in message.text}


def _file(file: Upload, media: str, text: str) -> tuple[str, dict[str, Any]]:
    kind = file.content_type.partition(";")[0]
    for name, known, most in (("image", _PICTURES, PICTURE), ("video", _VIDEOS, FILM)):
        if kind in known and file.size <= most:
            return name, {"id": media} | ({"caption": text[:CAPTION]} if text else {})
    if kind in _SOUNDS and file.size <= FILM:
        return "audio", {"id": media}
    return "document", {"id": media, "filename": file.filename} | (
        {"caption": text[:CAPTION]} if text else {}
    )


def _interactive(text: str, choices: tuple[Choice, ...]) -> dict[str, Any]:
    """Up to three buttons, else a list."""
    if len(choices) <= BUTTONS and all(len(c.title) <= BUTTON_TITLE and not c.detail for c in choices):
        buttons = [{"type": "reply", "reply": {"id": c.key, "title": c.title}} for c in choices]
        return {"type": "button", "body": {"text": text}, "action": {"buttons": buttons}}
    rows = [
        {"id": c.key, "title": c.title[:ROW_TITLE]}
        | ({"description": c.detail[:ROW_DETAIL]} if c.detail else {})
        for c in choices
    ]
    return {"type": "list", "body": {"text": text}, "action": {"button": "⋯", "sections": [{"rows": rows}]}}


def _template(template: Template) -> dict[str, Any]:
    values = [{"type": "text", "text": value} for value in template.values]
    components = [{"type": "body", "parameters": values}] if values else []
    return {"name": template.name, "language": {"code": template.language}, "components": components}


def fail(said: Said, *, sure: bool = False) -> NoReturn:
    """What an answer means that is no success. `sure`: nothing can have reached the customer."""
    error = said.body.get("error")
    if not isinstance(error, dict):
        if said.status == 429:
            raise TemporaryFailure("429", "", said.retry_after)
        if said.status >= 500 and not sure:
            raise InDoubt(f"HTTP {said.status} without an explanation")
        raise TemporaryFailure(str(said.status), "no explanation", said.retry_after)
    code = str(error.get("code") or "")[:20]
    data = error.get("error_data")
    detail = str((data.get("details") if isinstance(data, dict) else "") or error.get("message") or "")[:500]
    reason, way = reason_of(code)
    if way == "settings":
        raise Unreached(code, detail, reason=reason)
    if way == "wait" or said.status == 429 or said.status >= 500:
        raise TemporaryFailure(code, detail, said.retry_after, Reason.NOT_NOW)
    raise PermanentFailure(code, detail, reason)


def fetch(inbox: Settings, ref: Mapping[str, Any]) -> Fetched:
    """A file that was sent to us: first where it lies, which is true for minutes, then the bytes.

    Raises Unreached, TemporaryFailure or PermanentFailure.
    """
    headers = signed(inbox)
    said = provider.ask(
        "GET", f"{base(inbox)}/{ref['id']}", headers=headers, private=inbox.private, changes=False
    )
    url = said.body.get("url")
    if said.status != 200 or not isinstance(url, str):
        fail(said, sure=True)
    file = provider.ask("GET", url, headers=headers, private=inbox.private, most=provider.FILE, changes=False)
    if file.status != 200:
        fail(file, sure=True)
    wanted = said.body.get("sha256")
    known = isinstance(wanted, str) and re.fullmatch("[0-9a-f]{64}", wanted)
    if known and hashlib.sha256(file.raw).hexdigest() != wanted:
        raise TemporaryFailure("", "the file is not whole")
    kind = str(said.body.get("mime_type") or file.headers.get("content-type") or "application/octet-stream")
    return Fetched(file.raw, kind.partition(";")[0].strip().lower())


def _not_found(said: provider.Said) -> Iterator[Step]:
    found = said.body.get("error")
    wrong: dict[str, Any] = found if isinstance(found, dict) else {}
    detail, code = str(wrong.get("message") or f"HTTP {said.status}"), str(wrong.get("code") or "")
    reason, way = reason_of(code)
    if reason is Reason.SIGN_IN or said.status == 401:
        advice = _("Make a permanent access token that may use this number, and enter it here.")
        yield Step(_("Sign in"), False, advice, detail)
    elif way == "wait" or not code:
        advice = provider.astray(said) if not code else _("Try again in a minute.")
        yield Step(_("Sign in"), False, advice, detail)
    else:
        yield Step(_("Sign in"), True)
        yield Step(_("Find the number"), False, _("Enter the phone number ID, not the number."), detail)


def probe(inbox: Settings) -> Iterator[Step]:
    """Whether the token opens the number, and the number may write."""
    try:
        said = provider.ask(
            "GET", f"{base(inbox)}/{inbox.address}?fields=display_phone_number,verified_name,quality_rating",
            headers=signed(inbox), private=inbox.private, changes=False,
        )  # fmt: skip
    except Unreached as error:
        yield Step(
            _("Reach WhatsApp"), False, _("Let this machine reach graph.facebook.com by HTTPS."), error.detail
        )
        return
    yield Step(_("Reach WhatsApp"), True)
    if said.status != 200 or "display_phone_number" not in said.body:
        yield from _not_found(said)
        return
    yield Step(_("Sign in"), True)
    shown = " · ".join(str(said.body.get(n) or "") for n in ("display_phone_number", "verified_name"))
    yield Step(_("Find the number"), True, "", shown.strip(" ·"))
    missing = [name for name in ("app_secret", "verify_token") if not inbox.secrets.get(name)]
    if missing:
        yield Step(_("Webhook"), False, _("Enter the app secret: without it no message can be trusted."))
    else:
        yield Step(_("Webhook"), True)
