"""Writing in the browser: sent once, taken back, warned of what crossed, kept as a draft, noted for colleagues."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.pages import EDITOR, clean, fine, left, ours, ready, write

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)


def open_one(page: Page, number: int) -> str:
    """Open the n-th conversation that can be answered, with an empty composer; its address."""
    row = page.locator("a.row:has(.row-second use[href*='i-mail'])").nth(number)
    row.click()
    ready(page)
    return page.url


def test_an_answer_whose_response_is_lost_goes_once(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/all")
    open_one(page, 1)
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().text())  # it arrives; the answer does not
        route.abort("internetdisconnected")

    page.route("**/reply", lose)
    write(page, "This must arrive once only.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast", has_text="cannot be reached")).to_be_visible()
    expect(page.locator(EDITOR)).to_have_text("This must arrive once only.")
    page.press(EDITOR, "Control+Enter")
    expect(page.locator(EDITOR)).to_have_text("")
    expect(ours(page, "This must arrive once only.")).to_have_count(1)
    page.wait_for_timeout(1000)  # a list that is being read again would complain of the reload
    page.reload()
    expect(ours(page, "This must arrive once only.")).to_have_count(1)
    fine(here)


def test_an_answer_that_arrived_is_cleared_though_its_response_is_lost(visit: Any) -> None:
    """Sent before its draft was ever saved: what is still shown is known for what went out, and not kept to be sent."""
    page = visit("leila", "en").tab("/all")
    open_one(page, 3)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("internetdisconnected")

    page.route("**/reply", lose)
    write(page, "Once, and seen to have gone.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast", has_text="cannot be reached")).to_be_visible()
    expect(page.locator(EDITOR)).to_have_text("")
    page.reload()
    expect(page.locator(EDITOR)).to_have_text("")
    expect(ours(page, "Once, and seen to have gone.")).to_have_count(1)


def test_sending_is_taken_back_from_the_toast_and_from_the_message(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/all")
    open_one(page, 2)
    page.set_input_files(
        "#write [name=files]", files=[{"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}]
    )
    expect(page.locator("#write .chosen [data-file]")).to_have_count(1)
    write(page, "Not quite ready")
    for undo in (".toast form button", "article.msg [data-leaves] button"):
        page.press(EDITOR, "Control+Enter")
        expect(ours(page, "Not quite ready").locator("[data-leaves] button")).to_contain_text("Undo")
        page.locator(undo).first.click()
        expect(ours(page, "Not quite ready")).to_have_count(0)
        expect(page.locator(EDITOR)).to_have_text("Not quite ready")
        expect(page.locator("#write .chosen [data-file]")).to_have_count(1)
    page.press(EDITOR, "Control+Enter")
    sent = ours(page, "Not quite ready")
    left(sent)
    expect(sent.locator("[data-leaves]")).to_have_count(0)
    clean(page)
    fine(here)


def test_of_two_who_answer_at_once_one_is_warned(visit: Any) -> None:
    one, two = visit("leila", "en"), visit("karim", "en")
    first = one.tab("/all")
    address = open_one(first, 3)
    second = two.tab(address.removeprefix(two.address))
    ready(second)
    expect(first.locator("[data-presence]")).to_contain_text("Karim")
    expect(second.locator("[data-presence]")).to_contain_text("Leïla")
    write(first, "I will look after this.")
    write(second, "Let me do this one.")
    expect(first.locator("[data-presence]")).to_contain_text("is writing a reply")
    for page in (first, second):
        page.evaluate("document.getElementById('write').requestSubmit(document.getElementById('send'))")
    asked = [page for page in (first, second) if _asked(page)]
    assert len(asked) == 1, "exactly one goes out straight"
    late = asked[0]
    early, words = (second, "I will look after this.") if late is first else (first, "Let me do this one.")
    expect(late.locator("[data-doubting]")).to_contain_text(
        "Let me do this" if late is first else "I will look"
    )
    expect(ours(early, words)).to_have_count(0)
    clean(late)
    late.click("[data-back-to-writing]")
    expect(late.locator(EDITOR)).to_have_text(words)
    late.press(EDITOR, "Control+Enter")
    late.click("[data-anyway]")
    for page in (first, second):
        expect(ours(page, words)).to_have_count(1)
    second.close()
    expect(first.locator("[data-presence]")).to_have_text("")
    fine(one, two)


def _asked(page: Page) -> bool:
    expect(page.locator("#write [data-doubting], #write [data-empty]").first).to_be_visible()
    return page.locator("[data-doubting]").count() > 0


def test_a_draft_is_there_again_on_another_device_and_two_tabs_are_told_apart(visit: Any) -> None:
    desk, phone = visit("leila", "en"), visit("leila", "en", width=390, height=844)
    page = desk.tab("/all")
    address = open_one(page, 4)
    write(page, "Begun at the desk")
    page.keyboard.press("Enter")
    page.keyboard.type("مرحبا")
    expect(page.locator("#write [data-hint]")).to_have_text("Draft saved")
    expect(page.locator(f"{EDITOR} p").nth(1)).to_have_css("direction", "rtl")
    other = phone.tab(address.removeprefix(phone.address))
    expect(other.locator(EDITOR)).to_contain_text("Begun at the desk")
    write(other, "Ended on the phone")
    expect(other.locator("#write [data-hint]")).to_have_text("Draft saved")
    page.click(EDITOR)
    page.keyboard.press("Control+End")
    page.keyboard.type("!")
    expect(page.locator("#write [data-conflict]")).to_be_visible()
    clean(page)
    page.click("#write [data-take-other]")
    expect(page.locator(EDITOR)).to_have_text("Ended on the phone")
    other.keyboard.press("Control+Enter")
    expect(ours(other, "Ended on the phone")).to_be_visible()
    page.click(EDITOR)
    page.keyboard.press("Control+End")
    page.keyboard.press("Backspace")
    page.keyboard.type("e")
    expect(page.locator("#write [data-hint]")).to_have_text("Sent in another tab")
    expect(page.locator(EDITOR)).to_have_text("")
    fine(desk, phone)


def test_what_is_written_offline_is_kept_here_and_saved_later(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/all")
    open_one(page, 5)
    here.context.set_offline(True)
    write(page, "Written in the tunnel")
    expect(page.locator("#write [data-hint]")).to_contain_text("Kept on this device")
    page.set_input_files(
        "#write [name=files]", files=[{"name": "t.png", "mimeType": "image/png", "buffer": PICTURE}]
    )
    expect(page.locator("#write .chosen")).to_contain_text("On this device")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#write [data-error]")).to_be_visible()
    here.context.set_offline(False)
    expect(page.locator("#write [data-hint]")).to_have_text("Draft saved")
    expect(page.locator("#write .chosen [data-file]")).to_have_count(1)
    page.reload()
    expect(page.locator(EDITOR)).to_have_text("Written in the tunnel")
    write(page, "")
    page.locator("#write [data-remove-file]").click()
    expect(page.locator("#write .chosen [data-file]")).to_have_count(0)
    fine(here)


@pytest.mark.parametrize(("language", "who", "name"), [("en", "leila", "Karim"), ("ar", "yusuf", "Karim")])
def test_a_note_names_a_colleague_who_finds_it(visit: Any, language: str, who: str, name: str) -> None:
    here, there = visit(who, language), visit("karim", "en")
    page = here.tab("/all")
    address = open_one(page, 6)
    colleague = there.tab(address.removeprefix(there.address))
    page.keyboard.press("n")
    editor = "#note [data-editor]"
    expect(page.locator(editor)).to_be_focused()
    page.keyboard.type("Ask @ka")
    expect(page.locator("#note [role=option]", has_text=name)).to_be_visible()
    clean(page)
    page.keyboard.press("Enter")
    page.keyboard.type("about this")
    expect(page.locator(editor)).to_contain_text("@Karim")
    page.keyboard.press("Control+Enter")
    note = page.locator("article.msg[data-way=note]", has_text="about this").last
    expect(note.locator(".mention")).to_contain_text("@Karim")
    expect(colleague.locator("article.msg[data-way=note]", has_text="about this").last).to_be_visible()
    expect(page.locator("#send-note")).to_be_enabled()
    clean(page)
    fine(here, there)


def test_a_saved_reply_is_filled_in(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/replies/new")
    page.fill("[name=name]", "Thanks for waiting")
    page.click("[data-editor]")
    page.keyboard.type("Hello ")
    page.click('[data-insert="{{customer.first_name}}"]')
    page.keyboard.type(", here we are.")
    clean(page)
    page.click("button.primary")
    expect(page.get_by_role("heading", name="Thanks for waiting")).to_be_visible()
    clean(page)
    page.goto(here.address + "/all")
    open_one(page, 7)
    write(page, "/")
    expect(page.locator("#picker [role=option]", has_text="Thanks for waiting")).to_be_visible()
    page.keyboard.type("waiting")
    expect(page.locator("#picker [role=option]")).to_have_count(1)
    clean(page)
    page.keyboard.press("Enter")
    expect(page.locator(EDITOR)).to_contain_text(re.compile(r"Hello \S+, here we are\."))
    expect(page.locator(EDITOR)).not_to_contain_text("{{")
    write(page, "")
    expect(page.locator("#write [data-hint]")).to_have_text("")
    fine(here)


def test_what_is_pasted_is_reduced_to_what_the_editor_knows(visit: Any, tmp_path: Path) -> None:
    here = visit("leila", "en")
    page = here.tab("/all")
    open_one(page, 8)
    write(page, "")
    page.evaluate(
        """([html]) => {
          const data = new DataTransfer();
          data.setData('text/html', html);
          const about = {clipboardData: data, bubbles: true, cancelable: true};
          document.activeElement.dispatchEvent(new ClipboardEvent('paste', about));
        }""",
        [
            '<div style="color:red"><h2>Title</h2><p onclick="alert(1)">One <span style="font-weight:700">bold</span> '
            '<a href="javascript:alert(1)">x</a></p><script>alert(2)</script><ul><li>a</li><li>b</li></ul>'
            '<img src="https://tracker.example/x.gif"><table><tr><td>cell</td></tr></table></div>'
        ],
    )
    inside = page.locator(EDITOR).evaluate("e => e.getHTML()")
    assert re.search(r"<p dir=\"auto\"><b>Title</b></p><p dir=\"auto\">One <b>bold</b>", inside), inside
    assert inside.count("<li") == 2
    for gone in ("style", "script", "onclick", "javascript", "img", "table", "h2"):
        assert gone not in inside.replace("data-", ""), (gone, inside)
    page.keyboard.press("Control+Enter")
    sent = ours(page, "Title")
    expect(sent.locator("li")).to_have_count(2)
    expect(sent.locator("b", has_text="bold")).to_be_visible()
    page.locator(".toast form button").click()
    expect(sent).to_have_count(0)
    expect(page.locator(f"{EDITOR} li")).to_have_count(2)
    write(page, "")
    fine(here)
