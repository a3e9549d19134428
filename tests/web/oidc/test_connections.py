"""Connections to a provider that stay open: used again, never for another's question, always bounded."""

from __future__ import annotations

import os
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kouan.web import oidc
from kouan.web.oidc import connections, line


class Keeping:
    """A server that keeps its connections, as long as it wants to; ``opened`` counts them."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.opened = 0
        self.asked: list[tuple[str, str, bytes]] = []
        self.hangs_up = False
        self.body = b"{}"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a client that does not trust it hangs up
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "http" if context is None else "https"
        self.origin = f"{scheme}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _handler(server):  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                server.opened += 1
                super().setup()

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                server.asked.append((self.command, self.path, body))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)
                if server.hangs_up:  # without having said so
                    self.close_connection = True

            def do_POST(self):
                self.do_GET()

            def log_message(self, *_):
                """Say nothing."""

        return Handler

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def keeping():
    server = Keeping()
    yield server
    line.forget()
    server.close()


def provider_at(server, **more):
    return oidc.Provider(
        **{
            "issuer": server.origin, "client_id": "c", "redirect_uri": "https://node.example/back",
            "client_secret": "s", "demonstration": True,
        }
        | more
    )  # fmt: skip


def test_one_connection_serves_many_questions(keeping):
    provider = provider_at(keeping)
    for number in range(5):
        answer = line.ask(provider, f"{keeping.origin}/a?n={number}", form={"code": f"ä&{number}"})
        assert (answer.status, answer.content_type, answer.body) == (200, "application/json", b"{}")
    assert keeping.opened == 1
    assert keeping.asked[3] == ("POST", "/a?n=3", b"code=%C3%A4%263")


def test_threads_do_not_share_a_connection_at_one_time(keeping):
    provider = provider_at(keeping)
    together = threading.Barrier(4)

    def ask() -> None:
        together.wait(30)
        for _each in range(20):
            assert line.ask(provider, f"{keeping.origin}/a").body == b"{}"

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(keeping.asked) == 80
    assert keeping.opened <= 4


def test_a_connection_that_the_provider_has_closed_is_replaced(keeping):
    keeping.hangs_up = True
    provider = provider_at(keeping)
    for _each in range(3):
        assert line.ask(provider, f"{keeping.origin}/a").status == 200
    assert len(keeping.asked) == 3, "and nothing was asked twice"
    assert keeping.opened == 3


def test_a_connection_that_nobody_used_for_long_is_not_used_again(keeping, monkeypatch):
    provider = provider_at(keeping)
    line.ask(provider, f"{keeping.origin}/a")
    monkeypatch.setattr(connections, "IDLE", -1.0)
    line.ask(provider, f"{keeping.origin}/a")
    assert keeping.opened == 2


def test_after_an_answer_that_is_too_long_the_connection_is_gone(keeping):
    provider = provider_at(keeping)
    keeping.body = b" " * (line.MOST + 1)
    with pytest.raises(oidc.ProviderUnreachable):
        line.ask(provider, f"{keeping.origin}/a")
    keeping.body = b" " * line.MOST
    assert len(line.ask(provider, f"{keeping.origin}/a").body) == line.MOST
    assert keeping.opened == 2


def test_a_connection_that_is_kept_has_the_time_limit_too(keeping, monkeypatch):
    provider = provider_at(keeping)
    line.ask(provider, f"{keeping.origin}/a")
    monkeypatch.setattr(line, "TIME_LIMIT", 0.0)
    with pytest.raises(oidc.ProviderUnreachable):
        line.ask(provider, f"{keeping.origin}/a")
    assert len(keeping.asked) == 1


# Whom a connection trusts


def issued(folder, name: str):
    """Make an authority and a certificate of its for 127.0.0.1; return the authority's file and a context."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    return certificate, context


@pytest.fixture
def sealed(tmp_path):
    authority, context = issued(tmp_path, "right")
    server = Keeping(context)
    yield server, authority, issued(tmp_path, "wrong")[0]
    line.forget()
    server.close()


def test_a_connection_is_for_who_trusts_the_same_authority(sealed):
    server, right, wrong = sealed
    for _each in range(3):
        assert line.ask(provider_at(server, ca_file=right), f"{server.origin}/a").status == 200
    opened = server.opened
    for untrusting in (wrong, None):
        with pytest.raises(oidc.ProviderUnreachable):
            line.ask(provider_at(server, ca_file=untrusting), f"{server.origin}/a")
    assert len(server.asked) == 3, "a connection that another authority vouched for is not used"
    assert opened == 1


def test_a_certificate_for_another_host(sealed):
    server, right, _ = sealed
    elsewhere = server.origin.replace("127.0.0.1", "localhost")
    with pytest.raises(oidc.ProviderUnreachable):
        line.ask(provider_at(server, ca_file=right), f"{elsewhere}/a")
    assert not server.asked


def test_an_authority_that_was_replaced_counts_at_once(sealed):
    server, right, wrong = sealed
    provider = provider_at(server, ca_file=right)
    assert line.ask(provider, f"{server.origin}/a").status == 200
    later = right.stat().st_mtime_ns + 1_000_000  # however coarse the file system's clock is
    right.write_bytes(wrong.read_bytes())
    os.utime(right, ns=(later, later))
    with pytest.raises(oidc.ProviderUnreachable):
        line.ask(provider, f"{server.origin}/a")
    assert len(server.asked) == 1
