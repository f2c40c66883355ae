"""What is there when the storm is over, compared with what was acknowledged and with what the provider received."""

import re
import time
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from bench.house import House, wait_for
from bench.storm.fair import Fair
from bench.storm.findings import Read, Verdict, acknowledged
from bench.storm.verdict_chats import judge_chats

_ID = re.compile(rb"^message-id:\s*<([^>\s]+)>", re.IGNORECASE | re.MULTILINE)
SETTLE_PATIENCE = 300.0
EVERY = 0.1
"""Seconds between two looks whether all is settled."""


def settle(house: House, also: Callable[[], str] = str) -> None:
    """Wait until nothing waits to be understood, to be sent or to be followed, and `also` has nothing to say."""

    def done() -> bool:
        time.sleep(EVERY)
        try:
            with psycopg.connect(house.dsn, autocommit=True) as conn:
                return all(conn.execute(question).fetchone() == (False,) for question in _UNFINISHED)
        except psycopg.OperationalError:
            return False

    try:
        wait_for(lambda: done() and not also(), SETTLE_PATIENCE, "something is still unfinished")
    except TimeoutError as error:
        raise TimeoutError(f"{error}: {also() or 'in the database'}") from error


_UNFINISHED: tuple[LiteralString, ...] = (
    "SELECT EXISTS (SELECT FROM intake_inboundqueue)",
    "SELECT EXISTS (SELECT FROM delivery_delivery WHERE state NOT IN ('sent', 'delivered', 'read', 'failed'))",
    "SELECT EXISTS (SELECT FROM timeline_follower f JOIN timeline_touchpoint t"
    " ON (t.epoch, t.tx, t.id) > (f.epoch, f.tx, f.last_id))",
)


def judge(
    house: House, workspace: UUID, ledgers: Path, keys: int, answers: int, bound: int, fair: Fair | None
) -> Verdict:
    """Look at everything. `keys` and `answers` is how many were to be acknowledged, by mail and API, `bound` how many
    calls may be in doubt."""
    found = Verdict()
    with psycopg.connect(house.dsn) as conn:
        read: Read = lambda question, *values: conn.execute(question, values).fetchall()  # noqa: E731
        _inbound(found, read, acknowledged(ledgers, "customer-*"), keys)
        _answers(found, read, acknowledged(ledgers, "agent-*"), answers)
        _deliveries(found, read, copies(house.data / "sandbox"))
        if fair:
            judge_chats(found, read, fair)
        _doubts(found, read, bound)
        _timeline(found, read)
    _log(found, workspace)
    _projections(found)
    return found


def _inbound(found: Verdict, read: Read, taken: dict[str, dict[str, Any]], keys: int) -> None:
    found.expect(len(taken) == keys, f"{keys - len(taken)} messages were never acknowledged")
    stored = {str(row[0]) for row in read("SELECT id FROM intake_inbound WHERE channel IN ('email', 'api')")}
    rows = read(
        "SELECT id::text, subject, channel IN ('email', 'api') FROM conversations_message WHERE way = 'in'"
    )
    everywhere = Counter(row[0] for row in rows)
    messages = Counter(row[0] for row in rows if row[2])
    touched = Counter(
        str(r[0]) for r in read("SELECT about_id FROM timeline_touchpoint WHERE kind = 'message.received'")
    )
    aside = Counter(
        str(r[0]) for r in read(
            "SELECT q.id FROM intake_quarantine q JOIN intake_inbound i ON i.id = q.id"
            " WHERE i.channel IN ('email', 'api')"
        )
    )  # fmt: skip
    subjects = {row[0]: row[1] for row in rows if row[2]}
    probes = {str(r[0]) for r in read("SELECT id FROM conversations_message WHERE rfc_id LIKE 'probe%%'")}
    ids = {entry["id"] for entry in taken.values()}
    found.none("acknowledged and not stored", ids - stored)
    found.none(
        "two messages acknowledged as one",
        [i for i, n in Counter(e["id"] for e in taken.values()).items() if n > 1],
    )
    found.none("stored and never sent by anyone", stored - ids - probes)
    found.none("neither on the timeline nor in quarantine", stored - messages.keys() - aside.keys())
    found.none("both on the timeline and in quarantine", messages.keys() & aside.keys())
    found.none("a message without its touchpoint", messages.keys() - touched.keys())
    found.none("a touchpoint without its message", touched.keys() - everywhere.keys())
    found.none("more than one touchpoint", [i for i, n in touched.items() if n > 1])
    found.none("a message twice", [i for i, n in messages.items() if n > 1])
    found.none(
        "another message than the one acknowledged",
        [key for key, e in taken.items() if e["id"] in subjects and subjects[e["id"]] != f"Order {key}"],
    )
    broken = read("SELECT id, reason FROM intake_quarantine WHERE reason <> 'no_sender'")
    found.none("in quarantine for a fault of ours", broken)
    found.none(
        "two customers for one address",
        read("SELECT address FROM customers_identity GROUP BY channel, address HAVING count(*) > 1"),
    )
    found.none(
        "a thread torn in two",
        read(
            "SELECT regexp_replace(i.address, '@.*', '') FROM conversations_message m"
            " JOIN customers_identity i ON i.id = m.identity_id WHERE m.way = 'in' AND m.channel = 'email'"
            " GROUP BY 1 HAVING count(DISTINCT m.conversation_id) > 1"
        ),
    )
    found.figures |= {
        "acknowledged": len(taken),
        "acknowledged after more than one try": sum(e["tries"] > 1 for e in taken.values()),
        "on the timeline": len(messages.keys() & ids),
        "in quarantine": len(aside),
        "probes": len(probes),
    }


def _answers(found: Verdict, read: Read, written: dict[str, dict[str, Any]], answers: int) -> None:
    found.expect(len(written) == answers, f"{answers - len(written)} answers were never written")
    rows = read("SELECT text, id, delivery_id FROM conversations_message WHERE way = 'out' AND auto = ''")
    texts = Counter(row[0] for row in rows)
    found.none("an answer that is lost", written.keys() - texts.keys())
    found.none("an answer twice", [text for text, n in texts.items() if n > 1])
    found.none("an answer nobody wrote", texts.keys() - written.keys())
    found.none(
        "another answer than the one written",
        [r[0] for r in rows if written.get(r[0], {}).get("id") != str(r[1])],
    )
    found.none("an answer without its one delivery", read(
        "SELECT m.id FROM conversations_message m LEFT JOIN delivery_delivery d ON d.message_id = m.id"
        " AND d.id = m.delivery_id WHERE m.way = 'out' GROUP BY m.id HAVING count(d.id) <> 1"))  # fmt: skip
    found.none("an answer without its one touchpoint", read(
        "SELECT m.id FROM conversations_message m LEFT JOIN timeline_touchpoint t ON t.about_id = m.id"
        " AND t.kind = 'message.sent' WHERE m.way = 'out' AND m.auto = ''"
        " GROUP BY m.id HAVING count(t.id) <> 1"))  # fmt: skip
    found.figures["answers"] = len(rows)
    found.figures["answers after more than one try"] = sum(entry["tries"] > 1 for entry in written.values())


def copies(sandbox: Path) -> Counter[str]:
    """How many copies of each message the provider put into mailboxes, by Message-ID."""
    counted: Counter[str] = Counter()
    for path in sandbox.glob("mail/*/*/*"):
        if path.parent.name in ("new", "cur") and (named := _ID.search(path.read_bytes())):
            counted[named[1].decode()] += 1
    return counted


def _deliveries(found: Verdict, read: Read, arrived: Counter[str]) -> None:
    rows = read(
        "SELECT d.state, d.reason, m.rfc_id, d.ended_at IS NOT NULL, (SELECT count(*) FROM delivery_attempt a"
        " WHERE a.delivery_id = d.id AND a.outcome = 'in_doubt'), i.config ? 'lookup' FROM delivery_delivery d"
        " JOIN conversations_message m ON m.id = d.message_id JOIN channels_inbox i ON i.id = d.inbox_id"
        " WHERE i.channel = 'email'"
    )
    states = Counter(row[0] for row in rows)
    sent = {row[2] for row in rows if row[0] in ("sent", "delivered", "read")}
    doubted = {row[2] for row in rows if row[4]}
    doubles = {name for name, count in arrived.items() if count > 1}
    found.none("deliveries without an end", [row[2] for row in rows if not row[3]])
    found.none("sent, and the provider has nothing", sent - arrived.keys())
    found.none("doubled without having been in doubt", doubles - doubted)
    found.none("three copies or more", [name for name, count in arrived.items() if count > 2])
    found.none("at the provider, and not ours", arrived.keys() - {row[2] for row in rows})
    found.none(
        "failed for another reason than doubt", [r[2] for r in rows if r[0] == "failed" and r[1] != "unsure"]
    )
    found.figures |= {
        **{f"deliveries {state}": count for state, count in sorted(states.items())},
        "deliveries once in doubt": len(doubted),
        "doubled": len(doubles),
        "doubled though the provider can be asked": len(doubles & {row[2] for row in rows if row[5]}),
        "copies at the provider": sum(arrived.values()),
    }


def _doubts(found: Verdict, read: Read, bound: int) -> None:
    """Of all channels."""
    calls, doubts = read(
        "SELECT count(*), count(*) FILTER (WHERE outcome = 'in_doubt') FROM delivery_attempt"
    )[0]
    found.none("calls still open", read("SELECT id FROM delivery_attempt WHERE finished_at IS NULL"))
    found.expect(doubts <= bound, f"{doubts} calls in doubt, and only {bound} can have been in hand")
    found.figures |= {"calls made": calls, "calls in doubt": doubts}


def _timeline(found: Verdict, read: Read) -> None:
    found.none(
        "parked by a follower", read("SELECT touchpoint_id FROM timeline_parked WHERE settled_at IS NULL")
    )
    found.none("a sent delivery without its touchpoint", read(
        "SELECT d.id FROM delivery_delivery d WHERE d.state = 'sent' AND NOT EXISTS (SELECT FROM timeline_touchpoint t"
        " WHERE t.about_id = d.id AND t.kind = 'delivery.sent')"))  # fmt: skip
    found.none("a conversation that counts wrongly", read(
        "SELECT c.id FROM conversations_conversation c WHERE c.messages <>"
        " (SELECT count(*) FROM conversations_message m WHERE m.conversation_id = c.id)"))  # fmt: skip


def _log(found: Verdict, workspace: UUID) -> None:
    """The Merkle log has every touchpoint once, as it is, and its newest checkpoint covers them all."""
    from wasl.kit.db import SET_WORKSPACE, pool
    from wasl.timeline.audit import audit
    from wasl.timeline.log import checkpoint

    with pool("app", "verdict").connection() as conn:
        conn.execute(SET_WORKSPACE, [str(workspace)])
        seen = audit(conn, workspace)
        row = conn.execute("SELECT count(*) FROM timeline_touchpoint").fetchone()
        signed = int(checkpoint(conn, workspace).splitlines()[1])
    total = row[0] if row else -1
    found.expect(
        seen.whole, f"the log: {len(seen.lost)} lost, {len(seen.strange)} strange, {len(seen.forks)} forks"
    )
    found.expect(seen.size == total, f"the log holds {seen.size} of {total} touchpoints")
    found.expect(signed == total, f"the newest checkpoint covers {signed} of {total} touchpoints")
    found.figures["touchpoints, each once in the log"] = seen.size


def _projections(found: Verdict) -> None:
    from wasl.config import rebuild

    said = StringIO()
    found.expect(rebuild.main(out=said) == 0, f"rebuilding gives something else: {said.getvalue().strip()}")
