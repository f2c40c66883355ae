"""`wasl up`, `wasl demo`, `wasl stop`."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

from wasl.cli import guardian, ports, status
from wasl.cli.plan import plan_for
from wasl.config.env import Env, load
from wasl.kit import pghost
from wasl.kit.postgres import Cluster, NoServer, ServerFailed

DEMO_MARK = ".wasl-demo"
STOP_PATIENCE = 60.0


def up(env: Env, *, demo: bool = False, fetched: float = 0.0) -> int:
    """Run everything until told to stop; returns the exit code."""
    try:
        return guardian.run(plan_for(env, demo=demo, fetched=fetched))
    except (guardian.AlreadyRunning, ports.PortTrouble, ServerFailed) as trouble:
        print(trouble, file=sys.stderr)
        return 1


def demo(began: float | None = None) -> int:
    """A fresh data folder with the demo's data and the sandbox, then `up`.

    `began` is when the command that fetched the packages was given, in seconds of the Unix epoch.
    """
    fetched = max(0.0, time.time() - began) if began else 0.0
    os.environ.setdefault("WASL_DATA_DIR", "./demo-data")
    os.environ.setdefault("WASL_SANDBOX", "on")
    env = load()
    if env.database_url:
        print("The demo runs on a PostgreSQL of its own: unset WASL_DATABASE_URL.", file=sys.stderr)
        return 1
    try:
        _clear(env.data_dir)
    except (guardian.AlreadyRunning, ValueError, ServerFailed) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return up(env, demo=True, fetched=fetched)


def _clear(folder: Path) -> None:
    """Make the folder fresh. Only an earlier demo is ever deleted.

    Raises ValueError when the folder holds something else, AlreadyRunning when a demo runs on it.
    """
    if folder.exists() and any(folder.iterdir()):
        if not (folder / DEMO_MARK).exists():
            raise ValueError(
                f"{folder} is not empty and was not made by an earlier demo, so it is left alone. "
                "Give the demo another folder with WASL_DATA_DIR."
            )
        if (folder / "run").exists():
            os.close(guardian.take_lock(folder / "run"))
        server = Cluster(folder, "")
        server.stop()
        server.remove()
        shutil.rmtree(folder)
    pghost.make_folder(folder, 0o711 if os.geteuid() == 0 else 0o700, parents=True)
    (folder / DEMO_MARK).touch()


def stop(env: Env) -> int:
    """Stop what `wasl up` or `wasl demo` started on this data folder, PostgreSQL included."""
    if not env.data_dir.exists():
        print(f"Nothing runs on {env.data_dir}: there is no such folder.", file=sys.stderr)
        return 1
    state = status.read(env.run_dir)
    if state and not _free(env):
        os.kill(status.pids(state)["supervisor"], signal.SIGTERM)
        end = time.monotonic() + STOP_PATIENCE
        while not _free(env):
            if time.monotonic() > end:
                print(f"It did not stop within {STOP_PATIENCE:.0f} s.", file=sys.stderr)
                return 1
            time.sleep(0.05)
    try:
        if not env.database_url:
            Cluster(env.data_dir, "").stop()
    except (ServerFailed, NoServer) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    print("Wasl has stopped.")
    return 0


def _free(env: Env) -> bool:
    if not env.run_dir.exists():
        return True
    try:
        os.close(guardian.take_lock(env.run_dir))
    except guardian.AlreadyRunning:
        return False
    return True
