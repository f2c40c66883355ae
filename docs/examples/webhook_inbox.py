"""A program with customers of its own, joined to Wasl by a signed webhook. Needs nothing but Python.

It takes what agents answer, prints it, and tells Wasl that it has arrived. A line on its standard input is a message of
the customer "cust-7". PORT is the port to listen on, WASL_HOOK the address of the inbox's webhook; WASL_SECRET_OUT and
WASL_SECRET_IN are the two secrets that the inbox's page shows.
"""

import hmac
import json
import os
import sys
import threading
import time
import urllib.request
import uuid
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OLDEST = 300  # seconds: a call that was recorded and is sent again later is refused
LARGEST = 40_000_000
seen: set[str] = set()  # keep these where they outlive a restart


def sign(secret: str, name: str, moment: str, body: bytes) -> str:
    """A signature of Standard Webhooks."""
    digest = hmac.digest(
        b64decode(secret.removeprefix("whsec_")), f"{name}.{moment}.".encode() + body, "sha256"
    )
    return "v1," + b64encode(digest).decode()


def hand_in(**event) -> None:
    """Tell Wasl of something. The same again, after an error, is harmless."""
    body, name, moment = json.dumps(event).encode(), f"msg_{uuid.uuid4()}", str(int(time.time()))
    signature = sign(os.environ["WASL_SECRET_IN"], name, moment, body)
    headers = {"webhook-id": name, "webhook-timestamp": moment, "webhook-signature": signature,
               "content-type": "application/json"}  # fmt: skip
    request = urllib.request.Request(os.environ["WASL_HOOK"], body, headers)
    urllib.request.urlopen(request, timeout=10).close()


def moment_of() -> str:
    return datetime.now(UTC).isoformat()


class Program(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), LARGEST))
        name, moment = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        wanted = sign(os.environ["WASL_SECRET_OUT"], name, moment, body)
        signatures = self.headers.get("webhook-signature", "").split()
        fresh = moment.isdigit() and abs(time.time() - int(moment)) < OLDEST
        if not fresh or not any(hmac.compare_digest(wanted.encode(), given.encode()) for given in signatures):
            self.answer(401, {"detail": "the signature is missing, wrong or old"})
            return
        message = json.loads(body)
        if message["type"] == "ping":
            self.answer(200, {})
            return
        mine = f"sent-{message['delivery']}"  # the id under which this program knows the message
        self.answer(200, {"id": mine})
        if name not in seen:  # the same message may come more than once
            seen.add(name)
            print("to", message["to"], json.dumps(message.get("text", ""), ensure_ascii=False), flush=True)
            hand_in(type="receipt", of=mine, state="delivered", at=moment_of())

    def answer(self, status, said):
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Program)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for line in sys.stdin:
        customer = {"id": "cust-7", "name": "Giulia Neri"}
        hand_in(
            type="message", id=f"m-{uuid.uuid4()}", **{"from": customer}, text=line.strip(), at=moment_of()
        )
