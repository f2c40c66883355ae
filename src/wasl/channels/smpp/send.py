"""Sending by submit_sm, and trying whether settings are right. Source: SMPP 3.4, 4.4; 3GPP TS 23.040, 9.2.3.24.1."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from wasl.channels.base import InDoubt, PermanentFailure, Reason, Sent, TemporaryFailure, Unreached
from wasl.channels.port import OutboundChat, Settings, Step
from wasl.channels.smpp import pdu
from wasl.channels.smpp.errors import reason_of
from wasl.channels.smpp.link import Gone, Link
from wasl.channels.smpp.parse import provider_ref
from wasl.channels.smpp.pdu import Pdu, Place, Reader, Short
from wasl.channels.sms import alphabet
from wasl.channels.sms.segments import cut

LONGEST = 1600
WAITS = (0.5, 1.0, 2.0)
"""Seconds to wait when the centre says "not so fast" in the middle of a text: what has gone cannot be taken back."""
_LATIN, _UNICODE = 3, 8


class Line:
    """A transmitter's connection, made when it is first needed and again when it broke."""

    def __init__(self, inbox: Settings) -> None:
        if not (inbox.address and inbox.text("host") and inbox.text("system_id")):
            raise Unreached("", "The sender, the host or the system ID is missing.", reason=Reason.SIGN_IN)
        self._inbox = inbox
        self._link: Link | None = None

    def send(self, message: OutboundChat) -> Sent:
        """One text, in as many parts as it takes; the id is that of the last, which carries the receipt.

        Raises as `port.Line` says; ValueError for what is no text.
        """
        shorts = compose(self._inbox, message)
        link = self._bound()
        ref = ""
        for place, short in enumerate(shorts):
            ref = self._submit(link, short, first=place == 0)
        return Sent(provider_ref(ref, self._inbox.text("ids").lower(), answer=True))

    def close(self) -> None:
        """Take leave of the centre."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _bound(self) -> Link:
        """A connection that is in order. Raises Unreached."""
        if self._link is not None:
            try:
                self._link.drain()
                return self._link
            except Gone:
                self._drop()
        link = Link(self._inbox)
        try:
            mode = pdu.BIND_TRANSCEIVER if self._inbox.text("bind") == "transceiver" else pdu.BIND_TRANSMITTER
            link.bind(mode, self._inbox)
        except BaseException:
            link.close(politely=False)
            raise
        self._link = link
        return link

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close(politely=False)
            self._link = None

    def _submit(self, link: Link, short: Short, *, first: bool) -> str:
        waits = () if first else WAITS
        for wait in (*waits, None):
            try:
                said = link.ask(pdu.SUBMIT_SM, short.encode())
            except Gone as error:
                self._drop()
                raise InDoubt(str(error)) from error
            if said.status not in (pdu.THROTTLED, pdu.QUEUE_FULL) or wait is None:
                break
            time.sleep(wait)
        if said.status:
            self._refused(said)
        return Reader(said.body).text()

    def _refused(self, said: Pdu) -> None:
        code, (reason, way) = f"{said.status:#x}", reason_of(said.status)
        if way == "settings":
            self._drop()
            raise Unreached(code, "", reason=reason)
        if way == "wait":
            raise TemporaryFailure(code, "", reason=reason)
        raise PermanentFailure(code, "", reason)


def compose(inbox: Settings, message: OutboundChat) -> list[Short]:
    """The submit_sm of a text. Equal messages make equal parts, so that a telephone knows them again.

    Raises ValueError for a message without words, and for files: they travel as links.
    """
    if not message.text or message.files or len(message.text) > LONGEST:
        raise ValueError("a short message is a text and nothing else")
    latin = inbox.text("letters").lower() == "latin1"
    coding, pieces = _encoded(message.text, latin)
    source, destination = sender(inbox.address), recipient(message.to)
    if inbox.text("long") == "payload" and len(pieces) > 1:
        whole = b"".join(pieces)
        return [Short(source=source, destination=destination, content=whole, coding=coding, receipts=1)]
    if len(pieces) == 1:
        return [Short(source=source, destination=destination, content=pieces[0], coding=coding, receipts=1)]
    ref = hashlib.sha256(f"{message.delivery} {message.to}".encode()).digest()[0]
    return [
        Short(
            source=source,
            destination=destination,
            content=bytes([5, 0, 3, ref, len(pieces), number]) + piece,
            coding=coding,
            esm=pdu.UDHI,
            receipts=int(number == len(pieces)),
        )
        for number, piece in enumerate(pieces, 1)
    ]


def _encoded(text: str, latin: bool) -> tuple[int, list[bytes]]:
    """data_coding, and the octets of each part."""
    if alphabet.septets(text) < 0 or (latin and not _is_latin(text)):
        return _UNICODE, [piece.encode("utf-16-be") for piece in cut(text, unicode=True)]
    if latin:
        return 0, [piece.encode("latin-1") for piece in cut(text)]
    return 0, [alphabet.encode(piece) for piece in cut(text)]


def _is_latin(text: str) -> bool:
    return all(letter <= "\xff" for letter in text)


def sender(address: str) -> Place:
    """The business's number, short code or name, with its type."""
    digits = address.removeprefix("+")
    if not digits.isdigit():
        return Place(address, pdu.ALPHANUMERIC, 0)
    if address.startswith("+") or len(digits) > 8:
        return Place(digits, pdu.INTERNATIONAL, 1)
    return Place(digits, pdu.NETWORK, 0)


def recipient(address: str) -> Place:
    """A customer's number; what is none goes as it is."""
    digits = address.removeprefix("+")
    if address.startswith("+") and digits.isdigit():
        return Place(digits, pdu.INTERNATIONAL, 1)
    return Place(address, 0, 1 if digits.isdigit() else 0)


def probe(inbox: Settings) -> Iterator[Step]:
    """Whether the centre is there, and takes our name and password."""
    try:
        link = Link(inbox)
    except Unreached as error:
        advice = (
            _(
                "The centre’s certificate is not to be trusted. Ask the network for its name and its certificate."
            )
            if error.reason is Reason.INSECURE
            else _("Check the host and the port, and have the network let this machine in.")
        )
        yield Step(_("Reach the message centre"), False, advice, error.detail)
        return
    yield Step(_("Reach the message centre"), True)
    for mode, name in (
        (pdu.BIND_TRANSMITTER, _("Sign in for sending")),
        (pdu.BIND_RECEIVER, _("Sign in for receiving")),
    ):
        try:
            link.bind(pdu.BIND_TRANSCEIVER if inbox.text("bind") == "transceiver" else mode, inbox)
        except Unreached as error:
            link.close(politely=False)
            yield Step(name, False, _advice(error), " ".join((error.code, error.detail)))
            return
        link.close()
        yield Step(name, True)
        if inbox.text("bind") == "transceiver":
            return
        if mode == pdu.BIND_TRANSMITTER:
            try:
                link = Link(inbox)
            except Unreached as error:
                yield Step(_("Sign in for receiving"), False, _ONLY_ONE, error.detail)
                return


_ONLY_ONE = _("The network may allow fewer connections than are open. Ask how many there may be.")


def _advice(error: Unreached) -> str:
    if error.reason is Reason.NOT_NOW:
        return _ONLY_ONE
    return _("Enter the system ID and the password that the network gave you.")
