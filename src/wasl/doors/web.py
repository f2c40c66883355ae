"""The web front's process: one port, one event loop, Django on a few threads beside it."""

import asyncio
import contextlib
import gc
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
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from wasl.config.env import Env
from wasl.kit import db

BACKLOG = 1024
CONNECTIONS = 4096
"""Connections served at one time, open streams among them (granian's default would count streams and stall)."""

LEAVE = 0.5
"""Seconds for the server to close its connections, once there is nothing left to answer."""

log = logging.getLogger("wasl.web")


class Granian(Server):
    """The HTTP server, in this process and on a socket of ours.

    Our own socket, because granian's is opened with SO_REUSEPORT: a second process on the same port would take half
    of the connections instead of being told that the port is taken.
    """

    def __init__(self, app: Any, listener: socket.socket) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=CONNECTIONS,
            log_level=LogLevels.warning,
            log_dictconfig={
                "formatters": {},
                "handlers": {},
                "loggers": {"_granian": {"handlers": [], "propagate": True}},
            },
        )
        self._listener = listener
        logging.getLogger("_granian").addFilter(_is_news)

    def _init_shared_socket(self) -> None:
        self._listener.setblocking(False)
        number = self._listener.detach()
        holder = SocketHolder(number, False, BACKLOG)  # type: ignore[call-arg]  # its stub is behind
        vars(self).update(_sfd=number, _ssp=None, _shd=holder)

    def finish(self) -> None:
        """Let `serve` return."""
        self.interrupt_signal = True
        self.main_loop_interrupt.set()


def _is_news(record: logging.LogRecord) -> bool:
    return "experimental" not in str(record.msg)  # we know, and pin the version


def serve() -> None:
    """Serve until SIGTERM or SIGINT. Raises SystemExit with a sentence when the port cannot be had."""
    django.setup()
    env: Env = settings.ENV
    listener = listen(env.http_host, env.http_port)
    log.info("listening on %s port %s", *listener.getsockname()[:2])
    finished = uvloop.run(_run(env, listener))
    _close_pools()
    if not finished:
        log.warning("stopped with requests that were not finished")
        sys.stderr.flush()
        os._exit(0)  # a thread that does not come back would keep the process for ever


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises SystemExit with a sentence."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise SystemExit(
            f"Pages cannot be served on {host} port {port}: {os.strerror(error.errno) if error.errno else error}. "
            "Choose another with WASL_HTTP_HOST and WASL_HTTP_PORT."
        ) from error


async def _run(env: Env, listener: socket.socket) -> bool:
    from wasl.doors.front import Front
    from wasl.live.hub import Hub
    from wasl.live.roster import Roster

    roster = Roster()
    hub = Hub(_listening_connection, roster)
    front = Front(env, hub)
    server = Granian(front.app, listener)
    gc.collect()
    gc.freeze()  # what is here now stays: with it out of the way a full collection is short
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ears = asyncio.create_task(hub.run())
    serving = asyncio.create_task(server.serve())
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
