"""Checks of what moves: workers alive, followers up to date, who holds the horizon, signals arriving."""

import os
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from wasl.cli.finding import Finding, fail, graded, ok, span, warn
from wasl.config.env import Env
from wasl.kit.postgres import dsn_for
from wasl.timeline.follow import COUNTED, lag
from wasl.timeline.horizon import horizon as open_writers

Connection = psycopg.Connection[Any]

SILENT_AFTER = 30.0
LAG_WARN, LAG_FAIL = 10.0, 300.0
HOLD_WARN, HOLD_FAIL = 2.0, 60.0
ROUND_TRIP_WARN = 0.25
ROUND_TRIP_PATIENCE = 5.0

HEARTBEATS = """
SELECT role, count(*), min(extract(epoch FROM clock_timestamp() - at))::float FROM timeline_heartbeat GROUP BY role
"""


def findings(env: Env, conn: Connection) -> Iterator[Finding]:
    """Everything about the road from the door to the page."""
    yield from heartbeats(env, conn)
    yield from followers(conn)
    yield horizon(conn)
    yield round_trip(env)


def heartbeats(env: Env, conn: Connection) -> Iterator[Finding]:
    """Each role without a door to knock on has lately said that it is alive, on whichever machine."""
    seen = {role: (count, age) for role, count, age in conn.execute(HEARTBEATS).fetchall()}
    needed = ["worker", *(["mail"] if env.smtp_port or env.lmtp_port else [])]
    for role in needed:
        count, age = seen.get(role, (0, float("inf")))
        if not count:
            yield fail(role, "has never run here.", f"Start it: `wasl up`, or `wasl {role}` by itself.")
        else:
            advice = f"It has stopped or hangs: see its log, start it again with `wasl up` or `wasl {role}`."
            yield graded(
                role, f"last seen {span(age)} ago", advice, warn_if=False, fail_if=age > SILENT_AFTER
            )


def followers(conn: Connection) -> Iterator[Finding]:
    """How far behind the slowest follower is, and what was set aside for a person."""
    lags = sorted(lag(conn), key=lambda one: -one.seconds)
    if not lags:
        yield ok("followers", "none has had anything to read yet")
        return
    worst = lags[0]
    if worst.rows == 0:
        yield ok("followers", f"all {len(lags)} are up to date")
    else:
        text = f"{worst.name} is {span(worst.seconds)} behind ({worst.rows}{'+' * (worst.rows >= COUNTED)} touchpoints)"
        advice = "If it does not shrink: is a worker running, and does someone hold the horizon (below)?"
        late, very_late = worst.seconds > LAG_WARN, worst.seconds > LAG_FAIL
        yield graded("followers", text, advice, warn_if=late, fail_if=very_late)
    if parked := sum(one.parked for one in lags):
        yield warn(
            "parked",
            f"{parked} touchpoints could not be digested and wait for a person.",
            "`wasl parked` shows them and why; after a fix, `wasl parked --retry` gives them again.",
        )


def horizon(conn: Connection) -> Finding:
    """Who has written and not yet committed: until then no follower reads past it."""
    blockers = open_writers(conn).blockers
    if not blockers:
        return ok("horizon", "nobody holds it")
    first = blockers[0]
    if first.gid:
        text = f"the prepared transaction {first.gid} has held every follower for {span(first.seconds)}."
        return fail("horizon", text, f"COMMIT PREPARED or ROLLBACK PREPARED '{first.gid}'")
    who = f"{first.application} (process {first.pid}, database {first.database}, {first.state})"
    text = f"held for {span(first.seconds)} by {who}"
    advice = f"End it if nobody knows it: SELECT pg_terminate_backend({first.pid})."
    long, very_long = first.seconds > HOLD_WARN, first.seconds > HOLD_FAIL
    return graded("horizon", text, advice, warn_if=long, fail_if=very_long)


def round_trip(env: Env) -> Finding:
    """A signal sent by one connection reaches another, as a message reaches an open page."""
    channel = f"wasl_check_{os.getpid()}"
    options: dict[str, Any] = {"autocommit": True, "connect_timeout": 5, "application_name": "wasl check"}
    with psycopg.connect(dsn_for(env, "queue"), **options) as hears:
        hears.execute(f"LISTEN {channel}")
        with psycopg.connect(dsn_for(env, "app"), **options) as speaks:
            began = time.perf_counter()
            speaks.execute("SELECT pg_notify(%s, '')", [channel])
            heard = list(hears.notifies(timeout=ROUND_TRIP_PATIENCE, stop_after=1))
    if not heard:
        text = f"a signal did not arrive within {ROUND_TRIP_PATIENCE:.0f} s."
        return fail(
            "live", text, "Connect to PostgreSQL directly: poolers in transaction mode swallow LISTEN."
        )
    took = time.perf_counter() - began
    return graded(
        "live",
        f"a signal arrives after {span(took)}",
        "The database is busy.",
        warn_if=took > ROUND_TRIP_WARN,
    )
