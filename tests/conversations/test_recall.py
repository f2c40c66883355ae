"""How much of what people mean a search finds, in each language: pairs of a query and a message, in `recall/`.

The pairs are in the words of a shop, as is the list of forms in `stem_forms.py`; `ar-other` is of other fields, which
the list was not made for, and `ar-more` a second hundred. `-s` prints the share and what was missed.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from wasl.conversations.asking import read
from wasl.conversations.lexemes import Document, vector

HERE = Path(__file__).parent / "recall"
AT = datetime(2026, 2, 1, tzinfo=UTC)


def pairs(name: str) -> list[tuple[str, str]]:
    """(query, message) of a file."""
    lines = (HERE / f"{name}.txt").read_text("utf-8").splitlines()
    found = [line.partition("|") for line in lines if line and not line.startswith("#")]
    return [(query.strip(), message.strip()) for query, _, message in found]


def matches(owner: psycopg.Connection[Any], asked: list[tuple[str, str]], language: str) -> list[bool]:
    """Whether each query finds its message, as the index and PostgreSQL see them."""
    made = [vector(Document(UUID(int=1), AT, "in", language, "", message)) for _, message in asked]
    rows = owner.execute(
        "SELECT v::tsvector @@ q::tsquery"
        " FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS u (v, q, n) ORDER BY n",
        [made, [read(query).words for query, _ in asked]],
    )
    return [found for (found,) in rows.fetchall()]


@pytest.mark.parametrize("detected", [True, False], ids=["language known", "language unknown"])
@pytest.mark.parametrize("language", ["ar", "fr", "it", "en"])
def test_nine_of_ten_are_found(owner: psycopg.Connection[Any], language: str, detected: bool) -> None:
    asked = pairs(language)
    found = matches(owner, asked, language if detected else "")
    missed = [pair for pair, ok in zip(asked, found, strict=True) if not ok]
    print(language, f"{sum(found)} of {len(asked)}", *missed, sep="\n  ")
    assert len(asked) >= 100
    assert sum(found) / len(asked) >= 0.9, missed


@pytest.mark.parametrize("name", ["ar-other", "ar-more"])
def test_rules_alone_do_well_in_arabic(owner: psycopg.Connection[Any], name: str) -> None:
    asked = pairs(name)
    found = matches(owner, asked, "ar")
    missed = [pair for pair, ok in zip(asked, found, strict=True) if not ok]
    print(f"{name} {sum(found)} of {len(asked)}", *missed, sep="\n  ")
    assert sum(found) / len(asked) >= 0.95, missed


@pytest.mark.parametrize(
    ("query", "message", "language"),
    [
        ("organised", "we organize it", "en"),
        ("center", "the city centre", "en"),
        ("catalogue", "your catalog", "en"),
        ("women", "a woman called", "en"),
        ("dell’ordine", "a proposito dell'ordine", "it"),
        ("dell'ordine", "ho fatto l’ordine", "it"),
        ("qu'achat", "mon achat", "fr"),
        ("neuf", "une lampe neuve", "fr"),
    ],
)
def test_spellings_and_elisions(
    owner: psycopg.Connection[Any], query: str, message: str, language: str
) -> None:
    assert matches(owner, [(query, message)], language) == [True]


@pytest.mark.parametrize("language", ["ar", "fr", "it", "en"])
def test_what_only_looks_alike_is_not_found(owner: psycopg.Connection[Any], language: str) -> None:
    asked = pairs(f"{language}-not")
    found = matches(owner, asked, language)
    wrong = [pair for pair, ok in zip(asked, found, strict=True) if ok]
    print(language, f"{len(wrong)} of {len(asked)}", *wrong, sep="\n  ")
    assert len(asked) >= 25
    assert len(wrong) <= 2, wrong
