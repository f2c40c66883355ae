"""From the timeline to a receiver: told once, signed, tried again, given up, switched off."""

import threading
import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.inbound import mail, take
from tests.processes import role
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.road import Road, until
from tests.worlds import Shop
from wasl.conversations.models import Message
from wasl.conversations.reply import reply
from wasl.kit.clock import now
from wasl.kit.db import raw, tenant
from wasl.privacy.actions import erase
from wasl.timeline.actions import Touch, append
from wasl.webhooks import actions, claim
from wasl.webhooks.course import OFF_AFTER, TRIES, WAITS
from wasl.webhooks.events import OFFERED
from wasl.webhooks.models import Call

Owner = psycopg.Connection[Any]


def test_a_message_is_told_signed_and_once(road: Road, receiver: Receiver) -> None:
    endpoint, secret = road.endpoint(receiver.url)
    (message_id,) = take(road.shop, mail("Où est ma facture ?"))
    road.go()
    road.go()
    (heard,) = receiver.heard
    said = Webhook(secret).verify(heard.body, dict(heard.headers))
    assert said == heard.json
    assert said["type"] == "message.created"
    data = said["data"]
    assert data["message"]["id"] == str(message_id)
    assert data["message"]["text"] == "Où est ma facture ?"
    assert data["message"]["way"] == "in"
    assert data["message"]["address"]["address"] == "camille@atelier.example"
    assert data["customer"]["name"] == "Camille Moreau"
    assert data["conversation"]["subject"] == "Facture"
    assert data["conversation"]["inbox_id"] == str(road.shop.mail.id)
    assert heard.headers["content-type"] == "application/json"
    (call,) = road.calls()
    assert (call.state, call.status, call.why, call.tries) == ("done", 204, "", 1)
    assert heard.headers["webhook-id"] == f"msg_{call.id.hex}"
    assert road.seen(endpoint).succeeded_at


def test_a_forged_call_does_not_verify(road: Road, receiver: Receiver) -> None:
    _, secret = road.endpoint(receiver.url)
    take(road.shop, mail())
    road.go()
    (heard,) = receiver.heard
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(heard.body + b" ", dict(heard.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(heard.body, dict(heard.headers))


def test_each_endpoint_hears_what_it_chose(road: Road, receiver: Receiver) -> None:
    with receiving() as other:
        road.endpoint(receiver.url, "message.created", "message.sent")
        road.endpoint(other.url, "conversation.resolved", "message.received")
        (message_id,) = take(road.shop, mail())
        from wasl.conversations.actions import resolve

        with tenant(road.shop.id):
            conversation = Message.objects.get(id=message_id).conversation_id
            reply(road.shop.actor(), conversation, "Here it is.")
            resolve(road.shop.actor(), conversation)
        road.go()
        assert sorted(receiver.kinds) == ["message.created", "message.created", "message.sent"]
        assert sorted(other.kinds) == ["conversation.resolved", "message.received"]
    assert {each.json["data"]["message"]["way"] for each in receiver.heard} == {"in", "out"}


def test_every_kind_on_offer_can_be_told(road: Road, receiver: Receiver) -> None:
    road.endpoint(receiver.url, *OFFERED)
    take(road.shop, mail())
    road.go()
    assert sorted(receiver.kinds) == ["message.created", "message.received"]


def test_two_secrets_sign_while_one_is_replaced(road: Road, receiver: Receiver) -> None:
    endpoint, old = road.endpoint(receiver.url)
    new = actions.rotate(road.shop.actor("admin"), endpoint.id)
    assert new != old
    assert actions.secret(road.shop.actor("admin"), endpoint.id) == new
    take(road.shop, mail())
    road.go()
    heard = receiver.heard[0]
    for secret in (old, new):
        Webhook(secret).verify(heard.body, dict(heard.headers))
    with tenant(road.shop.id):
        row = road.seen(endpoint)
        row.old_until = now() - timedelta(seconds=1)
        row.save()
    take(road.shop, mail())
    road.go()
    heard = receiver.heard[1]
    Webhook(new).verify(heard.body, dict(heard.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(heard.body, dict(heard.headers))


def test_a_failure_is_tried_again_under_the_same_id_until_it_works(road: Road, receiver: Receiver) -> None:
    endpoint, _ = road.endpoint(receiver.url)
    receiver.status, receiver.answer = 500, b"no"
    take(road.shop, mail())
    road.go()
    (call,) = road.calls()
    assert (call.state, call.status, call.why) == ("waiting", 500, "status")
    assert timedelta(seconds=4) < call.due_at - now() < timedelta(seconds=6)
    assert road.seen(endpoint).failing_since
    receiver.status = 200
    road.ahead = timedelta(seconds=7)
    road.work()
    (call,) = road.calls()
    assert call.state == "done"
    assert road.seen(endpoint).failing_since is None
    assert len({each.headers["webhook-id"] for each in receiver.heard}) == 1
    first, second = road.tries(call.id)
    assert (first.status, first.answer, second.status) == (500, "no", 200)


def test_it_is_given_up_after_days_and_then_the_endpoint_is_switched_off(
    road: Road, receiver: Receiver
) -> None:
    endpoint, _ = road.endpoint(receiver.url)
    receiver.status = 503
    take(road.shop, mail())
    road.go()
    for wait in WAITS[:-1]:
        road.ahead += wait * 1.2
        road.work()
    assert road.calls()[0].state == "waiting"
    assert road.seen(endpoint).is_active
    take(road.shop, mail())  # another one, which is still waiting when the endpoint is switched off
    road.ahead += WAITS[-1] * 1.2
    road.go()
    assert sum(WAITS, timedelta(0)) > OFF_AFTER
    done, stopped = road.calls()
    assert (done.state, done.tries) == ("failed", TRIES)
    assert stopped.state == "stopped"
    row = road.seen(endpoint)
    assert (row.is_active, row.off_why) == (False, "failing")
    assert road.off == [(claim.Key(road.shop.id, endpoint.id), "failing")]
    # Repaired, switched on again, everything is told that was not.
    admin = road.shop.actor("admin")
    with pytest.raises(actions.Refused, match="is_off"):
        actions.replay_failed(admin, endpoint.id)
    actions.change(admin, endpoint.id, receiver.url, "", ["message.created"], active=True)
    receiver.status = 200
    assert actions.replay_failed(admin, endpoint.id) == 2
    road.ahead = timedelta(0)
    road.work()
    assert [call.state for call in road.calls()] == ["done", "done"]


def test_gone_is_believed_at_once(road: Road, receiver: Receiver) -> None:
    endpoint, _ = road.endpoint(receiver.url)
    receiver.status = 410
    take(road.shop, mail())
    road.go()
    assert road.calls()[0].state == "failed"
    assert road.seen(endpoint).off_why == "gone"
    take(road.shop, mail())
    road.go()
    assert len(road.calls()) == 1, "an endpoint that is off is told nothing"


def test_the_endpoint_may_ask_for_more_time(road: Road, receiver: Receiver) -> None:
    road.endpoint(receiver.url)
    receiver.status, receiver.extra = 429, {"Retry-After": "120"}
    take(road.shop, mail())
    road.go()
    assert road.calls()[0].due_at - now() > timedelta(seconds=100)


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest/meta-data/", "/elsewhere"])
def test_a_redirect_is_an_error_and_not_followed(road: Road, receiver: Receiver, target: str) -> None:
    road.endpoint(receiver.url)
    receiver.status, receiver.extra = 302, {"Location": target}
    take(road.shop, mail())
    road.go()
    (call,) = road.calls()
    assert (call.state, call.why, call.status) == ("waiting", "redirect", 302)
    assert road.tries(call.id)[0].answer == target
    assert len(receiver.heard) == 1


def test_a_private_address_is_refused_when_it_is_called_too(road: Road, receiver: Receiver) -> None:
    """The setting was on when the endpoint was made, or the name led elsewhere then."""
    endpoint, _ = road.endpoint(receiver.url.replace("http:", "https:"))
    take(road.shop, mail())
    road.follow()
    strict = road.worker(private=False)
    road.work(strict)
    strict.close(1)
    (call,) = road.calls(endpoint)
    assert (call.state, call.why, call.status) == ("waiting", "private", None)
    assert receiver.heard == []


def test_one_that_hangs_makes_nobody_else_wait(road: Road, receiver: Receiver) -> None:
    with receiving(pause=30) as stuck:
        hanging, _ = road.endpoint(stuck.url)
        quick, _ = road.endpoint(receiver.url)
        take(road.shop, *(mail(str(n)) for n in range(12)))
        road.follow()
        began = time.monotonic()
        while len(receiver.heard) < 12:
            road.caller.step()
            assert time.monotonic() - began < 1.9, "the quick one had to wait"
        while not any(call.why for call in road.calls(hanging)):
            road.caller.step()
        assert {call.why for call in road.calls(hanging) if call.why} == {"timeout"}
        assert stuck.most <= 4
    assert all(call.state == "done" for call in road.calls(quick))


def test_no_more_calls_at_once_than_allowed(road: Road, receiver: Receiver) -> None:
    receiver.pause = 0.1
    road.endpoint(receiver.url)
    take(road.shop, *(mail(str(n)) for n in range(16)))
    road.go()
    assert len(receiver.heard) == 16
    assert receiver.most <= 4


def test_two_workers_never_make_the_same_call(road: Road, receiver: Receiver) -> None:
    receiver.pause = 0.02
    road.endpoint(receiver.url)
    take(road.shop, *(mail(str(n)) for n in range(40)))
    road.follow()
    other = road.worker()
    threads = [threading.Thread(target=road.work, args=(each,)) for each in (road.caller, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close(1)
    names = [each.headers["webhook-id"] for each in receiver.heard]
    assert len(names) == len(set(names)) == 40


def test_a_worker_that_died_leaves_nothing_untold(road: Road, receiver: Receiver, owner: Owner) -> None:
    road.endpoint(receiver.url)
    take(road.shop, mail())
    road.follow()
    with road.caller._pool().connection() as conn:  # claimed, and then nothing
        jobs = claim.take(conn, dict.fromkeys(claim.heads(conn), 4), now())
    assert len(jobs) == 1
    road.work()
    assert receiver.heard == []
    road.ahead = claim.LEASE + timedelta(seconds=1)
    road.work()
    assert len(receiver.heard) == 1
    # What the dead one has to say when it comes back changes nothing.
    late = claim.Result(jobs[0], now(), 1.0, 500, "status", "", now())
    with road.caller._pool().connection() as conn:
        claim.record(conn, [late])
    assert road.calls()[0].state == "done"


def test_an_event_is_written_with_the_cursor_or_not_at_all(
    road: Road, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wasl.timeline import follow as following

    road.endpoint(receiver.url)
    take(road.shop, mail())

    def fail(*_: Any) -> None:
        raise psycopg.OperationalError("the database went away")

    with monkeypatch.context() as broken:
        broken.setattr(following, "move_cursor", fail)
        with pytest.raises(psycopg.OperationalError):
            road.follow()
    assert road.calls() == []
    road.go()
    assert len(receiver.heard) == 1


def test_history_is_not_told(road: Road, receiver: Receiver) -> None:
    """Neither what happened before there was an endpoint, nor what an import writes down of years ago."""
    (message_id,) = take(road.shop, mail())
    road.endpoint(receiver.url, "message.created", "identity.added")
    with tenant(road.shop.id):
        customer = Message.objects.get(id=message_id).customer_id
        touches = [
            Touch(customer, "identity.added", now() - timedelta(days=n), facts={"by": "system"})
            for n in (900, 1)
        ]
        append(raw(), road.shop.id, touches)
    road.go()
    assert receiver.kinds == ["identity.added"]


def test_of_an_erased_customer_nothing_is_told_but_the_facts(road: Road, receiver: Receiver) -> None:
    road.endpoint(receiver.url, "message.created", "customer.erased")
    receiver.status, receiver.answer = 500, b"you said: words of mine"
    (message_id,) = take(road.shop, mail("words of mine"))
    road.go()
    with tenant(road.shop.id):
        customer = Message.objects.get(id=message_id).customer_id
    erase(road.shop.actor("admin"), customer)
    receiver.status = 200
    road.ahead = timedelta(seconds=10)
    road.go()
    assert b"words of mine" in receiver.heard[0].body
    again = next(each for each in receiver.heard[1:] if each.json["type"] == "message.created")
    assert again.json["data"]["message"]["text"] == ""
    assert again.json["data"]["customer"]["name"] == ""
    assert "customer.erased" in receiver.kinds
    assert {each.answer for each in road.tries(road.calls()[0].id)[:1]} == {""}


def test_a_test_event_reaches_an_endpoint_that_is_off_too(road: Road, receiver: Receiver) -> None:
    endpoint, secret = road.endpoint(receiver.url)
    admin = road.shop.actor("admin")
    actions.change(admin, endpoint.id, receiver.url, "", ["message.created"], active=False)
    actions.test(admin, endpoint.id)
    road.work()
    (heard,) = receiver.heard
    assert Webhook(secret).verify(heard.body, dict(heard.headers))["type"] == "webhook.test"


def test_a_call_is_made_again_when_asked_for(road: Road, receiver: Receiver) -> None:
    road.endpoint(receiver.url)
    take(road.shop, mail())
    road.go()
    actions.replay(road.shop.actor("admin"), road.calls()[0].id)
    road.work()
    assert len({each.headers["webhook-id"] for each in receiver.heard}) == 1
    assert len(receiver.heard) == 2


def test_the_log_forgets_after_a_month(road: Road, receiver: Receiver, owner: Owner) -> None:
    road.endpoint(receiver.url)
    take(road.shop, mail(), mail())
    road.go()
    owner.execute(
        "UPDATE webhooks_call SET created_at = created_at - interval '31 days' WHERE id = %s",
        [road.calls()[0].id],
    )
    road.caller._swept_at = -10_000.0
    road.caller.step()
    assert len(road.calls()) == 1
    assert owner.execute("SELECT count(*) FROM webhooks_try").fetchone() == (1,)


def test_what_is_refused(shop: Shop) -> None:
    admin = shop.actor("admin")
    for url, reason in (
        ("http://shop.example/hook", "not_https"),
        ("https://10.0.0.1/", "private"),
        ("nonsense", "bad_url"),
    ):
        with pytest.raises(actions.Refused, match=reason):
            actions.create(admin, url, "", ["message.created"])
    with pytest.raises(actions.Refused, match="no_kinds"):
        actions.create(admin, "https://shop.example/", "", [])
    with pytest.raises(actions.Refused, match="unknown_kind"):
        actions.create(admin, "https://shop.example/", "", ["message.shouted"])
    with pytest.raises(actions.Refused, match="too_long"):
        actions.create(admin, "https://shop.example/", "x" * 201, ["message.created"])


def test_by_the_worker_itself(shop: Shop, private: None, receiver: Receiver) -> None:
    """The process as it runs: woken by the follower, calling, writing down, ending in order."""
    endpoint, secret = actions.create(shop.actor("admin"), receiver.url, "", ["message.created"])
    with role("wasl.config.worker:run", WASL_WEBHOOK_PRIVATE="on"):
        take(shop, mail())
        until(lambda: receiver.heard)
        began = time.monotonic()
        take(shop, mail())
        until(lambda: len(receiver.heard) == 2)
        assert time.monotonic() - began < 20
        Webhook(secret).verify(receiver.heard[1].body, dict(receiver.heard[1].headers))

        def done() -> bool:
            with tenant(shop.id):
                return Call.objects.filter(endpoint=endpoint, state="done").count() == 2

        until(done)
