"""One message by Apprise, in a process of its own: `python -m wasl.channels.apprise.child`.

Apprise has a good hundred services and any of a dozen libraries to reach them. Here they can go where our own calls
may go and nowhere else, start no program, and be ended at any moment. JSON in on standard input, JSON out.

The guard is an audit hook of the interpreter (PEP 578), which sees the very address that a socket is connected to: a
name that answers differently a moment later leads nowhere else. What a library's own machine code does is not seen.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

from wasl.kit.outside import is_public

LINES = 20
_STARTS = frozenset(
    {
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.fork",
        "os.forkpty",
        "pty.spawn",
        "os.startfile",
        "syslog.openlog",
        "syslog.syslog",
    }
)
_GOES = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"})


class Guard:
    """What this process may do; `refused` is what it tried beyond."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self.refused: list[str] = []

    def __call__(self, event: str, values: tuple[Any, ...]) -> None:
        """As `sys.addaudithook` asks: raises what is not to be."""
        if event in _STARTS:
            self._refuse(event)
        elif event in _GOES and len(values) > 1 and values[1] is not None:
            self._look(event, values[1])

    def _look(self, event: str, address: Any) -> None:
        if not isinstance(address, tuple) or not address:
            self._refuse(f"{event} within this machine")
        host = str(address[0])
        if event == "socket.bind" or self._private:
            return
        try:
            fine = is_public(ipaddress.ip_address(host.partition("%")[0]))
        except ValueError:  # a name, which only the socket itself would look up, unseen
            fine = False
        if not fine:
            self._refuse(host)

    def _refuse(self, what: str) -> None:
        self.refused.append(what)
        raise PermissionError(f"not allowed from here: {what}")


class Heard(logging.Handler):
    """What Apprise says of its calls."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first lines."""
        if len(self.lines) < LINES:
            self.lines.append(record.getMessage()[:500])


def work(asked: dict[str, Any]) -> dict[str, Any]:
    """Understand the URL, and send unless that is all that is wanted."""
    import apprise  # half a second, which nobody else is to pay for

    heard = Heard()
    logging.getLogger("apprise").addHandler(heard)
    asset = apprise.AppriseAsset(
        app_id="Wasl", app_desc="Wasl", app_url="", async_mode=False, plugin_paths=[], storage_mode="memory",
        secure_logging=True, http_redirects=False,
    )  # fmt: skip
    # Every service is loaded by now: what follows is the guard's.
    guard = Guard(private=asked["private"])
    sys.addaudithook(guard)
    service = apprise.Apprise.instantiate(asked["url"], asset=asset)
    found: dict[str, Any] = {
        "known": service is not None,
        "sent": False,
        "said": heard.lines,
        "refused": guard.refused,
    }
    if service is None:
        return found
    found |= {"service": str(service.service_name), "files": bool(service.attachment_support)}
    if asked["send"] and (not asked["files"] or service.attachment_support):
        with tempfile.TemporaryDirectory() as folder:
            attach = [_written(Path(folder), number, each) for number, each in enumerate(asked["files"])]
            found["sent"] = bool(
                service.notify(body=asked["text"], title="", body_format="text", attach=attach or None)
            )
    return found


def _written(folder: Path, number: int, file: dict[str, str]) -> str:
    place = folder / str(number)
    place.mkdir()
    path = place / (Path(file["name"]).name or "file")
    path.write_bytes(base64.b64decode(file["content"]))
    return str(path)


def main() -> None:
    """Answer on what was standard output; whatever else is printed goes to standard error."""
    out, sys.stdout = sys.stdout, sys.stderr
    json.dump(work(json.load(sys.stdin)), out)


if __name__ == "__main__":
    main()
