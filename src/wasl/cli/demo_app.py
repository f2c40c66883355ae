"""The demo's in-app inbox: keys for the push services' stand-ins, and two customers with the shop's app."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from wasl.accounts.actor import Actor
from wasl.channels import chat_inboxes
from wasl.channels.chat_inboxes import ChatInbox
from wasl.channels.models import Inbox
from wasl.channels.port import Choice
from wasl.conversations.models import Conversation
from wasl.conversations.reply import reply
from wasl.conversations.ways import Via
from wasl.customers.entered import keep
from wasl.customers.models import Identity
from wasl.customers.points import TOKEN
from wasl.devices import actions as devices
from wasl.kit.db import tenant
from wasl.sandbox import phone
from wasl.sandbox.place import Place
from wasl.sandbox.standins import _push
from wasl.widget.visitors import account_key

STORIES: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    (
        "salma-bennani", "fcm", "broken-lamp-glass",
        "الزجاج البديل في الطريق إليك يا سلمى، ويصل غدًا قبل الثانية ظهرًا.\nإن لم تكوني في البيت فمن يستلمه؟",
        ("الجيران", "أريد موعدًا آخر"),
    ),
    (
        "priya-nair", "apns", "birthday-gift-wrap",
        "Your parcel is wrapped, and nothing on the outside says what it is.\nShall it come on Thursday or on Friday?",
        ("Thursday", "Friday"),
    ),
)  # fmt: skip
"""Who, what kind of telephone, the conversation, what they are told, and the buttons."""


def furnish(
    workspace_id: UUID,
    agents: Mapping[str, Actor],
    people: Mapping[str, Mapping[str, Any]],
    talks: Mapping[str, UUID],
    place: Place,
) -> None:
    """Open the inbox, give the two customers the app, and write to them."""
    with tenant(workspace_id):
        chat = Inbox.objects.filter(channel="webchat").earliest("created_at")
        inbox = chat_inboxes.open_inbox(agents["karim"], chat_inboxes.kind("app"), _wanted(chat))
        phone.register(place.folder)
    for key, kind, talk, text, titles in STORIES:
        with tenant(workspace_id):
            _write(agents["karim"], chat, inbox, place, people[key], kind, talks[talk], text, titles)


def _wanted(chat: Inbox) -> ChatInbox:
    base = phone.base("app")
    account = {
        "project_id": "dar-zaytun", "client_email": "wasl@dar-zaytun.iam.example", "private_key_id": "demo",
        "private_key": _pem(rsa.generate_private_key(65537, 2048)),
    }  # fmt: skip
    values = {
        "address": chat.address, "title": "Dar Zaytun", "page": "", "shows": "text",
        "fcm_account": json.dumps(account), "fcm_url": base, "fcm_tokens": f"{base}/tokens",
        "apns_key": _pem(ec.generate_private_key(ec.SECP256R1())), "apns_key_id": "DEMO123456",
        "apns_team": "ZAYTUN1234", "apns_topic": "com.example.zaytun", "apns_url": base,
    }  # fmt: skip
    return ChatInbox(name="App and website", language="en", values=values)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    made = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.decode()


def _write(
    actor: Actor,
    chat: Inbox,
    inbox: Inbox,
    place: Place,
    person: Mapping[str, Any],
    kind: str,
    talk: UUID,
    text: str,
    titles: tuple[str, ...],
) -> None:
    """The customer's account has the app on a telephone, and a notice goes there."""
    sub = str(uuid5(actor.workspace_id, str(person["email"]).lower()))  # as the shop's page signs it
    number = phone.Numbers(place.folder).of(str(person["email"]))
    conversation = Conversation.objects.select_related("customer").get(id=talk)
    kept = keep(actor, conversation.customer.root_id, devices.CHANNEL, str(account_key(chat.id, sub)))
    Identity.objects.filter(id=kept.id).update(
        known=TOKEN, display=f"DZ-{number[-6:]}", name=conversation.customer.name
    )
    token = _push.fcm_token(number) if kind == "fcm" else _push.apns_token(number)
    label = "Android" if kind == "fcm" else "iPhone"
    wanted = devices.Wanted(kind, token, label=label, language=str(person["language"]))
    devices.register(actor.workspace_id, inbox.id, kept, wanted)
    choices = tuple(Choice(str(key), title) for key, title in enumerate(titles, 1))
    seeing = replace(actor, inboxes=actor.inboxes | {inbox.id})
    reply(seeing, talk, text, choices=choices, via=Via(inbox.id, kept.id))
