"""Signatures in CMS (RFC 5652; CAdES, ETSI EN 319 122-1), and in the Mainland's form of it (GM/T 0010)."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING, Any, Final

from asn1crypto import cms, pem
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.generic_cms import extract_self_reported_ts, extract_tst_data_iter
from pyhanko.sign.validation.status import StandardCMSSignatureStatus

from kouan.apps.signing.validating import keys, report
from kouan.apps.signing.validating.engine import Judged, chain_of, knowable, sub_of
from kouan.apps.signing.validating.formats import base, cades, plain
from kouan.apps.signing.validating.naming import party
from kouan.apps.signing.validating.report import Reason, Signature, SubIndication, Verdict

if TYPE_CHECKING:
    from asn1crypto import x509

    from kouan.apps.signing.validating.engine import Carried, Engine

_SIGNED: Final = {"signed_data", "gm_signed_data"}
_OIDS: Final = (bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("060a2a811ccf550601040202"))
"""signedData of RFC 5652 and of GM/T 0010, in DER."""


_MENDED: Final = {
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
    SubIndication.REVOKED_NO_POE,
    SubIndication.REVOKED_CA_NO_POE,
    SubIndication.OUT_OF_BOUNDS_NO_POE,
    SubIndication.OUT_OF_BOUNDS_NOT_REVOKED,
    SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE,
    SubIndication.NO_POE,
    SubIndication.TRY_LATER,
}
"""What an archive may mend: it shows that a signature existed while its certificates were good."""


class Cms:
    """CMS files with what they sign inside; ``.p7m``, ``.p7s``, DER or PEM."""

    name: report.Format = "cms"

    def sniff(self, head: bytes, _file: IO[bytes]) -> bool:
        """Whether a file begins as signed data does."""
        if head[:1] == b"\x30":
            return any(oid in head[:32] for oid in _OIDS)
        return head.lstrip()[:15] in {b"-----BEGIN PKCS", b"-----BEGIN CMS-"}

    async def signatures(
        self, file: IO[bytes], size: int, judge: Engine, beside: base.Beside | None = None
    ) -> base.Found:
        """Return what each signer signed."""
        data = base.whole(file, size)
        try:
            if pem.detect(data):
                _, _, data = pem.unarmor(data)
            content = cms.ContentInfo.load(data, strict=True)
            if content["content_type"].native not in _SIGNED:
                raise base.Unreadable("not-signed-data")  # noqa: TRY301 - the next clause but one lets it pass
            signed: cms.SignedData = content["content"]
            signers = base.all_of(signed["signer_infos"])
            detached = not signed["encap_content_info"]["content"].contents
            body = None if detached else bytes(signed["encap_content_info"]["content"])
            if detached and beside is not None:
                for place in range(len(signers)):
                    body = beside.turn(place).take()
        except base.Unreadable:
            raise
        except Exception:  # noqa: BLE001 - the library's errors on foreign bytes are many
            raise base.Unreadable("malformed-cms") from None
        found = []
        for number, signer in enumerate(signers, 1):
            try:
                found.append(await _judged(str(number), signed, signer, body, judge, detached=detached))
            except Exception as error:  # noqa: BLE001 - as above: what cannot be read fails, and the others are judged
                found.append(base.malformed(str(number), error))
        return base.Found(tuple(found))


async def _judged(  # noqa: PLR0913 - one signer of several, and what is around it
    id_: str,
    signed: cms.SignedData,
    signer: cms.SignerInfo,
    body: bytes | None,
    judge: Engine,
    *,
    detached: bool,
) -> Signature:
    if len(signed["signer_infos"]) > 1:
        signed = signed.copy()
        signed["signer_infos"] = cms.SignerInfos([signer])
    certificate = _signer(signed, signer)
    if certificate is None:
        return base.broken(id_, SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "no-signing-certificate")
    more: dict[str, Any] = {
        "signature_algorithm": str(signer["signature_algorithm"]["algorithm"].native),
        "digest_algorithm": str(signer["digest_algorithm"]["algorithm"].native),
        "claimed_at": extract_self_reported_ts(signer),
    }
    if body is None:
        judged = Judged(SubIndication.SIGNED_DATA_NOT_FOUND, (certificate,))
        return base.signature(id_=id_, judged=judged, intact=False, **more)
    added = cades.added(signed, signer, body)
    carried = knowable(added.certificates, added.crls, added.ocsps)
    stamps = list(extract_tst_data_iter(signer, signed=False))
    process = ades.ades_with_time_validation if stamps else ades.ades_basic_validation
    judge.checker.content = body
    try:
        result = await process(
            signed,
            judge.spec(carried, stamps, (signed,)),
            timing_info=judge.timing(),
            raw_digest=hashlib.new(str(more["digest_algorithm"]), body).digest() if detached else None,
            status_cls=StandardCMSSignatureStatus,
        )
    finally:
        judge.checker.content = None
    status, sub = result.api_status, sub_of(result.ades_subindic)
    intact = bool(status is not None and status.intact and status.valid)
    more["extra"] = [Reason(code="archive-time-stamp-unread")] if added.unread else []
    archived = None
    if added.archives and intact and (sub is None or sub in _MENDED):
        archived = await plain.judged(_held(id_, certificate, signer, added, carried, more), judge)
        if sub is not None or archived.verdict is Verdict.TOTAL_PASSED:
            return archived
    now = judge.timing().validation_time
    best = getattr(result, "best_signature_time", None) or now
    return base.signature(
        id_=id_,
        judged=Judged(
            sub,
            chain_of(None if status is None else status.validation_path, certificate),
            best_time=best,
            time_source="timestamp" if best < now else "now",
            time_stamps=_shown(status) if archived is None else archived.time_stamps,
        ),
        intact=intact,
        level=plain.level(
            stamped=bool(stamps), known=bool(carried.crls or carried.ocsps), archived=bool(added.archives)
        ),
        **more,
    )


def _held(  # noqa: PLR0913, PLR0917 - a signature whose arithmetic holds, and what is around it
    id_: str,
    certificate: x509.Certificate,
    signer: cms.SignerInfo,
    added: cades.Added,
    carried: Carried,
    more: dict[str, Any],
) -> plain.Held:
    """Return a signature as the rules for archives take it."""
    value = bytes(signer["signature"].native)
    return plain.Held(
        id=id_,
        certificate=certificate,
        algorithm=more["signature_algorithm"],
        digest=more["digest_algorithm"],
        claimed_at=more["claimed_at"],
        carried=carried,
        stamps=added.stamps,
        imprint=lambda name: keys.digest(name, value),
        reasons=tuple(more["extra"]),
        archives=added.archives,
    )


def _shown(status: Any) -> tuple[report.TimeStamp, ...]:
    validity = getattr(status, "timestamp_validity", None)
    if validity is None:
        return ()
    return (
        report.TimeStamp(
            kind="signature",
            at=validity.timestamp,
            authority=party(validity.signing_cert.subject).name,
            holds=bool(validity.intact and validity.valid and validity.trusted),
        ),
    )


def _signer(signed: cms.SignedData, signer: cms.SignerInfo) -> Any:
    """Return the certificate that a signer names, if it is there."""
    wanted = signer["sid"]
    for each in signed["certificates"] or ():
        certificate = each.chosen
        if each.name != "certificate":
            continue
        if wanted.name == "issuer_and_serial_number":
            if (
                certificate.issuer == wanted.chosen["issuer"]
                and certificate.serial_number == wanted.chosen["serial_number"].native
            ):
                return certificate
        elif certificate.key_identifier == wanted.chosen.native:
            return certificate
    return None
