"""Hand in many messages, a hundred at a time, so that a run that was cut short can simply be started again.

    WASL_URL=http://localhost:8025 WASL_TOKEN=wasl_… WASL_INBOX=forms python import_messages.py < messages.jsonl

Each line is a message as the API takes it, with an `id` of your own. Needs nothing but Python.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from itertools import islice

ADDRESS = f"{os.environ['WASL_URL']}/api/v1/inboxes/{os.environ['WASL_INBOX']}/messages/batch"
HEADERS = {"Authorization": f"Bearer {os.environ['WASL_TOKEN']}", "Content-Type": "application/json"}


def post(messages):
    """The answer to one batch. While the server asks for patience, wait and send the same again."""
    body = json.dumps({"messages": messages}).encode()
    while True:
        request = urllib.request.Request(ADDRESS, body, HEADERS, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["results"]
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                sys.exit(f"{error.code}: {json.load(error)['detail']}")
            time.sleep(float(error.headers.get("Retry-After", 1)))
        except urllib.error.URLError:
            time.sleep(1)


def main():
    lines = (json.loads(line) for line in sys.stdin)
    taken = 0
    while batch := list(islice(lines, 100)):
        for message, result in zip(batch, post(batch), strict=True):
            if result["status"] == "accepted":
                taken += 1
            else:
                print(message.get("id"), result["problem"]["detail"], file=sys.stderr)
    print(f"{taken} messages are stored")


main()
