"""Signatures in CMS (RFC 5652; CAdES, ETSI EN 319 122-1), and in the Mainland's form of it (GM/T 0010)."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING, Any, Final

from asn1crypto import cms, pem
from pyhanko.sign.validation.generic_cms import extract_self_reported_ts

from kouan.apps.signing.validating import keys, report
from kouan.apps.signing.validating.engine import Judged, knowable
from kouan.apps.signing.validating.formats import base, cades, plain
from kouan.apps.signing.validating.formats.integrity import failed, integrity, signer_of
from kouan.apps.signing.validating.report import Reason, Signature, SubIndication

if TYPE_CHECKING:
    from kouan.apps.signing.validating.engine import Engine

_SIGNED: Final = {"signed_data", "gm_signed_data"}
_OIDS: Final = (bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("060a2a811ccf550601040202"))
"""signedData of RFC 5652 and of GM/T 0010, in DER."""


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
            except plain.Refused as error:
                found.append(base.broken(str(number), error.sub, error.code))
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
    more: dict[str, Any] = {
        "signature_algorithm": str(signer["signature_algorithm"]["algorithm"].native),
        "digest_algorithm": str(signer["digest_algorithm"]["algorithm"].native),
        "claimed_at": extract_self_reported_ts(signer),
    }
    try:
        if body is None:
            judged = Judged(SubIndication.SIGNED_DATA_NOT_FOUND, (signer_of(signed),))
            return base.signature(id_=id_, judged=judged, intact=False, **more)
        digest = hashlib.new(str(more["digest_algorithm"]), body).digest() if detached else None
        judge.checker.content = body
        found = await integrity(signed, judge, digest=digest)
    finally:
        judge.checker.content = None
    if found.sub is not None:
        judged = await failed(found, signed, judge)
        return base.signature(id_=id_, judged=judged, intact=found.intact, **more)
    added = cades.added(signed, signer, body)
    value = bytes(signer["signature"].native)
    held = plain.Held(
        id=id_,
        certificate=found.certificate,
        algorithm=more["signature_algorithm"],
        digest=more["digest_algorithm"],
        claimed_at=more["claimed_at"],
        carried=knowable(added.certificates, added.crls, added.ocsps),
        stamps=added.stamps,
        imprint=lambda name: keys.digest(name, value),
        reasons=(Reason(code="archive-time-stamp-unread"),) if added.unread else (),
        archives=added.archives,
    )
    return await plain.judged(held, judge)
