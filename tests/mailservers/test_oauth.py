"""XOAUTH2: tokens from a token endpoint, checked by a real Dovecot against an introspection endpoint."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.mailservers import dovecot
from tests.mailservers.boxes import Box
from tests.mailservers.certificates import Authority
from tests.mailservers.dovecot import Dovecot, mail
from tests.worlds import Shop
from wasl.channels.email import oauth, probe
from wasl.channels.email.outside import Imap, Opening
from wasl.channels.email.trouble import Fault, Trouble
from wasl.channels.models import Inbox
from wasl.channels.secret import MAILBOX, unseal
from wasl.kit.db import tenant


@dataclass
class Provider:
    """Issues access tokens for refresh tokens, and knows which are good (RFC 6749 §6, RFC 7662)."""

    port: int = 0
    user: str = "user0"
    refresh: str = "refresh-0"
    good: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    answer: tuple[int, dict[str, Any]] | None = None
    rotates: bool = False

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.asked.append(form)
        if self.answer:
            return self.answer
        if form.get("refresh_token") != self.refresh:
            return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        access = f"access-{len(self.asked)}"
        self.good.add(access)
        given: dict[str, Any] = {"access_token": access, "expires_in": 3600, "token_type": "Bearer"}
        if self.rotates:
            self.refresh = f"refresh-{len(self.asked)}"
            given["refresh_token"] = self.refresh
        return 200, given

    def introspect(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form.get("token") not in self.good:
            return 200, {"active": False}
        return 200, {"active": True, "username": self.user}


@contextmanager
def serving(provider: Provider) -> Iterator[Provider]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, said = (provider.token if self.path == "/token" else provider.introspect)(form)
            raw = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield provider
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def issuer() -> Iterator[Provider]:
    with serving(Provider()) as provider:
        yield provider


@pytest.fixture(scope="module")
def oauth_server(authority: Authority, issuer: Provider) -> Iterator[Dovecot]:
    address = f"http://127.0.0.1:{issuer.port}/introspect"
    with dovecot.running(authority.issue("localhost"), introspection=address) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(issuer: Provider) -> None:
    oauth._kept.clear()
    issuer.refresh, issuer.answer, issuer.rotates = "refresh-0", None, False
    issuer.asked.clear()
    issuer.good.clear()


OPENING = Opening(client_secret="client-secret", refresh_token="refresh-0")


def _mailbox(server: Dovecot, issuer: Provider, **more: Any) -> Imap:
    settings = {
        "host": "localhost", "port": server.port, "tls": "starttls", "user": "user0", "auth": "oauth",
        "client_id": "wasl", "token_url": f"http://127.0.0.1:{issuer.port}/token", "scope": "mail",
    }  # fmt: skip
    return Imap(**settings | more)


def test_dovecot_lets_a_token_in(oauth_server: Dovecot, issuer: Provider, trusted: None) -> None:
    assert probe.mailbox(_mailbox(oauth_server, issuer), OPENING).works
    assert issuer.asked == [
        {
            "grant_type": "refresh_token", "client_id": "wasl", "client_secret": "client-secret",
            "refresh_token": "refresh-0", "scope": "mail",
        }
    ]  # fmt: skip
    assert probe.mailbox(_mailbox(oauth_server, issuer), OPENING).works
    assert len(issuer.asked) == 1, "a good token is kept"


def test_a_token_that_was_withdrawn_is_replaced(
    oauth_server: Dovecot, issuer: Provider, trusted: None
) -> None:
    assert probe.mailbox(_mailbox(oauth_server, issuer), OPENING).works
    issuer.good.clear()
    assert probe.mailbox(_mailbox(oauth_server, issuer), OPENING).works
    assert len(issuer.asked) == 2


def test_a_token_that_is_never_good_is_not_asked_for_again_and_again(
    oauth_server: Dovecot, issuer: Provider, trusted: None
) -> None:
    issuer.answer = 200, {"access_token": "not-good", "expires_in": 3600}
    found = probe.mailbox(_mailbox(oauth_server, issuer), OPENING)
    assert found.steps[3].fault is Fault.SIGN_IN_REFUSED
    assert len(issuer.asked) == 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((400, {"error": "invalid_grant", "error_description": "revoked"}), Fault.TOKEN_REFUSED),
        ((401, {"error": "invalid_client"}), Fault.TOKEN_CLIENT),
        ((400, {"error": "unauthorized_client"}), Fault.TOKEN_CLIENT),
        ((503, {"error": "temporarily_unavailable"}), Fault.TOKEN_UNREACHABLE),
        ((429, {}), Fault.TOKEN_UNREACHABLE),
        ((200, {"access_token": 7}), Fault.TOKEN_UNREACHABLE),
    ],
)
def test_what_the_token_endpoint_answers(
    oauth_server: Dovecot, issuer: Provider, answer: tuple[int, dict[str, Any]], expected: Fault
) -> None:
    issuer.answer = answer
    with pytest.raises(Trouble) as caught:
        oauth.token(_mailbox(oauth_server, issuer), OPENING)
    assert caught.value.fault is expected


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/token",
        "http://nowhere.invalid/token",
        "http://169.254.169.254/token",
        "ftp://x/",
        "",
    ],
)
def test_a_token_endpoint_that_cannot_be_asked(oauth_server: Dovecot, issuer: Provider, url: str) -> None:
    with pytest.raises(Trouble) as caught:
        oauth.token(_mailbox(oauth_server, issuer, token_url=url), OPENING)
    assert caught.value.fault is Fault.TOKEN_UNREACHABLE


def test_secrets_go_over_tls_or_nowhere(
    oauth_server: Dovecot, issuer: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = [oauth.dial.Address(2, ("192.0.2.1", 80))]
    monkeypatch.setattr(oauth.dial, "resolve", lambda *_, **__: outside)
    with pytest.raises(Trouble, match="https is needed"):
        oauth.token(_mailbox(oauth_server, issuer), OPENING)


def test_a_token_endpoint_inside_the_network_can_be_forbidden(
    oauth_server: Dovecot, issuer: Provider
) -> None:
    with pytest.raises(Trouble, match="not_allowed"):
        oauth.token(_mailbox(oauth_server, issuer), OPENING, private=False)
    assert issuer.asked == []


def test_a_token_that_has_run_out_is_replaced(
    oauth_server: Dovecot, issuer: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = oauth.token(_mailbox(oauth_server, issuer), OPENING)
    later = time.monotonic() + 3600
    monkeypatch.setattr(oauth.time, "monotonic", lambda: later)
    assert oauth.token(_mailbox(oauth_server, issuer), OPENING).access != first.access


def test_fetching_keeps_a_renewed_refresh_token(
    shop: Shop, oauth_server: Dovecot, issuer: Provider, trusted: None
) -> None:
    issuer.rotates = True
    box = Box.create(shop, oauth_server, "user0", auth="oauth", client_id="wasl", scope="mail")
    box.settle(token_url=f"http://127.0.0.1:{issuer.port}/token")
    box.secret(OPENING)
    oauth_server.drop("user0", mail(1))
    row = box.visit()
    assert (row.problem, row.fetched) == ("", 1)
    assert _opening(shop) == Opening(client_secret="client-secret", refresh_token="refresh-1")
    oauth._kept.clear()
    assert box.visit().problem == ""
    assert _opening(shop).refresh_token == "refresh-2"
    issuer.refresh = "withdrawn"
    oauth._kept.clear()
    assert box.visit().problem == "token_refused"


def _opening(shop: Shop) -> Opening:
    with tenant(shop.id):
        sealed = Inbox.objects.get(id=shop.mail.id).incoming_secret
    assert sealed is not None
    return Opening.unpack(unseal(shop.id, shop.mail.id, bytes(sealed), MAILBOX))


def test_secrets_are_not_in_what_is_printed() -> None:
    assert "client-secret" not in repr(OPENING)
    assert "refresh-0" not in repr(OPENING)
    assert "sesame" not in repr(oauth.Token("sesame", 0.0))
