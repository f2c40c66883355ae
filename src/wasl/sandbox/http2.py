"""HTTP/2 for the one provider that speaks nothing else (Apple), on the sandbox's HTTP port, in clear text and without
asking before ("prior knowledge"). Requests and answers are small: they are read and sent whole.

Source: RFC 9113 (3.3, 3.4, 8.3).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PIECE = 64 * 1024

Scope = MutableMapping[str, Any]
Ask = Callable[[Scope, bytes], Awaitable[tuple[int, Mapping[bytes, bytes], bytes] | None]]
"""What the application answers; None when it hangs up."""


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begun: bytes, ask: Ask) -> None:
    """Answer a caller until it goes. `begun` is what was read of it."""
    line = H2Connection(H2Configuration(client_side=False, header_encoding=None))
    line.initiate_connection()
    heads: dict[int, list[tuple[bytes, bytes]]] = {}
    bodies: dict[int, bytearray] = {}
    data = begun
    while data:
        for event in line.receive_data(data):
            if isinstance(event, RequestReceived):
                heads[event.stream_id], bodies[event.stream_id] = list(event.headers), bytearray()
            elif isinstance(event, DataReceived):
                bodies[event.stream_id] += event.data
                line.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                stream = event.stream_id
                answer = await ask(_scope(heads.pop(stream)), bytes(bodies.pop(stream)))
                if answer is None:
                    writer.transport.abort()
                    return
                _say(line, stream, *answer)
            elif isinstance(event, ConnectionTerminated):
                return
        writer.write(line.data_to_send())
        await writer.drain()
        data = await reader.read(PIECE)


def _say(
    line: H2Connection, stream: int, status: int, headers: Mapping[bytes, bytes], content: bytes
) -> None:
    said = [(b":status", str(int(status)).encode()), *headers.items()]
    line.send_headers(stream, said, end_stream=not content)
    if content:
        line.send_data(stream, content, end_stream=True)


def _scope(headers: list[tuple[bytes, bytes]]) -> Scope:
    named = dict(headers)
    path, _, query = named[b":path"].decode("latin-1").partition("?")
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "2", "method": named[b":method"].decode("latin-1"),
        "scheme": "http", "path": path, "raw_path": path.encode("latin-1"), "root_path": "",
        "query_string": query.encode("latin-1"), "client": ("127.0.0.1", 0), "server": None,
        "headers": [(name, value) for name, value in headers if not name.startswith(b":")],
    }  # fmt: skip
