"""What a file that somebody sends along is, by its bytes where it may be a 3D model."""

from io import BytesIO
from pathlib import Path
from typing import IO, Protocol

from wasl.kit import scenes


class Upload(Protocol):
    """A file that was brought: its bytes lie at `path` or are `content`; with a `digest` they were looked at before."""

    @property
    def filename(self) -> str:
        """As it was named."""

    @property
    def content_type(self) -> str:
        """As it was brought."""

    @property
    def path(self) -> Path | None:
        """Where it lies."""

    @property
    def content(self) -> bytes:
        """Or the bytes themselves."""

    @property
    def digest(self) -> bytes:
        """Or the name it is stored under."""


class Unshowable(Exception):
    """A 3D model that nobody else could be shown: model_outside (it names files beside it), model_broken."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def kind(upload: Upload) -> str:
    """The content type to keep."""
    if upload.digest:
        return upload.content_type
    with _opened(upload) as source:
        return scenes.kind(source, upload.filename, upload.content_type)


def checked(upload: Upload) -> str:
    """The same, of what somebody is about to send. Raises Unshowable."""
    with _opened(upload) as source:
        found = scenes.recognise(source, upload.filename, upload.content_type)
    if found and found.fault:
        raise Unshowable(found.fault)
    return found.content_type if found else upload.content_type


def _opened(upload: Upload) -> IO[bytes]:
    return upload.path.open("rb") if upload.path else BytesIO(upload.content)
