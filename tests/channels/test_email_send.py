"""Every way a conversation with a mail server can end, against a real server."""

from __future__ import annotations

import io
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.channels.smtp_server import DROP, STALL, Plan, accepting, running
from wasl.channels.base import Address, InDoubt, OutboundMessage, PermanentFailure, Reason, TemporaryFailure
from wasl.channels.email.compose import compose
from wasl.channels.email.parse import parse
from wasl.channels.email.send import SmtpConnection, _stuffed

RAW = b"From: a@shop.example\r\nSubject: hi\r\n\r\nhello\r\n.dot\r\n"
SENDER = "bounces@shop.example"
AMAL = "amal@example.net"
OMAR = "omar@example.net"


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def port(plan: Plan) -> Iterator[int]:
    with running(plan) as port:
        yield port


def connection(port: int, **options: Any) -> SmtpConnection:
    settings: dict[str, Any] = {"tls": "none", "timeout": 2, "final_timeout": 2, "local_name": "app.test"}
    return SmtpConnection("127.0.0.1", port, **settings | options)


def test_a_message_arrives_as_it_was(plan: Plan, port: int) -> None:
    with connection(port) as smtp:
        sent = smtp.send(SENDER, [AMAL], RAW)
    assert (sent.provider_ref, sent.detail, sent.refused) == ("Q1", "2.0.0 Ok: queued as Q1", ())
    [envelope] = plan.received
    assert envelope.content == RAW
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, [AMAL])


@given(
    raw=st.lists(st.sampled_from([b"\r\n", b".", b"\r\n.", b"a", b"\r\n..\r\n"])).map(b"".join),
    piece=st.integers(1, 7),
)
def test_dots_are_doubled_however_the_pieces_fall(raw: bytes, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wasl.channels.email.send.PIECE", piece)
        sent = b"".join(_stuffed(io.BytesIO(raw)))
    lines = raw.removesuffix(b"\r\n").split(b"\r\n")
    assert sent == b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)


def test_a_file_arrives_as_it_was(plan: Plan, port: int) -> None:
    raw = b"From: a@shop.example\r\n\r\n" + b".x" * 400 * 1024 + b"\r\n" + b".\r\n" * 100_000
    raw = raw.replace(b".x" * 400, b".x" * 400 + b"\r\n")
    with connection(port) as smtp, io.BytesIO(raw) as file:
        smtp.send(SENDER, [AMAL], file)
    assert plan.received[0].content == raw
    assert f"SIZE={len(raw)}" in plan.commands[0]


def test_the_null_sender_is_sent_as_such(plan: Plan, port: int) -> None:
    with connection(port) as smtp:
        smtp.send("", [AMAL], RAW)
    assert plan.received[0].mail_from == "<>"


def test_lone_line_ends_and_a_missing_last_one_are_mended(plan: Plan, port: int) -> None:
    with connection(port) as smtp:
        smtp.send(SENDER, [AMAL], b"Subject: x\n\n.one\r\n..two\rthree\n.\nfour")
    assert plan.received[0].content == b"Subject: x\r\n\r\n.one\r\n..two\r\nthree\r\n.\r\nfour\r\n"


def test_one_connection_carries_many_messages(plan: Plan, port: int) -> None:
    with connection(port) as smtp:
        refs = [smtp.send(SENDER, [AMAL], RAW).provider_ref for _ in range(3)]
    assert refs == ["Q1", "Q2", "Q3"]
    assert plan.connections == 1


@pytest.mark.parametrize(
    ("step", "reply", "reason"),
    [
        ("mail", "550 5.7.1 not from you", Reason.UNWANTED),
        ("mail", "552 5.3.4 too big", Reason.TOO_LARGE),
        ("rcpt", "550 5.1.1 no such user", Reason.ADDRESS_UNKNOWN),
        ("rcpt", "550 gone", Reason.ADDRESS_UNKNOWN),
        ("rcpt", "552 5.2.2 over quota", Reason.MAILBOX_FULL),
        ("rcpt", "554 5.7.1 blocked", Reason.UNWANTED),
        ("data", "554 5.5.1 no valid recipients", Reason.ADDRESS_UNKNOWN),
        ("rcpt", "550 5.7.1 user unknown", Reason.ADDRESS_UNKNOWN),
        ("rcpt", "550 mailbox full", Reason.MAILBOX_FULL),
        ("dot", "550 5.7.1 looks like spam", Reason.UNWANTED),
        ("dot", "552 5.3.4 message too big", Reason.TOO_LARGE),
        ("dot", "554 5.6.0 damaged", Reason.BAD_MESSAGE),
    ],
)
def test_5xx_is_permanent_at_every_step(plan: Plan, port: int, step: str, reply: str, reason: Reason) -> None:
    plan.steps[step] = reply
    with connection(port) as smtp:
        with pytest.raises(PermanentFailure) as failure:
            smtp.send(SENDER, [AMAL], RAW)
        assert (failure.value.code, failure.value.reason) == (reply[:3], reason)
        assert failure.value.detail == reply[4:]
        plan.steps.clear()
        assert smtp.send(SENDER, [OMAR], RAW).provider_ref == "Q1"
    assert plan.received[0].rcpt_tos == [OMAR]
    assert plan.connections == 1


@pytest.mark.parametrize(
    ("step", "reply", "reason"),
    [
        ("mail", "451 4.3.0 try later", Reason.NOT_NOW),
        ("rcpt", "450 4.7.1 greylisted", Reason.NOT_NOW),
        ("rcpt", "452 4.2.2 mailbox full", Reason.MAILBOX_FULL),
        ("rcpt", "451 4.4.1 no answer from host", Reason.UNREACHABLE),
        ("data", "451 busy", Reason.NOT_NOW),
        ("dot", "451 4.3.0 try later", Reason.NOT_NOW),
        ("dot", "421 4.3.2 shutting down", Reason.NOT_NOW),
        ("mail", "530 5.7.0 authentication required", Reason.SIGN_IN),
    ],
)
def test_4xx_is_temporary_at_every_step(plan: Plan, port: int, step: str, reply: str, reason: Reason) -> None:
    plan.steps[step] = reply
    with connection(port) as smtp:
        with pytest.raises(TemporaryFailure) as failure:
            smtp.send(SENDER, [AMAL], RAW)
        assert (failure.value.code, failure.value.reason) == (reply[:3], reason)
        plan.steps.clear()
        assert smtp.send(SENDER, [AMAL], RAW).provider_ref == "Q1"


@pytest.mark.parametrize("what", [DROP, STALL])
@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
def test_a_lost_line_before_the_content_is_temporary(plan: Plan, port: int, step: str, what: str) -> None:
    plan.steps[step] = what
    with connection(port, timeout=0.3) as smtp:
        with pytest.raises(TemporaryFailure) as failure:
            smtp.send(SENDER, [AMAL], RAW)
        assert failure.value.reason is Reason.UNREACHABLE
        plan.steps.clear()
        smtp.send(SENDER, [AMAL], RAW)
    assert len(plan.received) == 1


@pytest.mark.parametrize("what", [DROP, STALL])
def test_a_lost_line_inside_the_content_is_temporary(plan: Plan, port: int, what: str) -> None:
    plan.steps["content"] = what
    with connection(port, timeout=0.5) as smtp:
        with pytest.raises(TemporaryFailure):
            smtp.send(SENDER, [AMAL], RAW + b"filler\r\n" * (4 << 20))
        plan.steps.clear()
        smtp.send(SENDER, [AMAL], RAW)
    assert len(plan.received) == 1


@pytest.mark.parametrize("what", [DROP, STALL, "junk that is no reply"])
def test_a_lost_line_after_the_final_dot_is_in_doubt(plan: Plan, port: int, what: str) -> None:
    plan.steps["dot"] = what
    with connection(port, final_timeout=0.3) as smtp:
        with pytest.raises(InDoubt):
            smtp.send(SENDER, [AMAL], RAW)
        plan.steps.clear()
        smtp.send(SENDER, [OMAR], RAW)
    assert plan.received[-1].rcpt_tos == [OMAR]
    assert plan.connections == 2


def test_an_answer_may_take_longer_after_the_final_dot_than_elsewhere(plan: Plan, port: int) -> None:
    plan.steps["dot"] = STALL
    # The server of this test says 421 when it is done stalling.
    with (
        connection(port, timeout=0.3, final_timeout=20) as smtp,
        pytest.raises(TemporaryFailure, match="421 too late"),
    ):
        smtp.send(SENDER, [AMAL], RAW)


def test_a_kept_connection_gone_stale_is_replaced_once(plan: Plan, port: int) -> None:
    with connection(port) as smtp:
        smtp.send(SENDER, [AMAL], RAW)
        assert smtp._smtp is not None
        assert smtp._smtp.sock is not None
        smtp._smtp.sock.shutdown(socket.SHUT_RDWR)
        assert smtp.send(SENDER, [AMAL], RAW).provider_ref == "Q2"
    assert plan.connections == 2


def test_a_server_that_closes_idle_connections_is_asked_again(plan: Plan, port: int) -> None:
    with connection(port) as smtp:
        smtp.send(SENDER, [AMAL], RAW)
        plan.steps["mail"] = "421 4.4.2 idle too long"
        with pytest.raises(TemporaryFailure, match="421"):
            smtp.send(SENDER, [AMAL], RAW)
    # Asked twice and no more: on the kept connection and on a fresh one.
    assert len([command for command in plan.commands if command.startswith("MAIL")]) == 3
    assert plan.connections == 2


def test_a_stale_connection_is_not_retried_after_mail_was_accepted(plan: Plan, port: int) -> None:
    with connection(port) as smtp:
        smtp.send(SENDER, [AMAL], RAW)
        plan.steps["rcpt"] = DROP
        with pytest.raises(TemporaryFailure):
            smtp.send(SENDER, [AMAL], RAW)
    assert plan.connections == 1


def test_a_failed_reset_costs_the_connection_and_nothing_else(plan: Plan, port: int) -> None:
    plan.steps |= {"rcpt": "550 no", "rset": DROP}
    with connection(port) as smtp:
        with pytest.raises(PermanentFailure):
            smtp.send(SENDER, [AMAL], RAW)
        plan.steps.clear()
        smtp.send(SENDER, [AMAL], RAW)
    assert plan.connections == 2


def test_somebody_in_copy_refused_is_still_sent(plan: Plan, port: int) -> None:
    plan.steps[f"rcpt:{OMAR}"] = "550 5.1.1 no such user"
    with connection(port) as smtp:
        sent = smtp.send(SENDER, [AMAL, OMAR], RAW)
    [refusal] = sent.refused
    assert (refusal.address, refusal.permanent, refusal.code) == (OMAR, True, "550")
    assert refusal.reason is Reason.ADDRESS_UNKNOWN
    assert plan.received[0].rcpt_tos == [AMAL]


@pytest.mark.parametrize(
    ("answer", "failure"), [("550 no", PermanentFailure), ("451 later", TemporaryFailure)]
)
def test_nobody_gets_it_when_the_one_it_is_for_is_refused(
    plan: Plan, port: int, answer: str, failure: type[Exception]
) -> None:
    plan.steps[f"rcpt:{AMAL}"] = answer
    with connection(port) as smtp:
        with pytest.raises(failure):
            smtp.send(SENDER, [AMAL, OMAR], RAW)
        assert plan.received == []
        plan.steps.clear()
        smtp.send(SENDER, [AMAL], RAW)


def test_no_server_is_temporary() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        smtp = connection(free.getsockname()[1])
        with pytest.raises(TemporaryFailure) as failure:
            smtp.send(SENDER, [AMAL], RAW)
    assert failure.value.reason is Reason.UNREACHABLE


def test_a_server_that_says_nothing_is_temporary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        smtp = connection(silent.getsockname()[1], timeout=0.2)
        with pytest.raises(TemporaryFailure) as failure:
            smtp.send(SENDER, [AMAL], RAW)
    assert failure.value.reason is Reason.UNREACHABLE


@pytest.mark.parametrize("greeting", ["554 not for you", "421 too many connections"])
def test_an_unfriendly_greeting_is_temporary(plan: Plan, port: int, greeting: str) -> None:
    plan.steps["greeting"] = greeting
    with pytest.raises(TemporaryFailure) as failure:
        connection(port).send(SENDER, [AMAL], RAW)
    assert failure.value.code == greeting[:3]


def test_a_dropped_greeting_is_temporary(plan: Plan, port: int) -> None:
    plan.steps["connect"] = DROP
    with pytest.raises(TemporaryFailure):
        connection(port).send(SENDER, [AMAL], RAW)


def test_a_message_over_the_announced_size_is_not_tried(plan: Plan) -> None:
    with running(plan, data_size_limit=1000) as port, connection(port) as smtp:
        with pytest.raises(PermanentFailure) as failure:
            smtp.send(SENDER, [AMAL], RAW + b"x" * 1000)
        assert failure.value.reason is Reason.TOO_LARGE
        assert not any(command.startswith("MAIL") for command in plan.commands)
        smtp.send(SENDER, [AMAL], RAW)


@pytest.mark.parametrize(
    "bad", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "nobody", "<a@b.example>"]
)
def test_an_address_cannot_carry_a_command(port: int, bad: str) -> None:
    with connection(port) as smtp:
        with pytest.raises(ValueError, match="not a mail address"):
            smtp.send(SENDER, [bad], RAW)
        with pytest.raises(ValueError, match="not a mail address"):
            smtp.send(bad, [AMAL], RAW)


def test_no_recipient_is_a_mistake_of_ours(port: int) -> None:
    with pytest.raises(ValueError, match="no recipient"):
        connection(port).send(SENDER, [], RAW)


def test_addresses_beyond_ascii_need_a_server_that_takes_them(plan: Plan, port: int) -> None:
    with connection(port) as smtp:
        smtp.send(SENDER, ["أمل@example.net"], RAW)
        assert plan.received[0].rcpt_tos == ["أمل@example.net"]
        assert "SMTPUTF8" in plan.commands[0]
        assert smtp._smtp is not None
        del smtp._smtp.esmtp_features["smtputf8"]
        with pytest.raises(PermanentFailure) as failure:
            smtp.send(SENDER, ["أمل@example.net"], RAW)
    assert failure.value.reason is Reason.ADDRESS_UNKNOWN


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    path.write_bytes(
        built.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    )
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def test_starttls_and_a_password(plan: Plan, certificate: Path) -> None:
    options: dict[str, Any] = {"tls_context": server_context(certificate), "require_starttls": True}
    options["authenticator"] = accepting("shop", "secret")
    with running(plan, **options) as port:
        trusting = ssl.create_default_context(cafile=certificate)
        with connection(port, tls="starttls", user="shop", password="secret", context=trusting) as smtp:
            smtp.send(SENDER, [AMAL], RAW)
        with pytest.raises(TemporaryFailure) as failure:
            connection(port, tls="starttls", user="shop", password="no", context=trusting).send(
                "", [AMAL], RAW
            )
        assert (failure.value.code, failure.value.reason) == ("535", Reason.SIGN_IN)
        with pytest.raises(TemporaryFailure) as failure:
            connection(port, tls="starttls").send(SENDER, [AMAL], RAW)
        assert failure.value.reason is Reason.INSECURE  # nobody vouches for this certificate
    assert len(plan.received) == 1


def test_starttls_is_never_given_up(plan: Plan, port: int) -> None:
    with pytest.raises(TemporaryFailure) as failure:
        connection(port, tls="starttls").send(SENDER, [AMAL], RAW)
    assert failure.value.reason is Reason.INSECURE
    assert plan.commands == []


def test_tls_from_the_start(plan: Plan, certificate: Path) -> None:
    with running(plan, implicit_tls=server_context(certificate)) as port:
        trusting = ssl.create_default_context(cafile=certificate)
        with connection(port, tls="tls", context=trusting) as smtp:
            assert smtp.send(SENDER, [AMAL], RAW).provider_ref == "Q1"
        with pytest.raises(TemporaryFailure) as failure:
            connection(port, tls="tls").send(SENDER, [AMAL], RAW)
        assert failure.value.reason is Reason.INSECURE


def test_what_was_composed_is_sent(plan: Plan, port: int) -> None:
    message = OutboundMessage(
        message_id="m1@shop.example",
        date=datetime(2025, 11, 3, 10, tzinfo=UTC),
        from_=Address("متجر", "help@shop.example"),
        to=(Address("", AMAL), Address("", OMAR)),
        cc=(Address("Amal", AMAL),),
        envelope_from=SENDER,
        subject="مرحبا",
        text="أهلا بك",
        language="ar",
    )
    with connection(port) as smtp:
        assert smtp.send(SENDER, [AMAL, OMAR], compose(message)).provider_ref == "Q1"
    [envelope] = plan.received
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, [AMAL, OMAR])
    assert isinstance(envelope.content, bytes)
    assert parse(envelope.content).text == "أهلا بك"
