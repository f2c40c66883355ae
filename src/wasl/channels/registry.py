"""Every channel there is: the folders beside this file that have a `channel.py`."""

from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from wasl.channels.port import Channel


@cache
def channels() -> MappingProxyType[str, Channel]:
    """Channels by name."""
    places = sorted(place.parent.name for place in Path(__file__).parent.glob("*/channel.py"))
    found: list[Channel] = [import_module(f"wasl.channels.{place}.channel").CHANNEL for place in places]
    return MappingProxyType({channel.name: channel for channel in found})


@cache
def greeting(unless: str = "") -> tuple[str, ...]:
    """The names of channels on which a first message can be acknowledged; those alone on which it is `on` (or `off`)
    unless an inbox says otherwise."""
    found = (each for each in channels().values() if each.greets)
    return tuple(each.name for each in found if unless in ("", each.greets))


@cache
def of_medium(medium: str) -> tuple[str, ...]:
    """The names of the channels that come to the same device under the same address."""
    return tuple(each.name for each in channels().values() if each.medium == medium)
