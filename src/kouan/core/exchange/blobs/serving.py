"""The sender's door hands out sealed chunks: to the side that they are for, a few at a time.

It has threads of its own, so that reading files never keeps a batch from the door's writer, and it bounds
what it does at once: so many streams, so many for one peer, so many chunks each, so long each.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.conf import settings
from django.utils import timezone

from kouan.core.database.fresh import refresh_connection
from kouan.core.exchange.blobs import folder, stream
from kouan.core.exchange.blobs.errors import BadBlobRange, TooManyStreams, UnknownBlob
from kouan.core.exchange.blobs.models import SentBlob
from kouan.core.exchange.blobs.request import MAX_CHUNKS, MAX_REQUEST, REQUEST_TYPE, BlobRequest
from kouan.core.exchange.pressure import check_sender
from kouan.core.exchange.times import check_clock, from_milliseconds, milliseconds
from kouan.core.hands import Hands
from kouan.core.trust import cose
from kouan.core.trust.errors import BadSignature
from kouan.core.trust.queries import get_member

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]
T = TypeVar("T")

THREADS: Final = 2
MAX_STREAMS: Final = 8
MAX_STREAMS_PER_PEER: Final = 4
STREAM_WITHIN: Final = 300.0
"""Seconds in which the peer must have taken one answer."""
_NOTE_EVERY: Final = 1.0
"""Seconds between two notes of how far a peer has come."""


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of one sealed file that its receiver asked for."""

    peer: str
    key: int
    path: Path
    offset: int
    length: int
    upto: int
    """The chunk after the last one asked for."""
    last: bool


class BlobServer:
    """Answers the door's ``POST /blob``."""

    def __init__(self) -> None:
        self._hands = Hands(THREADS, name="door-blobs")
        self._streams: Counter[str] = Counter()
        self._noted: dict[int, float] = {}

    async def serve(self, body: bytes, send: Send, caller: str | None = None) -> None:
        """Check a request and send what it asks for; raises a ``KouanError`` before anything was sent."""
        portion, file = await self._run(_opened, body, caller)
        try:
            if self._streams.total() >= MAX_STREAMS or self._streams[portion.peer] >= MAX_STREAMS_PER_PEER:
                raise TooManyStreams
            self._streams[portion.peer] += 1
            try:
                await self._stream(portion, file, send)
            finally:
                self._streams[portion.peer] -= 1
        finally:
            os.close(file)

    async def _stream(self, portion: Portion, file: int, send: Send) -> None:
        try:
            async with asyncio.timeout(STREAM_WITHIN):
                await send(
                    {
                        "type": "http.response.start",
                        "status": 200,
                        "headers": [
                            (b"content-type", b"application/octet-stream"),
                            (b"content-length", str(portion.length).encode()),
                        ],
                    }
                )
                at, end = portion.offset, portion.offset + portion.length
                while at < end:
                    piece = await self._run(os.pread, file, min(stream.SEALED_CHUNK, end - at), at)
                    if not piece:
                        raise OSError(f"{portion.path} is shorter than it should be")  # noqa: TRY301 - ends this stream alone
                    at += len(piece)
                    await send({"type": "http.response.body", "body": piece, "more_body": at < end})
        except (OSError, TimeoutError, RuntimeError) as error:
            # The answer has begun: to end it too early is all that can be said. The peer asks again.
            log.warning("handing a file out to %s ended early: %s", portion.peer, type(error).__name__)
            return
        if portion.last or time.monotonic() - self._noted.get(portion.key, 0.0) >= _NOTE_EVERY:
            self._noted = {portion.key: time.monotonic()} if len(self._noted) > MAX_STREAMS else self._noted
            self._noted[portion.key] = time.monotonic()
            await self._run(_note, portion)

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        return await self._hands.do(functools.partial(function, *arguments))


def _opened(body: bytes, caller: str | None) -> tuple[Portion, int]:
    """Return what a request asks for with its open file, if the signer is whom the file is for."""
    refresh_connection()
    portion = authorised(body)
    check_sender(portion.peer, caller, body)
    try:
        return portion, os.open(portion.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UnknownBlob(peer=portion.peer) from None


def authorised(body: bytes) -> Portion:
    """Check a signed request and return what it asks for.

    Raises ``MalformedSignature``, ``MalformedWire``, ``ClockApart``, ``UnknownMember``, ``UnknownKey``,
    ``KeyNotValid``, ``BadSignature``, ``UnknownBlob`` (also for another side's file) or ``BadBlobRange``.
    """
    now = timezone.now()
    unverified = cose.read1(body, content_type=REQUEST_TYPE, max_bytes=MAX_REQUEST)
    request = BlobRequest.decode(unverified.payload)
    check_clock(milliseconds(now), request.at, past=True)
    member = get_member(request.sender[:16])
    unverified.verify(member.verification_key(unverified.kid, from_milliseconds(request.at)))
    if (request.sender, request.receiver) != (member.side, settings.NODE.side):
        raise BadSignature
    row = SentBlob.objects.filter(
        blob_id=uuid.UUID(bytes=request.blob), peer=member.side, state=SentBlob.State.SENT
    ).first()
    if row is None:
        raise UnknownBlob(peer=member.side)
    chunks = stream.chunks_of(row.size)
    if not 1 <= request.count <= MAX_CHUNKS or request.first + request.count > chunks:
        raise BadBlobRange
    upto = request.first + request.count
    offset = request.first * stream.SEALED_CHUNK
    return Portion(
        peer=member.side,
        key=row.pk,
        path=folder.outgoing(row.blob_id),
        offset=offset,
        length=min(upto * stream.SEALED_CHUNK, row.sealed_size) - offset,
        upto=upto,
        last=upto == chunks,
    )


def _note(portion: Portion) -> None:
    """Write down how far the peer has come, for those who watch."""
    refresh_connection()
    SentBlob.objects.filter(pk=portion.key, served__lt=portion.upto).update(served=portion.upto)
