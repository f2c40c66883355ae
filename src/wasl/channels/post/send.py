"""A letter goes to the print provider: into a folder that it looks into, or to its HTTP API. Receipts: `watch`, `hook`.

In the folder, `jobs/<id>.json` appears last and whole, beside `jobs/<id>.pdf`: whoever sees the one finds the other.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.utils.translation import gettext_noop as _

from wasl.channels import provider
from wasl.channels.base import InDoubt, PermanentFailure, Reason, Sent, TemporaryFailure, Unreached
from wasl.channels.port import OutboundChat, Settings, Step
from wasl.channels.post.address import BadAddress, Postal, postal, read
from wasl.channels.post.fonts import Faces, NoFont, faces
from wasl.channels.post.letter import CannotPrint, Letter, compose, window
from wasl.channels.post.watch import folder, was_sent
from wasl.channels.provider import Said
from wasl.kit import durable
from wasl.kit.clock import now

_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


def sender(inbox: Settings) -> Postal:
    """Where letters come from. Raises BadAddress."""
    return postal(inbox.address.replace(";", "\n").replace("\u061b", "\n"), inbox.text("country"))


def written(inbox: Settings, to: str, text: str, language: str) -> tuple[bytes, int]:
    """A letter of this inbox as it is printed, and its pages. `to` is an identity's address.

    Raises BadAddress, CannotPrint, NoFont, and ValueError for a window that there is not.
    """
    letter = Letter(
        to=read(to),
        sender=sender(inbox),
        text=text,
        language=language,
        date=now(),
        window=window(inbox.text("layout"), inbox.text("window")),
    )
    return compose(letter, _faces())


def _faces() -> Faces:
    return faces(settings.ENV.fonts)


class Line:
    """The way to the print provider."""

    def __init__(self, inbox: Settings) -> None:
        self._inbox = inbox
        self._url = inbox.text("base_url").rstrip("/")
        self._folder = None if self._url else folder(inbox)

    def send(self, message: OutboundChat) -> Sent:
        """Hand a letter over. Handing the same one over again changes nothing. Raises as `port.Line` says."""
        if not _NAME.fullmatch(message.delivery):
            raise PermanentFailure("", "the job has no name", Reason.BAD_MESSAGE)
        try:
            pdf, pages = written(self._inbox, message.to, message.text, message.language)
            job = self._job(message, pages)
        except BadAddress as error:
            raise PermanentFailure(error.reason, "the address", Reason.ADDRESS_UNKNOWN) from error
        except CannotPrint as error:
            reason = Reason.TOO_LARGE if error.reason == "too_long" else Reason.BAD_MESSAGE
            raise PermanentFailure(error.reason, error.detail, reason) from error
        except (NoFont, ValueError) as error:
            raise Unreached("", f"letters cannot be made here: {error}", reason=Reason.ACCOUNT) from error
        if self._folder is None:
            return self._call(message.delivery, job, pdf)
        return _put(self._folder, message.delivery, job, pdf)

    def close(self) -> None:
        """Nothing is kept between letters."""

    def _job(self, message: OutboundChat, pages: int) -> dict[str, Any]:
        to = read(message.to)
        return {
            "version": 1,
            "id": message.delivery,
            "file": f"{message.delivery}.pdf",
            "pages": pages,
            "language": message.language,
            "window": self._inbox.text("layout") or "din-b",
            "address": {"lines": list(to.lines), "country": to.country},
            "sender": {"lines": list(sender(self._inbox).lines), "country": sender(self._inbox).country},
            "made_at": now().isoformat(timespec="seconds"),
        }

    def _call(self, name: str, job: Mapping[str, Any], pdf: bytes) -> Sent:
        boundary = uuid.uuid4().hex
        headers = {
            "Authorization": f"Bearer {self._inbox.secrets.get('api_key', '')}",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Idempotency-Key": name,
        }
        said = provider.ask(
            "POST",
            f"{self._url}/letters",
            body=_form(boundary, job, pdf),
            headers=headers,
            private=self._inbox.private,
        )
        own = said.body.get("id")
        if not (200 <= said.status < 300 or said.status == 409):  # it has this letter already
            _fail(said)
        return Sent(own if isinstance(own, str) and own else name)


def _form(boundary: str, job: Mapping[str, Any], pdf: bytes) -> bytes:
    """A form with the job and the letter (RFC 7578)."""
    parts = (
        ('name="job"', "application/json", json.dumps(job, ensure_ascii=False).encode()),
        (f'name="letter"; filename="{job["file"]}"', "application/pdf", pdf),
    )
    head = "--{}\r\nContent-Disposition: form-data; {}\r\nContent-Type: {}\r\n\r\n"
    body = b"".join(head.format(boundary, name, kind).encode() + part + b"\r\n" for name, kind, part in parts)
    return body + f"--{boundary}--\r\n".encode()


def _fail(said: Said) -> NoReturn:
    """What an answer means that is no success."""
    code, detail = str(said.status), str(said.body.get("message") or said.body.get("error") or "")[:500]
    if said.status in (401, 403):
        raise Unreached(code, detail, reason=Reason.SIGN_IN)
    if said.status in (402, 404):
        raise Unreached(code, detail, reason=Reason.ACCOUNT)
    if said.status in (408, 425, 429) or said.status == 503:
        raise TemporaryFailure(code, detail, said.retry_after)
    if said.status >= 500:
        raise InDoubt(f"HTTP {said.status}")
    if said.status == 422 and said.body.get("reason") == "address":
        raise PermanentFailure(code, detail, Reason.ADDRESS_UNKNOWN)
    raise PermanentFailure(code, detail, Reason.BAD_MESSAGE)


def _put(place: Path, name: str, job: Mapping[str, Any], pdf: bytes) -> Sent:
    jobs = place / "jobs"
    try:
        jobs.mkdir(parents=True, exist_ok=True)
        if not (jobs / f"{name}.json").exists() and not was_sent(place, name):
            _write(jobs / f"{name}.pdf", pdf)
            _write(jobs / f"{name}.json", json.dumps(job, ensure_ascii=False, indent=1).encode())
    except OSError as error:
        raise Unreached("", f"{type(error).__name__}: {error.strerror}", reason=Reason.UNREACHABLE) from error
    return Sent(name)


def _write(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all, also after a power cut."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    durable.sync(path.parent)


def probe(inbox: Settings) -> Iterator[Step]:
    """Whether letters can be made, and handed over."""
    try:
        sender(inbox)
        yield Step(_("Read the sender’s address"), True)
    except BadAddress as error:
        advice = _(
            "Write name, street and town with semicolons between them, and the country as two letters."
        )
        yield Step(_("Read the sender’s address"), False, advice, error.reason)
    try:
        window(inbox.text("layout"), inbox.text("window"))
        yield Step(_("Place the address"), True)
    except ValueError as error:
        advice = _("The layout is din-b, din-a, fr or it; the window four numbers in millimetres.")
        yield Step(_("Place the address"), False, advice, str(error))
    try:
        found = _faces()
        yield Step(_("Find the fonts"), True, "", f"{found.latin.stem}, {found.arabic.stem}")
    except NoFont as error:
        advice = _("Install fonts-noto-core on this machine, or say in WASL_FONTS where fonts lie.")
        yield Step(_("Find the fonts"), False, advice, str(error))
    yield from _probe_api(inbox) if inbox.text("base_url") else _probe_folder()


def _probe_folder() -> Iterator[Step]:
    place = settings.ENV.print_folder
    try:
        place.mkdir(parents=True, exist_ok=True)
        fine = os.access(place, os.W_OK | os.X_OK)
    except OSError:
        fine = False
    advice = _("Let Wasl write into the folder that WASL_PRINT_DIR names.")
    yield Step(_("Write into the folder"), fine, "" if fine else advice, str(place))


def _probe_api(inbox: Settings) -> Iterator[Step]:
    key = {"Authorization": f"Bearer {inbox.secrets.get('api_key', '')}"}
    url = f"{inbox.text('base_url').rstrip('/')}/account"
    try:
        said = provider.ask("GET", url, headers=key, private=inbox.private, changes=False)
    except Unreached as error:
        yield Step(
            _("Reach the provider"), False, _("Let this machine reach the API’s address."), error.detail
        )
        return
    yield Step(_("Reach the provider"), True)
    fine = 200 <= said.status < 300
    advice = _("Enter the API key anew.") if said.status in (401, 403) else provider.astray(said)
    yield Step(_("Sign in"), fine, "" if fine else advice, f"HTTP {said.status}")
