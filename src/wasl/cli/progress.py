"""A bar on standard error for whoever watches, and nothing for a log."""

import sys
import time

from wasl.cli.finding import span

EVERY = 0.1
WIDTH = 28


class Progress:
    """Call it with the bytes that are done and what is being done; `total` may be an estimate."""

    def __init__(self, total: int, verb: str) -> None:
        self.total = max(1, total)
        self._verb = verb
        self._began = self._said = time.monotonic()
        self._shown = sys.stderr.isatty()
        self._width = 0

    def __call__(self, done: int, what: str) -> None:
        at = time.monotonic()
        if self._shown and at - self._said >= EVERY:
            self._said = at
            self._draw(done, what, at - self._began)

    def _draw(self, done: int, what: str, seconds: float) -> None:
        share = min(0.99, done / self.total)
        bar = "█" * int(share * WIDTH) + "░" * (WIDTH - int(share * WIDTH))
        left = f", about {span(seconds / share * (1 - share))} left" if share > 0.02 and seconds > 2 else ""
        rate = f"{done / max(seconds, 0.01) / 1e6:.0f} MB/s"
        line = f"\r{self._verb} {bar} {share:4.0%}  {size(done)}, {rate}{left}  {what}"
        print(line[:160].ljust(self._width), end="", file=sys.stderr, flush=True)
        self._width = min(160, len(line))

    def end(self) -> None:
        """Take the bar away."""
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)
        self._width = 0


def size(number: float) -> str:
    """Bytes as a person says them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit in ("bytes", "kB") else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
