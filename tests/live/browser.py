"""Browsers without a screen, for tests: raw sockets that keep an event stream open."""

import json
import select
import socket
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.auth import SESSION_KEY as USER_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from wasl.accounts.models import User
from wasl.workspace.seat import SESSION_KEY as PLACE_SESSION_KEY

COOKIE = "wasl_session"


def sign_in(user: User, workspace_id: UUID | None = None) -> str:
    """A session of that user, as signing in makes it; returns its key."""
    session = SessionStore()
    session[USER_SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    if workspace_id:
        session[PLACE_SESSION_KEY] = str(workspace_id)
    session.save()
    return str(session.session_key)


@dataclass
class Event:
    """One event of the stream; `data` is decoded for `change`."""

    name: str
    data: Any
    id: str


@dataclass
class Browser:
    """An open stream. `raw` is every byte that ever came."""

    port: int
    key: str = ""
    last: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""
    method: str = "GET"
    raw: bytes = b""

    def __post_init__(self) -> None:
        lines = [f"{self.method} /live{self.query} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        if self.key:
            lines.append(f"Cookie: {COOKIE}={self.key}")
        if self.last:
            lines.append(f"Last-Event-ID: {self.last}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        self.socket = socket.create_connection(("127.0.0.1", self.port), 30)
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self._read(lambda: b"\r\n\r\n" in self.raw, 60)
        head, _, self._chunks = self.raw.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self.head = head.decode()
        self._text = b""
        self.closed = False

    def _read(self, done: Any, patience: float) -> bool:
        end = time.monotonic() + patience
        while not done():
            if not select.select([self.socket], [], [], max(0.0, end - time.monotonic()))[0]:
                return False
            data = self.socket.recv(65536)
            if not data:
                self.closed = True
                return bool(done())
            self.raw += data
            if hasattr(self, "_chunks"):
                self._chunks += data
                self._unchunk()
        return True

    def _unchunk(self) -> None:
        while b"\r\n" in self._chunks:
            size, _, rest = self._chunks.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                return
            self._text += rest[:length]
            self._chunks = rest[length + 2 :]
            if not length:
                self.closed = True
                return

    def event(self, patience: float = 60) -> Event:
        """The next event. Fails when none comes."""
        self._unchunk()
        if not self._read(lambda: b"\n\n" in self._text, patience):
            raise AssertionError(f"no event within {patience} s; waiting: {self._text!r}")
        block, _, self._text = self._text.partition(b"\n\n")
        fields = dict(line.partition(": ")[::2] for line in block.decode().split("\n"))
        data = fields.get("data", "")
        name = fields.get("event", "")
        return Event(name, json.loads(data) if name == "change" else data, fields.get("id", ""))

    def greeted(self) -> "Browser":
        """Past the first word; for chaining."""
        assert self.event().name == "hello"
        return self

    def silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes for a while."""
        self._unchunk()
        before = len(self.raw)
        self._read(lambda: len(self.raw) > before, seconds)
        return len(self.raw) == before and b"\n\n" not in self._text

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
