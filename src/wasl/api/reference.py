"""The API's document, as JSON and as a page to read. Both are open to everyone: they say nothing of anyone's data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from markupsafe import Markup, escape

from wasl.api.document import document, encoded

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Type:
    """How a type is written: words, and the structure it leads to ('' for none)."""

    words: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a structure, or one parameter."""

    name: str
    type: Type
    required: bool
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Structure:
    """A named structure and its fields."""

    name: str
    text: str
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class Answer:
    """One way in which an operation may be answered."""

    status: str
    text: str
    type: Type | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked for."""

    id: str
    method: str
    path: str
    title: str
    text: str
    parameters: list[Field]
    body: Type | None
    answers: list[Answer]


@require_safe
def json(_request: HttpRequest) -> HttpResponse:
    """The document for programs."""
    response = HttpResponse(encoded(), content_type="application/json")
    response.headers["Cache-Control"] = "no-cache"
    return response


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The document for people."""
    found = document()
    return render(
        request,
        "reference.html",
        {
            "introduction": found["info"]["description"].split("\n\n"),
            "chapters": _chapters(),
            "structures": _structures(),
            "words": _marked,
        },
    )


def _marked(text: str) -> Markup:
    """Text with what stands between backticks as code."""
    # As plain text: what is put together from a Markup is escaped once more.
    escaped = str(escape(text))
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", escaped))  # noqa: S704 - escaped before


@cache
def _chapters() -> list[tuple[str, str, list[Operation]]]:
    """Operations by tag, in the document's order."""
    found = document()
    by_tag: dict[str, list[Operation]] = {tag["name"]: [] for tag in found["tags"]}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_operation(path, method, operation))
    return [(tag["name"], tag["description"], by_tag[tag["name"]]) for tag in found["tags"]]


def _operation(path: str, method: str, said: Json) -> Operation:
    body = said.get("requestBody")
    return Operation(
        id=said["operationId"],
        method=method.upper(),
        path=path,
        title=said["summary"],
        text=said.get("description", ""),
        parameters=[_parameter(one) for one in said.get("parameters", [])],
        body=_type(_content(body)) if body else None,
        answers=[_answer(status, one) for status, one in said["responses"].items() if status != "default"],
    )


def _parameter(said: Json) -> Field:
    text = said.get("description") or said["schema"].get("description", "")
    kind = _type(said["schema"])
    # Leaving it out is the only way to say null in an address.
    kind = Type(kind.words.removesuffix(" or null"), kind.link)
    return Field(said["name"], kind, said.get("required", False), text, said["in"])


def _answer(status: str, said: Json) -> Answer:
    content = _content(said)
    text = "" if said["description"] == "OK" else said["description"]
    return Answer(str(status), text, _type(content) if content else None)


def _content(said: Json) -> Json:
    for media in said.get("content", {}).values():
        found: Json = media.get("schema", {})
        return found
    return {}


@cache
def _structures() -> list[Structure]:
    """Every structure, by name."""
    schemas = document()["components"]["schemas"]
    return [
        Structure(name, _first_words(said), list(_fields(said)))
        for name, said in sorted(schemas.items())
        if "properties" in said
    ]


def _first_words(said: Json) -> str:
    return " ".join(said.get("description", "").split())


def _fields(said: Json) -> Iterator[Field]:
    required = said.get("required", ())
    for name, one in said["properties"].items():
        yield Field(name, _type(one), name in required, one.get("description", ""))


_FORMATS = {"uuid": "id", "date-time": "time"}
_NAMES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
}


def _type(said: Json) -> Type:
    """A schema in a word or two."""
    if reference := said.get("$ref"):
        name = reference.rpartition("/")[2]
        return Type(name, name)
    if choices := said.get("enum") or ([said["const"]] if "const" in said else None):
        return Type(" · ".join(map(str, choices)))
    for several in ("anyOf", "oneOf", "allOf"):
        if several in said:
            types = [_type(one) for one in said[several]]
            return Type(" or ".join(one.words for one in types), next((t.link for t in types if t.link), ""))
    if said.get("type") == "array":
        inner = _type(said.get("items", {}))
        return Type(f"list of {inner.words}", inner.link)
    if said.get("contentEncoding") == "base64":
        return Type("Base64 text")
    word = _FORMATS.get(said.get("format", "")) or _NAMES.get(said.get("type", ""), "object")
    return Type(word + _bounds(said))


def _bounds(said: Json) -> str:
    most = said.get("maxLength") or said.get("maximum")
    return f", at most {most:,}" if most and most < 2**31 else ""
