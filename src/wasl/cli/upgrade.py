"""`wasl upgrade`: a backup, then the database brought up to the program; or only what that would change."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wasl.cli import guardian, server
from wasl.cli.backup import Refused, add_passphrase, back_up, passphrase_of
from wasl.cli.finding import span
from wasl.cli.progress import size
from wasl.config.env import BadSettings, load
from wasl.kit.postgres import NoServer, ServerFailed

if TYPE_CHECKING:
    from wasl.config.upgrade import Plan


def add_to(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--dry-run", action="store_true", help="only say what would change")
    parser.add_argument("--sql", action="store_true", help="with --dry-run: the statements too")
    parser.add_argument("--without-backup", action="store_true", help="do not make a backup first")
    parser.add_argument(
        "--backup-to",
        type=Path,
        metavar="FOLDER",
        help="where the backup goes (otherwise backups in the data folder)",
    )
    add_passphrase(
        parser, "includes the keys in the backup, sealed by the passphrase in this file (- asks for it)"
    )


def run(parsed: argparse.Namespace) -> int:
    """Upgrade, or say what it would change; 0, or 1 with a sentence on stderr."""
    from wasl.cli import use_django

    try:
        env = load()
    except BadSettings as bad:
        print("These settings would be refused:", *bad.problems, sep="\n  ")
        return 1
    if not env.secret_key and not (env.data_dir / "keys" / "secret").exists():
        print(f"{env.data_dir} was never used by Wasl: there is nothing to upgrade.", file=sys.stderr)
        return 1
    use_django("upgrade")
    import psycopg

    from wasl.config.upgrade import AheadOfProgram

    folder = parsed.backup_to or env.data_dir / "backups"
    try:
        with server.running(env):
            return _dry_run(folder, sql=parsed.sql) if parsed.dry_run else _upgrade(parsed, folder)
    except AheadOfProgram:
        print("The database was made by a newer Wasl: run that one. Nothing was changed.", file=sys.stderr)
    except (Refused, guardian.AlreadyRunning, ServerFailed, NoServer) as trouble:
        print(f"{trouble} Nothing was changed.", file=sys.stderr)
    except (psycopg.Error, OSError) as error:
        print(f"The upgrade was not made: {str(error).strip()}", file=sys.stderr)
    return 1


def _plan(folder: Path) -> "Plan":
    from wasl.config import backup, upgrade

    with backup.connect() as conn:
        return upgrade.plan(conn, folder)


def _dry_run(folder: Path, *, sql: bool) -> int:
    plan = _plan(folder)
    before = plan.before or ("an unknown version" if plan.changes else plan.now)
    print(f"From {before} to {plan.now}.")
    if not plan.changes:
        print("Tables: nothing changes.")
    for change in plan.changes:
        print(f"Tables: {change.app} {change.name}", *(f"    {step}" for step in change.steps), sep="\n")
        if sql:
            print(*(f"      {line}" for line in change.sql().splitlines()), sep="\n")
    _say_settings(plan)
    grows = "grows, for the database is in another cluster than before" if plan.epoch_grows else "stays"
    print(f"Epoch of the timeline: {plan.epoch}, {grows}.")
    print(f"Disk: a backup reads about {size(plan.needed)}; {size(plan.free)} are free for it in {folder}.")
    if plan.free < plan.needed:
        print("    That may not be enough: name another folder with --backup-to.")
    if plan.backup and plan.backup_at:
        age = (datetime.now(UTC) - plan.backup_at).total_seconds()
        print(f"Last backup: {plan.backup}, {span(age)} old. `wasl upgrade` makes another first.")
    else:
        print(f"Last backup: none in {folder}. `wasl upgrade` makes one first.")
    print("Nothing was changed.")
    return 0


def _say_settings(plan: "Plan") -> None:
    from wasl.config.env import table

    rows = {row.name: row for row in table()}
    if not plan.known:
        print("Settings: what the version before knew was not written down.")
    elif not (plan.settings_new or plan.settings_gone):
        print("Settings: the same.")
    for name in plan.settings_new:
        print(f"Settings: {name} is new ({rows[name].default or 'empty'}). {rows[name].help}")
    for name in plan.settings_gone:
        print(f"Settings: {name} is no more; remove it from the environment.")


def _upgrade(parsed: argparse.Namespace, folder: Path) -> int:
    from wasl.cli import jobs
    from wasl.config import backup, restore

    env = load()
    lock = guardian.take_lock(env.run_dir) if env.run_dir.exists() else None
    try:
        with backup.connect() as conn:
            if users := restore.users(conn):
                raise Refused(f"The database is in use ({', '.join(users)}). Stop Wasl first.")
        plan = _plan(folder)
        if not plan.changes:
            print("Nothing to upgrade: the database is up to date.")
            return 0
        if not parsed.without_backup:
            code = back_up(folder, passphrase_of(parsed.passphrase_file, new=True))
            if code:
                raise Refused("The backup lacks something, see above. Go on with --without-backup.")
        jobs.migrate()
        print(f"Upgraded to {plan.now}: {len(plan.changes)} changes of tables. Start it with `wasl up`.")
    finally:
        if lock is not None:
            os.close(lock)
    return 0
