"""A program gets what was written, and the whole."""

import re

from tests.api.client import Caller
from tests.channels.corpus import ours
from tests.inbound import mail, take
from tests.workspace.test_messages import html_mail
from tests.worlds import Shop

TEXT = next(reply for reply in ours("fr", "first") if reply.name == "fr/outlook-bureau")
HTML = next(reply for reply in ours("html", "first") if reply.name == "html/gmail")


def test_a_text(shop: Shop, call: Caller) -> None:
    (key,) = take(shop, mail(TEXT.text))
    found = call.get(f"/messages/{key}")
    assert found["text"].split() == TEXT.text.split()
    assert TEXT.agrees(found["written"])


def test_html(shop: Shop, call: Caller) -> None:
    (key,) = take(shop, html_mail(HTML.text))
    found = call.get(f"/messages/{key}")
    assert HTML.agrees(found["written"])
    assert "مرحبا سارة" in re.sub(r"<[^>]*>", "", found["html"])


def test_an_answer_of_ours_is_written_whole(shop: Shop, call: Caller) -> None:
    (key,) = take(shop, mail("Bonjour"))
    conversation = call.get(f"/messages/{key}")["conversation_id"]
    text = "Oui.\n\n-- \nLeïla"
    answer = call.post(f"/conversations/{conversation}/messages", {"text": text})
    assert answer["written"] == answer["text"] == text
