"""Bodies: folding hides and never deletes; markup stays whole."""

import re
from html.parser import HTMLParser

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from wasl.channels.email.html import sanitise
from wasl.workspace import bodies

FOLD = re.compile(
    r'<details class="quoted"><summary[^>]*>(.*?)</summary><div class="unfolded">(.*?)</div></details>',
    re.DOTALL,
)


def folds(body: str) -> list[tuple[str, str]]:
    """What each button says and hides."""
    return [(_words(summary), _words(hidden)) for summary, hidden in FOLD.findall(str(body))]


def _words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).replace("•••", "").split())


def shown(body: str) -> str:
    return _words(FOLD.sub("", str(body)))


def test_history_is_folded_with_its_introduction() -> None:
    body = bodies.of_text(
        "Bonjour\n\nOui, merci.\n\nLe lun. 2 févr. à 10:02, Leïla a écrit :\n> Puis-je ?\n> Leïla"
    )
    assert shown(body) == "Bonjour Oui, merci."
    assert folds(body) == [("Show quoted text", "Le lun. 2 févr. à 10:02, Leïla a écrit : Puis-je ? Leïla")]


def test_a_signature_and_history_have_a_button_each() -> None:
    text = "Yes\n\n-- \nAmal\n+39 02\n\nOn 2 Feb 2026 at 10:00, L <l@x.example> wrote:\n> Q"
    assert [button for button, _ in folds(bodies.of_text(text))] == ["Show signature", "Show quoted text"]


def test_a_forwarded_message_says_so() -> None:
    text = "See below\n\n---------- Forwarded message ---------\nFrom: A <a@b.example>\nSubject: x\nTo: b\n\nHello"
    ((button, hidden),) = folds(bodies.of_text(text))
    assert button == "Forwarded message"
    assert hidden.endswith("Hello")


@pytest.mark.parametrize(
    "text",
    [
        "No quotation",
        "> only a quotation",
        "> question\nanswer between\n> question\nanswer at the end",
        "On 2 Feb 2026 at 10:00, L <l@x.example> wrote:\n> nothing was written",
        "",
        "5 > 3\nlast line",
    ],
)
def test_nothing_is_folded_when_it_would_hide_the_answer(text: str) -> None:
    assert folds(bodies.of_text(text)) == []


def test_what_agents_write_is_never_folded() -> None:
    assert "<details" not in bodies.of_text("Yes\n\n-- \nLeïla", folds=False)


def test_quotations_are_drawn_as_such() -> None:
    assert bodies.of_text("> المقاس؟\nx").startswith('<blockquote dir="rtl">')
    body = bodies.of_text("> Size?\n>> Hello\n42")
    assert (
        body
        == '<blockquote dir="ltr"><p dir="auto">Size?</p></blockquote>\n<blockquote dir="ltr"><blockquote dir="ltr">'
        + ('<p dir="auto">Hello</p></blockquote></blockquote>\n<p dir="auto">42</p>')
    )


@given(st.text(alphabet="ab> \n:é", max_size=80))
def test_no_letter_is_lost_by_folding(text: str) -> None:
    body = str(bodies.of_text(text)).replace("Show quoted text", "").replace("Show signature", "")
    words = re.sub(r"<[^>]*>", "", body)
    for letter in "abé:":
        assert words.count(letter) == text.count(letter)


def test_text_becomes_paragraphs_and_links() -> None:
    body = bodies.of_text("مرحبا\n\nSee https://shop.example/a?b=1&c=2 <script>")
    assert body.count('<p dir="auto">') == 2
    assert 'href="https://shop.example/a?b=1&amp;c=2"' in body
    assert 'rel="noopener noreferrer nofollow"' in body
    assert "<script>" not in body


HTML = (
    "<div><p>Answer</p><div>On Monday 2 February at 10:00, Leïla wrote:</div>"
    "<blockquote><p>Q</p><blockquote>older</blockquote></blockquote></div>"
)


def test_a_quotation_in_html_is_folded_whole() -> None:
    body = bodies.of_html(sanitise(HTML).html, {})
    assert shown(body) == "Answer"
    assert folds(body) == [("Show quoted text", "On Monday 2 February at 10:00, Leïla wrote: Q older")]


@pytest.mark.parametrize(
    "html",
    [
        "<p>none</p>",
        "<blockquote>all there is</blockquote>",
        "<p>a</p><blockquote>an indented paragraph</blockquote>",
        '<p>a</p><blockquote type="cite">q</blockquote><p>an answer below</p>',
    ],
)
def test_html_without_history_at_its_end_stays_as_it_is(html: str) -> None:
    assert bodies.of_html(html, {}) == html


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


def test_where_to_fold_is_remembered_and_by_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = sanitise(HTML).html
    first = bodies.of_html(clean, {})
    monkeypatch.setattr(bodies.markup, "cuts", lambda _html: ())
    assert bodies.of_html("".join([clean, ""]), {}) == first
    assert bodies.of_html(clean.replace("Answer", "Another"), {}) == clean.replace("Answer", "Another")


PIECES = [
    *(
        "<div>",
        "</div>",
        "<blockquote>",
        '<blockquote type="cite">',
        "</blockquote>",
        "<p>",
        "text",
        " ",
        "<br>",
    ),
    *(
        "On 2 May at 10:00, A wrote:",
        '<div class="gmail_quote">',
        '<div id="divRplyFwdMsg">',
        "<table><tr><td>",
    ),
    *("</td></tr></table>", "-- ", "<ul><li>", "</ul>", "From: a@b.example", "Subject: x", "Date: y", "<b>"),
    "<pre>a\nb</pre>",
]


@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_folding_keeps_markup_balanced_and_whole(pieces: list[str]) -> None:
    clean = sanitise("".join(pieces)).html
    assert _balanced(clean)
    body = str(bodies.of_html(clean, {}))
    assert _balanced(body)
    seen = body.replace("Show quoted text", "").replace("Show signature", "").replace("Forwarded message", "")
    assert _words(seen).replace(" ", "") == _words(clean).replace(" ", "")


def test_names_stand_out_outside_of_tags() -> None:
    body = bodies.marked(bodies.of_text("@Leïla <b> https://x.example/@leïla"), ["@Leïla"])
    assert '<p dir="auto"><bdi class="mention">@Leïla</bdi> &lt;b&gt;' in body
    assert 'href="https://x.example/@leïla"' in body


def test_pictures_load_only_from_where_they_may() -> None:
    html = sanitise('<img src="cid:a@1"><img src="https://x.example/p.gif"><img src="cid:gone@1">').html
    shown = bodies.of_html(html, {"a@1": "/files/1?show=1"})
    assert re.findall(r' src="([^"]*)"', shown) == ["/files/1?show=1"]
    assert re.findall(r' src="([^"]*)"', bodies.of_html(html, {"a@1": "/files/1"}, pictures=True)) == [
        "/files/1",
        "https://x.example/p.gif",
    ]


def test_what_an_attribute_says_is_no_attribute() -> None:
    """A picture called " href=" and a title that seems to ask for it let a letter's author write attributes of ours:
    those with which a page sends what an agent never asked for."""
    for name in ("data-cid", "data-remote-src"):
        html = sanitise(f'<a title=" {name}=" href="http://x/ hx-post=/people hx-trigger=load ">z</a>').html
        assert str(bodies.of_html(html, {" href=": "/files/1"}, pictures=True)) == html
    text = sanitise('<p> data-cid="a" &lt;img data-cid="a"&gt;</p>').html
    assert str(bodies.of_html(text, {"a": "/files/1"})) == text


SAID = [
    " data-cid=",
    " data-remote-src=",
    " src=",
    " class=",
    " id=",
    " href=",
    "hx-get=/ ",
    "<img",
    ">",
    "&quot;",
    "=",
    " ",
]
ATTRIBUTES = {
    *("href", "title", "src", "alt", "target", "rel", "class", "type", "dir", "aria-hidden", "data-cid"),
    *("data-remote-src", "loading", "referrerpolicy"),
}


class Attributes(HTMLParser):
    """The names of all attributes that a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {name for name, _ in attrs}


@given(said=st.lists(st.lists(st.sampled_from(SAID), max_size=5).map("".join), min_size=5, max_size=5))
def test_nothing_that_is_said_becomes_an_attribute(said: list[str]) -> None:
    title, href, alt, cid, text = said
    html = f'<a title="{title}" href="http://x/{href}">{text}<img alt="{alt}" src="cid:{cid}"></a>'
    clean = sanitise(f"<blockquote type=cite class=gmail_quote>{html}</blockquote>{html}").html
    files = dict.fromkeys(re.findall(r'"([^"]*)(?=")', clean), "/files/1")
    for pictures in (False, True):
        shown = str(bodies.of_html(clean, files, pictures=pictures))
        assert Attributes(shown).found <= ATTRIBUTES


def test_a_very_long_body_is_cut_outside_of_a_tag() -> None:
    html = "<p>" + "x" * 300 + "</p>"
    shown = str(bodies.of_html(html * 1000, {}))
    assert len(shown) <= bodies.SHOWN_LIMIT
    assert shown.endswith(">")
    endless = sanitise('<a href="http://x.example"><b>' + "x<br>" * 100_000).html
    assert str(bodies.of_html(endless, {})).endswith("x<br></b></a>")


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("مرحبًا،\n\nكسر المصباح DZ-20418", "rtl"),
        ("1. Bonjour,\n\nla lampe « قمر »", "ltr"),
        ("“قمر” is broken", "rtl"),
        ("12:30", "ltr"),
        ("", "ltr"),
    ],
)
def test_a_body_is_read_in_the_direction_of_its_first_letter(text: str, direction: str) -> None:
    assert bodies.reading(bodies.of_text(text)) == direction
    assert (
        bodies.reading(bodies.of_html(sanitise(f'<div title="x"><b>{text}</b></div>').html, {})) == direction
    )


def test_a_button_in_the_language_of_the_page_does_not_tell_the_direction() -> None:
    with translation.override("ar"):
        quoted_first = bodies.of_text(
            "> Puis-je ?\n\nOui, merci.\n\nLe lun. 2 févr. 2026 à 10:02, L a écrit :\n> Et ?"
        )
    assert "<summary" in quoted_first
    assert bodies.reading(quoted_first) == "ltr"
    assert bodies.reading('<details><summary class="folded">إظهار</summary><p>Oui</p></details>') == "ltr"
