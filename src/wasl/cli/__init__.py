"""The command `wasl`. Django is imported only by the commands that need it."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from wasl.cli import backup, importing, inbox, parked, restore, second_step, token, upgrade, workspace
from wasl.kit import prctl

ABOUT = "Wasl: everything a business and its customers say to each other, on one timeline."
AFTER = "Settings come from the environment (WASL_…); `wasl check --settings` lists them. docs/operating.md says more."

UNMADE = {"42P01", "42703", "42883"}
"""What PostgreSQL says of a table, a column or a function that is not there."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (0 fine, 1 failed, 2 wrong use or settings)."""
    prctl.return_large_blocks()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["manage"]:
        return _with_settings(lambda: _manage(given[1:]))
    parsed = _parser().parse_args(given)
    return _with_settings(lambda: int(parsed.run(parsed) or 0))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wasl", description=ABOUT, epilog=AFTER)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, help: str, run: object) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help, description=help)
        command.set_defaults(run=run)
        return command

    add("up", "Run everything on this machine, and keep it running.", _up)
    demo = add(
        "demo", "Run everything on a fresh folder (./demo-data) with a demo shop and a sandbox.", _demo
    )
    demo.add_argument("--began", type=float, help=argparse.SUPPRESS)
    add("stop", "Stop what `up` or `demo` started on this data folder.", _stop)
    check = add("check", "Say in plain words what works and what does not.", _check)
    check.add_argument("--settings", action="store_true", help="list every setting and its value, then stop")
    check.add_argument("--json", action="store_true", help="print the findings for a program to read")
    add("web", "Run only pages, API and live events (larger installations).", _role("web"))
    add("worker", "Run only a worker: understanding, delivery, followers.", _role("worker"))
    add("mail", "Run only the SMTP and LMTP listener.", _role("mail"))
    add("sandbox", "Run only the stand-in providers. For trying things out.", _role("sandbox"))
    add("migrate", "Bring the database up to date (`up` does it by itself).", _migrate)
    backup.add_to(add("backup", "Back up database, attachments and keys into a folder.", backup.run))
    restore.add_to(add("restore", "Put a backup into an empty place.", restore.run))
    upgrade.add_to(
        add("upgrade", "After an update: a backup, then the database brought up to the program.", upgrade.run)
    )
    rebuild = add("rebuild", "Make derived tables anew from the base tables and the timeline.", _rebuild)
    rebuild.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    workspace.add_to(
        add("workspace", "Make a workspace with its owner, and list them.", _command(workspace.run))
    )
    inbox.add_to(add("inbox", "Open API inboxes and list inboxes.", _command(inbox.run)))
    token.add_to(add("token", "Make, list and revoke tokens for the API.", _command(token.run)))
    second_step.add_to(
        add("second-step", "Let somebody in who lost their telephone.", _command(second_step.run))
    )
    importing.add_to(
        add("import", "Bring in old mail, customers and orders from files.", _command(importing.run))
    )
    parked.add_to(
        add("parked", "Show what followers could not digest, or give it to them again.", _command(parked.run))
    )
    add("manage", "Pass a command on to Django: wasl manage COMMAND …", None)
    add("version", "Print the version.", _version)
    return parser


def _with_settings(run: Callable[[], int]) -> int:
    from wasl.config.env import BadSettings

    try:
        return run()
    except BadSettings as bad:
        print("Wasl cannot start with these settings:", *bad.problems, sep="\n  ", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def use_django(role: str) -> None:
    """Set Django up, for a process of that name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wasl.config.settings")
    os.environ.setdefault("PGAPPNAME", f"wasl {role}")
    import django

    django.setup()


def _up(_: argparse.Namespace) -> int:
    from wasl.cli import up
    from wasl.config.env import load

    os.environ["DJANGO_SETTINGS_MODULE"] = "wasl.config.settings"
    return up.up(load())


def _demo(parsed: argparse.Namespace) -> int:
    from wasl.cli import up

    os.environ["DJANGO_SETTINGS_MODULE"] = "wasl.config.settings"
    return up.demo(parsed.began)


def _stop(_: argparse.Namespace) -> int:
    from wasl.cli import up
    from wasl.config.env import load

    return up.stop(load())


def _role(name: str) -> Callable[[argparse.Namespace], int]:
    def run(_: argparse.Namespace) -> int:
        from wasl.cli.plan import ROLES, resolve
        from wasl.config.env import load

        load()
        os.umask(0o077)
        use_django(name)
        resolve(ROLES[name].target)()
        return 0

    return run


def _migrate(_: argparse.Namespace) -> int:
    use_django("migrate")
    jobs = import_module("wasl.cli.jobs")
    jobs.migrate()
    print("The database is up to date.", jobs.what_is_missing(), sep="\n", end="")
    return 0


def _rebuild(parsed: argparse.Namespace) -> int:
    use_django("rebuild")
    return int(import_module("wasl.config.rebuild").main(parsed.rest) or 0)


def _check(parsed: argparse.Namespace) -> int:
    if parsed.settings:
        from wasl.cli.show import settings

        return settings()
    from wasl.cli.check import run

    return run(as_json=parsed.json)


def _command(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def inside(parsed: argparse.Namespace) -> int:
        use_django("command")
        from django.db import OperationalError, ProgrammingError

        try:
            return run(parsed)
        except ProgrammingError as error:
            if getattr(error.__cause__, "sqlstate", "") not in UNMADE:
                raise
            print(
                "The database is not that of this version: `wasl upgrade` brings it up to date.",
                file=sys.stderr,
            )
            return 1
        except OperationalError:
            print("The database cannot be reached. Is Wasl running (`wasl up`)?", file=sys.stderr)
            return 1

    return inside


def _manage(rest: list[str]) -> int:
    use_django("manage")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["wasl manage", *rest])
    return 0


def _version(_: argparse.Namespace) -> int:
    from importlib.metadata import version

    print(f"wasl {version('wasl')}")
    return 0
