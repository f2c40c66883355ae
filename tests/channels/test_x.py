"""X's wire format, its signatures and the road of its messages."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.channels.road import Provider
from tests.channels.test_meta import JSON, strings
from tests.inbound import work
from tests.worlds import Shop
from wasl.channels.base import Address, ParsedMessage, Unparseable
from wasl.channels.port import Nothing, Parsed, Report, Request, Settings
from wasl.channels.x.hook import Hook, sign
from wasl.channels.x.oauth import Keys, authorization, base_string, signature
from wasl.channels.x.parse import parse
from wasl.conversations.models import Conversation, Message
from wasl.delivery.models import State
from wasl.kit.clock import now
from wasl.kit.db import tenant

SAMPLES = json.loads((Path(__file__).parent / "samples/x/events.json").read_text())
SECRETS = {"app_secret": "s3cret", "access_secret": "a", "access_token": "t"}
INBOX = Settings("300", {"app_key": "k"}, SECRETS)
EXPECTED = {
    "text": ("", "Is the lamp < 30 & in stock? https://shop.example/lamp"),
    "picture": ("image", "This one"),
    "film": ("video", ""),
    "place": ("location", "36.8, 10.18"),
    "choice": ("choice", "Delivery"),
    "written_elsewhere": ("", "From the phone"),
    "read": ("read", ""),
    "read_by_us": ("nothing", "read by us"),
    "typing": ("nothing", "direct_message_indicate_typing_events"),
    "post": ("nothing", "tweet_create_events"),
    "revoked": ("nothing", "user_event"),
    "unknown_message": ("unsupported", ""),
}


def came(body: bytes, method: str = "POST", query: dict[str, str] | None = None, **headers: str) -> Request:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, "https://x.example/hooks/x/1", query or {}, given, body)


def read(body: Any) -> list[Parsed]:
    return [parse(slip.content) for slip in Hook().split(came(json.dumps(body).encode()))]


def one(name: str) -> ParsedMessage:
    (found,) = read(SAMPLES[name])
    assert isinstance(found, ParsedMessage)
    return found


def test_the_samples_say_what_a_reader_reads() -> None:
    assert set(SAMPLES) == set(EXPECTED)
    for name, body in SAMPLES.items():
        (said,) = read(body)
        match said:
            case ParsedMessage():
                told = said.kind, said.text
            case Report():
                told = said.kind, said.ref
            case Nothing():
                told = "nothing", said.why
            case _:
                raise AssertionError(name)
        assert told == EXPECTED[name], name


def test_who_wrote_and_what_lies_where() -> None:
    said = one("text")
    assert (said.sender, said.message_id) == (Address("Omar Haddad", "900"), "1500000000000000001")
    assert said.sent_at == datetime(2025, 10, 9, 8, 53, 20, 123000, tzinfo=UTC)
    assert one("picture").sender.name == "@omarh"
    assert [dict(m.ref) for m in one("film").media] == [{"url": "https://video.x.example/large.mp4"}]
    assert one("choice").content == {
        "key": "topic:delivery", "title": "Delivery", "referral": {"source_url": "https://x.com/i/status/123456"},
    }  # fmt: skip
    ours = one("written_elsewhere")
    assert (ours.written_by_us, ours.sender) == (True, Address("Omar Haddad", "900"))
    assert "hologram" in one("unknown_message").content["raw"]


def test_every_event_has_a_key_of_its_own_and_keeps_it() -> None:
    merged: dict[str, Any] = {"for_user_id": "300", "users": {}}
    for body in SAMPLES.values():
        for name, value in body.items():
            if isinstance(value, list):
                merged.setdefault(name, []).extend(value)
    slips = Hook().split(came(json.dumps(merged).encode()))
    assert len({slip.key for slip in slips}) == len(slips) == 11
    assert slips == Hook().split(came(json.dumps(merged).encode()))
    assert {slip.to for slip in slips} == {"300"}


def test_the_challenge_is_answered_under_the_apps_secret() -> None:
    told = Hook().challenge(came(b"", "GET", {"crc_token": "MDAwMGZhbmN5", "nonce": "1"}), INBOX)
    wanted = base64.b64encode(hmac.new(b"s3cret", b"MDAwMGZhbmN5", hashlib.sha256).digest()).decode()
    assert json.loads(told or "") == {"response_token": f"sha256={wanted}"}
    assert Hook().challenge(came(b"", "GET", {}), INBOX) is None
    assert Hook().challenge(came(b"", "GET", {"crc_token": "a"}), Settings("300", {}, {})) is None


@pytest.mark.parametrize("body", ['{"for_user_id":"300"}', "[]", '{"a":1}', '"text"', "", "a" * 251])
def test_nobody_has_a_webhook_signed_by_the_challenge(body: str) -> None:
    """The same HMAC under the same key: what could be a webhook's body is no challenge."""
    assert Hook().challenge(came(b"", "GET", {"crc_token": body}), INBOX) is None


def test_only_what_x_signed_is_genuine() -> None:
    body = '{"text":"é"}'.encode()
    good = sign(body, "s3cret")
    assert good.startswith("sha256=")
    assert Hook().genuine(came(body, x_twitter_webhooks_signature=good), INBOX)
    assert not Hook().genuine(came(body + b" ", x_twitter_webhooks_signature=good), INBOX)
    assert not Hook().genuine(came(body, x_hub_signature_256=good), INBOX)
    assert not Hook().genuine(came(body, x_twitter_webhooks_signature=good), Settings("300", {}, {}))


PHOTOS = Keys("dpf43f3p2l4k3l03", "kd94hf93k423kf44", "nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")


def test_the_signature_is_that_of_the_rfc() -> None:
    """RFC 5849, 1.2: the request for a photograph."""
    url = "http://photos.example.net/photos?file=vacation.jpg&size=original"
    header = authorization("GET", url, PHOTOS, nonce="chapoH", at=137131202, realm="Photos")
    assert header.startswith(
        'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_nonce="chapoH"'
    )
    assert (
        unquote(header.partition('oauth_signature="')[2].partition('"')[0]) == "MdpQcU8iPSUjWoN/UDMsK2sui9I="
    )


def test_the_base_string_is_that_of_the_rfc() -> None:
    """RFC 5849, 3.4.1.1, with the body's parameters given beside the header's."""
    said = [
        ("c2", ""), ("a3", "2 q"), ("oauth_consumer_key", "9djdj82h48djs9d2"), ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"), ("oauth_timestamp", "137131201"), ("oauth_nonce", "7d8f3e4a"),
    ]  # fmt: skip
    assert base_string("post", "HTTP://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", said) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540"
        "%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3D"
        "HMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )
    assert signature("base", PHOTOS) != signature(
        "base", Keys("dpf43f3p2l4k3l03", "kd94hf93k423kf44", "t", "other")
    )


NAMES = st.sampled_from(["direct_message_mark_read_events", "users", "for_user_id", "other"])


@given(st.dictionaries(NAMES, JSON), JSON)
def test_whatever_comes_is_read_or_set_aside(body: dict[str, Any], data: Any) -> None:
    made = {"sender_id": "9", "target": data, "message_data": data}
    event = {
        "id": data,
        "type": "message_create",
        "created_timestamp": "1760000000000",
        "message_create": made,
    }
    more = {"direct_message_events": [event, data]}
    for slip in Hook().split(came(json.dumps({**body, **more}).encode())):
        try:
            said = parse(slip.content)
        except Unparseable:
            continue
        if isinstance(said, ParsedMessage):
            for each in strings([said.text, said.sender.name, said.message_id, said.content]):
                assert "\x00" not in each
                each.encode()


@pytest.fixture
def account(shop: Shop) -> Iterator[Provider]:
    made = Provider(shop, "x", "300", SECRETS)
    yield made
    made.close()


def say(account: Provider, *bodies: Any) -> None:
    for body in bodies:
        raw = json.dumps(body).encode()
        answer = account.ask(content=raw, x_twitter_webhooks_signature=sign(raw, "s3cret"))
        assert answer.status_code == 200
        work()


def test_the_door_answers_the_challenge_and_refuses_the_unsigned(account: Provider) -> None:
    told = account.ask("GET", query="?crc_token=abc")
    assert (told.status_code, told.headers["content-type"]) == (200, "application/json")
    assert told.json() == {"response_token": sign(b"abc", "s3cret")}
    assert account.ask(content=b"{}").status_code == 401
    assert account.ask("GET").status_code == 403


def test_every_sample_twice_and_in_reverse_comes_to_the_same(db: None) -> None:
    seen = []
    every = list(SAMPLES.values())
    for order in (every, [*every, *every], every[::-1]):
        shop = Shop.create(f"Shop {len(seen)}")
        account = Provider(shop, "x", "300", SECRETS)
        try:
            say(account, *order)
            with tenant(shop.id):
                told = sorted(Message.objects.values_list("rfc_id", "way", "text", "meta__kind"))
                seen.append((told, Conversation.objects.count()))
        finally:
            account.close()
    assert seen[0] == seen[1] == seen[2]
    assert (len(seen[0][0]), seen[0][1]) == (7, 1)


def test_what_they_have_read_is_said_and_our_echo_is_no_second_message(account: Provider) -> None:
    say(account, SAMPLES["text"])
    with tenant(account.shop.id):
        delivery = account.sent("Yes", "1600000000000000001", at=now() - timedelta(minutes=1))
    made = {"target": {"recipient_id": "900"}, "sender_id": "300", "message_data": {"text": "Yes"}}
    stamp = str(int(now().timestamp() * 1000))
    event = {
        "type": "message_create",
        "id": "1600000000000000001",
        "created_timestamp": stamp,
        "message_create": made,
    }
    say(account, {"for_user_id": "300", "direct_message_events": [event]})
    read_ = {"created_timestamp": stamp, "sender_id": "900", "target": {"recipient_id": "300"}}
    say(account, {"for_user_id": "300", "direct_message_mark_read_events": [read_]})
    with tenant(account.shop.id):
        delivery.refresh_from_db()
        assert delivery.state == State.READ
        assert Message.objects.filter(way="out").count() == 1
