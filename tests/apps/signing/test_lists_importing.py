"""Files of published entries: all of a file or nothing, and each fault by its place."""

from __future__ import annotations

import base64
import csv
import io
import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from asn1crypto import pem
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from apps.signing.made import authority, entry, said
from kouan.apps.signing.lists import certificates
from kouan.apps.signing.lists.entries import BadEntry, entry_from, entry_of, mapping_of
from kouan.apps.signing.lists.importing import NEEDED, Fault, FaultyFile, read, sniff


def record(code="harbour-personal", *, of=None, **changes):
    of = of or authority()
    return {
        "code": code, "name_en": "Personal", "name_zh_hant": "個人", "name_zh_hans": "个人",
        "provider_en": "Harbour", "provider_zh_hant": "海港", "provider_zh_hans": "海港",
        "certificate_type": "personal", "root": of.root.decode(), "issuing_ca": of.issuing.decode(),
        "recognised_from": "2024-01-01", "last_day": "2033-12-31",
    } | changes  # fmt: skip


def as_csv(*records):
    out = io.StringIO(newline="")
    names = list(dict.fromkeys(name for each in records for name in each))
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue().encode()


def as_json(*records):
    return json.dumps({"entries": records}).encode()


def as_toml(*records):
    return "\n".join(
        "[[entries]]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in each.items())
        for each in records
    ).encode()


@pytest.mark.parametrize("write", [as_csv, as_json, as_toml])
def test_the_three_formats_say_the_same(write):
    data = write(
        record(), record("pearl-personal", of=authority("Pearl", "sm2"), type_policies="1.2.3 1.2.4")
    )
    first, second = read(data, sniff(data))
    assert (first.code, first.root) == ("harbour-personal", entry().root)
    assert first.recognised_from.isoformat() == "2024-01-01T00:00:00+08:00"
    assert first.recognised_until.isoformat() == "2034-01-01T00:00:00+08:00"
    assert second.type_policies == ("1.2.3", "1.2.4")
    assert certificates.facts(second.issuing_ca).key == "SM2"


def test_names_may_be_nested_in_json():
    given_ = record()
    for field in ("name", "provider"):
        given_[field] = {
            tag: given_.pop(f"{field}_{tag.replace('-', '_')}") for tag in ("en", "zh-hant", "zh-hans")
        }
    assert read(as_json(given_), "json") == read(as_json(record()), "json")


def test_certificates_may_lie_beside_the_file_or_stand_in_it_as_base64():
    der = x509.load_pem_x509_certificate(authority().root).public_bytes(Encoding.DER)
    given_ = record(root=base64.b64encode(der).decode(), issuing_ca="ca.pem")
    beside = {"ca.pem": authority().issuing}
    assert read(as_csv(given_), "csv", beside=beside.get) == read(as_json(record()), "json")
    with pytest.raises(FaultyFile) as caught:
        read(as_csv(given_), "csv")
    assert caught.value.faults == (Fault(1 + given_["issuing_ca"].count("\n") + 1, "issuing_ca", "no-file"),)


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"code": "Harbour"}, "code", "code"),
        ({"name_zh_hant": ""}, "name_zh_hant", "missing"),
        ({"name_en": "a\u200fb"}, "name_en", "words"),
        ({"certificate_type": "robot"}, "certificate_type", "type"),
        ({"recognised_from": "31/12/2024"}, "recognised_from", "no-day"),
        ({"last_day": "2023-01-01"}, "last_day", "ends-before"),
        ({"recognised_from": "2041-01-01", "last_day": "2042-01-01"}, "recognised_from", "outside-ca"),
        ({"policy_prefix": "1.02.3"}, "policy_prefix", "oid"),
        ({"root": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "root", "no-certificate"),
        ({"root": authority().issuing.decode()}, "root", "not-self-signed"),
        ({"issuing_ca": authority("Other").issuing.decode()}, "issuing_ca", "other-root"),
        ({"issuing_ca": authority("Pearl", "sm2").issuing.decode()}, "issuing_ca", "other-root"),
        ({"withdrawn_on": "2023-01-01", "reason": "x"}, "history", "history"),
        ({"colour": "red"}, "colour", "unknown"),
        ({"type_policies": [1]}, "type_policies", "oid"),
        ({"code": 5}, "code", "words"),
    ],
)
def test_each_fault_names_the_entry_and_the_field(changes, field, problem):
    with pytest.raises(FaultyFile) as caught:
        read(as_json(record("first"), record(**changes)), "json")
    assert caught.value.faults == (Fault(2, field, problem),)


def test_every_fault_is_found_at_once_and_twins_too():
    with pytest.raises(FaultyFile) as caught:
        read(as_json(record(), record(), record(code="?")), "json")
    assert caught.value.faults == (Fault(2, "code", "twice"), Fault(3, "code", "code"))


@pytest.mark.parametrize(
    ("data", "form", "problem"),
    [
        (b"", "csv", "empty"), (b"[]", "json", "empty"), (b"{", "json", "format"), (b"[1]", "json", "format"),
        (b"\xff", "csv", "format"), (b"a = ", "toml", "format"), (b"[" * 100_000, "json", "format"),
        (b"x" * (2 << 20) + b"x", "csv", "too-long"), (b"a,b\n1,2,3\n", "csv", "format"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_as_a_whole(data, form, problem):
    with pytest.raises(FaultyFile) as caught:
        read(data, form)
    assert caught.value.faults == (Fault(0, "", problem),)


@given(st.binary(max_size=300), st.sampled_from(["json", "toml", "csv"]))
def test_whatever_a_file_holds_one_error_leaves(data, form):
    with pytest.raises(FaultyFile):
        read(data, form)


def test_a_leaf_is_no_ca():
    from kouan.demo.authorities import issue_signer  # noqa: PLC0415 - of this test alone

    leaf, _key = issue_signer(authority(), "CHAN Siu Ming")
    with pytest.raises(BadEntry) as caught:
        entry_of(said(issuing_ca=leaf))
    assert (caught.value.field, caught.value.problem) == ("issuing_ca", "no-ca")


def test_an_entry_is_kept_as_it_was():
    assert entry_from(json.loads(json.dumps(mapping_of(entry(type_policies=("1.2.3",)))))) == entry(
        type_policies=("1.2.3",)
    )


ROOTS = {
    "Hongkong Post Root CA 3": "RSA 4096",
    "GDCA TrustAUTH R5 ROOT": "RSA 4096",
    "CFCA EV ROOT": "RSA 4096",
}


def real_roots():
    spec = find_spec("certifi")
    assert spec is not None
    assert spec.origin is not None
    data = (Path(spec.origin).parent / "cacert.pem").read_bytes()
    found = {}
    for _kind, _headers, der in pem.unarmor(data, multiple=True):
        name = asn1.Certificate.load(der).subject.native.get("common_name")
        if name in ROOTS:
            found[name] = der
    return found


@pytest.mark.parametrize("name", ROOTS)
def test_real_roots_can_be_listed(name):
    der = real_roots()[name]
    listed = entry_of(said(root=der, issuing_ca=der))
    facts = certificates.facts(listed.root)
    assert facts.key == ROOTS[name]
    assert name in facts.subject


def test_every_needed_field_is_asked_for():
    for field in NEEDED:
        given_ = record()
        del given_[field]
        with pytest.raises(FaultyFile) as caught:
            read(as_json(given_), "json")
        assert caught.value.faults == (Fault(1, field, "missing"),)


def test_a_made_up_authority_is_listed_in_demonstrations_alone():
    given = said(of=authority("Harbour (demonstration)"))
    assert entry_of(given, demonstration=True).demonstration
    with pytest.raises(BadEntry) as refused:
        entry_of(given)
    assert (refused.value.field, refused.value.problem) == ("root", "made-up")


def test_the_entries_to_begin_with_say_what_is_not_there():
    text = (Path(__file__).parents[3] / "docs" / "signing-entries.toml").read_text(encoding="utf-8")
    for written, field, problem in (
        (text, "last_day", "missing"),
        (text.replace("# last_day = to be filled in", "last_day = 2030-01-01"), "root", "no-file"),
    ):
        with pytest.raises(FaultyFile) as refused:
            read(written.encode(), sniff(written.encode()))
        assert list(refused.value.faults) == [Fault(1, field, problem)]
