"""Keys and certificates of all kinds, and a PDF to sign."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass, replace

import pytest
from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from reportlab.pdfgen import canvas

from core.exchange.authority import establish, serving
from kouan.core.trust import sm2
from kouan.core.trust import sm2_certificates as sm2c
from kouan.sections import TimeSettings
from kouan.sections.signers import SignerSettings

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
YEAR = 365 * DAY


@dataclass(frozen=True)
class Made:
    """A signer's key and certificates, and the settings that name them."""

    key: object
    certificates: tuple[bytes, ...]
    """DER, its own first."""
    settings: SignerSettings


def chain(key, *, since=NOW - DAY, until=NOW + YEAR):
    """A certificate of a key, and that of the CA that issued it."""
    authority = rsa.generate_private_key(65537, 2048)
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in ("Office of Tests", "Test CA")
    ]

    def certificate(subject, public, *, ca):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(names[1])
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=not ca,
                    content_commitment=not ca,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=ca,
                    crl_sign=ca,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .sign(authority, hashes.SHA256())
        )

    own = certificate(names[0], key.public_key(), ca=False)
    root = certificate(names[1], authority.public_key(), ca=True)
    return tuple(each.public_bytes(Encoding.DER) for each in (own, root))


def sm2_chain(key):
    root = sm2c.self_signed_ca(sm2c.name_of(common_name="Test SM2 CA"), since=NOW - DAY, until=NOW + YEAR)
    own = sm2c.issue_signer(
        root, sm2c.name_of(common_name="Office of Tests"), key.public_key(), since=NOW - DAY, until=NOW + YEAR
    )
    return own.dump(), root.certificate.dump()


@pytest.fixture(scope="session")
def signers(tmp_path_factory):
    """One signer in files for each kind of key."""
    home = tmp_path_factory.mktemp("signers")
    keys = {
        "rsa": rsa.generate_private_key(65537, 2048),
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "sm2": sm2.PrivateKey.generate(),
    }
    made = {}
    for name, key in keys.items():
        certificates = sm2_chain(key) if name == "sm2" else chain(key)
        data = (
            key.pem if name == "sm2" else key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (home / f"{name}.key").write_bytes(data)
        (home / f"{name}.key").chmod(0o600)
        (home / f"{name}.pem").write_bytes(b"".join(pem.armor("CERTIFICATE", each) for each in certificates))
        made[name] = Made(
            key,
            certificates,
            SignerSettings(name, "file", key=str(home / f"{name}.key"), certificates=home / f"{name}.pem"),
        )
    return made


@pytest.fixture
def node(settings, signers):
    """A node that names those signers."""
    settings.NODE = replace(settings.NODE, signers=tuple(each.settings for each in signers.values()))
    return settings.NODE


@pytest.fixture(scope="session")
def paper():
    """A small PDF."""
    output = io.BytesIO()
    page = canvas.Canvas(output)
    page.drawString(72, 720, "To be signed.")
    page.showPage()
    page.save()
    return output.getvalue()


@pytest.fixture
def authority(settings, tmp_path):
    """A real time-stamping authority, which the node is set to use."""
    folder = tmp_path / "authority"
    folder.mkdir()
    made = establish(folder)
    with serving(made.reply) as url:
        settings.NODE = replace(settings.NODE, time=TimeSettings(url, made.ca))
        yield made
