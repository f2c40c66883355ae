"""Asking for a call-back in a web chat: `/chat/<inbox>/call`, `…/call/ask`, `…/call/withdraw`.

What is asked for is checked here, where somebody can be told that it cannot be, and then goes the way of every message:
stored at once, known again when it is sent twice, and read by the agents. The worker makes a call-back of it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.types import Receive, Scope

from wasl.calls import actions, asking, texts
from wasl.calls.actions import CannotCall
from wasl.calls.asking import Asker, masked
from wasl.customers.models import Identity
from wasl.desk import sentences
from wasl.doors import chat_asks
from wasl.doors.aside import Aside
from wasl.doors.chat_asks import Ask
from wasl.doors.desk import Desk
from wasl.kit.clock import now
from wasl.kit.db import tenant
from wasl.kit.problem import Problem
from wasl.widget import asks
from wasl.widget.visitors import Who

T = TypeVar("T")
Store = Callable[[Desk, Ask, str, float, dict[str, Any]], Awaitable[dict[str, Any]]]
_aside = Aside("calls")


class Calls:
    """What a widget asks, one method each; `store` keeps a message."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def shown(self, here: Desk, ask: Ask, _scope: Scope, _receive: Receive) -> Any:
        """When somebody can be called, on which number (its end), and when we call already."""
        _wanted_here(ask)
        found = await self._with(here, ask, lambda asker: asking.shown(asker, ask.language))
        times = [[each.value, each.text] for each in found.times]
        return {"times": times, "number": masked(found.number), "agreed": found.agreed}

    async def ask(self, here: Desk, ask: Ask, scope: Scope, receive: Receive) -> Any:
        """One of the times is chosen; a second wish moves what was promised."""
        _wanted_here(ask)
        said = await chat_asks.read(here, receive, asks.Call, ask.language)
        chat_asks.slow_down(scope, ask)

        def check(asker: Asker) -> tuple[dict[str, Any], str]:
            slot, number = asking.chosen(asker, said.start, said.number)
            when = sentences.opening(ask.language, slot.start, now(), asker.zone(number))
            # The number that we know is not written out where others may look over somebody's shoulder.
            shown = number if said.number.strip() else masked(number)
            call = {"start": slot.start.isoformat(), "end": slot.end.isoformat(), "number": number}
            return {"call": call, "text": texts.wish(ask.language, when, shown)}, when

        try:
            about, when = await self._with(here, ask, check)
        except CannotCall as error:
            wrong = asks.told(ask.language, asking.NO_CALL.get(error.reason, asking.GONE))
            raise Problem("invalid", wrong) from error
        return {"when": when} | await self._store(here, ask, said.id, said.at, {"kind": "message"} | about)

    async def withdraw(self, here: Desk, ask: Ask, scope: Scope, _receive: Receive) -> Any:
        """No call is needed any more. Without one that waits nothing happens."""
        chat_asks.slow_down(scope, ask)

        def off(asker: Asker) -> bool:
            if asker.waiting is None:
                return False
            try:
                actions.cancel(actions.system(ask.place.workspace_id), asker.waiting.id, by="customer")
            except CannotCall:
                return False  # it has just been made
            return True

        return {"off": await self._with(here, ask, off)}

    async def _with(self, here: Desk, ask: Ask, work: Callable[[Asker], T]) -> T:
        who = await here.inside(ask.place.workspace_id, ask.who)

        def go() -> T:
            with tenant(ask.place.workspace_id):
                return work(_asker(ask, who))

        return await _aside.run(go)


def _asker(ask: Ask, who: Who) -> Asker:
    keys = [str(key) for key in who.keys]
    found = (
        Identity.objects.filter(channel="webchat", address__in=keys).select_related("customer__root").first()
    )
    return asking.in_inbox(ask.place.workspace_id, ask.place.inbox_id, found.customer.root if found else None)


def _wanted_here(ask: Ask) -> None:
    if not ask.place.calls:
        raise Problem("not-found", "This chat offers no call-backs.")
