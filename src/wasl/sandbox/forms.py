"""Posted forms, as they come to stand-ins: application/x-www-form-urlencoded and multipart/form-data (RFC 7578)."""

from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Posted:
    """A file of a form."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """What was posted, by field; of a field that comes several times, everything in `every`."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, Posted] = field(default_factory=dict)
    every: list[tuple[str, str]] = field(default_factory=list)


async def read(request: Request) -> Form:
    """The form of a request; an empty one when there is none."""
    kind, body = request.headers.get("content-type", ""), await request.body()
    if not kind.lower().startswith("multipart/form-data"):
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        return Form(dict(pairs), {}, pairs)
    mail = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    form = Form()
    for part in mail.iter_parts():
        name = str(part.get_param("name", "", "content-disposition"))
        found = part.get_payload(decode=True)
        content = found if isinstance(found, bytes) else b""
        if filename := part.get_filename():
            form.files[name] = Posted(str(filename), part.get_content_type(), content)
        else:
            form.fields[name] = content.decode("utf-8", "replace")
            form.every.append((name, form.fields[name]))
    return form
