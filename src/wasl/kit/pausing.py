"""How long to wait before trying again: longer each time, never all at once, and never sooner than one was asked to."""

import random
from collections.abc import Callable

Dice = Callable[[], float]
"""A number from 0 up to 1."""

_MOST = 40
"""Failures after which no wait that anyone configures still grows."""


def pause(
    failures: int,
    first: float,
    longest: float,
    *,
    factor: int = 2,
    least: float = 0.5,
    asked: float | None = None,
    dice: Dice = random.random,
) -> float:
    """Seconds to wait after so many failures before this one.

    A random part, from `least` of it to the whole, of a wait that begins at `first` and is multiplied by `factor` each
    time, up to `longest` ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015). What a provider `asked` for
    is a lower bound, as far as it is no longer than the longest.
    """
    whole: float = min(longest, first * factor ** min(max(failures, 0), _MOST))
    return max(whole * (least + (1 - least) * dice()), min(asked or 0.0, longest))
