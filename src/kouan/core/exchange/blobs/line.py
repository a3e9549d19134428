"""Asking a sender's door for chunks: blocking, one connection, for a thread of its own."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from kouan.core.exchange.blobs.errors import BlobUnavailable
from kouan.core.exchange.blobs.request import REQUEST_TYPE, BlobRequest
from kouan.core.exchange.times import milliseconds
from kouan.core.exchange.transport import PeerRefused, PeerUnreachable
from kouan.core.trust import certificates, cose
from kouan.core.trust.queries import own

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kouan.core.trust.member import MemberKeys

CONNECT_WITHIN: Final = 5.0
ANSWER_WITHIN: Final = 30.0
"""Seconds without a byte after which the line counts as dead."""
CHUNK_WITHIN: Final = 60.0
"""Seconds in which one chunk must be here, so that a drip cannot hold the thread."""
_PIECE: Final = 1 << 16
_MAX_PROBLEM: Final = 2048


class BlobLine:
    """A connection to one peer's door, opened when it is needed; not for two threads at once."""

    def __init__(self, member: MemberKeys) -> None:
        self.member = member
        self._connection: _Pinned | None = None

    def chunks(self, blob: bytes, first: int, lengths: Sequence[int]) -> Iterator[bytes]:
        """Yield sealed chunks of these lengths as they arrive; nothing of them is verified.

        Raises ``PeerUnreachable`` (try again), ``BlobUnavailable`` (the peer does not have the file) or
        ``PeerRefused``. What was yielded before stays good.
        """
        request = BlobRequest(
            sender=settings.NODE.side,
            receiver=self.member.side,
            blob=blob,
            first=first,
            count=len(lengths),
            at=milliseconds(timezone.now()),
        )
        signed = cose.sign1(request.encode(), own().signer(timezone.now()), content_type=REQUEST_TYPE)
        whole = False
        try:
            response = self._ask(signed, sum(lengths))
            for length in lengths:
                yield _exactly(response, length)
            response.read()  # nothing is left; this frees the connection for the next request
            whole = True
        except (OSError, http.client.HTTPException) as error:  # also TLS, name resolution and time-outs
            raise PeerUnreachable(peer=self.member.side, detail=type(error).__name__) from None
        finally:
            if not whole:
                self.close()

    def _ask(self, signed: bytes, size: int) -> http.client.HTTPResponse:
        connection = self._open()
        connection.request(
            "POST",
            "/blob",
            body=signed,
            headers={
                "content-type": "application/cbor",
                "kouan-sent": str(milliseconds(timezone.now())),
            },
        )
        response = connection.getresponse()
        if response.status == http.HTTPStatus.OK:
            if response.getheader("content-length") != str(size):
                raise PeerRefused(
                    peer=self.member.side,
                    answer_status=response.status,
                    detail="another length than asked for",
                )
            return response
        if response.status in {http.HTTPStatus.NOT_FOUND, http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}:
            raise BlobUnavailable
        said = response.read(_MAX_PROBLEM)[:300].decode("utf-8", "replace")
        text = "".join(one if one.isprintable() else "\ufffd" for one in said)
        raise PeerRefused(peer=self.member.side, answer_status=response.status, detail=text)

    def _open(self) -> _Pinned:
        if self._connection is None:
            context = ssl.create_default_context(cadata=self.member.tls_ca_pem.decode("ascii"))
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(own().tls_certificate, own().tls_key)
            self._connection = _Pinned(
                self.member.door_url, certificates.node_name(self.member.side), context
            )
        return self._connection

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Pinned(http.client.HTTPConnection):
    """HTTP/1.1 over TLS to the node that a trust document names, wherever its door listens."""

    def __init__(self, url: str, name: str, context: ssl.SSLContext) -> None:
        place = urlsplit(url)
        super().__init__(place.hostname or "", place.port or 443, timeout=ANSWER_WITHIN)
        self._name = name
        self._context = context

    def connect(self) -> None:
        """Connect and make sure that it is that node."""
        plain = socket.create_connection((self.host, self.port), CONNECT_WITHIN)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(ANSWER_WITHIN)
        self.sock = self._context.wrap_socket(plain, server_hostname=self._name)


def _exactly(response: http.client.HTTPResponse, length: int) -> bytes:
    """Return ``length`` bytes; raises ``TimeoutError`` for a drip and ``IncompleteRead`` for an early end."""
    buffer = bytearray(length)
    view, filled = memoryview(buffer), 0
    deadline = time.monotonic() + CHUNK_WITHIN
    while filled < length:
        piece = response.read1(min(_PIECE, length - filled))
        if not piece:
            raise http.client.IncompleteRead(b"", length - filled)
        view[filled : filled + len(piece)] = piece
        filled += len(piece)
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(buffer)
