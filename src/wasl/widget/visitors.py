"""Who writes in a widget, and whose talk they may read.

A browser invents a secret of 32 random bytes and keeps it. What the server knows of it is a hash, the visitor's key;
whoever has the secret is the visitor, and nobody can find another's. Somebody who is signed in at the host site has a
key made of their account instead, the same in all their browsers.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from wasl.kit.clock import now
from wasl.kit.db import AsyncConnection
from wasl.widget.place import Place
from wasl.widget.tokens import Account

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Who:
    """A visitor. `key` is the one they write as, `keys` those whose talk they may read.

    `spent`: the browser's secret belongs to an account that is not signed in now. It opens nothing any more, and the
    browser is to make a new one.
    """

    key: UUID
    keys: tuple[UUID, ...]
    account: Account | None = None
    spent: bool = False

    @property
    def aliases(self) -> list[str]:
        """The other keys of theirs."""
        return [str(each) for each in self.keys if each != self.key]

    @property
    def number(self) -> str:
        """Four digits by which people can tell one from another; they prove nothing."""
        return f"{int.from_bytes(self.key.bytes[-4:]) % 10_000:04d}"


def is_secret(text: str) -> bool:
    """Whether it can be a browser's secret: 32 bytes as base64url without padding."""
    return _SECRET.fullmatch(text) is not None


def browser_key(inbox_id: UUID, secret: str) -> UUID:
    """The key of a browser."""
    return _key(b"browser", inbox_id, secret)


def account_key(inbox_id: UUID, sub: str) -> UUID:
    """The key of an account at the host site."""
    return _key(b"account", inbox_id, sub)


def _key(kind: bytes, inbox_id: UUID, text: str) -> UUID:
    return UUID(bytes=hashlib.sha256(kind + b"\0" + inbox_id.bytes + text.encode()).digest()[:16])


_BOUND: LiteralString = "SELECT account FROM widget_visitor WHERE workspace_id = %b AND id = %b"
_BIND: LiteralString = """
INSERT INTO widget_visitor (workspace_id, id, inbox_id, account, bound_at) VALUES (%b, %b, %b, %b, %b)
ON CONFLICT (workspace_id, id) DO NOTHING
"""


async def who(conn: AsyncConnection, place: Place, secret: str, account: Account | None) -> Who:
    """The visitor behind a secret, and behind an account where one is signed in; inside the workspace.

    The first account that signs in takes what the browser's visitor wrote before; it is the browser's own no longer.
    """
    browser = browser_key(place.inbox_id, secret)
    bound = await _bound(conn, place, browser)
    if account is None:
        return Who(browser, () if bound else (browser,), None, bound is not None)
    key = account_key(place.inbox_id, account.sub)
    if bound is None:
        values = [place.workspace_id, browser, place.inbox_id, key, now()]
        await conn.execute(_BIND, values)
        bound = await _bound(conn, place, browser)
    mine = bound == key
    return Who(key, (key, browser) if mine else (key,), account, not mine)


async def _bound(conn: AsyncConnection, place: Place, browser: UUID) -> UUID | None:
    row = await (await conn.execute(_BOUND, [place.workspace_id, browser], prepare=True)).fetchone()
    return row[0] if row else None
