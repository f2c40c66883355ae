"""The API as one OpenAPI 3.1 document: the native doors and the Django part together."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

import wasl.kit.problem as problems
from wasl.api.surface import api
from wasl.channels.api.schemas import Incoming, Results, WholeBatch

PREFIX = "/api/v1/"
_REF = "#/components/schemas/{name}"
_JSON = "application/json"

_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of your own, up to 255 plain characters. The same request under the same key is done"
    " once; see the introduction.",
    "schema": {"type": "string", "maxLength": 255},
}
_INBOX = {
    "name": "inbox",
    "in": "path",
    "required": True,
    "description": "The inbox's address, such as forms, or its id.",
    "schema": {"type": "string"},
}
_TAGS = [
    {
        "name": "Incoming",
        "description": "Hand in what customers wrote elsewhere: in a form, an app, another system.",
    },
    {"name": "Conversations", "description": "Read, answer, assign and resolve."},
    {"name": "Messages", "description": "Where a message stands, and its files."},
    {"name": "Customers", "description": "Who they are, and everything that happened with them."},
    {
        "name": "Orders",
        "description": "What customers bought, as your shop tells it, shown beside what they write.",
    },
    {"name": "Calls", "description": "When a customer can be called back, and promising it."},
    {"name": "Webhooks", "description": "Be called when something happens, signed, until you have it."},
    {"name": "Proofs", "description": "That nothing was changed afterwards, to be verified without us."},
]


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    found: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=PREFIX))
    found["tags"] = _TAGS
    found["security"] = [{"token": []}]
    found["servers"] = [{"url": "/"}]
    found["paths"] = {**_doors(), **found["paths"]}
    components = found["components"]
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that an administrator made: wasl_…",
        }
    }
    components["schemas"] |= _schemas()
    components["responses"] = {
        "Problem": {"description": "Why it did not work.", "content": {problems.CONTENT_TYPE: _of("Problem")}}
    }
    for method, operation in _operations(found):
        operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
        if method in ("post", "patch"):
            operation.setdefault("parameters", []).append(_KEY)
    return found


def encoded() -> bytes:
    """The document's bytes."""
    return msgspec.json.encode(document())


def _operations(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for methods in found["paths"].values():
        yield from methods.items()


def _of(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": _REF.format(name=name)}}


def _schemas() -> dict[str, Any]:
    """What the doors speak, from the structures that they check with."""
    types = (Incoming, WholeBatch, Results, problems.Body)
    _, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    renamed = {"Body": "Problem", "File": "IncomingFile", "WholeBatch": "Batch"}
    text = msgspec.json.encode({renamed.get(name, name): schema for name, schema in schemas.items()})
    for old, new in renamed.items():
        text = text.replace(f'"{_REF.format(name=old)}"'.encode(), f'"{_REF.format(name=new)}"'.encode())
    found: dict[str, Any] = msgspec.json.decode(text)
    return found


def _doors() -> dict[str, Any]:
    """The paths that the native door answers (`doors/api.py`)."""
    return {
        f"{PREFIX}inboxes/{{inbox}}/messages": {
            "post": {
                "operationId": "take_message",
                "tags": ["Incoming"],
                "summary": "Hand in a message",
                "description": "The message is stored for good before it is accepted; it is on the customer's"
                " timeline a moment later. Without `thread`, messages of one sender join their open conversation of"
                " the same day.",
                "parameters": [_INBOX],
                "requestBody": {"required": True, "content": {_JSON: _of("Incoming")}},
                "responses": {"202": _taken("Accepted", "Stored. `Location` leads to the message.")},
            }
        },
        f"{PREFIX}inboxes/{{inbox}}/messages/batch": {
            "post": {
                "operationId": "take_batch",
                "tags": ["Incoming"],
                "summary": "Hand in up to 100 messages",
                "description": "Much faster than one at a time. Each message is taken or refused on its own; one"
                " without an `id` goes by the Idempotency-Key and its place in the list.",
                "parameters": [_INBOX],
                "requestBody": {"required": True, "content": {_JSON: _of("Batch")}},
                "responses": {
                    "202": _taken("Results", "Every message was taken."),
                    "207": _taken("Results", "Some messages were refused; look at each."),
                },
            }
        },
    }


def _taken(schema: str, description: str) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: _of(schema)}}
