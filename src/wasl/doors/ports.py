"""Taking a port, before anything else is begun: who cannot have it ends at once, and is started again."""

import os
import resource
import socket

FILES = 65_536
"""Open files and connections that are asked for; many systems begin with 1,024, which idle connections can use up."""


def listen(what: str, names: str, host: str, port: int, backlog: int) -> socket.socket:
    """A listening socket. Raises SystemExit with a sentence: `what` cannot be done, and the `names` of the settings
    that choose another."""
    _make_room()
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=backlog)
    except OSError as error:
        raise SystemExit(
            f"{what} on {host} port {port}: {os.strerror(error.errno) if error.errno else error}. "
            f"Choose another with {names}."
        ) from error


def _make_room() -> None:
    """Ask for as many open files as there may be (getrlimit(2))."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
