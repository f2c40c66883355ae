"""What must hold between several settings: each rule returns a sentence when it does not."""

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wasl.config.env import Env


CLIENTS = frozenset({
    "WASL_ADMIN_TOKEN", "WASL_HOOK", "WASL_INBOX", "WASL_SECRET_IN", "WASL_SECRET_OUT", "WASL_TOKEN", "WASL_URL",
    "WASL_WEBHOOK_SECRET",
})  # fmt: skip
"""What the documentation's examples call their variables: who tries them gives `wasl` commands in the same shell."""


def _tls_pair(env: "Env") -> str | None:
    if (env.smtp_tls_cert is None) != (env.smtp_tls_key is None):
        return "WASL_SMTP_TLS_CERT and WASL_SMTP_TLS_KEY belong together: set both, or neither."
    return None


def _s3_credentials(env: "Env") -> str | None:
    if bool(env.s3_access_key) != bool(env.s3_secret_key):
        return "WASL_S3_ACCESS_KEY and WASL_S3_SECRET_KEY belong together: set both, or neither."
    return None


def _ports_differ(env: "Env") -> str | None:
    ports = {
        "WASL_HTTP_PORT": env.http_port,
        "WASL_SMTP_PORT": env.smtp_port,
        "WASL_LMTP_PORT": env.lmtp_port,
    }
    if env.sandbox:
        ports["WASL_SANDBOX_SMTP_PORT"] = env.sandbox_smtp_port
        ports["WASL_SANDBOX_HTTP_PORT"] = env.sandbox_http_port
    seen: dict[int, str] = {}
    for name, port in ports.items():
        if port and port in seen:
            return f"{seen[port]} and {name} are both {port}: give each a port of its own."
        if port:
            seen[port] = name
    return None


def _debug_is_local(env: "Env") -> str | None:
    if env.debug and is_wildcard(env.http_host):
        return (
            "WASL_DEBUG shows secrets to whoever causes an error: turn it off, or listen on 127.0.0.1 only."
        )
    return None


RULES: tuple[Callable[["Env"], str | None], ...] = (
    _tls_pair,
    _s3_credentials,
    _ports_differ,
    _debug_is_local,
)


def is_wildcard(host: str) -> bool:
    """Whether a host to listen on is every one of this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False
