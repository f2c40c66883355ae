"""Trimming of HTML, in the structure that mail programs write."""

import re

import pytest

from tests.channels.corpus import ours
from tests.channels.work import calls
from wasl.channels.email.html import sanitise, to_text
from wasl.channels.email.trim import markup
from wasl.channels.email.trim.decide import Kind
from wasl.channels.email.trim.message import written

CASES = {
    reply.name.partition("/")[2]: reply for part in ("first", "held", "more") for reply in ours("html", part)
}

PICTURE = """<div><img src="cid:broken@1"></div><div class="gmail_quote"><div class="gmail_attr">On 12 Mar 2024 at
3:45 PM L &lt;s@x.example&gt; wrote:<br></div><blockquote class="gmail_quote">Is it broken?</blockquote></div>"""


@pytest.mark.parametrize("name", CASES)
def test_what_was_written_in_html(name: str) -> None:
    assert CASES[name].agrees(written("", sanitise(CASES[name].text).html))


@pytest.mark.parametrize("name", ["gmail", "outlook desktop", "apple mail", "iphone", "yahoo", "thunderbird"])
def test_its_plain_text_says_the_same(name: str) -> None:
    """Mail without a text of its own is given one; lists and search begin with what was written there too."""
    assert CASES[name].agrees(written(to_text(sanitise(CASES[name].text).html)))


def test_a_picture_is_something_written() -> None:
    pieces = markup.split(sanitise(PICTURE).html)
    assert [piece.kind for piece in pieces] == [Kind.WRITTEN, Kind.QUOTED]
    assert 'data-cid="broken@1"' in pieces[0].text


def test_every_piece_is_whole_and_nothing_is_lost() -> None:
    for reply in CASES.values():
        clean = sanitise(reply.text).html
        pieces = markup.split(clean)
        joined = "".join(piece.text for piece in pieces)
        assert re.sub(r"<[^>]*>|\s", "", joined) == re.sub(r"<[^>]*>|\s", "", clean)
        for piece in pieces:
            assert piece.text.count("<div") == piece.text.count("</div>")


def test_nothing_but_the_marks_of_quotations_stays_of_classes_and_ids() -> None:
    clean = sanitise(
        '<div id="thread" class="msg gmail_quote toast">a</div><p class="btn">b</p><div id="Signature">c</div>'
        '<blockquote type="evil" class="x">d</blockquote><b class="gmail_quote">e</b>'
        "<div>&lt;p class=\"\"&gt; &lt;p id='divRplyFwdMsg'&gt;</div>"
    ).html
    assert clean == (
        '<div class="gmail_quote">a</div><p>b</p><div data-part="Signature">c</div><blockquote>d</blockquote>'
        "<b>e</b><div>&lt;p class=\"\"&gt; &lt;p id='divRplyFwdMsg'&gt;</div>"
    )


HOSTILE = [
    "<blockquote type=cite>",
    "<div class=gmail_quote>a<br>",
    "<p>On 2 May at 10:00, a@b.example wrote:</p><blockquote>x</blockquote>y",
    "<div class=gmail_attr>x<br>",
    "<b>",
    "<table><tr><td>x",
    "<div id=divRplyFwdMsg>From: a@b.example<br>",
    "<pre>\n\n> a\nb",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_work_grows_with_the_length_and_no_faster(piece: str) -> None:
    clean = sanitise(piece * 120).html
    small, large = "<p>x</p>" * 200 + clean * 5, "<p>x</p>" * 800 + clean * 20
    for function in (markup.split, to_text):
        assert calls(function, large) <= 4.5 * calls(function, small) + 1000
