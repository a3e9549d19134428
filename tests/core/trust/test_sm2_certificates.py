"""SM2 certificates, issued here and by the ``openssl`` program, and what each thinks of the other's."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from asn1crypto import algos, cms, crl, pem
from cryptography.exceptions import InvalidSignature
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.trust import sm2
from kouan.core.trust import sm2_certificates as sm2c

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 1, tzinfo=UTC)
YEARS = timedelta(days=3650)
POLICY = "2.16.344.8.2.2008.810.2.2012.1.0"

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl program here")


def _openssl(*arguments: object) -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _pem(der: bytes) -> bytes:
    armoured: bytes = pem.armor("CERTIFICATE", der)
    return armoured


@pytest.fixture(scope="module")
def chain() -> tuple[sm2c.Issuer, sm2c.Issuer, bytes]:
    root = sm2c.self_signed_ca(
        sm2c.name_of(country_name="CN", common_name="示範根"), since=NOW, until=NOW + 3 * YEARS
    )
    issuing = sm2c.issue_ca(
        root, sm2c.name_of(country_name="CN", common_name="示範簽發"), since=NOW, until=NOW + YEARS,
        policies=[POLICY],
    )  # fmt: skip
    leaf = sm2c.issue_signer(
        issuing, sm2c.name_of(common_name="陳大文"), sm2.PrivateKey.generate().public_key(), since=NOW,
        until=NOW + YEARS, policies=[POLICY], crl_url="http://crl.example/1.crl",
    )  # fmt: skip
    return root, issuing, leaf.dump()


def test_each_certificate_holds_by_its_issuer_alone(chain: tuple[sm2c.Issuer, sm2c.Issuer, bytes]) -> None:
    root, issuing, leaf = chain
    again = sm2c.load(leaf)
    assert sm2c.is_sm2(again)
    sm2c.check_signed(again, sm2c.public_key(issuing.certificate))
    sm2c.check_signed(sm2c.load(issuing.certificate.dump()), root.key.public_key())
    sm2c.check_signed(root.certificate, root.key.public_key())
    with pytest.raises(InvalidSignature):
        sm2c.check_signed(again, root.key.public_key())
    assert again.certificate_policies_value[0]["policy_identifier"].native == POLICY
    assert again.crl_distribution_points[0].url == "http://crl.example/1.crl"
    # From 2050 on, X.509 has another form of time.
    assert root.certificate["tbs_certificate"]["validity"]["not_after"].name == "general_time"


def test_a_certificate_comes_from_pem_too(chain: tuple[sm2c.Issuer, sm2c.Issuer, bytes]) -> None:
    assert sm2c.load(_pem(chain[2])).dump() == chain[2]


def test_a_crl_holds_by_its_issuer_alone(chain: tuple[sm2c.Issuer, sm2c.Issuer, bytes]) -> None:
    root, issuing, leaf = chain
    serial = sm2c.load(leaf).serial_number
    data = sm2c.issue_crl(issuing, {serial: NOW}, at=NOW, until=NOW + timedelta(days=7))
    listed = crl.CertificateList.load(data, strict=True)
    sm2c.check_signed(listed, issuing.key.public_key())
    with pytest.raises(InvalidSignature):
        sm2c.check_signed(listed, root.key.public_key())
    assert listed["tbs_cert_list"]["revoked_certificates"][0]["user_certificate"].native == serial
    empty = crl.CertificateList.load(sm2c.issue_crl(issuing, {}, at=NOW, until=NOW + timedelta(days=7)))
    assert empty["tbs_cert_list"]["revoked_certificates"].native is None


def test_names_that_asn1crypto_knew_before_stay_known() -> None:
    assert algos.DigestAlgorithmId("sha256").dotted == "2.16.840.1.101.3.4.2.1"
    sm2c.register.__wrapped__()
    assert algos.DigestAlgorithmId("sha256").dotted == "2.16.840.1.101.3.4.2.1"
    assert algos.DigestAlgorithmId("sm3").dotted == sm2c.SM3
    assert algos.SignedDigestAlgorithmId("sha256_rsa").dotted == "1.2.840.113549.1.1.11"
    assert cms.ContentType("signed_data").dotted == "1.2.840.113549.1.7.2"


@given(st.data())
def test_a_changed_certificate_does_not_hold(
    chain: tuple[sm2c.Issuer, sm2c.Issuer, bytes], data: st.DataObject
) -> None:
    _root, issuing, leaf = chain
    place = data.draw(st.integers(0, len(leaf) - 1))
    changed = bytearray(leaf)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        certificate = sm2c.load(bytes(changed))
    except ValueError:
        return
    with pytest.raises(InvalidSignature):
        sm2c.check_signed(certificate, issuing.key.public_key())


@pytest.mark.parametrize(
    "junk", [b"", b"\x30\x80", b"-----BEGIN X-----\nAA==\n-----END X-----\n", bytes(70_000)]
)
def test_what_is_no_certificate_is_a_value_error(junk: bytes) -> None:
    with pytest.raises(ValueError, match="certificate"):
        sm2c.load(junk)


@needs_openssl
def test_openssl_follows_a_chain_that_was_issued_here(
    chain: tuple[sm2c.Issuer, sm2c.Issuer, bytes], tmp_path: Path
) -> None:
    root, issuing, leaf = chain
    for name, der in (("root", root.certificate.dump()), ("ca", issuing.certificate.dump()), ("leaf", leaf)):
        (tmp_path / name).write_bytes(_pem(der))
    listed = sm2c.issue_crl(issuing, {1: NOW}, at=NOW, until=NOW + timedelta(days=7))
    (tmp_path / "crl").write_bytes(listed)
    at: tuple[object, ...] = ("-attime", int((NOW + timedelta(days=1)).timestamp()))
    # The program knows of no default identity, and takes one for a single certificate alone.
    at += ("-vfyopt", "distid:1234567812345678", "-partial_chain")
    for issuer, issued in (("root", "ca"), ("ca", "leaf")):
        told = _openssl("verify", *at, "-CAfile", tmp_path / issuer, tmp_path / issued)
        assert told.strip().endswith(b"OK")
    told = _openssl("crl", "-inform", "DER", "-in", tmp_path / "crl", "-noout", "-text")
    assert b"Serial Number: 01" in told
    assert b"SM2-with-SM3" in told


@needs_openssl
def test_a_certificate_that_openssl_issued_holds_here(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key", tmp_path / "crt"
    _openssl("genpkey", "-algorithm", "SM2", "-out", key)
    _openssl(
        "req", "-x509", "-new", "-key", key, "-sm3", "-sigopt", "distid:1234567812345678",
        "-subj", "/CN=openssl", "-days", "30", "-out", certificate,
    )  # fmt: skip
    read = sm2c.load(certificate.read_bytes())
    sm2c.check_signed(read, sm2c.public_key(read))
    with pytest.raises(InvalidSignature):
        sm2c.check_signed(read, sm2.PrivateKey.generate().public_key())
