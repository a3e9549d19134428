"""A report as XML of ETSI TS 119 102-2 (version 1.4.1): what other systems read and archive."""

from __future__ import annotations

import base64
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.signing.validating.report import FileReport, Signature

_VR: Final = "http://uri.etsi.org/19102/v1.4.1#"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_MAIN: Final = "urn:etsi:019102:mainindication:"
_SUB: Final = "urn:etsi:019102:subindication:"
_PROCESS: Final = {
    "B-B": "urn:etsi:019102:validationprocess:Basic",
    "B-T": "urn:etsi:019102:validationprocess:LTVM",
    "B-LT": "urn:etsi:019102:validationprocess:LTVM",
    "B-LTA": "urn:etsi:019102:validationprocess:LTA",
}
_MAINS: Final = {
    "TOTAL-PASSED": "total-passed",
    "TOTAL-FAILED": "total-failed",
    "INDETERMINATE": "indeterminate",
}
_POE: Final = {
    "archive": "urn:etsi:019102:poetype:validation",
    "timestamp": "urn:etsi:019102:poetype:validation",
    "now": "urn:etsi:019102:poetype:provided",
}


def written(report: FileReport) -> bytes:
    """Return a report as XML, in UTF-8; what the trust lists say is additional data of each signature."""
    root = etree.Element(f"{{{_VR}}}ValidationReport", nsmap={None: _VR, "ds": _DS})
    for number, each in enumerate(report.signatures, 1):
        _signature(root, number, each, report)
    objects = _add(root, "SignatureValidationObjects")
    _object(objects, "document", "urn:etsi:019102:validationObject:signedData", _about(report))
    certificates = {one.fingerprint for each in report.signatures for one in each.chain}
    for fingerprint in sorted(certificates):
        _object(objects, f"c-{fingerprint}", "urn:etsi:019102:validationObject:certificate", fingerprint)
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return data


def _object(parent: Any, id_: str, kind: str, digest: str) -> None:
    element = _add(parent, "ValidationObject", id=id_)
    _text(element, "ObjectType", kind)
    _digest(_add(_add(element, "ValidationObjectRepresentation"), "DigestAlgAndValue"), digest)


def _signature(root: Any, number: int, one: Signature, report: FileReport) -> None:
    element = _add(root, "SignatureValidationReport")
    identifier = _add(element, "SignatureIdentifier", id=f"s-{number}")
    _text(identifier, "HashOnly", "false")
    _text(identifier, "DocHashOnly", "false")
    _text(identifier, "DAIdentifier", one.id)
    at = report.pinned.validated_at
    if at is not None:
        info = _add(element, "ValidationTimeInfo")
        _text(info, "ValidationTime", _time(at))
        best = _add(info, "BestSignatureTime")
        _text(best, "POETime", _time(one.best_time or at))
        _text(best, "TypeOfProof", _POE[one.time_source])
    document = _add(element, "SignersDocument")
    _digest(_add(document, "DigestAlgAndValue"), _about(report))
    _add(document, "SignersDocumentRepresentation", VOReference="document")
    if one.chain:
        signer = _add(element, "SignerInformation")
        _add(signer, "SignerCertificate", VOReference=f"c-{one.chain[0].fingerprint}")
        _text(signer, "Signer", one.signer)
    _text(_add(element, "SignatureValidationProcess"), "SignatureValidationProcessID", _PROCESS[one.level])
    status = _add(element, "SignatureValidationStatus")
    _text(status, "MainIndication", _MAIN + _MAINS[one.verdict.value])
    if one.sub_indication is not None:
        _text(status, "SubIndication", _SUB + one.sub_indication.value)
    data = _add(_add(status, "AssociatedValidationReportData"), "AdditionalValidationReportData")
    _typed(data, "urn:kouan:signing:policy", report.pinned.policy)
    for reason in one.reasons:
        _typed(data, "urn:kouan:signing:reason", " ".join(filter(None, (reason.code, reason.detail))))
    for each in one.uncovered:
        _typed(data, "urn:kouan:signing:uncovered", each)
    said = one.recognition
    if said is not None:
        _typed(data, "urn:kouan:signing:recognised", "true" if one.recognised else "false")
        _typed(data, "urn:kouan:signing:recognition", said.reason)
        if said.list_digest:
            place = f"{said.list_side}:{said.list_sequence}:{said.list_digest}"
            _typed(data, "urn:kouan:signing:list", place)


def _about(report: FileReport) -> str:
    """Return the digest of what was signed: of the document beside a detached signature, or of the file."""
    return report.document_digest or report.digest


def _typed(parent: Any, kind: str, value: str) -> None:
    data = _add(parent, "ReportData")
    _text(data, "Type", kind)
    _text(data, "Value", value)


def _digest(parent: Any, value: str) -> None:
    etree.SubElement(parent, f"{{{_DS}}}DigestMethod", Algorithm="http://www.w3.org/2001/04/xmlenc#sha256")
    element = etree.SubElement(parent, f"{{{_DS}}}DigestValue")
    element.text = _base64(value)


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _add(parent: Any, name: str, **attributes: str) -> Any:
    return etree.SubElement(parent, f"{{{_VR}}}{name}", attributes)


def _text(parent: Any, name: str, value: str) -> None:
    # XML has no control characters; a name in a certificate may.
    _add(parent, name).text = "".join(each for each in value if each.isprintable())


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
