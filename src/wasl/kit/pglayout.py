"""What our PostgreSQL is called: its folders, roles, passwords and addresses. Nothing here runs anything.

Some imports are inside functions: the supervisor, which must stay small, has no use for them (OpenSSL comes with
hashlib).
"""

import os
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

DATABASE = "wasl"
SUPERUSER = "postgres"
OWNER = "wasl_owner"
APP_ROLE = "wasl_app"
QUEUE_ROLE = "wasl_queue"
SOCKET_PATH_LIMIT = 107  # bytes of sun_path in Linux, less the final NUL
PORT = 5432


class Keys(Protocol):
    """The part of the keys that this file needs."""

    @property
    def secret_key(self) -> str: ...


class Installation(Protocol):
    """The part of the settings that this file needs."""

    @property
    def data_dir(self) -> Path: ...
    @property
    def database_url(self) -> str: ...
    @property
    def keys(self) -> Keys: ...


class ServerFailed(Exception):
    """The server did not start; the text ends with the last lines of its log."""


def role_password(secret: str, role: str) -> str:
    """The password of a database role: HMAC-SHA256 of its name under the secret key, as hexadecimal digits."""
    import hashlib
    import hmac

    return hmac.new(secret.encode(), f"postgres role {role}".encode(), hashlib.sha256).hexdigest()


def dsn_for(env: Installation, role: str) -> str:
    """The libpq connection string of `owner`, `app` or `queue`, in our own PostgreSQL or the one that was given."""
    secret = env.keys.secret_key
    owner_dsn = env.database_url or Layout(env.data_dir, secret).owner_dsn
    return (
        owner_dsn
        if role == "owner"
        else role_dsn(owner_dsn, {"app": APP_ROLE, "queue": QUEUE_ROLE}[role], secret)
    )


def role_dsn(owner_dsn: str, role: str, secret: str) -> str:
    """The connection string of another role in the owner's database; both forms of libpq are understood."""
    password = role_password(secret, role)
    if "://" not in owner_dsn:
        return f"{owner_dsn} user={role} password={password}"  # of two equal keywords libpq takes the last
    parts = urlsplit(owner_dsn)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role)}:{password}@{place}"))


class Layout:
    """Where one PostgreSQL under a data folder lies. `fast` gives up durability and is for unit tests only."""

    def __init__(self, data_dir: Path, secret: str, *, fast: bool = False) -> None:
        self.data_dir = data_dir
        self.secret = secret
        self.fast = fast

    @property
    def directory(self) -> Path:
        """The cluster itself; outside the data folder when the server's user cannot reach into that."""
        return (self.data_dir / "pg").resolve()

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.data_dir / "log" / "postgres.log"

    @property
    def socket_dir(self) -> Path:
        """Folder of the server's socket: in the data folder where its path is short enough and in reach."""
        if self.directory.parent != self.data_dir.resolve():
            return self.directory.with_name("sock")
        inside = self.data_dir.resolve() / "run" / "pg"
        if len(os.fsencode(inside / f".s.PGSQL.{PORT}.lock")) <= SOCKET_PATH_LIMIT:
            return inside
        import tempfile
        from zlib import crc32

        name = f"{crc32(os.fsencode(inside)):08x}"
        return Path(tempfile.gettempdir()) / f"wasl-{os.geteuid()}-{name}"

    def conninfo(self, user: str, database: str = DATABASE) -> str:
        """A libpq connection string for one role."""
        password = role_password(self.secret, user)
        host = str(self.socket_dir).replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' port={PORT} dbname={database} user={user} password={password}"

    @property
    def owner_dsn(self) -> str:
        """The owner of database `wasl`: may create roles and databases, is no superuser."""
        return self.conninfo(OWNER)


def tail(text: str, lines: int = 8) -> str:
    """The last lines of what a program wrote."""
    return "\n".join(text.strip().splitlines()[-lines:])
