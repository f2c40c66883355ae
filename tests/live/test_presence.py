"""Who is at a conversation: heard, shown to those who are there too, and forgotten."""

import json
from typing import Any

import pytest

from tests.inbound import mail, take
from tests.live.test_hub import INBOX, WORKSPACE, in_loop
from tests.worlds import Shop
from wasl.accounts.actor import NotFound
from wasl.conversations import presence
from wasl.conversations.models import Conversation
from wasl.kit.db import conninfo, tenant
from wasl.kit.ids import uuid7
from wasl.kit.presence import LASTS, PRESENCE, Beat
from wasl.live.hub import Hub
from wasl.live.line import Line
from wasl.live.presence import MOST_PAGES, Board
from wasl.live.roster import Roster
from wasl.live.viewers import Viewer

CONVERSATION = uuid7()
LEILA, KARIM = uuid7(), uuid7()
ROOM = (WORKSPACE, CONVERSATION)


def beat(agent: Any = LEILA, state: Any = "viewing", tab: str = "a", **more: Any) -> Beat:
    values = {"workspace": WORKSPACE, "inbox": INBOX, "conversation": CONVERSATION} | more
    return Beat(agent=agent, name="Leïla" if agent == LEILA else "Karim", tab=tab, state=state, **values)


def people(text: bytes) -> list[list[str]]:
    return json.loads(text.split(b"data: ")[1])["p"]  # type: ignore[no-any-return]


def test_a_beat_survives_the_wire() -> None:
    one = beat(state="typing")
    assert Beat.read(one.payload()) == one
    assert len(Beat(WORKSPACE, INBOX, CONVERSATION, LEILA, "ليلى" * 500, "a", "gone").payload()) < 2000
    for wrong in ("", "[]", "{}", one.payload().replace("typing", "dancing")):
        with pytest.raises(ValueError, match=r".*"):
            Beat.read(wrong)


def test_only_changes_are_news() -> None:
    board = Board()
    assert board.hear(beat())
    assert not board.hear(beat())
    assert not board.hear(beat(tab="b")), "a second tab is the same person"
    assert board.hear(beat(state="typing", tab="b"))
    assert people(board.text(ROOM)) == [[str(LEILA), "Leïla", "typing"]]
    assert board.hear(beat(KARIM))
    assert not board.hear(beat(state="gone"))  # still there in the other tab
    assert board.hear(beat(state="gone", tab="b"))
    assert board.agents(ROOM) == {KARIM}
    assert board.hear(beat(KARIM, "gone"))
    assert len(board) == 0


def test_who_falls_silent_is_forgotten_after_ten_seconds() -> None:
    time = 0.0
    board = Board(lambda: time)
    board.hear(beat())
    time = 6.0
    board.hear(beat(KARIM))
    time = LASTS - 0.1
    assert board.sweep() == []
    time = LASTS + 0.1
    assert board.sweep() == [(ROOM, INBOX)]
    assert board.agents(ROOM) == {KARIM}
    time = 30.0
    board.sweep()
    assert len(board) == 0


def test_the_table_stays_small() -> None:
    board = Board()
    for n in range(3 * MOST_PAGES):
        board.hear(beat(uuid7(), tab=str(n)))
    assert len(board) == MOST_PAGES


def line(hub: Hub, agent: Any, inboxes: frozenset[Any] = frozenset({INBOX})) -> Line:
    one = Line("key", hub.memory)
    one.release(Viewer(WORKSPACE, agent, "agent", inboxes))
    hub._rooms.setdefault(WORKSPACE, set()).add(one)
    return one


async def _nothing() -> Any:
    raise OSError


@in_loop
async def test_only_those_who_are_there_and_may_see_it_are_told() -> None:
    hub = Hub(_nothing, Roster(lambda _: {}))
    leila, karim, elsewhere, barred = (
        line(hub, LEILA),
        line(hub, KARIM),
        line(hub, uuid7()),
        line(hub, KARIM, frozenset()),
    )
    hub.beat(beat())
    assert people(leila.take()) == [[str(LEILA), "Leïla", "viewing"]]
    hub.beat(beat(KARIM, "typing"))
    for one in (leila, karim):
        assert [p[1:] for p in people(one.take())] == [["Leïla", "viewing"], ["Karim", "typing"]]
    hub.beat(beat(KARIM, "typing"))
    assert (leila.take(), bool(karim.take())) == (b"", True), (
        "nothing new, but Karim's page may have just come back"
    )
    assert elsewhere.take() == barred.take() == b""
    held = leila.hold()
    hub.beat(beat(KARIM, "gone"))
    assert held
    assert leila.take() == b""


def test_a_page_says_where_it_is_only_where_it_may_look(shop: Shop) -> None:
    import psycopg

    take(shop, mail())
    other = Shop.create("other", "help@other.example")
    with tenant(shop.id):
        conversation_id = Conversation.objects.get().id
    with psycopg.connect(conninfo("app", "test"), autocommit=True) as conn:
        conn.execute(f"LISTEN {PRESENCE}")
        with tenant(shop.id):
            presence.beat(shop.actor(), conversation_id, "t1", "typing")
            presence.beat(shop.actor("readonly"), conversation_id, "t2", "typing")
        heard = [Beat.read(n.payload) for n in conn.notifies(timeout=30, stop_after=2)]
    assert [(b.agent, b.state, b.inbox) for b in heard] == [
        (shop.agents["agent"].id, "typing", shop.mail.id),
        (shop.agents["readonly"].id, "viewing", shop.mail.id),
    ]
    with tenant(other.id), pytest.raises(NotFound):
        presence.beat(other.actor("owner"), conversation_id, "t1", "viewing")
    for tab in ("", "x" * 17, "ü"):
        with tenant(shop.id), pytest.raises(NotFound):
            presence.beat(shop.actor(), conversation_id, tab, "viewing")
