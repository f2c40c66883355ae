"""Who asks, when servers of the installation's own stand in front of the pages.

Each of them adds the address it was asked from to X-Forwarded-For, at the end. So of n such servers the outermost wrote
the n-th entry from the end; everything before that was sent by whoever asks, and may be made up.
"""

from ipaddress import IPv6Address, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send


def behind(app: ASGIApp, proxies: int) -> ASGIApp:
    """The application, with the address of whoever asked as `client` of each request."""
    if not proxies:
        return app

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (address := _asker(scope, proxies)):
            scope = {**scope, "client": (address, 0)}
        await app(scope, receive, send)

    return told


def _asker(scope: Scope, proxies: int) -> str:
    """The address, without a port; '' when the request did not come by as many servers, or what they wrote is none."""
    said = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    entries = said.decode("latin-1").split(",")
    if len(entries) < proxies:
        return ""
    entry = entries[-proxies].strip()
    if entry.startswith("["):  # [2001:db8::1]:4711
        entry = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        entry = entry.partition(":")[0]
    try:
        return str(ip_address(entry))
    except ValueError:
        return ""


def network(address: str) -> str:
    """Whom to count together: an address of IPv4 alone, of IPv6 its /64 (who has one address there has 2^64 of them).

    What is no address stays what it is.
    """
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or IPv6Address(int(known) >> 64 << 64))
