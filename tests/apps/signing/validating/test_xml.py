"""Signatures in XML: what is signed is found by few rules, and every other way is refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

import signed_papers as papers
from apps.signing.validating.signed_text import BARE
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Trust
from signed_papers import NOW

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def signed(
    body="<d:permit xmlns:d='urn:d' Id='p'><d:fee>100</d:fee></d:permit>",
    *,
    uri="",
    method=EXCLUSIVE,
    extra="",
):
    """Return an enveloped XAdES signature, made by hand from the standards' own steps."""
    who = papers.signer()
    root = etree.fromstring(body)
    target = root if uri == "" else root.xpath(f"//*[@Id='{uri[1:]}']")[0]
    exclusive = method == EXCLUSIVE
    digest = base64.b64encode(
        hashlib.sha256(etree.tostring(target, method="c14n", exclusive=exclusive)).digest()
    )
    certificate = base64.b64encode(hashlib.sha256(who.der).digest()).decode()
    properties = (
        f"<x:SignedProperties xmlns:x='{XADES}' xmlns:ds='{DS}' Id='sp'><x:SignedSignatureProperties>"
        "<x:SigningTime>2026-05-30T10:00:00Z</x:SigningTime><x:SigningCertificateV2><x:Cert><x:CertDigest>"
        f"<ds:DigestMethod Algorithm='{SHA256}'/><ds:DigestValue>{certificate}</ds:DigestValue>"
        "</x:CertDigest></x:Cert></x:SigningCertificateV2></x:SignedSignatureProperties></x:SignedProperties>"
    )
    own = base64.b64encode(
        hashlib.sha256(etree.tostring(etree.fromstring(properties), method="c14n", exclusive=True)).digest()
    ).decode()
    info = (
        f"<ds:SignedInfo xmlns:ds='{DS}'><ds:CanonicalizationMethod Algorithm='{EXCLUSIVE}'/>"
        "<ds:SignatureMethod Algorithm='http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256'/>"
        f"<ds:Reference URI='{uri}'><ds:Transforms><ds:Transform Algorithm='{DS}enveloped-signature'/>{extra}"
        f"<ds:Transform Algorithm='{method}'/></ds:Transforms><ds:DigestMethod Algorithm='{SHA256}'/>"
        f"<ds:DigestValue>{digest.decode()}</ds:DigestValue></ds:Reference>"
        f"<ds:Reference URI='#sp'><ds:Transforms><ds:Transform Algorithm='{EXCLUSIVE}'/></ds:Transforms>"
        f"<ds:DigestMethod Algorithm='{SHA256}'/><ds:DigestValue>{own}</ds:DigestValue></ds:Reference>"
        "</ds:SignedInfo>"
    )
    raw = who.key.sign(
        etree.tostring(etree.fromstring(info), method="c14n", exclusive=True), ec.ECDSA(hashes.SHA256())
    )
    r, s = decode_dss_signature(raw)
    value = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()
    chain = "".join(
        f"<ds:X509Certificate>{base64.b64encode(each).decode()}</ds:X509Certificate>"
        for each in (who.der, papers.authority().der)
    )
    signature = (
        f"<ds:Signature xmlns:ds='{DS}' Id='sig'>{info}<ds:SignatureValue>{value}</ds:SignatureValue>"
        f"<ds:KeyInfo><ds:X509Data>{chain}</ds:X509Data></ds:KeyInfo><ds:Object>"
        f"<x:QualifyingProperties xmlns:x='{XADES}' Target='#sig'>{properties}</x:QualifyingProperties>"
        "</ds:Object></ds:Signature>"
    )
    root.append(etree.fromstring(signature))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def judged(data):
    trust = Trust(
        roots=(papers.root().der,),
        crls=(papers.crl(papers.root()), papers.crl(papers.authority())),
        moment=NOW,
    )
    return validated(io.BytesIO(data), Engine(trust, Checker()))


@pytest.mark.parametrize("method", [EXCLUSIVE, INCLUSIVE])
def test_an_enveloped_signature_passes(method):
    found = judged(signed(method=method))
    one = found.signatures[0]
    assert (found.verdict, found.signer, one.uncovered) == (Verdict.TOTAL_PASSED, "Chan Tai Man", ()), (
        found.reasons
    )
    assert one.claimed_at is not None
    assert one.claimed_at.isoformat() == "2026-05-30T10:00:00+00:00"
    assert one.reasons == ()


def test_a_changed_element_fails():
    found = judged(signed().replace(b">100<", b">900<"))
    assert (found.verdict, found.sub_indication) == (Verdict.TOTAL_FAILED, SubIndication.HASH_FAILURE)


def test_a_changed_signing_time_fails():
    found = judged(signed().replace(b"2026-05-30T", b"2020-05-30T"))
    assert found.sub_indication is SubIndication.HASH_FAILURE


def test_what_a_signature_of_one_element_leaves_out_is_named():
    body = "<all><permit Id='p'><fee>1</fee></permit><letter>Pay more</letter></all>"
    found = judged(signed(body, uri="#p"))
    assert (found.verdict, found.signatures[0].uncovered_parts) == (Verdict.INDETERMINATE, ("letter",))
    assert found.sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE
    assert [(each.code, each.detail) for each in found.reasons] == [
        ("sig-constraints-failure", ""), ("not-all-signed", ""), ("unsigned-elements", "letter"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("<all><wrap><permit Id='p'><fee>1</fee></permit><letter>Pay</letter></wrap></all>", ("letter",)),
        ("<all><wrap>Pay 900<permit Id='p'><fee>1</fee></permit></wrap></all>", ("wrap",)),
        ("<all><permit Id='p'><fee>1</fee></permit>, and more</all>", ("all",)),
        ("<all fee='900'><permit Id='p'><fee>1</fee></permit></all>", ("all",)),
        ("<all Id='a'> <permit Id='p'><fee>1</fee></permit> </all>", ()),
    ],
)
def test_what_stands_around_or_beside_the_signed_element_is_named(body, parts):
    found = judged(signed(body, uri="#p"))
    verdict = Verdict.INDETERMINATE if parts else Verdict.TOTAL_PASSED
    assert (found.verdict, found.signatures[0].uncovered_parts) == (verdict, parts)


ANOTHER = "<ds:Signature xmlns:ds='{0}'><ds:SignedInfo/><ds:SignatureValue/>{1}</ds:Signature>"


@pytest.mark.parametrize(
    ("inside", "parts"),
    [
        ("", ()),
        ("<ds:Object/>", ()),
        ("<ds:Object><fee>900</fee></ds:Object>", ("fee",)),
        ("<ds:Object>Pay 900</ds:Object>", ("Object",)),
        ("<fee>900</fee>", ("fee",)),
    ],
)
@pytest.mark.parametrize("uri", ["", "#p"])
def test_another_signature_takes_nothing_away_unless_it_says_something_itself(inside, parts, uri):
    """The path takes out every signature, and with it whatever somebody puts into one."""
    another = ANOTHER.format(DS, inside).encode()
    data = signed("<all><permit Id='p'><fee>1</fee></permit></all>", uri=uri, extra=BARE)
    for place in (b"</permit>", b"</all>"):
        found = judged(data.replace(place, another + place))
        (one,) = [each for each in found.signatures if each.id == "sig"]
        verdict = Verdict.INDETERMINATE if parts else Verdict.TOTAL_PASSED
        assert (one.verdict, one.uncovered_parts) == (verdict, parts), place


@pytest.mark.parametrize("uri", ["", "#p"])
def test_what_is_put_into_the_signature_itself_is_named(uri):
    data = signed("<permit Id='p'><fee>1</fee></permit>", uri=uri)
    one = judged(data.replace(b"</ds:Signature>", b"<fee>900</fee></ds:Signature>")).signatures[0]
    assert (one.verdict, one.uncovered_parts) == (Verdict.INDETERMINATE, ("fee",))


@pytest.mark.parametrize("method", [EXCLUSIVE, INCLUSIVE])
@pytest.mark.parametrize("extra", ["", BARE])
def test_an_instruction_before_or_after_the_whole_is_signed_with_it(method, extra):
    instruction = b'<?xml-stylesheet href="evil.xsl"?>'
    data = signed(method=method, extra=extra)
    for changed in (data.replace(b"<d:permit", instruction + b"<d:permit", 1), data + instruction):
        assert judged(changed).sub_indication is SubIndication.HASH_FAILURE


def test_an_instruction_beside_the_root_that_was_signed_by_its_id_is_named():
    data = signed("<permit Id='p'><fee>1</fee></permit>", uri="#p")
    found = judged(data.replace(b"<permit", b'<?xml-stylesheet href="evil.xsl"?><!-- --><permit', 1))
    one = found.signatures[0]
    assert (found.verdict, one.uncovered_parts) == (Verdict.INDETERMINATE, ("?xml-stylesheet",))


def test_a_document_of_more_signatures_than_are_judged_is_too_complex():
    data = signed().replace(b"</d:permit>", f"<d:Signature xmlns:d='{DS}'/>".encode() * 200 + b"</d:permit>")
    found = judged(data)
    assert (found.verdict, found.reasons[0].code) == (Verdict.INDETERMINATE, "too-complex")


def test_a_wrapped_element_with_the_signed_id_is_refused():
    data = signed("<all><permit Id='p'><fee>1</fee></permit></all>", uri="#p")
    wrapped = data.replace(b"<all>", b"<all><permit Id='p'><fee>900</fee></permit>")
    found = judged(wrapped)
    assert (found.verdict, found.reasons[1].code) == (Verdict.TOTAL_FAILED, "duplicate-id")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d.replace(b'URI=""', b'URI="http://127.0.0.1/x"', 1), "signed-data-elsewhere"),
        (lambda d: d.replace(SHA256.encode(), DS.encode() + b"sha1", 1), "weak-algorithm"),
        (lambda _: signed(extra="<ds:Transform Algorithm='urn:any'/>"), "unsupported-transform"),
        (lambda d: d.replace(b"ecdsa-sha256", b"ecdsa-sha384"), "signature-does-not-hold"),
    ],
)  # fmt: skip
def test_what_is_not_read_or_does_not_hold_says_so(change, code):
    found = judged(change(signed()))
    assert found.verdict is not Verdict.TOTAL_PASSED
    assert code in [each.code for each in found.reasons]


def test_entities_and_document_types_are_refused():
    bomb = b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x 'xxxxxxxxxx'>]><a>&x;</a>"
    assert judged(bomb).reasons[0].code == "xml-with-dtd"


@pytest.mark.parametrize(
    ("revoked", "stamped", "verdict"),
    [(3, None, Verdict.INDETERMINATE), (3, 10, Verdict.TOTAL_PASSED), (3, 1, Verdict.INDETERMINATE)],
)
def test_a_time_stamp_shows_that_it_was_signed_before_the_revocation(revoked, stamped, verdict):
    gone = [(papers.signer().certificate.serial_number, NOW - revoked * papers.DAY)]
    lists = (papers.crl(papers.root()), papers.crl(papers.authority(), gone))
    data = signed() if stamped is None else with_time_stamp(signed(), NOW - stamped * papers.DAY)
    trust = Trust(roots=(papers.root().der,), crls=lists, moment=NOW)
    found = validated(io.BytesIO(data), Engine(trust, Checker()))
    assert (found.verdict, found.level) == (verdict, "B-B" if stamped is None else "B-T"), found.signatures


def with_time_stamp(data, at):
    """Return a XAdES B signature with a time-stamp over its value (EN 319 132-1 section 5.3)."""
    root = etree.fromstring(data)
    value = root.find(f".//{{{DS}}}SignatureValue")
    imprint = hashlib.sha256(etree.tostring(value, method="c14n", exclusive=True)).digest()
    token = asyncio.run(papers.time_stamper(at).async_timestamp(imprint, "sha256"))
    text = base64.b64encode(token.dump()).decode()
    qualifying = root.find(f".//{{{XADES}}}QualifyingProperties")
    qualifying.append(
        etree.fromstring(
            f"<x:UnsignedProperties xmlns:x='{XADES}' xmlns:ds='{DS}'><x:UnsignedSignatureProperties>"
            f"<x:SignatureTimeStamp><ds:CanonicalizationMethod Algorithm='{EXCLUSIVE}'/>"
            f"<x:EncapsulatedTimeStamp>{text}</x:EncapsulatedTimeStamp></x:SignatureTimeStamp>"
            "</x:UnsignedSignatureProperties></x:UnsignedProperties>"
        )
    )
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
