"""Signals fit into NOTIFY and lose nobody on the way."""

from wasl.kit.ids import uuid7
from wasl.kit.signal import Signal


def test_a_large_batch_is_told_whole_in_payloads_that_fit() -> None:
    conversations, customers = tuple(uuid7() for _ in range(500)), tuple(uuid7() for _ in range(333))
    signal = Signal("message", uuid7(), uuid7(), conversations, customers)
    payloads = list(signal.payloads())
    assert max(len(payload.encode()) for payload in payloads) < 8000
    heard = [Signal.read(payload) for payload in payloads]
    assert tuple(c for h in heard for c in h.conversations) == conversations
    assert tuple(c for h in heard for c in h.customers) == customers


def test_a_signal_about_nothing_in_particular_is_one_payload() -> None:
    signal = Signal("access", uuid7())
    assert [Signal.read(payload) for payload in signal.payloads()] == [signal]
