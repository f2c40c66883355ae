"""A mailbox outside, of which Wasl fetches: a real Dovecot, where there is one. A mail arrives after each kill."""

import itertools
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench.house import House
from tests.mailservers import dovecot
from tests.mailservers.certificates import Authority

ADDRESS = "fetched@dar-zaytun.example"
_numbers = itertools.count(1)


class Outside:
    """The server, and the inbox that fetches from it. `close` ends it."""

    def __init__(self, house: House, workspace: UUID) -> None:
        self._house = house
        self._conn: psycopg.Connection[Any] | None = None
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="wasl-authority-")))
        folder.chmod(0o755)
        self._server = self._stack.enter_context(dovecot.running(Authority(folder).issue("localhost")))
        self._open(workspace)

    @staticmethod
    def there() -> bool:
        """Whether this machine has the server."""
        return Path(dovecot.DOVECOT).exists()

    def _open(self, workspace: UUID) -> None:
        from wasl.channels.email.outside import Opening
        from wasl.channels.models import Inbox, Mailbox
        from wasl.channels.secret import MAILBOX, seal
        from wasl.kit.clock import now
        from wasl.kit.db import tenant
        from wasl.kit.ids import uuid7

        inbox = Inbox(id=uuid7(), workspace_id=workspace, channel="email", name="Fetched", address=ADDRESS)
        user, port = dovecot.USERS[0], self._server.port
        inbox.config = {"imap": {"host": "127.0.0.1", "port": port, "tls": "none", "user": user}}
        opening = Opening(password=self._server.password)
        inbox.incoming_secret = seal(workspace, inbox.id, opening.pack(), MAILBOX)
        with tenant(workspace):
            inbox.save(force_insert=True)
            Mailbox.objects.create(
                id=inbox.id, workspace_id=workspace, due_at=now(), since=now() - timedelta(days=1)
            )

    def question(self) -> Callable[[], bool]:
        """A mail arrives; whether it has become a message."""
        name = f"probe-imap-{next(_numbers)}@people.example"
        raw = (
            f"From: <{name}>\r\nTo: {ADDRESS}\r\nSubject: Probe\r\nMessage-ID: <{name}>\r\n"
            "Date: Mon, 16 Nov 2026 09:00:00 +0000\r\n\r\nStill there?\r\n"
        )
        self._server.append(dovecot.USERS[0], raw.encode())
        return lambda: self._understood(name)

    def _understood(self, name: str) -> bool:
        try:
            self._conn = self._conn or psycopg.connect(self._house.dsn, autocommit=True, connect_timeout=3)
            row = self._conn.execute(
                "SELECT count(*) FROM conversations_message WHERE rfc_id = %s", [name]
            ).fetchone()
        except psycopg.OperationalError:
            self._hang_up()
            return False
        return bool(row and row[0])

    def _hang_up(self) -> None:
        if self._conn:
            self._conn.close()
        self._conn = None

    def close(self) -> None:
        """End it."""
        self._hang_up()
        self._stack.close()
