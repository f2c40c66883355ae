"""Calls to addresses that somebody typed: never to this machine, its network or a cloud's metadata service.

The name is resolved once, every address it stands for is looked at, and the connection goes to one of those very
addresses: a name that answers differently a moment later leads nowhere else. Redirects are not followed, and the whole
call, the answer included, is bounded in time and size.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST_URL = 2000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")


class Refusal(StrEnum):
    """Why a call was not made, or came to nothing."""

    BAD_URL = "bad_url"
    NOT_HTTPS = "not_https"
    PRIVATE = "private"
    UNKNOWN_NAME = "unknown_name"
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    TIMEOUT = "timeout"
    BROKEN = "broken"


class NotCalled(Exception):
    """No answer: `reason` says why, `detail` in the words of whoever said it."""

    def __init__(self, reason: Refusal, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail[:300]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the beginning of the body, and the headers by lower-case name."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def check(url: str, *, private: bool = False) -> SplitResult:
    """The parts of an address that may be called, as far as it can be told by reading it. Raises NotCalled.

    `private` lets everything through that leads to a network of one's own, and plain http.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotCalled(Refusal.BAD_URL) from error
    whole = len(url) <= _LONGEST_URL and url.isascii() and url.isprintable() and " " not in url
    if not whole or not parts.hostname or parts.username is not None or parts.fragment or port == 0:
        raise NotCalled(Refusal.BAD_URL)
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise NotCalled(Refusal.NOT_HTTPS if parts.scheme == "http" else Refusal.BAD_URL)
    if not private and _is_inside(parts.hostname):
        raise NotCalled(Refusal.PRIVATE, parts.hostname)
    return parts


def _is_inside(host: str) -> bool:
    """Whether a name or an address is plainly one of a network of one's own; other names tell when they are called."""
    with contextlib.suppress(ValueError):
        return not is_public(ipaddress.ip_address(host))
    with contextlib.suppress(OSError):  # 127.1, 0x7f.1: what the system still takes for an address
        return not is_public(ipaddress.IPv4Address(socket.inet_aton(host)))
    return f".{host.rstrip('.')}".endswith((".localhost", ".local", ".internal", ".home.arpa"))


def is_public(address: Address) -> bool:
    """Whether an address is one of the open Internet, also where it only stands for another one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if int(address) >> 32 == 0 or address.is_site_local or address in _LOCAL_NAT64:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def resolve(host: str, port: int, *, private: bool = False) -> list[str]:
    """The addresses behind a name, every one of them fit to be called. Raises NotCalled."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotCalled(Refusal.UNKNOWN_NAME, host) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    # One that is not public condemns the name: whoever publishes it beside a public one has nothing good in mind.
    for address in addresses:
        if not private and not is_public(ipaddress.ip_address(address.partition("%")[0])):
            raise NotCalled(Refusal.PRIVATE, f"{host} is {address}")
    return addresses


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout: float = 10.0,
    most: int = 4096,
    private: bool = False,
) -> Answer:
    """POST to an address: see `call`."""
    return call("POST", url, body, headers, timeout=timeout, most=most, private=private)


def call(
    method: str,
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    *,
    timeout: float = 10.0,
    most: int = 4096,
    private: bool = False,
) -> Answer:
    """Ask an address, and read no more than `most` bytes of the answer. Raises NotCalled.

    `timeout` seconds hold for everything after the name was resolved, however slowly the other side speaks.
    """
    parts = check(url, private=private)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = resolve(host, port, private=private)
    connection = http.client.HTTPConnection(host, port)
    late = threading.Event()
    timer = threading.Timer(timeout, _hang_up, (connection, late))
    timer.daemon = True
    timer.start()
    met = False
    try:
        connection.sock = _connect(addresses[:4], port, timeout)
        met = True
        if parts.scheme == "https":
            wrapped = _tls().wrap_socket(connection.sock, server_hostname=host, do_handshake_on_connect=False)
            connection.sock = wrapped
            wrapped.do_handshake()
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, {**headers, "Host": parts.netloc, "Connection": "close"})
        with connection.getresponse() as answer:
            if late.is_set():  # headers that break off pass for ended ones
                raise TimeoutError
            return Answer(answer.status, _read(answer, most), {k.lower(): v for k, v in answer.getheaders()})
    except ssl.SSLCertVerificationError as error:
        raise NotCalled(Refusal.CERTIFICATE, error.verify_message) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise NotCalled(Refusal.TIMEOUT) from error
        raise NotCalled(Refusal.BROKEN if met else Refusal.UNREACHABLE, str(error)) from error
    finally:
        timer.cancel()
        connection.close()


def _read(answer: http.client.HTTPResponse, most: int) -> bytes:
    """The beginning of the body. It is for people to look at: one that breaks off takes nothing from the status."""
    pieces = bytearray()
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        while len(pieces) < most and (piece := answer.read1(most - len(pieces))):
            pieces += piece
    return bytes(pieces)


def _hang_up(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    """A time limit for each read would let a drop every few seconds go on for ever."""
    late.set()
    with contextlib.suppress(OSError, AttributeError):
        socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _connect(addresses: list[str], port: int, timeout: float) -> socket.socket:
    """To the first of the addresses that answers."""
    last: OSError = OSError("the name stands for no address")
    for address in addresses:
        try:
            made = socket.create_connection((address, port), timeout / len(addresses))
            made.settimeout(timeout)
            return made
        except OSError as error:
            last = error
    raise last


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
