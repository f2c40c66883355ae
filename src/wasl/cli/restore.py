"""`wasl restore`: a backup into an empty place. Everything is looked at before anything is changed."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wasl.cli import guardian, server
from wasl.cli.backup import Refused, add_passphrase, in_words, is_of_the_bucket, passphrase_of
from wasl.cli.progress import Progress
from wasl.config.env import Env, load
from wasl.kit import keyfile, pghost
from wasl.kit.postgres import Cluster, NoServer, ServerFailed, dsn_for

if TYPE_CHECKING:
    from wasl.config.backup_keys import KeyFile
    from wasl.config.restore import Restored
    from wasl.kit.archive import Reader

UNCHANGED = "Nothing was changed."
NO_KEYS = """The backup holds no keys (it was made without a passphrase): put secret, master and log of the old
installation into {folder}, or set WASL_SECRET_KEY, WASL_MASTER_KEY and WASL_LOG_KEY."""
AFTERWARDS = """Start it with `wasl up`. Answers that were waiting to be sent when the backup was made will be sent now:
if the old installation went on after it, read docs/operating.md first (Backups)."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("file", type=Path, help="the backup, wasl-….backup")
    parser.add_argument("--keys", type=Path, help="the key file, if it is not wasl.keys beside the backup")
    add_passphrase(parser, "the file with the passphrase of the key file (- asks for it)")


def run(parsed: argparse.Namespace) -> int:
    """Restore; 0, or 1 with a sentence on stderr."""
    import psycopg

    from wasl.kit.archive import Damaged, WrongKey

    try:
        return _restore(parsed)
    except (Refused, guardian.AlreadyRunning) as trouble:
        print(f"{trouble} {UNCHANGED}", file=sys.stderr)
    except (Damaged, WrongKey) as error:
        print(f"Nothing was restored: {error}.", file=sys.stderr)
    except (psycopg.Error, OSError, ServerFailed, NoServer) as error:
        print(f"Nothing was restored: {in_words(error)}", file=sys.stderr)
    except Exception as error:
        if not is_of_the_bucket(error):
            raise
        print(f"Nothing was restored: {error}", file=sys.stderr)
    return 1


def _restore(parsed: argparse.Namespace) -> int:
    # None of these asks for Django's settings, which would make keys where there are none.
    from wasl.config import backup_keys
    from wasl.kit.archive import Reader

    env = load()
    reader = Reader(parsed.file)
    path = parsed.keys or parsed.file.with_name(backup_keys.NAME)
    if not path.exists():
        raise Refused(f"A backup opens with its key file only, and {path} is not there. Name it with --keys.")
    here = _keys_here(env)
    master = bytes.fromhex(here["master"]) if here["master"] else None
    keys = backup_keys.read(path, passphrase_of(parsed.passphrase_file, new=False), master)
    _check_fit(reader, keys, path)
    chosen = _choose(env, here, keys)
    _unlock(reader, chosen["master"])
    os.environ.update({f"WASL_{name.upper()}_KEY": value for name, value in chosen.items()})
    lock = guardian.take_lock(env.run_dir) if env.run_dir.exists() else None
    try:
        _check(env := load(), reader)
        _write_keys(env, chosen, here)
        found = _load(env, reader, keys)
    finally:
        if lock is not None:
            os.close(lock)
    _tell(found, reader.header["made_at"])
    return 1 if found.missing else 0


def _keys_here(env: Env) -> dict[str, str]:
    """The keys that the data folder or the environment has already, '' where there is none; none is made."""
    found = {}
    for name, given in (("secret", env.secret_key), ("master", env.master_key), ("log", env.log_key)):
        path = env.data_dir / "keys" / name
        found[name] = given or (path.read_text("ascii").strip() if path.exists() else "")
    return found


def _check_fit(reader: "Reader", keys: "KeyFile", path: Path) -> None:
    if reader.header["installation"] != keys.installation:
        raise Refused(f"{path} belongs to another installation than {reader.path.name}.")
    if keys.erasures < reader.header["erasures"]:
        raise Refused(
            f"{path} is older than the backup, and who was erased in between would come back. Use the newest one."
        )


def _choose(env: Env, here: dict[str, str], keys: "KeyFile") -> dict[str, str]:
    """The keys that the restored installation will have. Raises Refused when this place has others."""
    if not keys.master:
        if not all(here.values()):
            raise Refused(NO_KEYS.format(folder=env.data_dir / "keys"))
        return here
    chosen = {"secret": keys.secret, "master": keys.master.hex(), "log": keys.log.hex()}
    if other := [name for name, value in here.items() if value and value != chosen[name]]:
        raise Refused(
            f"This place has keys of its own, which are not the backup's ({', '.join(other)}). Give restore a fresh "
            "data folder (WASL_DATA_DIR), and unset WASL_SECRET_KEY, WASL_MASTER_KEY and WASL_LOG_KEY."
        )
    return chosen


def _unlock(reader: "Reader", master: str) -> None:
    from wasl.kit.archive import WrongKey, derive, open_key

    try:
        reader.unlock(open_key(reader.header["key"], derive(bytes.fromhex(master), "backup archive")))
    except WrongKey as error:
        raise WrongKey(f"{reader.path.name} was made under another master key") from error


def _check(env: Env, reader: "Reader") -> None:
    """Everything that can be looked at beforehand. Raises Refused, archive.Damaged."""
    from wasl.cli import use_django

    use_django("restore")
    from wasl.config import restore

    try:
        restore.check_version(reader.header)
        _with_bar("Checking ", reader, lambda bar: restore.verify(reader, bar))
        if env.database_url or (Cluster(env.data_dir, "").directory / "PG_VERSION").exists():
            with server.running(env):
                restore.check_target(dsn_for(env, "owner"), reader.header)
    except restore.CannotRestore as error:
        raise Refused(str(error)) from error


def _load(env: Env, reader: "Reader", keys: "KeyFile") -> "Restored":
    from wasl.config import restore

    with server.running(env):
        found: Restored = _with_bar("Restoring", reader, lambda bar: restore.load(reader, keys, bar))
    return found


def _with_bar(verb: str, reader: "Reader", work: Any) -> Any:
    bar = Progress(reader.size, verb)
    try:
        return work(bar)
    finally:
        bar.end()


def _write_keys(env: Env, chosen: dict[str, str], here: dict[str, str]) -> None:
    """Into the folder `keys`, those that are neither there nor in the environment."""
    pghost.make_folder(env.data_dir, 0o711 if os.geteuid() == 0 else 0o700, parents=True)
    for name, value in chosen.items():
        if not here[name]:
            keyfile.write(env.data_dir / "keys" / name, value)


def _tell(found: "Restored", made_at: str) -> None:
    rows = sum(found.tables.values())
    print(
        f"Restored the backup of {made_at[:16].replace('T', ' ')} UTC: {rows:,} rows, {found.blobs:,} files."
    )
    if found.erased:
        print(f"{found.erased:,} customers were erased after it, and stay erased.")
    for sentence in found.missing:
        print(f"The backup itself lacked the file {sentence}.", file=sys.stderr)
    print(AFTERWARDS)
