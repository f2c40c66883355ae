"""The supervisor with stand-in roles: killed at every joint, stopped in order, refused with a clear word."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.installation import PATIENCE, ROOT, Installation, alive, until

Make = Callable[..., Installation]


@pytest.fixture
def make(data: Path) -> Iterator[Make]:
    made: list[Installation] = []

    def new(*names: str, **settings: str) -> Installation:
        made.append(Installation(data, *names, **settings))
        return made[-1].start()

    yield new
    for installation in made:
        installation.end()


def test_every_process_may_be_killed(make: Make) -> None:
    home = make("web", "worker").ready()
    for name in (
        "web",
        "worker",
        "postgres",
        "guardian",
        "supervisor",
        "guardian",
        "supervisor",
        "web",
    ):
        killed = home.kill(name)
        until(lambda n=name, k=killed: home.pid(n) != k)
        until(home.answers)
        until(home.cluster.ready)
        assert not alive(killed)


def test_after_a_supervisor_was_killed_nothing_runs_twice(make: Make) -> None:
    home = make("web", "worker").ready()
    roles, server = [home.pid("web"), home.pid("worker")], home.cluster.pid()
    killed = home.kill("supervisor")
    until(lambda: home.pid("supervisor") != killed)
    until(home.answers)
    assert not any(alive(pid) for pid in roles)
    assert home.cluster.pid() == server, "the running PostgreSQL is adopted, not started again"
    assert home.stop() == 0
    assert home.cluster.pid() is None, "an adopted PostgreSQL is stopped as well"


def test_without_its_first_guardian_it_serves_and_can_be_stopped(make: Make) -> None:
    home = make("web").ready()
    web = home.pid("web")
    first = home.kill("guardian")
    until(lambda: home.pid("guardian") != first)
    assert home.answers() == web
    everything = home.pids()
    os.kill(home.pid("supervisor"), signal.SIGTERM)
    until(lambda: not any(alive(pid) for pid in everything))


def test_what_is_written_is_for_no_other_user(make: Make) -> None:
    home = make("web", "worker").ready()
    for name in ("web", "worker", "supervisor", "guardian", "postgres"):
        assert "Umask:\t0077" in Path(f"/proc/{home.pid(name)}/status").read_text(), name
    for path in home.data.rglob("*"):
        if path.name != "output" and path.owner() != "nobody":
            assert path.stat().st_mode & 0o066 == 0, path


def test_a_clean_stop_leaves_no_process_and_no_socket(make: Make) -> None:
    home = make("web", "worker").ready()
    everything = home.pids()
    assert len(everything) > 6
    assert home.stop() == 0
    assert not any(alive(pid) for pid in everything)
    assert home.state() is None
    assert not list((home.data / "run" / "pg").iterdir())
    assert "database system is shut down" in home.cluster.log.read_text()


def test_roles_that_do_not_listen_are_stopped_all_the_same(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make("stubborn", "web", STAGE_PATIENCE="600").ready()
    stubborn = home.pid("stubborn")
    home.process.send_signal(signal.SIGTERM)
    time.sleep(1.2)
    assert alive(stubborn)
    home.process.send_signal(signal.SIGINT)  # a second, impatient one
    home.process.wait(PATIENCE)
    assert not alive(stubborn)


def test_killed_while_stopping_it_still_stops_postgres(make: Make) -> None:
    home = make("stubborn", WASL_HTTP_PORT="0").ready()
    supervisor = home.pid("supervisor")
    home.process.send_signal(signal.SIGTERM)
    until(lambda: (state := home.state()) and state["stopping"])
    os.kill(supervisor, signal.SIGKILL)
    assert home.process.wait(PATIENCE) == 0
    assert home.cluster.processes() == []


def test_a_busy_backend_does_not_hold_up_the_next_start(make: Make) -> None:
    home = make("web").ready()
    conn = psycopg.connect(home.cluster.owner_dsn, autocommit=True)
    # A join without end: the backend looks at no latch, and so does not see that its parent is gone.
    conn.pgconn.send_query(
        b"SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"
    )
    time.sleep(0.3)
    killed = home.kill("postgres")
    busy = conn.info.backend_pid
    until(lambda: home.cluster.ready() and home.cluster.pid() != killed)
    conn.pgconn.finish()
    assert not alive(busy)
    with psycopg.connect(home.cluster.owner_dsn) as again:
        assert again.execute("SELECT 1").fetchone() == (1,)


def test_a_second_one_on_the_same_folder_is_refused(make: Make) -> None:
    home = make("web").ready()
    second = subprocess.run(
        [sys.executable, "-m", "tests.cli.standin", "web"],
        cwd=ROOT,
        env=home.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert second.returncode == 1
    assert f"Wasl is already running on {home.data}" in second.stderr
    assert home.answers()


def test_a_busy_port_is_named(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        home = make("web", WASL_HTTP_PORT=str(port))
        assert home.process.wait(PATIENCE) == 1
    assert f"Port {port} on 127.0.0.1, for pages, is in use by another program." in home.text()
    assert "WASL_HTTP_PORT" in home.text()
    assert home.cluster.processes() == [], "nothing was started"


def test_a_job_that_fails_stops_everything_with_its_words(make: Make) -> None:
    home = make("failing", "web")
    assert home.process.wait(PATIENCE) == 1
    assert "the migration did not work" in home.text()
    assert "failing ended with exit code 1." in home.text()
    assert "web listens" not in home.text()
    assert home.cluster.processes() == []


def test_lines_of_roles_are_named(make: Make) -> None:
    home = make("web").ready()
    until(lambda: "web     | web listens\n" in home.text())
    home.kill("web")
    until(lambda: "wasl    | web was killed (SIGKILL) and is started again.\n" in home.text())


def test_when_the_data_folder_goes_everything_ends_and_nothing_is_made_elsewhere(make: Make) -> None:
    home = make("web").ready()
    everything = home.pids()
    gone = home.data.with_name("moved")
    home.data.rename(gone)
    for pid in everything:
        if Path(f"/proc/{pid}/comm").read_text().startswith("postgres"):
            os.kill(pid, signal.SIGKILL)
            break
    assert home.process.wait(PATIENCE) == 1
    until(lambda: not any(alive(pid) for pid in everything))
    assert not home.data.exists()


def test_a_killed_supervisor_makes_nothing_in_a_folder_that_is_not_the_one_it_knew(make: Make) -> None:
    home = make("web").ready()
    everything = home.pids()
    supervisor = home.pid("supervisor")
    home.data.rename(home.data.with_name("moved"))
    home.data.mkdir()
    os.kill(supervisor, signal.SIGKILL)
    assert home.process.wait(PATIENCE) == 1
    assert list(home.data.iterdir()) == []
    for pid in everything:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
    until(lambda: not any(alive(pid) for pid in everything))
