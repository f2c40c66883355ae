"""Beats: who has a conversation open just now, and who is writing. Said with NOTIFY, remembered by nobody.

A beat is forgotten unless the next one comes in time, so whoever hears it needs no word of farewell.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args
from uuid import UUID

PRESENCE = "wasl_presence"
EVERY = 4
"""Seconds between two beats of a page."""
LASTS = 10
"""Seconds after which a page that fell silent is not there any more."""
NAME_LIMIT = 120

State = Literal["viewing", "typing", "gone"]
STATES = frozenset(get_args(State))


@dataclass(frozen=True, slots=True)
class Beat:
    """A page of an agent, told apart from their other pages by `tab`, and what happens in it."""

    workspace: UUID
    inbox: UUID
    conversation: UUID
    agent: UUID
    name: str
    tab: str
    state: State

    def payload(self) -> str:
        """As NOTIFY carries it."""
        ids = [self.workspace, self.inbox, self.conversation, self.agent]
        return json.dumps(
            [*map(str, ids), self.name[:NAME_LIMIT], self.tab, self.state], separators=(",", ":")
        )

    @classmethod
    def read(cls, payload: str) -> "Beat":
        """The beat in a payload. Raises ValueError when it is not one of ours."""
        workspace, inbox, conversation, agent, name, tab, state = json.loads(payload)
        if state not in STATES:
            raise ValueError(state)
        return cls(
            UUID(workspace), UUID(inbox), UUID(conversation), UUID(agent), name, tab, cast("State", state)
        )


def send(conn: Any, beat: Beat) -> None:
    """Say it when the transaction of `conn` commits."""
    conn.execute("SELECT pg_notify(%s, %s)", [PRESENCE, beat.payload()])
