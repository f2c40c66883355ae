"""3D models on a customer's page: what stands for them, who is given them, and what is not taken."""

import json
import struct
import time
from dataclasses import replace
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.portal.test_portal import KEY, address, answer, talk, unhurried
from tests.worlds import Shop
from wasl.conversations import drafts, loose
from wasl.conversations.loose import Loose
from wasl.conversations.models import Attachment, Conversation
from wasl.conversations.reply import Upload
from wasl.conversations.uploads import Unshowable
from wasl.kit.db import tenant
from wasl.kit.scenes import GLB, USDZ

__all__ = ["talk", "unhurried"]  # fixtures

USD = b"PK\x03\x04" + bytes(4) + bytes(18) + struct.pack("<HH", 10, 0) + b"chair.usdc" + b"PXR-USDC"


def glb(**more: object) -> bytes:
    said = json.dumps({"asset": {"version": "2.0"}} | more).encode()
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(said), len(said), b"JSON") + said


def test_a_model_stands_as_its_picture_and_is_given_as_what_it_is(
    shop: Shop, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, public_url="https://desk.example.com"))
    content = glb()
    answer(
        shop, talk, "La voici.", Upload("chair.glb", "application/octet-stream", content=content),
        Upload("front.png", "image/png", content=b"front"), Upload("chair.usdz", "", content=USD),
        Upload("back.png", "image/png", content=b"back"), Upload("side.png", "image/png", content=b"side"),
    )  # fmt: skip
    path = address(shop, talk)
    with tenant(shop.id):
        files = {row.filename: row for row in Attachment.objects.all()}
    assert (files["chair.glb"].content_type, files["chair.usdz"].content_type) == (GLB, USDZ)

    def shown(name: str) -> str:
        return f"{path}/files/{files[name].id}?show=1"

    page = Client().get(path).text
    model = page.partition('class="scene"')[2].partition("</a>")[0]
    assert f'data-drawn="{shown("chair.glb")}"' in model
    assert f'data-apple="{shown("chair.usdz")}"' in model
    assert f'src="{shown("front.png")}"' in model
    assert page.count('class="scene"') == 1
    pictures = page.partition('class="files set"')[2].partition("</div>")[0]
    assert [shown(name) in pictures for name in ("front.png", "back.png", "side.png")] == [False, True, True]
    apple = Client().get(shown("chair.usdz"))
    assert (apple.headers["Content-Type"], b"".join(apple)) == (USDZ, USD)
    apple.close()

    scene = model.partition('data-scene="https://desk.example.com')[2].partition('"')[0]
    given = Client().get(scene)
    assert (given.headers["Content-Type"], b"".join(given)) == (GLB, content)
    given.close()
    assert Client().get(scene.replace("/m/", "/m/A")).status_code == 404
    for other in (files["front.png"].id, uuid4()):
        token = loose.token(Loose(shop.id, other))
        assert Client().get(f"/m/{token}.glb").status_code == 404


def test_the_link_to_one_model_ends_by_itself() -> None:
    one, at = Loose(uuid4(), uuid4()), time.time()
    token = loose.token(one, at)
    assert loose.read(token, at + loose.DAY) == one
    assert loose.read(token, at + 2 * loose.DAY + 1) is None
    assert loose.read(token[:-1] + ("A" if token[-1] != "A" else "B"), at) is None
    assert loose.read("é", at) is None


def test_a_model_that_leaves_out_parts_of_itself_is_refused_where_it_is_sent(
    shop: Shop, talk: Conversation
) -> None:
    outside = glb(images=[{"uri": "wood.png"}])
    said = Client().post(
        f"{address(shop, talk)}/write",
        {"key": KEY, "text": "", "files": [SimpleUploadedFile("chair.glb", outside, GLB)]},
    )
    assert said.status_code == 422
    assert "GLB" in said.text
    with tenant(shop.id), pytest.raises(Unshowable, match="model_outside"):
        drafts.add_file(shop.actor(), talk.id, "out", Upload("chair.glb", "", content=outside), key=uuid4())


def test_the_viewer_speaks_four_languages_to_any_page() -> None:
    said = {code: Client().get(f"/view/words?lang={code}") for code in ("ar", "fr", "it", "en", "xx")}
    assert len({response.json()["help"] for response in said.values()}) == 4
    assert {response.headers["Access-Control-Allow-Origin"] for response in said.values()} == {"*"}
