"""`wasl parked`: what followers could not digest, and giving it to them again after a fix."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wasl.kit.db import Connection
    from wasl.timeline.parked import Parked

SHOWN = 50
PAGE = 100


def add_to(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument(
        "--retry", nargs="*", type=int, metavar="NUMBER", help="give these again, or all of them"
    )


def run(parsed: argparse.Namespace) -> int:
    """Run it; Django is set up. The exit code: 0, or 1 if something still cannot be digested."""
    from wasl.kit.db import pool

    with pool("queue", "command", 1).connection() as conn:
        return _show(conn) if parsed.retry is None else _retry(conn, parsed.retry)


def _show(conn: "Connection") -> int:
    from wasl.timeline import parked

    found = parked.waiting(conn, limit=SHOWN + 1)
    for one in found[:SHOWN]:
        print(_line(one))
    if len(found) > SHOWN:
        print(f"These are the oldest {SHOWN}; there are more.", file=sys.stderr)
    said = "Give them again after a fix with `wasl parked --retry`." if found else "Nothing is parked."
    print(said, file=sys.stderr)
    return 0


def _line(one: "Parked") -> str:
    return f"{one.id}  {one.parked_at:%Y-%m-%d %H:%M}  {one.follower}  {one.kind} {one.touchpoint_id}  {one.error}"


def _retry(conn: "Connection", numbers: Sequence[int]) -> int:
    from wasl.config.followers import FOLLOWERS
    from wasl.timeline import parked
    from wasl.timeline.follow import words

    known = {follower.cursor: follower for follower in FOLLOWERS}
    left, done, failed = set(numbers), 0, 0
    for one in _every(conn):
        if numbers and one.id not in left:
            continue
        left.discard(one.id)
        follower = known.get(one.follower)
        if follower is None:
            print(f"{one.id}  There is no follower {one.follower} any more.", file=sys.stderr)
            failed += 1
            continue
        try:
            done += parked.retry(conn, follower, one.id)
        except Exception as error:  # whatever it failed on before; it stays parked
            failed += 1
            print(f"{_line(one)[: -len(one.error)]}{words(error)}", file=sys.stderr)
    for number in sorted(left):
        print(f"{number}  Nothing of that number is parked.", file=sys.stderr)
    print(f"Digested: {done}. Still parked: {failed}.")
    return 1 if failed or left else 0


def _every(conn: "Connection") -> "Iterator[Parked]":
    from wasl.timeline import parked

    after = 0
    while page := parked.waiting(conn, after, PAGE):
        yield from page
        after = page[-1].id
