"""What a worker does besides understanding, sending and following: loops that look by themselves from time to time."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from wasl.calls import transcribing
from wasl.calls import work as calls
from wasl.config import notices
from wasl.config.telling import TELLER
from wasl.conversations import fetching, waking
from wasl.desk import names
from wasl.devices.work import Ringer
from wasl.intake import awaiting
from wasl.intake.fetcher import Fetcher
from wasl.intake.listeners import Listeners
from wasl.kit.db import pool
from wasl.webhooks.work import Caller


@dataclass(frozen=True, slots=True)
class TimedLoop:
    """A loop of its own thread. `step` returns the seconds until it wants to be called again; 0 for at once.

    It must not hold a write transaction open for longer than a second, and opens its connections through
    `kit.db.pool("queue", "worker")`. A NOTIFY on `wasl_wake` with the loop's name wakes it earlier.
    """

    name: str
    step: Callable[[], float]
    close: Callable[[], object] = bool  # what is to be done when the worker ends


FETCHER = Fetcher()
LISTENERS = Listeners()
MEDIA = fetching.Fetcher()
RINGER = Ringer(lambda: pool("queue", "worker", 6))
CALLER = Caller(
    lambda: pool("queue", "worker", 6),
    size=settings.ENV.webhook_calls,
    private=settings.ENV.webhook_private,
    on_off=notices.webhook_off,
)

LOOPS: tuple[TimedLoop, ...] = (
    TimedLoop("mailboxes", FETCHER.step, FETCHER.close),
    TimedLoop("listeners", LISTENERS.step, LISTENERS.close),
    TimedLoop("waking", waking.step),
    TimedLoop("calls", calls.step),
    TimedLoop("media", MEDIA.step, MEDIA.close),
    TimedLoop("awaiting", awaiting.step),
    TimedLoop("webhooks", CALLER.step, CALLER.close),
    TimedLoop("notices", TELLER.step),
    TimedLoop("names", names.step),
    TimedLoop("transcripts", transcribing.step),
    TimedLoop("pushes", RINGER.step, RINGER.close),
)
