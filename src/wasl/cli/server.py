"""The database for a command that needs it, whether or not Wasl runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from wasl.config.env import Env
from wasl.kit.postgres import Cluster


@contextmanager
def running(env: Env) -> Iterator[None]:
    """Start our own PostgreSQL unless it runs already; it then stops afterwards. Raises ServerFailed or NoServer."""
    cluster = None if env.database_url else Cluster(env.data_dir, env.keys.secret_key)
    if cluster is None or cluster.ready():
        yield
        return
    cluster.start()
    try:
        yield
    finally:
        cluster.stop()
