"""The laws of the interface's texts: four complete catalogues, each written as its language is written."""

import gettext
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import allauth
import django
import pytest
from babel.messages.catalog import Catalog, Message
from django.conf import settings
from django.utils.translation.trans_real import DjangoTranslation

from scripts import catalogues, texts
from wasl.kit.languages import CODES

FORMS = {"ar": 6, "fr": 2, "it": 2, "en": 2}
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[a-z]|\{\w+\}")
NAMED = re.compile(r"%\(\w+\)[a-z]|\{\w+\}")
# Keys of the keyboard, example addresses and the names of protocols and firms stand in Latin letters in every language,
# and so does what is isolated.
LATIN = re.compile(
    r"[\u2066\u2068][^\u2069]*\u2069|IMAP|SMTP|STARTTLS|TLS|API|OAuth|Google|Microsoft|https|"
    r"Ctrl\+(?:Enter|[A-Z])|Enter|Shift|Esc|CSV|\([A-Z]\)|(?<![A-Za-z])[JK](?![A-Za-z])|[a-z.@]*\.(?:example|com)\b|(?<=\s)\?"
)
NARROW, HARD = "\u202f", "\u00a0"


@pytest.fixture(scope="module")
def template() -> Catalog:
    """Every text of the sources as they are now."""
    return texts.extract()


@pytest.fixture(scope="module", params=CODES)
def language(request: pytest.FixtureRequest) -> str:
    """Each of the four."""
    return str(request.param)


@pytest.fixture(scope="module")
def catalogue(language: str) -> Catalog:
    """Its catalogue."""
    return texts.read(language)


def messages(catalogue: Catalog) -> Iterator[Message]:
    """Without the header."""
    return (message for message in catalogue if message.id)


def forms(value: Any) -> tuple[str, ...]:
    """One text, or one for each number."""
    return tuple(value) if isinstance(value, list | tuple) else (value or "",)


def keys(catalogue: Catalog) -> list[tuple[str | None, tuple[str, ...]]]:
    """What a text is found by, in order."""
    return [(message.context, forms(message.id)) for message in messages(catalogue)]


def broken(catalogue: Catalog, *patterns: str) -> list[str]:
    """The texts in which one of the patterns is found."""
    every = [text for message in messages(catalogue) for text in forms(message.string)]
    return [text for text in every if any(re.search(pattern, text) for pattern in patterns)]


def test_the_catalogue_holds_the_texts_of_the_sources(template: Catalog, catalogue: Catalog) -> None:
    assert keys(catalogue) == keys(template), "run `make texts`"
    assert not catalogue.obsolete


def test_make_texts_would_change_nothing(template: Catalog, language: str) -> None:
    assert texts.path(language).read_text("utf-8") == texts.render(language, template), "run `make texts`"


def test_everything_is_translated_for_every_number(catalogue: Catalog, language: str) -> None:
    unsure = [message.id for message in messages(catalogue) if message.fuzzy]
    empty = [message.id for message in messages(catalogue) if not all(forms(message.string))]
    wrong = [m.id for m in messages(catalogue) if m.pluralizable and len(forms(m.string)) != FORMS[language]]
    assert (unsure, empty, wrong) == ([], [], [])
    assert catalogue.num_plurals == FORMS[language]


def test_what_is_filled_in_stays(catalogue: Catalog) -> None:
    odd = []
    for message in messages(catalogue):
        wanted = sorted(PLACEHOLDER.findall(forms(message.id)[-1]))
        borrowed = message.locations[0][0] == "scripts/borrowed.py"
        for text in forms(message.string):
            found = sorted(PLACEHOLDER.findall(text))
            # A form for one number alone may say it in words, and we may say less than Django does.
            free = (message.pluralizable and text != forms(message.string)[-1]) or borrowed
            fewer = free and set(found) < set(wanted) and all(NAMED.fullmatch(each) for each in wanted)
            if found != wanted and not fewer:
                odd.append((message.id, text))
    assert odd == []


def test_no_straight_quotes_no_stray_spaces(catalogue: Catalog) -> None:
    assert broken(catalogue, r"['\"`]", r"\.\.\.", r"^\s|\s$", r"  ", r"\n") == []


def test_every_text_is_composed(catalogue: Catalog) -> None:
    every = [text for message in messages(catalogue) for text in forms(message.string)]
    assert [text for text in every if unicodedata.normalize("NFC", text) != text] == []


def test_arabic_is_arabic() -> None:
    every = [
        (t, LATIN.sub("", PLACEHOLDER.sub("", t)))
        for m in messages(texts.read("ar"))
        for t in forms(m.string)
    ]
    assert [text for text, rest in every if re.search(r"[A-Za-z]", rest)] == []
    assert [text for text, rest in every if re.search(r"[,;?]", re.sub(r"\d,\d", "", rest))] == []
    # Passives carry their damma and doubled letters their shadda; nothing is vowelled in full.
    assert broken(texts.read("ar"), "[\u0650\u0652]", "\u0640", "[٠-٩]", "[“”]") == []


def test_french_is_spaced_as_french() -> None:
    french = texts.read("fr")
    assert broken(french, rf"(?<!{NARROW})[?!;]", rf"(?<![{HARD}\d]):(?!//)") == []
    assert broken(french, rf"«(?!{HARD})", rf"(?<!{HARD})»", r"[“”]", r"\w’\s") == []


def test_italian_is_written_as_italian() -> None:
    italian = texts.read("it")
    assert broken(italian, r"\s[!;:]|(?<!,)\s\?", r"«\s", r"\s»", r"[“”]") == []
    assert broken(italian, r"\b(?:perche|piu|cosi|gia|puo|e’)\b", r"\bE’ ") == []


def test_words_that_do_not_stand_in_the_interface() -> None:
    """The glossary's last line, in each language."""
    unwanted = {
        "ar": r"تذكرة|مستخدم|يوزر|إيميل",
        "fr": r"(?i)\b(?:tickets?|utilisateurs?|fil|oups)\b",
        "it": r"(?i)\b(?:ticket|utent[ei]|thread|ops)\b",
        "en": r"(?i)\b(?:tickets?|users?|thread|oops|cases?)\b",
    }
    found = {code: broken(texts.read(code), words) for code, words in unwanted.items()}
    assert not any(found.values()), found


def test_the_program_speaks_these_words(language: str, catalogue: Catalog) -> None:
    """Through Django, where catalogues of others could hide ours."""
    compiled = texts.path(language).with_suffix(".mo")
    catalogues.main()
    assert compiled.stat().st_mtime >= texts.path(language).stat().st_mtime
    assert [Path(place) for place in settings.LOCALE_PATHS] == [texts.LOCALE]
    gettext._translations.clear()  # type: ignore[attr-defined]
    spoken = DjangoTranslation(language)
    hidden = []
    for message in messages(catalogue):
        ids = forms(message.id)
        if message.pluralizable:
            said = spoken.ngettext(ids[0], ids[1], 5)
            known = forms(message.string)
        else:
            said = spoken.pgettext(message.context, ids[0]) if message.context else spoken.gettext(ids[0])
            known = forms(message.string)
        if said not in known:
            hidden.append((ids, said))
    assert hidden == []


def test_borrowed_texts_are_still_those_of_django_and_allauth(template: Catalog) -> None:
    theirs: set[str] = set()
    for module, places in ((django, ("conf", "contrib/auth")), (allauth, (".",))):
        for place in places:
            found = Path(module.__path__[0], place, "locale", "fr", "LC_MESSAGES", "django.po")
            theirs |= {forms(message.id)[0] for message in messages(_read(found))}
    ours = [m for m in messages(template) if m.locations[0][0] == "scripts/borrowed.py"]
    assert ours
    assert [m.id for m in ours if forms(m.id)[0] not in theirs] == []


def _read(path: Path) -> Catalog:
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        return read_po(file, locale="fr")
