"""Pools of connections, when the database was away for a moment."""

import threading
import time
from typing import Any

from psycopg_pool import ConnectionPool

from tests.kit.relay import Relay


def test_a_pool_is_back_soon_after_the_server(cluster: Any) -> None:
    relay, away = Relay(), 3.3
    with ConnectionPool(relay.conninfo, min_size=1, open=True, timeout=60) as pool:
        began = time.monotonic()
        timer = threading.Timer(away, relay.open)
        timer.start()
        with pool.connection() as conn:
            took = time.monotonic() - began
            assert conn.execute("SELECT 1").fetchone() == (1,)
        timer.join()
    relay.close()
    assert away <= took < 6.8, "the pool itself would have waited until the seventh second"
