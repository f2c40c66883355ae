"""Strangers' content: files never become pages of ours, pictures from elsewhere wait for a click."""

import re
from contextlib import closing
from email.message import EmailMessage

import pytest
from django.test import Client

from tests.inbound import take
from tests.workspace.stage import PICTURE, Browser, Known
from tests.worlds import Shop
from wasl.conversations.models import Attachment, Message
from wasl.kit.db import tenant
from wasl.workspace.files import plain_name


def test_a_file_is_something_to_keep(shop: Shop, known: Known, browser: Browser) -> None:
    client = browser(shop)
    with closing(client.get(f"/files/{known.file}")) as kept:
        assert b"".join(kept.streaming_content) == PICTURE  # type: ignore[attr-defined]
    assert kept.headers["Content-Disposition"].startswith("attachment;")
    assert kept.headers["Content-Type"] == "application/octet-stream"
    assert kept.headers["X-Content-Type-Options"] == "nosniff"
    assert kept.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    with closing(client.get(f"/files/{known.file}?show=1")) as shown:
        pass
    assert shown.headers["Content-Disposition"].startswith("inline;")
    assert shown.headers["Content-Type"] == "image/png"


def test_a_kept_file_is_shown_again_only_to_who_may_still_see_it(
    shop: Shop, known: Known, browser: Browser
) -> None:
    at, client = f"/files/{known.file}?show=1", browser(shop)
    with closing(client.get(at)) as first:
        assert first.headers["Cache-Control"] == "private, no-cache"
    had = {"If-None-Match": first.headers["ETag"]}
    again = client.get(at, headers=had)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert Client().get(at, headers=had).status_code == 302, "signed out"
    with tenant(shop.id):
        Attachment.objects.update(digest=b"\0" * 32)
    assert client.get(at, headers=had).status_code == 404, "it says something else now, and that is gone"


@pytest.mark.parametrize(
    "kind", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", ""]
)
def test_what_a_browser_could_run_is_never_shown(
    shop: Shop, known: Known, browser: Browser, kind: str
) -> None:
    with tenant(shop.id):
        Attachment.objects.update(content_type=kind, filename="x.html")
    with closing(browser(shop).get(f"/files/{known.file}?show=1")) as response:
        pass
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert response.headers["Content-Type"] == "application/octet-stream"


def test_a_voice_message_is_listened_to_where_it_stands(shop: Shop, known: Known, browser: Browser) -> None:
    with tenant(shop.id):
        Attachment.objects.update(content_type="audio/ogg", filename="voice.ogg")
        at = Attachment.objects.get(id=known.file)
        conversation = Message.objects.get(id=at.message_id).conversation_id
    client = browser(shop)
    page = client.get(f"/all/{conversation}")
    assert f'<audio controls preload="none" src="/files/{known.file}?show=1"' in page.text
    assert "media-src 'self'" in page.headers["Content-Security-Policy"]
    with closing(client.get(f"/files/{known.file}?show=1")) as played:
        pass
    assert played.headers["Content-Type"] == "audio/ogg"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("facture.pdf", "facture.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie: x=1.pdf"),
        ("cod\u202efdp.exe", "codfdp.exe"),
        ("  . ", "file"),
        ("", "file"),
        ("فاتورة.pdf", "فاتورة.pdf"),
    ],
)
def test_file_names_are_made_plain(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def html_mail(html: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = (
        "Anna <anna@elsewhere.example>",
        "support@dar-zaytun.example",
        "Hello",
    )
    made["Message-ID"] = "<html@elsewhere.example>"
    made.set_content("plain")
    made.add_alternative(html, subtype="html")
    made.get_payload()[1].add_related(PICTURE, "image", "png", cid="<plate@1>")  # type: ignore[union-attr, index]
    return made.as_bytes()


HTML = """<p style="position:fixed" onclick="x()">Look: <img src="cid:plate@1" alt="plate">
<img src="https://tracker.example/p.gif" alt="pixel"></p><script>bad()</script>
<div>On Monday 2 February at 10:00, Leïla wrote:</div><blockquote>Older words</blockquote>"""


def test_html_is_shown_without_what_is_not_ours(shop: Shop, browser: Browser) -> None:
    (key,) = take(shop, html_mail(HTML))
    client = browser(shop)
    with tenant(shop.id):
        conversation = Message.objects.get().conversation_id
        picture = Attachment.objects.get().id
    page = client.get(f"/all/{conversation}").text
    body = page[page.index('class="msg-body') :].partition("</article>")[0]
    assert f'src="/files/{picture}?show=1"' in body
    assert not re.search(r'\ssrc="https:', body), "nothing loads from elsewhere"
    for bad in ("style=", "onclick", "<script", "bad()"):
        assert bad not in body
    assert '<details class="quoted"><summary class="folded">' in body
    assert "Show quoted text</span></summary>" in body
    assert "Older words" in body, "folding hides, it does not delete"
    assert body.count('class="photo"') == 0, "a picture of the body is not repeated below it"
    assert f'hx-get="/messages/{key}?pictures=1"' in body


def test_words_are_set_in_their_own_script_and_the_bubble_in_the_page_s(shop: Shop, browser: Browser) -> None:
    (key,) = take(shop, html_mail('<p dir="auto">كسر المصباح</p><p dir="auto">DZ-20418</p>'))
    body = browser(shop).get(f"/messages/{key}").text
    assert '<div class="msg-body">' in body
    assert re.search(r'<div class="msg-text auto" dir="rtl"( lang="ar")?><p', body)


def test_pictures_from_elsewhere_load_in_a_frame_of_their_own(shop: Shop, browser: Browser) -> None:
    (key,) = take(shop, html_mail(HTML))
    client = browser(shop)
    shown = client.get(f"/messages/{key}?pictures=1", headers={"HX-Request": "true"}).text
    assert 'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "allow-scripts" not in shown
    assert "tracker.example" not in shown
    assert "data-keep" in shown, "a later refresh leaves the frame alone"
    frame = client.get(f"/messages/{key}/pictures")
    policy = frame.headers["Content-Security-Policy"]
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'")
    assert "sandbox allow-same-origin" in policy
    assert "allow-scripts" not in policy
    assert frame.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert frame.headers["Referrer-Policy"] == "no-referrer"
    assert 'src="https://tracker.example/p.gif"' in frame.text
    assert "<script" not in frame.text


def test_a_plain_message_has_no_picture_page(shop: Shop, known: Known, browser: Browser) -> None:
    assert browser(shop).get(f"/messages/{known.message}/pictures").status_code == 404
