"""How the pages do with years of history: the inbox, a filter, a long thread, searches; with row-level security on.

    python -m bench.inbox                                2,000 and 200,000 conversations (2 million messages)
    python -m bench.inbox --sizes 1000000 --keep FOLDER  loads into FOLDER/1000000, or uses what is there

Each request goes through every middleware and the real views, in this process, as an agent who sees 20 inboxes, on
the application's role. What counts is the p95 with much history beside the p95 with little.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench.house import assert_durable
from bench.product import Product, product

ROUNDS, WARM = 40, 5


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def measured(ask: Callable[[], Any], cpu: Callable[[], float]) -> dict[str, float]:
    """Milliseconds of many requests, after a few to warm up; and what each used, PostgreSQL included."""
    for _ in range(WARM):
        ask()
    took, before = [], cpu()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ask()
        took.append((time.perf_counter() - start) * 1000)
    used = (cpu() - before) * 1000 / ROUNDS
    return {
        "p50": round(percentile(took, 0.5), 1),
        "p95": round(percentile(took, 0.95), 1),
        "cpu": round(used, 1),
    }


def questions(history: Any) -> dict[str, Iterator[tuple[str, str]]]:
    """What is asked for: addresses, and the part of the page that is wanted ('' for all of it)."""
    from bench.history import COMMON

    def searches(*queries: str) -> Iterator[tuple[str, str]]:
        return cycle([(f"/search?q={query}", "") for query in queries])

    typing = [f"/search/suggestions?q={typed}" for typed in ("fam12", "c7", "com", "from:sal")]
    again = f"/conversations/{history.long}/messages?count=160"
    return {
        "inbox page, all": cycle([("/all", "")]),
        "inbox page, mine": cycle([("/mine", "")]),
        "a large inbox": cycle([(f"/inbox/{history.large}", "")]),
        "a filter: resolved in an inbox": cycle([(f"/inbox/{history.large}?status=resolved", "")]),
        "a filter: tag and state": searches(f'tag:"{history.tag}"%20is:resolved', f'tag:"{history.tag}"%20is:open'),
        "a thread of 200 messages": cycle([(f"/all/{history.long}", "")]),
        "all of that thread's messages again": cycle([(again, "messages")]),
        "search: a rare term": searches(*history.numbers),
        "search: a term in 10 %": searches(*COMMON),
        "search: two terms in 10 %": searches(*(f"{a}%20{b}" for a, b in pairwise(COMMON))),
        "search: in 10 %, in a small inbox": searches(*(f'{word}%20in:"{history.small}"' for word in COMMON)),
        "search: a person": searches(*(f"from:fam{n}" for n in range(2, 400, 7))),
        "suggestions while typing": cycle([(address, "ask-options") for address in typing]),
    }  # fmt: skip


def loaded(made: Product, keep: Path | None, conversations: int) -> tuple[Any, Any]:
    """What was written, now or when the folder was made, and the user who asks."""
    from bench import history, loading
    from tests.worlds import Shop
    from wasl.accounts.models import User
    from wasl.kit.db import tenant

    notes = keep / "history.json" if keep else None
    if notes and notes.exists():
        told = json.loads(notes.read_text())
        with tenant(UUID(told["workspace"])):
            return history.History(**told["history"]), User.objects.get(id=told["who"])
    shop, start = Shop.create(), time.monotonic()
    _close()
    made.restart(**loading.SETTINGS)
    found = history.write(made.dsn, shop, conversations, lambda line: print("  " + line, flush=True))
    with psycopg.connect(made.dsn, autocommit=True) as owner:
        history.forget(owner)
    made.restart()
    assert_durable(made.dsn)
    print(f"{found.messages:,} messages loaded in {time.monotonic() - start:.0f} s", flush=True)
    if notes:
        told = {"workspace": shop.id, "who": shop.users["agent"].id, "history": asdict(found)}
        notes.write_text(json.dumps(told, default=str))
    return found, shop.users["agent"]


def run(conversations: int, only: str, place: Path | None) -> dict[str, Any]:
    """Load a history and measure every question."""
    keep = place / str(conversations) if place else None
    with product(keep=keep) as made:
        from django.test import Client

        history, who = loaded(made, keep, conversations)
        size = _size(made.dsn)
        print(
            f"{history.conversations:,} conversations, {history.messages:,} messages; {size} on disk",
            flush=True,
        )
        client = Client(SERVER_NAME="localhost")
        client.force_login(who, backend="allauth.account.auth_backends.AuthenticationBackend")
        found = {}
        for name, asked in questions(history).items():
            if only not in name:
                continue
            found[name] = measured(
                lambda asked=asked: _get(client, *next(asked)),  # type: ignore[misc]
                lambda: time.process_time() + made.cpu()["postgres"],
            )
            took = found[name]
            print(
                f"  {name:<40} p50 {took['p50']:>7}  p95 {took['p95']:>7}  CPU {took['cpu']:>6} ms",
                flush=True,
            )
        _close()
        return {
            "conversations": history.conversations,
            "messages": history.messages,
            "size": size,
            "took": found,
        }


def _get(client: Any, address: str, target: str) -> None:
    headers = {"HX-Request": "true", "HX-Target": target} if target else {}
    response = client.get(address, headers=headers)
    if response.status_code != 200:
        raise SystemExit(f"{address}: {response.status_code}")


def _size(dsn: str) -> str:
    with psycopg.connect(dsn) as conn:
        row = conn.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    return str(row[0]) if row else ""


def _close() -> None:
    from django.db import connections

    for connection in connections.all():
        connection.close()
        if getattr(connection, "pool", None):
            connection.close_pool()  # type: ignore[attr-defined]


def main() -> None:
    """Measure each size in a process of its own, and print the ratios to the first."""
    import multiprocessing

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="*", type=int, default=[2_000, 200_000], help="conversations")
    parser.add_argument("--only", default="", help="part of the name of what is measured")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument(
        "--keep", type=Path, help="load into a folder of this one, or use what is there; delete it yourself"
    )
    options = parser.parse_args()
    every = []
    for size in options.sizes:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            every.append(pool.apply(run, (size, options.only, options.keep)))
    first = every[0]["took"]
    for one in every[1:]:
        print(f"\n{one['conversations']:,} conversations against {every[0]['conversations']:,} (p95, ms)")
        for name, took in one["took"].items():
            print(
                f"  {name:<40} {took['p95']:>7}  {first[name]['p95']:>7}  × {took['p95'] / first[name]['p95']:.2f}"
            )
    if options.json:
        with open(options.json, "w") as file:
            json.dump(every, file, indent=1)


if __name__ == "__main__":
    main()
