"""Reading a JSON body strictly, and saying in plain words what is wrong with it and where."""

import re
from typing import Any, TypeVar

import msgspec

from wasl.kit.problem import Fault, Problem

T = TypeVar("T")

ANY: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder()

_TOO_DEEP = "The JSON is nested too deeply. Nothing here needs more than a few levels."


MAX_KEY = 255
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def check_type(content_type: str, content_encoding: str) -> None:
    """Raise Problem unless the headers announce plain JSON."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        said = f", not {kind[:60]}" if kind else ""
        raise Problem("wrong-type", f"Send JSON, with the header 'Content-Type: application/json'{said}.")
    if content_encoding.strip().lower() not in ("", "identity"):
        raise Problem("wrong-type", "Send the body as it is, not compressed.")


def check_key(header: str) -> str:
    """The Idempotency-Key of a request, '' without one. Raises Problem when it cannot be kept."""
    if header and (len(header) > MAX_KEY or not _KEY.fullmatch(header)):
        wrong = f"An Idempotency-Key has 1 to {MAX_KEY} plain characters (letters, digits, signs, no line breaks)."
        raise Problem("invalid", wrong, [Fault(wrong, parameter="Idempotency-Key")])
    return header


def invalid(detail: str, pointer: str) -> Problem:
    """The problem of one wrong place in a body."""
    where = "" if pointer == "#" else f" (at {pointer})"
    return Problem("invalid", detail + where, [Fault(detail, pointer)])


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """What the decoder makes of a body; raises Problem in words that help."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(*_explained(str(error))) from None
    except msgspec.DecodeError as error:
        raise Problem("not-json", _not_json(body, str(error))) from None
    except UnicodeDecodeError:
        raise Problem("not-json", "The body is not UTF-8. JSON between programs is always UTF-8.") from None
    except RecursionError:
        raise Problem("not-json", _TOO_DEEP) from None


def _not_json(body: bytes, said: str) -> str:
    if not body.strip():
        return "The body is empty. Send one JSON document."
    if body[:3] == b"\xef\xbb\xbf":
        return "The body starts with a byte order mark. Send it without one."
    if _LONE.search(body):
        return "The body holds half of a surrogate pair (such as \\ud800 alone), which is no character."
    return f"The body is not JSON: {said.removeprefix('JSON is malformed: ').lower()}."


_LONE = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F])"
)

_AT = re.compile(r"\A(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?\Z", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")
_WORDS = {
    "str": "text",
    "object": "an object",
    "array": "a list",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "datetime": "a time",
    "bytes": "Base64 text",
}


def _explained(said: str) -> tuple[str, str]:
    """A decoder's message as a sentence and a JSON Pointer (RFC 6901, as a fragment)."""
    found = _AT.match(said)
    what, path = (found["what"], found["path"] or "") if found else (said, "")
    pointer = "#" + "".join("/" + (name or index) for name, index in _STEP.findall(path))
    if name := re.match(r"Object contains unknown field `(.*)`\Z", what, re.DOTALL):
        return f"There is no field '{name[1][:100]}' here.", f"{pointer}/{_escaped(name[1][:100])}"
    if name := re.match(r"Object missing required field `(.*)`\Z", what):
        return f"The field '{name[1]}' is missing.", pointer
    return _sentence(what), pointer


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _sentence(what: str) -> str:
    if found := re.match(r"Expected `([^`]*)`, got `(\w+)`\Z", what):
        wanted = " or ".join(_WORDS.get(word, word) for word in found[1].split(" | "))
        return f"This must be {wanted}, not {_WORDS.get(found[2], found[2])}."
    if found := re.match(r"Expected `(\w+)` of length (<=|>=) (\d+)\Z", what):
        unit = "characters" if found[1] == "str" else "entries"
        return f"This must have {'at most' if found[2] == '<=' else 'at least'} {int(found[3]):,} {unit}."
    return _FIXED.get(what.partition(" matching")[0], what + ".")


_FIXED = {
    "Expected `datetime` with a timezone component": "This time needs an offset: end it with Z or +01:00.",
    "Invalid RFC3339 encoded datetime": "This must be a time such as 2026-03-01T09:30:00Z (RFC 3339).",
    "Invalid base64 encoded string": "This must be Base64 (RFC 4648, section 4), with its padding.",
    "Expected `str`": "This is not written the way it has to be; see the API's document.",
}


def refuse_nul(body: bytes) -> None:
    """Raise Problem when some text in a JSON body holds a NUL, which no text column can keep."""
    try:
        pointer = _nul_in(msgspec.json.decode(body), "#")
    except RecursionError:
        raise Problem("not-json", _TOO_DEEP) from None
    if pointer is not None:
        raise invalid("Text must not hold a NUL character (\\u0000).", pointer)


def _nul_in(value: Any, pointer: str) -> str | None:
    if isinstance(value, str):
        return pointer if "\0" in value else None
    if isinstance(value, dict):
        pairs = [(f"{pointer}/{_escaped(key)}", item) for key, item in value.items()]
        if bad := next((key for key in value if "\0" in key), None):
            return f"{pointer}/{_escaped(bad.replace(chr(0), ''))}"
    elif isinstance(value, list):
        pairs = [(f"{pointer}/{index}", item) for index, item in enumerate(value)]
    else:
        return None
    return next((found for place, item in pairs if (found := _nul_in(item, place))), None)
