"""SMPP's bytes, and what a message centre's messages and receipts mean. smpplib is the oracle of the bytes."""

import contextlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib import command as theirs
from smpplib import consts, smpp

from wasl.channels.base import ParsedMessage, Reason, Unparseable
from wasl.channels.port import Nothing, OutboundChat, Parsed, Report, Settings
from wasl.channels.smpp import pdu
from wasl.channels.smpp.parse import decode, number, parse, provider_ref
from wasl.channels.smpp.pdu import Bind, Garbled, Pdu, Place, Reader, Short
from wasl.channels.smpp.send import compose, sender
from wasl.channels.sms import alphabet

HERE = Place("390612345678", 1, 1)
THERE = Place("393331112222", 1, 1)


class Numbers:
    """What smpplib wants of a client."""

    sequence = 7

    def next_sequence(self) -> int:
        return self.sequence


def stored(short: Short, **about: Any) -> bytes:
    said = {"pdu": short.encode().hex(), "at": "2026-11-22T20:00:00+00:00", **about}
    return json.dumps(said).encode()


def read(
    content: bytes = b"",
    coding: int = 0,
    source: Place = THERE,
    about: dict[str, Any] | None = None,
    **more: Any,
) -> Parsed:
    short = Short(source=source, destination=HERE, content=content, coding=coding, **more)
    return parse(stored(short, **about or {}))


# Bytes -----------------------------------------------------------------------------------------------------------


def test_a_library_writes_what_we_read() -> None:
    made = theirs.factory(
        "submit_sm", client=Numbers(), service_type="CMT", source_addr_ton=1, source_addr_npi=1,
        source_addr="390612345678", dest_addr_ton=1, dest_addr_npi=1, destination_addr="393331112222",
        esm_class=consts.SMPP_GSMFEAT_UDHI, registered_delivery=1, data_coding=8,
        short_message=b"\x05\x00\x03\x42\x02\x01" + "مرحبا".encode("utf-16-be"), user_message_reference=9,
    )  # fmt: skip
    buffer = bytearray(made.generate())
    found = pdu.take(buffer)
    assert found
    assert (found.command, found.sequence, found.status, buffer) == (pdu.SUBMIT_SM, 7, 0, b"")
    short = Short.decode(found.body)
    assert (short.source, short.destination, short.service) == (HERE, THERE, "CMT")
    assert (short.esm, short.coding, short.receipts) == (pdu.UDHI, 8, 1)
    assert short.content[6:].decode("utf-16-be") == "مرحبا"
    assert short.tlvs == {0x0204: b"\x00\x09"}


@pytest.mark.parametrize(("command", "name"), [(pdu.SUBMIT_SM, "submit_sm"), (pdu.DELIVER_SM, "deliver_sm")])
def test_a_library_reads_what_we_write(command: int, name: str) -> None:
    # It fails on any optional parameter that it does not expect in a submit_sm.
    tlvs = {pdu.TLV_RECEIPTED_ID: b"abc\0", pdu.TLV_STATE: b"\x02"} if name == "deliver_sm" else {}
    short = Short(source=HERE, destination=THERE, content=b"Hello", coding=3, esm=4, receipts=1, tlvs=tlvs)
    found = smpp.parse_pdu(
        Pdu(command, 9, short.encode()).encode(), client=Numbers(), allow_unknown_opt_params=True
    )
    assert (found.command, found.sequence) == (name, 9)
    assert (found.source_addr, found.destination_addr) == (b"390612345678", b"393331112222")
    assert (found.source_addr_ton, found.dest_addr_npi, found.esm_class, found.data_coding) == (1, 1, 4, 3)
    assert found.short_message == b"Hello"
    if name == "deliver_sm":
        assert (found.receipted_message_id, found.message_state) == (b"abc", 2)


def test_a_library_binds_as_we_do() -> None:
    made = theirs.factory(
        "bind_transceiver", client=Numbers(), system_id="wasl", password="secret", system_type="X"
    )
    found = pdu.take(bytearray(made.generate()))
    assert found
    assert Bind.decode(found.body) == Bind(system_id="wasl", password="secret", system_type="X")
    ours = Pdu(pdu.BIND_TRANSCEIVER, 7, Bind(system_id="wasl", password="secret", system_type="X").encode())
    again = smpp.parse_pdu(ours.encode(), client=Numbers(), allow_unknown_opt_params=True)
    assert (again.system_id, again.password, again.interface_version) == (b"wasl", b"secret", 0x34)


def test_a_long_text_goes_into_message_payload() -> None:
    body = Short(source=HERE, destination=THERE, content=b"x" * 400).encode()
    short = Short.decode(body)
    assert (short.content, short.tlvs[pdu.TLV_PAYLOAD]) == (b"x" * 400, b"x" * 400)


def test_pieces_of_a_pdu_are_waited_for() -> None:
    whole = Pdu(pdu.ENQUIRE_LINK, 1).encode() + Pdu(pdu.DELIVER_SM, 2, b"abc").encode()
    buffer, found = bytearray(), []
    for octet in whole:
        buffer.append(octet)
        if (one := pdu.take(buffer)) is not None:
            found.append(one)
    assert [(each.command, each.sequence, each.body) for each in found] == [
        (pdu.ENQUIRE_LINK, 1, b""),
        (pdu.DELIVER_SM, 2, b"abc"),
    ]
    for wrong in (
        struct.pack(">IIII", 15, 5, 0, 1),
        struct.pack(">IIII", 1 << 31, 5, 0, 1),
        b"GET / HTTP/1.1\r\n",
    ):
        with pytest.raises(Garbled):
            pdu.take(bytearray(wrong))


@given(st.binary(max_size=300))
def test_any_bytes_are_understood_or_set_aside(body: bytes) -> None:
    for reader in (Short.decode, Short.decode_data, Bind.decode):
        with contextlib.suppress(Garbled):
            reader(body)
    Reader(body).tlvs()
    for data in (False, True):
        with contextlib.suppress(Unparseable):
            parse(json.dumps({"pdu": body.hex(), "at": "2026-11-22T20:00:00+00:00", "data": data}).encode())


# Messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "coding", "letters", "text"),
    [
        (alphabet.encode("Dov'è? 5 € [@]"), 0, "", "Dov'è? 5 € [@]"),
        ("Où êtes-vous ?".encode("latin-1"), 3, "", "Où êtes-vous ?"),
        ("è così".encode("latin-1"), 0, "latin1", "è così"),
        (b"plain", 1, "", "plain"),
        ("مرحبا 😀".encode("utf-16-be"), 8, "", "مرحبا 😀"),
        ("مرحبا".encode("utf-16-be"), 0x18, "", "مرحبا"),
        (alphabet.encode("flash €"), 0xF0, "", "flash €"),
        (alphabet.encode("flash"), 0x10, "", "flash"),
    ],
)
def test_texts_in_every_coding(content: bytes, coding: int, letters: str, text: str) -> None:
    found = read(content, coding, about={"letters": letters})
    assert isinstance(found, ParsedMessage)
    assert (found.text, found.sender.address, found.to[0].address, found.kind) == (
        text, "+393331112222", "+390612345678", "",
    )  # fmt: skip


@pytest.mark.parametrize("coding", [2, 4, 9, 0xF4, 0x14])
def test_what_is_no_text_is_kept(coding: int) -> None:
    found = read(b"\x01\x02\xff", coding)
    assert isinstance(found, ParsedMessage)
    assert (found.kind, json.loads(found.content["raw"])["hex"]) == ("unsupported", "0102ff")


@pytest.mark.parametrize(
    ("place", "region", "expected"),
    [
        (Place("393331112222", 1, 1), "", "+393331112222"),
        (Place("+393331112222", 0, 0), "", "+393331112222"),
        (Place("393331112222", 0, 1), "", "+393331112222"),
        (Place("0612345678", 2, 1), "FR", "+33612345678"),
        (Place("0612345678", 0, 1), "FR", "+33612345678"),
        (Place("0612345678", 0, 1), "", "0612345678"),
        (Place("3331112222", 2, 1), "IT", "+393331112222"),
        (Place("38663", 3, 0), "FR", "38663"),
        (Place("MyBank", 5, 0), "FR", "MyBank"),
        (Place("MyBank24", 0, 0), "FR", "MyBank24"),
    ],
)
def test_numbers_in_one_spelling(place: Place, region: str, expected: str) -> None:
    assert number(place, region) == expected


def test_words_are_named() -> None:
    found = read(alphabet.encode("Stop!"))
    assert isinstance(found, ParsedMessage)
    assert found.content == {"word": "stop", "language": ""}


@pytest.mark.parametrize(
    ("header", "tlvs", "part"),
    [
        (b"\x05\x00\x03\x42\x03\x02", {}, {"of": 3, "number": 2}),
        (b"\x06\x08\x04\x42\x43\x03\x02", {}, {"of": 3, "number": 2}),
        (b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x42\x03\x02", {}, {"of": 3, "number": 2}),
        (b"", {0x020C: b"\x00\x42", 0x020E: b"\x03", 0x020F: b"\x02"}, {"of": 3, "number": 2}),
        (b"\x05\x00\x03\x42\x01\x01", {}, None),
        (b"\x05\x00\x03\x42\x03\x04", {}, None),
        (b"\x05\x00\x03\x42\x03\x00", {}, None),
        (b"\x01\x00", {}, None),
    ],
)
def test_parts_say_which_they_are(header: bytes, tlvs: dict[int, bytes], part: dict[str, int] | None) -> None:
    found = read(header + b"abc", esm=pdu.UDHI if header else 0, tlvs=tlvs)
    assert isinstance(found, ParsedMessage)
    assert found.text == "abc"
    said = found.content.get("part")
    assert (said and {"of": said["of"], "number": said["number"]}) == part


def test_half_a_letter_waits_for_its_other_half() -> None:
    assert decode("😀".encode("utf-16-be")[:2], 8) == "\ud83d"
    whole = read("😀".encode("utf-16-be")[:2], 8)
    assert isinstance(whole, ParsedMessage)
    assert whole.text == "?" or whole.text == "\ufffd"


# Receipts --------------------------------------------------------------------------------------------------------


def said(state: str, err: str = "000", ident: str = "0A1B") -> bytes:
    return (f"id:{ident} sub:001 dlvrd:001 submit date:2611221958 done date:2611221959 stat:{state} err:{err}"
            " text:id:spoof stat:DELIVRD").encode()  # fmt: skip


@pytest.mark.parametrize(
    ("state", "numbered", "kind", "reason"),
    [
        ("DELIVRD", 2, "delivered", Reason.OTHER),
        ("ENROUTE", 1, "sent", Reason.OTHER),
        ("ACCEPTD", 6, "sent", Reason.OTHER),
        ("EXPIRED", 3, "failed", Reason.UNREACHABLE),
        ("UNDELIV", 5, "failed", Reason.UNREACHABLE),
        ("REJECTD", 8, "failed", Reason.UNWANTED),
        ("DELETED", 4, "failed", Reason.OTHER),
    ],
)
def test_receipts_by_parameters_and_by_text(state: str, numbered: int, kind: str, reason: Reason) -> None:
    tlvs = {pdu.TLV_RECEIPTED_ID: b"0A1B\0", pdu.TLV_STATE: bytes([numbered])}
    for found in (
        read(said(state, "034"), esm=pdu.RECEIPT),
        read(b"", esm=pdu.RECEIPT, tlvs={**tlvs, pdu.TLV_NETWORK_ERROR: b"\x03\x00\x22"}),
        read(said("DELIVRD" if state != "DELIVRD" else "UNDELIV", "034"), esm=pdu.RECEIPT, tlvs=tlvs),
    ):
        assert isinstance(found, Report)
        assert (found.kind, found.ref, found.reason, found.recipient) == (
            kind,
            "0A1B",
            reason,
            "+393331112222",
        )
        assert found.code == ("34" if kind == "failed" else "")


def test_a_receipt_says_when() -> None:
    found = read(said("DELIVRD"), esm=pdu.RECEIPT)
    assert isinstance(found, Report)
    assert found.at.isoformat() == "2026-11-22T19:59:00+00:00"


def test_what_says_nothing_is_no_news_and_what_is_broken_is_set_aside() -> None:
    assert isinstance(read(said("UNKNOWN"), esm=pdu.RECEIPT), Nothing)
    assert isinstance(read(b"ok", esm=0x08), Nothing)
    with pytest.raises(Unparseable):
        read(b"stat:DELIVRD", esm=pdu.RECEIPT)
    with pytest.raises(Unparseable):
        parse(b"{}")
    with pytest.raises(Unparseable):
        read(b"hello", source=Place("", 0, 0))


def test_ids_in_two_spellings_are_one() -> None:
    assert provider_ref("00001A2B", "hex", answer=True) == provider_ref("6699", "hex") == "1a2b"
    assert provider_ref("1A2B", "same", answer=True) == provider_ref("1A2B", "") == "1A2B"


# What leaves -----------------------------------------------------------------------------------------------------


def settings(address: str = "+390612345678", **config: str) -> Settings:
    return Settings(address, {"host": "127.0.0.1", "system_id": "wasl", **config}, {"password": "secret"})


def chat(text: str) -> OutboundChat:
    return OutboundChat(delivery="d-1", to="+393331112222", text=text)


def test_a_short_text_is_one_message_with_a_receipt() -> None:
    (short,) = compose(settings(), chat("Dov'è? 5 €"))
    assert (short.source, short.destination) == (HERE, THERE)
    assert (short.content, short.coding, short.receipts, short.esm) == (
        alphabet.encode("Dov'è? 5 €"),
        0,
        1,
        0,
    )
    (arabic,) = compose(settings(), chat("مرحبا 😀"))
    assert (arabic.coding, arabic.content.decode("utf-16-be")) == (8, "مرحبا 😀")


def test_a_long_text_is_parts_that_a_telephone_joins() -> None:
    text = "è" * 150 + "€" * 10 + "x" * 200
    shorts = compose(settings(), chat(text))
    assert len(shorts) == 3
    assert [short.receipts for short in shorts] == [0, 0, 1]
    assert {short.content[:5] for short in shorts} == {shorts[0].content[:5]}
    assert [short.content[5] for short in shorts] == [1, 2, 3]
    assert all(short.esm == pdu.UDHI and len(short.content) <= 6 + 153 for short in shorts)
    assert "".join(alphabet.decode(short.content[6:]) for short in shorts) == text
    assert compose(settings(), chat(text)) == shorts
    arabic = compose(settings(), chat("مرحبا 😀 " * 20))
    assert all(len(short.content) <= 140 and short.coding == 8 for short in arabic)
    assert "".join(short.content[6:].decode("utf-16-be") for short in arabic) == "مرحبا 😀 " * 20


def test_what_we_cut_our_own_parser_knows_as_parts() -> None:
    shorts = compose(settings(), chat("x" * 400))
    parts = []
    for short in shorts:
        found = parse(stored(short))
        assert isinstance(found, ParsedMessage)
        parts.append(found.content["part"])
    assert len({part["ref"] for part in parts}) == 1
    assert [part["number"] for part in parts] == [1, 2, 3]


def test_a_centre_may_divide_the_text_itself_and_mean_another_alphabet() -> None:
    (short,) = compose(settings(long="payload"), chat("è" * 400))
    assert (short.content, short.receipts, short.esm) == (alphabet.encode("è" * 400), 1, 0)
    (latin,) = compose(settings(letters="latin1"), chat("è così"))
    assert (latin.coding, latin.content) == (0, "è così".encode("latin-1"))
    (euro,) = compose(settings(letters="latin1"), chat("5 €"))
    assert (euro.coding, euro.content.decode("utf-16-be")) == (8, "5 €")
    assert len(compose(settings(letters="latin1"), chat("€" + "x" * 70))) == 2


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("+390612345678", Place("390612345678", 1, 1)),
        ("390612345678", Place("390612345678", 1, 1)),
        ("38663", Place("38663", 3, 0)),
        ("Dar Zaytun", Place("Dar Zaytun", 5, 0)),
    ],
)
def test_senders_have_their_type(address: str, place: Place) -> None:
    assert sender(address) == place
