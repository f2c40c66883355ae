"""HTML of strangers: what is kept, what never is, and how it reads as text."""

from __future__ import annotations

import base64
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasl.channels.email.html import from_text, sanitise, strip_tags, to_text

LOADING = {"src", "srcset", "poster", "background", "data", "style", "action", "formaction", "xlink:href"}


class Seen(HTMLParser):
    """Every element and attribute a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(html: str) -> None:
    for tag, attributes in Seen(html).found:
        assert tag not in {
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "link",
            "meta",
            "base",
            "svg",
        }
        assert not LOADING & attributes.keys(), (tag, attributes)
        assert not any(name.startswith("on") or name in ("id", "class", "name") for name in attributes)
        href = attributes.get("href")
        if href is not None:
            assert href.partition(":")[0].lower() in ("http", "https", "mailto", "tel"), href
            assert attributes["rel"] == "noopener noreferrer nofollow"
            assert attributes["target"] == "_blank"


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' &#106;avascript:alert(1)'>x</a>",
        "<a href='/logout'>x</a>",
        "<a href='data:text/html,x'>x</a>",
        "<form action=https://x.example><input name=password></form>",
        "<p style='background:url(https://x.example)' class=modal id=main>x</p>",
        "<style>body{display:none}</style>",
        "<link rel=stylesheet href=https://x.example/a.css><base href=https://x.example>",
        "<svg><image href=https://x.example/a.png /><script>1</script></svg>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<video poster=https://x.example/a.png src=https://x.example/v></video>",
        "<table background=https://x.example/a.png><tr><td background=//x.example/b>x</table>",
        "<img srcset='https://x.example/a 2x' src=https://x.example/a>",
        "<object data=https://x.example></object><iframe src=https://x.example></iframe>",
        "<img title=' src=\"' src='https://x.example/a'>",
        "<a title='<img src=' href='https://x.example'>x</a><img alt='>' src='https://x.example/a'>",
        "<!--[if mso]><img src=https://x.example/a><![endif]-->",
        "<img src='https://x.example/a",
    ],
)
def test_nothing_runs_loads_or_leads_astray(html: str) -> None:
    assert_harmless(sanitise(html).html)


MARKUP = """<img  <a  src= href= https://x.example //x.example cid:a ' " > </a> <p> alt= &quot; javascript: <script>
</script> <!-- --> <svg> <style> <table> onload= &lt; x `"""
PIECES = st.sampled_from([*MARKUP.split(), " ", "<img ", "<a "])


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_no_arrangement_of_pieces_gets_through(html: str) -> None:
    clean = sanitise(html).html
    assert_harmless(clean)
    assert "wasl-" not in clean


def test_images_wait_for_a_click() -> None:
    safe = sanitise(
        '<img src="https://x.example/a?b=1&amp;c=2" alt="A" width="10" height="9999999"><img src=//y.example>'
    )
    assert safe.has_remote
    assert safe.html == (
        '<img data-remote-src="https://x.example/a?b=1&amp;c=2" alt="A" width="10">'
        '<img data-remote-src="https://y.example">'
    )
    assert not sanitise("<p>none</p>").has_remote


@pytest.mark.parametrize("url", ["/a.png", "a.png", "?a", "#a", "", "file:///a.png", "blob:x", "http"])
def test_images_of_nowhere_are_not_remote(url: str) -> None:
    safe = sanitise(f'<img src="{url}">')
    assert (safe.html, safe.has_remote) == ("<img>", False)


def test_links_lead_out_or_nowhere() -> None:
    assert 'href="https://x.example/a"' in sanitise("<a href=//x.example/a>x</a>").html
    for url in ("/logout", "logout", "?a", "#top", "javascript:x", "data:text/html,x", "cid:a", "tel"):
        assert "href" not in sanitise(f"<a href='{url}'>x</a>").html


def test_images_of_the_message_are_named() -> None:
    safe = sanitise('<img src="cid:a%40b"><img src="CID:<c>">')
    assert safe.html == '<img data-cid="a@b"><img data-cid="c">'
    assert safe.content_ids == {"a@b", "c"}
    assert not safe.has_remote


def test_the_name_of_an_image_holds_nothing_that_no_database_keeps() -> None:
    assert sanitise('<img src="cid:%00a%0ab">').content_ids == {"ab"}


def test_images_inside_the_html_become_files() -> None:
    data = base64.b64encode(b"PNG").decode()
    safe = sanitise(f'<img src="data:image/png;base64,{data}"><img src="data:image/svg+xml;base64,{data}">')
    assert safe.html == '<img data-cid="embedded-1"><img>'
    [image] = safe.embedded
    assert (image.content_id, image.content_type, image.content) == ("embedded-1", "image/png", b"PNG")


def test_direction_and_structure_stay() -> None:
    cells = '<table><tbody><tr><td colspan="2">x</td></tr></tbody></table>'
    html = f'<div dir="rtl" lang="ar"><ul><li>واحد</li></ul>{cells}</div>'
    assert sanitise(html).html == html
    assert sanitise('<p dir="sideways">x</p>').html == "<p>x</p>"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br><br>three", "one\ntwo\n\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("a  \n b <b>c</b> d", "a b c d"),
        ("<b>a</b><i>b</i> <u>c</u>", "ab c"),
        ("<a href='https://x.example/'>x.example</a>", "x.example"),
        ("<a href='https://x.example/a'>here</a>.", "here <https://x.example/a>."),
        ("<a href='https://x.example/a'></a>", "https://x.example/a"),
        ("<a href='mailto:a@b.example'>a@b.example</a>", "a@b.example"),
        ("<ol start=3><li>a<li>b</ol>", "1. a\n2. b"),
        ("<ul><li>a<ul><li>b</ul><li></li><li>c</ul>", "- a\n  - b\n-\n- c"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<h1>T</h1>x<hr>y", "T\n\nx\n---\ny"),
        ("1 &lt; 2 &amp;amp; 3", "1 < 2 &amp; 3"),
        ("<img src=https://x.example/a alt='Our logo'>", "[Our logo]"),
        ("", ""),
    ],
)
def test_html_reads_as_text(html: str, text: str) -> None:
    assert to_text(sanitise(html).html) == text


def test_text_becomes_paragraphs_with_links() -> None:
    assert from_text("a <b>\nc\n\n\n\nsee https://x.example/a?b=1&c=2.") == (
        '<p dir="auto">a &lt;b&gt;<br>\nc</p>\n'
        '<p dir="auto">see <a href="https://x.example/a?b=1&amp;c=2">https://x.example/a?b=1&amp;c=2</a>.</p>'
    )
    assert from_text('x https://x.example/"onclick="a') == (
        '<p dir="auto">x <a href="https://x.example/">https://x.example/</a>"onclick="a</p>'
    )


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_text_to_html_and_back_keeps_every_word(text: str) -> None:
    text = "".join(character for character in text if character.isprintable() or character == "\n")
    back = to_text(sanitise(from_text(text)).html)
    assert "".join(back.split()) == "".join(text.split())


def test_what_cannot_be_understood_is_still_read() -> None:
    assert strip_tags("<style>p{}</style><p>a &amp;\n\n b</p><script>x<y</script>c") == "a &\nb c"
