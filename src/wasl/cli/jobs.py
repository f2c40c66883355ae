"""What is done once before the roles start: migrations, and the demo's data."""

import sys
import time

import psycopg
from django.conf import settings

from wasl.cli.plan import resolve
from wasl.config import migrate as migrations
from wasl.config.env import load
from wasl.kit.pgroles import CannotPrepare

PATIENCE = 30.0
# Connections beside those of the pages: the API's door 8, live events 1, mail 6, worker 8, heartbeats 2, a check 3.
BESIDE_PAGES = 28


def migrate() -> None:
    """Bring the database up to date; waits a while for a server that is only just starting."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            migrations.run()
            _enough_connections()
            _notice(what_is_missing())
            return
        except CannotPrepare as error:
            sys.exit(str(error))
        except psycopg.OperationalError as error:
            if not _worth_waiting(error) or time.monotonic() > end:
                sys.exit(f"The database cannot be used: {str(error).strip()}\n{_advice()}")
            time.sleep(0.5)


def what_is_missing() -> str:
    """What to do in an installation that nobody can sign in to yet; '' in any other."""
    from wasl.accounts.models import Workspace

    if Workspace.objects.using("owner").exists():
        return ""
    return (
        "Nobody can sign in yet. This makes a workspace and its owner:\n"
        "  wasl workspace create --name 'Our shop' --email you@example.com\n"
    )


def _notice(text: str) -> None:
    """Leave what is to be said at the end of the start; where only tables are made there is no such place."""
    folder = load().run_dir
    if text and folder.exists():
        (folder / "notice.txt").write_text(text)


def _enough_connections() -> None:
    """Every pool may fill at once: better refused at the start than failing under load."""
    with psycopg.connect(settings.WASL_DSN["owner"]) as conn:
        row = conn.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        ).fetchone()
    threads = settings.ENV.web_threads
    if row and threads + BESIDE_PAGES > row[0]:
        sys.exit(
            f"WASL_WEB_THREADS={threads} may need {threads + BESIDE_PAGES} database connections in all, and PostgreSQL "
            f"has room for {row[0]}. Lower it, or raise max_connections."
        )


def _worth_waiting(error: psycopg.OperationalError) -> bool:
    """A server that refuses the password or the database will not change its mind."""
    return bool(settings.ENV.database_url) and "authentication" not in str(error)


def _advice() -> str:
    return (
        "Check WASL_DATABASE_URL."
        if settings.ENV.database_url
        else "Wasl's own PostgreSQL runs with `wasl up`."
    )


def load_demo() -> None:
    """Fill the fresh database, and leave what a visitor needs to know for the end of the start."""
    said = resolve("wasl.cli.demo:load")()
    _notice(str(said or ""))
