"""Every sample of WhatsApp's webhook through the door: once, twice and in reverse, it comes to the same."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.channels.road import Provider
from tests.channels.test_meta_road import again, state
from tests.channels.test_whatsapp_odd import SAMPLES
from tests.conversations.test_ways import chat_inbox
from tests.inbound import take
from tests.worlds import Shop
from wasl.channels.port import Request
from wasl.channels.whatsapp.hook import Hook
from wasl.conversations.models import Message
from wasl.customers.actions import unmerge
from wasl.customers.models import Customer
from wasl.kit.clock import now
from wasl.kit.db import tenant


def bodies(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The samples by name; what is spelt the same in all of them, an id above all, is each one's own."""
    for file in sorted(folder.glob("*.json")):
        found = json.loads(file.read_text())
        for name, body in ({file.stem: found} if "object" in found else found).items():
            for entry in body["entry"]:
                for change in entry["changes"]:
                    _named(change.get("value"), f"{file.stem}.{name}")
            yield f"{file.stem}.{name}", body


def _named(value: Any, own: str) -> None:
    if not isinstance(value, dict):
        return
    for kind in ("messages", "message_echoes", "statuses", "calls"):
        for each in value.get(kind) or ():
            if isinstance(each, dict) and each.get("id"):
                each["id"] = f"{each['id']}.{own}"


def test_every_sample_twice_and_in_reverse_comes_to_the_same(
    db: None, samples: Path, owner: psycopg.Connection[Any]
) -> None:
    found = [dict(bodies(folder)) for folder in (samples / "whatsapp", SAMPLES)]
    wanted = [body for each in found for body in each.values()]
    assert len(wanted) >= 120
    seen: list[Any] = []
    for order in (wanted, [*wanted, *wanted], wanted[::-1]):
        shop = Shop.create(f"Shop {len(seen)}")
        provider = Provider(shop, "whatsapp", "111")
        try:
            for at in range(0, len(order), 20):  # twenty in a webhook, as they come after an outage
                entries = [entry for body in order[at : at + 20] for entry in body["entry"]]
                provider.say({"object": "whatsapp_business_account", "entry": entries})
            again(owner)
            with tenant(shop.id):
                seen.append(state())
                assert (
                    Message.objects.filter(meta__kind="unsupported", meta__content__raw__isnull=True).count()
                    == 0
                )
        finally:
            provider.close()
    assert seen[0] == seen[1] == seen[2]
    told, _, _, aside = seen[0]
    assert len(told) >= 85
    assert aside == 2, "a message and a state without a moment: to be looked at by a person"


def said(**value: Any) -> list[bytes]:
    """What a door keeps of one webhook."""
    value = {"metadata": {"phone_number_id": "111"}, **value}
    entry = {"id": "9", "changes": [{"field": "x", "value": value}]}
    raw = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    return [slip.content for slip in Hook().split(Request("POST", "https://wasl.example/hooks", {}, {}, raw))]


def wrote(who: str, text: str) -> list[bytes]:
    at = str(int(now().timestamp()))
    message = {
        "id": f"wamid.{text}",
        "from_user_id": who,
        "timestamp": at,
        "type": "text",
        "text": {"body": text},
    }
    return said(messages=[message], contacts=[{"profile": {"name": "Giulia"}, "user_id": who}])


def test_another_id_is_the_same_customer_until_somebody_says_otherwise(
    shop: Shop, owner: psycopg.Connection[Any]
) -> None:
    inbox, at = chat_inbox(shop, "whatsapp", "111"), str(int(now().timestamp()))
    ids = {"previous": "IT.1", "current": "IT.2"}
    moved = said(user_id_update=[{"user_id": ids, "timestamp": at}])
    for contents in (wrote("IT.1", "one"), moved, moved, wrote("IT.2", "two")):
        take(shop, *contents, inbox=inbox)
    with tenant(shop.id):
        first, second = Message.objects.order_by("at", "id")
        assert first.conversation_id == second.conversation_id
        assert Customer.objects.values("root_id").distinct().count() == 1
    told = "SELECT detail IS NOT NULL, facts->>'by' FROM timeline_touchpoint WHERE kind = 'customer.merged'"
    assert owner.execute(told).fetchall() == [(True, "system")]
    (merge,) = owner.execute("SELECT id FROM customers_merge").fetchall()
    assert unmerge(shop.actor("agent"), merge[0]).followed
    take(shop, *moved, inbox=inbox)  # as if it were another one: a door stores the same only once
    with tenant(shop.id):
        assert Customer.objects.values("root_id").distinct().count() == 2, "a person said they are two"
