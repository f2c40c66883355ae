"""The inbox that a widget speaks with: what its door must know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from django.conf import settings

from wasl.channels.port import Settings
from wasl.channels.secret import unseal_all
from wasl.channels.webchat.channel import colour, origins
from wasl.kit.languages import CODES
from wasl.kit.memory import Recent

REMEMBERED = 5.0
"""Seconds for which an inbox's settings are believed."""
QUESTION: LiteralString = (
    "SELECT workspace_id, address, config, secret, language, workspace FROM wasl_chat_inbox(%b)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """An inbox for web chat. `origins` may hold the widget; `greetings` by language, only those that were written;
    `calls`: visitors can ask to be called back."""

    workspace_id: UUID
    inbox_id: UUID
    language: str
    title: str
    colour: str
    origins: frozenset[str]
    greetings: Mapping[str, str]
    secret: str
    calls: bool = True

    @classmethod
    def of(cls, inbox_id: UUID, row: tuple[Any, ...]) -> "Place":
        """From what `QUESTION` says."""
        workspace_id, address, config, sealed, language, workspace = row
        known = Settings(address, config, unseal_all(workspace_id, inbox_id, sealed))
        said = {each: known.text(f"greeting_{each}").strip() for each in CODES}
        return cls(
            workspace_id,
            inbox_id,
            language,
            known.text("title", workspace),
            colour(known),
            origins(known) | {settings.ENV.public_url.rstrip("/")},
            {each: greeting for each, greeting in said.items() if greeting},
            known.secrets.get("identity_secret", ""),
            known.text("calls") != "no",
        )


places: Recent[UUID, Place] = Recent(REMEMBERED, 2000)
"""What this process was told lately."""
