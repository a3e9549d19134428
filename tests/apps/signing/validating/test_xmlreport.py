"""The XML report is built as ETSI TS 119 102-2 says: what may stand where, and what must.

ETSI's own schema is in no package that the tests could take it from; this is its outline.
"""

from __future__ import annotations

import base64
import hashlib
import io

import pytest
from lxml import etree

import signed_papers as papers
from kouan.apps.signing.validating import xmlreport
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.trust import Trust
from signed_papers import DAY, NOW

VR = "{http://uri.etsi.org/19102/v1.4.1#}"
SEQUENCES = {
    "ValidationReport": "SignatureValidationReport+ SignatureValidationObjects? SignatureValidator? "
    "Signature?",
    "SignatureValidationReport": "SignatureIdentifier? ValidationConstraintsEvaluationReport? "
    "ValidationTimeInfo? SignersDocument? SignatureAttributes? SignerInformation? SignatureQuality? "
    "SignatureValidationProcess? SignatureValidationStatus",
    "SignatureIdentifier": "DigestAlgAndValue? SignatureValue? HashOnly DocHashOnly DAIdentifier?",
    "ValidationTimeInfo": "ValidationTime BestSignatureTime",
    "BestSignatureTime": "POETime TypeOfProof POEObject*",
    "SignersDocument": "DigestAlgAndValue? SignersDocumentRepresentation? SignersDocumentRef?",
    "SignerInformation": "SignerCertificate Signer?",
    "SignatureValidationProcess": "SignatureValidationProcessID SignatureValidationServicePolicy? "
    "SignatureValidationPracticeStatement?",
    "SignatureValidationStatus": "MainIndication SubIndication* AssociatedValidationReportData*",
    "AssociatedValidationReportData": "TrustAnchor? CertificateChain? RelatedValidationObject* "
    "RevocationStatusInformation? CryptoInformation? AdditionalValidationReportData?",
    "AdditionalValidationReportData": "ReportData+",
    "ReportData": "Type Value",
    "SignatureValidationObjects": "ValidationObject+",
    "ValidationObject": "ObjectType ValidationObjectRepresentation POE? POEProvisioning? ValidationReport?",
}


def fits(children, sequence):
    """Whether names stand in the order and number that a sequence asks for."""
    left = list(children)
    for each in sequence.split():
        name, many = each.rstrip("?*+"), each[-1]
        count = 0
        while left and left[0] == name and (many in "*+" or not count):
            left.pop(0)
            count += 1
        if not count and many not in "?*":
            return False
    return not left


def report(data, document=None):
    trust = Trust(
        roots=(papers.root().der,),
        crls=(papers.crl(papers.root()), papers.crl(papers.authority())),
        moment=NOW,
    )
    beside = None if document is None else io.BytesIO(document)
    return etree.fromstring(xmlreport.written(validated(io.BytesIO(data), Engine(trust, Checker()), beside)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: papers.signed_pdf(stamped_at=NOW - DAY),
        lambda: papers.signed_pdf(data=papers.signed_pdf(), field="Signature2"),
        lambda: papers.signed_cms().replace(b"A permit", b"A pardon"),
    ],
)
def test_what_the_standard_asks_for_stands_in_its_order_and_every_reference_leads_somewhere(make):
    root = report(make())
    for each in root.iter(f"{VR}*"):
        name = etree.QName(each).localname
        if name in SEQUENCES:
            children = [etree.QName(inner).localname for inner in each]
            assert fits(children, SEQUENCES[name]), (name, children)
        else:
            assert not each.findall(f"{VR}*") or name == "ValidationObjectRepresentation", name
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    assert len(set(ids)) == len(ids)
    assert {each.get("VOReference") for each in root.iter() if each.get("VOReference")} <= set(ids)


def test_of_a_detached_signature_it_names_the_document_that_was_signed():
    root = report(papers.signed_cms(detached=True), b"A permit")
    values = root.findall(f".//{VR}SignersDocument//{{http://www.w3.org/2000/09/xmldsig#}}DigestValue")
    expected = base64.b64encode(hashlib.sha256(b"A permit").digest()).decode()
    assert [each.text for each in values] == [expected]
