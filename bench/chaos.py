"""Never lost: everything is killed with kill -9 while thousands of messages come and go, and then all is counted.

    make bench ARGS=chaos
    python -m bench.chaos --inbound 5000 --outbound 2000 --seconds 240 --seed 7

The installation runs as people run it, under `wasl up`, which has to bring back by itself whatever dies. Customers
write by SMTP, LMTP and the API, and write again until they are told that it was taken; agents answer; the road to the
provider is made slow, so that calls are under way when something dies. Shorter than people would have it are only
WASL_DELIVERY_IN_DOUBT_WAIT (6 s instead of 10 minutes) and WASL_DELIVERY_RETRY_WAIT (1 s instead of 30).
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.house import House, assert_durable, house
from bench.storm import agents, customers
from bench.storm.killer import TARGETS, Blow, Killer, deck
from bench.storm.slow import SlowRoad
from bench.storm.verdict import Verdict, judge, settle
from bench.storm.watch import SERVICES, Page, Recovery, Watch

SETTINGS = {
    "WASL_DELIVERY_IN_DOUBT_WAIT": "6 s",
    "WASL_DELIVERY_RETRY_WAIT": "1 s",
    "WASL_API_RATE": "0",
    "WASL_LOG_LEVEL": "warning",
}
SENDERS = 8
"""WASL_WORKER_SENDERS: calls one worker may have in hand when it dies."""
DOORS = (("smtp", 2, 0.4), ("lmtp", 1, 0.2), ("api", 1, 0.2), ("batch", 1, 0.2))
"""Door, number of customers who use it, and their share of all that comes in."""
AGENTS = ("agent", "admin")
CONTEXT = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Strike:
    """A blow, and how long it took until everything served again."""

    blow: Blow
    second: float
    recovery: Recovery


def main() -> None:
    """Run, print, and end with 1 when anything was not as it must be."""
    options = _options()
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    with house("up", **SETTINGS, WASL_WORKER_SENDERS=str(SENDERS)) as home:
        try:
            result = storm(home, options)
        except TimeoutError:
            print(
                f"What the installation said last:\n{home.words(60)}\n{json.dumps(home.state())}", flush=True
            )
            if options.keep:
                input("Enter ends it. ")
            raise
    print_result(result)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(1 if result["faults"] else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inbound", type=int, default=5000)
    parser.add_argument("--outbound", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=240.0, help="over which the messages are spread")
    parser.add_argument("--kills", type=int, default=1000, help="at most; none comes after the last message")
    parser.add_argument("--targets", nargs="*", default=list(TARGETS), help=f"of {', '.join(TARGETS)}")
    parser.add_argument(
        "--in-order", action="store_true", help="kill the targets in the order given, each once"
    )
    parser.add_argument(
        "--pause", type=float, default=3.0, help="seconds between recovery and the next kill, on average"
    )
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--json", help="write the result to this file")
    parser.add_argument(
        "--keep", action="store_true", help="wait for Enter before the installation is removed"
    )
    return parser.parse_args()


def storm(home: House, options: argparse.Namespace) -> dict[str, Any]:
    """The whole run on a running, empty installation."""
    print(f"seed {options.seed}; data in {home.data}", flush=True)
    assert_durable(home.dsn)
    road = SlowRoad(home.outside, options.seed)
    workspace, rounds, shifts, session = _open_shop(home, road.port, options)
    people = [CONTEXT.Process(target=customers.write, args=(one,)) for one in rounds]
    people += [CONTEXT.Process(target=agents.answer, args=(shift,)) for shift in shifts]
    for person in people:
        person.start()
    strikes = _strike_while(people, home, Page(home.http, session), road, options)
    for person in people:
        person.join()
        if person.exitcode:
            raise SystemExit(f"a client ended with {person.exitcode}")
    began = time.monotonic()
    settle(home)
    settled = time.monotonic() - began
    time.sleep(1.5)  # the last checkpoint is signed within a second
    assert_durable(home.dsn)
    counts = sum(one.count for one in rounds), sum(shift.count for shift in shifts)
    bound = SENDERS * sum(strike.blow.loses_calls for strike in strikes)
    verdict = judge(home, workspace, home.data / "ledgers", *counts, bound)
    _check_recoveries(verdict, strikes)
    if options.keep:
        input("Enter ends it. ")
    _close()
    verdict.expect(home.stop() == 0, "it did not stop cleanly")
    road.close()
    return _result(options, strikes, verdict, settled, bound)


def _open_shop(home: House, road: int, options: argparse.Namespace) -> tuple[Any, list[Any], list[Any], str]:
    """The workspace, what everybody is to do, and the session of an agent who has a page open."""
    import django

    django.setup()
    from bench.world import api_inbox, shop
    from tests.live.browser import sign_in
    from wasl.channels.models import Inbox
    from wasl.kit.db import tenant

    here = shop()
    inbox, token = api_inbox()
    smtp = {"host": "127.0.0.1", "port": road, "tls": "none"}
    with tenant(here.id):
        # One provider can be asked what it took, the other cannot.
        Inbox.objects.filter(id=here.mail.id).update(
            config={"smtp": smtp, "lookup": f"http://127.0.0.1:{home.asked}/taken"}
        )
        Inbox.objects.create(
            workspace_id=here.id, channel="email", name="Orders", address=customers.MAIL_INBOXES[1],
            config={"smtp": smtp},
        )  # fmt: skip
    ledgers = home.data / "ledgers"
    ledgers.mkdir()
    ports = {"smtp": home.smtp, "lmtp": home.lmtp, "api": home.http, "batch": home.http}
    rounds = [
        customers.Round(
            door, number, max(1, round(options.inbound * share / many)), options.seconds, options.seed,
            ledgers / f"customer-{door}-{number}", ports[door], inbox, token,
        )
        for door, many, share in DOORS for number in range(many)
    ]  # fmt: skip
    shifts = []
    for number, role in enumerate(AGENTS):
        count, ledger = options.outbound // len(AGENTS), ledgers / f"agent-{number}"
        agent = here.agents[role].id
        shifts.append(
            agents.Shift(number, count, options.seconds, options.seed, ledger, here.id, agent, role)
        )
    return here.id, rounds, shifts, sign_in(here.users["owner"], here.id)


def _strike_while(
    people: list[Any], home: House, page: Page, road: SlowRoad, options: argparse.Namespace
) -> list[Strike]:
    """Kill, wait until all serves again, pause, and kill again, for as long as messages come and go."""
    dice = random.Random(f"{options.seed} killer")
    watch, killer = Watch(home, page), Killer(home, dice, lambda: road.under_way)
    targets = tuple(options.targets)
    hands = ((target,) for target in targets) if options.in_order else deck(targets, dice)
    began, strikes = time.monotonic(), list[Strike]()
    wait_at_first = watch.look(began)
    print(f"before the first kill everything answers within {wait_at_first.longest:.1f} s", flush=True)
    for hand in hands:
        pause = dice.expovariate(1 / options.pause)
        end = time.monotonic() + min(pause, 4 * options.pause)
        while time.monotonic() < end and any(person.is_alive() for person in people):
            time.sleep(0.01)
        over = not options.in_order and not any(person.is_alive() for person in people)
        if len(strikes) >= options.kills or over:
            break
        blow = killer.strike(hand)
        strikes.append(Strike(blow, blow.at - began, watch.look(blow.at)))
        _print_strike(strikes[-1])
    return strikes


def _check_recoveries(verdict: Verdict, strikes: list[Strike]) -> None:
    late = [s for s in strikes if s.recovery.longest > s.blow.goal]
    verdict.figures["kills"] = sum(len(s.blow.targets) for s in strikes)
    verdict.figures["blows"] = len(strikes)
    verdict.figures["back later than the goal"] = len(late)
    verdict.expect(
        all(s.recovery.longest < float("inf") for s in strikes), "something never served again by itself"
    )


def _close() -> None:
    """This process's own connections, so that the server can stop."""
    from django.db import connections

    from wasl.kit import db

    connections.close_all()
    for opened in db.opened():
        opened.close()


def _result(
    options: argparse.Namespace, strikes: list[Strike], verdict: Verdict, settled: float, bound: int
) -> dict[str, Any]:
    losing = [s.blow for s in strikes if s.blow.loses_calls]
    in_hand = {
        "attempts open just before such kills": sum(blow.open for blow in losing),
        "calls the provider was answering then": sum(blow.under_way for blow in losing),
        "senders times such kills": bound,
    }
    return {
        "seed": options.seed,
        "settings": SETTINGS,
        "load": os.getloadavg()[0],
        "seconds_until_settled": round(settled, 1),
        "figures": verdict.figures | in_hand,
        "recoveries": [
            {
                "second": round(s.second, 1),
                "killed": s.blow.targets,
                "open": s.blow.open,
                "goal": s.blow.goal,
                **{name: round(s.recovery.took.get(name, -1.0), 2) for name in SERVICES},
            }
            for s in strikes
        ],
        "faults": verdict.faults,
    }


def _print_strike(strike: Strike) -> None:
    took = "  ".join(f"{name} {strike.recovery.took.get(name, float('inf')):5.2f}" for name in SERVICES)
    late = "  LATE" if strike.recovery.longest > strike.blow.goal else ""
    print(f"{strike.second:6.1f} s  {' + '.join(strike.blow.targets):24}  {took}{late}", flush=True)


def print_result(result: dict[str, Any]) -> None:
    """Tables for people."""
    print(f"\nseconds until it served again, by what was killed (load {result['load']:.1f})")
    by_target: dict[str, list[float]] = {}
    for row in result["recoveries"]:
        by_target.setdefault(" + ".join(row["killed"]), []).append(max(row[name] for name in SERVICES))
    for target, took in sorted(by_target.items(), key=lambda item: -max(item[1])):
        took.sort()
        print(f"  {target:32} {len(took):3} ×   median {took[len(took) // 2]:5.2f}   longest {took[-1]:5.2f}")
    print()
    for name, count in result["figures"].items():
        print(f"  {name:44} {count:>8,}")
    print(f"  {'seconds until all was settled':44} {result['seconds_until_settled']:>8}")
    print(
        "\n"
        + (
            "\n".join(f"FAULT  {fault}" for fault in result["faults"])
            or "nothing lost, nothing doubled unasked"
        )
    )


if __name__ == "__main__":
    main()
