"""What providers say afterwards: stored as it comes, in any order, also while the call is still under way."""

import itertools
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.delivery.road import Road, turn_until
from tests.sandbox.stand import Stand
from wasl.channels.base import BounceKind, BounceReport
from wasl.delivery import actions
from wasl.delivery.queries import receipts
from wasl.kit import db
from wasl.kit.ids import uuid7
from wasl.sandbox.network import Mode


def receive(road: Road, delivery: UUID, kind: BounceKind, status: str = "") -> Any:
    with db.tenant(road.shop.id):
        report = BounceReport(kind, "salma@barid.example", status, "the provider's words", "x@shop.example")
        return actions.receipt(db.raw(), road.shop.id, delivery, uuid7(), report)


@pytest.fixture
def sent(road: Road) -> UUID:
    one = road.send()
    sender = road.sender()
    turn_until(sender, lambda: road.state(one) == "sent")
    sender.close()
    return one


def test_a_bounce_turns_sent_into_failed_with_the_reason(road: Road, sent: UUID) -> None:
    assert receive(road, sent, "failed", "5.2.2") == "failed"
    view = road.view(sent)
    assert (view.state, view.reason, view.can_retry) == ("failed", "mailbox_full", True)
    assert view.ended_at is not None
    assert road.kinds(sent) == ["sent", "failed"]
    with db.tenant(road.shop.id):
        [kept] = receipts(road.shop.id, sent)
    assert (kept.kind, kept.status, kept.reason) == ("failed", "5.2.2", "mailbox_full")
    assert kept.diagnostic == "the provider's words"


@pytest.mark.parametrize("order", list(itertools.permutations(["delayed", "delivered", "failed"])))
def test_whatever_the_order_what_arrived_has_arrived(road: Road, sent: UUID, order: tuple[Any, ...]) -> None:
    for kind in order:
        receive(road, sent, kind, "5.1.1" if kind == "failed" else "")
    assert (road.state(sent), road.view(sent).reason) == ("delivered", "")
    with db.tenant(road.shop.id):
        assert [r.kind for r in receipts(road.shop.id, sent)] == list(order), "all are kept"


def test_what_says_nothing_changes_nothing(road: Road, sent: UUID) -> None:
    for kind in ("unknown", "delayed", "relayed", "expanded"):
        assert receive(road, sent, kind) == "sent"  # type: ignore[arg-type]
    assert road.kinds(sent) == ["sent"]


def test_the_same_bounce_twice_is_told_once(road: Road, sent: UUID) -> None:
    receive(road, sent, "failed", "5.1.1")
    receive(road, sent, "failed", "5.1.1")
    assert road.kinds(sent) == ["sent", "failed"]


@pytest.mark.parametrize(
    ("kind", "state"), [("failed", "failed"), ("delivered", "delivered"), ("delayed", "sent")]
)
def test_evidence_ends_a_doubt(road: Road, stand: Stand, kind: BounceKind, state: str) -> None:
    road.configure(stand.config(lookup=False))
    stand.behave(Mode.LOSE_ANSWER, once=True)
    one = road.send()
    sender = road.sender()
    turn_until(sender, lambda: road.state(one) == "in_doubt")
    assert receive(road, one, kind, "5.1.1") == state
    sender.step()
    sender.close()
    assert road.state(one) == state
    assert len(road.attempts(one)) == 1, "nothing was sent again"


def test_a_bounce_that_is_faster_than_the_answer_counts_after_it(road: Road, stand: Stand) -> None:
    """The provider bounces while Wasl still waits for its 250; and so does a delivery report."""
    for kind, state in (("failed", "failed"), ("delivered", "delivered")):
        one = road.send()
        sender = road.sender()
        held = threading.Event()
        submit = sender._submit
        sender._submit = lambda task, s=submit, h=held: s(lambda: (h.wait(10), task()))  # type: ignore
        sender.step()
        assert road.state(one) == "sending"
        assert receive(road, one, kind, "5.1.1") == "sending"  # type: ignore[arg-type]
        held.set()
        turn_until(sender, lambda one=one: not road.unended([one]))  # type: ignore[misc]
        sender.close()
        assert road.state(one) == state
        assert road.outcomes(one) == ["sent"]


def test_an_old_bounce_does_not_stop_a_try_by_hand(road: Road, sent: UUID) -> None:
    receive(road, sent, "failed", "5.1.1")
    with db.tenant(road.shop.id):
        actions.retry(db.raw(), road.shop.id, sent)
    assert receive(road, sent, "failed", "5.1.1") == "queued"
    sender = road.sender()
    turn_until(sender, lambda: not road.unended([sent]))
    sender.close()
    assert road.state(sent) == "sent"


def test_a_receipt_for_nothing_is_not_kept(road: Road) -> None:
    assert receive(road, uuid7(), "failed") is None
    assert road.owner.execute("SELECT count(*) FROM delivery_receipt").fetchone() == (0,)


def test_a_receipt_that_comes_while_a_look_is_under_way_wins(road: Road, stand: Stand) -> None:
    stand.behave(Mode.LOSE_ANSWER, once=True)
    one = road.send()
    sender = road.sender()
    turn_until(sender, lambda: road.state(one) == "in_doubt")
    looks: list[Callable[[], None]] = []
    sender._submit = looks.append  # type: ignore[method-assign]
    turn_until(sender, lambda: len(looks) == 1)
    receive(road, one, "failed", "5.1.1")
    before = road.view(one)
    looks[0]()
    [(row, taken)] = [sender._looked.get()]
    assert taken is True, "the look itself would have made it sent"
    sender._looked.put((row, taken))
    sender.step()
    assert road.view(one) == before
    assert before.state == "failed"
