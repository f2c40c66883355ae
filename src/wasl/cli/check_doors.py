"""Checks of the doors: pages answer, mail is greeted."""

import http.client
import socket
import time
from collections.abc import Callable, Iterator

from wasl.cli.finding import Finding, fail, graded, ok, span
from wasl.cli.ports import reachable
from wasl.config.env import Env

HEALTH = "/healthz"
PATIENCE = 5.0
SLOW = 1.0


def findings(env: Env) -> Iterator[Finding]:
    """Whatever this installation listens on."""
    yield web(env)
    if env.smtp_port:
        yield mail(env, "SMTP", env.smtp_port, "EHLO")
    if env.lmtp_port:
        yield mail(env, "LMTP", env.lmtp_port, "LHLO")


def web(env: Env) -> Finding:
    """The process says of itself that it serves, database and live events included."""
    connection = http.client.HTTPConnection(reachable(env.http_host), env.http_port, timeout=PATIENCE)
    began = time.perf_counter()
    try:
        connection.request("GET", HEALTH)
        code = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return fail(
            "pages",
            f"nothing answers on port {env.http_port}: {error}",
            "Is `wasl up` or `wasl web` running?",
        )
    finally:
        connection.close()
    took = time.perf_counter() - began
    if code != 200:
        text = f"answer, but say that they do not serve (status {code})."
        return fail(
            "pages", text, "The database may be away, or the process is just stopping; its log says more."
        )
    advice = "The machine or the database is busy."
    return graded("pages", f"answer on port {env.http_port} after {span(took)}", advice, warn_if=took > SLOW)


def mail(env: Env, protocol: str, port: int, hello: str) -> Finding:
    """The listener greets, and names what it offers."""
    name = protocol.lower()
    try:
        with socket.create_connection((reachable(env.smtp_host), port), timeout=PATIENCE) as connection:
            lines = connection.makefile("rwb")
            said = _answer(lines.readline)
            if said[-1].startswith(b"220"):
                lines.write(f"{hello} wasl-check.localhost\r\n".encode())
                lines.flush()
                said = _answer(lines.readline)
                lines.write(b"QUIT\r\n")
                lines.flush()
    except OSError as error:
        return fail(name, f"nothing answers on port {port}: {error}", "Is `wasl up` or `wasl mail` running?")
    if not said[-1].startswith(b"250"):
        words = said[-1].decode(errors="replace").strip()
        return fail(
            name, f"port {port} does not speak {protocol}: {words}", "Another program may be listening there."
        )
    secure = any(b"STARTTLS" in line for line in said)
    return ok(name, f"listens on port {port}, {'with' if secure else 'without'} STARTTLS")


def _answer(readline: Callable[[], bytes]) -> list[bytes]:
    """The lines of one reply, the last of which has a space after its code (RFC 5321 §4.2.1)."""
    lines: list[bytes] = []
    while len(lines) < 50:
        line = readline()
        lines.append(line)
        if not (line[:3].isdigit() and line[3:4] == b"-"):
            break
    return lines
