"""A stored deliver_sm → ParsedMessage, Report or Nothing.

Source: SMPP 3.4, 4.6, 5.2.12, 5.2.19 and appendix B; 3GPP TS 23.040, 9.2.3.24 (headers), TS 23.038, 4 (codings).
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from wasl.channels.base import Address, ParsedMessage, Reason, Unparseable, Unread
from wasl.channels.email.language import guess
from wasl.channels.port import Nothing, Parsed, Report, ReportKind
from wasl.channels.smpp import pdu
from wasl.channels.smpp.pdu import Place, Short
from wasl.channels.sms import alphabet
from wasl.channels.sms.words import recognise
from wasl.kit.phones import e164

CHANNEL = "smpp"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FIELD = re.compile(r"\b(id|stat|err|done date)\s*:\s*(\S*)", re.IGNORECASE)
_REST = re.compile(r"\btext\s*:", re.IGNORECASE)
_STATES: Final[dict[str, tuple[ReportKind, Reason]]] = {
    "ENROUTE": ("sent", Reason.OTHER),
    "ACCEPTD": ("sent", Reason.OTHER),
    "DELIVRD": ("delivered", Reason.OTHER),
    "EXPIRED": ("failed", Reason.UNREACHABLE),
    "DELETED": ("failed", Reason.OTHER),
    "UNDELIV": ("failed", Reason.UNREACHABLE),
    "REJECTD": ("failed", Reason.UNWANTED),
}
_NUMBERED: Final = (
    "",
    "ENROUTE",
    "DELIVRD",
    "EXPIRED",
    "DELETED",
    "UNDELIV",
    "ACCEPTD",
    "UNKNOWN",
    "REJECTD",
)
"""The states of message_state (5.2.28) by their numbers, under their names in texts."""


def parse(raw: bytes) -> Parsed:
    """Raises Unparseable, with the reason a person is shown, and nothing else."""
    try:
        about = json.loads(raw)
        read = Short.decode_data if about.get("data") else Short.decode
        short, at = read(bytes.fromhex(about["pdu"])), datetime.fromisoformat(about["at"])
        kind = short.esm & pdu.TYPE
        if kind & (pdu.RECEIPT | pdu.INTERMEDIATE) or pdu.TLV_RECEIPTED_ID in short.tlvs:
            return _report(short, at, about)
        return Nothing("acknowledgement") if kind else _message(short, at, about)
    except Unparseable:
        raise
    except Exception as error:
        raise Unparseable(Unread.BROKEN, f"{type(error).__name__}: {error}") from error


# Messages --------------------------------------------------------------------------------------------------------


def _message(short: Short, at: datetime, about: Mapping[str, Any]) -> ParsedMessage:
    region = str(about.get("region") or "")
    sender = number(short.source, region)
    if not sender:
        raise Unparseable(Unread.NO_SENDER)
    part, body = _part(short)
    text = decode(body, short.coding, str(about.get("letters") or ""))
    kind = ""
    content: dict[str, Any] = {}
    if text is None:
        raw = {"coding": short.coding, "hex": body.hex()}
        text, kind, content = "", "unsupported", {"type": "binary", "raw": json.dumps(raw)}
    elif part:
        content = {"part": part}
    else:
        text = text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")
        text = _CONTROL.sub("", text).strip()
        word = recognise(text)
        content = {"word": word.what, "language": word.language} if word else {}
    return ParsedMessage(
        channel=CHANNEL,
        sender=Address("", sender),
        to=(Address("", number(short.destination, region)),),
        text=text,
        sent_at=at,
        language="" if part else guess(text),
        kind=kind,
        content=content,
    )


def number(place: Place, region: str = "") -> str:
    """An address in one spelling: E.164 where it is a telephone number, else as it came (short codes, names)."""
    given = _UNWANTED.sub("", place.address).strip()
    if place.ton == pdu.ALPHANUMERIC or not given.lstrip("+").isdigit():
        return given
    digits = given.lstrip("+")
    if given.startswith("+") or place.ton == pdu.INTERNATIONAL:
        return e164(f"+{digits}") or given
    if place.ton == pdu.NATIONAL or digits.startswith("0"):
        return (e164(digits, region) if region else "") or given
    # Of type "unknown" most centres mean international numbers, some national ones.
    return e164(f"+{digits}") or (e164(digits, region) if region else "") or given


def decode(content: bytes, coding: int, letters: str = "") -> str | None:
    """The text; None for what is none. `letters` is what the centre calls its default alphabet: gsm or latin1.

    Half a letter outside the first plane stays a lone surrogate, for its other half may be in the next part.
    """
    kind = _alphabet(coding)
    if kind == "unicode":
        whole = content[: len(content) // 2 * 2]
        return whole.decode("utf-16-be", "surrogatepass")
    if kind == "latin1" or (kind == "default" and letters == "latin1"):
        return content.decode("latin-1")
    if kind == "ascii":
        return content.decode("ascii", "replace")
    return alphabet.decode(content) if kind == "default" else None


def _alphabet(coding: int) -> str:
    """5.2.19 for the first sixteen, else TS 23.038, 4."""
    if coding < 0x10:
        return {0: "default", 1: "ascii", 3: "latin1", 8: "unicode"}.get(coding, "binary")
    if coding & 0xC0 == 0:
        return ("default", "binary", "unicode", "binary")[coding >> 2 & 3]
    if coding & 0xF0 == 0xF0:
        return "binary" if coding & 0x04 else "default"
    return {0xC0: "default", 0xD0: "default", 0xE0: "unicode"}.get(coding & 0xF0, "binary")


def _part(short: Short) -> tuple[dict[str, Any], bytes]:
    """Which part of what it is, {} when it is whole; and the content without its header."""
    body = short.content
    found: tuple[int, int, int] | None = None
    width = 0
    if short.esm & pdu.UDHI and body and body[0] < len(body):
        header, body = body[1 : body[0] + 1], body[body[0] + 1 :]
        width, found = _joined(header)
    if found is None and pdu.TLV_SAR_TOTAL in short.tlvs:
        numbers = [int.from_bytes(short.tlvs.get(tag, b"")) for tag in
                   (pdu.TLV_SAR_REF, pdu.TLV_SAR_TOTAL, pdu.TLV_SAR_NUMBER)]  # fmt: skip
        width, found = 2, (numbers[0], numbers[1], numbers[2])
    if found is None or found[1] < 2 or not 1 <= found[2] <= found[1]:
        return {}, body
    ref, total, place = found
    key = f"{short.source.address}>{short.destination.address} {width}:{ref}/{total}"
    return {"ref": _UNWANTED.sub("", key)[:100], "of": total, "number": place}, body


def _joined(header: bytes) -> tuple[int, tuple[int, int, int] | None]:
    """The reference, the number of parts and which it is, from a user data header."""
    at = 0
    while at + 2 <= len(header):
        kind, length = header[at], header[at + 1]
        data = header[at + 2 : at + 2 + length]
        if kind == 0x00 and len(data) == 3:
            return 1, (data[0], data[1], data[2])
        if kind == 0x08 and len(data) == 4:
            ref, total, place = struct.unpack(">HBB", data)
            return 2, (ref, total, place)
        at += 2 + length
    return 0, None


# Receipts --------------------------------------------------------------------------------------------------------


def _report(short: Short, at: datetime, about: Mapping[str, Any]) -> Parsed:
    said = decode(short.content, short.coding, "latin1") or ""
    fields = {name.lower(): value for name, value in _FIELD.findall(_REST.split(said, maxsplit=1)[0])}
    ref = short.tlvs.get(pdu.TLV_RECEIPTED_ID, b"").split(b"\0")[0].decode("latin-1") or fields.get("id", "")
    state = fields.get("stat", "").upper()[:7]
    if numbered := short.tlvs.get(pdu.TLV_STATE):
        state = _NUMBERED[numbered[0]] if numbered[0] < len(_NUMBERED) else state
    if not ref:
        raise Unparseable(Unread.BROKEN, "a receipt for nothing")
    if state not in _STATES:
        return Nothing(f"receipt {_UNWANTED.sub(' ', state)[:40]}")
    kind, reason = _STATES[state]
    code = fields.get("err", "").lstrip("0") or _network(short.tlvs.get(pdu.TLV_NETWORK_ERROR, b""))
    return Report(
        kind=kind,
        at=_done(fields.get("done date", ""), at),
        ref=provider_ref(ref, str(about.get("ids") or "")),
        recipient=number(short.source, str(about.get("region") or "")),
        code=_UNWANTED.sub("", code)[:20] if kind == "failed" else "",
        detail=_CONTROL.sub("", said)[:500] if kind == "failed" else "",
        reason=reason,
    )


def provider_ref(ref: str, ids: str, *, answer: bool = False) -> str:
    """A message's id in one spelling. Some centres answer in hexadecimal and report in decimal (`ids` "hex")."""
    ref = _UNWANTED.sub("", ref).strip()
    if ids != "hex":
        return ref
    if answer:
        return ref.lower().lstrip("0")
    return f"{int(ref):x}" if ref.isascii() and ref.isdigit() else ref.lower()


def _network(error: bytes) -> str:
    return str(int.from_bytes(error[1:3])) if len(error) == 3 else ""


def _done(text: str, otherwise: datetime) -> datetime:
    """YYMMDDhhmm, with seconds at some centres; whose clock it is nobody says."""
    for shape in ("%y%m%d%H%M", "%y%m%d%H%M%S"):
        try:
            found = datetime.strptime(text, shape).replace(tzinfo=UTC)
        except ValueError:
            continue
        return min(found, otherwise)
    return otherwise
