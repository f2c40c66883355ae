"""Reports about our messages, and the reasons people are shown for them."""

from __future__ import annotations

import pytest

from wasl.channels.base import Address, BounceReport, Reason, Unparseable
from wasl.channels.email import refusals
from wasl.channels.email.parse import parse
from wasl.channels.email.reasons import Stage, of_reply, of_status

RETURNED = b"From: help@shop.example\nMessage-ID:\n <d1@shop.example>\nSubject: hi\n"


def report(*blocks: bytes, returned: bytes = RETURNED, author: bytes = b"MAILER-DAEMON@mx.example") -> bytes:
    return (
        b"From: " + author + b"\nTo: bounces@shop.example\nSubject: Undelivered\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n"
        b"--x\n\nSorry.\n"
        b"--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        + b"\n".join(blocks)
        + b"\n"
        b"--x\nContent-Type: text/rfc822-headers\n\n" + returned + b"\n--x--\n"
    )


FAILED = (
    b"Final-Recipient: rfc822; Amal@Example.NET\nAction: failed\nStatus: 5.1.1\n"
    b"Diagnostic-Code: smtp; 550 5.1.1 <amal@example.net>:\n  no such user\n"
)
DELAYED = (
    b"Final-Recipient: rfc822;<omar@example.net>\nAction: delayed (will retry)\nStatus: 4.4.1 (no answer)\n"
)


def test_a_delivery_status_report() -> None:
    message = parse(report(FAILED))
    assert message.bounce == BounceReport(
        "failed",
        "Amal@example.net",
        "5.1.1",
        "550 5.1.1 <amal@example.net>: no such user",
        "d1@shop.example",
        "permanent",
        Reason.ADDRESS_UNKNOWN,
    )
    assert (message.auto, message.text) == ("auto-generated", "Sorry.")


def test_a_delay() -> None:
    assert parse(report(DELAYED)).bounce == BounceReport(
        "delayed", "omar@example.net", "4.4.1", "", "d1@shop.example", "delayed", Reason.UNREACHABLE
    )


def test_of_several_recipients_the_failed_one_counts() -> None:
    found = parse(report(DELAYED, FAILED)).bounce
    assert found is not None
    assert (found.kind, found.recipient) == ("failed", "Amal@example.net")


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        (b"Final-Recipient: rfc822; a@b.example\nStatus: 5.0.0\n", "failed"),
        (b"Final-Recipient: rfc822; a@b.example\nStatus: 4.2.2\n", "delayed"),
        (b"Final-Recipient: rfc822; a@b.example\nAction: relayed\nStatus: 2.0.0\n", "relayed"),
        (b"Final-Recipient: rfc822; a@b.example\nAction: delivered\n", "delivered"),
        (b"Final-Recipient: rfc822; a@b.example\nAction: nonsense\n", "unknown"),
        (b"", "unknown"),
        (b"\xff\x00: \xfe\nStatus\n", "unknown"),
    ],
)
def test_what_a_report_says_happened(block: bytes, kind: str) -> None:
    found = parse(report(block)).bounce
    assert found is not None
    assert found.kind == kind


def test_the_whole_message_may_come_back() -> None:
    whole = report(FAILED).replace(b"text/rfc822-headers", b"message/rfc822") + b"\nbody"
    found = parse(whole).bounce
    assert found is not None
    assert found.original_message_id == "d1@shop.example"


def test_a_complaint() -> None:
    found = parse(
        b"From: abuse@isp.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=x\n\n"
        b"--x\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n"
        b"Original-Rcpt-To: <amal@example.net>\n"
        b"--x\nContent-Type: message/rfc822\n\n" + RETURNED + b"\n\n--x--\n"
    ).bounce
    assert found == BounceReport("complaint", "amal@example.net", "", "abuse", "d1@shop.example")


@pytest.mark.parametrize(
    "author", [b"MAILER-DAEMON", b"MAILER-DAEMON <>", b"<>", b'"Mail Delivery" <MAILER-DAEMON@mx>']
)
def test_a_mail_server_in_its_own_words(author: bytes) -> None:
    words = b"<amal@example.net>: no such user\n\n--- Original message ---\n\n"
    message = parse(b"From: " + author + b"\nMessage-ID: <own@mx.example>\n\n" + words + RETURNED)
    assert message.bounce is not None
    found = (message.bounce.kind, message.bounce.recipient, message.bounce.original_message_id)
    assert found == ("failed", "amal@example.net", "d1@shop.example")
    assert (message.bounce.permanence, message.bounce.reason) == ("permanent", Reason.ADDRESS_UNKNOWN)
    assert message.auto == "auto-generated"
    assert message.sender.address in ("", "MAILER-DAEMON@mx")


def test_a_server_that_signs_with_a_bare_name_is_let_in_only_with_a_report() -> None:
    assert parse(report(FAILED, author=b"Mail Delivery System")).sender == Address("Mail Delivery System", "")
    with pytest.raises(Unparseable):
        parse(b"From: Mail Delivery System\n\nhello")


def test_a_bounce_someone_forwards_is_not_a_bounce() -> None:
    forwarded = (
        b"From: amal@example.net\nContent-Type: multipart/mixed; boundary=y\n\n"
        b"--y\n\nI got this back\n--y\nContent-Type: message/rfc822\n\n" + report(FAILED) + b"\n--y--\n"
    )
    message = parse(forwarded)
    assert (message.bounce, message.auto, len(message.parts)) == (None, "", 1)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("5.1.1", Reason.ADDRESS_UNKNOWN),
        ("5.2.1", Reason.ADDRESS_UNKNOWN),
        ("5.1.8", Reason.UNWANTED),
        ("4.2.2", Reason.MAILBOX_FULL),
        ("5.3.4", Reason.TOO_LARGE),
        ("4.4.1", Reason.UNREACHABLE),
        ("5.6.0", Reason.BAD_MESSAGE),
        ("5.7.1", Reason.UNWANTED),
        ("4.7.1", Reason.NOT_NOW),
        ("5.7.8", Reason.SIGN_IN),
        ("5.0.0", None),
        ("", None),
    ],
)
def test_reasons_of_status_codes(status: str, reason: Reason | None) -> None:
    assert of_status(status) is reason


@pytest.mark.parametrize(
    ("code", "text", "stage", "reason"),
    [
        ("550", "no", "rcpt", Reason.ADDRESS_UNKNOWN),
        ("550", "no", "data", Reason.UNWANTED),
        ("550", "5.7.1 no", "rcpt", Reason.UNWANTED),
        ("552", "full", "rcpt", Reason.MAILBOX_FULL),
        ("552", "big", "data", Reason.TOO_LARGE),
        ("452", "full", "rcpt", Reason.MAILBOX_FULL),
        ("452", "busy", "mail", Reason.NOT_NOW),
        ("421", "", "mail", Reason.NOT_NOW),
        ("535", "", "mail", Reason.SIGN_IN),
        ("500", "what?", "mail", Reason.OTHER),
        ("550", "mentions 5.1.1 later", "data", Reason.UNWANTED),
    ],
)
def test_reasons_of_replies(code: str, text: str, stage: Stage, reason: Reason) -> None:
    assert of_reply(code, text, stage) is reason


ANSWERS = (
    ("Host or domain name not found. Name service error for name=x.example: Host not found, try again", "4.4.3", "4",
     Reason.UNREACHABLE),
    ("Name service error for name=x.example type=MX: Malformed name server reply", "4.4.3", "4", Reason.UNREACHABLE),
    ("451 4.4.0 DNS query failed. The error was: SERVFAIL", "4.4.0", "4", Reason.UNREACHABLE),
    ("Server certificate not trusted", "4.7.5", "4", Reason.INSECURE),
    ("TLSA lookup error for mx.x.example:25", "4.7.5", "4", Reason.INSECURE),
    ("550 permanent failure for one or more recipients (a@x.example:blocked)", "5.0.0", "5", Reason.UNWANTED),
    ("550 permanent failure for one or more recipients (a@x.example:550 5.1.1 User Unknown)", "5.0.0", "5",
     Reason.ADDRESS_UNKNOWN),
    ("all relevant MX records point to non-existent hosts", "", "5", Reason.ADDRESS_UNKNOWN),
    ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "", "5", Reason.UNWANTED),
    ("553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)", "", "5", Reason.UNWANTED),
    ("550 5.1.1 RCP-P1 Refused due to recipient preferences", "5.1.1", "5", Reason.UNWANTED),
    ("550 5.4.6 Unusual sending activity detected. Please try after sometime", "5.4.6", "5", Reason.NOT_NOW),
    ("554 5.3.0 internal software error", "5.3.0", "5", Reason.OTHER),
    ("550 5.1.1 Adresse du destinataire inexistante", "5.1.1", "5", Reason.ADDRESS_UNKNOWN),
    ("552 5.2.2 صندوق البريد ممتلئ", "5.2.2", "5", Reason.MAILBOX_FULL),
)  # fmt: skip


@pytest.mark.parametrize(("said", "status", "digit", "why"), ANSWERS)
def test_answers_of_more_servers(said: str, status: str, digit: str, why: Reason) -> None:
    assert refusals.reason(said, status) is why
    assert refusals.permanence(said, status, why) == ("permanent" if digit == "5" else "temporary")
