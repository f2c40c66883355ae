"""Calling a mail server somebody has named: resolve, connect, TLS, each with its own way of failing.

A name is resolved once and the addresses found are the ones that are connected to, so that a name which changes its
mind between a check and a call (DNS rebinding) gains nothing. Addresses inside the local network are allowed (mail
servers of those who host Wasl themselves are often there) unless the settings say otherwise; link-local addresses,
where clouds keep their machines' credentials, never are.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from wasl.channels.email.trouble import Fault, Step, Trouble, said

CONNECT = 10.0
"""Seconds for all the addresses of a name together."""

RESOLVE = 8.0

_NOT_KNOWN = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME), socket.EAI_FAMILY}
# openssl: x509_vfy.h
_VERIFY = {
    9: Fault.TLS_NOT_YET,
    10: Fault.TLS_EXPIRED,
    18: Fault.TLS_SELF_SIGNED,
    19: Fault.TLS_SELF_SIGNED,
    62: Fault.TLS_OTHER_NAME,
    63: Fault.TLS_OTHER_NAME,
    64: Fault.TLS_OTHER_NAME,
}


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a name, as `socket` wants it."""

    family: int
    place: tuple[Any, ...]

    @property
    def ip(self) -> str:
        """The address in figures."""
        return str(self.place[0])


@cache
def trust() -> ssl.SSLContext:
    """The system's certificates (or those in SSL_CERT_FILE), read once: that takes 20 ms each time."""
    return ssl.create_default_context()


def resolve(host: str, port: int, *, private: bool = True) -> list[Address]:
    """The addresses of a name. Raises Trouble (name_unknown, name_not_now, not_allowed)."""
    found = _look_up(host, port)
    allowed = [each for each in found if _allowed(each.ip, private)]
    if not allowed:
        raise Trouble(Step.RESOLVE, Fault.NOT_ALLOWED, found[0].ip)
    return allowed


def connect(addresses: list[Address], patience: float = CONNECT, timeout: float = 30.0) -> socket.socket:
    """A connection to the first address that answers; reads on it give up after `timeout` seconds. Raises Trouble."""
    end = time.monotonic() + patience
    worst: Trouble | None = None
    for number, address in enumerate(addresses):
        share = max(0.5, (end - time.monotonic()) / (len(addresses) - number))
        sock = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            sock.settimeout(share)
            sock.connect(address.place)
            sock.settimeout(timeout)
        except OSError as error:
            sock.close()
            worst = _unconnected(error)
        else:
            return sock
        if time.monotonic() >= end:
            break
    raise worst or Trouble(Step.CONNECT, Fault.TIMED_OUT)


def encrypt(sock: socket.socket, host: str, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    """TLS with the certificate checked against `host`. Raises Trouble; the socket is closed then."""
    try:
        return (context or trust()).wrap_socket(sock, server_hostname=host)
    except (OSError, ValueError) as error:
        sock.close()
        raise untrusted(error) from error


def untrusted(error: Exception) -> Trouble:
    """What a failed TLS handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        fault = _VERIFY.get(error.verify_code, Fault.TLS_UNKNOWN_ISSUER)
        return Trouble(Step.TLS, fault, error.verify_message)
    if isinstance(error, TimeoutError):
        return Trouble(Step.TLS, Fault.SILENT)
    if isinstance(error, ssl.SSLError) and error.reason in _PLAIN:
        return Trouble(Step.TLS, Fault.TLS_NOT_SPOKEN, said(error))
    return Trouble(Step.TLS, Fault.TLS_BROKEN, said(error))


_PLAIN = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "UNKNOWN_PROTOCOL",
        "HTTP_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
    }
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself, for the person who must mend it: names, issuer, last day (ISO)."""

    names: tuple[str, ...]
    issuer: str
    until: str


def describe(der: bytes) -> Certificate | None:
    """The words of a certificate; None when it cannot be read."""
    try:
        found = x509.load_der_x509_certificate(der)
        names: list[str] = []
        with contextlib.suppress(x509.ExtensionNotFound):
            alternative = found.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
            assert isinstance(alternative, x509.SubjectAlternativeName)
            names = [str(each.value) for each in alternative][:10]
        names = names or [str(a.value) for a in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        issuer = found.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        issuer = issuer or found.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        until = found.not_valid_after_utc.date().isoformat()
    except ValueError:
        return None
    return Certificate(tuple(names), str(issuer[0].value) if issuer else "", until)


def unchecked() -> ssl.SSLContext:
    """To read a certificate that was refused; nothing is ever said over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _unconnected(error: OSError) -> Trouble:
    if isinstance(error, ConnectionRefusedError):
        return Trouble(Step.CONNECT, Fault.PORT_CLOSED, said(error))
    if isinstance(error, TimeoutError):
        return Trouble(Step.CONNECT, Fault.TIMED_OUT)
    return Trouble(Step.CONNECT, Fault.UNREACHABLE, said(error))


def _allowed(ip: str, private: bool) -> bool:
    address = ipaddress.ip_address(ip.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return False
    return private or address.is_global


def _look_up(host: str, port: int) -> list[Address]:
    """`getaddrinfo` knows no timeout: it is asked in a thread that may be left behind."""
    answer: queue.SimpleQueue[list[Address] | Trouble] = queue.SimpleQueue()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            known = error.errno in _NOT_KNOWN
            answer.put(
                Trouble(Step.RESOLVE, Fault.NAME_UNKNOWN if known else Fault.NAME_NOT_NOW, said(error))
            )
        except (OSError, UnicodeError, ValueError, OverflowError) as error:
            answer.put(Trouble(Step.RESOLVE, Fault.NAME_UNKNOWN, said(error)))
        else:
            answer.put(list(dict.fromkeys(Address(row[0], row[4]) for row in rows)))

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        found = answer.get(timeout=RESOLVE)
    except queue.Empty:
        raise Trouble(Step.RESOLVE, Fault.NAME_NOT_NOW) from None
    if isinstance(found, Trouble):
        raise found
    return found
