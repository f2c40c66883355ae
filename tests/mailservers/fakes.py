"""Mail servers that misbehave, on real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[["Line"], None]


class Line:
    """One connection, as the server sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._read = sock.makefile("rb")

    def say(self, *lines: str) -> None:
        """Send lines."""
        self.sock.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def hear(self) -> tuple[str, str]:
        """(tag, the rest) of the next command; ('', '') at the end."""
        tag, _, rest = self._read.readline().decode("utf-8", "replace").strip().partition(" ")
        return tag, rest

    def close(self) -> None:
        """Hang up."""
        self._read.close()
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@contextmanager
def server(talk: Talk) -> Iterator[int]:
    """The port of a server that talks to everyone in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    lines: list[Line] = []

    def serve(line: Line) -> None:
        with suppress(OSError, ValueError):
            talk(line)
        line.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                lines.append(Line(sock))
                threading.Thread(target=serve, args=[lines[-1]], daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for line in lines:
            with suppress(OSError):
                line.sock.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def imap(*messages: bytes, on_body: Callable[[Line, str, int], None] | None = None) -> Talk:
    """An IMAP server with messages 1, 2, 3 …; `on_body(line, tag, uid)` answers a request for a body instead of it."""

    def talk(line: Line) -> None:
        line.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready")
        while True:
            tag, command = line.hear()
            word = command.upper()
            if not tag:
                return
            if word.startswith("CAPABILITY"):
                line.say("* CAPABILITY IMAP4rev1 AUTH=PLAIN", f"{tag} OK done")
            elif word.startswith("AUTHENTICATE"):
                line.say("+ ")
                line.hear()
                line.say(f"{tag} OK done")
            elif word.startswith(("SELECT", "EXAMINE")):
                count = len(messages)
                line.say(
                    f"* {count} EXISTS",
                    "* OK [UIDVALIDITY 7]",
                    f"* OK [UIDNEXT {count + 1}]",
                    f"{tag} OK done",
                )
            elif word.startswith("UID SEARCH"):
                low = int(word.split("UID ")[2].split(":")[0])
                found = " ".join(str(n) for n in range(low, len(messages) + 1))
                line.say(f"* SEARCH {found}", f"{tag} OK done")
            elif word.startswith("UID FETCH"):
                _fetch(line, tag, word, messages, on_body)
            elif word.startswith("LOGOUT"):
                line.say("* BYE", f"{tag} OK done")
                return
            else:
                line.say(f"{tag} BAD what")

    return talk


def _fetch(
    line: Line,
    tag: str,
    word: str,
    messages: tuple[bytes, ...],
    on_body: Callable[[Line, str, int], None] | None,
) -> None:
    for uid in _uids(word.split()[2]):
        body = messages[uid - 1]
        if "RFC822.SIZE" in word:
            date = '"22-Nov-2036 10:00:00 +0000"'
            line.say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(body)} INTERNALDATE {date})")
        elif "HEADER" in word:
            head = body.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            _literal(line, uid, "BODY[HEADER]<0>", head)
        elif on_body:
            on_body(line, tag, uid)
        else:
            _literal(line, uid, "BODY[]", body)
    line.say(f"{tag} OK done")


def _literal(line: Line, uid: int, name: str, content: bytes) -> None:
    line.sock.sendall(f"* {uid} FETCH (UID {uid} {name} {{{len(content)}}}\r\n".encode() + content + b")\r\n")


def _uids(text: str) -> list[int]:
    found: list[int] = []
    for each in text.split(","):
        low, _, high = each.partition(":")
        found += range(int(low), int(high or low) + 1)
    return found
