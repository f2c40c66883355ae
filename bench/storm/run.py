"""One storm from its first message to the verdict."""

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.house import House, assert_durable, house
from bench.storm import agents, customers
from bench.storm.fair import Fair
from bench.storm.findings import Verdict
from bench.storm.killer import TARGETS, Killer, deck
from bench.storm.report import Strike, print_result, print_strike, result
from bench.storm.shopfront import CHANNELS, IMAP
from bench.storm.slow import SlowRoad
from bench.storm.verdict import judge, settle
from bench.storm.watch import Page, Watch

SETTINGS = {
    "WASL_DELIVERY_IN_DOUBT_WAIT": "6 s",
    "WASL_DELIVERY_RETRY_WAIT": "1 s",
    "WASL_API_RATE": "0",
    "WASL_LOG_LEVEL": "warning",
}
SENDERS = 8
"""WASL_WORKER_SENDERS: calls one worker may have in hand when it dies."""
DOORS = (("smtp", 2, 0.4), ("lmtp", 1, 0.2), ("api", 1, 0.2), ("batch", 1, 0.2))
"""Door, number of customers who use it, and their share of all that comes in by mail and API."""
CHATS = 0.5
"""Share of all that comes in by chat, when there are any."""
FAULTS = 0.4
"""Faults of providers for each answer; about half of them strike."""
AGENTS = ("agent", "admin", "owner")
"""Roles of those who answer; the last one is a program and uses the API."""
CONTEXT = multiprocessing.get_context("spawn")


def run(about: str) -> None:
    """Run, print, and end with 1 when anything was not as it must be. `about` is said by --help."""
    options = _options(about)
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    with house("up", **SETTINGS, WASL_WORKER_SENDERS=str(SENDERS)) as home:
        try:
            found = storm(home, options)
        except TimeoutError:
            print(
                f"What the installation said last:\n{home.words(60)}\n{json.dumps(home.state())}", flush=True
            )
            if options.keep:
                input("Enter ends it. ")
            raise
    print_result(found)
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n")
    sys.exit(1 if found["faults"] else 0)


def _options(about: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
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
    parser.add_argument("--channels", nargs="*", default=list(CHANNELS), help=f"of {', '.join(CHANNELS)}")
    parser.add_argument("--faults", choices=("on", "off"), default="on", help="of the providers")
    parser.add_argument("--json", help="write the result to this file")
    parser.add_argument(
        "--keep", action="store_true", help="wait for Enter before the installation is removed"
    )
    return parser.parse_args()


def storm(home: House, options: argparse.Namespace) -> dict[str, Any]:
    """The whole run on a running, empty installation."""
    print(f"{_clock()}  seed {options.seed}; data in {home.data}", flush=True)
    assert_durable(home.dsn)
    road = SlowRoad(home.outside, options.seed)
    shop = _open_shop(home, road.port)
    chats = round(options.inbound * CHATS) if set(options.channels) - {IMAP} else 0
    rounds, shifts = _rounds(shop, home, options, chats), _shifts(shop, home, options)
    fair = Fair(
        home, shop.workspace, tuple(options.channels), chats, seconds=options.seconds, seed=options.seed,
        faults=FAULTS * options.outbound if options.faults == "on" else 0.0, ledgers=shop.ledgers,
    )  # fmt: skip
    people = [CONTEXT.Process(target=customers.write, args=(one,)) for one in rounds]
    people += [CONTEXT.Process(target=agents.answer, args=(shift,)) for shift in shifts]
    for person in people:
        person.start()
    people += fair.begin(CONTEXT)
    watch = Watch(home, Page(home.http, shop.session), fair.questions())
    strikes = _strike_while(people, home, watch, lambda: road.under_way + fair.under_way, options)
    for person in people:
        person.join()
        if person.exitcode:
            raise SystemExit(f"a client ended with {person.exitcode}")
    fair.clear()
    print(f"{_clock()}  everybody has written", flush=True)
    began = time.monotonic()
    settle(home, fair.unfinished)
    settled = time.monotonic() - began
    time.sleep(1.5)  # the last checkpoint is signed within a second
    assert_durable(home.dsn)
    counts = sum(one.count for one in rounds), sum(shift.count for shift in shifts)
    in_hand = SENDERS * sum(strike.blow.loses_calls for strike in strikes)
    print(f"{_clock()}  everything is settled", flush=True)
    verdict = judge(home, shop.workspace, shop.ledgers, *counts, in_hand + fair.unclear, fair)
    print(f"{_clock()}  everything is counted", flush=True)
    _check_recoveries(verdict, strikes)
    if options.keep:
        input("Enter ends it. ")
    _close()
    fair.close()
    verdict.expect(home.stop() == 0, "it did not stop cleanly")
    road.close()
    bounds = {"senders times such kills": in_hand, "calls that providers left open": fair.unclear}
    about = {"seed": options.seed, "settings": SETTINGS, "faults of providers": fair.struck}
    return result(about, strikes, verdict, settled, bounds)


def _clock() -> str:
    return time.strftime("%H:%M:%S")


@dataclass(frozen=True)
class _Shop:
    """The workspace: its API inbox with a token, its people, and the session of an agent who has a page open."""

    workspace: UUID
    forms: str
    token: str
    agents: dict[str, UUID]
    session: str
    ledgers: Path


def _open_shop(home: House, road: int) -> _Shop:
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
    people = {role: here.agents[role].id for role in AGENTS}
    return _Shop(here.id, inbox, token, people, sign_in(here.users["owner"], here.id), ledgers)


def _rounds(shop: _Shop, home: House, options: argparse.Namespace, chats: int) -> list[customers.Round]:
    """What those do who write by mail and API; `chats` messages come by chat."""
    ports = {"smtp": home.smtp, "lmtp": home.lmtp, "api": home.http, "batch": home.http}
    return [
        customers.Round(
            door, number, max(1, round((options.inbound - chats) * share / many)), options.seconds, options.seed,
            shop.ledgers / f"customer-{door}-{number}", ports[door], shop.forms, shop.token,
        )
        for door, many, share in DOORS for number in range(many)
    ]  # fmt: skip


def _shifts(shop: _Shop, home: House, options: argparse.Namespace) -> list[agents.Shift]:
    """What the agents do."""
    channels = ("email", *sorted({name.split()[0] for name in options.channels if name != IMAP}))
    return [
        agents.Shift(
            number, len(range(number, options.outbound, len(AGENTS))), options.seconds, options.seed,
            shop.ledgers / f"agent-{number}", shop.workspace, shop.agents[role], role, home.http,
            shop.token if role == AGENTS[-1] else "", channels,
        )
        for number, role in enumerate(AGENTS)
    ]  # fmt: skip


def _strike_while(
    people: list[Any], home: House, watch: Watch, under_way: Callable[[], int], options: argparse.Namespace
) -> list[Strike]:
    """Kill, wait until all serves again, pause, and kill again, for as long as messages come and go."""
    dice = random.Random(f"{options.seed} killer")
    killer = Killer(home, dice, under_way)
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
        print_strike(strikes[-1])
    return strikes


def _check_recoveries(verdict: Verdict, strikes: list[Strike]) -> None:
    verdict.figures["kills"] = sum(len(s.blow.targets) for s in strikes)
    verdict.figures["blows"] = len(strikes)
    verdict.figures["back later than the goal"] = sum(strike.late for strike in strikes)
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
