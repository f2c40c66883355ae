"""A whole installation with stand-in roles, run as a program of its own: `python -m tests.cli.standin ROLE …`."""

import os
import signal
import socket
import sys
import time

import psycopg
from django.conf import settings

from wasl.cli import guardian, supervise
from wasl.cli.plan import Plan, Role
from wasl.config.env import load
from wasl.kit import prctl


def serve() -> None:
    """Accept connections on the HTTP port and answer with our process id."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    env = load()
    with socket.create_server((env.http_host, env.http_port), backlog=16) as server:
        print("web listens", flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(str(os.getpid()).encode())


def work() -> None:
    """Do nothing until told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        time.sleep(60)


def stubborn() -> None:
    """Do not end when told to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def ask() -> None:
    """A job that reaches the database through Django's settings, which were read before the server was started."""
    with psycopg.connect(settings.WASL_DSN["owner"]) as conn:
        print("the database says", conn.execute("SELECT 6 * 7").fetchone(), flush=True)


def fail() -> None:
    """A job that cannot do its work."""
    sys.exit("the migration did not work")


HERE = "tests.cli.standin"
ROLES = {
    "web": Role("web", f"{HERE}:serve", stage=1),
    "worker": Role("worker", f"{HERE}:work", stage=2),
    "stubborn": Role("stubborn", f"{HERE}:stubborn", stage=1),
}
JOBS = {"asking": Role("asking", f"{HERE}:ask"), "failing": Role("failing", f"{HERE}:fail")}

if __name__ == "__main__":
    prctl.die_with_parent(os.getppid(), signal.SIGTERM)  # a test run that is cut short leaves nothing behind
    names = sys.argv[1:]
    supervise.STAGE_PATIENCE = float(os.environ.get("STAGE_PATIENCE", supervise.STAGE_PATIENCE))
    plan = Plan(
        env=load(),
        roles=tuple(ROLES[name] for name in names if name in ROLES),
        jobs=tuple(JOBS[name] for name in names if name in JOBS),
        preload=(HERE,),
    )
    try:
        sys.exit(guardian.run(plan))
    except (guardian.AlreadyRunning, guardian.ports.PortTrouble) as trouble:
        sys.exit(str(trouble))
