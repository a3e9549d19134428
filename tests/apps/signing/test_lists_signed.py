"""A list as JSON, signed, and as XML."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from apps.signing.made import CONTACT, ISSUED, authority, edition, entry, payload, signed
from kouan.apps.signing.lists import conformity, document, jades, xml
from kouan.apps.signing.lists.domain import Seen
from kouan.apps.signing.lists.scheme import SCHEME, operator

NS = {"t": xml.TSL, "ds": xml.DS, "x": xml.XADES}


@pytest.fixture(scope="module")
def cas(gd_keys):
    return x509.load_pem_x509_certificates(gd_keys.public.tls_ca_pem)


def full():
    """An edition with everything that one can hold."""
    return edition(
        entry(superseded_on=date(2025, 5, 5), withdrawn_on=date(2026, 1, 1), reason="Key lost"),
        entry(
            "pearl-seal", of=authority("Pearl", "sm2"), certificate_type="seal", type_policies=("1.2.156.7",)
        ),
        entry("rsa-personal", of=authority("Delta", "rsa")),
        sequence=7,
        others=(Seen("hk", 3, b"\x07" * 32),),
        publisher=replace(CONTACT, postal_code="", street_zh="", locality_zh=""),
        information="https://lists.example/trust-lists/",
        sm2_key=b"\x30\x03\x02\x01\x01",
    )


def test_an_edition_reads_back_as_it_was_written():
    made = replace(full(), previous=b"\x01" * 32)
    assert document.read(payload(made)) == made


def test_the_json_is_that_of_the_standard():
    said = json.loads(payload(full()))["LoTE"]
    about = said["ListAndSchemeInformation"]
    assert (about["LoTEVersionIdentifier"], about["LoTESequenceNumber"]) == (1, 7)
    assert about["ListIssueDateTime"] == "2026-03-01T04:00:00Z"
    assert [each["lang"] for each in about["SchemeName"]] == ["en", "zh-Hant", "zh-Hans"]
    service = said["TrustedEntitiesList"][0]["TrustedEntityServices"][0]
    assert service["ServiceInformation"]["ServiceStatus"] == "urn:kouan:trust-list:status:withdrawn"
    assert [each["ServiceStatus"].rpartition(":")[2] for each in service["ServiceHistory"]] == [
        "superseded", "recognised",
    ]  # fmt: skip


def changed(how):
    said = json.loads(payload(edition(entry())))
    how(said["LoTE"])
    return json.dumps(said).encode()


def _service(said):
    return said["TrustedEntitiesList"][0]["TrustedEntityServices"][0]["ServiceInformation"]


def _address(said):
    return said["TrustedEntitiesList"][0]["TrustedEntityInformation"]["TEAddress"]


def _recognition(said):
    return _service(said)["ServiceInformationExtensions"][0]["urn:kouan:trust-list:recognition"]


@pytest.mark.parametrize(
    "how",
    [
        lambda said: said["ListAndSchemeInformation"].update(LoTESequenceNumber=0),
        lambda said: said["ListAndSchemeInformation"].update(ListIssueDateTime="2026-03-01T04:00:00+08:00"),
        lambda said: said["ListAndSchemeInformation"].update(SchemeExtensions=[]),
        lambda said: said["ListAndSchemeInformation"]["SchemeExtensions"].append(
            {"urn:kouan:trust-list:side": "hk"}
        ),
        lambda said: said["TrustedEntitiesList"].append(said["TrustedEntitiesList"][0]),
        lambda said: _service(said).update(ServiceStatus="urn:kouan:trust-list:status:secret\0"),
        lambda said: _service(said).update(StatusStartingTime="secret\0-12-31T00:00:00Z"),
        lambda said: _service(said)["ServiceName"][0].update(value="a\u202eb"),
        lambda said: _service(said)["ServiceDigitalIdentity"]["X509Certificates"][0].update(val="!"),
        lambda said: _recognition(said).update(Root="0" * 64),
        lambda said: _recognition(said).update(PolicyPrefix="a.b"),
        lambda said: _recognition(said).update(RecognisedUntil="2001-01-01T00:00:00Z"),
        lambda said: _recognition(said).update(Code="../etc"),
        lambda said: _recognition(said).update(Demonstration="false"),
        lambda said: _address(said)["TEPostalAddress"][0].update(Country="Hong Kong"),
        lambda said: _address(said)["TEPostalAddress"][0].update(StreetAddress="a\u202eb"),
        lambda said: _address(said)["TEElectronicAddress"][1].update(uriValue="javascript:alert(1)//secret"),
        lambda said: _address(said).update(TEElectronicAddress=[]),
        lambda said: said["ListAndSchemeInformation"].update(
            SchemeInformationURI=[{"lang": "en", "uriValue": "data:secret"}]
        ),
    ],
)
def test_a_list_that_says_what_it_cannot_is_malformed(how):
    with pytest.raises(document.MalformedList) as caught:
        document.read(changed(how))
    assert "secret" not in str(caught.value)  # where it is, and not what stands there


@given(st.binary(max_size=400))
def test_whatever_bytes_are_read_only_one_error_leaves(data):
    with pytest.raises(document.MalformedList):
        document.read(data)


@given(st.integers(0, 4000), st.integers(0, 255))
def test_a_changed_byte_gives_a_list_or_one_error(place, value):
    data = bytearray(payload(edition(entry())))
    data[place % len(data)] = value
    with contextlib.suppress(document.MalformedList):
        document.read(bytes(data))


def test_a_signature_is_verified_with_the_signers_name(gd_keys, cas):
    jws, _edition = signed(edition(), gd_keys)
    found = jades.verified(jws, authorities=cas)
    assert found.payload == payload(edition())
    assert found.officer == "LI Wei"
    header = json.loads(base64.urlsafe_b64decode(jws.split(".")[0] + "=="))
    assert set(header) == {"alg", "typ", "cty", "iat", "x5c", "x5t#S256"}
    leaf = base64.b64decode(header["x5c"][0])
    assert header["x5t#S256"] == base64.urlsafe_b64encode(hashlib.sha256(leaf).digest()).decode().rstrip("=")


def header_changed(jws, **changes):
    head, body, mac = jws.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | changes
    return ".".join([jades._encoded(json.dumps(header).encode()), body, mac])


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"}, {"alg": "HS256"}, {"crit": ["exp"]}, {"jku": "https://example.org"}, {"iat": "now"},
        {"iat": True}, {"x5c": []}, {"x5t#S256": "AAAA"}, {"iat": 1}, {"iat": 1 << 60}, {"typ": "other"},
    ],
)  # fmt: skip
def test_another_header_is_refused(gd_keys, cas, changes):
    jws, _edition = signed(edition(), gd_keys)
    with pytest.raises(jades.BadSignature):
        jades.verified(header_changed(jws, **changes), authorities=cas)


def test_another_sides_officer_cannot_sign(stores, gd_keys, cas):
    from kouan.core.trust.own import load  # noqa: PLC0415 - of this test alone

    hk = load(stores["hk"].directory, side="hk", door_url="https://127.0.0.1:18101")
    jws, _edition = signed(edition(), hk)
    with pytest.raises(jades.BadSignature, match="CA"):
        jades.verified(jws, authorities=cas)


def test_the_doors_own_certificate_cannot_sign_a_list(gd_keys, cas):
    leaf = x509.load_pem_x509_certificate(gd_keys.tls_certificate.read_bytes())
    with pytest.raises(jades.BadSignature):
        jades._check_leaf(leaf, datetime.now(UTC))


@given(st.text(alphabet="abcXYZ019-_.=", max_size=200))
def test_whatever_text_is_no_token_and_one_error_leaves(text):
    with pytest.raises(jades.BadSignature):
        jades.verified(text, authorities=[])


def test_a_changed_payload_or_signature_is_refused(gd_keys, cas):
    jws, _edition = signed(edition(), gd_keys)
    head, body, mac = jws.split(".")
    other = jades._encoded(payload(edition(sequence=2)))
    for token in (f"{head}.{other}.{mac}", f"{head}.{body}.{mac[:-4]}AAAA", f"{head}.{body}."):
        with pytest.raises(jades.BadSignature):
            jades.verified(token, authorities=cas)


def test_openssl_verifies_the_signature_too(gd_keys, tmp_path):
    jws, _edition = signed(edition(), gd_keys)
    head, body, mac = jws.split(".")
    leaf = base64.b64decode(json.loads(base64.urlsafe_b64decode(head + "=="))["x5c"][0])
    raw = base64.urlsafe_b64decode(mac + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key = x509.load_der_x509_certificate(leaf).public_key()
    (tmp_path / "key.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "sig").write_bytes(der)
    (tmp_path / "data").write_bytes(f"{head}.{body}".encode())
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "sig", "data"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "Verified OK\n", done.stderr


# XML


def exported(gd_keys):
    made = full()
    signer = gd_keys.one_time_signer(officer="LI Wei", organisation="Guangdong", at=datetime.now(UTC))
    tree = xml.export(made, operator=operator("gd"), scheme=SCHEME, signed=True)
    xml.sign(tree, signer, at=ISSUED)
    return etree.fromstring(xml.text_of(tree).encode())


def references(root):
    """Whether each reference of the signature holds, checked here by its own words."""
    signature = root.find("ds:Signature", NS)
    info = signature.find("ds:SignedInfo", NS)
    whole, own = info.findall("ds:Reference", NS)
    properties = signature.find(".//x:SignedProperties", NS)
    assert own.get("URI") == f"#{properties.get('Id')}"

    def digest(element):
        data = etree.tostring(element, method="c14n", exclusive=True)
        return base64.b64encode(hashlib.sha256(data).digest()).decode()

    found = [own.findtext("ds:DigestValue", namespaces=NS) == digest(properties)]
    certificate = base64.b64decode(signature.findtext(".//ds:X509Certificate", namespaces=NS))
    named = signature.findtext(".//x:CertDigest/ds:DigestValue", namespaces=NS)
    found.append(named == base64.b64encode(hashlib.sha256(certificate).digest()).decode())
    raw = base64.b64decode(signature.findtext("ds:SignatureValue", namespaces=NS))
    data = etree.tostring(info, method="c14n", exclusive=True)
    x509.load_der_x509_certificate(certificate).public_key().verify(
        encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])),
        data,
        ec.ECDSA(hashes.SHA256()),
    )
    root.remove(signature)
    return [*found, whole.findtext("ds:DigestValue", namespaces=NS) == digest(root)]


def test_the_xml_bears_an_enveloped_signature_over_all_of_it(gd_keys):
    root = exported(gd_keys)
    assert root.tag == f"{{{xml.TSL}}}TrustServiceStatusList"
    assert root.findtext(".//t:TSLSequenceNumber", namespaces=NS) == "7"
    assert len(root.findall(".//t:TSPService", NS)) == 3
    assert references(root) == [True, True, True]


def test_the_xml_is_what_the_standard_demands(gd_keys):
    root = exported(gd_keys)
    assert conformity.problems(root) == ()
    said = [etree.QName(each).localname for each in root.find("t:SchemeInformation", NS)]
    assert said == [
        "TSLVersionIdentifier", "TSLSequenceNumber", "TSLType", "SchemeOperatorName", "SchemeOperatorAddress",
        "SchemeName", "SchemeInformationURI", "StatusDeterminationApproach", "SchemeTerritory",
        "HistoricalInformationPeriod", "ListIssueDateTime", "NextUpdate",
    ]  # fmt: skip
    address = root.find(".//t:TSPAddress", NS)
    assert [each.text for each in address.findall(".//t:PostalAddress", NS)[1]] == [
        "海港道1號", "香港", "999077", "HK",
    ]  # fmt: skip
    assert [each.text for each in address.iterfind("t:ElectronicAddress/t:URI", NS)] == [
        "mailto:enquiry@harbour.example", "https://harbour.example/about",
    ]  # fmt: skip
    past = root.find(".//t:ServiceHistoryInstance/t:ServiceDigitalIdentity", NS)
    assert [etree.QName(each[0]).localname for each in past] == ["X509SKI"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda made: replace(made, publisher=None), {"SchemeInformation: SchemeOperatorAddress"}),
        (lambda made: replace(made, information=""), {"SchemeInformation: SchemeInformationURI"}),
        (
            lambda made: replace(made, entries=(entry(contact=None),)),
            {"TSPInformation: TSPAddress", "TSPInformation: TSPInformationURI"},
        ),
    ],
)
def test_what_an_export_lacks_is_told(change, told):
    root = xml.export(change(full()), operator=operator("gd"), scheme=SCHEME, signed=False)
    assert set(conformity.problems(root)) == told


def test_what_is_out_of_place_or_of_another_form_is_told():
    def faults(path, change):
        root = xml.export(full(), operator=operator("gd"), scheme=SCHEME, signed=False)
        change(root.find(f".//{path}", NS))
        return set(conformity.problems(root))

    assert faults("t:CountryName", lambda each: setattr(each, "text", "Hong Kong")) == {
        "CountryName: Hong Kong"
    }
    assert faults("t:SchemeName/t:Name", lambda each: each.getparent().remove(each)) == {
        "SchemeName: no English"
    }
    assert faults("t:TSPAddress", lambda each: each.getparent().insert(0, each)) >= {
        "TSPInformation: TSPName out of place"
    }
    assert faults("t:ListIssueDateTime", lambda each: setattr(each, "text", "today")) == {
        "ListIssueDateTime: today"
    }


def test_xml_that_was_changed_no_longer_holds(gd_keys):
    root = exported(gd_keys)
    root.find(".//t:ServiceStatus", NS).text = "urn:kouan:trust-list:status:recognised"
    assert references(root) == [True, True, False]


def test_an_export_without_the_officers_key_says_that_it_is_unsigned():
    text = xml.text_of(xml.export(full(), operator=operator("gd"), scheme=SCHEME, signed=False))
    assert xml.UNSIGNED in text
    assert "Signature>" not in text
