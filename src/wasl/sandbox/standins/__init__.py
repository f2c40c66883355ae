"""Stand-ins of providers: each speaks its provider's real wire format on the sandbox's HTTP port.

A stand-in is a module here with a `STANDIN`; its file is named after the channel, and nothing else names it. A module
whose name begins with `_` is shared by some of them.

    STANDIN = Standin(
        channel="pigeon",
        label="Pigeon post",           # the app on the customer's phone
        routes=routes,                    # World → Starlette routes; they stand below /pigeon
        acts={"write": write, "read": read},  # what the customer can do on their phone: see `world.Act`
        address_of=lambda number: number, # how the provider calls whoever has this telephone number (digits)
        files=True,                       # whether the app sends files
        example={"address": "coo"},       # what the demo enters in an inbox; secrets it makes, defaults it keeps
    )

The API's address to enter in an inbox is `http://127.0.0.1:<WASL_SANDBOX_HTTP_PORT>/pigeon`. An inbox whose settings
hold an address that begins so is known to the stand-in, with its secrets and its webhook (`world.ends`): the page and
the demo tell it.

**A call that sends** is checked as the provider would check it, made an `Item`, and handed to `world.take(end, to,
item, answer, receipt=…, refuse=…)`. What that returns is the answer. It plays the faults of `network.CALLS`, puts the
message on the phone and has the courier bring what `receipt(item, state)` makes for "sent", "delivered" and "failed"
(None: the provider has no such receipt). `refuse(rule)` is the provider's own answer when it is told to refuse:
REFUSE_NOW and REFUSE in its own words, RATE_LIMIT (429), RATE_LIMIT_WAIT (429 with Retry-After: rule.wait), BREAK
(500).

**What the customer does** comes to one of `acts`, as `(world, end, who, act)`: change the chat (`world.chats`) and send
the webhook that the provider would send (`world.courier.send(Webhook(…))`, for a message `world.write(end, who, item,
webhook)`). Faults of webhooks (late, lost, twice, out of order) and trying again are the courier's. "read" concerns
`world.unread(thread)`: mark them in the chat and send receipts for them.

**Files**: `world.files.put(content, content_type, filename)` gives an id for `Item.files`; `.get(id)` the file.
`forms.py` reads posted forms. State of a stand-in beyond that (a list of updates to be asked for) is kept by itself.

What is no HTTP API has `start`: it is called with the world when the sandbox starts and gives back a coroutine function
that ends it. It may set up a way for what it brings (`world.courier.ways`, by scheme of an address), so that the
courier's faults and patience are the same for it; and `world.talk`, which is given whoever connects to the sandbox's
port and speaks no HTTP. What a stand-in keeps while it stands lies in `world.kept`.

Further fields: `of_name` makes an address of a person's name, where none can be made of a number (letters). `screen`
names the template of the app on the phone. `shared`: faults of calls concern everybody, because a call does not say
whom it is for. `here` tells whether an inbox is pointed at the stand-in.

Tests: `tests/sandbox/stand.py` has a running sandbox; `tests/sandbox/test_standin_whatsapp.py` is the model.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from starlette.routing import BaseRoute

from wasl.sandbox.chats import End, Who
from wasl.sandbox.world import Act, Doing, World


def _at_base(config: Mapping[str, Any], base: str) -> bool:
    return any(str(value).startswith(base) for value in config.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Standin:
    """A provider's stand-in. See above."""

    channel: str
    label: str
    acts: Mapping[Doing, Callable[[World, End, Who, Act], None]]
    address_of: Callable[[str], str] = str
    of_name: Callable[[str], str] | None = None
    files: bool = True
    screen: str = "chat"
    shared: bool = False
    here: Callable[[Mapping[str, Any], str], bool] = _at_base
    example: Mapping[str, str] = field(default_factory=dict)
    routes: Callable[[World], Sequence[BaseRoute]] = lambda _: ()
    start: Callable[[World], Awaitable[Callable[[], Awaitable[None]]]] | None = None


@cache
def standins() -> MappingProxyType[str, Standin]:
    """Every stand-in there is, by channel."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    found: list[Standin] = [import_module(f"{__name__}.{name}").STANDIN for name in names]
    return MappingProxyType({each.channel: each for each in found})
