"""Checkpoints as text that anyone can keep and verify: what a log of so many leaves had for a root, signed.

A checkpoint is a signed note (C2SP signed-note and tlog-checkpoint), UTF-8, every line ended by a line feed:

    wasl/0193b2c4-…          origin: the log of this workspace
    1234                     size: the number of leaves, decimal
    q6z1…=                   root: the RFC 6962 root hash over them, base64
    2026-03-01T12:30:15.123456Z   when it was signed
                             (an empty line ends what is signed)
    — wasl/0193b2c4-… Yk3…=  an em dash, the name of the key, base64(key hash ‖ signature)

The signature is Ed25519 over everything up to and without the empty line. The key's name is the origin; the key hash
is the first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key). A public key is handed out as a verifier key,
`name+hash in hexadecimal+base64(0x01 ‖ public key)`.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wasl.timeline import merkle

_ED25519 = b"\x01"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class BadNote(Exception):
    """The text is no checkpoint, or not one of this log, or its signature does not hold."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is stated: the log of `origin` had `size` leaves under `root` (32 bytes) at `at`."""

    origin: str
    size: int
    root: bytes
    at: datetime

    def text(self) -> str:
        """What is signed."""
        return (
            f"{self.origin}\n{self.size}\n{_base64(self.root)}\n{self.at.astimezone(UTC).strftime(_TIME)}\n"
        )

    def includes(self, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
        """Whether `path` proves that `leaf` is number `index` of this log."""
        return merkle.verify_inclusion(leaf, index, self.size, path, self.root)

    def extends(self, older: "Checkpoint", path: Sequence[bytes]) -> bool:
        """Whether `path` proves that this log begins with everything that was in the older one, unchanged."""
        return self.origin == older.origin and merkle.verify_consistency(
            older.size, self.size, older.root, self.root, path
        )


def origin(workspace_id: UUID) -> str:
    """The name of a workspace's log and of its key."""
    return f"wasl/{workspace_id}"


def key_hash(name: str, public: bytes) -> bytes:
    """The four bytes by which a signature says which key made it."""
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, key: Ed25519PrivateKey) -> str:
    """The public key under that name, as text to be handed to whoever verifies."""
    public = key.public_key().public_bytes_raw()
    return f"{name}+{key_hash(name, public).hex()}+{_base64(_ED25519 + public)}"


def sign(key: Ed25519PrivateKey, checkpoint: Checkpoint) -> bytes:
    """The signature, 64 bytes."""
    return key.sign(checkpoint.text().encode())


def write(checkpoint: Checkpoint, key_id: bytes, signature: bytes) -> str:
    """The note."""
    return f"{checkpoint.text()}\n— {checkpoint.origin} {_base64(key_id + signature)}\n"


def read(note: str, verifier: str) -> Checkpoint:
    """The checkpoint in a note, its signature verified with a verifier key. Raises BadNote."""
    name, expected, public = _verifier(verifier)
    signed, gap, signatures = note.partition("\n\n")
    if not gap:
        raise BadNote("there is no signature")
    checkpoint = _checkpoint(signed + "\n")
    if checkpoint.origin != name:
        raise BadNote(f"this is a checkpoint of {checkpoint.origin}, not of {name}")
    for line in signatures.splitlines():
        dash, _, rest = line.partition(" ")
        signer, _, value = rest.partition(" ")
        blob = _bytes(value)
        if dash == "—" and signer == name and blob[:4] == expected:
            try:
                public.verify(blob[4:], (signed + "\n").encode())
            except InvalidSignature as error:
                raise BadNote("the signature does not hold") from error
            return checkpoint
    raise BadNote("it is not signed with this key")


def _checkpoint(text: str) -> Checkpoint:
    try:
        name, size, root, at = text.splitlines()
        moment = datetime.strptime(at, _TIME).replace(tzinfo=UTC)
        found = Checkpoint(name, int(size), _bytes(root), moment)
    except ValueError as error:
        raise BadNote("this is no checkpoint") from error
    if found.text() != text or len(found.root) != merkle.SIZE:
        raise BadNote("this is no checkpoint")
    return found


def _verifier(text: str) -> tuple[str, bytes, Ed25519PublicKey]:
    try:
        name, expected, key = text.split("+", 2)
        blob = _bytes(key)
        if blob[:1] != _ED25519 or key_hash(name, blob[1:]).hex() != expected:
            raise BadNote("this is no verifier key")
        return name, bytes.fromhex(expected), Ed25519PublicKey.from_public_bytes(blob[1:])
    except ValueError as error:
        raise BadNote("this is no verifier key") from error


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadNote("this is no checkpoint") from error
