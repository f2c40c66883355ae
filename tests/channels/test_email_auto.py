"""Mail of programs, and mail that no program should answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.channels.messages import mail
from wasl.channels.base import Address, OutboundMessage
from wasl.channels.email import auto
from wasl.channels.email.auto import Quiet
from wasl.channels.email.compose import compose
from wasl.channels.email.parse import parse

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"Auto-Submitted: auto-replied", "auto-replied"),
        (b"Auto-Submitted: no", ""),
        (b"X-Autorespond: I am away", "auto-replied"),
        (b"X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent", "auto-replied"),
        (b"X-POST-MessageClass: 9; Autoresponder", "auto-replied"),
        (b"Precedence: auto-reply", "auto-replied"),
        (b"Precedence: bulk", "bulk"),
        (b"Precedence: normal", ""),
        (b"List-Id: <friends.example.org>", "list"),
        (b"List-Post: <mailto:friends@example.org>", "list"),
        (b"X-Mailing-List: friends@example.org", "list"),
        (b"List-Unsubscribe: <https://shop.example/u>", "bulk"),
        (b"Return-Path: <>", "auto-generated"),
        (b"Return-Path: <amal@example.net>", ""),
        (b"X-Loop: somebody", ""),
    ],
)
def test_what_wrote_it(field: bytes, expected: str) -> None:
    message = mail(field)
    assert message.auto == expected
    assert bool(message.quiet) == bool(expected)


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Order 77",
        "Out of office until Monday",
        "Réponse automatique : Commande",
        "Absence du bureau",
        "Risposta automatica: Ordine",
        "Fuori sede fino al 3 maggio",
        "رد تلقائي: طلبك",
        "خارج المكتب",
        "Abwesenheitsnotiz: Bestellung",
    ],
)
def test_a_subject_alone_keeps_programs_silent_and_says_nothing_more(subject: str) -> None:
    message = mail(f"Subject: {subject}".encode())
    assert (message.auto, message.quiet) == ("", Quiet.SUBJECT)
    generated = mail(f"Subject: {subject}".encode(), b"Auto-Submitted: auto-generated")
    assert (generated.auto, generated.quiet, generated.is_echo) == ("auto-replied", Quiet.AUTOMATIC, True)


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Out of office",
        "Automatic doors do not open",
        "Une absence de réponse",
        "Le congélateur",
        "Fuori dal menu",
        "إجازة الحجز",
        "Your vacation rental",
    ],
)
def test_words_of_people_in_subjects(subject: str) -> None:
    assert mail(f"Subject: {subject}".encode()).quiet == ""


@pytest.mark.parametrize(
    "sender",
    [
        *("noreply@x.example", "no-reply+7@x.example", "do_not_reply@x.example", "shop.noreply@x.example"),
        *("ne-pas-repondre@x.example", "nepasrepondre@x.example", "non-rispondere@x.example", "bounces@x.example"),
        *("MAILER-DAEMON@x.example", "owner-list@x.example", "list-request@x.example", "postmaster@x.example"),
    ],
)  # fmt: skip
def test_senders_whom_nobody_reads(sender: str) -> None:
    assert mail(author=f"From: {sender}\r\n".encode()).quiet in (Quiet.NO_REPLY, Quiet.AUTOMATIC)


@pytest.mark.parametrize(
    "sender",
    ["norea@x.example", "reply@x.example", "rooted@x.example", "bouncer@x.example", "nonna@x.example"],
)  # fmt: skip
def test_senders_who_only_sound_like_it(sender: str) -> None:
    assert mail(author=f"From: {sender}\r\n".encode()).quiet == ""


@pytest.mark.parametrize(
    ("value", "quiet"), [(b"All", "asked"), (b"OOF, AutoReply", "asked"), (b"None", ""), (b"DR, RN", "")]
)
def test_who_asks_for_no_automatic_answer(value: bytes, quiet: str) -> None:
    message = mail(b"X-Auto-Response-Suppress: " + value)
    assert (message.quiet, message.auto) == (quiet, "")


def test_a_mark_holds_for_its_message_and_workspace_only() -> None:
    _, value = auto.mark("a@shop.example", KEY)
    assert auto.is_own(value.upper(), "a@shop.example", KEY)
    assert not auto.is_own(value, "b@shop.example", KEY)
    assert not auto.is_own(value, "a@shop.example", b"j" * 32)
    assert not auto.is_own("", "a@shop.example", KEY)
    assert not auto.is_own("é", "a@shop.example", KEY)


def test_an_automatic_mail_of_ours_says_so() -> None:
    letter = OutboundMessage(
        message_id="a@shop.example",
        date=datetime(2026, 1, 1, tzinfo=UTC),
        from_=Address("", "help@shop.example"),
        to=(Address("", "amal@example.net"),),
        auto=True,
    )
    (generated, answer) = (
        parse(compose(each)) for each in (letter, replace(letter, in_reply_to=("b@example.net",)))
    )
    assert (generated.auto, answer.auto) == ("auto-generated", "auto-replied")
    assert b"X-Auto-Response-Suppress: All\r\n" in compose(letter)
