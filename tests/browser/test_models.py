"""A customer sends a 3D model with its picture; they and the agent turn it in the viewer, which really draws."""

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, needed
from tests.browser.pages import clean, fine, listen, open_mail, play, send_mail

# Graphics by software, which draw the same on every machine.
DRAWING = ["--no-sandbox", "--disable-quic", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]

# Points of the canvas by what they are: nothing, or the red of the model.
SEEN = """canvas => {
  const flat = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const paper = flat.getContext("2d");
  paper.drawImage(canvas, 0, 0);
  const { data } = paper.getImageData(0, 0, flat.width, flat.height);
  let red = 0, sum = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at + 3]) {
    red += data[at] > 2 * data[at + 1] && data[at] > 2 * data[at + 2];
    sum = (sum * 31 + data[at] + at) % 1000003;
  }
  return { red: red / (data.length / 4), sum };
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One that can draw in three dimensions."""
    needed()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=DRAWING)
        yield browser
        browser.close()


def tent(*required: str) -> bytes:
    """A red pyramid without normals, as GLB."""
    points = [(0, 1, 0), (-1, 0, 1), (1, 0, 1), (1, 0, -1), (-1, 0, -1)]
    corners = [0, 1, 2, 0, 2, 3, 0, 3, 4, 0, 4, 1, 1, 4, 3, 1, 3, 2]
    numbers = struct.pack("<15f", *(part for point in points for part in point))
    content = numbers + struct.pack("<18H", *corners)
    said: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"children": [1]}, {"mesh": 0, "scale": [2, 2, 2]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [
            {"pbrMetallicRoughness": {"baseColorFactor": [0.8, 0.02, 0.02, 1], "metallicFactor": 0}}
        ],
        "buffers": [{"byteLength": len(content)}],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(numbers)},
            {"buffer": 0, "byteOffset": len(numbers), "byteLength": 36},
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 5, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": 18, "type": "SCALAR"},
        ],
        "extensionsRequired": list(required),
    }
    about = json.dumps(said).encode()
    about += b" " * (-len(about) % 4)
    chunks = struct.pack("<I4s", len(about), b"JSON") + about
    chunks += struct.pack("<I4s", len(content), b"BIN\0") + content
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def picture(red: int) -> bytes:
    """A PNG of 40 × 30 in one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = (b"\0" + bytes((red, 90, 60)) * 40) * 30
    head = struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def turned(page: Page, name: str) -> None:
    """The model opens by its picture, is drawn, turns by a key, and closes."""
    page.locator(f"a[data-model='{name}']").click()
    canvas = page.locator("wasl-sheet canvas")
    expect(canvas).to_be_focused()
    page.wait_for_function(
        f"() => ({SEEN})(document.querySelector('wasl-sheet').shadowRoot.querySelector('canvas')).red > .02"
    )
    # It stands after it came round.
    before = canvas.evaluate(SEEN)
    while (now := canvas.evaluate(SEEN)) != before:
        before = now
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        f"was => ({SEEN})(document.querySelector('wasl-sheet').shadowRoot.querySelector('canvas')).sum !== was",
        arg=before["sum"],
    )
    clean(page)
    page.keyboard.press("Escape")
    expect(page.locator("wasl-sheet")).to_have_count(0)


def test_a_model_and_a_set_of_pictures_are_looked_at(visit: Any, contexts: Any) -> None:
    here = visit("leila", "en")
    desk = here.tab("/all")
    customer = here.tab("/sandbox")
    mailbox = play(customer, "سلمى حداد", "salma-models@home.example")
    send_mail(customer, "خيمة للحديقة", "مرحبًا، هذه هي الخيمة التي أريدها، هل يمكنكم صنعها؟")
    letter = open_mail(customer, mailbox, "خيمة للحديقة")
    complaints: list[str] = []
    page = contexts(width=390, height=844, locale="ar").new_page()
    listen(page, complaints)
    page.goto(letter.locator("a[href*='/c/']").get_attribute("href"))

    files = [
        ("tent.glb", tent()), ("poster.png", picture(200)), ("one.png", picture(90)), ("two.png", picture(20)),
        ("packed.glb", tent("KHR_draco_mesh_compression")),
    ]  # fmt: skip
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream" if name.endswith("glb") else "image/png",
          "buffer": content} for name, content in files[:1] + files[4:] + files[1:4]]
    )  # fmt: skip
    page.fill("#portal-text", "النموذج والصور")
    page.locator(".portal-composer .primary").click()
    expect(page.locator("a[data-model='tent.glb'] img")).to_be_visible()
    assert (
        page.evaluate(
            "performance.getEntriesByType('resource').filter(e => e.name.includes('view/model')).length"
        )
        == 0
    )
    turned(page, "tent.glb")

    # What nobody can draw here says so, and can be kept.
    page.locator("a[data-model='packed.glb']").click()
    sheet = page.locator("wasl-sheet")
    expect(sheet.locator(".said p")).to_contain_text("مضغوط")
    expect(sheet.locator("a[download]")).to_be_visible()
    page.keyboard.press("Escape")

    # The other picture is its poster: one is left of three, so a second one makes the set.
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in files[2:4]]
    )
    page.fill("#portal-text", "صورتان")
    page.locator(".portal-composer .primary").click()
    pictures = page.locator("article.msg", has_text="صورتان").locator(".set > a")
    expect(pictures).to_have_count(2)
    pictures.first.click()
    expect(sheet.locator("h2")).to_have_text("one.png")
    page.keyboard.press("ArrowLeft")
    expect(sheet.locator("h2")).to_have_text("two.png")
    clean(page)
    page.keyboard.press("Escape")
    expect(pictures.first).to_be_focused()

    desk.locator("a.row", has_text="خيمة للحديقة").click()
    turned(desk, "tent.glb")
    assert complaints == []
    fine(here)
