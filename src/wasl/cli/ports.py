"""The ports of this installation: free before the start, answering after it."""

import errno
import os
import socket
from dataclasses import dataclass

from wasl.config.env import Env

ANSWER_PATIENCE = 0.3


class PortTrouble(Exception):
    """A port cannot be used; the text names it, its setting and the way out."""


@dataclass(frozen=True, slots=True)
class Port:
    """A place to listen, and the setting it comes from."""

    host: str
    number: int
    setting: str
    what: str


def wanted(env: Env) -> list[Port]:
    """Every port that `wasl up` listens on. Port 0 means any free one and is left out."""
    ports = [
        Port(env.http_host, env.http_port, "WASL_HTTP_PORT", "pages"),
        Port(env.smtp_host, env.smtp_port or 0, "WASL_SMTP_PORT", "incoming mail (SMTP)"),
        Port(env.smtp_host, env.lmtp_port or 0, "WASL_LMTP_PORT", "incoming mail (LMTP)"),
    ]
    if env.sandbox:
        ports += [
            Port("127.0.0.1", env.sandbox_smtp_port, "WASL_SANDBOX_SMTP_PORT", "the sandbox's provider"),
            Port("127.0.0.1", env.sandbox_http_port, "WASL_SANDBOX_HTTP_PORT", "questions to that provider"),
        ]
    return [port for port in ports if port.number]


def check_free(env: Env) -> None:
    """Raises PortTrouble with a sentence for each port that cannot be listened on."""
    troubles = [text for port in wanted(env) if (text := _trouble(port))]
    if troubles:
        raise PortTrouble("\n".join(troubles))


def _trouble(port: Port) -> str | None:
    where = f"Port {port.number} on {port.host}, for {port.what},"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            port.host.strip("[]"), port.number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        host_setting = port.setting.replace("PORT", "HOST")
        return f"{port.host} is not an address that this machine knows: check {host_setting}."
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                return f"{where} is in use by another program. End that program, or choose another {port.setting}."
            case errno.EACCES:
                return f"{where} is not allowed to this user: choose a {port.setting} above 1023."
            case errno.EADDRNOTAVAIL:
                return f"{where} cannot be opened: {port.host} is not an address of this machine."
        return f"{where} cannot be opened: {os.strerror(error.errno or 0)}."
    return None


def reachable(host: str) -> str:
    """The address under which this machine reaches what listens on `host`."""
    bare = host.strip("[]")
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(bare, bare)  # noqa: S104 - asked, not bound


def answers(host: str, number: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((reachable(host), number), timeout=ANSWER_PATIENCE):
            return True
    except OSError:
        return False
