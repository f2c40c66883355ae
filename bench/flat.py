"""Memory over many messages: what every process needs after each tenth of 200,000 of them.

    make bench ARGS=flat
    python -m bench.flat --messages 200000

Batches of 100 through the API's door into an installation under `wasl up`, eight clients; proportional set sizes in MB
(10^6 bytes), taken when everything was understood and every follower had read it. PostgreSQL fills its buffers (64 MB)
first; all else has to stay as it is.
"""

import argparse
import json
import multiprocessing
from pathlib import Path
from typing import Any

from bench.house import House, house, wait_for
from bench.intake import Load, _send

CLIENTS = 8
STEPS = 10
WARM = 5_000
PATIENCE = 600.0
GROWTH = 0.10
"""How much more all may need at the end than in the middle: shares of common pages shift from one to the other."""


def measure(home: House, messages: int) -> list[dict[str, float]]:
    """Sizes after warming up and after each step."""
    import django

    django.setup()
    from bench.world import api_inbox

    inbox, token = api_inbox()
    found = []
    share, first = messages // STEPS // CLIENTS, 0
    for step in range(STEPS + 1):
        count = share if step else WARM // CLIENTS
        loads = [
            Load("api-batch", home.http, count, first + n * count, max(50, messages // 3), inbox, token)
            for n in range(CLIENTS)
        ]
        with multiprocessing.get_context("fork").Pool(CLIENTS) as pool:
            pool.map(_send, loads)
        first += count * CLIENTS
        _settle(home)
        found.append(home.memory())
        _print(first, found[-1])
    return found


def _settle(home: House) -> None:
    import psycopg

    from wasl.timeline.follow import lag

    with psycopg.connect(home.dsn, autocommit=True) as conn:
        question = "SELECT EXISTS (SELECT FROM intake_inboundqueue)"
        wait_for(
            lambda: conn.execute(question).fetchone() == (False,) and not any(one.rows for one in lag(conn)),
            PATIENCE,
            "not everything was understood",
        )


def _print(messages: int, sizes: dict[str, float]) -> None:
    parts = "  ".join(f"{name} {size:.0f}" for name, size in sorted(sizes.items(), key=lambda item: -item[1]))
    print(f"{messages:>8,} messages  {sum(sizes.values()):5.0f} MB   {parts}", flush=True)


def growth(found: list[dict[str, float]]) -> float:
    """By how much our own processes together have grown over the second half, when caches are full; 0.1 is 10%."""
    middle, last = (
        sum(size for name, size in found[at].items() if name != "postgres") for at in (STEPS // 2, -1)
    )
    return last / middle - 1


def main() -> None:
    """Measure and print; end with 1 when it has grown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    with house("up", WASL_LOG_LEVEL="warning", WASL_API_RATE="0") as home:
        found = measure(home, options.messages)
    more = growth(found)
    print(f"{'flat' if more < GROWTH else 'grown'}: {more:+.1%} over the second half, without PostgreSQL")
    if options.json:
        figures: dict[str, Any] = {"sizes": found, "growth": more}
        Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")
    raise SystemExit(0 if more < GROWTH else 1)


if __name__ == "__main__":
    main()
