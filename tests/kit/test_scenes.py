"""3D models are known by their bytes, and what cannot be shown to somebody else has a fault."""

import json
import struct
import zipfile
from io import BytesIO
from typing import Any

import pytest

from wasl.kit.scenes import GLB, GLTF, USDZ, Scene, kind, recognise

ASSET = {"asset": {"version": "2.0"}}
INSIDE = {"buffers": [{"byteLength": 3, "uri": "data:application/octet-stream;base64,AAAA"}]}
OUTSIDE = {"buffers": [{"byteLength": 3, "uri": "chair.bin"}]}


def glb(about: dict[str, Any], version: int = 2) -> bytes:
    said = json.dumps(about).encode()
    said += b" " * (-len(said) % 4)
    return struct.pack("<4sIII4s", b"glTF", version, 20 + len(said), len(said), b"JSON") + said


def gltf(about: dict[str, Any]) -> bytes:
    return json.dumps(about).encode()


def archive(name: str, method: int) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", method) as into:
        into.writestr(name, b"#usda 1.0\n" * 20)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "found"),
    [
        (glb(ASSET | {"buffers": [{"byteLength": 4}]}), "anything", Scene(GLB)),
        (
            glb(ASSET | {"images": [{"uri": "http://else.example/a.png"}]}),
            "a.glb",
            Scene(GLB, "model_outside"),
        ),
        (glb(ASSET | {"buffers": [{}, {}]}), "a.glb", Scene(GLB, "model_broken")),
        (glb(ASSET, version=1), "a.glb", Scene(GLB, "model_broken")),
        (glb(ASSET)[:15], "a.glb", Scene(GLB, "model_broken")),
        (gltf(ASSET | INSIDE), "a.gltf", Scene(GLTF)),
        (gltf(ASSET | INSIDE), "a.json", None),
        (gltf(ASSET | OUTSIDE), "A.GLTF", Scene(GLTF, "model_outside")),
        (gltf({"asset": {"version": "1.0"}}), "a.gltf", Scene(GLTF, "model_broken")),
        (b"[" * 100_000, "a.gltf", Scene(GLTF, "model_broken")),
        (archive("scene.usdc", zipfile.ZIP_STORED), "a.bin", Scene(USDZ)),
        (archive("scene.usda", zipfile.ZIP_DEFLATED), "a.usdz", None),
        (archive("letter.txt", zipfile.ZIP_STORED), "a.usdz", None),
        (b"%PDF-1.7", "a.glb", None),
    ],
)
def test_a_model_is_known_by_its_bytes(content: bytes, name: str, found: Scene | None) -> None:
    assert recognise(BytesIO(content), name) == found


def test_nothing_is_kept_as_a_model_that_is_none() -> None:
    assert kind(BytesIO(b"<html>"), "a.glb", GLB) == "application/octet-stream"
    assert kind(BytesIO(glb(ASSET)), "a.glb", "application/octet-stream") == GLB
    assert kind(BytesIO(b"%PDF-1.7"), "a.pdf", "application/pdf") == "application/pdf"
