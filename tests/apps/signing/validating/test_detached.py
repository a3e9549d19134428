"""Detached signatures, with the document given beside them; and what else XML references may lead to."""

from __future__ import annotations

import hashlib
import io

import pytest
from asn1crypto.parser import emit

import signed_papers as papers
from apps.signing.validating import signed_text as text
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Trust
from signed_papers import NOW

DOCUMENT = b"A permit, \xe8\xae\xb8\xe5\x8f\xaf\n"
SHA256 = text.url(hashlib.sha256(text.url(DOCUMENT).encode()).digest())
BY_HASH = {"mId": f"{text.SIGD}ObjectIdByURIHash", "pars": ["permit.txt"], "hashM": "S256", "hashV": [SHA256]}
BY_URI = {"mId": f"{text.SIGD}ObjectIdByURI", "pars": ["permit.txt"]}
MAKERS = {
    "cms": lambda: papers.signed_cms(content=DOCUMENT, detached=True),
    "gm": lambda: papers.sm2_cms(DOCUMENT, detached=True),
    "gm without attributes": lambda: papers.sm2_cms(DOCUMENT, detached=True, attributes=False),
    "jws": lambda: text.Jws(DOCUMENT).written(detached=True),
    "jws as it is": lambda: text.Jws(DOCUMENT, b64=False, crit=["b64"]).written(detached=True),
    "jws by uri": lambda: text.Jws(DOCUMENT, sigD=BY_URI, crit=["sigD"]).written(detached=True),
    "jws by digest": lambda: text.Jws(DOCUMENT, sigD=BY_HASH, crit=["sigD"]).written(detached=True),
    "xml": lambda: text.written(text.xml_signature(DOCUMENT, uri="permit.txt")),
}


def judged(data, document=None):
    lists = (papers.crl(papers.root()), papers.crl(papers.authority()), *papers.sm2_crls())
    roots = (papers.root().der, papers.sm2_root().certificate.dump())
    known = (papers.authority().der, papers.sm2_authority().certificate.dump())
    trust = Trust(roots=roots, certificates=known, crls=lists, moment=NOW)
    beside = None if document is None else io.BytesIO(document)
    return validated(io.BytesIO(data), Engine(trust, Checker()), beside)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_detached_signature_is_judged_by_the_document_beside_it(kind):
    data = MAKERS[kind]()
    found = judged(data, DOCUMENT)
    assert found.verdict is Verdict.TOTAL_PASSED, found.signatures
    assert found.document_digest == hashlib.sha256(DOCUMENT).hexdigest()
    assert judged(data, DOCUMENT + b".").verdict is Verdict.TOTAL_FAILED
    alone = judged(data)
    assert (alone.sub_indication, alone.signatures[0].intact) == (SubIndication.SIGNED_DATA_NOT_FOUND, False)


def test_a_detached_signature_of_xml_may_be_about_its_canonical_form():
    transform = f"<ds:Transform Algorithm='{text.EXCLUSIVE}'/>"
    data = text.written(text.xml_signature(b"<a></a>", uri="a.xml", transforms=transform))
    assert judged(data, b"<?xml version='1.0'?>\n<a/>").verdict is Verdict.TOTAL_PASSED
    assert "document-beside-not-xml" in [each.code for each in judged(data, b"a").reasons]


def two_xml_signatures(first):
    """Return XML with a signature of its own, and one over the document beside it put in later."""
    root = text.enveloped(transforms=text.BARE)
    other = papers.signer(name="Somebody Else")
    root.insert(
        0 if first else len(root), text.xml_signature(DOCUMENT, uri="permit.txt", who=other, mark="2")
    )
    return text.written(root)


@pytest.mark.parametrize(
    "make",
    [
        papers.signed_cms,
        papers.signed_pdf,
        text.Jws(DOCUMENT).written,
    ],
)
def test_a_document_that_not_every_signature_is_about_is_not_signed(make):
    found = judged(make(), DOCUMENT)
    assert {each.verdict for each in found.signatures} == {Verdict.TOTAL_PASSED}
    assert (found.verdict, found.sub_indication, found.recognised, found.document_digest) == (
        Verdict.INDETERMINATE, SubIndication.SIGNED_DATA_NOT_FOUND, False, "",
    )  # fmt: skip
    assert [each.code for each in found.reasons] == ["signed-data-not-found", "document-beside-unused"]


@pytest.mark.parametrize("first", [True, False])
def test_nor_is_xml_of_which_one_signature_is_about_it_and_another_about_the_rest(first):
    found = judged(two_xml_signatures(first=first), DOCUMENT)
    verdicts = {each.id: each.verdict for each in found.signatures}
    assert sorted(verdicts.values()) == [Verdict.INDETERMINATE, Verdict.TOTAL_PASSED], found.signatures
    assert (found.verdict, found.sub_indication, found.recognised, found.document_digest) == (
        Verdict.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE, False, "",
    )  # fmt: skip
    assert {"not-all-signed", "unsigned-elements", "document-beside-unused"} <= {
        each.code for each in found.reasons
    }


def test_a_detached_jws_that_names_several_documents_is_not_judged_by_one():
    named = {**BY_URI, "pars": ["a", "b"]}
    found = judged(text.Jws(DOCUMENT, sigD=named).written(detached=True), DOCUMENT)
    assert found.sub_indication is SubIndication.SIGNED_DATA_NOT_FOUND


def test_an_archived_detached_signature_covers_the_document():
    root = text.xml_signature(DOCUMENT, uri="permit.txt")
    text.with_signature_stamp(root, NOW - papers.DAY)
    text.with_archive_stamp(root, DOCUMENT, NOW - papers.DAY / 2)
    made = text.Jws(DOCUMENT, sigD=BY_HASH, crit=["sigD"])
    made.stamp(NOW - papers.DAY)
    made.archive(NOW - papers.DAY / 2)
    for data in (text.written(root), made.written(detached=True)):
        stamps = judged(data, DOCUMENT).signatures[0].time_stamps
        assert [(each.kind, each.holds) for each in stamps] == [("signature", True), ("archive", True)]


# Within a document


def test_an_enveloping_signature_of_base64_passes_unless_something_stands_beside():
    inside = f"<ds:Object Id='o'>{text.b64(DOCUMENT)}</ds:Object>"
    transform = f"<ds:Transform Algorithm='{text.DS}base64'/>"
    found = judged(text.written(text.xml_signature(DOCUMENT, uri="#o", transforms=transform, inside=inside)))
    assert (found.verdict, found.signatures[0].uncovered_parts) == (Verdict.TOTAL_PASSED, ())
    beside = inside + "<ds:Object>Pay more</ds:Object>"
    found = judged(text.written(text.xml_signature(DOCUMENT, uri="#o", transforms=transform, inside=beside)))
    assert (found.verdict, found.signatures[0].uncovered_parts) == (Verdict.INDETERMINATE, ("Object",))


@pytest.mark.parametrize("mark", ["", " MimeType='text/plain'"])
def test_what_describes_text_that_alone_was_signed_is_named(mark):
    transform = f"<ds:Transform Algorithm='{text.DS}base64'/>"
    inside = f"<ds:Object Id='o'{mark}>{text.b64(DOCUMENT)}</ds:Object>"
    found = judged(text.written(text.xml_signature(DOCUMENT, uri="#o", transforms=transform, inside=inside)))
    assert found.signatures[0].uncovered_parts == (("Object",) if mark else ())
    for uri in ("", "#p"):
        root = text.etree.fromstring(f"<permit Id='p'{mark}>{text.b64(DOCUMENT)}</permit>")
        steps = f"<ds:Transform Algorithm='{text.DS}enveloped-signature'/>{transform}"
        added = f"<ds:Object xmlns:ds='{text.DS}'><letter>Pay</letter></ds:Object>"
        root.append(text.xml_signature(DOCUMENT, uri=uri, transforms=steps, inside=added))
        found = judged(b'<?xml-stylesheet href="a.xsl"?>' + text.etree.tostring(root))
        parts = ("?xml-stylesheet", *(["permit"] if mark else []), "letter")
        assert (found.verdict, found.signatures[0].uncovered_parts) == (Verdict.INDETERMINATE, parts)


def test_a_file_of_more_signatures_than_are_judged_is_too_complex():
    one = text.json.loads(text.Jws(DOCUMENT).written())
    data = text.json.dumps({"payload": one.pop("payload"), "signatures": [one] * 201}).encode()
    signed = text.papers.cms.ContentInfo.load(papers.signed_cms())
    infos = signed["content"]["signer_infos"][0].dump() * 201
    signed["content"]["signer_infos"] = papers.cms.SignerInfos.load(emit(0, 1, 17, infos))  # a SET of them
    for each in (data, signed.dump()):
        found = judged(each)
        assert (found.verdict, found.reasons[0].code) == (Verdict.INDETERMINATE, "too-complex")


def test_base64_with_elements_in_it_is_not_read():
    inside = f"<ds:Object Id='o'>{text.b64(DOCUMENT)}<more/></ds:Object>"
    transform = f"<ds:Transform Algorithm='{text.DS}base64'/>"
    found = judged(text.written(text.xml_signature(DOCUMENT, uri="#o", transforms=transform, inside=inside)))
    assert "unsupported-transform" in [each.code for each in found.reasons]


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("not(ancestor-or-self::ds:Signature)", Verdict.TOTAL_PASSED),
        ("not(ancestor-or-self::other:Signature)", Verdict.INDETERMINATE),
        ("not(ancestor-or-self::ds:Signature) or true()", Verdict.INDETERMINATE),
    ],
)
def test_the_path_that_leaves_signatures_out_is_read_and_no_other(path, verdict):
    transform = (
        "<ds:Transform Algorithm='http://www.w3.org/TR/1999/REC-xpath-19991116'>"
        f"<ds:XPath xmlns:other='urn:other'>{path}</ds:XPath></ds:Transform>"
    )
    assert judged(text.written(text.enveloped(transforms=transform))).verdict is verdict


@pytest.mark.parametrize(
    ("letter", "verdict"), [("", Verdict.TOTAL_PASSED), ("<letter/>", Verdict.INDETERMINATE)]
)
def test_a_countersignature_is_about_what_the_signature_above_it_is_about(letter, verdict):
    root = text.enveloped()
    value = root[-1].find(f"{{{text.DS}}}SignatureValue")
    value.set("Id", "value")
    transform = f"<ds:Transform Algorithm='{text.EXCLUSIVE}'/>"
    counter = text.xml_signature(text.c14n(value), uri="#value", transforms=transform, mark="2")
    inside = text.etree.tostring(counter).decode()
    text._added(root[-1], f"<x:CounterSignature xmlns:x='{text.XADES}'>{inside}</x:CounterSignature>")
    if letter:
        root[-1].append(text.etree.fromstring(letter))
    found = judged(text.written(root))
    assert [each.verdict for each in found.signatures] == [verdict, Verdict.TOTAL_PASSED], found.signatures
    assert found.verdict is verdict


def test_an_object_in_a_signature_of_the_whole_is_named_as_not_covered():
    root = text.enveloped()
    signature = root[-1]
    signature.append(
        text.etree.fromstring(f"<ds:Object xmlns:ds='{text.DS}'><letter>Pay</letter></ds:Object>")
    )
    found = judged(text.written(root))
    assert (found.verdict, found.signatures[0].uncovered_parts) == (Verdict.INDETERMINATE, ("letter",))
