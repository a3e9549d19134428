"""Signatures in XML (XMLDSig 1.1), XAdES B to LTA (ETSI EN 319 132-1).

What is signed is found by a few rules and no others: references within the document, to the whole or to one
element by an id that stands once, and one reference to the document that is given beside it; the
enveloped-signature transform, base64 and canonicalisation. No scripts, no paths but one, no entities, nothing
fetched.
"""

from __future__ import annotations

import contextlib
import functools
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from lxml import etree

from kouan.apps.signing.validating import keys, report
from kouan.apps.signing.validating.engine import knowable
from kouan.apps.signing.validating.formats import base, plain
from kouan.apps.signing.validating.formats.canonical import canonical
from kouan.apps.signing.validating.formats.plain import Refused, from_base64
from kouan.apps.signing.validating.formats.references import (
    DIGESTS,
    DS,
    IDS,
    WEAK,
    Covered,
    elsewhere,
    followed,
    named,
    one,
    parsed,
)
from kouan.apps.signing.validating.keys import Algorithm
from kouan.apps.signing.validating.report import Reason, SubIndication
from kouan.core.trust import sm2_certificates

if TYPE_CHECKING:
    from asn1crypto import x509

    from kouan.apps.signing.validating.engine import Engine

_XADES: Final = "{http://uri.etsi.org/01903/v1.3.2#}"
_XADES_141: Final = "{http://uri.etsi.org/01903/v1.4.1#}"
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_ALGORITHMS: Final = {
    **{f"{_MORE}rsa-sha{n}": Algorithm("pkcs1", f"sha{n}") for n in (256, 384, 512)},
    **{f"{_MORE}ecdsa-sha{n}": Algorithm("ecdsa", f"sha{n}") for n in (256, 384, 512)},
    **{
        f"http://www.w3.org/2007/05/xmldsig-more#sha{n}-rsa-MGF1": Algorithm("pss", f"sha{n}")
        for n in (256, 384, 512)
    },
    "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519": Algorithm("ed25519"),
    "urn:oid:1.2.156.10197.1.501": Algorithm("sm2", "sm3"),
}
_WEAK_SIGNATURES: Final = {
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    f"{_MORE}ecdsa-sha1",
    f"{_MORE}rsa-md5",
}
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_PARTS: Final = {f"{DS}{each}" for each in ("SignedInfo", "SignatureValue", "KeyInfo")}
_MOST_REFERENCES: Final = 100


class Xml:
    """XML documents with signatures in them."""

    name: report.Format = "xml"

    def sniff(self, head: bytes, _file: IO[bytes]) -> bool:
        """Whether a file begins as XML does."""
        return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:5] == b"<?xml" or head.lstrip()[:1] == b"<"

    async def signatures(
        self, file: IO[bytes], size: int, judge: Engine, beside: base.Beside | None = None
    ) -> base.Found:
        """Return the signatures of a document, in their order."""
        root = parsed(base.whole(file, size))
        found: list[report.Signature] = []
        for number, each in enumerate(base.all_of(root.iter(f"{DS}Signature")), 1):
            id_ = each.get("Id") or str(number)
            try:
                own = beside and beside.turn(len(found))
                found.append(await plain.judged(_held(id_, each, own), judge))
            except Refused as error:
                found.append(plain.refused(id_, error))
            except Exception as error:  # noqa: BLE001 - what cannot be read fails, and the others are judged
                found.append(base.malformed(id_, error))
        return base.Found(tuple(found))


def _held(id_: str, signature: Any, beside: base.Beside | None) -> plain.Held:
    info = one(signature, f"{DS}SignedInfo")
    algorithm = named(one(info, f"{DS}SignatureMethod"), _ALGORITHMS, _WEAK_SIGNATURES)
    method = one(info, f"{DS}CanonicalizationMethod")
    certificate, others = _certificates(signature)
    properties = _qualifying(signature)
    references = info.findall(f"{DS}Reference")
    if not 0 < len(references) <= _MOST_REFERENCES:
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-signature")
    if sum(1 for each in references if elsewhere(each)) > 1:
        raise Refused(SubIndication.SIGNED_DATA_NOT_FOUND, "signed-data-elsewhere")
    checked = [followed(each, signature, beside) for each in references]
    covered = [each.element for each in checked]
    own = list(signature.iter(f"{_XADES}SignedProperties"))
    if all(any(each is this for this in own) for each in covered):
        raise Refused(SubIndication.SIGNED_DATA_NOT_FOUND, "nothing-but-itself-signed")
    value = from_base64(one(signature, f"{DS}SignatureValue").text)
    try:
        keys.check(certificate, algorithm, value, canonical(info, method))
    except InvalidSignature:
        raise Refused(SubIndication.SIG_CRYPTO_FAILURE, "signature-does-not-hold") from None
    except keys.WeakKey:
        raise Refused(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "weak-key") from None
    reasons: tuple[Reason, ...] = ()
    claimed = None
    signed = None if properties is None else properties.find(f"{_XADES}SignedProperties")
    if signed is not None and any(each is signed for each in covered):
        _bound(signed, certificate)
        claimed = _moment(signed.findtext(f"{_XADES}SignedSignatureProperties/{_XADES}SigningTime"))
    else:
        reasons = (Reason(code="no-signed-properties"),)
    loose = (
        None
        if properties is None
        else properties.find(f"{_XADES}UnsignedProperties/{_XADES}UnsignedSignatureProperties")
    )
    if loose is not None and (loose.find(f"{_XADES}ArchiveTimeStamp") is not None):
        reasons = (*reasons, Reason(code="archive-time-stamp-unread"))  # of XAdES 1.3.2
    stamps, stamp_method = _stamps(loose)
    target = one(signature, f"{DS}SignatureValue")
    parts = (
        ()
        if _countersigns(signature, covered)
        else _uncovered(signature, [each for each in checked if each.element is not None])
    )
    return plain.Held(
        id=id_,
        certificate=certificate,
        algorithm=algorithm.name,
        digest=DIGESTS[one(references[0], f"{DS}DigestMethod").get("Algorithm", "")],
        claimed_at=claimed,
        carried=knowable(
            [*others, *_values(loose, "X509Certificate")],
            _values(loose, "CRLValue"),
            _values(loose, "OCSPValue"),
        ),
        stamps=stamps,
        imprint=lambda name: keys.digest(name, canonical(target, stamp_method)),
        uncovered=("unsigned-elements",) if parts else (),
        uncovered_parts=parts,
        reasons=reasons,
        archives=_archives(signature, loose, checked),
        amiss=Refused(SubIndication.SIG_CONSTRAINTS_FAILURE, "not-all-signed") if parts else None,
    )


def _archives(signature: Any, loose: Any, checked: list[Covered]) -> list[plain.Archive]:
    """Return the archive's time-stamps (EN 319 132-1 section 5.5.2) that stand beside what they cover."""
    found: list[plain.Archive] = []
    for place, each in enumerate(() if loose is None else loose):
        if each.tag != f"{_XADES_141}ArchiveTimeStamp":
            continue
        method = each.find(f"{DS}CanonicalizationMethod")
        covered = plain.over(functools.partial(_archived, signature, checked, list(loose)[:place], method))
        found += [
            plain.Archive(from_base64(token.text), (covered,))
            for token in each.findall(f"{_XADES}EncapsulatedTimeStamp")
        ]
    return found


def _archived(signature: Any, checked: list[Covered], before: list[Any], method: Any) -> bytes:
    """Return what an archive's time-stamp is over: what was signed, the signature, and what was added."""
    parts = [each.octets(method) for each in checked]
    parts += [
        canonical(each, method)
        for tag in ("SignedInfo", "SignatureValue", "KeyInfo")
        for each in signature.findall(f"{DS}{tag}")
    ]
    parts += [canonical(each, method) for each in before if isinstance(each.tag, str)]
    parts += [
        canonical(each, method)
        for each in signature.findall(f"{DS}Object")
        if each.find(f"{_XADES}QualifyingProperties") is None
    ]
    return b"".join(parts)


def _certificates(signature: Any) -> tuple[x509.Certificate, list[bytes]]:
    found = signature.findall(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")[: base.MOST_CARRIED]
    ders = [from_base64(each.text) for each in found]
    if not ders:
        raise Refused(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "no-signing-certificate")
    try:
        return sm2_certificates.load(ders[0]), ders[1:]
    except ValueError:
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-certificate") from None


def _qualifying(signature: Any) -> Any:
    """Return the XAdES properties of this signature."""
    for each in signature.findall(f"{DS}Object/{_XADES}QualifyingProperties"):
        if each.get("Target") in {None, f"#{signature.get('Id')}"}:
            return each
    return None


def _bound(signed: Any, certificate: x509.Certificate) -> None:
    """Check that the signed properties name the certificate (XAdES section 5.2.2)."""
    place = f"{_XADES}SignedSignatureProperties/{_XADES}SigningCertificate"
    for tag in (f"{place}V2", place):
        for each in signed.findall(f"{tag}/{_XADES}Cert/{_XADES}CertDigest"):
            name = named(one(each, f"{DS}DigestMethod"), DIGESTS, WEAK)
            if keys.digest(name, certificate.dump()) == from_base64(one(each, f"{DS}DigestValue").text):
                return
            raise Refused(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "other-signing-certificate")


def _stamps(loose: Any) -> tuple[list[bytes], Any]:
    if loose is None:
        return [], None
    found = loose.findall(f"{_XADES}SignatureTimeStamp")
    method = found[0].find(f"{DS}CanonicalizationMethod") if found else None
    return [
        from_base64(token.text) for each in found for token in each.findall(f"{_XADES}EncapsulatedTimeStamp")
    ], method


def _values(loose: Any, kind: str) -> list[bytes]:
    if loose is None:
        return []
    found = []
    for each in list(loose.iter(f"{_XADES}Encapsulated{kind}"))[: base.MOST_CARRIED]:
        # Nobody signed these: one that cannot be read is as one that is not there.
        with contextlib.suppress(Refused):
            found.append(from_base64(each.text))
    return found


def _countersigns(signature: Any, covered: list[Any]) -> bool:
    """Whether a signature is about the value of the one that it stands in (XAdES section 5.2.7).

    That one is judged, too, and says itself what of the document it leaves out.
    """
    above = next(signature.iterancestors(f"{DS}Signature"), None)
    return above is not None and any(each is above.find(f"{DS}SignatureValue") for each in covered)


def _uncovered(signature: Any, checked: list[Covered]) -> tuple[str, ...]:
    """Return what no reference covers, by the elements' names; none where the whole is covered.

    An element that only holds what is covered is listed where it says something itself: a wrapper around
    what was signed may put other words beside it. So is one of which the text alone is covered, and a
    processing instruction beside the root unless the document is. Of a signature, this one or another beside
    it, what it holds that is no part of a signature is listed: what leaves signatures out leaves that out.
    """
    root = signature.getroottree().getroot()
    covered = [each.element for each in checked if not each.text_only]
    texts = [each.element for each in checked if each.text_only]
    # Proxies of the library live as long as somebody holds them: their ids count while these do.
    held = [above for each in (*covered, *texts, signature) for above in each.iterancestors()]
    around = {id(above) for above in held}
    found = [] if any(each.document for each in checked) else _instructions(root)
    left_out = [each for one in checked if one.bare for each in one.element.iter(f"{DS}Signature")]
    below, seen = [*left_out, signature, root], list[Any]()
    while below:
        each = below.pop()
        if any(this is each for this in ((*seen, *covered) if each is not signature else seen)):
            continue
        if each.tag == f"{DS}Signature":
            seen.append(each)
            below += _beside_signed(each, covered, texts, found)
            continue
        if any(this is each for this in texts):
            found += [etree.QName(each).localname[:100]] if _described(each) else []
        elif id(each) not in around or _speaks(each):
            found.append(etree.QName(each).localname[:100])
        if id(each) in around:
            below += [inner for inner in reversed(each) if isinstance(inner.tag, str)]
    del held
    return tuple(found)


def _beside_signed(signature: Any, covered: list[Any], texts: list[Any], found: list[str]) -> list[Any]:
    """Return the elements in a signature that are no part of it and not covered.

    Adds the name of an object that says something itself to ``found``.
    """
    beside = []
    for each in signature:
        if not isinstance(each.tag, str) or each.tag in _PARTS or any(this is each for this in covered):
            continue
        if each.tag != f"{DS}Object":
            beside.append(each)
        elif any(this is each for this in texts):
            found += ["Object"] if _described(each) else []
        else:
            found += ["Object"] if any(text.strip() for text in _texts(each)) else []
            beside += [
                inner
                for inner in each
                if isinstance(inner.tag, str) and inner.tag != f"{_XADES}QualifyingProperties"
            ]
    return beside


def _speaks(element: Any) -> bool:
    """Whether an element says something by itself: by its attributes, or by text between its children."""
    return any(text.strip() for text in _texts(element)) or _described(element)


def _described(element: Any) -> bool:
    """Whether an element has attributes that say something."""
    silent = (*IDS, f"{_XSI}schemaLocation", f"{_XSI}noNamespaceSchemaLocation")
    return any(name not in silent for name in element.attrib)


def _instructions(root: Any) -> list[str]:
    """Return the names of the processing instructions that stand beside a document's root."""
    beside = [*reversed(list(root.itersiblings(preceding=True))), *root.itersiblings()]
    return [f"?{each.target}"[:100] for each in beside if each.tag is etree.ProcessingInstruction]


def _texts(element: Any) -> list[str]:
    """Return the text that stands directly in an element."""
    return [text or "" for text in (element.text, *(inner.tail for inner in element))]


def _moment(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo else None
