"""Why something did not arrive, in words that fit the channel."""

import pytest

from wasl.channels.base import Reason
from wasl.delivery.queries import AttemptView, ReceiptView
from wasl.kit.clock import now
from wasl.workspace import words
from wasl.workspace.shapes.delivery import steps


@pytest.mark.parametrize("reason", list(Reason))
def test_mail_servers_are_spoken_of_where_there_are_some(reason: Reason) -> None:
    elsewhere = words.reason(str(reason), "sms")
    assert "mail" not in elsewhere
    assert elsewhere
    assert words.reason(str(reason)) == words.reason(str(reason), "email")


def test_every_step_of_a_short_message_is_told_without_one() -> None:
    outcomes = ("sent", "temporary", "permanent", "in_doubt", "", "unreached")
    tries = [AttemptView(n, now(), now(), outcome, "not_now", "", "") for n, outcome in enumerate(outcomes)]
    said = [
        ReceiptView(kind, now(), "unreachable", "", "") for kind in ("delivered", "read", "failed", "sent")
    ]
    told = [step.text for step in steps(tries, said, "sms")]
    assert len(told) == 10
    assert not any("mail" in text.lower() for text in told)
    assert any("mail" in step.text for step in steps(tries, said))
