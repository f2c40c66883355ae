"""The commands round the supervisor: what the demo may delete, stopping, and help."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import SECRET
from tests.cli.installation import PATIENCE, ROOT, Installation, alive, until
from wasl.cli import guardian, main, up
from wasl.cli.plan import PRELOAD, plan_for, resolve
from wasl.config.env import load
from wasl.kit.postgres import Cluster


def wasl(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("WASL_", "DJANGO_"))}
    return subprocess.run(
        [sys.executable, "-c", "import sys; from wasl.cli import main; sys.exit(main())", *arguments],
        env=clean | settings,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_stop_ends_everything_and_can_be_said_twice(data: Path) -> None:
    home = Installation(data, "web", "worker").start()
    try:
        home.ready()
        everything = home.pids()
        said = wasl("stop", **{k: v for k, v in home.environment.items() if k.startswith("WASL_")})
        assert (said.returncode, said.stdout) == (0, "Wasl has stopped.\n"), said.stderr
        assert home.process.wait(PATIENCE) == 0
        assert not any(alive(pid) for pid in everything)
        assert wasl("stop", WASL_DATA_DIR=str(home.data)).returncode == 0
    finally:
        home.end()


def test_stop_ends_a_postgres_that_was_left_behind(data: Path) -> None:
    cluster = Cluster(data, SECRET)
    pid = cluster.start()
    assert wasl("stop", WASL_DATA_DIR=str(data)).returncode == 0
    until(lambda: cluster.pid() is None)
    assert not alive(pid)


def test_stop_where_nothing_ever_ran_says_so(place: Path) -> None:
    said = wasl("stop", WASL_DATA_DIR=str(place / "nothing"))
    assert said.returncode == 1
    assert "there is no such folder" in said.stderr
    assert not (place / "nothing").exists()


def test_the_demo_never_deletes_what_it_did_not_make(place: Path) -> None:
    precious = place / "letters.txt"
    precious.write_text("precious")
    said = wasl("demo", WASL_DATA_DIR=str(place))
    assert said.returncode == 1
    assert "was not made by an earlier demo, so it is left alone" in said.stderr
    assert precious.read_text() == "precious"
    assert [path.name for path in place.iterdir()] == ["letters.txt"]


def test_the_demo_clears_an_earlier_demo(data: Path) -> None:
    (data / up.DEMO_MARK).touch()
    cluster = Cluster(data, SECRET, fast=True)
    cluster.start()
    up._clear(data)
    assert [path.name for path in data.iterdir()] == [up.DEMO_MARK]
    assert cluster.processes() == []


def test_the_demo_does_not_clear_one_that_runs(place: Path) -> None:
    up._clear(place / "demo")
    (place / "demo" / "run").mkdir()
    lock = guardian.take_lock(place / "demo" / "run")
    try:
        with pytest.raises(guardian.AlreadyRunning):
            up._clear(place / "demo")
    finally:
        os.close(lock)
    assert (place / "demo" / "run").exists()


def test_the_demo_will_not_touch_a_given_database(place: Path) -> None:
    said = wasl("demo", WASL_DATA_DIR=str(place), WASL_DATABASE_URL="postgresql://o:p@127.0.0.1:1/wasl")
    assert said.returncode == 1
    assert "unset WASL_DATABASE_URL" in said.stderr


def test_every_command_is_explained_and_a_wrong_one_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for command in (
        "up",
        "demo",
        "stop",
        "check",
        "web",
        "worker",
        "mail",
        "sandbox",
        "migrate",
        "rebuild",
        "manage",
    ):
        assert f"\n    {command} " in text, command
    with pytest.raises(SystemExit) as caught:
        main(["upp"])
    assert caught.value.code == 2


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("wasl 0.")


def test_the_light_processes_import_neither_django_nor_a_driver() -> None:
    heavy = ["django", "psycopg", "ssl", "_hashlib", "asyncio", "email"]
    code = f"import sys, wasl.cli.up; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout == "[]\n"


def test_settings_choose_the_roles() -> None:
    plain = load({"WASL_SANDBOX": "off"})
    assert [role.name for role in plan_for(plain).roles] == ["web", "mail", "worker"]
    quiet = load({"WASL_SMTP_PORT": "off", "WASL_LMTP_PORT": "off", "WASL_SANDBOX": "on"})
    assert [role.name for role in plan_for(quiet).roles] == ["web", "worker", "sandbox"]
    assert [job.name for job in plan_for(plain).jobs] == ["migrate"]
    assert [job.name for job in plan_for(plain, demo=True).jobs] == ["migrate", "demo"]


def test_every_role_job_and_preloaded_module_is_there() -> None:
    plan = plan_for(load({"WASL_SANDBOX": "on"}), demo=True)
    for role in (*plan.roles, *plan.jobs):
        assert callable(resolve(role.target)), role
    assert set(PRELOAD) <= set(plan.preload)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as someone else")
def test_root_may_run_it_where_others_cannot_look(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    home = Installation(closed / "data", "asking", "web", DJANGO_SETTINGS_MODULE="wasl.config.settings")
    closed.joinpath("data").mkdir(mode=0o700)
    try:
        home.start().ready()
        assert "the database says (42,)" in home.text()
        assert (home.data / "pg").is_symlink()
    finally:
        home.end()
        home.cluster.remove()
