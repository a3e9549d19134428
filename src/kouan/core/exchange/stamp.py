"""Time-stamps after RFC 3161: the question, and everything that must hold of the answer.

Pure: no network and no database. ``kouan verify`` checks a stamp from a bundle with the same function
that checked it when it came.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import algos, cms, core, pem, tsp, x509
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

REQUEST_TYPE: Final = "application/timestamp-query"
ANSWER_TYPE: Final = "application/timestamp-reply"
MAX_ANSWER: Final = 64 * 1024
NONCE_BITS: Final = 64
_GRANTED: Final = frozenset({"granted", "granted_with_mods"})


class _Answer(core.Sequence):  # type: ignore[misc]
    """RFC 3161 section 2.4.2; the library's own takes no refusal, which comes without a token."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]


class MalformedStamp(KouanError):
    """Bytes that are not a time-stamp (RFC 3161 section 2.4.2)."""

    code = "malformed-time-stamp"
    message = _("This is not a time-stamp after RFC 3161.")


class StampRefused(KouanError):
    """The authority answered that it gives no stamp."""

    code = "time-stamp-refused"
    status = 502
    message = _("The time-stamping authority refused: %(detail)s.")


class StampDoesNotHold(KouanError):
    """A time-stamp that is for something else, or whose signature or certificates do not hold."""

    code = "time-stamp-invalid"
    status = 422
    message = _("The time-stamp does not hold: %(detail)s.")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time-stamp that holds."""

    token: bytes
    at: datetime
    """The time that the authority signed, in UTC."""
    authority: str
    policy: str
    serial: int
    chain: tuple[bytes, ...]
    """Certificates in DER, from the authority's own to the root that was trusted."""

    @property
    def root_fingerprint(self) -> str:
        """The SHA-256 of the root certificate, 64 hex digits: whom one trusts for the time."""
        return hashlib.sha256(self.chain[-1]).hexdigest()


def read_roots(data: bytes) -> tuple[bytes, ...]:
    """Return the certificates of a PEM file in DER; ``ValueError`` if it holds none, or something else."""
    found = tuple(der for name, _headers, der in pem.unarmor(data, multiple=True) if name == "CERTIFICATE")
    for der in found:
        _certificate(der)
    if not found:
        raise ValueError("no certificate in the file")
    return found


def request(digest: bytes, *, nonce: int, policy: str = "") -> bytes:
    """Return the question for a stamp over a SHA-256, with the authority's certificates in its answer."""
    fields: dict[str, Any] = {
        "version": "v1",
        "message_imprint": tsp.MessageImprint(
            {"hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}), "hashed_message": digest}
        ),
        "nonce": nonce,
        "cert_req": True,
    }
    if policy:
        fields["req_policy"] = policy
    data: bytes = tsp.TimeStampReq(fields).dump()
    return data


def read_answer(  # noqa: PLR0913 - what was asked, part by part, by name
    data: bytes, *, digest: bytes, nonce: int, policy: str, roots: Sequence[bytes], now: datetime
) -> Stamp:
    """Return the stamp in an authority's answer to our question, checked against all that was asked.

    Raises ``MalformedStamp``, ``StampRefused`` or ``StampDoesNotHold``. The certificates must hold
    ``now``, when the stamp is fresh; ``verify`` asks whether they held at its own time.
    """
    if len(data) > MAX_ANSWER:
        raise MalformedStamp
    try:
        answer = _Answer.load(data, strict=True)
        status = answer["status"]["status"].native
        said = answer["status"]["status_string"].native or []
        token = b"" if status not in _GRANTED else answer["time_stamp_token"].dump()
    except Exception:  # noqa: BLE001 - whatever an ASN.1 parser raises on bytes from outside
        raise MalformedStamp from None
    if status not in _GRANTED:
        detail = ", ".join([str(status), *(str(each) for each in said)])[:200]
        raise StampRefused(detail="".join(one if one.isprintable() else "\ufffd" for one in detail))
    stamp = _checked(token, digest=digest, roots=roots, moment=now)
    info = _info(token)
    if info["nonce"].native != nonce:
        raise StampDoesNotHold(detail=str(_("it does not answer our question (nonce)")))
    if policy and stamp.policy != policy:
        raise StampDoesNotHold(
            detail=str(_("it is given under the policy %(policy)s")) % {"policy": stamp.policy}
        )
    return stamp


def verify(token: bytes, *, digest: bytes, roots: Sequence[bytes]) -> Stamp:
    """Check a stamp over a SHA-256, by the certificates as they were at the stamp's own time.

    ``roots`` are trusted certificates in DER; what lies between is in the token, as it was asked for.
    Raises ``MalformedStamp`` or ``StampDoesNotHold``.
    """
    try:
        moment = _info(token)["gen_time"].native
    except Exception:  # noqa: BLE001 - as above
        raise MalformedStamp from None
    return _checked(token, digest=digest, roots=roots, moment=moment)


def _checked(token: bytes, *, digest: bytes, roots: Sequence[bytes], moment: datetime) -> Stamp:
    try:
        return _check(token, digest, roots, moment)
    except KouanError:
        raise
    except Exception as error:  # noqa: BLE001 - as above: nothing raw leaves the parser or the library
        raise StampDoesNotHold(detail=type(error).__name__) from None


def _check(token: bytes, digest: bytes, roots: Sequence[bytes], moment: datetime) -> Stamp:
    # Half a second of imports, which only those pay who look at a stamp.
    from pyhanko.sign.validation.generic_cms import validate_tst_signed_data  # noqa: PLC0415 - as said
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415 - as said

    content = cms.ContentInfo.load(token, strict=True)
    if content["content_type"].native != "signed_data":
        raise MalformedStamp
    info = _info(token)
    imprint = info["message_imprint"]
    if (
        imprint["hash_algorithm"]["algorithm"].native != "sha256"
        or imprint["hashed_message"].native != digest
    ):
        raise StampDoesNotHold(detail=str(_("it is over something else")))
    if len(named_signers(content["content"])) > 1:
        raise StampDoesNotHold(detail=str(_("several certificates in it bear the name of who made it")))
    context = ValidationContext(
        trust_roots=[_certificate(root) for root in roots],
        moment=moment,
        best_signature_time=moment,
        allow_fetching=False,
    )
    outcome: dict[str, Any] = asyncio.run(
        validate_tst_signed_data(content["content"], context, lambda _algorithm: digest)
    )
    if not outcome["valid"] or not outcome["intact"]:
        raise StampDoesNotHold(detail=str(_("its signature does not match")))
    problem, path = outcome["trust_problem_indic"], outcome["validation_path"]
    if problem is not None or path is None:
        raise StampDoesNotHold(
            detail=str(_("its certificate does not lead to the trusted authority, valid at that time"))
        )
    signer = outcome["signing_cert"]
    if not is_for_stamps_alone(signer):
        raise StampDoesNotHold(detail=str(_("its certificate is not one for time-stamping alone")))
    chain = [certificate.dump() for certificate in path.iter_certs(include_root=True)]
    return Stamp(
        token=token,
        at=info["gen_time"].native,
        authority=_name(signer.subject),
        policy=info["policy"].dotted,
        serial=info["serial_number"].native,
        chain=tuple(reversed(chain)),
    )


def named_signers(signed: cms.SignedData) -> list[x509.Certificate]:
    """Return the certificates in signed data that bear the name by which its one signer is called, each once.

    The name is an issuer with a serial number, or a key's identifier (RFC 5652 section 5.3): whoever adds a
    certificate of their own with the same may have it taken for the other.
    """
    wanted = signed["signer_infos"][0]["sid"]
    found: dict[bytes, x509.Certificate] = {}
    for each in signed["certificates"] or ():
        if each.name != "certificate":
            continue
        certificate = each.chosen
        if wanted.name == "issuer_and_serial_number":
            issuer, serial = wanted.chosen["issuer"], wanted.chosen["serial_number"].native
            is_named = certificate.issuer == issuer and certificate.serial_number == serial
        else:
            is_named = certificate.key_identifier == wanted.chosen.native
        if is_named:
            found[certificate.dump()] = certificate
    return list(found.values())


def is_for_stamps_alone(certificate: x509.Certificate) -> bool:
    """Whether a certificate says that its key makes time-stamps and nothing else (RFC 3161 section 2.3)."""
    purposes = certificate.extended_key_usage_value
    critical = any(
        each["extn_id"].native == "extended_key_usage" and each["critical"].native
        for each in certificate["tbs_certificate"]["extensions"]
    )
    return purposes is not None and purposes.native == ["time_stamping"] and critical


def _info(token: bytes) -> Any:
    content = cms.ContentInfo.load(token, strict=True)["content"]["encap_content_info"]
    if content["content_type"].native != "tst_info":
        raise MalformedStamp
    return content["content"].parsed


def _certificate(der: bytes) -> x509.Certificate:
    certificate = x509.Certificate.load(der, strict=True)
    certificate.native  # noqa: B018 - asn1crypto reads only when asked, and must fail here if at all
    return certificate


def _name(subject: x509.Name) -> str:
    """Return whom a certificate names, as a person would say it."""
    parts = subject.native
    named = [parts.get("common_name"), parts.get("organization_name")]
    words = [each for each in named if isinstance(each, str) and each]
    return _plain(", ".join(words) or subject.human_friendly)


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else "\ufffd" for one in text)[:200]
