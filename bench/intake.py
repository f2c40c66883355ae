"""What a message costs on its way in: durably stored, threaded, searchable, on the timeline, in the Merkle log.

    make bench ARGS=intake            every door, 1 and 8 clients
    python -m bench.intake --messages 20000 --doors api

CPU-milliseconds a message is what decides: every process of the product and of PostgreSQL, from /proc, from the first
message until every follower has read everything. Beside it the single-row commits/s of the same PostgreSQL.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import smtplib
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from bench.product import Product, product, settle
from bench.reference import KNOWN_CPU_MS, reference

TEXT = (
    "Hello,\n\nI ordered the Atlas dinner set (DZ-20377) on Monday and the tracking page still says that the parcel"
    " is being prepared. Could you tell me whether it will be here by Friday? We have guests at the weekend.\n\n"
    "If it is easier, I can collect it from the shop.\n\nThank you very much,\nHannah Clarke\n"
)
BATCH = 100


@dataclass(frozen=True)
class Load:
    """What one client process sends."""

    door: str
    port: int
    count: int
    first: int
    people: int
    inbox: str
    token: str


def _mail(number: int, people: int) -> bytes:
    who = number % people
    return (
        f"From: Customer {who} <customer{who}@people.example>\r\nTo: support@dar-zaytun.example\r\n"
        f"Subject: Where is my order {number}\r\nMessage-ID: <{number}.bench@people.example>\r\n"
        f"Date: Tue, 10 Feb 2026 09:51:00 +0000\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n" + TEXT.replace("\n", "\r\n")
    ).encode()


def _body(number: int, people: int) -> dict[str, Any]:
    who = number % people
    return {
        "id": f"bench-{number}",
        "from": {"address": f"customer{who}", "name": f"Customer {who}"},
        "subject": f"Where is my order {number}",
        "text": TEXT,
    }


def _send(load: Load) -> list[float]:
    """Seconds each request took, one after another."""
    if load.door == "api":
        return _send_api(load, 1)
    if load.door == "api-batch":
        return _send_api(load, BATCH)
    return _send_mail(load)


def _send_mail(load: Load) -> list[float]:
    """A session for each message, as mail servers do."""
    kind = smtplib.LMTP if load.door == "lmtp" else smtplib.SMTP
    took = []
    for number in range(load.first, load.first + load.count):
        raw = _mail(number, load.people)
        start = time.perf_counter()
        with kind("127.0.0.1", load.port, local_hostname="bench.example") as smtp:
            smtp.sendmail(
                f"customer{number % load.people}@people.example", ["support@dar-zaytun.example"], raw
            )
        took.append(time.perf_counter() - start)
    return took


def _send_api(load: Load, size: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", load.port, timeout=60)
    path = f"/api/v1/inboxes/{load.inbox}/messages" + ("/batch" if size > 1 else "")
    headers = {"Authorization": f"Bearer {load.token}", "Content-Type": "application/json"}
    took = []
    for start_at in range(load.first, load.first + load.count, size):
        items = [
            _body(n, load.people) for n in range(start_at, min(start_at + size, load.first + load.count))
        ]
        body = json.dumps({"messages": items} if size > 1 else items[0]).encode()
        start = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        took.append(time.perf_counter() - start)
        if answer.status != 202:
            raise SystemExit(f"the door answered {answer.status}")
    return took


def commits(made: Product, clients: int, seconds: int = 4) -> float:
    """Single-row commits/s of this PostgreSQL, by its own pgbench."""
    import psycopg
    from django.conf import settings

    from wasl.kit import pghost
    from wasl.kit.postgres import Cluster

    cluster = Cluster(made.data, settings.SECRET_KEY)
    script = made.data / "commit.sql"
    script.write_text("INSERT INTO bench_commit (words) VALUES (repeat('x', 600));\n")
    with psycopg.connect(made.dsn) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS bench_commit (id bigserial PRIMARY KEY, words text)")
    program = pghost.programs(pghost.owner_of(cluster.directory)) / "pgbench"
    parts = psycopg.conninfo.conninfo_to_dict(made.dsn)
    environment = {"PGPASSWORD": str(parts.get("password", "")), "PATH": os.defpath}
    command = [
        str(program), "-n", "-f", str(script), "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds),
        "-h", str(parts["host"]), "-p", str(parts.get("port", 5432)), "-U", str(parts["user"]), str(parts["dbname"]),
    ]  # fmt: skip
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return float(next(line for line in out.splitlines() if line.startswith("tps")).split()[2])


def measure(
    made: Product, door: str, clients: int, messages: int, inbox: str, token: str, first: int
) -> dict[str, Any]:
    """One row of the table."""
    settle(made.dsn)
    time.sleep(1)
    port = {"smtp": made.smtp, "lmtp": made.lmtp}.get(door, made.http)
    share = messages // clients
    people = max(50, messages // 3)
    loads = [Load(door, port, share, first + n * share, people, inbox, token) for n in range(clients)]
    before, start = made.cpu(), time.monotonic()
    with multiprocessing.get_context("fork").Pool(clients) as pool:
        took = [one for part in pool.map(_send, loads) for one in part]
    accepted = time.monotonic()
    understood = settle(made.dsn)
    after = made.cpu()
    total = share * clients
    used = {name: (after[name] - before[name]) * 1000 / total for name in after}
    used["postgres"] -= understood.cpu * 1000 / total
    took.sort()
    return {
        "door": door,
        "clients": clients,
        "messages": total,
        "cpu_ms": round(sum(used.values()), 3),
        "cpu_ms_by": {name: round(value, 3) for name, value in used.items()},
        "accepted_per_s": round(total / (accepted - start)),
        "understood_per_s": round(total / (understood.at - start)),
        "backlog_s": round(understood.at - accepted, 2),
        "p50_ms": round(statistics.median(took) * 1000, 2),
        "p99_ms": round(took[int(len(took) * 0.99)] * 1000, 2),
        "memory_mb": {name: round(value) for name, value in made.memory().items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=6000)
    parser.add_argument("--doors", nargs="*", default=["api", "api-batch", "smtp", "lmtp"])
    parser.add_argument("--clients", nargs="*", type=int, default=[1, 8])
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    with product("web", "mail", "worker") as made:
        from bench.world import api_inbox

        inbox, token = api_inbox()
        rows, first = [], 0
        known = reference(made, _mail(0, 1000))
        print(
            f"aiosmtpd with one INSERT: {known.cpu_ms} CPU-ms of its own, {known.per_s:,.0f}/s"
            f" ({known.cpu_ms / KNOWN_CPU_MS:.2f} times what is known of it)"
        )
        for clients in options.clients:
            raw = commits(made, clients)
            print(f"PostgreSQL, {clients} client(s): {raw:,.0f} single-row commits/s")
            for door in options.doors:
                count = options.messages * (5 if door == "api-batch" else 1)
                if first == 0:
                    _warm(made, inbox, token)
                row = measure(made, door, clients, count, inbox, token, first) | {
                    "commits_per_s": round(raw),
                    "reference_cpu_ms": known.cpu_ms,
                }
                first += count
                rows.append(row)
                _print(row)
        if options.json:
            with open(options.json, "w") as file:
                json.dump(rows, file, indent=1)


def _warm(made: Product, inbox: str, token: str) -> None:
    """Fill every cache, and gather the statistics that a server has after its first ten seconds."""
    import psycopg

    measure(made, "api-batch", 1, 2000, inbox, token, 10_000_000)
    with psycopg.connect(made.dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")


def _print(row: dict[str, Any]) -> None:
    parts = "  ".join(f"{name} {value}" for name, value in row["cpu_ms_by"].items())
    print(
        f"{row['door']:>9} × {row['clients']}: {row['cpu_ms']:.3f} CPU-ms ({parts})  accepted {row['accepted_per_s']}/s"
        f"  understood {row['understood_per_s']}/s  backlog {row['backlog_s']} s"
        f"  p50 {row['p50_ms']} ms  p99 {row['p99_ms']} ms  memory {sum(row['memory_mb'].values())} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
