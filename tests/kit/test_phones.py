"""Telephone numbers, as people and providers write them."""

import subprocess
import sys

import pytest

from wasl.kit.phones import e164


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("+393331234567", "", "+393331234567"),
        ("+39 333 123-4567", "", "+393331234567"),
        ("0039 333 1234567", "IT", "+393331234567"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06.12.34.56.78", "fr", "+33612345678"),
        ("02 12345678", "IT", "+390212345678"),  # Italy keeps the nought
        ("+44 (0)20 7946 0958", "", "+442079460958"),  # Britain does not
        ("٠٥٠ ١٢٣ ٤٥٦٧", "SA", "+966501234567"),
        ("+٩٦٦٥٠١٢٣٤٥٦٧", "", "+966501234567"),
        ("\u200e+966 50 123 4567\u200f", "", "+966501234567"),
        ("\u202a+33 6\u00a012\u00a034\u00a056\u00a078\u202c", "", "+33612345678"),
        ("tel:+1-415-555-0132", "", "+14155550132"),
        ("WhatsApp:+14155550132", "", "+14155550132"),
        ("(415) 555-0132", "US", "+14155550132"),
        ("+33612345678", "IT", "+33612345678"),
    ],
)  # fmt: skip
def test_one_spelling(written: str, region: str, number: str) -> None:
    assert e164(written, region) == number
    assert e164(number) == number


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("", "FR"),
        ("0612345678", ""),  # whose?
        ("0612345678", "XX"),
        ("12345", "US"),  # a short code
        ("38663", "FR"),
        ("WASL", "FR"),
        ("1-800-FLOWERS", "US"),
        ("+33612345678 ext 4", ""),
        ("+1234567890123456789", ""),
        ("+999123456789", ""),
        ("call +33612345678", ""),
        ("+", ""),
        ("+33612345678, +33612345679", ""),
        ("9" * 5000, "FR"),
    ],
)
def test_what_is_no_number(written: str, region: str) -> None:
    assert e164(written, region) == ""


def test_plans_are_loaded_when_a_number_comes_and_not_before() -> None:
    look = "import sys, wasl.kit.phones as p; assert 'phonenumbers' not in sys.modules; p.e164('hello'); "
    look += "assert 'phonenumbers' not in sys.modules; p.e164('+33612345678'); assert 'phonenumbers' in sys.modules"
    subprocess.run([sys.executable, "-c", look], check=True, timeout=60)
