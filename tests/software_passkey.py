"""A passkey in software: what a browser and its authenticator answer, and every way to answer wrongly."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Authenticator:
    """Holds one passkey; ``changes`` to an answer are what a test does wrong."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.handle = b""
        self.count = 0

    def create(self, options: dict, **changes) -> str:
        self.handle = base64.urlsafe_b64decode(options["user"]["id"] + "==")
        credential = bytes(16) + struct.pack(">H", len(self.id)) + self.id
        credential += cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        data = self._data(options["rp"]["id"], changes, ATTESTED) + credential
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            clientDataJSON=text(self._client("webauthn.create", options, changes)),
            attestationObject=text(attestation),
        )

    def get(self, options: dict, **changes) -> str:
        data = self._data(options["rpId"], changes)
        client = self._client("webauthn.get", options, changes)
        signed = data + hashlib.sha256(client).digest()
        signature = changes.get("signature") or self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=text(client),
            authenticatorData=text(data),
            signature=text(signature),
            userHandle=text(changes.get("handle", self.handle)),
        )

    def _data(self, rp: str, changes: dict, flags: int = 0) -> bytes:
        self.count = changes.get("count", self.count + 1)
        flags |= changes.get("flags", PRESENT | VERIFIED)
        digest = hashlib.sha256(changes.get("rp", rp).encode()).digest()
        return digest + struct.pack(">BI", flags, self.count)

    def _client(self, kind: str, options: dict, changes: dict) -> bytes:
        challenge = changes.get("challenge", options["challenge"])
        origin = changes.get("origin", self.origin)
        said = {"type": changes.get("type", kind), "challenge": challenge, "origin": origin}
        return json.dumps(said).encode()

    def _answer(self, **response: str) -> str:
        return json.dumps(
            {
                "id": text(self.id),
                "rawId": text(self.id),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": response,
            }
        )
