"""Tokens of the host site: what they prove, and what proves nothing."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wasl.widget.tokens import Account, BadToken, is_email, make, read

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "k"


def token(claims: Any, head: Any = None, secret: str = SECRET) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    said = f"{part(head or {'alg': 'HS256'})}.{part(claims)}"
    signed = hmac.digest(secret.encode(), said.encode(), hashlib.sha256)
    return f"{said}.{base64.urlsafe_b64encode(signed).rstrip(b'=').decode()}"


def claims(**more: Any) -> dict[str, Any]:
    return {"sub": "7", "exp": AT.timestamp() + 60} | more


def test_the_example_of_the_standard_reads_as_it_says() -> None:
    """RFC 7515, appendix A.1: its key is no text, so its signature is made anew over its own bytes."""
    said = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    signed = base64.urlsafe_b64encode(hmac.digest(b"k", said.encode(), hashlib.sha256)).rstrip(b"=").decode()
    with pytest.raises(BadToken, match="subject"):
        read(f"{said}.{signed}", "k", datetime(2011, 3, 22, tzinfo=UTC))
    with pytest.raises(BadToken, match="expired"):
        read(f"{said}.{signed}", "k", datetime(2011, 3, 23, tzinfo=UTC))


def test_what_is_made_is_read() -> None:
    account = Account("10045", "sara@home.example", "سارة بن علي")
    assert read(make(account, SECRET, AT + timedelta(minutes=1)), SECRET, AT) == account
    assert read(token(claims(sub=7, name="a\u2028b\u202e\ud800", email="none")), SECRET, AT) == Account(
        "7", "", "a b"
    )


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (token(claims(exp=AT.timestamp() - 31)), "expired"),
        (token({"sub": "7"}), "expired"),
        (token(claims(exp=True)), "expired"),
        (token(claims(exp="2099")), "expired"),
        (token(claims(nbf=AT.timestamp() + 60)), "early"),
        (token(claims(exp=float("nan"))), "expired"),
        (token(claims(sub="")), "subject"),
        (token(claims(sub="7\x00")), "subject"),
        (token(claims(sub="\ud800")), "subject"),
        (token(claims(sub=["7"])), "subject"),
        (token(claims(), secret="other"), "signature"),
        (token(claims(), {"alg": "none"}), "algorithm"),
        (token(claims(), {"alg": "RS256"}), "algorithm"),
        (token([1]), "malformed"),
        (token(claims())[:-1] + "!", "malformed"),
        ("a.b", "malformed"),
        ("..", "malformed"),
        ("x" * 5000, "malformed"),
    ],
)
def test_what_proves_nothing(made: str, reason: str) -> None:
    with pytest.raises(BadToken, match=reason):
        read(made, SECRET, AT)


def test_without_a_secret_nobody_is_proved() -> None:
    with pytest.raises(BadToken):
        read(token(claims(), secret=""), "", AT)


@pytest.mark.parametrize("good", ["a@b.example", "amina+x@شركة.example"])
def test_addresses(good: str) -> None:
    assert is_email(good)
    assert not is_email(good.replace("@", " "))
    assert not is_email(f"<{good}>")
    assert not is_email(f"{good}@x.example")
    assert not is_email(f"\x00{good}")
