"""From what an API inbox stored to a message."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from wasl.channels.api.parse import parse
from wasl.channels.base import Unparseable, Unread


def raw(**fields: Any) -> bytes:
    return msgspec.json.encode(
        {"from": {"address": "c-1", "name": "Amal"}, "text": "مرحبا، أين طلبي؟"} | fields
    )


def test_a_plain_message() -> None:
    message = parse(raw(subject="Parcel", sent_at="2026-03-01T10:30:00+01:00"))
    assert message.channel == "api"
    assert (message.sender.name, message.sender.address) == ("Amal", "c-1")
    assert (message.subject, message.text, message.html) == ("Parcel", "مرحبا، أين طلبي؟", "")
    assert message.sent_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert message.language == "ar"
    assert (message.message_id, message.in_reply_to, message.references) == ("", (), ())


def test_messages_of_a_thread_point_at_one_another() -> None:
    one, two, other = (parse(raw(thread=thread)) for thread in ("T-1", "T-1", "T-2"))
    assert one.message_id == two.message_id
    assert two.in_reply_to == (one.message_id,)
    assert other.message_id != one.message_id
    assert one.message_id.endswith("@thread.api")


def test_html_is_made_safe_and_its_images_become_files() -> None:
    html = '<p onclick="x()">Hi <script>alert(1)</script><img src="data:image/png;base64,aGk=">'
    message = parse(raw(html=html + '<img src="https://tracker.example/x.gif"></p>'))
    assert "script" not in message.html
    assert "onclick" not in message.html
    assert message.has_remote
    (image,) = message.parts
    assert (image.content_type, image.content, image.inline) == ("image/png", b"hi", True)
    assert f'data-cid="{image.content_id}"' in message.html


def test_html_alone_gives_the_text() -> None:
    files = [{"filename": "../../etc/passwd", "content": "aGk="}]
    message = parse(raw(text="", html="<p>One</p><p>Two</p>", attachments=files))
    assert message.text == "One\n\nTwo"
    assert message.parts[0].filename == ".._.._etc_passwd"


def test_html_too_deep_is_left_out_and_noted() -> None:
    message = parse(raw(html="<div>" * 5000))
    assert message.html == ""
    assert message.defects == ("html_too_deep",)
    assert message.text


def test_no_line_break_survives_where_a_header_may_come_of_it() -> None:
    message = parse(raw(**{"from": {"address": "a\r\nb", "name": "N\nBcc: x"}, "subject": "S\r\nTo: y"}))
    assert "\n" not in message.sender.name + message.sender.address + message.subject
    assert "\r" not in message.sender.name + message.sender.address + message.subject


def test_ids_that_differ_by_case_are_two_people() -> None:
    upper, lower = (parse(raw(**{"from": {"address": address}})).sender for address in ("AbC", "abc"))
    assert upper.identity_key != lower.identity_key


def test_an_e_mail_address_is_the_same_in_any_case() -> None:
    upper, lower = (
        parse(raw(**{"from": {"address": a}})).sender for a in ("Amal@Example.org", "amal@example.org")
    )
    assert upper.identity_key == lower.identity_key


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b"[" * 100_000, b'{"from":{"address":"a"},"text":1}']
)
def test_what_a_door_would_never_store_is_unparseable(content: bytes) -> None:
    with pytest.raises(Unparseable) as caught:
        parse(content)
    assert caught.value.reason == Unread.BROKEN
