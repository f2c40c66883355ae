"""What may be posted into an API inbox, its limits, and what is said about it when it is not that.

The same structures check the request at the door, are what lies in the raw store, and make the API's document.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from wasl.kit.jsonbody import decode, invalid, refuse_nul
from wasl.kit.problem import Body, Problem

MAX_TEXT = 100_000
MAX_HTML = 1_000_000
MAX_FILES = 20
MAX_FILE_BYTES = 25_000_000
MAX_BATCH = 100

_TAG = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,7}$"
_TYPE = r"^[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}$"


class Sender(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Who wrote. One address is one customer."""

    address: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=320,
            description="What tells this person apart in your system: an account number, a phone number, an e-mail"
            " address. Always the same for the same person.",
            examples=["customer-1042"],
        ),
    ]
    name: Annotated[str, Meta(max_length=200, description="The name, as the person writes it.")] = ""


class File(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A file that came with the message."""

    filename: Annotated[str, Meta(min_length=1, max_length=255)]
    content: Annotated[bytes, Meta(description="The file's bytes in Base64 (RFC 4648, section 4).")]
    content_type: Annotated[str, Meta(pattern=_TYPE, description="Media type, such as image/jpeg.")] = (
        "application/octet-stream"
    )


class Incoming(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One message of a customer."""

    sender: Annotated[Sender, Meta(description="Who wrote.")] = msgspec.field(name="from")
    text: Annotated[
        str,
        Meta(
            max_length=MAX_TEXT,
            description="What they wrote, as plain text. It may be empty only when there are attachments.",
            examples=["Has my parcel left yet?"],
        ),
    ]
    id: Annotated[
        str,
        Meta(
            max_length=200,
            description="Your own id of the message. A second message with the same id in the same inbox is answered"
            " like the first and not stored again; with another content it is refused.",
        ),
    ] = ""
    subject: Annotated[str, Meta(max_length=1_000)] = ""
    html: Annotated[
        str,
        Meta(
            max_length=MAX_HTML, description="The same with its formatting; scripts and styles are taken out."
        ),
    ] = ""
    thread: Annotated[
        str,
        Meta(
            max_length=200,
            description="Your own id of the conversation. Messages of one sender with the same thread end up in one"
            " conversation.",
        ),
    ] = ""
    sent_at: (
        Annotated[datetime, Meta(tz=True, description="When they wrote it, with an offset (RFC 3339).")]
        | None
    ) = None
    language: Annotated[
        str,
        Meta(pattern=_TAG + "|^$", description="Language tag (BCP 47), such as ar or fr-CA, if you know it."),
    ] = ""
    attachments: Annotated[list[File], Meta(max_length=MAX_FILES)] = []


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """Up to 100 messages, each of which is answered on its own."""

    messages: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_BATCH)]


class WholeBatch(msgspec.Struct, forbid_unknown_fields=True):
    """The same, read in one go when every message is right."""

    messages: Annotated[list[Incoming], Meta(min_length=1, max_length=MAX_BATCH)]


class Accepted(msgspec.Struct, tag_field="status", tag="accepted"):
    """The message is stored for good. It is on the customer's timeline a moment later."""

    id: Annotated[str, Meta(description="The message's id: ask for it at /api/v1/messages/{id}.")]


class Refused(msgspec.Struct, tag_field="status", tag="refused"):
    """A message of a batch that was not taken, and why; pointers lead into that message."""

    problem: Body


class Results(msgspec.Struct):
    """What became of each message of a batch, in their order."""

    results: list[Accepted | Refused]


_one = msgspec.json.Decoder(Incoming)
_batch = msgspec.json.Decoder(Batch)
_whole = msgspec.json.Decoder(WholeBatch)
encode = msgspec.json.Encoder().encode


def read_one(body: bytes) -> Incoming:
    """The message in a request body. Raises Problem."""
    message = decode(_one, body)
    if b"\\u0000" in body:
        refuse_nul(body)
    check(message)
    return message


def read_batch(body: bytes) -> list[Incoming | Problem]:
    """The messages of a batch, and for those that cannot be taken the reason. Raises Problem for the whole."""
    try:
        return (
            [_checked(item) for item in _whole.decode(body).messages]
            if b"\\u0000" not in body
            else _singly(body)
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _singly(body)


def _singly(body: bytes) -> list[Incoming | Problem]:
    """Slower, message by message: something in this batch is wrong."""
    answers: list[Incoming | Problem] = []
    for item in decode(_batch, body).messages:
        try:
            answers.append(read_one(bytes(item)))
        except Problem as problem:
            answers.append(problem)
    return answers


def _checked(message: Incoming) -> Incoming | Problem:
    try:
        check(message)
    except Problem as problem:
        return problem
    return message


def check(message: Incoming) -> None:
    """What a schema cannot say. Raises Problem."""
    if not message.sender.address.strip():
        raise invalid("This must not be blank: it tells your customers apart.", "#/from/address")
    files = message.attachments
    if files:
        if sum(len(file.content) for file in files) > MAX_FILE_BYTES:
            raise Problem(
                "too-large", f"The attachments of one message may have {MAX_FILE_BYTES // 10**6} MB in all."
            )
    elif not message.text.strip():
        raise invalid("A message without attachments needs a text.", "#/text")
