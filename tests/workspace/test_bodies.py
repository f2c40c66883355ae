"""Bodies: folding hides and never deletes; markup stays whole."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasl.channels.email.html import sanitise
from wasl.workspace import bodies

WHOLE = "Bonjour\n\nOui, merci.\n\nLe lun. 2 févr., Leïla a écrit :\n> Puis-je ?\n> Leïla"


def test_a_quotation_at_the_end_is_folded_with_its_introduction() -> None:
    assert bodies.split_quoted(WHOLE) == (
        "Bonjour\n\nOui, merci.",
        "Le lun. 2 févr., Leïla a écrit :\nPuis-je ?\nLeïla",
    )


def test_an_introduction_may_take_two_lines() -> None:
    shown, quoted = bodies.split_quoted(
        "Yes\n\nOn Monday 2 February at 10:00\nLeïla Haddad <l@x.example> wrote:\n> Q"
    )
    assert shown == "Yes"
    assert quoted.startswith("On Monday")


@pytest.mark.parametrize(
    "text",
    [
        "No quotation",
        "> only a quotation",
        "> question\nanswer between\n> question\nanswer at the end",
        "",
        "5 > 3\nlast line",
    ],
)
def test_nothing_is_folded_when_it_would_hide_the_answer(text: str) -> None:
    assert bodies.split_quoted(text) == (text, "")


@given(st.text(alphabet="ab> \n:é", max_size=80))
def test_no_letter_is_lost_by_folding(text: str) -> None:
    shown, quoted = bodies.split_quoted(text)
    for letter in "abé:":
        assert (shown + quoted).count(letter) == text.count(letter)


def test_text_becomes_paragraphs_and_links() -> None:
    body = bodies.of_text("مرحبا\n\nSee https://shop.example/a?b=1&c=2 <script>")
    assert body.shown.count('<p dir="auto">') == 2
    assert 'href="https://shop.example/a?b=1&amp;c=2"' in body.shown
    assert 'rel="noopener noreferrer nofollow"' in body.shown
    assert "<script>" not in body.shown


HTML = (
    "<div><p>Answer</p><div>On Monday, Leïla wrote:</div>"
    "<blockquote><p>Q</p><blockquote>older</blockquote></blockquote></div>"
)


def test_a_quotation_in_html_is_folded_whole() -> None:
    folded = bodies.fold(HTML)
    assert folded.startswith('<div><p>Answer</p><details class="quoted">')
    assert folded.index("<details") < folded.index("On Monday") < folded.index("</details>")
    assert folded.endswith("</blockquote></details></div>")


@pytest.mark.parametrize(
    "html",
    [
        "<p>none</p>",
        "<blockquote>all there is</blockquote>",
        "<p>a</p><blockquote>q</blockquote><p>an answer below</p>",
        "<p>a</p></blockquote>",
        "<p>a</p><blockquote>never closed",
    ],
)
def test_html_without_a_trailing_quotation_stays_as_it_is(html: str) -> None:
    assert bodies.fold(html) == html


def _balanced(html: str) -> bool:
    open_: list[str] = []
    for closing, tag in re.findall(r"<(/?)([a-z0-9]+)", html):
        if tag in ("br", "img", "hr", "wbr", "col"):
            continue
        if not closing:
            open_.append(tag)
        elif not open_ or open_.pop() != tag:
            return False
    return not open_


@given(
    st.lists(
        st.sampled_from(["<div>", "</div>", "<blockquote>", "</blockquote>", "<p>", "text", " ", "wrote:"])
    )
)
def test_folding_keeps_markup_balanced(pieces: list[str]) -> None:
    clean = sanitise("".join(pieces)).html
    assert _balanced(clean)
    assert _balanced(bodies.fold(clean))


def test_pictures_load_only_from_where_they_may() -> None:
    html = sanitise('<img src="cid:a@1"><img src="https://x.example/p.gif"><img src="cid:gone@1">').html
    shown = bodies.of_html(html, {"a@1": "/files/1?show=1"})
    assert re.findall(r' src="([^"]*)"', shown) == ["/files/1?show=1"]
    assert re.findall(r' src="([^"]*)"', bodies.of_html(html, {"a@1": "/files/1"}, pictures=True)) == [
        "/files/1",
        "https://x.example/p.gif",
    ]


def test_a_very_long_body_is_cut_outside_of_a_tag() -> None:
    html = "<p>" + "x" * 300 + "</p>"
    shown = str(bodies.of_html(html * 1000, {}))
    assert len(shown) <= bodies.SHOWN_LIMIT
    assert shown.endswith(">")
