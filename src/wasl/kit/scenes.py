"""Recognising 3D models by their bytes: glTF 2.0 (binary or JSON) and USDZ. Pure.

Only what holds everything in itself can be shown to somebody else: a glTF that names files beside it is recognised, and
has a fault. Sources: glTF 2.0 (ISO/IEC 12113), sections 3.6, 4.4; the USDZ specification: a zip archive without
compression whose first file is a USD layer.
"""

import json
import struct
from dataclasses import dataclass
from typing import IO, Any, Literal

GLB = "model/gltf-binary"
GLTF = "model/gltf+json"
USDZ = "model/vnd.usdz+zip"
MODELS = frozenset({GLB, GLTF, USDZ})
DRAWN = frozenset({GLB, GLTF})
"""What our own viewer draws; a USDZ is for Apple's."""

Fault = Literal["", "model_outside", "model_broken"]

_HEAD = 64 * 1024
_JSON = 8_000_000
"""Bytes of a description (without its numbers) and of a glTF as text, at most."""
_TEXT = 40_000_000


@dataclass(frozen=True, slots=True)
class Scene:
    """A 3D model: its content type, and what keeps it from being shown."""

    content_type: str
    fault: Fault = ""


def recognise(source: IO[bytes], filename: str = "", claimed: str = "") -> Scene | None:
    """What these bytes are; None for anything but a model. A glTF as text is looked for only where the name or the
    claimed type says so: any other JSON may be long."""
    head = source.read(_HEAD)
    if head[:4] == b"glTF":
        return _binary(head, source)
    if head[:4] == b"PK\x03\x04":
        return Scene(USDZ) if _is_usdz(head) else None
    if filename.lower().endswith(".gltf") or claimed == GLTF:
        return _text(head + source.read(_TEXT))
    return None


def kind(source: IO[bytes], filename: str, claimed: str) -> str:
    """The content type to keep: the model's where it is one that can be shown; never a model's for what is none."""
    found = recognise(source, filename, claimed)
    if found is not None and not found.fault:
        return found.content_type
    return "application/octet-stream" if claimed in MODELS else claimed


def _binary(head: bytes, source: IO[bytes]) -> Scene:
    """12 bytes of header, then chunks of length, type and bytes; the first is the description."""
    if len(head) < 20:
        return Scene(GLB, "model_broken")
    _, version, _, length, chunk = struct.unpack_from("<4sIII4s", head)
    if version != 2 or chunk != b"JSON" or length > _JSON:
        return Scene(GLB, "model_broken")
    said = head[20 : 20 + length]
    return _described(said + source.read(length - len(said)), GLB)


def _text(content: bytes) -> Scene:
    return _described(content, GLTF)


def _described(said: bytes, content_type: str) -> Scene:
    try:
        about = json.loads(said.rstrip(b"\x00 "))
        buffers, images = _list(about, "buffers"), _list(about, "images")
        version = str(about["asset"]["version"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Scene(content_type, "model_broken")
    if not version.startswith("2."):
        return Scene(content_type, "model_broken")
    addresses = [str(each["uri"]) for each in (*buffers, *images) if each.get("uri") is not None]
    if any(not address.startswith("data:") for address in addresses):
        return Scene(content_type, "model_outside")
    bare = [place for place, each in enumerate(buffers) if each.get("uri") is None]
    if bare and (content_type != GLB or bare != [0]):
        return Scene(content_type, "model_broken")
    return Scene(content_type)


def _list(about: Any, name: str) -> list[dict[str, Any]]:
    found = about.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise TypeError(name)
    return found


def _is_usdz(head: bytes) -> bool:
    """The first local file header (APPNOTE 4.3.7): stored, and named as a USD layer."""
    if len(head) < 30:
        return False
    method, length = struct.unpack_from("<H", head, 8)[0], struct.unpack_from("<H", head, 26)[0]
    name = head[30 : 30 + length].lower()
    return method == 0 and name.endswith((b".usd", b".usda", b".usdc"))
