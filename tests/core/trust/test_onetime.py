"""Keys for one signature: certified by the side's CA, for documents alone, and never kept."""

from __future__ import annotations

import pickle
import ssl
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from kouan.core.trust.onetime import DOCUMENT_SIGNING
from kouan.core.trust.own import load
from kouan.core.trust.store import KeyStore


@pytest.fixture
def keys(tmp_path):
    store = KeyStore.create(tmp_path / "hk", "hk", suite_id=2)
    return load(store.directory, side="hk", door_url="https://127.0.0.1:1")


def signer(keys, officer="王芳, Director", **more):
    return keys.one_time_signer(officer=officer, organisation="Hong Kong", at=datetime.now(UTC), **more)


def test_the_certificate_names_the_officer_and_leads_to_the_trust_documents_ca(keys):
    """Whatever the side's suite is, here Ed25519: a P-256 key, which every PDF reader checks."""
    made = signer(keys)
    certificate = x509.load_der_x509_certificate(made.certificate)
    ca = x509.load_pem_x509_certificate(keys.public.tls_ca_pem)
    certificate.verify_directly_issued_by(ca)
    assert [each.value for each in certificate.subject] == ["Hong Kong", "王芳, Director"]
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        DOCUMENT_SIGNING
    ]
    assert certificate.not_valid_after_utc == ca.not_valid_after_utc
    certificate.public_key().verify(made.sign(b"paper"), b"paper", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        certificate.public_key().verify(made.sign(b"paper"), b"other", ec.ECDSA(hashes.SHA256()))


def test_each_signature_has_a_key_of_its_own_and_none_is_kept(keys):
    before = sorted(path.name for path in keys.tls_key.parent.iterdir())
    first, second = signer(keys), signer(keys)
    assert first.certificate != second.certificate
    assert sorted(path.name for path in keys.tls_key.parent.iterdir()) == before
    with pytest.raises(TypeError):
        pickle.dumps(first)


def test_a_name_too_long_for_a_certificate_is_cut(keys):
    made = x509.load_der_x509_certificate(signer(keys, officer="a" * 200).certificate)
    assert [len(each.value) for each in made.subject] == [9, 64]


def test_no_tls_handshake_takes_it(keys):
    """The door would not let anybody in with one."""
    made = x509.load_der_x509_certificate(signer(keys).certificate)
    usages = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.ObjectIdentifier(ssl.Purpose.CLIENT_AUTH.oid) not in usages
    assert x509.ObjectIdentifier(ssl.Purpose.SERVER_AUTH.oid) not in usages
