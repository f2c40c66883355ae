"""Sending by Apprise (https://github.com/caronc/apprise), and trying whether its URL is understood.

The URL holds passwords and tokens in whatever place the service wants them: no part of it goes into an error.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlsplit

from django.utils.translation import gettext_noop as _

from wasl.channels.base import InDoubt, PermanentFailure, Reason, Sent, TemporaryFailure, Unreached
from wasl.channels.port import OutboundChat, Settings, Step, Upload
from wasl.channels.values import line

TIMEOUT = 40.0
"""Seconds after which a call is ended, whatever it is doing."""

PLACE = "{to}"
"""In the URL: where the customer's address goes."""

SECRET = 4
"""Letters from which a part of the URL is looked for in what a service says."""

_STATUS = re.compile(r"\berror=(\d{3})\b")
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "TMPDIR")
"""Of our environment only this: there are keys in it."""


class Line:
    """A service of the long tail."""

    def __init__(self, inbox: Settings) -> None:
        if not inbox.secrets.get("url"):
            raise Unreached("", "The Apprise URL is missing.", reason=Reason.SIGN_IN)
        self._inbox = inbox

    def send(self, message: OutboundChat) -> Sent:
        """One message. That the service took it is all that will ever be known. Raises as `port.Line` says."""
        if message.template:
            raise PermanentFailure("", "Apprise knows no templates.", Reason.TEMPLATE)
        if message.reaction or not (message.text or message.files):
            raise ValueError("a message without words or file")
        url = self._inbox.secrets["url"].strip().replace(PLACE, quote(message.to, safe=""))
        found = call(url, words(message), message.files, private=self._inbox.private)
        if not found["sent"]:
            _fail(url, found, bool(message.files))
        return Sent("")

    def close(self) -> None:
        """Nothing is kept between calls."""


def words(message: OutboundChat) -> str:
    """The text; choices as numbered lines, since there are no buttons."""
    lines = [f"{number}. {each.title}" for number, each in enumerate(message.choices, 1)]
    return "\n\n".join(filter(None, (message.text, "\n".join(lines))))


def call(
    url: str, text: str = "", files: tuple[Upload, ...] = (), *, private: bool, send: bool = True
) -> Mapping[str, Any]:
    """What came of it, in a process of its own. Raises InDoubt when it had to be ended, TemporaryFailure when it
    broke down."""
    asked = {
        "url": url,
        "text": text,
        "files": [_file(each) for each in files],
        "private": private,
        "send": send,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "wasl.channels.apprise.child"], input=json.dumps(asked).encode(),
            capture_output=True, timeout=TIMEOUT, env={n: os.environ[n] for n in _KEPT if n in os.environ},
            start_new_session=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InDoubt("The service did not end the call in time.") from None
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise TemporaryFailure("", f"Apprise broke down ({done.returncode}).") from None
    return found


def _file(file: Upload) -> dict[str, str]:
    with file.read() as source:
        content = source.read()
    return {"name": file.filename, "content": base64.b64encode(content).decode()}


def _fail(url: str, found: Mapping[str, Any], with_files: bool) -> NoReturn:
    """What it means that nothing was sent."""
    detail = without_secrets(url, " ".join(map(str, found["said"])))
    if found["refused"]:
        raise Unreached("", "This address may not be called from here.", reason=Reason.INSECURE)
    if not found["known"]:
        raise Unreached("", detail or "Apprise does not understand the URL.", reason=Reason.SIGN_IN)
    if with_files and not found["files"]:
        raise PermanentFailure("", "This service takes no files.", Reason.BAD_MESSAGE)
    status = _STATUS.search(detail)
    code = status[1] if status else ""
    if code in ("401", "403"):
        raise Unreached(code, detail, reason=Reason.SIGN_IN)
    if code in ("404", "410"):
        raise PermanentFailure(code, detail, Reason.ADDRESS_UNKNOWN)
    if code == "413":
        raise PermanentFailure(code, detail, Reason.TOO_LARGE)
    if code in ("400", "422"):
        raise PermanentFailure(code, detail, Reason.BAD_MESSAGE)
    raise TemporaryFailure(code, detail or "The service did not take it.")


def without_secrets(url: str, said: str) -> str:
    """What a service said, without anything that stands in the URL but its kind and its host."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    said = said.replace(url, "…")
    pieces = {piece for piece in re.split(r"[/:@?&=,;#]", url) if piece}
    pieces |= {unquote(piece) for piece in pieces}
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= SECRET and piece.lower() not in (host.lower(), parts.scheme.lower()):
            said = said.replace(piece, "…")
    return line(said)[:500]


def probe(inbox: Settings) -> Iterator[Step]:
    """Whether Apprise understands the URL. Nothing is sent: there is nobody who would want a test."""
    what, url = _("Understand the URL"), inbox.secrets.get("url", "").strip()
    advice = _("Write it as Apprise’s own pages say for this service.")
    if not url:
        yield Step(what, False, advice)
        return
    try:
        found = call(url.replace(PLACE, "someone"), private=inbox.private, send=False)
    except (InDoubt, TemporaryFailure) as error:
        yield Step(what, False, _("Try again in a minute."), str(error))
        return
    if not found["known"]:
        yield Step(what, False, advice, without_secrets(url, " ".join(found["said"])))
        return
    yield Step(what, True, "", line(found.get("service")))
    if PLACE not in url:
        yield Step(_("Every message goes to the same place"), True)
