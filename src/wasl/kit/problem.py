"""Errors of the API as people and programs can use them: application/problem+json (RFC 9457).

One table says what can go wrong; `Problem` is one such thing having gone wrong, raised anywhere under /api and turned
into an answer at its edge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

CONTENT_TYPE = "application/problem+json"
PLACE = "/api/v1/problems/"


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table: `slug` ends the type's address, `help` is the text found there."""

    slug: str
    status: int
    title: str
    help: str


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong with a request: where (a JSON Pointer into the body, or a parameter's name), and what."""

    detail: str
    pointer: str = ""
    parameter: str = ""


_KINDS = (
    Kind(
        "bad-request",
        400,
        "The request could not be understood",
        "Something about the request itself is wrong: its headers, or its host name. The detail says what.",
    ),
    Kind(
        "not-json",
        400,
        "The body is not JSON",
        "The body must be one JSON document in UTF-8, no deeper than a message needs. Half of a surrogate pair"
        " (\\ud800 without its other half) is not text, and so not JSON that can be kept.",
    ),
    Kind(
        "no-token",
        401,
        "A token is needed",
        "Send the header 'Authorization: Bearer wasl_…' with a token that an administrator made for you and that has"
        " not been revoked.",
    ),
    Kind(
        "not-signed",
        401,
        "The signature is missing or wrong",
        "A webhook is signed by the provider over its very bytes. Compare the provider's secret with the one that the"
        " inbox has.",
    ),
    Kind(
        "not-allowed", 403, "The token may not do this", "Ask an administrator for a token with a wider role."
    ),
    Kind(
        "not-found",
        404,
        "There is no such thing",
        "Nothing at this address that your token may see. What belongs to another workspace, or to an inbox that is"
        " closed to your token, is answered in the same way.",
    ),
    Kind(
        "wrong-method", 405, "This address does not take that method", "The header Allow says which it takes."
    ),
    Kind(
        "too-slow",
        408,
        "The request took too long to arrive",
        "The body must arrive within the time the server allows. Send less at once, or try again on a better line.",
    ),
    Kind(
        "busy",
        409,
        "The same request is still being worked on",
        "Another request with the same Idempotency-Key has not been answered yet. Wait as long as the header"
        " Retry-After says, then send the request again: it gets the answer of the first one.",
    ),
    Kind(
        "conflict",
        409,
        "This cannot be done as things stand",
        "The request is right in itself, but not in the present state of what it is about. The detail says why.",
    ),
    Kind(
        "taken-over",
        409,
        "An agent has taken this conversation over",
        "Somebody answers the customer in person, and programs send nothing here until the conversation is handed back"
        " or resolved. The webhooks 'conversation.taken_over' and 'conversation.handed_back' tell of both.",
    ),
    Kind("too-large", 413, "The request is too large", "The detail says how large it may be."),
    Kind(
        "wrong-type",
        415,
        "The body is not of a type that is understood here",
        "Send the body as it is (not compressed), with the header 'Content-Type: application/json'.",
    ),
    Kind(
        "invalid",
        422,
        "Something in the request is not as expected",
        "The list 'errors' says what is wrong and where: 'pointer' is a JSON Pointer into the body you sent,"
        " 'parameter' the name of a parameter of the address or of a header.",
    ),
    Kind(
        "key-reused",
        422,
        "The key was used before, for something else",
        "An Idempotency-Key, or the id of a message, stands for one request. It came before with another body. Take"
        " a new key for a new request.",
    ),
    Kind(
        "too-many",
        429,
        "Too many requests",
        "Your token has used up its share for the moment. Wait as long as the header Retry-After says. Messages go in"
        " faster in batches of up to 100.",
    ),
    Kind(
        "broken",
        500,
        "Something went wrong on our side",
        "It has been written to the server's log. Nothing was changed. Send the request again with the same"
        " Idempotency-Key; if it goes wrong again, tell whoever runs this server, with the time.",
    ),
    Kind(
        "not-now",
        503,
        "This cannot be answered just now",
        "The database is starting or out of reach. Nothing was accepted. Send the same request again, with the same"
        " Idempotency-Key, after as long as the header Retry-After says.",
    ),
)
KINDS: Mapping[str, Kind] = MappingProxyType({kind.slug: kind for kind in _KINDS})
BY_STATUS: Mapping[int, Kind] = MappingProxyType({kind.status: kind for kind in reversed(_KINDS)})
"""The general kind of each status (the first in the table)."""


class Body(msgspec.Struct, omit_defaults=True):
    """The JSON of a problem."""

    type: str
    title: str
    status: int
    detail: str
    errors: Sequence[Fault] = ()


class Problem(Exception):
    """A request is answered with a problem. `detail` says in plain words what was wrong and what to do."""

    def __init__(
        self, slug: str, detail: str, errors: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(slug, detail)
        self.kind = KINDS[slug]
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.kind.status

    def content(self) -> Body:
        """What the answer says, to be nested in another answer or encoded."""
        return Body(PLACE + self.kind.slug, self.kind.title, self.status, self.detail, self.errors)

    def body(self) -> bytes:
        """The answer's bytes."""
        return msgspec.json.encode(self.content())


def for_status(status: int, detail: str = "") -> Problem:
    """The general problem of a status that someone else decided on."""
    kind = BY_STATUS.get(status) or BY_STATUS[500 if status >= 500 else 400]
    return Problem(kind.slug, detail or kind.help)
