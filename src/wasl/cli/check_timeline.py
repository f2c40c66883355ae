"""Checks of what moves: workers alive, followers up to date, who holds the horizon, signals arriving."""

import os
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from wasl.cli.finding import Finding, fail, graded, ok, span
from wasl.config.env import Env
from wasl.kit.postgres import dsn_for

Connection = psycopg.Connection[Any]

SILENT_AFTER = 30.0
LAG_WARN, LAG_FAIL = 10.0, 300.0
HOLD_WARN, HOLD_FAIL = 2.0, 60.0
ROUND_TRIP_WARN = 0.25
ROUND_TRIP_PATIENCE = 5.0

# The oldest touchpoint a follower has not read, in the readers' order; the index makes each one a single look.
LAG = """
SELECT f.name, coalesce(extract(epoch FROM clock_timestamp() - t.recorded_at), 0)::float
FROM timeline_follower f LEFT JOIN LATERAL (
  SELECT recorded_at FROM timeline_touchpoint
  WHERE (epoch, tx, id) > (f.epoch, f.tx, f.last_id) ORDER BY epoch, tx, id LIMIT 1
) t ON true ORDER BY 2 DESC
"""
HOLDERS = """
SELECT pid, coalesce(nullif(application_name, ''), backend_type), coalesce(datname, ''), state,
       extract(epoch FROM clock_timestamp() - xact_start)::float
FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY age(backend_xid) DESC LIMIT 1
"""
PREPARED = "SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float FROM pg_prepared_xacts ORDER BY 2 DESC"
HEARTBEATS = """
SELECT role, count(*), min(extract(epoch FROM clock_timestamp() - at))::float FROM timeline_heartbeat GROUP BY role
"""


def findings(env: Env, conn: Connection) -> Iterator[Finding]:
    """Everything about the road from the door to the page."""
    yield from heartbeats(env, conn)
    yield followers(conn)
    yield parked(conn)
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


def followers(conn: Connection) -> Finding:
    """How far behind the slowest follower is."""
    lags = conn.execute(LAG).fetchall()
    if not lags:
        return ok("followers", "none has had anything to read yet")
    name, lag = lags[0]
    if lag == 0:
        return ok("followers", f"all {len(lags)} are up to date")
    advice = "If it does not shrink: is a worker running, and does someone hold the horizon (below)?"
    return graded(
        "followers", f"{name} is {span(lag)} behind", advice, warn_if=lag > LAG_WARN, fail_if=lag > LAG_FAIL
    )


def parked(conn: Connection) -> Finding:
    """Touchpoints that a follower could not digest wait for a person."""
    row = conn.execute("SELECT count(*) FROM timeline_parked WHERE settled_at IS NULL").fetchone()
    count = row[0] if row else 0
    text = f"{count} touchpoints wait for a person" if count else "nothing is set aside"
    return graded(
        "parked", text, "An administrator sees them, with the reason, in the workspace.", warn_if=count > 0
    )


def horizon(conn: Connection) -> Finding:
    """Who has written and not yet committed: until then no follower reads past it."""
    advice = "End it if nobody knows it: SELECT pg_terminate_backend({})."
    holder = conn.execute(HOLDERS).fetchone()
    forgotten = conn.execute(PREPARED).fetchone()
    if forgotten:
        text = f"the prepared transaction {forgotten[0]} holds every follower, for {span(forgotten[1])}."
        return fail("horizon", text, f"COMMIT PREPARED or ROLLBACK PREPARED '{forgotten[0]}'")
    if holder is None:
        return ok("horizon", "nobody holds it")
    pid, who, database, state, age = holder
    text = f"held for {span(age)} by {who} (process {pid}, database {database}, {state})"
    return graded("horizon", text, advice.format(pid), warn_if=age > HOLD_WARN, fail_if=age > HOLD_FAIL)


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
