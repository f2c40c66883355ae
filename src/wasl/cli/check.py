"""`wasl check`: what works, what does not, and what to do about it, in plain words."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

import django
import psycopg

from wasl.cli import check_database, check_doors, check_machine
from wasl.cli.finding import Finding, fail, ok
from wasl.config.env import BadSettings, Env, load
from wasl.config.rules import CLIENTS
from wasl.kit.postgres import dsn_for

MARKS = {"ok": "ok  ", "warn": "look", "fail": "FAIL"}
OWNER_OPTIONS = "-c statement_timeout=5s -c lock_timeout=2s"


def run(*, as_json: bool = False) -> int:
    """Print every finding; returns 1 when something fails, 2 when the settings cannot be read."""
    try:
        env = load()
    except BadSettings as bad:
        _print(
            [fail("settings", problem, "Correct it and check again.") for problem in bad.problems], as_json
        )
        return 2
    findings = list(_findings(env))
    _print(findings, as_json)
    return int(any(finding.state == "fail" for finding in findings))


def _settings() -> Finding:
    if others := sorted(CLIENTS & os.environ.keys()):
        return ok("settings", f"understood; for the API's examples, not for Wasl itself: {', '.join(others)}")
    return ok("settings", "understood")


def _findings(env: Env) -> Iterator[Finding]:
    yield _settings()
    if not _ever_ran(env):
        yield fail(
            "data folder",
            f"{env.data_dir} was never used by Wasl.",
            "Start it with `wasl up`, or set WASL_DATA_DIR.",
        )
        return
    yield from check_machine.findings(env)
    try:
        connection = psycopg.connect(
            dsn_for(env, "owner"),
            autocommit=True,
            connect_timeout=5,
            application_name="wasl check",
            options=OWNER_OPTIONS,
        )
    except psycopg.Error as error:
        yield fail("database", f"does not answer: {str(error).strip()}", _database_advice(env, str(error)))
        connection = None
    if connection is not None:
        with connection:
            yield from _guarded("database", lambda: _about_the_database(env, connection))
    yield from check_doors.findings(env)


def _about_the_database(env: Env, conn: psycopg.Connection[Any]) -> Iterator[Finding]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wasl.config.settings")
    django.setup()
    from wasl.cli import (  # their rooms need Django's settings
        check_listening,
        check_mailboxes,
        check_timeline,
    )

    yield from check_database.findings(env, conn)
    yield from check_timeline.findings(env, conn)
    yield from check_mailboxes.findings(conn)
    yield from check_listening.findings(conn)


def _guarded(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """A question that the database refuses to answer is itself a finding."""
    try:
        yield from check()
    except psycopg.Error as error:
        yield fail(
            name, f"a question was refused: {str(error).strip()}", "Run `wasl migrate`, then check again."
        )


def _ever_ran(env: Env) -> bool:
    """Looking must not leave anything behind: without a secret key there is nothing to look at."""
    return bool(env.secret_key) or (env.data_dir / "keys" / "secret").exists()


def _database_advice(env: Env, error: str) -> str:
    if "password authentication" in error:
        return "The secret key was changed while the server ran: restart it with `wasl stop` and `wasl up`."
    if env.database_url:
        return "Check WASL_DATABASE_URL, and whether that server runs."
    return (
        f"Start Wasl with `wasl up`. What PostgreSQL last said is in {env.data_dir / 'log' / 'postgres.log'}."
    )


def _print(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
        return
    colours = {"ok": "\x1b[32m", "warn": "\x1b[33m", "fail": "\x1b[31m"}
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    for finding in findings:
        mark = MARKS[finding.state] if plain else f"{colours[finding.state]}{MARKS[finding.state]}\x1b[0m"
        print(f"{mark}  {finding.name:<18} {finding.text}")
        if finding.advice:
            print(f"      {'':<18} → {finding.advice}")
    failed = sum(finding.state == "fail" for finding in findings)
    print("\nEverything works." if not failed else f"\n{failed} of {len(findings)} checks failed.")
