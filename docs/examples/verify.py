"""Prove that what happened with a customer was written down then and has not been changed since.

    WASL_URL=http://localhost:8025 WASL_TOKEN=wasl_… python verify.py CUSTOMER

Recomputes the root of the log from one touchpoint and the hashes beside its path (RFC 6962), and
compares it with the root in the signed checkpoint. Keep the checkpoint: whoever changes the log later cannot make it
fit again. The signature is Ed25519; it is verified as well when the package `cryptography` is installed.
"""

import base64
import hashlib
import json
import os
import sys
import urllib.request

SERVER = os.environ["WASL_URL"]
HEADERS = {"Authorization": f"Bearer {os.environ['WASL_TOKEN']}"}


def get(path):
    with urllib.request.urlopen(urllib.request.Request(SERVER + path, headers=HEADERS), timeout=30) as answer:
        return json.load(answer)


def root_of(leaf, index, size, path):
    """The root of a tree of `size` leaves in which `leaf` is number `index` (RFC 9162, section 2.1.3.2)."""
    node, last = leaf, size - 1
    for sibling in path:
        if index % 2 or index == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        index, last = index // 2, last // 2
    return None if last else node


def signature_holds(checkpoint, verifier_key):
    """Whether the checkpoint was signed with the key (C2SP signed-note); None when that cannot be told here."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return None
    text, _, signed = checkpoint.partition("\n\n")
    public = base64.b64decode(verifier_key.split("+", 2)[2])[1:]
    signature = base64.b64decode(signed.split()[2])[4:]
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, (text + "\n").encode())
    except InvalidSignature:
        return False
    return True


touchpoint = get(f"/api/v1/customers/{sys.argv[1]}/timeline?limit=1")["items"][0]
proof = get(f"/api/v1/touchpoints/{touchpoint['id']}/proof")
verifier_key = get("/api/v1/log/checkpoint")["verifier_key"]

path = [base64.b64decode(step) for step in proof["path"]]
found = root_of(base64.b64decode(proof["leaf"]), proof["index"], proof["size"], path)
stated = base64.b64decode(proof["checkpoint"].splitlines()[2])
if found != stated:
    sys.exit("The log does not hold this touchpoint.")
if signature_holds(proof["checkpoint"], verifier_key) is False:
    sys.exit("The checkpoint is not signed with the log's key.")
print(
    f"{touchpoint['kind']} of {touchpoint['occurred_at']} is number {proof['index']} of {proof['size']}: proved"
)
