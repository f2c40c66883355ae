"""Opening what `backup.py` wrote: rows as COPY takes them, and files."""

import hashlib
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wasl.kit import blobs
from wasl.kit.archive import Damaged
from wasl.timeline.ring import Ring

unpack = msgspec.msgpack.decode


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as the archive has it."""

    table: str
    columns: tuple[str, ...]
    sealed: tuple[str, ...]
    blank: bytes | None
    """The sealed columns of somebody who was erased; None when such a row is left out."""

    @classmethod
    def of(cls, payload: bytes) -> "Shape":
        """From the payload of a T frame."""
        found = unpack(payload)
        blank = "\t".join(found["blanks"]).encode() if found["blanks"] else None
        return cls(found["table"], tuple(found["columns"]), tuple(found["sealed"]), blank)


@dataclass
class Opener:
    """Opens what belongs to customers, as far as the ring goes. `erased`: who is no longer in it, by workspace."""

    archive_id: bytes
    rings: Mapping[UUID, Ring]
    erased: dict[UUID, set[UUID]] = field(default_factory=dict)

    def _cipher(self, workspace: bytes, customer: bytes) -> AESGCM | None:
        ring = self.rings.get(UUID(bytes=workspace))
        key = ring.key(UUID(bytes=customer)) if ring else None
        return AESGCM(key) if key else None

    def _open(self, cipher: AESGCM, sealed: bytes) -> bytes:
        try:
            return cipher.decrypt(sealed[:12], sealed[12:], self.archive_id)
        except InvalidTag as error:
            raise Damaged("the key file does not fit this backup: a customer's key does not open") from error

    def lines(self, shape: Shape, payload: bytes) -> Iterator[bytes]:
        """The lines of an R frame, each with its newline."""
        clear, groups, whose = unpack(payload)
        if not groups:
            yield clear + b"\n"
            return
        parts = [self._parts(shape, *each) for each in whose]
        for line, group in zip(clear.split(b"\n"), groups, strict=True):
            if group < 0:
                yield line + b"\n"
                continue
            found = parts[group]
            rest = next(found) if found else shape.blank
            if rest is not None:
                yield (line + b"\t" + rest if shape.columns else rest) + b"\n"

    def _parts(
        self, shape: Shape, workspace: bytes, customer: bytes, sealed: bytes
    ) -> Iterator[bytes] | None:
        if not sealed:
            return None
        cipher = self._cipher(workspace, customer)
        if cipher is None:
            self.erased.setdefault(UUID(bytes=workspace), set()).add(UUID(bytes=customer))
            return None
        return iter(zlib.decompress(self._open(cipher, sealed)).split(b"\n"))

    def blob(self, payload: bytes, folder: Path) -> "Blob | None":
        """The file that a B frame begins; None when it belongs to nobody who is still there."""
        workspace, whose, key, sealed_digest = unpack(payload)
        for customer, sealed in whose:
            if key is None and (cipher := self._cipher(workspace, customer)):
                key = self._open(cipher, sealed)
        if key is None:
            return None
        cipher = AESGCM(key)
        return Blob(self, cipher, UUID(bytes=workspace), self._open(cipher, sealed_digest), folder)


class Blob:
    """A file that is put together aside, checked, and only then stored."""

    def __init__(self, opener: Opener, cipher: AESGCM, workspace: UUID, digest: bytes, folder: Path) -> None:
        self._opener = opener
        self._cipher = cipher
        self._workspace = workspace
        self._digest = digest
        self._found = hashlib.sha256()
        self._aside: Any = tempfile.NamedTemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        self.size = 0

    def add(self, payload: bytes) -> None:
        """The next piece."""
        piece = self._opener._open(self._cipher, payload)
        self._found.update(piece)
        self._aside.write(piece)
        self.size += len(piece)

    def store(self) -> None:
        """Put it into the blob store. Raises Damaged when it is not what its digest says."""
        if self._found.digest() != self._digest:
            raise Damaged(f"the file {self._digest.hex()} in the backup is not what its digest says")
        self._aside.flush()
        blobs.store().put_file(self._workspace, self._digest, Path(self._aside.name))
        self.close()

    def close(self) -> None:
        """Drop what was put together."""
        self._aside.close()
