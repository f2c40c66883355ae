"""STOP, START and HELP: the whole message, in whatever spelling, and never a part of one."""

import pytest

from wasl.channels.registry import channels
from wasl.channels.sms.words import recognise


@pytest.mark.parametrize(
    ("text", "what", "language"),
    [
        ("STOP", "stop", ""),
        ("  stop. ", "stop", ""),
        ("«Stop!»", "stop", ""),
        ("STOP ALL", "stop", ""),
        ("stopall", "stop", ""),
        ("Unsubscribe", "stop", "en"),
        ("CANCEL", "stop", "en"),
        ("End", "stop", "en"),
        ("quit", "stop", "en"),
        ("OPT-OUT", "stop", "en"),
        ("Arrêt", "stop", "fr"),
        ("ARRET", "stop", "fr"),
        ("désabonner", "stop", "fr"),
        ("se desabonner", "stop", "fr"),
        ("Disiscrivimi", "stop", "it"),
        ("BASTA", "stop", "it"),
        ("إيقاف", "stop", "ar"),
        ("ايقاف", "stop", "ar"),
        ("أوقِف", "stop", "ar"),
        ("اوقف", "stop", "ar"),
        ("تـوقـف", "stop", "ar"),
        ("إلغاء الاشتراك", "stop", "ar"),
        ("الغاء  الإشتراك.", "stop", "ar"),
        ("\u200fقف\u200f", "stop", "ar"),
        ("START", "start", ""),
        ("unstop", "start", ""),
        ("Démarrer", "start", "fr"),
        ("riprendi", "start", "it"),
        ("ابدأ", "start", "ar"),
        ("ابدا", "start", "ar"),
        ("HELP", "help", "en"),
        ("help?", "help", "en"),
        ("info", "help", ""),
        ("Aide", "help", "fr"),
        ("AIUTO", "help", "it"),
        ("مساعدة", "help", "ar"),
        ("مساعده", "help", "ar"),
    ],
)
def test_a_word_is_known_in_any_spelling(text: str, what: str, language: str) -> None:
    found = recognise(text)
    assert found
    assert (found.what, found.language) == (what, language)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Please stop the delivery",
        "When does the sale end?",
        "stop it",
        "Can you help?",
        "annulla",
        "إلغاء",
        "yes",
        "oui",
        "S T O P",
        "nonstop",
        "Where is the bus stop",
        "STOP" + "!" * 80,
        "👍",
    ],
)
def test_anything_else_is_a_message(text: str) -> None:
    assert recognise(text) is None


def test_an_agent_types_a_number_with_its_country() -> None:
    for name in ("sms", "smpp"):
        typed = channels()[name].typed
        assert typed
        assert typed("+33 6 12 34 56 78") == "+33612345678"
        for wrong in ("0612345678", "camille@atelier.example", "", "38663"):
            with pytest.raises(ValueError, match="number"):
                typed(wrong)


def test_what_comes_to_the_same_telephone_is_one_medium() -> None:
    assert [name for name, each in channels().items() if each.medium == "sms"] == ["smpp", "sms"]


@pytest.mark.parametrize("name", ["sms", "smpp"])
def test_what_can_be_chosen_has_its_default_among_it(name: str) -> None:
    for each in channels()[name].fields:
        if each.options:
            assert each.default in [value for value, _ in each.options]
