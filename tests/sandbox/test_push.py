"""The push services' stand-ins against the channel's own code: what rings, what ends a device, and what may pass."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.sandbox.stand import Stand, until
from wasl.channels.app import apns, fcm, web
from wasl.channels.app.channel import CHANNEL
from wasl.channels.app.ring import Device, Gone, Notice, Why
from wasl.channels.app.settings import apple, firebase
from wasl.channels.base import InDoubt, PermanentFailure, Reason, TemporaryFailure, Unreached
from wasl.channels.port import Settings
from wasl.kit import webpush
from wasl.sandbox.chats import End, Item, Thread
from wasl.sandbox.network import Mode, Rule, person_on
from wasl.sandbox.standins import _push

DIGITS = "33639980001"
SITE = "https://www.dar-zaytun.example"
NOTICE = Notice(
    id="0199aaaa-0000-7000-8000-000000000001", title="Dar Zaytun", text="وصل مصباحكم 🪔 " * 60, language="ar",
    page=f"{SITE}/orders", unread=2,
)  # fmt: skip
_NAMES = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def pem(key: Any) -> str:
    made: bytes = key.private_bytes(*_NAMES)
    return made.decode()


def account(key: Any, key_id: str = "k1") -> str:
    return json.dumps(
        {"project_id": "zaytun-1", "client_email": "wasl@zaytun-1.iam.example", "private_key": pem(key),
         "private_key_id": key_id}
    )  # fmt: skip


RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def inbox(stand: Stand) -> Settings:
    """An inbox whose three services are the stand-ins, and which they know."""
    base = stand.url("app")
    config = {
        "fcm_url": base, "fcm_tokens": f"{base}/tokens", "apns_url": base, "apns_key_id": "ABC123DEFG",
        "apns_team": "TEAM123456", "apns_topic": "com.example.zaytun",
    }  # fmt: skip
    # As a field of one line gives it back.
    secrets = {"fcm_account": account(RSA), "apns_key": pem(EC).replace("\n", " ")}
    stand.provider.world.ends.put(End("app", SITE, "Dar Zaytun", "", config, secrets))
    return Settings(SITE, config, secrets, private=True)


def device(stand: Stand, kind: str) -> Device:
    if kind == "fcm":
        return Device("fcm", _push.fcm_token(DIGITS))
    if kind == "apns":
        return Device("apns", _push.apns_token(DIGITS))
    endpoint, key, auth = _push.browser(stand.url("app"), DIGITS)
    return Device("web", endpoint, *webpush.subscription(endpoint, key, auth, private=True))


def calls(inbox: Settings, one: Device) -> Callable[[], str]:
    services: dict[str, Callable[[], str]] = {
        "web": lambda: web.ring(inbox, one, NOTICE, "https://wasl.example.com"),
        "fcm": lambda: fcm.ring(inbox, one, NOTICE),
        "apns": lambda: apns.ring(inbox, one, NOTICE),
    }
    return services[one.kind]


def shown(stand: Stand) -> list[Item]:
    items = stand.provider.world.chats.items(Thread("app", SITE, DIGITS))
    return [each for each in items if each.state == "delivered" and not each.gone]


@pytest.mark.parametrize("kind", ["web", "fcm", "apns"])
def test_a_device_rings_and_every_end_of_a_call_is_told_from_the_others(
    stand: Stand, inbox: Settings, kind: str
) -> None:
    ring = calls(inbox, device(stand, kind))
    assert ring()
    until(lambda: shown(stand))
    assert shown(stand)[0].text.startswith("وصل مصباحكم 🪔")
    ring()
    until(lambda: len(shown(stand)) == 1 and " " in shown(stand)[0].id)  # the same again takes its place

    def behave(mode: Mode, wait: float = 7.0) -> None:
        stand.network.set(Rule(mode, True, wait), person_on("app", DIGITS))

    behave(Mode.REFUSE)
    with pytest.raises(Gone) as gone:
        ring()
    assert gone.value.why == Why.GONE
    waits = {Mode.RATE_LIMIT_WAIT: 7.0, Mode.RATE_LIMIT: 60.0, Mode.REFUSE_NOW: None, Mode.BREAK: None}
    for mode, least in waits.items():
        behave(mode)
        with pytest.raises(TemporaryFailure) as busy:
            ring()
        assert busy.value.retry_after == least
    behave(Mode.LOSE_ANSWER)
    with pytest.raises(InDoubt):
        ring()
    ring()  # the next connection is a new one


def test_what_is_wrong_is_said(stand: Stand, inbox: Settings) -> None:
    assert CHANNEL.probe
    assert [(step.fine, step.detail) for step in CHANNEL.probe(inbox)] == [
        (True, SITE),
        (True, ""),
        (True, ""),
    ]
    other = Settings(
        SITE, inbox.config, private=True,
        secrets={"fcm_account": account(rsa.generate_private_key(65537, 2048), "k2"),
                 "apns_key": pem(ec.generate_private_key(ec.SECP256R1()))},
    )  # fmt: skip
    # Apple's token of a moment ago is still believed, as it is told by key id and team: another id has another.
    changed = {**inbox.config, "apns_key_id": "XYZ"}
    steps = list(CHANNEL.probe(Settings(SITE, changed, other.secrets, private=True)))
    assert [step.fine for step in steps] == [True, False, False]
    assert "Invalid JWT" in steps[1].detail
    assert "InvalidProviderToken" in steps[2].detail
    with pytest.raises(PermanentFailure) as refused:
        fcm.ring(other, device(stand, "fcm"), NOTICE)
    assert refused.value.reason == Reason.SIGN_IN
    broken = Settings(SITE, {}, {"fcm_account": "{}", "apns_key": "x"}, private=True)
    assert [step.fine for step in CHANNEL.probe(broken)] == [True, False, False]
    assert [step.fine for step in CHANNEL.probe(Settings("zaytun", {}, {}, private=True))] == [
        False,
        True,
        True,
    ]
    for wrong in (Device("fcm", "nobody's"), Device("apns", "ab" * 32)):
        with pytest.raises(Gone) as gone:
            calls(inbox, wrong)()
        assert gone.value.why == Why.INVALID
    away = Settings(SITE, {**inbox.config, "apns_url": "http://127.0.0.1:1", "fcm_url": "http://127.0.0.1:1"},
                    inbox.secrets, private=True)  # fmt: skip
    guarded = Settings(SITE, away.config, inbox.secrets, private=False)
    for settings in (away, guarded):
        for one in (device(stand, "apns"), device(stand, "fcm")):
            with pytest.raises(Unreached):
                calls(settings, one)()


def test_what_devices_are_sent_fits_and_stays_readable(inbox: Settings) -> None:
    long = Notice(id=NOTICE.id, title="ع" * 500, text="ع" * 20_000, page="https://x.example/" + "a" * 900)
    assert len(web.text(long)) <= webpush.LONGEST
    assert json.loads(web.text(long))["tag"] == NOTICE.id
    assert len(apns.payload(long)) <= apns.LARGEST
    assert json.loads(apns.payload(NOTICE))["aps"]["badge"] == 2
    # Known answers: signatures are what the services' own rules check (RFC 7515, 3.4; RFC 7518, 3.3).
    assert _push.is_apples(f"bearer {apns.signed(apple(inbox), int(time.time()))}", apple(inbox))
    assert not _push.is_apples(f"bearer {apns.signed(apple(inbox), 1_000_000)}", apple(inbox))
    assert not _push.is_assertion(fcm.assertion(firebase(inbox), 1_000_000.0), firebase(inbox))
