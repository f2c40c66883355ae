"""Who else a message was for, and who wrote it, as the thread shows it."""

from tests.inbound import mail, take
from tests.workspace.stage import Browser
from tests.worlds import Shop
from wasl.conversations.models import Conversation, Message
from wasl.kit.db import tenant

CC = 'Paul <paul@atelier.example>, "<b>Eve</b>" <eve@atelier.example>'


def page(shop: Shop, browser: Browser) -> str:
    with tenant(shop.id):
        conversation_id = Conversation.objects.get().id
    return str(browser(shop).get(f"/all/{conversation_id}", follow=True).content.decode())


def test_people_in_copy_are_shown_and_ours_are_not(shop: Shop, browser: Browser) -> None:
    take(shop, mail("One", to="support@dar-zaytun.example, lea@atelier.example", Cc=CC))
    text = page(shop, browser)
    assert '<bdi title="paul@atelier.example">Paul</bdi>' in text
    assert '<bdi title="lea@atelier.example">lea@atelier.example</bdi>' in text
    assert "&lt;b&gt;Eve&lt;/b&gt;" in text
    assert '<bdi title="support@dar-zaytun.example">' not in text


def test_whoever_wrote_is_named(shop: Shop, browser: Browser) -> None:
    take(shop, mail("One", Message_ID="<a@x.example>", Cc=CC))
    take(shop, mail("Me too", sender="Paul Petit <paul@atelier.example>", In_Reply_To="<a@x.example>"))
    text = page(shop, browser)
    assert '<b title="Paul Petit"><bdi>Paul Petit</bdi></b>' in text
    assert '<b title="Camille Moreau"><bdi>Camille Moreau</bdi></b>' in text


def test_what_a_program_wrote_says_so(shop: Shop, browser: Browser) -> None:
    take(shop, mail("Away", Auto_Submitted="auto-replied"))
    assert '<span class="badge">Automatic reply</span>' in page(shop, browser)


def answer(shop: Shop, browser: Browser, **fields: object) -> tuple[int, list[list[str]]]:
    with tenant(shop.id):
        conversation_id = Conversation.objects.get().id
    response = browser(shop).post(f"/conversations/{conversation_id}/reply", {"text": "Hello", **fields})
    with tenant(shop.id):
        sent = Message.objects.filter(way="out").order_by("at")
        return response.status_code, [message.meta.get("cc", []) for message in sent]


def test_the_composer_names_who_is_in_copy(shop: Shop, browser: Browser) -> None:
    take(shop, mail("One", Cc=CC))
    text = page(shop, browser)
    assert '<input type="checkbox" name="cc" value="paul@atelier.example" checked>' in text
    assert 'name="cc" value="support@' not in text
    assert 'name="cc" value="camille@' not in text


def test_copies_are_what_the_form_says(shop: Shop, browser: Browser) -> None:
    take(shop, mail("One", Cc=CC))
    assert answer(
        shop, browser, copies="1", cc=["paul@atelier.example"], cc_more="lea@atelier.example; "
    ) == (
        302,
        [["paul@atelier.example", "lea@atelier.example"]],
    )
    assert answer(shop, browser, copies="1")[1][-1] == []


def test_a_form_that_does_not_ask_answers_everybody(shop: Shop, browser: Browser) -> None:
    take(shop, mail("One", Cc=CC))
    assert answer(shop, browser)[1] == [["paul@atelier.example", "eve@atelier.example"]]


def test_what_is_no_address_is_said_and_nothing_goes_out(shop: Shop, browser: Browser) -> None:
    take(shop, mail("One"))
    assert answer(shop, browser, copies="1", cc_more="lea at home") == (422, [])


def test_the_composer_says_who_is_answered(shop: Shop, browser: Browser) -> None:
    take(shop, mail("One", Message_ID="<a@x.example>", Cc=CC))
    take(shop, mail("Me too", sender="Paul Petit <paul@atelier.example>", In_Reply_To="<a@x.example>"))
    text = page(shop, browser)
    assert '<span class="to">To <bdi title="paul@atelier.example">Paul Petit</bdi></span>' in text
    assert '<input type="checkbox" name="cc" value="camille@atelier.example" checked>' in text
    answer(shop, browser)
    assert '<span class="copies">To <bdi>Paul Petit</bdi></span>' in page(shop, browser)


def test_a_forward_that_nothing_proves_says_so(shop: Shop, browser: Browser) -> None:
    inner = "---------- Forwarded message ---------\nFrom: <amal@example.net>\nDate: today\nSubject: x\n\nBroken\n"
    take(shop, mail(inner, sender="Agent <agent@dar-zaytun.example>", subject="Fwd: Lamp"))
    assert "nothing proves it" in page(shop, browser)
