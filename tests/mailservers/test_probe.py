"""The connection test: every way of failing is told apart, and each step is ticked or crossed."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.channels import smtp_server
from tests.mailservers import dovecot, fakes
from tests.mailservers.certificates import Authority
from tests.mailservers.dovecot import Dovecot
from wasl.channels.email import probe
from wasl.channels.email.outside import Imap, Opening, Smtp
from wasl.channels.email.trouble import Fault, Step

GOOD = Opening(password=dovecot.PASSWORD)
QUICK = 5.0


def marks(found: probe.Findings) -> str:
    """A letter a step: + works, x failed, . not tried, - not asked for."""
    signs = {"ok": "+", "failed": "x", "untried": ".", "unwanted": "-"}
    return "".join(signs[each.mark] for each in found.steps)


def fault(found: probe.Findings) -> Fault | None:
    return next((each.fault for each in found.steps if each.fault), None)


@pytest.mark.parametrize("tls", ["tls", "starttls", "none"])
def test_a_mailbox_that_works(server: Dovecot, trusted: None, tls: Any) -> None:
    port = server.tls_port if tls == "tls" else server.port
    found = probe.mailbox(Imap("localhost", port, tls, "user0"), GOOD)
    assert found.works
    assert marks(found) == ("++-++" if tls == "none" else "+++++")


@pytest.mark.parametrize(
    ("change", "expected", "shown"),
    [
        ({"host": "nowhere.invalid"}, Fault.NAME_UNKNOWN, "x...."),
        ({"host": "..", "port": 1}, Fault.NAME_UNKNOWN, "x...."),
        ({"host": "169.254.169.254"}, Fault.NOT_ALLOWED, "x...."),
        ({"host": "0.0.0.0"}, Fault.NOT_ALLOWED, "x...."),
        ({"host": "::ffff:169.254.169.254"}, Fault.NOT_ALLOWED, "x...."),
        ({"port": 1}, Fault.PORT_CLOSED, "+x..."),
        ({"host": "127.0.0.1"}, Fault.TLS_OTHER_NAME, "++x.."),
        ({"tls": "tls"}, Fault.TLS_NOT_SPOKEN, "++x.."),
        ({"folder": "Nowhere"}, Fault.FOLDER_MISSING, "++++x"),
        ({"after": "move", "after_folder": "Nowhere"}, Fault.AFTER_FOLDER_MISSING, "++++x"),
    ],
)
def test_what_is_wrong_with_a_mailbox(
    server: Dovecot, trusted: None, change: dict[str, Any], expected: Fault, shown: str
) -> None:
    settings = {"host": "localhost", "port": server.port, "tls": "starttls", "user": "user0"} | change
    found = probe.mailbox(Imap(**settings), GOOD, seconds=QUICK)
    assert (fault(found), marks(found)) == (expected, shown)


def test_a_wrong_password(server: Dovecot, trusted: None) -> None:
    found = probe.mailbox(Imap("localhost", server.port, "starttls", "user0"), Opening(password="no"))
    assert (fault(found), marks(found)) == (Fault.SIGN_IN_REFUSED, "+++x.")
    assert "no" not in found.steps[3].detail.split()


def test_addresses_inside_the_network_can_be_forbidden(server: Dovecot) -> None:
    found = probe.mailbox(Imap("localhost", server.port, "none", "user0"), GOOD, private=False)
    assert (fault(found), marks(found)) == (Fault.NOT_ALLOWED, "x....")


@pytest.mark.parametrize(
    ("issued", "expected"),
    [
        ({"names": ("localhost",), "begins": -9, "ends": -1}, Fault.TLS_EXPIRED),
        ({"names": ("localhost",), "begins": 1, "ends": 9}, Fault.TLS_NOT_YET),
        ({"names": ("localhost",), "own": True}, Fault.TLS_SELF_SIGNED),
        ({"names": ("mail.elsewhere.example", "www.elsewhere.example")}, Fault.TLS_OTHER_NAME),
    ],
)
def test_certificates_that_are_not_right(
    authority: Authority, trusted: None, issued: dict[str, Any], expected: Fault
) -> None:
    pair = authority.issue(*issued.pop("names"), **issued)
    with dovecot.running(pair) as server:
        for port, tls in ((server.tls_port, "tls"), (server.port, "starttls")):
            found = probe.mailbox(Imap("localhost", port, tls, "user0"), GOOD)  # type: ignore[arg-type]
            assert (fault(found), marks(found)) == (expected, "++x..")
            assert found.certificate
            assert found.certificate.until
            if expected is Fault.TLS_OTHER_NAME:
                assert found.certificate.names == ("mail.elsewhere.example", "www.elsewhere.example")


def test_an_authority_nobody_knows(server: Dovecot) -> None:
    found = probe.mailbox(Imap("localhost", server.tls_port, "tls", "user0"), GOOD)
    assert fault(found) in (Fault.TLS_UNKNOWN_ISSUER, Fault.TLS_SELF_SIGNED)
    assert found.certificate
    assert found.certificate.issuer == "Wasl test authority"


def test_a_server_that_says_nothing() -> None:
    began = time.monotonic()
    with fakes.server(lambda line: time.sleep(20)) as port:
        for tls in ("none", "tls", "starttls"):
            found = probe.mailbox(Imap("127.0.0.1", port, tls, "x"), GOOD, seconds=0.3)  # type: ignore[arg-type]
            assert fault(found) is Fault.SILENT
        assert (
            fault(probe.sender(Smtp("127.0.0.1", port, "none"), "", "a@b.example", seconds=0.3))
            is Fault.SILENT
        )
    assert time.monotonic() - began < 19


def test_an_address_that_swallows_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    def swallow(self: socket.socket, place: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(probe.dial.socket, "socket", type("Deaf", (socket.socket,), {"connect": swallow}))
    found = probe.mailbox(Imap("127.0.0.1", 993, "none", "x"), GOOD)
    assert (fault(found), marks(found)) == (Fault.TIMED_OUT, "+x...")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["HTTP/1.1 400 Bad Request"], Fault.NOT_MAIL),
        (["220 mail.example ESMTP"], Fault.NOT_MAIL),
        (["* BYE too many connections"], Fault.BUSY),
        ([], Fault.LOST),
    ],
)
def test_what_does_not_greet_as_a_mailbox(lines: list[str], expected: Fault) -> None:
    with fakes.server(lambda line: line.say(*lines)) as port:
        found = probe.mailbox(Imap("127.0.0.1", port, "none", "x"), GOOD, seconds=QUICK)
    assert (fault(found), marks(found)) == (expected, "+x...")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", Fault.SIGN_IN_REFUSED),
        ("NO [ALERT] Your account is not enabled for IMAP use. (Failure)", Fault.IMAP_DISABLED),
        ("NO [ALERT] IMAP access is disabled for your domain.", Fault.IMAP_DISABLED),
        ("BAD User is authenticated but not connected.", Fault.IMAP_DISABLED),
        ("NO [ALERT] Application-specific password required (Failure)", Fault.APP_PASSWORD),
        ("NO [WEBALERT https://accounts.example] Web login required.", Fault.APP_PASSWORD),
        ("NO [UNAVAILABLE] Temporary authentication failure.", Fault.SIGN_IN_NOT_NOW),
        ("NO [PRIVACYREQUIRED] Use TLS.", Fault.SIGN_IN_NEEDS_TLS),
    ],
)
def test_what_providers_say_when_they_refuse(answer: str, expected: Fault) -> None:
    def talk(line: fakes.Line) -> None:
        line.say("* OK ready")
        while True:
            tag, command = line.hear()
            if not tag:
                return
            if command.upper().startswith("CAPABILITY"):
                line.say("* CAPABILITY IMAP4rev1 AUTH=PLAIN", f"{tag} OK done")
            else:
                line.say("+ ")
                line.hear()
                line.say(f"{tag} {answer}")

    with fakes.server(talk) as port:
        found = probe.mailbox(Imap("127.0.0.1", port, "none", "x"), GOOD, seconds=QUICK)
    assert (fault(found), marks(found)) == (expected, "++-x.")


@pytest.mark.parametrize(
    ("offers", "settings", "expected"),
    [
        ("IMAP4rev1 LOGINDISABLED", {}, Fault.SIGN_IN_NEEDS_TLS),
        (
            "IMAP4rev1 AUTH=PLAIN",
            {"auth": "oauth", "token_url": "http://127.0.0.1:1/"},
            Fault.TOKEN_UNREACHABLE,
        ),
        ("IMAP4rev1 AUTH=PLAIN", {"tls": "starttls"}, Fault.TLS_NOT_OFFERED),
    ],
)
def test_what_a_server_does_not_offer(offers: str, settings: dict[str, Any], expected: Fault) -> None:
    def talk(line: fakes.Line) -> None:
        line.say("* OK ready")
        while (heard := line.hear())[0]:
            line.say(f"* CAPABILITY {offers}", f"{heard[0]} OK done")

    with fakes.server(talk) as port:
        found = probe.mailbox(
            Imap(**{"host": "127.0.0.1", "port": port, "tls": "none", "user": "x"} | settings),
            GOOD,
            seconds=QUICK,
        )
    assert fault(found) is expected


# --- sending ---

ME = "support@dar-zaytun.example"


@pytest.fixture
def smtp(authority: Authority, trusted: None) -> Iterator[Callable[..., Any]]:
    """`smtp(steps, tls="starttls", …)`: a server's port."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def run(plan: smtp_server.Plan, tls: str = "starttls", **options: Any) -> int:
            context = authority.issue("localhost").server()
            if tls == "tls":
                return stack.enter_context(smtp_server.running(plan, implicit_tls=context, **options))
            if tls == "starttls":
                options["tls_context"] = context
            return stack.enter_context(smtp_server.running(plan, **options))

        yield run


@pytest.mark.parametrize("tls", ["tls", "starttls", "none"])
def test_a_server_that_sends(smtp: Callable[..., int], tls: Any) -> None:
    plan = smtp_server.Plan()
    options = {"authenticator": smtp_server.accepting("me", "right"), "auth_require_tls": False}
    port = smtp(plan, tls, **options)
    found = probe.sender(Smtp("localhost", port, tls, "me"), "right", ME)
    assert marks(found) == ("++-++" if tls == "none" else "+++++")
    assert plan.received == []
    wrong = probe.sender(Smtp("localhost", port, tls, "me"), "wrong", ME)
    assert (fault(wrong), wrong.steps[3].mark) == (Fault.SIGN_IN_REFUSED, "failed")


@pytest.mark.parametrize(
    ("steps", "settings", "expected", "shown"),
    [
        ({"mail": "550 5.7.1 not your address"}, {}, Fault.SENDER_REFUSED, "++--x"),
        ({"mail": "530 5.7.0 Authentication required"}, {}, Fault.SIGN_IN_NEEDED, "++--x"),
        ({"mail": smtp_server.DROP}, {}, Fault.LOST, "++--x"),
        ({"greeting": "421 come back later"}, {}, Fault.BUSY, "+x..."),
        ({"greeting": "* OK Dovecot ready."}, {}, Fault.NOT_MAIL, "+x..."),
        ({}, {"tls": "starttls"}, Fault.TLS_NOT_OFFERED, "++x.."),
        ({}, {"tls": "tls"}, Fault.TLS_NOT_SPOKEN, "++x.."),
        ({}, {"user": "me"}, Fault.SIGN_IN_NOT_OFFERED, "++-x."),
        ({}, {"port": 1}, Fault.PORT_CLOSED, "+x..."),
    ],
)
def test_what_is_wrong_with_a_server_that_sends(
    smtp: Callable[..., int], steps: dict[str, str], settings: dict[str, Any], expected: Fault, shown: str
) -> None:
    port = smtp(smtp_server.Plan(steps), "none")
    found = probe.sender(
        Smtp(**{"host": "localhost", "port": port, "tls": "none"} | settings), "", ME, seconds=2
    )
    assert (fault(found), marks(found)) == (expected, shown)


def test_the_certificate_of_a_server_that_sends(authority: Authority, trusted: None) -> None:
    pair = authority.issue("other.example")
    with smtp_server.running(smtp_server.Plan(), implicit_tls=pair.server()) as port:
        found = probe.sender(Smtp("localhost", port, "tls"), "", ME)
    assert (fault(found), found.certificate and found.certificate.names) == (
        Fault.TLS_OTHER_NAME,
        ("other.example",),
    )
    with smtp_server.running(smtp_server.Plan(), tls_context=pair.server()) as port:
        found = probe.sender(Smtp("localhost", port, "starttls"), "", ME)
    assert (fault(found), found.certificate and found.certificate.names) == (
        Fault.TLS_OTHER_NAME,
        ("other.example",),
    )


def test_steps_are_in_order() -> None:
    found = probe.sender(Smtp("127.0.0.1", 1, "none"), "", ME)
    assert [each.step for each in found.steps] == [
        Step.RESOLVE, Step.CONNECT, Step.TLS, Step.SIGN_IN, Step.SENDER,
    ]  # fmt: skip
