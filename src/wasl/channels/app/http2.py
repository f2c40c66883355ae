"""HTTP/2 calls to an address that somebody entered, on connections that are kept.

`kit.outside` speaks HTTP/1.1 and closes after each call, which Apple takes for an attack. Here the guard is the same
(the name is resolved once, every address looked at, redirects not followed), and httpcore speaks.
"""

import ssl
from collections.abc import Iterable, Mapping
from functools import cache

import httpcore
from httpcore import SOCKET_OPTION, NetworkBackend, NetworkStream, SyncBackend

from wasl.channels.base import InDoubt, Reason, Unreached
from wasl.channels.provider import ANSWER, Said, parsed
from wasl.kit import outside
from wasl.kit.outside import NotCalled

CONNECT = 10.0
PATIENCE = 20.0
"""Seconds for a connection, and for each read and write on it."""
KEPT = 20.0
"""Seconds for which a connection that nobody uses is kept: Apple ends quiet ones, and a middlebox sooner than it."""


class Guarded(NetworkBackend):
    """Connects to nothing but what may be called."""

    def __init__(self, private: bool) -> None:
        self._private = private
        self._inner = SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        """To the first address of the name that answers. Raises httpcore's errors and NotCalled."""
        last: Exception = httpcore.ConnectError("the name stands for no address")
        for address in outside.resolve(host, port, private=self._private)[:4]:
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    def sleep(self, seconds: float) -> None:
        """For httpcore's own retries, which are not asked for."""


@cache
def _pool(private: bool) -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(
        ssl_context=ssl.create_default_context(),
        http1=False,
        http2=True,
        keepalive_expiry=KEPT,
        max_connections=20,
        network_backend=Guarded(private),
    )


def post(url: str, body: bytes, headers: Mapping[str, str], *, private: bool) -> Said:
    """POST. Raises Unreached when the call was not made, InDoubt when it may have been taken."""
    try:
        outside.check(url, private=private)
        timeout = {"connect": CONNECT, "read": PATIENCE, "write": PATIENCE, "pool": PATIENCE}
        fields = [(name.encode(), value.encode()) for name, value in headers.items()]
        answer = _pool(private).request(
            "POST", url, content=body, headers=fields, extensions={"timeout": timeout}
        )
    except NotCalled as error:
        raise _unreached(f"{error.reason} {error.detail}".strip()) from error
    except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
        raise _unreached(str(error) or type(error).__name__) from error
    except httpcore.UnsupportedProtocol as error:
        raise _unreached(str(error)) from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise InDoubt(str(error) or type(error).__name__) from error
    found = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in answer.headers}
    raw = answer.content[:ANSWER]
    return Said(answer.status, parsed(raw), found, raw)


def _unreached(detail: str) -> Unreached:
    return Unreached("", detail, reason=Reason.UNREACHABLE)
