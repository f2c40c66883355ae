"""Print every customer with their addresses, page by page.

WASL_URL=http://localhost:8025 WASL_TOKEN=wasl_… python list_customers.py
"""

import json
import os
import urllib.request

SERVER = os.environ["WASL_URL"]
HEADERS = {"Authorization": f"Bearer {os.environ['WASL_TOKEN']}"}


def get(path):
    with urllib.request.urlopen(urllib.request.Request(SERVER + path, headers=HEADERS), timeout=30) as answer:
        return json.load(answer)


page = "/api/v1/customers?limit=100"
while page:
    found = get(page)
    for customer in found["items"]:
        known = get(f"/api/v1/customers/{customer['id']}")["identities"]
        print(customer["name"], *(f"{one['channel']}:{one['address']}" for one in known))
    page = found["next"]
