"""The command `wasl`. Django is imported only by the commands that need it."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from wasl.cli import inbox, token
from wasl.kit import prctl

ABOUT = "Wasl: everything a business and its customers say to each other, on one timeline."
AFTER = "Settings come from the environment (WASL_…); `wasl check --settings` lists them. docs/operating.md says more."


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
    rebuild = add("rebuild", "Make derived tables anew from the base tables and the timeline.", _rebuild)
    rebuild.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    inbox.add_to(add("inbox", "Open API inboxes and list inboxes.", _command(inbox.run)))
    token.add_to(add("token", "Make, list and revoke tokens for the API.", _command(token.run)))
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


def _django(role: str) -> None:
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
        _django(name)
        resolve(ROLES[name].target)()
        return 0

    return run


def _migrate(_: argparse.Namespace) -> int:
    _django("migrate")
    import_module("wasl.cli.jobs").migrate()
    return 0


def _rebuild(parsed: argparse.Namespace) -> int:
    _django("rebuild")
    return int(import_module("wasl.config.rebuild").main(parsed.rest) or 0)


def _check(parsed: argparse.Namespace) -> int:
    if parsed.settings:
        from wasl.cli.show import settings

        return settings()
    from wasl.cli.check import run

    return run(as_json=parsed.json)


def _command(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def inside(parsed: argparse.Namespace) -> int:
        _django("command")
        from django.db import OperationalError

        try:
            return run(parsed)
        except OperationalError:
            print("The database cannot be reached. Is Wasl running (`wasl up`)?", file=sys.stderr)
            return 1

    return inside


def _manage(rest: list[str]) -> int:
    _django("manage")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["wasl manage", *rest])
    return 0


def _version(_: argparse.Namespace) -> int:
    from importlib.metadata import version

    print(f"wasl {version('wasl')}")
    return 0
