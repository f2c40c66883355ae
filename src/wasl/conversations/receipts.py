"""What providers say of our messages, brought to the deliveries it concerns."""

from collections.abc import Sequence
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from wasl.channels.base import BounceReport
from wasl.channels.port import Report
from wasl.delivery import actions as delivery
from wasl.intake.awaiting import came, wait_for
from wasl.intake.claim import Waiting
from wasl.kit.db import Connection

_BY_ID: LiteralString = """
SELECT id, inbox_id FROM delivery_delivery WHERE workspace_id = %b AND id = ANY(%b::uuid[])
"""
_BY_REF: LiteralString = """
SELECT d.id, d.inbox_id, r.ref FROM unnest(%b::text[]) AS r (ref) CROSS JOIN LATERAL (
  SELECT x.id, x.inbox_id FROM delivery_delivery x
  WHERE x.workspace_id = %b AND x.ref = r.ref AND x.ref <> '' LIMIT 5) d
"""
# Our messages of some days to that address, by way of the conversations of whoever it belongs to.
SENT_TO: LiteralString = """
FROM customers_identity i
JOIN customers_customer own ON own.workspace_id = i.workspace_id AND own.id = i.customer_id
JOIN customers_customer k ON k.workspace_id = i.workspace_id AND k.root_id = own.root_id
CROSS JOIN LATERAL (
  SELECT x.id FROM conversations_conversation x WHERE x.workspace_id = %(workspace)s AND x.customer_id = k.id
  ORDER BY x.last_at DESC LIMIT 20) c
CROSS JOIN LATERAL (
  SELECT m.id FROM conversations_message m
  WHERE m.workspace_id = %(workspace)s AND m.conversation_id = c.id AND m.at BETWEEN %(since)s AND %(until)s
    AND m.way = 'out' AND m.identity_id = i.id AND m.delivery_id IS NOT NULL
  ORDER BY m.at DESC LIMIT 100) m
JOIN delivery_delivery d ON d.workspace_id = %(workspace)s AND d.message_id = m.id AND d.inbox_id = %(inbox)s
"""
TO: LiteralString = "WHERE i.workspace_id = %(workspace)s AND i.channel = %(channel)s AND i.address = %(who)s"

# What was handed over up to a moment: when it was written does not count, for it may have waited. A watermark is about
# the last days, and says nothing new of what is as far already, nor of what failed.
_UP_TO: LiteralString = f"""
SELECT d.id, d.state = 'sending' {SENT_TO}
CROSS JOIN LATERAL (
  SELECT a.started_at FROM delivery_attempt a WHERE a.workspace_id = %(workspace)s AND a.delivery_id = d.id
  ORDER BY a.number DESC LIMIT 1) a
{TO} AND a.started_at <= %(until)s AND d.state = ANY(%(states)s)
"""
DAYS = timedelta(days=7)
_FURTHER = {"delivered": ["sent", "sending"], "read": ["sent", "delivered", "sending"]}
_KNOWN: LiteralString = """
UPDATE delivery_delivery SET ref = %s WHERE workspace_id = %s AND id = %s AND ref = ''
"""


def take(conn: Connection, workspace_id: UUID, reports: Sequence[tuple[Waiting, Report]]) -> None:
    """Hand reports to their deliveries; one about a message that is not known yet waits for it.

    The caller takes them off the queue.
    """
    if not reports:
        return
    known, heard = _known(conn, workspace_id, reports), list[delivery.Heard]()
    for item, report in reports:
        found, later = _concerned(conn, workspace_id, item, report, known)
        if later:
            wait_for(conn, item, later)
        if report.delivery and report.ref and found:
            _name(conn, workspace_id, found[0], report.ref)
            known[item.inbox_id, report.ref] = found[0]
        said = BounceReport(
            report.kind,
            recipient=report.recipient,
            status=report.code,
            diagnostic=report.detail,
            permanence="temporary" if report.temporary else "permanent",
            reason=report.reason,
        )
        heard += [delivery.Heard(delivery_id, item.id, said) for delivery_id in found]
    delivery.receipts(conn, workspace_id, heard)


Known = dict[tuple[UUID, str], UUID]
"""Deliveries by their inbox and the provider's id or our own, as text."""


def _known(conn: Connection, workspace_id: UUID, reports: Sequence[tuple[Waiting, Report]]) -> Known:
    """The deliveries that these reports name."""
    refs = list({report.ref for _, report in reports if report.ref})
    own = list({id_ for _, report in reports if (id_ := _uuid(report.delivery))})
    found: Known = {}
    if refs:
        rows = conn.execute(_BY_REF, [refs, workspace_id], prepare=True)
        found |= {(inbox_id, ref): id_ for id_, inbox_id, ref in rows}
    if own:
        rows = conn.execute(_BY_ID, [workspace_id, own], prepare=True)
        found |= {(inbox_id, str(id_)): id_ for id_, inbox_id in rows}
    return found


def _concerned(
    conn: Connection, workspace_id: UUID, item: Waiting, report: Report, known: Known
) -> tuple[list[UUID], str]:
    """The deliveries that are meant, and what is to be waited for: '' when nothing is."""
    own = _uuid(report.delivery)
    if own and (named := known.get((item.inbox_id, str(own)))):
        return [named], ""
    if report.ref:
        named = known.get((item.inbox_id, report.ref))
        return ([named], "") if named else ([], report.ref)
    if report.upto is None:
        return [], ""
    values = {
        "workspace": workspace_id, "inbox": item.inbox_id, "channel": item.channel, "who": report.recipient,
        "since": report.upto - DAYS, "until": report.upto, "states": _FURTHER.get(report.kind, []),
    }  # fmt: skip
    rows = conn.execute(_UP_TO, values).fetchall()
    # One that is under way may still fail: a watermark cannot tell, so it is looked at again.
    under_way = any(sending for _, sending in rows)
    return [id_ for id_, sending in rows if not sending], f"upto:{report.recipient}" if under_way else ""


def _name(conn: Connection, workspace_id: UUID, delivery_id: UUID, ref: str) -> None:
    """What a lost answer would have said: the provider's id. What waited for it comes now."""
    if conn.execute(_KNOWN, [ref, workspace_id, delivery_id]).rowcount:
        came(conn, workspace_id, [ref])


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
