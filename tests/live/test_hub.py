"""The parts of the live stream, without a server: memory, lines, and who is asked what when."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from wasl.kit.ids import uuid7
from wasl.kit.presence import Beat
from wasl.kit.signal import Signal
from wasl.live.events import Memory
from wasl.live.hub import Hub
from wasl.live.line import WAITING, Line
from wasl.live.roster import Roster
from wasl.live.viewers import Viewer

WORKSPACE, INBOX, OTHER_INBOX = uuid7(), uuid7(), uuid7()
VIEWER = Viewer(WORKSPACE, uuid7(), "agent", frozenset({INBOX}))


def about(inbox: UUID | None = INBOX, kind: Any = "message", workspace: UUID = WORKSPACE) -> Signal:
    return Signal(kind, workspace, inbox, (uuid7(),))


def names(text: bytes) -> list[str]:
    """The names of the events in what is sent."""
    return [line[7:].decode() for line in text.split(b"\n") if line.startswith(b"event: ")]


def _id(text: bytes) -> str:
    return text[4:].split(b"\n")[0].decode()


# Memory ---------------------------------------------------------------------------------------------------


def test_ids_always_rise_and_say_nothing_of_how_much_happened() -> None:
    memory = Memory()
    ids = [memory.now() if i % 2 else _id(memory.note(about()).text) for i in range(2000)]
    moments = [int(each.partition("-")[2], 16) for each in ids]
    assert moments == sorted(set(moments))


def test_memory_gives_what_came_after_and_only_of_the_workspace() -> None:
    memory = Memory()
    memory.note(about())
    start = memory.now()
    mine = [memory.note(about()) for _ in range(3)]
    memory.note(about(workspace=uuid7()))
    assert memory.since(start, WORKSPACE) == mine
    assert memory.since(memory.now(), WORKSPACE) == []


def test_memory_knows_how_far_back_it_reaches() -> None:
    size = len(Memory().note(about()).text)
    memory = Memory(kept=10 * size)
    start = memory.now()
    for _ in range(15):
        memory.note(about())
    assert len(memory.since(start, WORKSPACE) or ()) == 15
    newest = [memory.note(about()) for _ in range(15)][-5:]
    assert memory.since(start, WORKSPACE) is None
    assert memory.since(_id(newest[0].text), WORKSPACE) == newest[1:]
    later = memory.now()
    memory.forget()
    assert memory.since(later, WORKSPACE) is None
    assert memory.since(memory.now(), WORKSPACE) == []


def test_ids_of_another_process_or_of_the_future_are_not_ours() -> None:
    memory, other = Memory(), Memory()
    boot, _, moment = memory.now().partition("-")
    assert memory.since(other.now(), WORKSPACE) is None
    assert memory.since(f"{boot}-{int(moment, 16) + 10**9:x}", WORKSPACE) is None
    assert memory.since("", WORKSPACE) is None


# Lines ----------------------------------------------------------------------------------------------------


def test_a_line_lets_nothing_through_before_it_is_known_what_may_be_seen() -> None:
    memory = Memory()
    line = Line("key", memory)
    seen, hidden = memory.note(about()), memory.note(about(OTHER_INBOX))
    line.offer(seen)
    line.offer(hidden)
    assert line.take() == b""
    assert line.position() == ""
    line.release(VIEWER)
    assert line.take() == seen.text
    assert line.position() > ""


@pytest.mark.parametrize(
    ("role", "signal", "heard"),
    [
        ("agent", about(INBOX), True),
        ("agent", about(OTHER_INBOX), False),
        ("agent", about(None), True),
        ("agent", about(INBOX, "quarantine"), False),
        ("readonly", about(OTHER_INBOX), False),
        ("admin", about(OTHER_INBOX), True),
        ("owner", about(None, "quarantine"), True),
    ],
)
def test_who_hears_what(role: str, signal: Signal, heard: bool) -> None:
    assert replace(VIEWER, role=role).may_hear(signal) is heard


def test_a_browser_that_falls_behind_is_told_once_to_read_again() -> None:
    memory = Memory()
    line = Line("key", memory)
    line.release(VIEWER)
    for _ in range(WAITING + 50):
        line.offer(memory.note(about()))
    assert names(line.take()) == ["refetch"]
    line.offer(memory.note(about()))
    assert names(line.take()) == ["change"]


def test_a_position_never_skips_what_waits() -> None:
    memory = Memory()
    line = Line("key", memory)
    line.release(VIEWER)
    line.offer(memory.note(about()))
    assert line.position() == ""
    line.take()
    line.hold()
    line.offer(memory.note(about()))
    assert line.position() == ""


# Roster and hub -------------------------------------------------------------------------------------------


class World:
    """Stands for the database: who is behind a key may change at any time, and answers take a while."""

    def __init__(self) -> None:
        self.known: dict[str, Viewer] = {"key": VIEWER}
        self.asked: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def is_asked(self) -> None:
        """Until the thread is at work on a question."""
        while not self.asked:  # noqa: ASYNC110 - set in another thread
            await asyncio.sleep(0.001)

    def roster(self) -> Roster:
        loop = asyncio.get_running_loop()

        def ask(keys: Collection[str]) -> Mapping[str, Viewer]:
            found = {key: self.known[key] for key in keys if key in self.known}
            self.asked.append(list(keys))
            asyncio.run_coroutine_threadsafe(self.gate.wait(), loop).result()
            return found

        return Roster(ask)


async def _never() -> Any:
    await asyncio.sleep(3600)


def in_loop(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """A test that is a coroutine."""

    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 20))

    run.__name__ = test.__name__
    return run


@in_loop
async def test_who_asks_during_a_round_is_part_of_the_next_one() -> None:
    world = World()
    roster = world.roster()
    world.gate.clear()
    first = asyncio.create_task(roster.viewer("key"))
    await world.is_asked()
    world.known["key"] = replace(VIEWER, role="admin")
    rest = [asyncio.create_task(roster.viewer(key)) for key in ("key", "a", "b")]
    await asyncio.sleep(0.01)
    world.gate.set()
    assert await first == VIEWER
    assert await rest[0] == replace(VIEWER, role="admin")
    assert await asyncio.gather(*rest[1:]) == [None, None]
    assert world.asked == [["key"], ["key", "a", "b"]]


@in_loop
async def test_a_question_that_fails_fails_for_those_who_asked_and_no_others() -> None:
    answers: list[Any] = [RuntimeError("down"), {"key": VIEWER}]

    def ask(_: Collection[str]) -> Mapping[str, Viewer]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    roster = Roster(ask)
    with pytest.raises(RuntimeError):
        await roster.viewer("key")
    assert await roster.viewer("key") == VIEWER


@in_loop
async def test_nothing_signalled_while_a_line_is_opened_is_lost() -> None:
    world = World()
    hub = Hub(_never, world.roster())
    world.gate.clear()
    opening = asyncio.create_task(hub.open("key", ""))
    await world.is_asked()
    hub.hear(about(INBOX))
    hub.hear(about(OTHER_INBOX))
    world.gate.set()
    line = await opening
    assert line is not None
    assert names(line.take()).count("change") == 1


@in_loop
async def test_a_change_of_access_holds_back_what_follows_until_it_is_known() -> None:
    world = World()
    hub = Hub(_never, world.roster())
    line = await hub.open("key", "")
    assert line is not None
    line.take()
    world.gate.clear()
    world.known["key"] = replace(VIEWER, inboxes=frozenset())
    hub.hear(Signal("access", WORKSPACE))
    hub.hear(about(INBOX))
    await asyncio.sleep(0.01)
    assert line.take() == b""
    world.known["key"] = replace(VIEWER, inboxes=frozenset({OTHER_INBOX}))
    hub.hear(Signal("access", WORKSPACE))
    hub.hear(about(INBOX))
    world.gate.set()
    await line.ready.wait()
    assert names(line.take()) == ["refetch"]
    hub.hear(about(OTHER_INBOX))
    assert names(line.take()) == ["change"]


@in_loop
async def test_a_line_is_ended_when_its_agent_sits_elsewhere_now() -> None:
    world = World()
    hub = Hub(_never, world.roster())
    line = await hub.open("key", "")
    assert line is not None
    line.take()
    world.known["key"] = replace(VIEWER, workspace_id=uuid7())
    hub.review_session("another")
    await asyncio.sleep(0.01)
    assert line.ended is None
    hub.review_session("key")
    await line.ready.wait()
    assert line.ended == "moved"


@in_loop
async def test_a_new_password_ends_what_the_same_agent_has_open_elsewhere() -> None:
    world = World()
    world.known |= {"elsewhere": VIEWER, "colleague": replace(VIEWER, agent_id=uuid7())}
    hub = Hub(_never, world.roster())
    lines = [await hub.open(key, "") for key in ("key", "elsewhere", "colleague")]
    del world.known["elsewhere"]
    assert lines[1]
    lines[1].take()
    hub.review_session("key")
    await lines[1].ready.wait()
    assert [line and line.ended for line in lines] == [None, "signed-out", None]
    assert set(world.asked[-1]) == {"key", "elsewhere"}


@in_loop
async def test_closed_lines_are_forgotten() -> None:
    world = World()
    hub = Hub(_never, world.roster())
    line, other = await hub.open("key", ""), await hub.open("key", "")
    assert line is not None
    assert other is not None
    assert (hub.count(), hub.count(VIEWER)) == (2, 2)
    hub.close(line)
    assert hub.lines() == [other]
    hub.close(other)
    assert hub.count() == 0
    assert await hub.open("nobody", "") is None
    assert hub.count() == 0


# Others who listen ----------------------------------------------------------------------------------------


class Neighbour:
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def hear(self, signal: Signal) -> None:
        self.heard.append(signal)

    def beat(self, beat: Beat) -> None:
        self.heard.append(beat)

    def again(self) -> None:
        self.heard.append("again")


def test_whoever_listens_besides_hears_everything_and_of_gaps() -> None:
    async def go() -> None:
        hub, ear = Hub(_nowhere, Roster(lambda keys: {})), Neighbour()
        hub.ears.append(ear)
        signal = about(OTHER_INBOX, workspace=uuid7())
        beat = Beat(WORKSPACE, INBOX, uuid7(), uuid7(), "Leila", "t", "typing")
        hub.hear(signal)
        hub.beat(beat)
        hub._connected()
        assert ear.heard == [signal, beat, "again"]

    asyncio.run(go())


def test_an_inbox_is_attended_while_somebody_who_sees_it_has_a_page_open() -> None:
    async def go() -> None:
        hub = Hub(_nowhere, Roster(lambda keys: dict.fromkeys(keys, VIEWER)))
        assert not hub.attended(WORKSPACE, INBOX)
        line = await hub.open("key", "")
        assert line
        assert hub.attended(WORKSPACE, INBOX)
        assert not hub.attended(WORKSPACE, OTHER_INBOX)
        assert not hub.attended(uuid7(), INBOX)
        hub.close(line)
        assert not hub.attended(WORKSPACE, INBOX)

    asyncio.run(go())


async def _nowhere() -> Any:
    raise OSError
