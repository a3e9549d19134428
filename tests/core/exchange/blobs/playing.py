"""The other side's part, written a second time from docs/protocol.md: a sealed file, and a door."""

from __future__ import annotations

import hashlib
import secrets
import ssl
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kouan.core import cbor
from kouan.core.exchange import Payload
from kouan.core.exchange.blobs.reference import Blob  # noqa: TC001 - pydantic reads it
from kouan.core.trust import cose, sealing
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.own import load

MIB = 1 << 20
REQUEST = "application/kouan-blob-request+cose"


class Scans(Payload):
    """The payload of the tests' own declaration with files."""

    scans: list[Blob]


def seal_file(content, key):
    """STREAM with age's nonces, as the protocol's page has it."""
    parts = [content[at : at + MIB] for at in range(0, len(content), MIB)] or [b""]
    cipher = AESGCM(key)
    return b"".join(
        cipher.encrypt(index.to_bytes(11, "big") + bytes([index == len(parts) - 1]), part, None)
        for index, part in enumerate(parts)
    )


def reference(content, *, sender, receiver, to, **changed):
    """A file's reference for the side with the public keys ``to``, and its sealed bytes."""
    key = secrets.token_bytes(32)
    listed = next(each for each in to.trust.content.keys if each.use is KeyUse.DECRYPT)
    blob = {
        "id": uuid.uuid4().bytes,
        "sha256": hashlib.sha256(content).digest(),
        "size": len(content),
        "media_type": "image/tiff",
        "kid": listed.kid,
    } | changed
    info = (
        b"kouan-blob-key/1\0"
        + f"{sender}\0{receiver}\0{blob['size']}\0".encode()
        + blob["id"]
        + blob["sha256"]
    )
    blob.setdefault("key", sealing.wrap_batch_key(key, listed.public, info=info))
    return blob, seal_file(content, key)


class PlayedDoor:
    """Serves ``POST /blob`` over TLS 1.3; ``answer`` may be replaced to misbehave."""

    def __init__(self, store, *, side):
        self.files = {}
        """Sealed bytes by blob id."""
        self.asked = []
        """Every request, as its fields."""
        self.answer = self.honest
        self.node = None
        """The public keys of whoever may ask."""
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                signed = cose.read1(body, content_type=REQUEST, max_bytes=1024)
                fields = cbor.decode(signed.payload, max_bytes=1024)
                from kouan.core.exchange.times import from_milliseconds  # noqa: PLC0415 - Django is ready by then

                signed.verify(door.node.verification_key(signed.kid, from_milliseconds(fields["at"])))
                assert (self.path, self.headers["content-type"]) == ("/blob", "application/cbor")
                door.asked.append(fields)
                sealed = door.files[fields["blob"]]
                begin = fields["first"] * (MIB + 16)
                door.answer(self, sealed[begin : begin + fields["n"] * (MIB + 16)])

            def log_message(self, *_arguments):
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_arguments):
                """Say nothing: clients leave in the middle on purpose."""

        self._server = Server(("127.0.0.1", 0), Handler)
        keys = load(store.directory, side=side, door_url="https://127.0.0.1:1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(keys.tls_certificate, keys.tls_key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    # What it may do

    def honest(self, request, data, *, length=None):
        request.send_response(200)
        request.send_header("content-length", str(len(data) if length is None else length))
        request.end_headers()
        request.wfile.write(data)

    def refuses(self, status, body=b"no"):
        def answer(request, _data):
            request.send_response(status)
            request.send_header("content-length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        return answer

    def cuts_after(self, count):
        def answer(request, data):
            self.honest(request, data[:count], length=len(data))
            request.close_connection = True

        return answer

    def changes(self, change):
        def answer(request, data):
            self.honest(request, change(data))

        return answer

    def never_ends(self):
        def answer(request, data):
            request.send_response(200)
            request.send_header("transfer-encoding", "chunked")
            request.end_headers()
            while True:
                request.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")

        return answer

    def drips(self, seconds):
        def answer(request, data):
            request.send_response(200)
            request.send_header("content-length", str(len(data)))
            request.end_headers()
            for at in range(len(data)):
                request.wfile.write(data[at : at + 1])
                time.sleep(seconds)

        return answer
