"""JSON Web Signatures: verified by ``openssl`` and joserfc, and SM2 ones of ``openssl`` read here."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from asn1crypto import pem
from cryptography import x509
from joserfc import jws as joserfc
from joserfc.jwk import ECKey, RSAKey

import signed_papers as papers
from kouan.apps.signing.making import jws, keys, office, orders
from kouan.apps.signing.making.errors import NotSignable
from kouan.apps.signing.models import OfficeSignature
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Trust
from kouan.core.trust import sm2

NOW = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
CONTENT = '{"許可":"批准"}'.encode()
SM2_OPTIONS = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl program here")


def parts_of(token):
    return [base64.urlsafe_b64decode(each + "=" * (-len(each) % 4)) for each in token.decode().split(".")]


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def openssl(*arguments, folder, **files):
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return subprocess.run(
        ["openssl", "pkeyutl", *arguments, *SM2_OPTIONS], cwd=folder, capture_output=True, check=False
    )


@pytest.mark.parametrize(("kind", "name", "key_kind"), [("rsa", "RS256", RSAKey), ("p256", "ES256", ECKey)])
def test_any_reader_of_jws_verifies_it(node, signers, kind, name, key_kind):
    token = jws.enclosing(CONTENT, keys.signer(kind), at=NOW)
    certificate = x509.load_der_x509_certificate(signers[kind].certificates[0])
    registry = joserfc.JWSRegistry(algorithms=[name], strict_check_header=False)
    registry.max_header_length = 8192  # the certificates are in it
    found = joserfc.deserialize_compact(
        token, key_kind.import_key(certificate.public_key()), registry=registry
    )
    assert found.payload == CONTENT
    header = json.loads(parts_of(token)[0])
    assert header["x5c"] == [base64.b64encode(each).decode() for each in signers[kind].certificates]
    assert header["iat"] == int(NOW.timestamp())


@needs_openssl
def test_openssl_verifies_what_sm2_signs(node, signers, tmp_path):
    token = jws.enclosing(CONTENT, keys.signer("sm2"), at=NOW)
    header, payload, signature = parts_of(token)
    assert json.loads(header)["alg"] == "SGD_SM3_SM2"
    assert (payload, len(signature)) == (CONTENT, 64)
    signed = token.rpartition(b".")[0]
    spki = keys.signer("sm2").certificate.public_key.dump()
    files = {"key": pem.armor("PUBLIC KEY", spki), "signature": sm2.der_of(signature)}
    given = ("-verify", "-pubin", "-inkey", "key", "-sigfile", "signature", "-in", "data")
    assert openssl(*given, folder=tmp_path, data=signed, **files).returncode == 0
    assert openssl(*given, folder=tmp_path, data=signed + b"x", **files).returncode != 0


def judged(token):
    lists = papers.sm2_crls()
    trust = Trust(roots=(papers.sm2_root().certificate.dump(),), crls=lists, moment=papers.NOW)
    return validated(io.BytesIO(token), Engine(trust, Checker()))


@needs_openssl
def test_what_openssl_signs_with_sm2_is_valid_here(tmp_path):
    certificate, key = papers.sm2_signer()
    chain = [certificate.dump(), papers.sm2_authority().certificate.dump()]
    header = {"alg": "SGD_SM3_SM2", "x5c": [base64.b64encode(each).decode() for each in chain]}
    signed = encoded(json.dumps(header).encode()) + b"." + encoded(CONTENT)
    done = openssl("-sign", "-inkey", "key", "-in", "data", folder=tmp_path, key=key.pem, data=signed)
    assert done.returncode == 0, done.stderr
    found = judged(signed + b"." + encoded(sm2.raw_of(done.stdout)))
    assert found.verdict is Verdict.TOTAL_PASSED, found.reasons
    assert found.signatures[0].signature_algorithm == "sm2_sm3"
    changed = encoded(json.dumps(header).encode()) + b"." + encoded(CONTENT + b" ")
    found = judged(changed + b"." + encoded(sm2.raw_of(done.stdout)))
    assert (found.verdict, found.sub_indication) == (Verdict.TOTAL_FAILED, SubIndication.SIG_CRYPTO_FAILURE)


@pytest.mark.django_db
def test_an_office_signs_so_and_it_is_on_record(node, signers):
    row = office.sign(CONTENT, signer="sm2", owner="lee", file_name="permit.json", form="jws")
    assert orders.result_name(row) == "permit.json.jws"
    assert parts_of(bytes(row.result))[1] == CONTENT
    assert OfficeSignature.objects.get().form == "jws"
    with pytest.raises(NotSignable, match="too long"):
        office.sign(bytes(jws.MAX_CONTENT + 1), signer="sm2", owner="lee", file_name="a", form="jws")
    with pytest.raises(NotSignable, match="only a PDF"):
        office.sign(CONTENT, signer="sm2", owner="lee", file_name="a", form="jws", level=office.Level.T)
