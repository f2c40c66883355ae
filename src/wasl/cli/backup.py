"""`wasl backup`: database, attachments and keys into a folder."""

import argparse
import sys
from getpass import getpass
from pathlib import Path

from wasl.cli import server
from wasl.cli.progress import Progress, size
from wasl.config.env import load
from wasl.kit.postgres import NoServer, ServerFailed

WITHOUT_KEYS = """The keys are NOT in it: no passphrase was given. To restore it you need this installation's master key
(keys/master in the data folder, or WASL_MASTER_KEY), kept somewhere else. With --passphrase-file they are included."""
TOGETHER = """Keep the archive and {keys} together, and of {keys} only the newest: an erased customer stays erased in
older backups as long as no older {keys} is kept."""


class Refused(Exception):
    """What the person is told; nothing was changed."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Arguments of `wasl backup`."""
    parser.add_argument(
        "folder", type=Path, help="where to: the same folder each time, for this installation alone"
    )
    add_passphrase(parser, "includes the keys, sealed by the passphrase in this file (- asks for it)")
    parser.add_argument(
        "--keys-only",
        action="store_true",
        help="replace only the key file, after an erasure; takes a moment",
    )


def add_passphrase(parser: argparse.ArgumentParser, help: str) -> None:
    """The option by which a passphrase is given."""
    parser.add_argument("--passphrase-file", metavar="FILE", help=help)


def passphrase_of(given: str | None, *, new: bool) -> str | None:
    """The passphrase in a file, or from the terminal for '-'. Raises Refused for a new one that is too short."""
    from wasl.config.backup_keys import SHORTEST

    if given is None:
        return None
    if given != "-":
        words = Path(given).read_text().strip()
    elif sys.stdin.isatty():
        words = getpass("Passphrase: ")
        if new and words != getpass("Once more: "):
            raise Refused("The two are not the same.")
    else:
        words = sys.stdin.readline().strip()
    if new and len(words) < SHORTEST:
        raise Refused(f"The passphrase is too short: {SHORTEST} characters at least.")
    return words


def run(parsed: argparse.Namespace) -> int:
    """Make a backup; 0, or 1 with a sentence on stderr. A backup that lacks a file is kept, and ends with 1 as well."""
    from wasl.cli import use_django

    env = load()
    if not env.secret_key and not (env.data_dir / "keys" / "secret").exists():
        print(f"{env.data_dir} was never used by Wasl: there is nothing to back up.", file=sys.stderr)
        return 1
    use_django("backup")
    import psycopg

    from wasl.config import backup, backup_keys
    from wasl.kit.archive import Damaged

    try:
        passphrase = passphrase_of(parsed.passphrase_file, new=True)
        with server.running(env):
            return back_up(parsed.folder, passphrase, keys_only=parsed.keys_only)
    except (Refused, ServerFailed, NoServer, backup.CannotBackUp, backup_keys.OtherInstallation) as trouble:
        print(trouble, file=sys.stderr)
    except (psycopg.Error, OSError, Damaged) as error:
        print(f"The backup was not made: {in_words(error)}", file=sys.stderr)
    except Exception as error:
        if not is_of_the_bucket(error):
            raise
        print(f"The backup was not made: {error}", file=sys.stderr)
    return 1


def in_words(error: Exception) -> str:
    """An error of the system or the database as a sentence says it, without its number."""
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"there is no {error.filename}."
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}."
    return str(error).strip()


def is_of_the_bucket(error: Exception) -> bool:
    """Whether it is a store's that speaks S3: those are no OSErrors, and are known only where boto3 is loaded."""
    return type(error).__module__.partition(".")[0] == "botocore"


def back_up(folder: Path, passphrase: str | None, *, keys_only: bool = False) -> int:
    """Write it and say what it holds; 1 when it lacks a file. The database runs."""
    from wasl.config import backup, backup_keys, migrate
    from wasl.config.backup_tables import estimate
    from wasl.kit.clock import now

    migrate.make_room_for_ring()
    if keys_only:
        with backup.alone(folder), backup.connect() as conn:
            backup_keys.same_installation(folder)
            backup_keys.write(conn, folder, passphrase, now())
        print(f"{folder / backup_keys.NAME} is that of now.")
        return 0
    with backup.connect() as conn:
        progress = Progress(estimate(conn), "Backing up")
    try:
        made = backup.make(folder, passphrase, progress)
    finally:
        progress.end()
    rows = sum(made.tables.values())
    print(f"{made.path}  {size(made.size)}: {rows:,} rows, {made.blobs:,} files ({size(made.bytes)}).")
    print(
        f"The keys are in {folder / backup_keys.NAME}, under the passphrase."
        if made.with_keys
        else WITHOUT_KEYS
    )
    print(TOGETHER.format(keys=backup_keys.NAME))
    for sentence in made.missing:
        print(f"Not in the backup: the file {sentence}.", file=sys.stderr)
    return 1 if made.missing else 0
