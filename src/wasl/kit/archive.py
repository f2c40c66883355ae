"""A file of sealed frames behind a readable header: what backups are written in.

    magic      "WASL BACKUP 1\\n"
    header     u32 length, UTF-8 JSON, then the SHA-256 of the JSON
    frames     u8 kind, u32 length, AES-256-GCM ciphertext and tag of the zlib-compressed payload

Numbers are big-endian. A frame's nonce is its number in the file (12 bytes, from 0); its additional data are the
SHA-256 of the header and the kind, so that no frame can be changed, moved, or put into another file. The last frame is
of kind END: without it the file is cut short. Written and read in one go, one frame in memory at a time.
"""

import base64
import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from wasl.kit import durable

MAGIC = b"WASL BACKUP 1\n"
END = "E"
ASIDE = ".part"
_FRAME = struct.Struct(">cI")
_LENGTH = struct.Struct(">I")
_LARGEST_HEADER = 4_000_000
_LARGEST_FRAME = 512_000_000


class Damaged(Exception):
    """The file is not what was written; the text says where it stops being so."""


class WrongKey(Exception):
    """The file is whole, but this key or passphrase does not open it."""


def derive(secret: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose out of a secret (HKDF-SHA256)."""
    return HKDF(SHA256(), 32, None, f"wasl:{purpose}".encode()).derive(secret)


class Scrypted:
    """A key made from a passphrase by scrypt (RFC 7914): 64 MB and a fifth of a second for each guess."""

    COST = {"n": 2**16, "r": 8, "p": 1}

    @classmethod
    def new(cls, passphrase: str) -> tuple[bytes, dict[str, Any]]:
        """The key, and what to write into the header so that it can be made again."""
        made = {**cls.COST, "salt": os.urandom(16).hex()}
        return cls.again(passphrase, made), made

    @staticmethod
    def again(passphrase: str, made: Mapping[str, Any]) -> bytes:
        """The key that a header speaks of. Raises Damaged for parameters that nobody would have written."""
        if not (2**14 <= made["n"] <= 2**20 and made["r"] == 8 and 1 <= made["p"] <= 4):
            raise Damaged("its header asks for an unheard-of scrypt")
        salt = bytes.fromhex(made["salt"])
        return Scrypt(salt, 32, made["n"], made["r"], made["p"]).derive(passphrase.encode())


def seal_key(key: bytes, under: bytes) -> str:
    """A key under another key, for a header."""
    nonce = os.urandom(12)
    return base64.b64encode(nonce + AESGCM(under).encrypt(nonce, key, b"wasl archive key")).decode()


def open_key(sealed: str, under: bytes) -> bytes:
    """The key in it. Raises WrongKey."""
    data = base64.b64decode(sealed)
    try:
        return AESGCM(under).decrypt(data[:12], data[12:], b"wasl archive key")
    except InvalidTag as error:
        raise WrongKey("this key does not open it") from error


class Writer:
    """Writes a file aside and puts it in place whole: `with Writer(path, header, key) as out: out.write(…)`.

    Left by an exception, it leaves nothing behind.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], key: bytes) -> None:
        self.path = path
        self.size = 0
        self._aside = path.with_name(f".{path.name}.{os.getpid()}{ASIDE}")
        encoded = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
        self._bound = hashlib.sha256(encoded).digest()
        self._cipher = AESGCM(key)
        self._number = 0
        self._file = os.fdopen(os.open(self._aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self._put(MAGIC + _LENGTH.pack(len(encoded)) + encoded + self._bound)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self.size += len(data)

    def write(self, kind: str, payload: bytes, level: int = 1) -> None:
        """Add a frame; `level` is zlib's, 0 for what is compressed already."""
        mark = kind.encode("ascii")
        nonce = self._number.to_bytes(12, "big")
        sealed = self._cipher.encrypt(nonce, zlib.compress(payload, level), self._bound + mark)
        self._put(_FRAME.pack(mark, len(sealed)) + sealed)
        self._number += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._file.flush()
                os.fsync(self._file.fileno())
        if error is not None:
            self._aside.unlink(missing_ok=True)
            return
        self._aside.replace(self.path)
        durable.sync(self.path.parent)


class Reader:
    """Reads a file. `header` is there at once, the frames after `unlock`. `place` is what is being read, for words."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, or Damaged."""
        self.path = path
        self.size = path.stat().st_size
        self.place = "the header"
        self._cipher: AESGCM | None = None
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise Damaged(f"{path.name} is not a backup of Wasl, or its first bytes are damaged")
            length = _LENGTH.unpack(file.read(4).rjust(4, b"\xff"))[0]
            encoded = file.read(min(length, _LARGEST_HEADER))
            self._bound = file.read(32)
            self._start = file.tell()
        if len(encoded) != length or hashlib.sha256(encoded).digest() != self._bound:
            raise Damaged(f"{path.name} is damaged in its header")
        self.header: dict[str, Any] = json.loads(encoded)

    def unlock(self, key: bytes) -> None:
        """The key that the frames are sealed under."""
        self._cipher = AESGCM(key)

    def frames(self) -> Iterator[tuple[str, bytes, int]]:
        """Kind, payload and the place in the file after it, of each frame up to END. Raises Damaged."""
        if self._cipher is None:
            raise WrongKey("the file was not unlocked")
        with self.path.open("rb") as file:
            file.seek(self._start)
            number = 0
            while True:
                at = file.tell()
                kind, sealed = self._frame(file.read(_FRAME.size), file.read, at)
                payload = self._open(self._cipher, number, kind, sealed, at)
                yield kind.decode(), payload, file.tell()
                if kind.decode() == END:
                    if file.read(1):
                        raise self._damaged(file.tell(), "something follows its end")
                    return
                number += 1

    def _frame(self, head: bytes, read: Any, at: int) -> tuple[bytes, bytes]:
        if len(head) < _FRAME.size:
            raise self._damaged(at, "it is cut short")
        kind, length = _FRAME.unpack(head)
        sealed: bytes = read(length) if length <= _LARGEST_FRAME else b""
        if len(sealed) < length:
            raise self._damaged(at, "it is cut short or damaged")
        return kind, sealed

    def _open(self, cipher: AESGCM, number: int, kind: bytes, sealed: bytes, at: int) -> bytes:
        try:
            return zlib.decompress(cipher.decrypt(number.to_bytes(12, "big"), sealed, self._bound + kind))
        except (InvalidTag, zlib.error) as error:
            raise self._damaged(at, "these bytes are not what was written") from error

    def _damaged(self, at: int, what: str) -> Damaged:
        return Damaged(
            f"{self.path.name} is damaged in {self.place}, at byte {at:,} of {self.size:,}: {what}"
        )
