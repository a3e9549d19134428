"""Remote signing: the API of the Cloud Signature Consortium, version 2; a signature takes three calls.

``credentials/info`` tells the certificate, ``credentials/authorize`` gives a Signature Activation Data
(SAD) for these hashes and no others, and ``signatures/signHash`` signs them. The service sees a hash, never
the document.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from kouan.apps.signing.making import keys
from kouan.apps.signing.making.algorithms import MAX_SIGNATURE, SM2, Algorithm
from kouan.apps.signing.making.errors import SignerUnusable
from kouan.core.errors import KouanError
from kouan.core.trust import sm2_certificates as sm2c
from kouan.web.oidc import line

if TYPE_CHECKING:
    from pathlib import Path

    from asn1crypto import x509

    from kouan.apps.signing.making.keys import DocumentSigner
    from kouan.sections.signers import SignerSettings

_OK: Final = 200
_MOST: Final = 16
"""Certificates of a chain."""


@dataclass(frozen=True, slots=True)
class _Service:
    """Where the service is, and how it is asked."""

    name: str
    url: str
    credential: str
    token: str
    authorisation: str
    ca_file: Path | None
    demonstration: bool

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def ask(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        """Return the object that one call answers; raises ``SignerUnusable``."""
        try:
            answer = line.ask(
                self,
                f"{self.url}/csc/v2/{path}",
                body=json.dumps({"credentialID": self.credential, **question}).encode(),
                headers={"content-type": "application/json", "authorization": f"Bearer {self.token}"},
            )
        except KouanError as error:
            raise self.unusable(f"{path}: {error.code}") from None
        try:
            value = json.loads(answer.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise self.unusable(f"{path}: no JSON object")
        if answer.status != _OK:
            raise self.unusable(f"{path}: {answer.status} {_word(value.get('error'))}".rstrip())
        return value

    def unusable(self, detail: str) -> SignerUnusable:
        """Return the error that says what is wrong with it."""
        return SignerUnusable(name=self.name, detail=detail)


class _RemoteKey:
    def __init__(self, service: _Service, algorithm: Algorithm) -> None:
        self._service, self._algorithm = service, algorithm

    def sign(self, data: bytes) -> bytes:
        """Return the signature over ``data``, of which the service sees the digest."""
        digest = base64.b64encode(self._algorithm.digest_of(data)).decode()
        hashed = {"hashes": [digest], "hashAlgorithmOID": self._algorithm.digest_oid}
        authorised: dict[str, Any] = {"numSignatures": 1, **hashed}
        if self._service.authorisation:
            authorised["PIN"] = self._service.authorisation
        sad = self._service.ask("credentials/authorize", authorised).get("SAD")
        if not isinstance(sad, str) or not sad:
            raise self._service.unusable("credentials/authorize: no SAD")
        given = self._service.ask(
            "signatures/signHash", {"SAD": sad, "signAlgo": self._algorithm.oid, **hashed}
        ).get("signatures")
        try:
            (text,) = given  # type: ignore[misc]
            signature = base64.b64decode(text, validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise self._service.unusable("signatures/signHash: not one signature") from None
        if len(signature) > MAX_SIGNATURE:
            raise self._service.unusable("signatures/signHash: not one signature")
        return signature


def opened(given: SignerSettings) -> DocumentSigner:
    """Ask for the credential's certificate; raises ``SignerUnusable`` or ``ValueError``."""
    service = _Service(
        given.name,
        given.url,
        given.credential,
        given.secrets.get("token", ""),
        given.secrets.get("authorisation", ""),
        given.ca,
        bool(settings.NODE.demonstration),
    )
    if not service.token:
        raise ValueError(_("the environment holds no access token for it"))
    said = service.ask("credentials/info", {"certificates": "chain", "certInfo": True})
    certificates = _certificates(service, said)
    signer = keys.made(given, certificates, _RemoteKey(service, Algorithm("", "", "", "")))
    if signer.algorithm is SM2:
        raise service.unusable("credentials/info: an SM2 key, which signs more than a hash")
    key = said.get("key")
    offered = key.get("algo") if isinstance(key, dict) and key.get("status") == "enabled" else None
    if not isinstance(offered, list) or signer.algorithm.oid not in offered:
        raise service.unusable(f"credentials/info: the key is not enabled for {signer.algorithm.oid}")
    return keys.made(given, certificates, _RemoteKey(service, signer.algorithm))


def _certificates(service: _Service, said: dict[str, Any]) -> tuple[x509.Certificate, ...]:
    cert = said.get("cert")
    listed = cert.get("certificates") if isinstance(cert, dict) and cert.get("status") == "valid" else None
    try:
        if not isinstance(listed, list) or not 0 < len(listed) <= _MOST:
            raise ValueError("none")  # noqa: TRY301 - as any other error on these bytes
        return tuple(sm2c.load(base64.b64decode(each, validate=True)) for each in listed)
    except (ValueError, TypeError):
        raise service.unusable("credentials/info: no valid certificate") from None


def _word(said: object) -> str:
    """Return an error's code, as the API's section 10 has them: letters and underscores, nothing else."""
    text = str(said) if isinstance(said, str) else ""
    return "".join(each for each in text[:60] if each.isascii() and (each.isalnum() or each in "_-"))
