"""What Meta documents and rarely sends: understood, acknowledged as no news, or kept as it came; none is dropped.

The samples are ours, written from Meta's documentation of all versions ("WhatsApp Cloud API: Webhooks").
"""

import json
from pathlib import Path
from typing import Any

import pytest

from wasl.channels.base import ParsedMessage, Unparseable
from wasl.channels.port import Change, Report, Request
from wasl.channels.whatsapp.hook import Hook
from wasl.channels.whatsapp.parse import parse
from wasl.workspace.shapes.chats import about

SAMPLES = Path(__file__).parent / "samples" / "whatsapp"
# What each comes to, written down by reading it.
ODD: dict[str, dict[str, list[tuple[str, str]]]] = {
    "messages": {
        "bsuid": [("text", "x")],
        "bsuid_parent": [("text", "x")],
        "button_empty": [("unsupported", "")],
        "button_nopay": [("choice", "Yes")],
        "call_connect": [("call", "")],
        "carousel_button": [("choice", "Buy")],
        "contact_empty": [("unsupported", "")],
        "contact_noname": [("contacts", "+39 333")],
        "contact_org": [("contacts", "A")],
        "contact_vcard": [("unsupported", "")],
        "echo": [("text", "x")],
        "echo_bs": [("text", "x")],
        "echo_img": [("image", "")],
        "edit_text": [("edited", "new")],
        "ephemeral": [("unsupported", "")],
        "gif": [("video", "")],
        "hsm": [("unsupported", "")],
        "image_noid": [("unsupported", "")],
        "image_url": [("unsupported", "")],
        "int_from": [("text", "x")],
        "int_ts": [("text", "x")],
        "inter_none": [("unsupported", "")],
        "interactive_empty": [("unsupported", "")],
        "keep": [("choice", "T")],
        "loc_live": [("location", "45.1, 9.2")],
        "loc_str": [("location", "Casa")],
        "mixed": [("text", "x"), ("sent", "")],
        "new_wa_id": [("system", "changed")],
        "nfm": [("form", "a: 1, 2\nb: c: 1\nd: ")],
        "nfm_address": [("form", "saved_address_id: a\nvalues: city: Roma, name: G")],
        "nfm_bad": [("unsupported", "")],
        "nfm_list": [("form", "Sent")],
        "nfm_payment": [("unsupported", "")],
        "no_ts": [("set aside", "broken")],
        "noid": [("text", "hi")],
        "notype": [("text", "hi")],
        "order_empty": [("unsupported", "")],
        "order_text": [("order", "please\n2 × a")],
        "payment": [("unsupported", "")],
        "pin": [("unsupported", "")],
        "poll": [("unsupported", "")],
        "poll2": [("unsupported", "")],
        "product": [("unsupported", "")],
        "ptv": [("video", "")],
        "reaction_group": [("reacted", "👍")],
        "referral_img": [("image", "")],
        "referred_product": [("text", "x")],
        "revoke": [("deleted", "")],
        "standby": [("text", "x")],
        "sticker_animated": [("sticker", "")],
        "sys_customer": [("system", "c")],
        "sys_userid": [("system", "c")],
        "text_group": [("text", "x")],
        "text_list": [("unsupported", "")],
        "text_nobody": [("unsupported", "")],
        "text_null": [("unsupported", "")],
        "unknown_err": [("unsupported", "")],
        "username": [("text", "x")],
        "video_note": [("video", "")],
        "viewonce": [("unsupported", "")],
        "voice": [("voice", "")],
        "welcome": [("unsupported", "")],
    },
    "states": {
        "st_accepted": [("nothing", "status accepted")],
        "st_biz": [("sent", "")],
        "st_call": [("nothing", "status call RINGING")],
        "st_deleted": [("nothing", "status deleted")],
        "st_failed": [("failed", "address_unknown")],
        "st_failed_noerr": [("failed", "other")],
        "st_failed_old": [("failed", "window_closed")],
        "st_failed_strcode": [("failed", "window_closed")],
        "st_held": [("nothing", "status held_for_quality_assessment")],
        "st_no_ts": [("set aside", "broken")],
        "st_old": [("sent", "")],
        "st_payment": [("nothing", "status payment captured")],
        "st_payment_failed": [("nothing", "status payment failed")],
        "st_pmp": [("delivered", "")],
        "st_ts_int": [("sent", "")],
        "st_warning": [("nothing", "status warning")],
    },
    "notices": {
        "alerts": [("nothing", "notice account_alerts")],
        "call_term": [("nothing", "call terminate")],
        "call_term_missed": [("nothing", "call terminate")],
        "capability": [("nothing", "notice business_capability_update")],
        "flows": [("nothing", "notice flows")],
        "group_lifecycle": [("nothing", "notice group_lifecycle_update")],
        "handovers": [("nothing", "notice messaging_handovers")],
        "history": [("nothing", "notice history")],
        "history_declined": [("nothing", "notice history")],
        "history_media": [("nothing", "notice history")],
        "name_update": [("nothing", "notice phone_number_name_update")],
        "quality": [("nothing", "notice phone_number_quality_update")],
        "state_sync": [("nothing", "notice smb_app_state_sync")],
        "tmpl": [("nothing", "notice message_template_status_update")],
        "user_id_update": [("moved", "IT.2")],
        "value_errors": [("nothing", "notice messages")],
        "value_null": [("nothing", "notice x")],
    },
}


def things(body: Any) -> list[bytes]:
    raw = json.dumps(body).encode()
    return [slip.content for slip in Hook().split(Request("POST", "https://wasl.example/hooks", {}, {}, raw))]


def told(content: bytes) -> tuple[str, str]:
    try:
        said = parse(content)
    except Unparseable as error:
        return "set aside", str(error.args[0].value)
    match said:
        case ParsedMessage():
            return said.kind or "text", said.text
        case Report():
            return said.kind, str(said.reason) if said.kind == "failed" else ""
        case Change():
            return said.kind, said.emoji or said.text
    return "nothing", said.why


def of(file: str, name: str) -> ParsedMessage:
    (content,) = things(json.loads((SAMPLES / f"{file}.json").read_text())[name])
    said = parse(content)
    assert isinstance(said, ParsedMessage)
    return said


@pytest.mark.parametrize("file", ODD)
def test_nothing_odd_is_dropped(file: str) -> None:
    bodies = json.loads((SAMPLES / f"{file}.json").read_text())
    assert bodies.keys() == ODD[file].keys()
    found = {name: [told(each) for each in things(body)] for name, body in bodies.items()}
    assert found == ODD[file]
    for name, body in bodies.items():
        for content in things(body):
            if told(content)[0] == "unsupported":
                said = parse(content)
                assert isinstance(said, ParsedMessage)
                assert json.loads(said.content["raw"])["type"], name


def test_files_of_any_kind_wait_to_be_fetched() -> None:
    for name, content_type in (("gif", "video/mp4"), ("video_note", "video/mp4"), ("voice", "audio/ogg")):
        (media,) = of("messages", name).media
        assert (media.content_type, bool(media.ref["id"])) == (content_type, True)


def test_whoever_changes_a_number_or_an_id_stays_the_same_person() -> None:
    assert of("messages", "new_wa_id").aliases == ("393330000000",)
    assert of("messages", "sys_customer").aliases == ("3944",)
    assert of("messages", "sys_userid").aliases == ("IT.999",)
    assert of("messages", "int_from").sender.address == "393331112222"
    assert of("messages", "username").sender.name == "giu"


def test_what_stands_beside_the_words_is_shown() -> None:
    said = {name: of("messages", name) for name in ("referral_img", "referred_product", "text_group")}
    lines = {
        name: [line.text for line in about({"kind": one.kind, "content": one.content})]
        for name, one in said.items()
    }
    assert "Came by an advertisement" in lines["referral_img"][1]
    assert "sku" in lines["referred_product"][0]
    assert lines["text_group"] == ["Written in a group"]
