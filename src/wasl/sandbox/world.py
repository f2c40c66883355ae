"""What every stand-in is given: the phones, the ends, the network and the courier, and the one road that a message to a
customer takes through all of them.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from starlette.responses import Response

from wasl.kit.clock import now
from wasl.sandbox.chats import Chats, End, Ends, Files, Item, Thread, Who
from wasl.sandbox.courier import Courier, Webhook
from wasl.sandbox.network import CALLS, Mode, Network, Rule
from wasl.sandbox.serving import HangUp, Talk

BREATH = 0.05
"""Seconds from a provider's answer to the first receipt."""

PATIENCE = 10.0
"""Seconds that an answer waits at most for receipts that are to be quicker than it."""

REFUSED = frozenset({Mode.REFUSE_NOW, Mode.REFUSE, Mode.RATE_LIMIT, Mode.RATE_LIMIT_WAIT, Mode.BREAK})

State = Literal["sent", "delivered", "read", "failed"]
Doing = Literal[
    "write", "choose", "react", "read", "edit", "delete",
    "call", "answer", "decline", "press", "hang_up", "leave", "take", "turn_down", "end",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """What a customer does on their phone.

    write: `text`, `files` (ids of `Files`), `answers` (what they quote); choose: option `key` of message `of`; react:
    `text` to message `of` ('' takes it back); read: everything that is there; edit: `text` for message `of`; delete:
    message `of`.

    On the telephone, in call `of`: call the shop; answer or decline when it rings; press `key`; hang_up; leave a
    message after the tone (`files`: a recording). At the shop: take or turn_down at telephone `key`; end.
    """

    do: Doing
    text: str = ""
    files: tuple[str, ...] = ()
    of: str = ""
    key: str = ""
    answers: str = ""


class World:
    """The sandbox, seen by a stand-in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network = Network(folder)
        self.chats, self.files, self.ends = Chats(folder), Files(folder), Ends(folder)
        self.courier = Courier(folder, self.network)
        self.breath = BREATH
        self.kept: dict[str, Any] = {}
        """What a stand-in keeps for as long as it stands, by its channel."""
        self.talk: Talk | None = None
        """Who answers callers that speak no HTTP."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Take up what an earlier process left: webhooks, and messages that were taken and not yet on a phone. Of these
        no receipt is sent any more: such are lost in life as well."""
        for thread in self.chats.threads():
            for item in self.chats.items(thread):
                if not item.theirs and item.state == "sent":
                    self.chats.change(thread, item.id, state="delivered")
        self.courier.start()

    async def take(
        self,
        end: End,
        to: str,
        item: Item,
        answer: Response,
        *,
        receipt: Callable[[Item, State], Webhook | None],
        refuse: Callable[[Rule], Response],
        fails: bool = False,
    ) -> Response:
        """A call that sends `item` to a customer: what it is answered, and everything that comes of it.

        `answer` is what the provider says when all is well, `refuse` what it says in the modes of REFUSED, `receipt`
        makes the webhook for a state (None where it has none). `fails`: it is taken, and then cannot be delivered.
        """
        rule = self.network.take_on(end.channel, to, CALLS)
        if rule.mode in REFUSED:
            return refuse(rule)
        steps: list[tuple[State, float]] = [("sent", self.breath)]
        if rule.mode == Mode.BOUNCE or fails:
            steps.append(("failed", 0.0 if fails else rule.wait))
        else:
            steps.append(("delivered", rule.wait if rule.mode == Mode.LATE else 0.0))
        thread = Thread(end.channel, end.address, to)
        self.chats.add(thread, replace(item, state="sent"))
        if rule.mode == Mode.EARLY:
            told = await self._report(thread, item, [(state, 0.0) for state, _ in steps], receipt)
            await asyncio.wait(told, timeout=PATIENCE) if told else None
            return answer
        self.go(self._report(thread, item, steps, receipt))
        return HangUp() if rule.mode == Mode.LOSE_ANSWER else answer

    async def _report(
        self,
        thread: Thread,
        item: Item,
        steps: list[tuple[State, float]],
        receipt: Callable[[Item, State], Webhook | None],
    ) -> list["asyncio.Task[bool]"]:
        """One state after the other, on the phone and to Wasl; the webhooks that are under way."""
        told = []
        for state, wait in steps:
            await asyncio.sleep(wait)
            self.chats.change(thread, item.id, state=state)
            if webhook := receipt(replace(item, state=state, at=now().timestamp()), state):
                told.append(self.courier.send(webhook))
        return [task for task in told if task]

    def go(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something beside; it ends with the world at the latest."""
        task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def write(self, end: End, who: Who, item: Item, webhook: Webhook | None) -> None:
        """A customer wrote something: it is on their phone, and on its way to Wasl."""
        thread = Thread(end.channel, end.address, who.address)
        self.chats.add(thread, item)
        if webhook:
            self.courier.send(webhook, lambda: self.chats.change(thread, item.id, state="delivered"))

    def thread(self, end: End, who: Who) -> Thread:
        """A customer's chat with an end."""
        return Thread(end.channel, end.address, who.address)

    def unread(self, thread: Thread) -> list[Item]:
        """What the business wrote and the customer has not read yet."""
        return [each for each in self.chats.items(thread) if not each.theirs and each.state == "delivered"]

    async def stop(self) -> None:
        """Let go of everything; webhooks that were not taken lie in their folder."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.courier.stop()
