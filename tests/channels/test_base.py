from collections.abc import Callable

import pytest

from wasl.channels.base import Address, Failure, InDoubt, PermanentFailure, Reason, TemporaryFailure


def test_the_domain_is_lowered_and_the_local_part_is_kept() -> None:
    assert Address("", " Amal.K@Example.ORG. ").address == "Amal.K@example.org"


def test_an_international_domain_becomes_a_labels() -> None:
    assert Address("", "info@مثال.إختبار").address == "info@xn--mgbh0fb.xn--kgbechtv"
    assert Address("", "info@BÜCHER.example").address == "info@xn--bcher-kva.example"


def test_a_domain_idna_refuses_is_kept_in_lower_case() -> None:
    long = "é" * 80
    assert Address("", f"a@{long.upper()}").address == f"a@{long}"


def test_what_is_no_mail_address_is_kept() -> None:
    assert Address("", "+96170123456").address == "+96170123456"


def test_identity_key_ignores_case() -> None:
    assert Address("A", "Amal@Example.org").identity_key == Address("B", "amal@example.ORG").identity_key
    assert Address("", "É@a.example").identity_key == Address("", "e\u0301@a.example").identity_key


def test_failures_say_the_code_and_carry_a_reason_for_people() -> None:
    gone = PermanentFailure("550", "5.1.1 no such user", Reason.ADDRESS_UNKNOWN)
    assert str(gone) == "550 5.1.1 no such user"
    later = TemporaryFailure("421", "busy", retry_after=30)
    assert (later.retry_after, later.reason) == (30, Reason.NOT_NOW)


@pytest.mark.parametrize("made", [PermanentFailure, TemporaryFailure, lambda _, detail: InDoubt(detail)])
def test_what_a_provider_says_in_refusing_can_be_stored(made: Callable[..., Failure | InDoubt]) -> None:
    error = made("13\0", "no \0\ud83d")
    assert error.detail == "no ?"
    assert str(error) in ("13 no ?", "no ?")
