"""The index of revocation lists says what walking through them says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from asn1crypto import crl
from hypothesis import given
from hypothesis import strategies as st
from pyhanko_certvalidator.revinfo import validate_crl

import signed_papers as papers
from kouan.apps.signing.validating import crls
from signed_papers import DAY, NOW


@pytest.fixture(autouse=True)
def _as_it_was():
    crls.uninstall()
    yield
    crls.uninstall()


def test_an_index_finds_what_a_walk_finds():
    serial = papers.signer().certificate.serial_number
    for revoked in ([], [(serial, NOW - DAY)], [(7, NOW), (serial, NOW - DAY), (9, NOW)], [(7, NOW)]):
        listed = crl.CertificateList.load(papers.crl(papers.authority(), revoked))
        who = papers.signer().asn1
        asked = (who, who.issuer, listed, papers.authority().asn1.subject)
        walked = validate_crl.find_cert_in_list(*asked)
        crls.install(crls.Indexes())
        found = validate_crl.find_cert_in_list(*asked)
        crls.uninstall()
        assert (found[0], found[1] and found[1].native) == (walked[0], walked[1] and walked[1].native)
        assert (found[0] is not None) == any(each == serial for each, _ in revoked)


def test_a_list_of_another_issuer_does_not_count():
    who = papers.signer().asn1
    listed = crl.CertificateList.load(papers.crl(papers.root(), [(who.serial_number, NOW)]))
    crls.install(crls.Indexes())
    assert validate_crl.find_cert_in_list(who, who.issuer, listed, papers.root().asn1.subject) == (None, None)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_index_fail_otherwise_than_by_saying_that_they_are_no_list(data):
    try:
        found = crls.indexed(data)
    except ValueError:
        return
    assert all(0 <= start < end <= len(data) for start, end in found.values())


def test_the_least_recently_used_index_is_dropped_first():
    indexes = crls.Indexes(most=3)
    lists = [
        crl.CertificateList.load(papers.crl(papers.root(), [(n, NOW), (n + 1, NOW)]))["tbs_cert_list"][
            "revoked_certificates"
        ].contents
        for n in (10, 20, 30)
    ]
    for each in lists:
        assert len(indexes.of(each)) == 2
    assert len(indexes._kept) == 1


def _sequence(*parts):
    body = b"".join(parts)
    assert len(body) < 128
    return bytes([0x30, len(body)]) + body


@pytest.mark.parametrize(
    ("serial", "written"),
    [
        (255, b"\x02\x02\x00\xff"),
        (255, b"\x02\x04\x00\x00\x00\xff"),  # with more zeros than it needs
        (-1, b"\x02\x01\xff"),
        (-1, b"\x02\x02\xff\xff"),
        (-129, b"\x02\x02\xff\x7f"),
        (0, b"\x02\x01\x00"),
        (1, b"\x02\x01\x01"),
    ],
)
def test_serial_numbers_are_compared_as_numbers_however_they_are_written(serial, written):
    moment = b"\x17\x0d260501000000Z"
    revoked = _sequence(written, moment)
    other = _sequence(b"\x02\x01\x02", moment)
    listed = crl.CertificateList.load(papers.crl(papers.authority(), [(7, NOW)]))
    listed["tbs_cert_list"]["revoked_certificates"] = crl.RevokedCertificates.load(_sequence(other, revoked))
    who = papers.signer().asn1.copy()
    who["tbs_certificate"]["serial_number"] = serial
    who = type(who).load(who.dump(force=True))
    crls.install(crls.Indexes())
    at, _reason = validate_crl.find_cert_in_list(who, who.issuer, listed, papers.authority().asn1.subject)
    assert at is not None
    who["tbs_certificate"]["serial_number"] = 3
    who = type(who).load(who.dump(force=True))
    assert validate_crl.find_cert_in_list(who, who.issuer, listed, papers.authority().asn1.subject)[0] is None


def test_the_threads_of_a_process_share_its_indexes():
    lists = [
        crl.CertificateList.load(papers.crl(papers.root(), [(n, NOW), (n + 1, NOW)]))["tbs_cert_list"][
            "revoked_certificates"
        ].contents
        for n in range(10, 90, 10)
    ]
    indexes = crls.Indexes(most=5)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(indexes.of, lists * 200))
    assert [sorted(each) for each in found] == [[n, n + 1] for n in range(10, 90, 10)] * 200
