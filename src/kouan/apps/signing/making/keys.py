"""Who signs documents here: the signers that ``node.toml`` names, each with its certificate.

A signer signs bytes and returns the signature as X.509 and CMS carry it. Whatever it is, what it made is
checked with its own certificate before anybody gets it: a token with another key under the label, or a
service that answers for somebody else, is found out here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from asn1crypto import pem
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from kouan.apps.signing.domain import fingerprint
from kouan.apps.signing.lists.certificates import names_made_up
from kouan.apps.signing.making import algorithms
from kouan.apps.signing.making.algorithms import SM2, Algorithm
from kouan.apps.signing.making.errors import NoSuchSigner, SignerUnusable
from kouan.core.errors import KouanError
from kouan.core.trust import files, sm2
from kouan.core.trust import sm2_certificates as sm2c
from kouan.core.trust.tokens import Token
from kouan.sections import TokenSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from asn1crypto import x509

    from kouan.sections.signers import SignerSettings

MAX_CERTIFICATES: Final = 256 * 1024
MAX_KEY: Final = 16 * 1024
_tokens: dict[tuple[str, str], Token] = {}


class RawSigner(Protocol):
    """Makes signatures with one key."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature over ``data``, in the form of X.509; raises ``SignerUnusable``."""


@dataclass(frozen=True, slots=True)
class DocumentSigner:
    """One signer, opened."""

    name: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """The certificates of its CAs, the issuer's first."""
    algorithm: Algorithm
    raw: RawSigner

    def sign(self, data: bytes) -> bytes:
        """Return the signature over ``data``, which holds; raises ``SignerUnusable``."""
        signature = self.raw.sign(data)
        try:
            algorithms.check(self.certificate, data, signature)
        except (InvalidSignature, ValueError):
            raise SignerUnusable(
                name=self.name, detail=_("what it signed does not verify with its certificate")
            ) from None
        return signature


def names() -> tuple[str, ...]:
    """Return the names of this side's signers."""
    return tuple(each.name for each in settings.NODE.signers)


def signer(name: str) -> DocumentSigner:
    """Open a signer by its name; raises ``NoSuchSigner`` or ``SignerUnusable``."""
    found = next((each for each in settings.NODE.signers if each.name == name), None)
    if found is None:
        raise NoSuchSigner(name=name[:40], known=", ".join(names()) or "—")
    return opened(found)


def opened(given: SignerSettings) -> DocumentSigner:
    """Open the signer that settings describe; raises ``SignerUnusable``."""
    from kouan.apps.signing.making import remote  # noqa: PLC0415 - it needs this module's types

    openers: dict[str, Callable[[SignerSettings], DocumentSigner]] = {
        "file": _from_file,
        "token": _from_token,
        "remote": remote.opened,
    }
    try:
        return openers[given.kind](given)
    except SignerUnusable:
        raise
    except (KouanError, OSError, ValueError) as error:
        raise SignerUnusable(name=given.name, detail=_brief(error)) from None


def made(given: SignerSettings, certificates: Sequence[x509.Certificate], raw: RawSigner) -> DocumentSigner:
    """Return a signer of these certificates, its own first; raises ``ValueError``.

    What whoever validates it would refuse is not signed: with a certificate that has ended, that is for
    something else, or that is another than ``node.toml`` pins.
    """
    own, *chain = certificates
    if given.certificate_sha256 and fingerprint(own.dump()) != given.certificate_sha256:
        raise ValueError(_("its certificate is not the one that node.toml names"))
    if why := unfit(own, timezone.now()):
        raise ValueError(why)
    if not settings.NODE.demonstration and names_made_up(own.dump()):
        raise ValueError(_("its certificate is a demonstration's"))
    return DocumentSigner(given.name, own, tuple(chain), algorithms.algorithm_of(own), raw)


def unfit(certificate: x509.Certificate, now: datetime) -> str:
    """Return why a certificate is not for signing documents now; nothing if it is."""
    if now < certificate.not_valid_before:
        return _("its certificate is not valid yet")
    if now >= certificate.not_valid_after:
        return _("its certificate has ended")
    usage = certificate.key_usage_value
    named = {"digital_signature", "non_repudiation"} if usage is None else set(usage.native)
    if certificate.ca or not named & {"digital_signature", "non_repudiation"}:
        return _("its certificate is not for signing documents")
    return ""


def read_certificates(data: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM file; raises ``ValueError``."""
    if len(data) > MAX_CERTIFICATES or not pem.detect(data):
        raise ValueError(_("no certificates in PEM"))
    found = tuple(
        sm2c.load(der) for kind, _headers, der in pem.unarmor(data, multiple=True) if kind == "CERTIFICATE"
    )
    if not found:
        raise ValueError(_("no certificates in PEM"))
    return found


def _certificates(given: SignerSettings) -> tuple[x509.Certificate, ...]:
    return read_certificates(cast("Path", given.certificates).read_bytes())


# Keys in files


class _FileKey:
    def __init__(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | sm2.PrivateKey) -> None:
        self._key = key

    def __reduce__(self) -> str:
        raise TypeError("private keys stay in their process")

    def sign(self, data: bytes) -> bytes:
        """Return the signature."""
        if isinstance(self._key, sm2.PrivateKey):
            return self._key.sign(data)
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def _from_file(given: SignerSettings) -> DocumentSigner:
    certificates = _certificates(given)
    data = files.read_private(Path(given.key), max_bytes=MAX_KEY)
    if algorithms.algorithm_of(certificates[0]) is SM2:
        return made(given, certificates, _FileKey(sm2.PrivateKey.from_pem(data)))
    key = load_pem_private_key(data, password=None)
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise ValueError(_("the key is of a kind that is not used here"))  # noqa: TRY004 - what the file says
    return made(given, certificates, _FileKey(key))


# Keys in tokens


class _TokenKey:
    def __init__(self, token: Token, label: str) -> None:
        self._token, self._label = token, label

    def sign(self, data: bytes) -> bytes:
        """Return the signature; raises ``TokenUnusable``."""
        return self._token.sign_document(self._label, data)


def _from_token(given: SignerSettings) -> DocumentSigner:
    pin = given.secrets.get("pin", "")
    if not pin:
        raise ValueError(_("the environment holds no PIN for it"))
    where = (str(given.module), given.label)
    # One a process: a token counts its sessions, and its log-ins.
    token = _tokens.setdefault(
        where, Token(TokenSettings(cast("Path", given.module), given.label, "", ()), pin)
    )
    return made(given, _certificates(given), _TokenKey(token, given.key))


def _brief(error: Exception) -> str:
    # Where a file lies on this machine is nobody else's matter: the log has it.
    text = error.strerror or "" if isinstance(error, OSError) else str(error)
    return text.splitlines()[0][:200] if text else type(error).__name__
