"""Secrets kept in files of their own: made once, readable by their owner only."""

import os
from pathlib import Path

from wasl.kit import durable


def read_or_create(path: Path, size: int = 32) -> str:
    """The secret in `path`; a new one of `size` random bytes, written as hexadecimal digits, when there is none.

    Several processes may ask at the same moment: the file is linked into place whole, and the first one wins.
    Raises OSError when it can be neither read nor written.
    """
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        write(path, os.urandom(size).hex())
    return path.read_text("ascii").strip()


def write(path: Path, secret: str) -> None:
    """Put a secret into a file that is not there yet; one that is there stays. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    durable.sync(path.parent, path.parent.parent)
