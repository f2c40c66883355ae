"""What a WhatsApp webhook costs: acknowledged, stored, understood, on the timeline, in the Merkle log.

    make bench ARGS=webhooks                        single messages and mixed batches, 1 and 8 clients
    python -m bench.webhooks --messages 2000 --clients 1

A batch is one webhook of fifty things in turn: messages of several kinds and receipts of messages that the business
sent. CPU-milliseconds a thing: every process of the product and of PostgreSQL, from /proc, from the first webhook until
nothing waits and every follower has read everything. What the clients themselves cost is told apart. Beside it the
single-row commits/s of the same PostgreSQL by its own pgbench with as many clients, before and after, with the product
at rest; acknowledging, with the worker at work, must reach half of that.
"""

import argparse
import json
import multiprocessing
import socket
import statistics
import time
from dataclasses import dataclass
from typing import Any

from bench.intake import commits
from bench.product import Product, product, settle

SECRETS = {"app_secret": "s3cret", "verify_token": "v", "access_token": "t"}
NUMBER = "109000000000001"
BATCH = 50
TEXT = (
    "Hello, I ordered the Atlas dinner set (DZ-20377) on Monday and the tracking page still says that the parcel is "
    "being prepared. Could you tell me whether it will be here by Friday? We have guests at the weekend."
)
GOAL = 1.0
"""CPU-milliseconds a thing."""


@dataclass(frozen=True)
class Load:
    """What one client process sends: `count` things, `size` in each webhook. `refs`: messages of the business.

    So many `people` write, nobody of whom wrote before (they count from `nobody`): who writes first is acknowledged.
    """

    port: int
    path: str
    count: int
    first: int
    people: int
    nobody: int
    size: int
    refs: tuple[str, ...] = ()


def _message(number: int, load: Load) -> dict[str, Any]:
    """Words, and in between a contact, what was tapped, a place. No files: fetching them is another matter."""
    person = load.nobody + number % load.people
    about: dict[str, Any] = {"from": f"33{person:09d}", "id": f"wamid.bench{number}"}
    about["timestamp"] = str(int(time.time()))
    match number % 10:
        case 3:
            cards = [{"name": {"formatted_name": "Hannah"}, "phones": [{"phone": "+44 7700 900123"}]}]
            return about | {"type": "contacts", "contacts": cards}
        case 6:
            reply = {"id": f"choice-{number % 3}", "title": "Collect from the shop"}
            return about | {
                "type": "interactive",
                "interactive": {"type": "button_reply", "button_reply": reply},
            }
        case 9:
            return about | {
                "type": "location",
                "location": {"latitude": 33.57, "longitude": -7.59, "name": "Home"},
            }
        case _:
            return about | {"type": "text", "text": {"body": f"{number}: {TEXT}"}}


def _status(number: int, ref: str) -> dict[str, Any]:
    return {
        "id": ref, "status": "delivered", "timestamp": str(int(time.time())), "recipient_id": f"336{number:08d}",
        "pricing": {"billable": False, "pricing_model": "PMP", "category": "service"},
    }  # fmt: skip


def body(load: Load, start: int) -> bytes:
    """One webhook: a message, or messages and receipts in turn."""
    messages, statuses = [], []
    for number in range(start, start + load.size):
        at = number - load.first
        if load.refs and at % 2 and at // 2 < len(load.refs):
            statuses.append(_status(number, load.refs[at // 2]))
        else:
            messages.append(_message(number, load))
    people = {each["from"]: {"wa_id": each["from"], "profile": {"name": "Customer"}} for each in messages}
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "33639980090", "phone_number_id": NUMBER},
        "contacts": list(people.values()), "messages": messages, "statuses": statuses,
    }  # fmt: skip
    entry = {"id": "104", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def _requests(load: Load) -> list[bytes]:
    """What a client sends, signed and written out beforehand: the sender is somebody else's machine."""
    from wasl.channels.whatsapp.hook import sign

    made = []
    for start in range(load.first, load.first + load.count, load.size):
        told = body(load, start)
        made.append(
            f"POST {load.path} HTTP/1.1\r\nHost: 127.0.0.1:{load.port}\r\nUser-Agent: facebookexternalua\r\n"
            f"Accept: */*\r\nContent-Type: application/json\r\nContent-Length: {len(told)}\r\n"
            f"X-Hub-Signature-256: sha256={sign(told, SECRETS['app_secret'])}\r\n\r\n".encode()
            + told
        )
    return made


@dataclass(frozen=True)
class Told:
    """What one client saw: when it began and ended (monotonic), its own CPU, the seconds of each webhook."""

    began: float
    ended: float
    cpu: float
    took: list[float]


def _send(load: Load) -> Told:
    """One webhook after another on one connection, each as soon as the one before was acknowledged."""
    requests, took = _requests(load), []
    with socket.create_connection(("127.0.0.1", load.port), timeout=60) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _together.wait()
        began, cpu = time.monotonic(), time.process_time()
        for one in requests:
            start = time.perf_counter()
            line.sendall(one)
            _acknowledged(line)
            took.append(time.perf_counter() - start)
        return Told(began, time.monotonic(), time.process_time() - cpu, took)


def _acknowledged(line: socket.socket) -> None:
    """Read one whole answer of known length; it must be 200."""
    got = line.recv(65536)
    while b"\r\n\r\n" not in got:
        got += _more(line)
    if not got.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"the door answered {got[:40]!r}")
    head, _, rest = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(rest) < length:
        rest += _more(line)


def _more(line: socket.socket) -> bytes:
    got = line.recv(65536)
    if not got:
        raise SystemExit("the door hung up")
    return got


def _start_at(together: Any) -> None:
    """In each client's process: what they all wait at, so that none sends before the others are ready."""
    global _together
    _together = together


_together: Any = None


def _clients(loads: list[Load]) -> list[Told]:
    fork = multiprocessing.get_context("fork")
    with fork.Pool(len(loads), _start_at, (fork.Barrier(len(loads)),)) as pool:
        return pool.map(_send, loads, chunksize=1)


def whatsapp() -> str:
    """An inbox of the benchmark's workspace; the path of its webhook."""
    from bench.world import shop
    from wasl.channels.models import Inbox
    from wasl.channels.secret import seal_all
    from wasl.kit.db import tenant
    from wasl.kit.ids import uuid7

    here = shop()
    with tenant(here.id):
        inbox = Inbox(id=uuid7(), workspace_id=here.id, channel="whatsapp", name="WhatsApp", address=NUMBER)
        inbox.secret = seal_all(here.id, inbox.id, SECRETS)
        inbox.save(force_insert=True)
    return f"/hooks/whatsapp/{inbox.id}"


def sent(count: int, first: int) -> tuple[str, ...]:
    """So many messages that the business sent and that were taken; the provider's ids."""
    from bench.world import shop
    from wasl.channels.models import Inbox
    from wasl.conversations.models import Message
    from wasl.delivery.models import Delivery, State
    from wasl.kit.clock import now
    from wasl.kit.db import tenant
    from wasl.kit.ids import uuid7

    here, refs = shop(), tuple(f"wamid.sent{first + n}" for n in range(count))
    with tenant(here.id):
        inbox = Inbox.objects.get(channel="whatsapp")
        theirs = list(Message.objects.filter(way="in", channel="whatsapp")[:500])
        messages, deliveries = [], []
        for n, ref in enumerate(refs):
            one, made, at = theirs[n % len(theirs)], uuid7(), now()
            known = {
                "workspace_id": here.id,
                "conversation_id": one.conversation_id,
                "customer_id": one.customer_id,
            }
            out = Message(
                id=uuid7(), way="out", channel="whatsapp", identity_id=one.identity_id, at=at, delivery_id=made,
                text="It comes tomorrow.", **known,
            )  # fmt: skip
            messages.append(out)
            delivery = Delivery(
                id=made, inbox=inbox, message_id=out.id, channel="whatsapp", address="33600000000", payload={},
                state=State.SENT, created_at=at, due_at=at, deadline_at=at, ended_at=at, ref=ref, **known,
            )  # fmt: skip
            deliveries.append(delivery)
        Message.objects.bulk_create(messages)
        Delivery.objects.bulk_create(deliveries)
    return refs


def measure(made: Product, kind: str, clients: int, count: int, path: str, first: int) -> dict[str, Any]:
    """One row of the table."""
    size = 1 if kind == "single" else BATCH
    share = count // clients // size * size
    refs = sent(share // 2 * clients, first) if kind == "mixed" else ()
    settle(made.dsn)
    time.sleep(1)
    people, each = max(50, count // 3), share // 2 if refs else 0
    loads = [
        Load(made.http, path, share, first + n * share, people, first, size, refs[n * each : (n + 1) * each])
        for n in range(clients)
    ]
    before = made.cpu()
    told = _clients(loads)
    understood = settle(made.dsn)
    after = made.cpu()
    total = share * clients
    used = {name: (after[name] - before[name]) * 1000 / total for name in after}
    used["postgres"] -= understood.cpu * 1000 / total
    took = sorted(one for each in told for one in each.took)
    start, accepted = min(each.began for each in told), max(each.ended for each in told)
    return {
        "kind": kind,
        "clients": clients,
        "things": total,
        "webhooks": len(took),
        "cpu_ms": round(sum(used.values()), 3),
        "cpu_ms_by": {name: round(value, 3) for name, value in used.items()},
        "client_ms": round(sum(each.cpu for each in told) * 1000 / total, 3),
        "webhooks_per_s": round(len(took) / (accepted - start)),
        "understood_per_s": round(total / (understood.at - start)),
        "backlog_s": round(understood.at - accepted, 2),
        "p50_ms": round(statistics.median(took) * 1000, 2),
        "p99_ms": round(took[int(len(took) * 0.99)] * 1000, 2),
        "lag": 0,  # `settle` has waited for it
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--messages", type=int, default=6000, help="single ones; of the mixed three times as many"
    )
    parser.add_argument("--clients", nargs="*", type=int, default=[1, 8])
    parser.add_argument("--kinds", nargs="*", default=["single", "mixed"])
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    with product("web", "worker") as made:
        path = whatsapp()
        measure(made, "single", 1, 1000, path, 10_000_000)
        _analyse(made)
        rows, first = [], 0
        for clients in options.clients:
            for kind in options.kinds:
                count = options.messages * (3 if kind == "mixed" else 1)
                raw = [commits(made, clients)]
                row = measure(made, kind, clients, count, path, first)
                raw.append(commits(made, clients))
                first += count
                rows.append(row | {"commits_per_s": round(statistics.mean(raw))})
                _print(rows[-1])
        if options.json:
            with open(options.json, "w") as file:
                json.dump(rows, file, indent=1)


def _analyse(made: Product) -> None:
    """The statistics that a server has after its first ten seconds."""
    import psycopg

    with psycopg.connect(made.dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")


def _print(row: dict[str, Any]) -> None:
    parts = "  ".join(f"{name} {value}" for name, value in row["cpu_ms_by"].items())
    share = row["webhooks_per_s"] / row["commits_per_s"]
    # A batch does in one commit what would take fifty: the half is asked of single ones.
    slow = row["kind"] == "single" and share < 0.5
    print(
        f"{row['kind']:>6} × {row['clients']}: {row['cpu_ms']:.3f} CPU-ms ({parts}; the client {row['client_ms']})"
        f"  acknowledged {row['webhooks_per_s']} webhooks/s, {share:.2f} of {row['commits_per_s']} commits/s"
        f"{', too slow' if slow else ''}"
        f"  understood {row['understood_per_s']}/s  backlog {row['backlog_s']} s  p50 {row['p50_ms']} ms"
        f"  p99 {row['p99_ms']} ms{'' if row['cpu_ms'] <= GOAL else '  over the goal'}",
        flush=True,
    )


if __name__ == "__main__":
    main()
