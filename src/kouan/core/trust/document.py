"""The trust document: all that another side needs to know of one, under the signature of its anchor.

Payload: deterministic CBOR, a map with the keys of ``_SHAPE``; times are whole seconds since 1970
UTC. Envelope: COSE_Sign1 by the anchor key, whose public half is inside; so the document proves that
it is whole, and the fingerprint of the anchor, compared by people over another way, proves whose it is.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from kouan.core import cbor
from kouan.core.trust import certificates, cose
from kouan.core.trust.errors import MalformedDocument
from kouan.core.trust.keys import (
    ALGORITHMS,
    KID_BYTES,
    SECOND_USES,
    KeyUse,
    PublicKey,
    Signer,
    kid_of,
    kind_for,
    kind_of,
    load_spki,
    spki_of,
)
from kouan.core.trust.suites import SUITES

FORMAT: Final = "kouan-trust/1"
CONTENT_TYPE: Final = "application/kouan-trust+cose"
MAX_DOCUMENT_BYTES: Final = 64 * 1024
MAX_KEYS: Final = 64
MAX_FORMER_CAS: Final = 4
MAX_REASON: Final = 200
MAX_URL: Final = 255
LISTED_USES: Final = (KeyUse.SIGN, KeyUse.DECRYPT, KeyUse.LOG, KeyUse.WITNESS, *SECOND_USES)
"""The uses whose public keys the document lists; the anchor and the TLS CA have places of their own."""

_SIDE: Final = re.compile(r"[a-z][a-z0-9-]{1,15}")
_LIMIT: Final = 1 << 53
_LATEST: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_SHAPE: Final[dict[str, type]] = {
    "format": str,
    "side": str,
    "serial": int,
    "issued": int,
    "door": str,
    "log": str,
    "anchor": bytes,
    "keys": list,
    "tls_ca": bytes,
    "tls_before": list,
    "suites": list,
    "revoked": list,
}
_KEY_SHAPE: Final[dict[str, type]] = {
    "use": str,
    "alg": str,
    "kid": bytes,
    "spki": bytes,
    "from": int,
    "until": int,
}
_REVOKED_SHAPE: Final[dict[str, type]] = {"use": str, "kid": bytes, "since": int, "at": int, "reason": str}


@dataclass(frozen=True, slots=True)
class Revocation:
    """A key that its side no longer speaks with, whatever time a thing gives as its own.

    ``since`` is from when the key may have been in other hands, ``at`` when its side said so.
    """

    use: KeyUse
    kid: bytes
    since: datetime
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A public key of a side, what it is for, and its time: ``since`` included, ``until`` not."""

    use: KeyUse
    public: PublicKey = field(compare=False, repr=False)
    kid: bytes
    spki: bytes = field(repr=False)
    since: datetime
    until: datetime

    @property
    def alg(self) -> str:
        """The algorithm's name, such as ``ES256``."""
        return _algorithm(self.public)

    def valid_at(self, at: datetime) -> bool:
        """Whether ``at`` lies in the key's time."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Content:
    """What a side says of itself, apart from when and for how manieth time it says so."""

    side: str
    door_url: str
    log_origin: str
    anchor_spki: bytes = field(repr=False)
    keys: tuple[ListedKey, ...]
    tls_ca: bytes = field(repr=False)
    """The TLS CA's certificate, DER."""
    suites: tuple[int, ...]
    tls_before: tuple[bytes, ...] = field(repr=False, default=())
    """The certificates of former TLS CAs that still vouch, DER."""
    revoked: tuple[Revocation, ...] = ()
    """The keys that were reported compromised."""


@dataclass(frozen=True, slots=True)
class TrustDocument:
    """A trust document whose signature and shape held."""

    content: Content
    serial: int
    issued: datetime
    digest: str
    """SHA-256 over the document's bytes, 64 hex digits."""

    @property
    def side(self) -> str:
        """The code of the side."""
        return self.content.side


def log_origin(side: str) -> str:
    """Return the name of a side's ledger (the origin line of its checkpoints)."""
    return f"{side}.kouan/ledger"


def witness_name(side: str) -> str:
    """Return the name under which a side co-signs checkpoints."""
    return f"{side}.kouan/witness"


def fingerprint(document: TrustDocument | Content) -> str:
    """Return who the side is: SHA-256 over the anchor's SubjectPublicKeyInfo, 64 hex digits."""
    content = document.content if isinstance(document, TrustDocument) else document
    return hashlib.sha256(content.anchor_spki).hexdigest()


def grouped(hex_digits: str) -> str:
    """Return hex digits in groups of four, for people to compare.

    >>> grouped("0123456789abcdef")
    '0123 4567 89ab cdef'
    """
    return " ".join(hex_digits[i : i + 4] for i in range(0, len(hex_digits), 4))


def normalised_fingerprint(text: str) -> str:
    """Return a fingerprint as a person typed it, without blanks, colons and hyphens, in lower case."""
    return re.sub(r"[\s:-]", "", text).lower()


def build(content: Content, *, serial: int, issued: datetime, anchor: Signer) -> bytes:
    """Return the signed document; ``issued`` is kept to the second.

    Raises ``MalformedDocument`` when ``parse`` would refuse it, so no side can export what no other reads.
    """
    payload = cbor.encode(
        {
            "format": FORMAT,
            "side": content.side,
            "serial": serial,
            "issued": int(issued.timestamp()),
            "door": content.door_url,
            "log": content.log_origin,
            "anchor": content.anchor_spki,
            "keys": [
                {
                    "use": key.use.value,
                    "alg": key.alg,
                    "kid": key.kid,
                    "spki": key.spki,
                    "from": int(key.since.timestamp()),
                    "until": int(key.until.timestamp()),
                }
                for key in content.keys
            ],
            "tls_ca": content.tls_ca,
            "tls_before": list(content.tls_before),
            "suites": list(content.suites),
            "revoked": [
                {
                    "use": item.use.value,
                    "kid": item.kid,
                    "since": int(item.since.timestamp()),
                    "at": int(item.at.timestamp()),
                    "reason": item.reason,
                }
                for item in content.revoked
            ],
        }
    )
    data = cose.sign1(payload, anchor, content_type=CONTENT_TYPE)
    parse(data)
    return data


def parse(data: bytes) -> TrustDocument:
    """Read and check a trust document: shape, signature by the anchor inside, and every field.

    Raises ``MalformedSignature``, ``BadSignature`` or ``MalformedDocument``. Whose document it is,
    only the comparison of ``fingerprint`` tells.
    """
    signed = cose.read1(data, content_type=CONTENT_TYPE, max_bytes=MAX_DOCUMENT_BYTES)
    try:
        value = cbor.decode(signed.payload, max_bytes=MAX_DOCUMENT_BYTES, max_depth=4)
    except cbor.NotDeterministicCBOR as error:
        raise MalformedDocument(detail=str(error.params["detail"])) from None
    raw = _fields(value, _SHAPE, "the document")
    anchor = _public(raw["anchor"], "anchor")
    if not isinstance(anchor, EllipticCurvePublicKey) or signed.kid != kid_of(raw["anchor"]):
        raise MalformedDocument(detail="anchor")
    signed.verify(anchor)
    return _checked(raw, digest=hashlib.sha256(data).hexdigest())


def _checked(raw: dict[str, Any], *, digest: str) -> TrustDocument:
    _require(raw["format"] == FORMAT, "format")
    _require(_SIDE.fullmatch(raw["side"]) is not None, "side")
    _require(1 <= raw["serial"] < _LIMIT, "serial")
    _require(_is_door(raw["door"]), "door")
    _require(raw["log"] == log_origin(raw["side"]), "log")
    suites = raw["suites"]
    _require(
        bool(suites) and all(type(item) is int and 0 < item < 256 for item in suites),  # noqa: PLR2004 - one byte
        "suites",
    )
    _require(suites == sorted(set(suites)), "suites")
    _require(0 < len(raw["keys"]) <= MAX_KEYS, "number of keys")
    keys = tuple(_listed(item, suites) for item in raw["keys"])
    kids = {kid_of(raw["anchor"]), *(key.kid for key in keys)}
    _require(len(kids) == len(keys) + 1, "a key listed twice")
    for use in (KeyUse.LOG, KeyUse.WITNESS):
        _require(any(key.use is use for key in keys), f"one {use.value} key")
    for use in (KeyUse.SIGN, KeyUse.DECRYPT):
        _require(any(key.use is use for key in keys), f"a key to {use.value}")
    _check_ca(raw["tls_ca"], "tls_ca")
    _require(len(raw["tls_before"]) <= MAX_FORMER_CAS, "number of former TLS CAs")
    for der in raw["tls_before"]:
        _require(type(der) is bytes and der != raw["tls_ca"], "tls_before")
        _check_ca(der, "tls_before")
    _require(len(raw["revoked"]) <= MAX_KEYS, "number of revoked keys")
    revoked = tuple(_revocation(item) for item in raw["revoked"])
    _require(len({item.kid for item in revoked}) == len(revoked), "a key revoked twice")
    _require(kid_of(raw["anchor"]) not in {item.kid for item in revoked}, "its own anchor is revoked")
    content = Content(
        side=raw["side"],
        door_url=raw["door"],
        log_origin=raw["log"],
        anchor_spki=raw["anchor"],
        keys=keys,
        tls_ca=raw["tls_ca"],
        suites=tuple(suites),
        tls_before=tuple(raw["tls_before"]),
        revoked=revoked,
    )
    return TrustDocument(content, raw["serial"], _moment(raw["issued"], "issued"), digest)


def _listed(item: object, suites: list[int]) -> ListedKey:
    raw = _fields(item, _KEY_SHAPE, "keys")
    _require(raw["use"] in {use.value for use in LISTED_USES}, "a key's use")
    use = KeyUse(raw["use"])
    public = _public(raw["spki"], "a key")
    _require(raw["kid"] == kid_of(raw["spki"]), "a key's id")
    _require(raw["alg"] == _algorithm(public), "a key's algorithm")
    known = [SUITES[item] for item in suites if item in SUITES]
    _require(kind_of(public) in {kind_for(use, suite) for suite in known}, "a key of the wrong kind")
    since, until = _moment(raw["from"], "a key's time"), _moment(raw["until"], "a key's time")
    _require(since < until, "a key's time")
    return ListedKey(use, public, raw["kid"], raw["spki"], since, until)


def _check_ca(der: bytes, what: str) -> None:
    try:
        certificates.check_ca(der)
    except ValueError as error:
        raise MalformedDocument(detail=f"{what}: {error}") from None


def _revocation(item: object) -> Revocation:
    raw = _fields(item, _REVOKED_SHAPE, "revoked")
    _require(raw["use"] in {use.value for use in KeyUse}, "a revoked key's use")
    _require(len(raw["kid"]) == KID_BYTES, "a revoked key's id")
    reason = raw["reason"]
    _require(len(reason) <= MAX_REASON and reason.isprintable(), "a revoked key's reason")
    return Revocation(
        use=KeyUse(raw["use"]),
        kid=raw["kid"],
        since=_moment(raw["since"], "a revoked key's time"),
        at=_moment(raw["at"], "a revoked key's time"),
        reason=reason,
    )


def listed(use: KeyUse, public: PublicKey, since: datetime, until: datetime) -> ListedKey:
    """Return a public key as a document lists it."""
    spki = spki_of(public)
    return ListedKey(use, public, kid_of(spki), spki, since, until)


def _algorithm(public: PublicKey) -> str:
    kind = kind_of(public)
    if kind is None:
        raise MalformedDocument(detail="a kind of key that is not used here")
    return ALGORITHMS[kind]


def _public(spki: bytes, what: str) -> PublicKey:
    try:
        return load_spki(spki)
    except ValueError as error:
        raise MalformedDocument(detail=f"{what}: {error}") from None


def _moment(seconds: int, what: str) -> datetime:
    _require(0 <= seconds <= _LATEST, what)
    return datetime.fromtimestamp(seconds, tz=UTC)


def _is_door(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        url.isascii()
        and url.isprintable()
        and " " not in url
        and len(url) <= MAX_URL
        and parts.scheme == "https"
        and bool(parts.hostname)
        and (port is None or port > 0)
        and url == f"https://{parts.netloc}"
        and "@" not in parts.netloc
    )


def _fields(value: object, shape: dict[str, type], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(shape):
        raise MalformedDocument(detail=f"the keys of {what}")
    for name, kind in shape.items():
        _require(type(value[name]) is kind, name)
    return value


def _require(holds: bool, what: str) -> None:  # noqa: FBT001 - a guard's first word
    if not holds:
        raise MalformedDocument(detail=what)
