"""Asking a sender's door for chunks: blocking, one connection, for a thread of its own."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone

from kouan.core.exchange.blobs.errors import BlobUnavailable
from kouan.core.exchange.blobs.request import REQUEST_TYPE, BlobRequest
from kouan.core.exchange.times import milliseconds
from kouan.core.exchange.transport import PeerRefused, PeerUnreachable, connection_to
from kouan.core.trust import cose
from kouan.core.trust.queries import own

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kouan.core.trust.member import MemberKeys

CHUNK_WITHIN: Final = 60.0
"""Seconds in which one chunk must be here, so that a drip cannot hold the thread."""
_PIECE: Final = 1 << 16
_MAX_PROBLEM: Final = 2048


class BlobLine:
    """A connection to one peer's door, opened when it is needed; not for two threads at once."""

    def __init__(self, member: MemberKeys) -> None:
        self.member = member
        self._connection: http.client.HTTPSConnection | None = None

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

    def _open(self) -> http.client.HTTPSConnection:
        if self._connection is None:
            self._connection = connection_to(self.member)
        return self._connection

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


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
