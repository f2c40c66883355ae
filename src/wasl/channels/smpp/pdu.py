"""The bytes of SMPP 3.4 (SMS Forum, "Short Message Peer to Peer Protocol Specification v3.4"): pure, both sides of it.

A PDU is a header of four numbers (length, command, status, sequence) and a body. Why not a library:
docs/decisions/0022-smpp.md.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x01, 0x02, 0x09
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK, DATA_SM = 0x04, 0x05, 0x06, 0x15, 0x103
OUTBIND, ALERT_NOTIFICATION = 0x0B, 0x102
RESPONSE = 0x80000000
GENERIC_NACK = 0x80000000
BINDS = frozenset({BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER})

OK, INVALID_LENGTH, INVALID_COMMAND, NOT_BOUND, ALREADY_BOUND, SYSTEM_ERROR = (
    0x00,
    0x02,
    0x03,
    0x04,
    0x05,
    0x08,
)
BIND_FAILED, INVALID_PASSWORD, INVALID_SYSTEM_ID, QUEUE_FULL = 0x0D, 0x0E, 0x0F, 0x14
THROTTLED, TRY_LATER = 0x58, 0x64

TLV_RECEIPTED_ID, TLV_PAYLOAD, TLV_STATE, TLV_NETWORK_ERROR = 0x001E, 0x0424, 0x0427, 0x0423
TLV_SAR_REF, TLV_SAR_TOTAL, TLV_SAR_NUMBER = 0x020C, 0x020E, 0x020F

UDHI, RECEIPT, INTERMEDIATE, TYPE = 0x40, 0x04, 0x20, 0x3C
"""In esm_class: a header before the text; a receipt; one on the way; all bits that say what it is (5.2.12)."""

LONGEST = 70_000
"""Bytes of a PDU: a text of 64 kB in message_payload, and what stands around it."""
HEADER = struct.Struct(">IIII")
VERSION = 0x34


class Garbled(ValueError):
    """Bytes that are no SMPP."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """One protocol data unit; `body` is all after the header."""

    command: int
    sequence: int
    body: bytes = b""
    status: int = OK

    def encode(self) -> bytes:
        """The bytes on the wire."""
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body

    def answer(self, body: bytes = b"", status: int = OK) -> Pdu:
        """The response to it."""
        return Pdu(self.command | RESPONSE, self.sequence, body, status)


def take(buffer: bytearray) -> Pdu | None:
    """The first whole PDU of what was received, taken out of it; None until there is one. Raises Garbled."""
    if len(buffer) < HEADER.size:
        return None
    length, command, status, sequence = HEADER.unpack_from(buffer)
    if not HEADER.size <= length <= LONGEST:
        raise Garbled(f"a PDU of {length} bytes")
    if len(buffer) < length:
        return None
    found = Pdu(command, sequence, bytes(buffer[HEADER.size : length]), status)
    del buffer[:length]
    return found


def text(value: str) -> bytes:
    """A C-Octet String."""
    return value.encode("ascii", "replace").replace(b"\0", b"?") + b"\0"


class Reader:
    """The fields of a body, one after the other. Every method raises Garbled where the body is too short."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def number(self) -> int:
        """One octet."""
        return self.octets(1)[0]

    def octets(self, count: int) -> bytes:
        """So many octets."""
        end = self._at + count
        if end > len(self._body):
            raise Garbled("the body ends too early")
        found = self._body[self._at : end]
        self._at = end
        return found

    def text(self) -> str:
        """A C-Octet String. Some centres leave out the zero at the very end."""
        end = self._body.find(b"\0", self._at)
        end = len(self._body) if end < 0 else end
        found = self._body[self._at : end]
        self._at = min(end + 1, len(self._body))
        return found.decode("latin-1")

    def tlvs(self) -> dict[int, bytes]:
        """What is left, as optional parameters; of equal tags the first, what is cut off left out."""
        found: dict[int, bytes] = {}
        while self._at + 4 <= len(self._body):
            tag, length = struct.unpack(">HH", self.octets(4))
            if self._at + length > len(self._body):
                break
            found.setdefault(tag, self.octets(length))
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """An address with its type of number and numbering plan (5.2.5, 5.2.6)."""

    address: str
    ton: int = 0
    npi: int = 0

    def encode(self) -> bytes:
        """As it stands in a body."""
        return bytes([self.ton, self.npi]) + text(self.address)


INTERNATIONAL, NATIONAL, NETWORK, ALPHANUMERIC = 1, 2, 3, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """A submit_sm or deliver_sm (4.4.1, 4.6.1). `content` is short_message, or message_payload when that is there."""

    source: Place
    destination: Place
    content: bytes = b""
    coding: int = 0
    esm: int = 0
    receipts: int = 0
    service: str = ""
    tlvs: Mapping[int, bytes] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The body; what does not fit into short_message goes into message_payload."""
        inline, tlvs = self.content, dict(self.tlvs)
        if len(inline) > 254:
            inline, tlvs[TLV_PAYLOAD] = b"", self.content
        return b"".join(
            [
                text(self.service),
                self.source.encode(),
                self.destination.encode(),
                bytes([self.esm, 0, 0]),
                text(""),
                text(""),
                bytes([self.receipts, 0, self.coding, 0, len(inline)]),
                inline,
                *(struct.pack(">HH", tag, len(value)) + value for tag, value in tlvs.items()),
            ]
        )

    @classmethod
    def decode(cls, body: bytes) -> Short:
        """Raises Garbled."""
        reader = Reader(body)
        service = reader.text()
        source, destination = _place(reader), _place(reader)
        esm, _protocol, _priority = reader.octets(3)
        reader.text(), reader.text()
        receipts, _replace, coding, _canned, length = reader.octets(5)
        content = reader.octets(length)
        tlvs = reader.tlvs()
        return cls(
            source=source, destination=destination, content=content or tlvs.get(TLV_PAYLOAD, b""), coding=coding,
            esm=esm, receipts=receipts, service=service, tlvs=tlvs,
        )  # fmt: skip

    @classmethod
    def decode_data(cls, body: bytes) -> Short:
        """A data_sm (4.7.1), which some centres bring messages by. Raises Garbled."""
        reader = Reader(body)
        service = reader.text()
        source, destination = _place(reader), _place(reader)
        esm, receipts, coding = reader.octets(3)
        tlvs = reader.tlvs()
        return cls(
            source=source, destination=destination, content=tlvs.get(TLV_PAYLOAD, b""), coding=coding, esm=esm,
            receipts=receipts, service=service, tlvs=tlvs,
        )  # fmt: skip


def _place(reader: Reader) -> Place:
    ton, npi = reader.octets(2)
    return Place(reader.text(), ton, npi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Who wants to be connected (4.1)."""

    system_id: str
    password: str
    system_type: str = ""

    def encode(self) -> bytes:
        """The body."""
        return (
            text(self.system_id)
            + text(self.password)
            + text(self.system_type)
            + bytes([VERSION, 0, 0])
            + text("")
        )

    @classmethod
    def decode(cls, body: bytes) -> Bind:
        """Raises Garbled."""
        reader = Reader(body)
        return cls(system_id=reader.text(), password=reader.text(), system_type=reader.text())
