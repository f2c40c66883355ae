"""The list side of two agents' day: snoozing and waking, many at once and back, narrowing, merging and splitting."""

import csv
import io
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.pages import clean, fine, ready
from wasl.workspace import assets

MORPH = assets.OWN / "js" / "morph.js"
SHOP = ZoneInfo("Africa/Casablanca")
POST = """async ([path, values]) => {
  const body = new URLSearchParams(values);
  const headers = {...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true"};
  return (await fetch(path, {method: "POST", body, headers})).status;
}"""

READ = "document.addEventListener('htmx:afterSwap', (event) => event.target.id === 'list' && done())"


def subjects(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#list .row-subject").all_inner_texts()]


def test_what_is_snoozed_goes_and_comes_back_by_itself(visit: Any) -> None:
    one, two = visit("leila", "en"), visit("karim", "en")
    first, second = one.tab("/all"), two.tab("/all")
    row = first.locator("a.row").nth(2)
    key, subject = row.get_attribute("data-conversation"), row.locator(".row-subject").inner_text()
    theirs = second.locator(f"[data-conversation='{key}']")
    expect(theirs).to_be_visible()
    row.click()
    ready(first)
    first.keyboard.press("s")
    clean(first)
    first.locator("#snooze button", has_text="Tomorrow morning").click()
    expect(first.locator("#thread-head .strip", has_text="Snoozed until")).to_be_visible()
    expect(theirs).to_have_count(0)
    second.goto(one.address + "/snoozed")
    expect(second.locator("#list .row-subject", has_text=subject)).to_be_visible()
    clean(second)
    second.goto(one.address + "/all")
    soon = (datetime.now(SHOP) + timedelta(seconds=2)).replace(tzinfo=None).isoformat()
    assert first.evaluate(POST, [f"/conversations/{key}/snooze", {"until": "at", "at": soon}]) == 200
    expect(theirs).to_be_visible()
    expect(first.locator("#messages .event", has_text="It is time")).to_be_visible()
    fine(one, two)


def test_a_time_of_ones_own_closes_the_menu_and_is_taken_back_by_keys(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/all")
    at = f"{datetime.now(SHOP) + timedelta(days=3):%Y-%m-%dT10:00}"
    row = page.locator("a.row").nth(1)
    key = row.get_attribute("data-conversation")
    row.click()
    ready(page)
    page.click("#snooze summary")
    page.fill("#snooze-at", at)
    page.locator("#snooze button[value=at]").click()
    expect(page.locator("#thread-head .strip", has_text="Snoozed until")).to_be_visible()
    expect(page.locator("#snooze-at")).to_be_hidden()
    expect(page.locator("#snooze-at")).to_have_value("")
    expect(page.locator("#snooze summary")).to_be_focused()
    page.locator(".toast", has_text="snoozed until").hover()  # it waits while someone looks at it
    expect(page.locator(f"#list [data-conversation='{key}']")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#thread h1")).to_have_count(0)
    expect(page.locator("#list a.row").nth(1)).to_be_focused()
    page.keyboard.press("z")
    expect(page.locator(f"#list [data-conversation='{key}']")).to_be_visible()
    fine(here)


def test_what_is_typed_while_a_conversation_comes_is_meant_for_it(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/all")
    rows = page.locator("a.row")
    first, second = (rows.nth(n).get_attribute("data-conversation") for n in (1, 2))
    rows.nth(1).click()
    ready(page)
    waiting: list[Route] = []
    page.route(re.compile(f"/all/{second}"), lambda route: waiting.append(route))
    rows.nth(2).click()
    page.keyboard.type("a")
    expect(page.locator("#assign[open]")).to_have_count(0)
    with page.expect_request(re.compile(f"/all/{first}")):
        rows.nth(1).click()
    ready(page)
    expect(page.locator("#thread")).to_have_attribute("data-conversation", str(first))
    expect(page.locator("#assign[open]")).to_have_count(0)
    waiting.clear()
    rows.nth(2).click()
    page.keyboard.type("tSeen and ree")
    page.keyboard.press("Backspace")
    while not waiting:
        page.wait_for_timeout(20)
    waiting.pop().continue_()
    expect(page.locator("#tagging input[name=name]")).to_have_value("Seen and re")
    expect(page.locator("#thread")).to_have_attribute("data-conversation", str(second))
    fine(here)


def test_many_are_resolved_by_keys_and_brought_back(visit: Any) -> None:
    one, two = visit("leila", "en"), visit("karim", "en")
    page, other = one.tab("/all"), two.tab("/all")
    expect(page.locator("a.row").nth(3)).to_be_visible()
    before = subjects(page)
    page.locator("a.row").nth(1).focus()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator("[data-picked]")).to_have_text("3")
    clean(page)
    page.keyboard.press("e")
    toast = page.locator(".toast", has_text="3 conversations resolved")
    expect(toast).to_be_visible()
    expect(page.locator("#list .row-subject", has_text=before[2])).to_have_count(0)
    expect(other.locator("#list .row-subject", has_text=before[2])).to_have_count(0)
    clean(page)
    # A colleague opens one of them again and puts it off: that one is left alone.
    other.goto(one.address + "/all?status=resolved")
    other.locator("a.row", has_text=before[1]).first.click()
    ready(other)
    expect(other.locator("form[action$='/reopen'] #turn")).to_be_visible()
    other.locator("#more-acts summary").click()
    other.locator("form[action$='/pend'] button").click()
    expect(other.locator("#thread-head .strip .badge.warn")).to_be_visible()
    toast.hover()
    toast.get_by_role("button", name="Undo").click()
    back = page.locator(".toast", has_text="2 conversations are as they were.")
    expect(back).to_contain_text("1 was changed since and stays as it is.")
    expect(page.locator("#list .row-subject", has_text=before[2])).to_be_visible()
    assert subjects(page)[:12] == [s for n, s in enumerate(before) if n != 1][:12]
    fine(one, two)


def test_many_are_changed_while_the_list_is_being_read(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/all")
    page.locator(".pick-row").nth(1).check(force=True)
    held: list[Route] = []
    page.route(re.compile("[?&]count="), lambda route: route.fallback() if released else held.append(route))
    released: list[bool] = []
    reading = "htmx.trigger('#list', 'wasl:refresh')"
    page.evaluate(reading)
    patience = time.monotonic() + 60  # s; the page may have begun to read by itself, and ours waits behind it
    while not held and time.monotonic() < patience:
        page.wait_for_timeout(20)
    assert held
    page.locator("#bulk button[value=resolve]").last.click()
    page.evaluate(reading)
    toast = page.locator(".toast", has_text="1 conversation resolved")
    expect(toast).to_be_visible()
    released.append(True)
    for each in held:
        each.continue_()
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast", has_text="1 conversation is as it was.")).to_be_visible()
    page.locator(".pick-row").nth(1).check(force=True)
    page.locator("#bulk-snooze summary").click()
    expect(page.locator("#bulk-snooze-choices button").first).to_be_visible()
    page.evaluate(f"new Promise((done) => {{ {READ}; {reading}; }})")
    expect(page.locator("#bulk-snooze-choices button").first).to_be_visible()
    fine(here)


def test_a_list_is_narrowed_kept_as_a_view_and_exported(visit: Any, tmp_path: Path) -> None:
    here = visit("leila", "en")
    page = here.tab("/all")
    page.locator("a.row").first.click()
    ready(page)
    page.keyboard.press("t")
    page.keyboard.type("Chandelle")
    expect(page.locator(".tags-found button", has_text="New tag: Chandelle")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#thread-head .chip", has_text="Chandelle")).to_be_visible()
    page.goto(here.address + "/all")
    page.keyboard.press("f")
    page.select_option("#filter-tag", label="Chandelle")
    clean(page)
    page.get_by_role("button", name="Show", exact=True).click()
    chip = page.locator(".chips a", has_text="Chandelle")
    expect(chip).to_be_visible()
    expect(page.locator("a.row")).to_have_count(1)
    assert "tag=" in page.url
    page.keyboard.press("f")
    with page.expect_download() as coming:
        page.locator("[data-export]").click()
    coming.value.save_as(tmp_path / "list.csv")
    text = (tmp_path / "list.csv").read_text("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    assert len(lines) == 2
    assert lines[1][8] == "Chandelle"
    page.fill("#view-name", "Broken things")
    page.get_by_role("button", name="Keep", exact=True).click()
    place = page.locator("#places a[aria-current]", has_text="Broken things")
    expect(place).to_contain_text("1")
    expect(page.locator(".place-title")).to_have_text("Broken things")
    clean(page)
    page.locator(".chips a", has_text="Chandelle").click()
    expect(page.locator(".chips")).to_have_count(0)
    assert page.locator("a.row").count() > 1
    fine(here)


def test_two_become_one_and_one_becomes_two(visit: Any) -> None:
    here = visit("leila", "en")
    page = here.tab("/all?status=any")
    links = page.locator("a.row", has_text="Camille Moreau")
    source = links.nth(1)
    key, subject = source.get_attribute("data-conversation"), source.locator(".row-subject").inner_text()
    links.first.click()
    ready(page)
    count = page.locator("article.msg").count()
    page.locator("#more-acts summary").click()
    page.get_by_role("link", name="Merge with another").click()
    sheet = page.locator("#sheet")
    sheet.locator("label", has_text=subject).click()
    clean(page)
    sheet.get_by_role("button", name="Merge", exact=True).click()
    expect(page.locator(".toast", has_text="Merged.")).to_be_visible()
    expect(page.locator("#messages .event", has_text="merged a conversation")).to_be_visible()
    expect(page.locator(f"#list [data-conversation='{key}']")).to_have_count(0)
    assert page.locator("article.msg").count() > count
    merged = page.url.partition("?")[0].rpartition("/")[2]
    old = here.tab(f"/conversations/{key}")
    assert merged in old.url, "its address leads to the other"
    old.close()
    page.locator(".toast", has_text="Merged.").get_by_role("button", name="Undo").click()
    expect(page.locator(f"#list [data-conversation='{key}']")).to_be_visible()
    expect(page.locator("#thread h1")).to_have_text(subject)
    ready(page)

    page.locator("#more-acts summary").click()
    page.get_by_role("link", name="Split", exact=True).click()
    sheet.get_by_role("button", name="Split here").click()
    own = page.locator(".toast", has_text="A conversation of its own.")
    expect(own).to_be_visible()
    expect(page.locator("article.msg")).to_have_count(1)
    clean(page)
    own.get_by_role("button", name="Undo").click()
    expect(page.locator("#thread h1")).to_have_text(subject)
    expect(page.locator("#messages .event", has_text="merged a conversation")).to_be_visible()
    fine(here)


SCREENS = [("en", "light", 1440), ("ar", "light", 1440), ("en", "dark", 390), ("ar", "dark", 390)]


@pytest.mark.parametrize(("language", "scheme", "width"), SCREENS)
def test_the_lists_pages_are_clean_on_every_screen(
    visit: Any, language: str, scheme: str, width: int
) -> None:
    here = visit({"ar": "yusuf"}.get(language, "leila"), language, width=width, scheme=scheme)
    page = here.tab("/all?status=any&language=ar")
    for path in (
        "/all?status=any&language=ar",
        "/snoozed",
        "/mentioned",
        *(["/tags"] if language == "en" else []),
    ):
        page.goto(here.address + path)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide"
        assert page.get_by_role("heading", level=1).count() == 1, path
        clean(page)
    page.goto(here.address + "/all")
    page.locator(".pick-row").nth(0).check(force=True)
    for what in ("snooze", "assign", "tag", "more"):
        page.locator(f"#bulk-{what} summary").click()
        page.wait_for_timeout(400)
        box = page.locator(f"#bulk-{what} .choices").bounding_box()
        assert box, what
        assert 0 <= box["x"] <= width - box["width"], what
        clean(page)
        page.keyboard.press("Escape")
    page.locator("[data-pick-none]").click()
    page.locator("#filter summary").click()
    page.wait_for_timeout(500)
    box = page.locator("#filter-choices").bounding_box()
    assert box
    assert 0 <= box["x"] <= width - box["width"]
    clean(page)
    fine(here)


_MORPHED = """() => {
  const made = (html) => Object.assign(document.createElement("div"), { innerHTML: html });
  const rows = (kind, first, last) => Array.from({ length: last - first + 1 },
    (_, n) => `<p data-key="${kind}-${first + n}"></p>\n`).join("");
  const said = (root) => [...root.children].map((node) => node.dataset.key || node.id).join(" ");
  const morphed = (merge, from, to) => {
    const root = made(from);
    root.dataset.merge = merge;
    children(root, made(to));
    return said(root);
  };
  const earlier = `<a id="earlier"></a>\n`, older = `<a id="older"></a>\n`;
  return [
    morphed("start", rows("m", 1, 6), earlier + rows("m", 4, 7)),
    morphed("start", earlier + rows("m", 2, 6), earlier + rows("m", 4, 7)),
    morphed("end", rows("c", 1, 6), rows("c", 0, 3) + older),
    morphed("end", rows("c", 1, 6) + older, rows("c", 0, 3) + older),
  ];
}"""


def test_what_was_loaded_of_other_pages_stays_in_its_place(contexts: Any) -> None:
    """And the way to more of it does not come back when all is there."""
    page = contexts().new_page()
    page.evaluate("window.htmx = { defineExtension() {} }")
    page.add_script_tag(content=MORPH.read_text().replace("export function", "function"))
    assert page.evaluate(_MORPHED) == [
        "m-1 m-2 m-3 m-4 m-5 m-6 m-7",
        "earlier m-2 m-3 m-4 m-5 m-6 m-7",
        "c-0 c-1 c-2 c-3 c-4 c-5 c-6",
        "c-0 c-1 c-2 c-3 c-4 c-5 c-6 older",
    ]
