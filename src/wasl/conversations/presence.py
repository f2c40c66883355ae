"""Saying that one has a conversation open or is writing in it. Colleagues who look at it too are shown it live."""

import re
from uuid import UUID

from wasl.accounts.actor import Actor, NotFound
from wasl.conversations import queries
from wasl.kit.db import raw
from wasl.kit.presence import STATES, Beat, State, send

_TAB = re.compile(r"[0-9a-z]{1,16}\Z")


def beat(actor: Actor, conversation_id: UUID, tab: str, state: State) -> None:
    """A page of the actor is there, writes, or goes. Raises NotFound."""
    inbox_id = queries.visible(actor).filter(id=conversation_id).values_list("inbox_id", flat=True).first()
    if inbox_id is None or actor.agent_id is None or not _TAB.match(tab) or state not in STATES:
        raise NotFound
    if state == "typing" and not actor.writes:
        state = "viewing"
    send(raw(), Beat(actor.workspace_id, inbox_id, conversation_id, actor.agent_id, actor.name, tab, state))
