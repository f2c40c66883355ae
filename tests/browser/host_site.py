"""A shop's own website with a strict content security policy, on a port of its own, that holds the widget."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}"><head><meta charset="utf-8"><title>Dar Zaytun</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>Lamps</h1><p>Made by hand, one at a time.</p></main>{widget}</body></html>
"""


@dataclass
class HostSite:
    """`wasl` is the origin that the policy lets in, and nothing else; `inbox` whose widget the pages hold, and
    `secret` what the site's server signs identities with."""

    port: int
    wasl: str = ""
    inbox: str = ""
    secret: str = ""

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def policy(self) -> str:
        return f"default-src 'none'; script-src {self.wasl}; connect-src {self.wasl}; img-src {self.wasl}"

    def page(self, query: str) -> bytes:
        language = parse_qs(query).get("language", ["en"])[0]
        script = f'<script src="{self.wasl}/widget/{self.inbox}.js" async></script>'
        direction = "rtl" if language == "ar" else "ltr"
        return _PAGE.format(language=language, direction=direction, widget=script).encode()


@contextmanager
def serving() -> Iterator[HostSite]:
    """The site, while it is wanted."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    site = HostSite(server.server_address[1])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = site.page(urlsplit(self.path).query)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", site.policy)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is said of it."""

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
