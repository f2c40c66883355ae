"""Answering a provider that asks what to do with a call: kept first, then answered, without the worker.

One transaction keeps what was said and reads what the answer depends on. A second copy is answered like the first.
"""

from dataclasses import replace
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from wasl.accounts import calendars
from wasl.channels.port import Settings
from wasl.channels.voice import twiml
from wasl.channels.voice.hook import Told, taken
from wasl.channels.voice.twiml import KEEP, Agent, Plan
from wasl.kit.clock import now
from wasl.kit.db import SET_WORKSPACE, Connection, pool
from wasl.kit.ids import uuid7
from wasl.kit.phones import e164
from wasl.kit.signal import wake

_KEEP: LiteralString = """
INSERT INTO calls_callevent (workspace_id, id, inbox_id, key, ref, step, at, params)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (workspace_id, inbox_id, key) DO NOTHING
"""
# Who is on duty, and can see what comes in there; owners and admins see every inbox.
_ON_DUTY: LiteralString = """
SELECT t.id, t.address, u.language FROM calls_telephone t
JOIN accounts_agent a ON a.workspace_id = t.workspace_id AND a.id = t.id AND a.is_active
JOIN accounts_user u ON u.id = a.user_id
WHERE t.workspace_id = %(workspace)s AND t.on_duty AND t.address <> '' AND a.role <> 'readonly' AND (
  a.role IN ('owner', 'admin')
  OR NOT EXISTS (SELECT FROM channels_inboxteam i WHERE i.workspace_id = t.workspace_id AND i.inbox_id = %(inbox)s)
  OR EXISTS (
    SELECT FROM channels_inboxteam i
    JOIN accounts_teammember m ON m.workspace_id = i.workspace_id AND m.team_id = i.team_id
    WHERE i.workspace_id = t.workspace_id AND i.inbox_id = %(inbox)s AND m.agent_id = t.id))
ORDER BY t.position, t.id LIMIT 10
"""
_LANGUAGE: LiteralString = """
SELECT r.language FROM customers_identity i
JOIN customers_customer c ON c.workspace_id = i.workspace_id AND c.id = i.customer_id
JOIN customers_customer r ON r.workspace_id = c.workspace_id AND r.id = c.root_id
WHERE i.workspace_id = %s AND (i.channel, i.address) IN (('voice', %s), ('sms', %s), ('whatsapp', %s))
  AND r.language <> '' ORDER BY i.created_at DESC LIMIT 1
"""
_INBOX: LiteralString = "SELECT language FROM channels_inbox WHERE workspace_id = %s AND id = %s"
_WANTED: LiteralString = "SELECT number FROM calls_call WHERE workspace_id = %s AND id = %s AND way = 'out'"


def answer(workspace_id: UUID, inbox_id: UUID, inbox: Settings, said: Told) -> str:
    """Keep what was said and say what to do next; durable when it returns. Raises psycopg.OperationalError."""
    with pool("app", "voice", 2).connection() as conn, conn.transaction():
        conn.execute(SET_WORKSPACE, [str(workspace_id)])
        plan = _plan(conn, workspace_id, inbox_id, inbox, said)
        params = dict(said.params) | ({"why": plan.why} if said.step == "incoming" else {})
        values = [workspace_id, uuid7(), inbox_id, said.key, said.ref, said.step, now(), Jsonb(params)]
        if conn.execute(_KEEP, values).rowcount:
            wake(conn, "calls")
        return _say(conn, workspace_id, plan, said)


_ASKING = frozenset({"incoming", "consent", "dialled"})
"""Steps whose answer depends on who is there."""


def _plan(conn: Connection, workspace_id: UUID, inbox_id: UUID, inbox: Settings, said: Told) -> Plan:
    plan = Plan(
        base=inbox.webhook,
        of=said.ref,
        language=_language(conn, workspace_id, inbox_id, said),
        business=inbox.text("business").strip(),
        number=inbox.address,
        is_open=True,
        in_turn=inbox.text("ring", "all") == "turn",
        ask=inbox.text("recording", "never") == "ask",
    )
    if said.step not in _ASKING:
        return plan
    rows = conn.execute(_ON_DUTY, {"workspace": workspace_id, "inbox": inbox_id}).fetchall()
    agents = tuple(Agent(str(id_), address, language) for id_, address, language in rows)
    hours = calendars.hours_for(conn, workspace_id, inbox_id)
    return replace(plan, agents=agents, is_open=said.step != "incoming" or hours.open_at(now()))


def _language(conn: Connection, workspace_id: UUID, inbox_id: UUID, said: Told) -> str:
    """The language of whoever hears it: the agent's on their leg, else the customer's, else the inbox's."""
    if named := said.params.get("language"):
        return named
    number = e164(said.params.get("From", ""))
    found: Any = None
    if number:
        found = conn.execute(_LANGUAGE, [workspace_id, number, number, number[1:]]).fetchone()
    found = found or conn.execute(_INBOX, [workspace_id, inbox_id]).fetchone()
    return str(found[0]) if found else "en"


def _say(conn: Connection, workspace_id: UUID, plan: Plan, said: Told) -> str:
    params = said.params
    if said.step == "incoming":
        return twiml.incoming(plan)
    if said.step == "consent":
        return twiml.consented(plan, params.get("Digits", ""))
    if said.step == "dialled":
        turn, record = params.get("turn", ""), params.get("record") == KEEP
        number = int(turn) if turn.isdecimal() and len(turn) < 4 else 0
        return twiml.dialled(plan, taken=taken(params), turn=number, record=record)
    if said.step == "screen":
        return twiml.screen(plan, params.get("agent", ""))
    if said.step == "accepted":
        return twiml.accepted(params.get("Digits", ""))
    if said.step == "left":
        return twiml.left(plan)
    if said.step == "bridge":
        return _bridge(conn, workspace_id, plan, params.get("call", ""))
    return twiml.document("<Hangup/>") if said.step == "bridged" else twiml.NOTHING


def _bridge(conn: Connection, workspace_id: UUID, plan: Plan, call: str) -> str:
    try:
        row = conn.execute(_WANTED, [workspace_id, UUID(call)]).fetchone()
    except ValueError:
        row = None
    return twiml.bridge(plan, row[0], call) if row else twiml.document("<Hangup/>")
