"""What becomes of a call: every decision as a pure function, and the reasons in one list."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from wasl.kit.outside import Refusal

Dice = Callable[[], float]
"""A number from 0 up to 1."""

# The schedule that Standard Webhooks recommends: the first try at once, ten in all, over three days.
WAITS = tuple(
    timedelta(seconds=each) for each in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
TRIES = len(WAITS) + 1
LONGEST_ASKED = timedelta(hours=1)
"""A longer wait than this is not granted to `Retry-After`."""

OFF_AFTER = timedelta(days=3)
"""An endpoint that has failed for so long, with no success in between, is switched off."""


class Why(StrEnum):
    """Why a try failed, besides `kit.outside.Refusal`."""

    REDIRECT = "redirect"
    STATUS = "status"
    GONE = "gone"
    FORGOTTEN = "forgotten"


REASONS = frozenset({*Refusal, *Why})


def verdict(status: int) -> Why | None:
    """Why an answer is a failure; None for one that is not."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Why.REDIRECT
    return Why.GONE if status == 410 else Why.STATUS


def again(tries: int, why: str, asked: float | None, now: datetime, dice: Dice) -> datetime | None:
    """When to try next after so many tries that failed; None when that was the last.

    `asked` are the seconds that the endpoint asked for.
    """
    if tries >= TRIES or why == Why.GONE:
        return None
    wait = WAITS[tries - 1] * (0.9 + 0.2 * dice())
    return now + max(wait, min(timedelta(seconds=asked or 0), LONGEST_ASKED))


def is_hopeless(failing_since: datetime, now: datetime) -> bool:
    """Whether an endpoint is to be switched off."""
    return now - failing_since >= OFF_AFTER


def retry_after(header: str) -> float | None:
    """The seconds of a Retry-After; None for a date or nonsense, which are not worth the trouble."""
    return float(header) if header.isascii() and header.isdigit() and len(header) < 9 else None
