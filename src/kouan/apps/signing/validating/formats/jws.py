"""JSON Web Signatures (RFC 7515), JAdES B to LTA (ETSI TS 119 182-1)."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature

from kouan.apps.signing.validating import keys, report
from kouan.apps.signing.validating.engine import knowable
from kouan.apps.signing.validating.formats import base, plain
from kouan.apps.signing.validating.formats.plain import Refused, from_base64
from kouan.apps.signing.validating.keys import Algorithm
from kouan.apps.signing.validating.report import Reason, SubIndication
from kouan.core.trust import sm2_certificates

if TYPE_CHECKING:
    from asn1crypto import x509

    from kouan.apps.signing.validating.engine import Engine

_ALGORITHMS: Final = {
    **{f"RS{n}": Algorithm("pkcs1", f"sha{n}") for n in (256, 384, 512)},
    **{f"PS{n}": Algorithm("pss", f"sha{n}") for n in (256, 384, 512)},
    **{f"ES{n}": Algorithm("ecdsa", f"sha{n}") for n in (256, 384, 512)},
    "EdDSA": Algorithm("ed25519"),
    "Ed25519": Algorithm("ed25519"),
    "SGD_SM3_SM2": Algorithm("sm2", "sm3"),  # GM/T 0125.1
}
_UNDERSTOOD: Final = {"sigT", "x5t#o", "sigX5ts", "srCms", "sigPl", "srAts", "sigPId", "iat", "b64", "sigD"}
"""What ``crit`` may name (RFC 7515 section 4.1.11): what nothing here depends on, or what is read."""
_SIGD: Final = "http://uri.etsi.org/19182/"
_DIGESTS: Final = {"S256": "sha256", "S384": "sha384", "S512": "sha512"}
"""``hashM`` of ``sigD`` (TS 119 182-1 section 5.2.8.3.3)."""
_PARTS: Final = 3
_MAX: Final = 8 << 20


class Jws:
    """JWS files in the compact, the flattened or the general form."""

    name: report.Format = "jws"

    def sniff(self, head: bytes, _file: IO[bytes]) -> bool:
        """Whether a file begins as JWS does, in one of its forms."""
        text = head.lstrip()
        if text[:3] == b"eyJ":
            return b"~" not in head and head.count(b".") <= _PARTS - 1
        return text[:1] == b"{" and any(
            key in head for key in (b'"protected"', b'"signatures"', b'"payload"')
        )

    async def signatures(
        self, file: IO[bytes], size: int, judge: Engine, beside: base.Beside | None = None
    ) -> base.Found:
        """Return the signatures of a file, in their order."""
        if size > _MAX:
            raise base.Unreadable("too-large", SubIndication.GENERIC)
        payload, signed = _parts(base.whole(file, size))
        found: list[report.Signature] = []
        for number, each in enumerate(base.all_of(signed), 1):
            try:
                own = beside and beside.turn(len(found))
                found.append(await plain.judged(_held(str(number), payload, each, own), judge))
            except Refused as error:
                found.append(plain.refused(str(number), error))
            except Exception as error:  # noqa: BLE001 - what cannot be read fails, and the others are judged
                found.append(base.malformed(str(number), error))
        return base.Found(tuple(found))


def _parts(data: bytes) -> tuple[str, list[dict[str, Any]]]:
    """Return the payload as it is signed, and the signatures; raises ``Unreadable``."""
    try:
        text = data.decode("ascii" if data.lstrip()[:1] != b"{" else "utf-8").strip()
        if not text.startswith("{"):
            protected, payload, signature = text.split(".")
            return payload, [{"protected": protected, "signature": signature}]
        whole = json.loads(text, object_pairs_hook=_once)
        payload = whole.get("payload", "")
        signed = whole.get("signatures", [whole])
        if not isinstance(payload, str) or not all(isinstance(each, dict) for each in signed):
            raise TypeError  # noqa: TRY301 - one way out for all that is no JWS
    except (ValueError, KeyError, TypeError, RecursionError):
        raise base.Unreadable("malformed-jws") from None
    return payload, signed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same name twice")  # RFC 7515 section 4
    return found


def _held(id_: str, payload: str, signed: dict[str, Any], beside: base.Beside | None) -> plain.Held:
    protected = str(signed.get("protected", ""))
    header = json.loads(_url(protected), object_pairs_hook=_once)
    if not isinstance(header, dict):
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-signature")
    loose = signed.get("header") or {}
    if set(header) & set(loose):
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-signature")
    algorithm = _ALGORITHMS.get(str(header.get("alg")))
    if algorithm is None:
        raise Refused(SubIndication.GENERIC, "unsupported-algorithm")
    critical = header.get("crit", [])
    if not isinstance(critical, list) or set(critical) - _UNDERSTOOD:
        raise Refused(SubIndication.SIG_CONSTRAINTS_FAILURE, "unknown-critical-header")
    if ("b64" in header) != ("b64" in critical):  # RFC 7797 section 6
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-signature")
    body, about = _signed_data(header, payload, beside)
    certificate, others = _certificates(header)
    value = str(signed.get("signature", ""))
    try:
        keys.check(certificate, algorithm, _url(value), f"{protected}.".encode() + body)
    except InvalidSignature:
        raise Refused(SubIndication.SIG_CRYPTO_FAILURE, "signature-does-not-hold") from None
    except keys.WeakKey:
        raise Refused(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "weak-key") from None
    components = loose.get("etsiU", [])
    stamps, carried = _unsigned(components)
    archives, unread = _archives(components, about, f"{protected}.{value}")
    named = "x5t#S256" in header or "x5t#o" in header or "sigX5ts" in header
    return plain.Held(
        id=id_,
        certificate=certificate,
        algorithm=algorithm.name,
        digest=algorithm.digest or "sha512",
        claimed_at=_claimed(header),
        carried=knowable([*others, *carried[0]], carried[1], carried[2]),
        stamps=stamps,
        imprint=lambda name: keys.digest(name, value.encode("ascii")),
        reasons=tuple(
            Reason(code=code)
            for code, holds in (("no-signed-properties", not named), ("archive-time-stamp-unread", unread))
            if holds
        ),
        archives=archives,
    )


def _signed_data(header: dict[str, Any], payload: str, beside: base.Beside | None) -> tuple[bytes, bytes]:
    """Return what the signature is over after the header's dot, and what an archive's time-stamp begins with.

    The second differs where the signature names what it is about by its digest (section 5.2.8.3.3). Raises
    ``Refused``.
    """
    named = header.get("sigD")
    if payload and named is None:
        return payload.encode(), payload.encode()
    if beside is None or payload:
        raise Refused(SubIndication.SIGNED_DATA_NOT_FOUND, "signed-data-elsewhere")
    data = beside.take()
    if header.get("b64", True) is not False:
        data = base64.urlsafe_b64encode(data).rstrip(b"=")
    if named is None:
        return data, data
    places = named.get("pars") if isinstance(named, dict) else None
    kinds = {f"{_SIGD}ObjectIdByURI", f"{_SIGD}ObjectIdByURIHash"}
    if not isinstance(places, list) or len(places) != 1 or named.get("mId") not in kinds:
        raise Refused(SubIndication.SIGNED_DATA_NOT_FOUND, "signed-data-elsewhere")
    if named["mId"] == f"{_SIGD}ObjectIdByURI":
        return data, data
    _check_digest(named, data)
    return b"", data


def _check_digest(named: dict[str, Any], data: bytes) -> None:
    """Check the digest of what a signature is about; raises ``Refused``."""
    method, values = _DIGESTS.get(str(named.get("hashM"))), named.get("hashV")
    if method is None:
        raise Refused(SubIndication.GENERIC, "unsupported-algorithm")
    if not isinstance(values, list) or len(values) != 1:
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-signature")
    if _url(str(values[0])) != keys.digest(method, data):
        raise Refused(SubIndication.HASH_FAILURE, "changed-since-signing")


def _archives(components: Any, about: bytes, signature: str) -> tuple[list[plain.Archive], bool]:
    """Return the archive's time-stamps (section 5.3.6.3), and whether there are some that are not read.

    Those are read whose ``etsiU`` holds its components in base64url; others depend on a canonical form.
    """
    found: list[plain.Archive] = []
    if not isinstance(components, list):
        return found, False
    if not all(isinstance(each, str) for each in components):
        return found, any(isinstance(each, dict) and "arcTst" in each for each in components)
    before = about + f".{signature}".encode()
    for place, each in enumerate(components):
        item = json.loads(_url(each))
        added = "".join(components[:place]).encode()
        # Since version 1.2.1 of the standard there is a dot before the components; in 1.1.1 there was none.
        readings = (
            plain.over(functools.partial(_joined, before, b".", added)),
            plain.over(functools.partial(_joined, before, added)),
        )
        tokens = item.get("arcTst", {}).get("tstTokens", [])
        found += [plain.Archive(from_base64(one["val"]), readings) for one in tokens]
    return found, False


def _joined(*parts: bytes) -> bytes:
    return b"".join(parts)


def _certificates(header: dict[str, Any]) -> tuple[x509.Certificate, list[bytes]]:
    chain = header.get("x5c")
    if not isinstance(chain, list) or not chain:
        raise Refused(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "no-signing-certificate")
    ders = [from_base64(str(each)) for each in chain[: base.MOST_CARRIED]]
    thumb = header.get("x5t#S256")
    if thumb is not None and _url(str(thumb)) != hashlib.sha256(ders[0]).digest():
        raise Refused(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "other-signing-certificate")
    try:
        return sm2_certificates.load(ders[0]), ders[1:]
    except ValueError:
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-certificate") from None


def _unsigned(properties: Any) -> tuple[list[bytes], tuple[list[bytes], list[bytes], list[bytes]]]:
    """Return time-stamps, certificates, revocation lists and responses from ``etsiU`` (section 5.3)."""
    stamps: list[bytes] = []
    certificates: list[bytes] = []
    crls: list[bytes] = []
    ocsps: list[bytes] = []
    for each in properties if isinstance(properties, list) else []:
        item = json.loads(_url(each)) if isinstance(each, str) else each
        stamps += [from_base64(one["val"]) for one in item.get("sigTst", {}).get("tstTokens", [])]
        for holder in (item, item.get("tstVD", {})):
            chain = [one["x509Cert"] for one in holder.get("xVals", []) if "x509Cert" in one]
            certificates += [from_base64(one["val"]) for one in chain]
            values = holder.get("rVals", {})
            crls += [from_base64(one["val"]) for one in values.get("crlVals", [])]
            ocsps += [from_base64(one["val"]) for one in values.get("ocspVals", [])]
    return stamps, (certificates, crls, ocsps)


def _claimed(header: dict[str, Any]) -> datetime | None:
    try:
        if "iat" in header:
            return datetime.fromtimestamp(int(header["iat"]), UTC)
        at = datetime.fromisoformat(str(header.get("sigT", "")))
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return at if at.tzinfo else None


def _url(text: str) -> bytes:
    """Return the bytes of base64url without padding (RFC 7515 section 2); raises ``Refused``."""
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-base64") from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-base64")
    return data
