"""A real time-stamping authority: ``openssl ts`` behind a small HTTP server, with certificates of its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
POLICY = "1.2.3.4.1"
CONFIGURATION = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = {policy}
other_policies = 1.2.3.4.5
digests = sha256, sha384
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """An authority with its folder; ``answer`` may be changed to misbehave."""

    folder: Path
    answer: object = None
    """What turns a question into status, content type and body; the true answer if ``None``."""
    asked: list[bytes] = field(default_factory=list)
    url: str = ""
    issuers: dict[x509.Certificate, rsa.RSAPrivateKey] = field(default_factory=dict)
    """The root and the authority between, with their keys."""

    @property
    def ca(self):
        return self.folder / "ca.pem"

    def lists(self, *, until=NOW + 20 * DAY):
        """The revocation lists of the root and of the authority between, DER; nothing is revoked."""
        return [
            x509.CertificateRevocationListBuilder()
            .issuer_name(each.subject)
            .last_update(NOW - DAY)
            .next_update(until)
            .add_extension(x509.CRLNumber(1), critical=False)
            .sign(key, hashes.SHA256())
            .public_bytes(serialization.Encoding.DER)
            for each, key in self.issuers.items()
        ]

    def true_answer(self, question, *, signer="tsa"):
        """What ``openssl ts`` answers."""
        (self.folder / "question.tsq").write_bytes(question)
        done = subprocess.run(
            [
                "openssl", "ts", "-reply", "-config", "openssl.cnf", "-queryfile", "question.tsq",
                "-signer", f"{signer}.pem", "-inkey", "tsa.key", "-chain", "chain.pem", "-out", "answer.tsr",
            ],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return (self.folder / "answer.tsr").read_bytes()

    def reply(self, question):
        self.asked.append(question)
        if self.answer is not None:
            return self.answer(question)
        return 200, "application/timestamp-reply", self.true_answer(question)


def establish(folder: Path) -> Authority:
    """Make a root, an authority between, and a time-stamping certificate; others that do not count too."""
    root_key, other_key, middle_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(4))
    root = certificate("Test time root", root_key, "Test time root", root_key, ca=True)
    middle = certificate("Test time authority", middle_key, "Test time root", root_key, ca=True)
    signers = {
        "tsa": certificate("Test stamps", key, "Test time authority", middle_key),
        "expired": certificate("Test stamps", key, "Test time authority", middle_key, until=NOW - DAY),
        "early": certificate("Test stamps", key, "Test time authority", middle_key, since=NOW + DAY),
        "soft": certificate("Test stamps", key, "Test time authority", middle_key, critical=False),
        "self": certificate("Test stamps", key, "Test stamps", key),
    }
    # The same name, and another key.
    other = certificate("Test time root", other_key, "Test time root", other_key, ca=True)
    for name, each in {"ca": root, "other": other, "middle": middle, **signers}.items():
        (folder / f"{name}.pem").write_bytes(each.public_bytes(serialization.Encoding.PEM))
    (folder / "chain.pem").write_bytes((folder / "middle.pem").read_bytes())
    (folder / "tsa.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "serial").write_text("01\n")
    (folder / "openssl.cnf").write_text(CONFIGURATION.format(folder=folder, policy=POLICY))
    return Authority(folder, issuers={root: root_key, middle: middle_key})


def certificate(  # noqa: PLR0913 - what a test may want to be different
    subject, key, issuer, issuer_key, *, ca=False, critical=True, since=NOW - 30 * DAY, until=NOW + 30 * DAY
):
    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(max(until, since + DAY))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if not ca:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=critical
        )
    return builder.sign(issuer_key, hashes.SHA256())


@contextlib.contextmanager
def serving(reply):
    """Serve ``reply(body) -> (status, content type, body)`` for POSTs to any path; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            status, content_type, body = reply(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked may have had enough
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
