"""A worker's sender in a process of its own, to be killed: `python -m tests.delivery.process LEASE`."""

import os
import subprocess
import sys

SENDERS = 4


def start(lease: float) -> "subprocess.Popen[bytes]":
    """Start one against the test's database; it says `ready` once it is about to take its first turn."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.delivery.process", str(lease)], stdout=subprocess.PIPE, env=os.environ
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def end(process: "subprocess.Popen[bytes]") -> None:
    """kill -9, as often as one likes."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def main() -> None:
    """Send until killed."""
    import django

    django.setup()
    from tests.delivery.road import FAST
    from wasl.delivery.work import Sender
    from wasl.kit import db

    sender = Sender(db.pool("queue", "worker", 4), senders=SENDERS, limits=FAST, lease=float(sys.argv[1]))
    print("ready", flush=True)
    while True:
        sender.bell.clear()
        sender.bell.wait(min(sender.step(), 0.05))


if __name__ == "__main__":
    main()
