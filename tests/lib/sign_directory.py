#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sign_directory.py SEED-BYTE VERSION NETWORK [DEVICES-JSON]

Prints a signed directory, its key being 32 times SEED-BYTE; without
DEVICES-JSON only the public key in base64."""
import base64
import json
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

key = Ed25519PrivateKey.from_private_bytes(bytes([int(sys.argv[1])] * 32))
public = base64.b64encode(key.public_key().public_bytes(
    serialization.Encoding.Raw, serialization.PublicFormat.Raw)).decode()
if len(sys.argv) < 5:
    print(public)
    sys.exit()
payload = json.dumps({
    "kind": "directory", "network_id": sys.argv[3],
    "version": int(sys.argv[2]), "issued_at": "2024-01-01T00:00:00.000Z",
    "devices": json.loads(sys.argv[4]), "users": [], "keys": [],
    "user_ca": []})
signature = key.sign(b"omniedge signed document 1\n" + payload.encode())
print(json.dumps({
    "payload": payload, "key": public,
    "signature": base64.b64encode(signature).decode()}))
