"""Content-addressed storage: bytes under their SHA-256, on disk or in an S3-compatible bucket.

Each workspace has its own space, so that the same file in two workspaces is two blobs and erasing one leaves the
other. A blob is written once, durably, before the row that speaks of it is committed.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from wasl.kit import durable

CHUNK = 256 * 1024


class MissingBlob(Exception):
    """The store does not hold these bytes."""


class Store(Protocol):
    """Where blobs lie. `digest` is the raw 32-byte SHA-256."""

    def put(self, workspace: UUID, digest: bytes, content: bytes) -> None: ...

    def put_file(self, workspace: UUID, digest: bytes, path: Path) -> None: ...

    def open(self, workspace: UUID, digest: bytes) -> IO[bytes]: ...

    def delete(self, workspace: UUID, digest: bytes) -> None: ...


class DiskStore:
    """Files under `root/<workspace>/<first two hex digits>/<digest>`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, workspace: UUID, digest: bytes) -> Path:
        name = digest.hex()
        return self.root / workspace.hex / name[:2] / name

    def put(self, workspace: UUID, digest: bytes, content: bytes) -> None:
        self._write(self._path(workspace, digest), iter((content,)))

    def put_file(self, workspace: UUID, digest: bytes, path: Path) -> None:
        with path.open("rb") as source:
            self._write(self._path(workspace, digest), iter(lambda: source.read(CHUNK), b""))

    def _write(self, target: Path, chunks: Iterator[bytes]) -> None:
        # One that is there may be another process's, who has not synced its name yet.
        if not target.exists():
            self._make(target, chunks)
        durable.sync(target.parent, target.parent.parent, self.root, self.root.parent)

    def _make(self, target: Path, chunks: Iterator[bytes]) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            with aside.open("xb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
        finally:
            with suppress(FileNotFoundError):
                aside.unlink()

    def open(self, workspace: UUID, digest: bytes) -> IO[bytes]:
        try:
            return self._path(workspace, digest).open("rb")
        except FileNotFoundError as error:
            raise MissingBlob(digest.hex()) from error

    def delete(self, workspace: UUID, digest: bytes) -> None:
        self._path(workspace, digest).unlink(missing_ok=True)


class S3Store:
    """Objects under `prefix/<workspace>/<digest>` in a bucket (needs the extra `wasl[s3]`)."""

    def __init__(self, bucket: str, prefix: str, **client: Any) -> None:
        import boto3  # kept out of processes that store on disk: 30 MB
        from botocore.config import Config

        options = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 4, "mode": "standard"})
        self._client = boto3.client("s3", config=options, **client)
        self._bucket = bucket
        self._prefix = prefix.strip("/")

    def _key(self, workspace: UUID, digest: bytes) -> str:
        return "/".join(filter(None, (self._prefix, workspace.hex, digest.hex())))

    def put(self, workspace: UUID, digest: bytes, content: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=self._key(workspace, digest), Body=content)

    def put_file(self, workspace: UUID, digest: bytes, path: Path) -> None:
        with path.open("rb") as source:
            self._client.put_object(Bucket=self._bucket, Key=self._key(workspace, digest), Body=source)

    def open(self, workspace: UUID, digest: bytes) -> IO[bytes]:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(workspace, digest))
        except self._client.exceptions.NoSuchKey as error:
            raise MissingBlob(digest.hex()) from error
        return answer["Body"]  # type: ignore[no-any-return]

    def delete(self, workspace: UUID, digest: bytes) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=self._key(workspace, digest))


@cache
def store() -> Store:
    """The store that the settings name."""
    env = settings.ENV
    if not env.blob_store.startswith("s3://"):
        return DiskStore(Path(env.blob_store))
    place = urlsplit(env.blob_store)
    return S3Store(
        place.netloc,
        place.path,
        endpoint_url=env.s3_endpoint or None,
        region_name=env.s3_region,
        aws_access_key_id=env.s3_access_key or None,
        aws_secret_access_key=env.s3_secret_key or None,
    )


def put(workspace: UUID, content: bytes) -> bytes:
    """Store bytes durably; their digest."""
    digest = hashlib.sha256(content).digest()
    store().put(workspace, digest, content)
    return digest


def put_file(workspace: UUID, path: Path) -> tuple[bytes, int]:
    """Store a file durably without holding it in memory; its digest and size."""
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").digest()
    store().put_file(workspace, digest, path)
    return digest, path.stat().st_size


def put_stream(workspace: UUID, source: IO[bytes]) -> tuple[bytes, int]:
    """Store what a file object holds from where it stands, in pieces; digest and size."""
    with tempfile.NamedTemporaryFile(dir=settings.ENV.run_dir) as copy:
        digest, size = hashlib.sha256(), 0
        while piece := source.read(CHUNK):
            digest.update(piece)
            size += len(piece)
            copy.write(piece)
        copy.flush()
        store().put_file(workspace, digest.digest(), Path(copy.name))
    return digest.digest(), size


def read(workspace: UUID, digest: bytes) -> bytes:
    """The bytes of a blob. Raises MissingBlob."""
    with store().open(workspace, digest) as source:
        return source.read()


def stream(workspace: UUID, digest: bytes) -> Iterator[bytes]:
    """The bytes of a blob in pieces of 256 kB. Raises MissingBlob at once, not at the first piece."""
    source = store().open(workspace, digest)

    def pieces() -> Iterator[bytes]:
        with source:
            while piece := source.read(CHUNK):
                yield piece

    return pieces()
