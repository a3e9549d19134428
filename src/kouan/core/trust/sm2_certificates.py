"""X.509 certificates under SM2 (GM/T 0015, GB/T 20518): read, checked one by another, and issued.

asn1crypto does not know the Mainland's object identifiers; ``register`` teaches them to it, once a process,
so that whoever reads certificates or CMS with it (pyHanko, too) meets names in the place of numbers.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import algos, cms, core, crl, keys, pem, x509
from cryptography.exceptions import InvalidSignature

from kouan.core.trust import sm2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SM3: Final = "1.2.156.10197.1.401"
SM2_CURVE: Final = "1.2.156.10197.1.301"
SM2_WITH_SM3: Final = "1.2.156.10197.1.501"
SM2_SIGN: Final = "1.2.156.10197.1.301.1"
"""The signature algorithm as GM/T 0010 names it in a signer's info, where the digest has its own name."""
GM_DATA: Final = "1.2.156.10197.6.1.4.2.1"
GM_SIGNED_DATA: Final = "1.2.156.10197.6.1.4.2.2"
"""Content types of GM/T 0010 section 5, in the place of those of RFC 5652."""
MAX_CERTIFICATE: Final = 64 * 1024
_SERIAL_BITS: Final = 127
_SIGNED_PARTS: Final = {
    x509.Certificate: ("tbs_certificate", "signature_value"),
    crl.CertificateList: ("tbs_cert_list", "signature"),
}


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA that issues: its certificate and its key."""

    certificate: x509.Certificate
    key: sm2.PrivateKey


@cache
def register() -> None:
    """Teach asn1crypto the names of SM2 and SM3, in certificates, keys and CMS."""
    keys.NamedCurve.register("sm2p256v1", SM2_CURVE, 32)
    for kind, oid, name in (
        (algos.DigestAlgorithmId, SM3, "sm3"),
        (algos.SignedDigestAlgorithmId, SM2_WITH_SM3, "sm2_sm3"),
        (algos.SignedDigestAlgorithmId, SM2_SIGN, "sm2"),
        (cms.ContentType, GM_DATA, "gm_data"),
        (cms.ContentType, GM_SIGNED_DATA, "gm_signed_data"),
    ):
        # asn1crypto has no other way to add a name. Where there is no way back yet, it is made when needed.
        kind._map[oid] = name  # noqa: SLF001 - asn1crypto has no other way
        if kind._reverse_map is not None:  # noqa: SLF001 - asn1crypto has no other way
            kind._reverse_map[name] = oid  # noqa: SLF001 - asn1crypto has no other way
    # Version 1 of signed data is read as PKCS #7 would have it, whose content is a content info as well.
    cms.ContentInfo._oid_specs["gm_signed_data"] = cms.SignedData  # noqa: SLF001 - asn1crypto has no other way
    cms.ContentInfo._oid_specs["gm_data"] = core.OctetString  # noqa: SLF001 - asn1crypto has no other way


def load(data: bytes) -> x509.Certificate:
    """Read a certificate in DER or PEM, whatever its key is; raises ``ValueError`` for anything else."""
    register()
    if len(data) > MAX_CERTIFICATE:
        raise ValueError("longer than any certificate")
    try:
        if pem.detect(data):
            kind, _headers, data = pem.unarmor(data)
            if kind != "CERTIFICATE":
                raise ValueError(kind)  # noqa: TRY301 - as any other error on these bytes
        certificate = x509.Certificate.load(data, strict=True)
        # asn1crypto reads lazily: what is asked for later must not be what fails later.
        _ = certificate.native, certificate.public_key.native
    except Exception as error:  # noqa: BLE001 - the library's errors on foreign bytes are many; one leaves here
        raise ValueError(f"not a certificate ({type(error).__name__})") from None
    return certificate


def is_sm2(certificate: x509.Certificate) -> bool:
    """Whether a certificate's key is on the SM2 curve."""
    algorithm = certificate.public_key["algorithm"]
    if algorithm["algorithm"].native != "ec":
        return False
    parameters = algorithm["parameters"]
    return bool(parameters.name == "named" and parameters.chosen.dotted == SM2_CURVE)


def public_key(certificate: x509.Certificate) -> sm2.PublicKey:
    """Return a certificate's SM2 key; raises ``ValueError`` if it is another."""
    return sm2.PublicKey.from_spki(certificate.public_key.dump())


def check_signed(signed: x509.Certificate | crl.CertificateList, issuer: sm2.PublicKey) -> None:
    """Check the signature of a certificate or a CRL by its issuer's SM2 key; raises ``InvalidSignature``.

    The signature alone: names, times, uses and the way to a root are the caller's to check. The algorithm
    outside and inside must be one (RFC 5280 sections 4.1.1.2 and 5.1.1.2).
    """
    body, value = _SIGNED_PARTS[type(signed)]
    outer = signed["signature_algorithm"]
    if outer["algorithm"].dotted != SM2_WITH_SM3 or signed[body]["signature"].dump() != outer.dump():
        raise InvalidSignature
    if (signed[value].contents or b"")[:1] != b"\0":  # DER: all bits of the last byte count (X.690 8.6.2)
        raise InvalidSignature
    issuer.verify(signed[value].native, signed[body].dump())


# Issuing


def name_of(**parts: str) -> x509.Name:
    """Return a distinguished name, such as ``name_of(country_name="CN", common_name="…")``."""
    return x509.Name.build(parts)


def self_signed_ca(
    name: x509.Name, *, since: datetime, until: datetime, key: sm2.PrivateKey | None = None
) -> Issuer:
    """Make a root CA; raises ``Sm2Unavailable``."""
    key = key or sm2.PrivateKey.generate()
    certificate = _issued(name, key.public_key(), name, key, since, until, _authority(path_length=None))
    return Issuer(certificate, key)


def issue_ca(
    issuer: Issuer, name: x509.Name, *, since: datetime, until: datetime, policies: Sequence[str] = ()
) -> Issuer:
    """Make a CA under another, that issues to people alone; ``policies`` are dotted identifiers."""
    key = sm2.PrivateKey.generate()
    extensions = [*_authority(path_length=0), *_policies(policies)]
    certificate = _issued(
        name, key.public_key(), issuer.certificate.subject, issuer.key, since, until, extensions,
        authority=issuer.certificate,
    )  # fmt: skip
    return Issuer(certificate, key)


def issue_signer(  # noqa: PLR0913 - a certificate's fields, by name
    issuer: Issuer,
    name: x509.Name,
    key: sm2.PublicKey,
    *,
    since: datetime,
    until: datetime,
    policies: Sequence[str] = (),
    crl_url: str = "",
) -> x509.Certificate:
    """Issue the certificate of somebody who signs documents."""
    extensions = [
        _extension("basic_constraints", {"ca": False}, critical=True),
        _extension("key_usage", {"digital_signature", "non_repudiation"}, critical=True),
        *_policies(policies),
    ]
    if crl_url:
        point = {"distribution_point": x509.DistributionPointName("full_name", [_uri(crl_url)])}
        extensions.append(_extension("crl_distribution_points", [point]))
    return _issued(
        name,
        key,
        issuer.certificate.subject,
        issuer.key,
        since,
        until,
        extensions,
        authority=issuer.certificate,
    )


def issue_crl(
    issuer: Issuer,
    revoked: Mapping[int, datetime] | Iterable[tuple[int, datetime]],
    *,
    at: datetime,
    until: datetime,
) -> bytes:
    """Return a CRL in DER (RFC 5280 section 5): serial numbers and when each was revoked."""
    register()
    entries = [
        {"user_certificate": serial, "revocation_date": _time(moment)}
        for serial, moment in dict(revoked).items()
    ]
    body = crl.TbsCertList(
        {
            "version": "v2",
            "signature": {"algorithm": "sm2_sm3"},
            "issuer": issuer.certificate.subject,
            "this_update": _time(at),
            "next_update": _time(until),
            "crl_extensions": [
                {
                    "extn_id": "authority_key_identifier",
                    "extn_value": {"key_identifier": issuer.certificate.key_identifier},
                },
                {"extn_id": "crl_number", "extn_value": int(at.timestamp())},
            ],
        }
    )
    if entries:
        body["revoked_certificates"] = entries
    data: bytes = crl.CertificateList(
        {
            "tbs_cert_list": body,
            "signature_algorithm": {"algorithm": "sm2_sm3"},
            "signature": issuer.key.sign(body.dump()),
        }
    ).dump()
    return data


def _issued(  # noqa: PLR0913, PLR0917 - a certificate's fields
    subject: x509.Name,
    key: sm2.PublicKey,
    issuer: x509.Name,
    issuer_key: sm2.PrivateKey,
    since: datetime,
    until: datetime,
    extensions: Sequence[dict[str, Any]],
    *,
    authority: x509.Certificate | None = None,
) -> x509.Certificate:
    register()
    spki = keys.PublicKeyInfo.load(key.spki)
    identifiers = [_extension("key_identifier", _key_identifier(spki))]
    if authority is not None:
        identifiers.append(
            _extension("authority_key_identifier", {"key_identifier": authority.key_identifier})
        )
    body = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": secrets.randbits(_SERIAL_BITS) + 1,
            "signature": {"algorithm": "sm2_sm3"},
            "issuer": issuer,
            "validity": {"not_before": _time(since), "not_after": _time(until)},
            "subject": subject,
            "subject_public_key_info": spki,
            "extensions": [*extensions, *identifiers],
        }
    )
    return x509.Certificate(
        {
            "tbs_certificate": body,
            "signature_algorithm": {"algorithm": "sm2_sm3"},
            "signature_value": issuer_key.sign(body.dump()),
        }
    )


def _authority(*, path_length: int | None) -> list[dict[str, Any]]:
    constraints: dict[str, Any] = {"ca": True}
    if path_length is not None:
        constraints["path_len_constraint"] = path_length
    return [
        _extension("basic_constraints", constraints, critical=True),
        _extension("key_usage", {"key_cert_sign", "crl_sign"}, critical=True),
    ]


def _policies(policies: Sequence[str]) -> list[dict[str, Any]]:
    if not policies:
        return []
    return [_extension("certificate_policies", [{"policy_identifier": oid} for oid in policies])]


def _extension(name: str, value: object, *, critical: bool = False) -> dict[str, Any]:
    return {"extn_id": name, "critical": critical, "extn_value": value}


def _uri(url: str) -> x509.GeneralName:
    return x509.GeneralName("uniform_resource_identifier", url)


def _key_identifier(spki: keys.PublicKeyInfo) -> bytes:
    """Return SHA-1 over the point (RFC 5280 section 4.2.1.2, method 1): an identifier, no protection."""
    return hashlib.sha1(bytes(spki["public_key"]), usedforsecurity=False).digest()


def _time(moment: datetime) -> x509.Time:
    """Return UTCTime up to 2049 and GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5), to the second."""
    moment = moment.astimezone(UTC).replace(microsecond=0)
    last_utc_time = 2049
    return x509.Time({"utc_time": moment} if moment.year <= last_utc_time else {"general_time": moment})
