"""Checks of the connections that channels keep by themselves: what keeps messages from coming in."""

from collections.abc import Iterator
from typing import Any

import psycopg

from wasl.channels.registry import channels
from wasl.cli.finding import Finding, graded, ok, span
from wasl.intake.listening import FOR_PEOPLE

Connection = psycopg.Connection[Any]

OVERDUE = 120.0
"""Seconds after which somebody should have listened for an inbox."""

_INBOXES = """
SELECT w.slug, i.name, i.channel, coalesce(l.problem, ''), coalesce(l.detail, ''),
       extract(epoch FROM now() - l.problem_since)::float,
       CASE WHEN l.held_until > now() THEN 0
            ELSE extract(epoch FROM now() - coalesce(l.due_at, i.created_at)) END::float
FROM channels_inbox i
JOIN accounts_workspace w ON w.id = i.workspace_id
LEFT JOIN intake_listening l ON l.workspace_id = i.workspace_id AND l.id = i.id
WHERE i.is_active AND i.channel = ANY (%s) ORDER BY coalesce(l.problem, '') = '', w.slug, i.name
"""


def findings(conn: Connection) -> Iterator[Finding]:
    """One finding for each inbox in trouble, or one for all of them together; none when no channel listens."""
    able = [name for name, channel in channels().items() if channel.listen]
    rows = conn.execute(_INBOXES.encode(), [able]).fetchall()
    troubled = [row for row in rows if row[3]]
    yield from (_troubled(row) for row in troubled[:20])
    late = sum(row[6] > OVERDUE for row in rows)
    if late:
        yield graded(
            "channels",
            f"for {late} of {len(rows)} inboxes nobody has listened for more than {span(OVERDUE)}",
            "Is a worker running? One worker listens for 200 inboxes; with more, run more workers.",
            warn_if=True,
        )
    elif rows and not troubled:
        yield ok("channels", f"all {len(rows)} inboxes are listened for")


def _troubled(row: tuple[Any, ...]) -> Finding:
    workspace, name, channel, problem, detail, seconds, _ = row
    text = f"{name} ({channel}, {workspace}): {problem.replace('_', ' ')} for {span(seconds or 0.0)}"
    for_people = problem in FOR_PEOPLE
    return graded(
        "channels",
        f"{text}; it says: {detail}" if detail else text,
        "Correct it on the page of the inbox: its test says more."
        if for_people
        else "It is tried again by itself. The page of the inbox has a test that says more.",
        warn_if=True,
        fail_if=for_people or (seconds or 0.0) > 3600,
    )
