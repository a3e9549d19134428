from __future__ import annotations

import contextlib
import ipaddress
import signal
import socket
import ssl
import subprocess
import sys
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from kouan.core.trust import certificates
from kouan.core.trust.keys import KeyUse, generate
from kouan.core.trust.store import KeyStore
from kouan.demo.nodes import free_ports

APPLICATION = """
async def application(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"let in"})
"""


def files(store):
    key = next(key for key in store.keys if key.use is KeyUse.TLS)
    return store.certificate_path(key), store.path_of(key)


def test_a_leaf_names_the_node_and_the_door_for_both_roles(stores, now):
    leaf = x509.load_pem_x509_certificate(files(stores["hk"])[0].read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["hk.node.kouan", "localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert leaf.not_valid_after_utc - now == certificates.LEAF_LIFE
    leaf.verify_directly_issued_by(stores["hk"].tls_ca())


def test_a_ca_is_for_ten_years_and_leaves_alone(stores, now):
    ca = stores["hk"].tls_ca()
    assert ca.not_valid_after_utc - now == certificates.CA_LIFE
    assert certificates.check_ca(ca.public_bytes(Encoding.DER)) == ca


def test_a_ca_that_another_key_signed_is_refused(now):
    key, other = generate("P-256"), generate("P-256")
    ca = certificates.make_ca(key, "hk", now)
    impostor = certificates.make_leaf(key, ca, other.public_key(), side="hk", hosts=(), now=now)
    for der in (impostor.public_bytes(Encoding.DER), b"", bytes(9000)):
        with pytest.raises(ValueError, match=r"\w"):
            certificates.check_ca(der)
    der = bytearray(ca.public_bytes(Encoding.DER))
    for position in range(0, len(der) * 8, 7):
        der[position // 8] ^= 1 << position % 8
        with pytest.raises(ValueError, match=r"\w"):
            certificates.check_ca(bytes(der))
        der[position // 8] ^= 1 << position % 8


def test_every_address_is_nobodys_name():
    hosts = certificates.door_hosts
    assert hosts("https://door.example:8443", "0.0.0.0") == ("door.example",)  # noqa: S104 - left out
    assert hosts("https://[::1]:8443", "::") == ("::1",)
    assert hosts("https://127.0.0.1:8443", "127.0.0.1") == ("127.0.0.1",)


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """Stores whose certificates are valid today, as the handshake asks the clock."""
    home = tmp_path_factory.mktemp("live")
    return {side: KeyStore.create(home / side, side, hosts=("127.0.0.1",)) for side in ("hk", "gd", "mo")}


@pytest.fixture(scope="module")
def door(live, tmp_path_factory):
    """The door of Hong Kong, served by granian, for Guangdong alone."""
    folder = tmp_path_factory.mktemp("door")
    (folder / "served.py").write_text(APPLICATION)
    (folder / "peers.pem").write_bytes(live["gd"].tls_ca().public_bytes(Encoding.PEM))
    certificate, key = files(live["hk"])
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--no-ws", "--ssl-certificate", certificate, "--ssl-keyfile", key]
    command += ["--ssl-ca", folder / "peers.pem", "--ssl-client-verify", "--ssl-protocol-min", "tls1.3"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "served:application"], cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def ask(port, *, trust, identity=None, name="hk.node.kouan"):
    context = ssl.create_default_context(cadata=trust.tls_ca().public_bytes(Encoding.PEM).decode())
    if identity is not None:
        context.load_cert_chain(*files(identity))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as raw,
        context.wrap_socket(raw, server_hostname=name) as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nhost: door\r\nconnection: close\r\n\r\n")
        answer = b""
        while part := tls.recv(4096):
            answer += part
        return tls.version(), answer


@pytest.mark.parametrize("name", ["hk.node.kouan", "127.0.0.1"])
def test_two_sides_that_know_each_other_meet_over_tls_13(live, door, name):
    version, answer = ask(door, trust=live["hk"], identity=live["gd"], name=name)
    assert version == "TLSv1.3"
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"let in")


@pytest.mark.parametrize("who", ["mo", "hk", None])
def test_a_stranger_does_not_get_in(live, door, who):
    # In TLS 1.3 the refusal arrives after the client's handshake: as an alert, or as a connection gone.
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(door, trust=live["hk"], identity=live[who] if who else None)


def test_a_door_of_another_side_is_not_believed(live, door):
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(door, trust=live["gd"], identity=live["gd"])
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        ask(door, trust=live["hk"], identity=live["gd"], name="gd.node.kouan")
