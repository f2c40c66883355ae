"""The one place that asks what time it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_shift = timedelta(0)


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC) + _shift


@contextmanager
def travel(moment: datetime) -> Iterator[None]:
    """Let the whole process believe that it is `moment`, and that time goes on from there: for the demo and tests."""
    global _shift
    before, _shift = _shift, moment - datetime.now(UTC)
    try:
        yield
    finally:
        _shift = before


def micros(moment: datetime) -> int:
    """Microseconds since the Unix epoch, exact (no float on the way)."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
