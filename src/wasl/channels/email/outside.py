"""What an e-mail inbox's settings say about the servers of others: where its mail is fetched and who sends it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

Tls = Literal["tls", "starttls", "none"]
After = Literal["leave", "seen", "move"]

IMAP_PORTS: dict[str, int] = {"tls": 993, "starttls": 143, "none": 143}
SMTP_PORTS: dict[str, int] = {"tls": 465, "starttls": 587, "none": 25}
POLL = 60.0
"""Seconds between two looks into a mailbox whose server does not tell of new mail by itself (IDLE)."""


@dataclass(frozen=True, slots=True)
class Provider:
    """What is the same for everyone at a large provider. `scope` is asked for with each access token."""

    name: str
    imap: str
    smtp: str
    token_url: str
    scope: str


PROVIDERS: dict[str, Provider] = {
    "google": Provider(
        "Google", "imap.gmail.com", "smtp.gmail.com", "https://oauth2.googleapis.com/token", ""
    ),
    "microsoft": Provider(
        "Microsoft 365",
        "outlook.office365.com",
        "smtp.office365.com",
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
    ),
}


@dataclass(frozen=True, slots=True)
class Imap:
    """An outside mailbox. `auth` is password or oauth (then: XOAUTH2 with an access token from `token_url`)."""

    host: str
    port: int = 993
    tls: Tls = "tls"
    user: str = ""
    auth: Literal["password", "oauth"] = "password"
    client_id: str = ""
    token_url: str = ""
    scope: str = ""
    folder: str = "INBOX"
    after: After = "leave"
    after_folder: str = ""
    poll: float = POLL

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Imap | None:
        """The mailbox in an inbox's `config`; None when there is none. Raises ValueError for what cannot be one."""
        found = config.get("imap")
        if not isinstance(found, Mapping) or not found.get("host"):
            return None
        known = {name: found[name] for name in cls.__slots__ if name in found}
        made = cls(**known)
        if made.tls not in IMAP_PORTS or not isinstance(made.port, int):
            raise ValueError("the settings of the mailbox cannot be used")
        return made

    def record(self) -> dict[str, Any]:
        """As it is kept in `config`."""
        return asdict(self)

    @property
    def place(self) -> tuple[str, int, str]:
        """What makes it another mailbox, for which an old password must not be used: server and user."""
        return self.host.lower(), self.port, self.user


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server that sends for an inbox."""

    host: str
    port: int = 587
    tls: Tls = "starttls"
    user: str = ""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Smtp | None:
        """The server in an inbox's `config`, None when there is none."""
        found = config.get("smtp")
        if not isinstance(found, Mapping) or not found.get("host"):
            return None
        tls = cast("Tls", found.get("tls") or "starttls")
        return cls(str(found["host"]), int(found.get("port") or 587), tls, str(found.get("user") or ""))

    @property
    def place(self) -> tuple[str, int, str]:
        """What makes it another server, for which an old password must not be used."""
        return self.host.lower(), self.port, self.user


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens an outside mailbox: a password, or what access tokens are asked for with."""

    password: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    def pack(self) -> str:
        """As it is sealed."""
        return json.dumps({k: v for k, v in asdict(self).items() if v})

    @classmethod
    def unpack(cls, text: str) -> Opening:
        """What was packed."""
        return cls(**json.loads(text))
