"""Results that an office's key signs, wherever that key is: in a file, in SoftHSM2, at a signing service."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from asn1crypto import pem, x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

import softhsm
from apps.services.cases.made import opened_pdf
from apps.signing.making.test_remote import CREDENTIAL, PIN, TOKEN, SigningService, serving
from core.exchange.authority import establish
from core.exchange.authority import serving as telling_time
from kouan.apps.services.cases import granting, issued, working
from kouan.apps.signing.making import keys
from kouan.apps.signing.making.errors import SignerUnusable
from kouan.apps.signing.models import OfficeSignature, SigningOrder
from kouan.demo.authorities import issue_signer, make
from kouan.sections import TimeSettings
from kouan.sections.signers import SignerSettings

# A file is sealed for the other side outside any transaction.
pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = {"make": "TOYOTA"}
HOLDER = "Transport Department, seal"


@pytest.fixture(scope="module")
def seal(tmp_path_factory):
    """A department's key and certificates: a folder with ``key`` and ``pem``."""
    home = tmp_path_factory.mktemp("seal")
    made = make("Harbour", "rsa")
    certificate, key = issue_signer(made, HOLDER)
    (home / "key").touch(mode=0o600)
    (home / "key").write_bytes(key)
    (home / "pem").write_bytes(certificate + made.issuing + made.root)
    return home


@pytest.fixture(scope="module")
def in_file(seal):
    return SignerSettings("seal", "file", key=str(seal / "key"), certificates=seal / "pem")


@pytest.fixture(scope="module")
def in_token(seal):
    """SoftHSM2 with that key in it."""
    softhsm.home()
    softhsm.run("--import", str(seal / "key"), "--token", "office", "--label", "seal", "--id", "5e")
    yield SignerSettings(
        "seal",
        "token",
        key="seal",
        certificates=seal / "pem",
        module=softhsm.MODULE,
        label="office",
        secrets={"pin": softhsm.PIN},
    )
    keys._tokens.clear()


@pytest.fixture(scope="module")
def at_service(seal):
    """A service after CSC API v2 that holds that key."""
    certificates = tuple(der for _k, _h, der in pem.unarmor((seal / "pem").read_bytes(), multiple=True))
    key = load_pem_private_key((seal / "key").read_bytes(), None)
    with serving(SigningService(key, certificates)) as service:
        secrets = {"token": TOKEN, "authorisation": PIN}
        yield SignerSettings("seal", "remote", url=service.url, credential=CREDENTIAL, secrets=secrets)


@pytest.fixture
def signed_by(settings, node):
    def give(*signers, time=None):
        settings.NODE = replace(settings.NODE, signers=signers, time=time)

    return give


@pytest.fixture
def grant(transactional_db, case, officer):
    worker = officer()

    def make_(row=None):
        if row is None:
            row = case()
            row = working.take_up(case=row, officer=worker, changed=row.changed)
        return granting.grant(case=row, officer=worker, changed=row.changed, given=GIVEN), worker

    return make_


def status_of(pdf, seal):
    (signature,) = opened_pdf(pdf).embedded_signatures
    root = [der for _k, _h, der in pem.unarmor((seal / "pem").read_bytes(), multiple=True)][-1]
    context = ValidationContext(trust_roots=[x509.Certificate.load(root)], allow_fetching=False)
    return validate_pdf_signature(signature, context)


@pytest.mark.parametrize(
    "where",
    ["in_file", pytest.param("in_token", marks=softhsm.marks), "at_service"],
)
def test_a_result_bears_the_signature_of_its_department_s_key(request, grant, signed_by, seal, where):
    signed_by(replace(request.getfixturevalue(where), departments=("transport",)))
    row, worker = grant()
    pdf = issued.pdf(row)
    status = status_of(pdf, seal)
    assert status.bottom_line
    assert status.signing_cert.subject.native["common_name"] == HOLDER
    (signature,) = opened_pdf(pdf).embedded_signatures
    assert (signature.field_name, signature.sig_object["/Name"]) == ("Department", "Transport Department")
    note = OfficeSignature.objects.get()
    assert (note.signer, note.by, note.file_name) == ("seal", worker.username, f"{row.reference}.pdf")
    assert len(note.sha256) == len(hashlib.sha256().digest())
    assert not SigningOrder.objects.exists()  # the result is kept sealed with its case, and nowhere else


def test_other_departments_and_every_one_without_its_own(grant, signed_by, seal, in_file):
    signed_by(replace(in_file, departments=("fire-services",)))
    row, _worker = grant()
    assert not status_of(issued.pdf(row), seal).trusted  # under this side's own CA
    assert not OfficeSignature.objects.exists()
    signed_by(replace(in_file, name="other"), replace(in_file, departments=("*",)))
    row, _worker = grant()
    assert status_of(issued.pdf(row), seal).trusted


def test_a_key_that_cannot_be_used_grants_nothing(grant, signed_by, in_file, at_service):
    signed_by(replace(at_service, departments=("*",), secrets={"token": "another"}))
    with pytest.raises(SignerUnusable, match="401"):
        grant()
    assert not OfficeSignature.objects.exists()
    row = granting.Case.objects.get()
    assert row.state == "in-review"
    signed_by(replace(in_file, departments=("*",)))
    row, _worker = grant(row)
    assert (row.state, OfficeSignature.objects.count()) == ("granted", 1)


def test_where_there_is_a_clock_the_result_bears_its_time(grant, signed_by, seal, in_file, tmp_path):
    clock = establish(tmp_path)
    with telling_time(clock.reply) as url:
        signed_by(replace(in_file, departments=("*",)), time=TimeSettings(url, clock.ca))
        row, _worker = grant()
    assert status_of(issued.pdf(row), seal).timestamp_validity.valid
