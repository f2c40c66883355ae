"""Receive Wasl's webhooks: verify each call, note it, and only then say 204.

Needs nothing but Python. WASL_WEBHOOK_SECRET is the secret that the webhook's page shows (whsec_…), PORT the port to
listen on. Each event is printed as one line.
"""

import hmac
import json
import os
import time
from base64 import b64decode, b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = b64decode(os.environ["WASL_WEBHOOK_SECRET"].removeprefix("whsec_"))
OLDEST = 300  # seconds: a call that was recorded and is sent again later is refused
LARGEST = 1_000_000
seen: set[str] = set()  # keep these where they outlive a restart


def verify(headers, body: bytes) -> bool:
    """Whether a call comes from Wasl, is fresh, and is as it was sent."""
    name, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not moment.isdigit() or abs(time.time() - int(moment)) > OLDEST:
        return False
    digest = hmac.digest(SECRET, f"{name}.{moment}.".encode() + body, "sha256")
    wanted = "v1," + b64encode(digest).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(wanted, each) for each in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), LARGEST))
        if not verify(self.headers, body):
            self.answer(401)
            return
        name = self.headers["webhook-id"]
        if name not in seen:  # the same event may come more than once
            event = json.loads(body)
            print(event["type"], json.dumps(event["data"], ensure_ascii=False), flush=True)
            seen.add(name)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Receiver).serve_forever()
