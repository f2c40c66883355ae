"""What every channel's door does with what it must not believe, with what it has had already, and with nonsense."""

import json
from typing import Any

import psycopg

from tests.channels.road import Provider
from tests.inbound import work
from tests.worlds import Shop
from wasl.channels.base import Reason
from wasl.channels.registry import channels
from wasl.delivery.course import REASONS
from wasl.workspace import words

_NAMED = (
    *("app_secret", "verify_token", "access_token", "access_secret", "auth_token", "secret_token"),
    *("token", "secret", "secret_in", "secret_out", "hook_secret", "folder"),
)
SECRETS = dict.fromkeys(_NAMED, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
HOOKED = sorted(name for name, channel in channels().items() if channel.hook)


def test_all_channels_that_are_called_are_here() -> None:
    assert set(HOOKED) == {
        "instagram", "messenger", "post", "sms", "telegram", "voice", "webhook", "whatsapp", "x",
    }  # fmt: skip


def test_what_nobody_signed_is_refused_at_every_door(shop: Shop, owner: psycopg.Connection[Any]) -> None:
    """Without a signature, with one that is wrong, and empty; nothing is kept. That it is counted: test_hooks."""
    forged = {
        "X_Hub_Signature_256": "sha256=" + "0" * 64, "X_Twilio_Signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "X_Telegram_Bot_Api_Secret_Token": "wrong", "X_Twitter_Webhooks_Signature": "sha256=" + "A" * 43 + "=",
        "webhook_id": "msg_1", "webhook_timestamp": "1760000000", "webhook_signature": "v1," + "A" * 43 + "=",
    }  # fmt: skip
    for name in HOOKED:
        door = Provider(shop, name, "111", SECRETS)
        try:
            answers = [
                door.ask(content=b"{}"),
                door.ask(content=b"{}", **forged),
                door.ask(content=b"", **forged),
            ]
            assert [each.status_code for each in answers] == [401, 401, 401], name
        finally:
            door.close()
    assert owner.execute("SELECT count(*) FROM intake_inbound").fetchone() == (0,)


def test_why_it_did_not_arrive_is_said_in_words_on_every_channel() -> None:
    """Each reason has words of its own."""
    for name in channels():
        said = {
            str(reason): words.reason(str(reason), name) for reason in REASONS if reason is not Reason.OTHER
        }
        nothing = words.reason(str(Reason.OTHER), name)
        assert all(text and text != nothing for text in said.values()), name


def test_signed_nonsense_is_set_aside_whole_and_shown(shop: Shop, owner: psycopg.Connection[Any]) -> None:
    door = Provider(shop, "whatsapp", "111")
    try:
        for body in ([], {"object": "page"}, {"object": "whatsapp_business_account", "entry": "x"}):
            assert door.post(body).status_code == 200
            assert door.post(body).status_code == 200, "and said again it is the same"
        work()
    finally:
        door.close()
    rows = owner.execute("SELECT count(*) FROM intake_quarantine").fetchone()
    assert rows == (3,), json.dumps(rows)
