"""The OUT road: messages handed to a mail server over SMTP, recorded and on the timeline, and what each costs.

    python -m bench.delivery [--messages 3000] [--inboxes 1] [--size 800]

Everything is written first and then set free at once, so what is measured is the worker. CPU is that of the worker
(followers and Merkle log included) and of PostgreSQL; the mail server that stands for the customers' is shown apart.
"""

import argparse
import os
import time
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from bench.product import Product, product
from tests.processes import free_port, wait_for_port

PATIENCE = 600.0


def write(dsn: str, count: int, inboxes: int, size: int, outside: int) -> None:
    """Customers, conversations, messages and their deliveries, due at some later time."""
    from bench.world import shop
    from wasl.channels.base import Address, OutboundMessage
    from wasl.delivery.payload import pack
    from wasl.kit.ids import uuid7

    here = shop()
    smtp = {"smtp": {"host": "127.0.0.1", "port": outside, "tls": "none"}}
    people = [uuid7() for _ in range(max(1, count // 5))]
    boxes = [here.mail.id, *(uuid7() for _ in range(inboxes - 1))]
    at = datetime.now(UTC)
    with psycopg.connect(dsn) as conn, conn.cursor() as cursor:
        cursor.execute("UPDATE channels_inbox SET config = %s WHERE id = %s", [Jsonb(smtp), here.mail.id])
        cursor.executemany(
            "INSERT INTO channels_inbox (workspace_id, id, channel, name, address, language, config, is_active,"
            " created_at) VALUES (%s, %s, 'email', 'More', %s, 'en', %s, true, %s)",
            [[here.id, box, f"{box.hex}@dar-zaytun.example", Jsonb(smtp), at] for box in boxes[1:]],
        )
        cursor.executemany(
            "INSERT INTO customers_customer (workspace_id, id, name, language, timezone, place, created_at, root_id)"
            " VALUES (%s, %s, 'Salma', 'ar', '', '', %s, %s)",
            [[here.id, person, at, person] for person in people],
        )
        cursor.executemany(
            "INSERT INTO conversations_conversation (workspace_id, id, customer_id, inbox_id, subject, created_at,"
            " status, last_at, last_way, preview, messages, trouble)"
            " VALUES (%s, %s, %s, %s, 'Lamp', %s, 'open', %s, 'in', '', 1, '')",
            [[here.id, person, person, here.mail.id, at, at] for person in people],
        )
        for number in range(count):
            box, person, message = boxes[number % inboxes], people[number % len(people)], uuid7()
            mail = OutboundMessage(
                message_id=f"{message.hex}@dar-zaytun.example",
                date=at,
                from_=Address("Dar Zaytun", "support@dar-zaytun.example"),
                to=(Address("Salma", f"c{number % 500}@barid.example"),),
                envelope_from="support@dar-zaytun.example",
                subject="Re: Lamp",
                text="وصلنا طلبك. " * (size // 20),
                in_reply_to=("one@barid.example",),
                references=("one@barid.example",),
                language="ar",
            )
            _one(cursor, here.id, box, person, message, pack(mail), at)


def _one(
    cursor: psycopg.Cursor[tuple[object, ...]],
    workspace: UUID,
    box: UUID,
    person: UUID,
    message: UUID,
    payload: dict[str, object],
    at: datetime,
) -> None:
    cursor.execute(
        "INSERT INTO conversations_message (workspace_id, id, conversation_id, customer_id, way, channel, at,"
        " subject, text, html, has_remote, language, rfc_id, auto, meta)"
        " VALUES (%s, %s, %s, %s, 'out', 'email', %s, 'Lamp', %s, '', false, 'ar', %s, '', '{}')",
        [workspace, message, person, person, at, payload["text"], payload["message_id"]],
    )
    cursor.execute(
        "INSERT INTO delivery_delivery (workspace_id, id, inbox_id, customer_id, conversation_id, message_id,"
        " channel, address, payload, state, created_at, due_at, deadline_at, attempts, doubts, reason, fence)"
        " VALUES (%s, %s, %s, %s, %s, %s, 'email', 'x@barid.example', %s, 'queued', %s,"
        " now() + interval '1 day', now() + interval '3 days', 0, 0, '', 0)",
        [workspace, message, box, person, person, message, Jsonb(payload), at],
    )


def measure(made: Product, count: int) -> None:
    """Set everything free, and wait for the last one and for the followers."""
    with psycopg.connect(made.dsn, autocommit=True) as conn:
        conn.execute("ANALYZE")
        before, start = made.cpu(), time.monotonic()
        conn.execute("UPDATE delivery_delivery SET due_at = now() WHERE state = 'queued'")
        conn.execute("SELECT pg_notify('wasl_wake', 'delivery')")
        _until(conn, "SELECT NOT EXISTS (SELECT FROM delivery_delivery WHERE ended_at IS NULL)")
        sent = time.monotonic()
        _until(
            conn,
            "SELECT (SELECT count(*) FROM timeline_touchpoint) <= (SELECT coalesce(sum(size), 0) FROM"
            " (SELECT max(size) AS size FROM timeline_checkpoint GROUP BY workspace_id) c)",
        )
        after = made.cpu()
        states = dict(conn.execute("SELECT state, count(*) FROM delivery_delivery GROUP BY 1").fetchall())
    used = {name: (after[name] - before[name]) * 1000 / count for name in after}
    ours = used["worker"] + used["postgres"]
    print(
        f"{count} messages: {count / (sent - start):.0f}/s, {ours:.2f} CPU-ms each (worker {used['worker']:.2f}, "
        f"PostgreSQL {used['postgres']:.2f}; the customers' mail server {used['sandbox']:.2f}), {states}"
    )


def _until(conn: psycopg.Connection[tuple[object, ...]], question: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        row = conn.execute(question.encode()).fetchone()
        if row and row[0]:
            return
        if time.monotonic() > end:
            raise SystemExit("it took too long")
        time.sleep(0.05)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--inboxes", type=int, default=1)
    parser.add_argument("--size", type=int, default=800, help="letters of each message")
    options = parser.parse_args()
    os.environ["WASL_SANDBOX_HTTP_PORT"] = str(free_port())
    with product("sandbox", "worker") as made:
        wait_for_port(made.outside, made.processes["sandbox"], 30)
        for count in (200, options.messages):
            write(made.dsn, count, options.inboxes, options.size, made.outside)
            measure(made, count)


if __name__ == "__main__":
    main()
