"""The key file beside backups: the ring without which they do not open, and the installation's keys.

One for all backups of an installation, replaced by each run: an erasure takes a customer's key out of the ring, and
holds for a backup, however old, as soon as no older key file is left. With a passphrase it holds the secret, master and
log keys too, and opens with the passphrase alone; without, it holds the ring only and opens with the master key.

Frames, in MessagePack: K {secret, master, log} (with a passphrase only), N [workspace, [[depth, prefix, key]]], E.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings

from wasl.kit import archive
from wasl.kit.archive import Reader, Scrypted, Writer
from wasl.kit.db import Connection
from wasl.timeline import ring
from wasl.timeline.ring import Node

NAME = "wasl.keys"
SHORTEST = 12
"""Characters of a passphrase, at least."""
_NODES = 5_000
_PURPOSE = "backup key file"


class OtherInstallation(Exception):
    """The folder holds backups of another installation."""


@dataclass
class KeyFile:
    """What a key file holds. `erasures`: how many customers were erased when it was written."""

    installation: str
    erasures: int
    secret: str = ""
    master: bytes = b""
    log: bytes = b""
    rings: dict[UUID, list[Node]] = field(default_factory=dict)


def installation(master: bytes) -> str:
    """A name for an installation, made of its master key and telling nothing of it."""
    return hmac.new(master, b"wasl installation", hashlib.sha256).hexdigest()[:16]


def same_installation(folder: Path) -> None:
    """Raises OtherInstallation when the key file in the folder is another installation's: it would be overwritten."""
    path = folder / NAME
    if path.exists() and Reader(path).header.get("installation") != installation(
        settings.ENV.keys.master_key
    ):
        raise OtherInstallation(
            f"{folder} holds the backups of another installation. Choose a folder for each."
        )


def write(conn: Connection, folder: Path, passphrase: str | None, at: datetime) -> bool:
    """Put the key file of now in the place of the last; whether the keys are in it. `conn` is the owner's."""
    env = settings.ENV
    with conn.transaction():  # the ring and the number of erasures of one moment
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        rings = ring.rings(conn)
        row = conn.execute(
            "SELECT count(*) FROM timeline_subjectkey WHERE destroyed_at IS NOT NULL"
        ).fetchone()
    header: dict[str, Any] = {
        "format": 1,
        "made_at": at.isoformat(),
        "installation": installation(env.keys.master_key),
        "erasures": row[0] if row else 0,
    }
    if passphrase is None:
        key = archive.derive(env.keys.master_key, _PURPOSE)
    else:
        key, header["scrypt"] = Scrypted.new(passphrase)
    header["check"] = _check(key)
    pack = msgspec.msgpack.encode
    with Writer(folder / NAME, header, key) as out:
        if passphrase is not None:
            keys = {"secret": env.keys.secret_key, "master": env.keys.master_key, "log": env.log_seed}
            out.write("K", pack(keys))
        for workspace, held in rings.items():
            nodes = [tuple(node) for node in held]
            for start in range(0, len(nodes), _NODES):
                out.write("N", pack([workspace.bytes, nodes[start : start + _NODES]]))
        out.write(archive.END, b"")
    return passphrase is not None


def read(path: Path, passphrase: str | None, master: bytes | None) -> KeyFile:
    """Open a key file. Raises OSError, archive.Damaged, archive.WrongKey."""
    reader = Reader(path)
    header = reader.header
    reader.place = "the keys"
    if "scrypt" in header:
        if passphrase is None:
            raise archive.WrongKey(f"{path.name} opens with a passphrase, and none was given")
        key = Scrypted.again(passphrase, header["scrypt"])
        if _check(key) != header["check"]:
            raise archive.WrongKey(f"the passphrase is not the one that {path.name} was made with")
        reader.unlock(key)
    elif master is None or installation(master) != header["installation"]:
        raise archive.WrongKey(f"{path.name} holds no keys, and the master key it needs is not here")
    else:
        reader.unlock(archive.derive(master, _PURPOSE))
    found = KeyFile(header["installation"], header["erasures"])
    for kind, payload, _ in reader.frames():
        _take(found, kind, payload)
    return found


def _check(key: bytes) -> str:
    """Tells a wrong passphrase from a damaged file."""
    return hmac.new(key, b"wasl key file", hashlib.sha256).hexdigest()[:16]


def _take(found: KeyFile, kind: str, payload: bytes) -> None:
    if kind == "K":
        keys = msgspec.msgpack.decode(payload)
        found.secret, found.master, found.log = keys["secret"], keys["master"], keys["log"]
    elif kind == "N":
        workspace, nodes = msgspec.msgpack.decode(payload)
        found.rings.setdefault(UUID(bytes=workspace), []).extend(Node(*node) for node in nodes)
