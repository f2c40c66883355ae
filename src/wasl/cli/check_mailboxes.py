"""Checks of the outside mailboxes: what keeps mail from being fetched."""

from collections.abc import Iterator
from typing import Any

import psycopg

from wasl.channels.email.trouble import FOR_PEOPLE, Fault
from wasl.cli.finding import Finding, graded, ok, span

Connection = psycopg.Connection[Any]

OVERDUE = 300.0
"""Seconds after which a mailbox that is due should have been looked into."""

_MAILBOXES = """
SELECT w.slug, i.address, i.config -> 'imap' ->> 'host', m.problem, m.detail,
       extract(epoch FROM now() - m.problem_since)::float,
       CASE WHEN m.held_until > now() THEN 0 ELSE extract(epoch FROM now() - m.due_at) END::float
FROM channels_mailbox m
JOIN channels_inbox i ON i.workspace_id = m.workspace_id AND i.id = m.id
JOIN accounts_workspace w ON w.id = m.workspace_id
WHERE m.is_active ORDER BY m.problem = '', w.slug, i.address
"""

_ADVICE = {
    Fault.AFTER_FOLDER_MISSING: "Make the folder, or choose to leave mail where it is.",
    Fault.NAME_UNKNOWN: "Correct the server's name on the page of the inbox.",
    Fault.PORT_CLOSED: "Correct the port, or start the mail server.",
    Fault.FOLDER_MISSING: "Correct the folder on the page of the inbox.",
}


def findings(conn: Connection) -> Iterator[Finding]:
    """One finding for each mailbox in trouble, or one for all of them together; none when there are none."""
    rows = conn.execute(_MAILBOXES.encode()).fetchall()
    troubled = [row for row in rows if row[3]]
    yield from (_troubled(row) for row in troubled[:20])
    late = sum(row[6] > OVERDUE for row in rows)
    if late:
        yield graded(
            "mailboxes",
            f"{late} of {len(rows)} have waited for more than {span(OVERDUE)} to be looked into",
            "Is a worker running? With many mailboxes raise WASL_IMAP_MAILBOXES or run more workers.",
            warn_if=True,
        )
    elif rows and not troubled:
        yield ok("mailboxes", f"all {len(rows)} are fetched from")


def _troubled(row: tuple[Any, ...]) -> Finding:
    workspace, address, host, problem, detail, seconds, _ = row
    text = f"{address} ({workspace}), from {host}: {problem.replace('_', ' ')} for {span(seconds or 0.0)}"
    for_people = problem in FOR_PEOPLE
    advice = _ADVICE.get(problem) or (
        "Enter what signs in again on the page of the inbox."
        if for_people
        else "It is tried again by itself. The page of the inbox has a test that says more."
    )
    return graded(
        "mailboxes",
        f"{text}; it says: {detail}" if detail else text,
        advice,
        warn_if=True,
        fail_if=for_people or ((seconds or 0.0) > 3600 and problem != Fault.AFTER_FOLDER_MISSING),
    )
