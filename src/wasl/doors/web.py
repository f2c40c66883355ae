"""The web front's process: one port, one event loop, Django on a few threads beside it."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from typing import Any

import django
import psycopg
import uvloop
from django.conf import settings

from wasl.config.env import Env
from wasl.doors.ports import listen
from wasl.doors.server import BACKLOG, Server
from wasl.kit import collecting, db

LEAVE = 0.5
"""Seconds for the server to close its connections, once there is nothing left to answer."""

log = logging.getLogger("wasl.web")


def serve() -> None:
    """Serve until SIGTERM or SIGINT. Raises SystemExit with a sentence when the port cannot be had."""
    django.setup()
    env: Env = settings.ENV
    names = "WASL_HTTP_HOST and WASL_HTTP_PORT"
    listener = listen("Pages cannot be served", names, env.http_host, env.http_port, BACKLOG)
    log.info("listening on %s port %s", *listener.getsockname()[:2])
    finished = uvloop.run(_run(env, listener))
    _close_pools()
    if not finished:
        log.warning("stopped with requests that were not finished")
        sys.stderr.flush()
        os._exit(0)  # a thread that does not come back would keep the process for ever


async def _run(env: Env, listener: socket.socket) -> bool:
    from wasl.doors.front import Front
    from wasl.live.hub import Hub
    from wasl.live.roster import Roster

    roster = Roster()
    hub = Hub(_listening_connection, roster)
    front = Front(env, hub)
    server = Server(front.app, listener, proxied=env.proxies > 0)
    collecting.settle()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ears = asyncio.create_task(hub.run())
    serving = asyncio.create_task(server.run_until_finished())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({ears, serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finished = await front.close()
    server.finish()
    await asyncio.wait({serving}, timeout=LEAVE)
    for task in (ears, stopping):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    roster.close()
    return finished


async def _listening_connection() -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(
        db.conninfo("app", "live"),
        autocommit=True,
        connect_timeout=5,
        keepalives_idle=30,
        keepalives_interval=10,
    )


def _close_pools() -> None:
    for connection in django.db.connections.all():
        connection.close()
        if pool := getattr(connection, "pool", None):
            pool.close()
