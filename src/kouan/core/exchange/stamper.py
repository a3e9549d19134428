"""The time-stamping authority as the library that signs documents wants one.

It stands apart from ``stamping``, which every process loads: few of them sign a document, and the library
takes a third of a second.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from asn1crypto import cms
from django.conf import settings
from pyhanko.sign.timestamps import TimeStamper

from kouan.core.exchange import stamp
from kouan.core.exchange.stamping import MAX_STAMP, stamped

if TYPE_CHECKING:
    from kouan.sections import TimeSettings


class Stamper(TimeStamper):
    """The authority of ``[time]`` for signatures in documents, asked and checked as for checkpoints."""

    def __init__(self, wanted: TimeSettings) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._wanted = wanted

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:  # noqa: ARG002 - the library's signature
        """Return the authority's token over a digest; raises what ``stamped`` raises."""
        # In a thread: what checks the answer runs a loop of its own.
        found = await asyncio.to_thread(stamped, message_digest, self._wanted)
        if len(found.token) > MAX_STAMP:
            raise stamp.StampRefused(detail=f"{len(found.token)} bytes")
        return cms.ContentInfo.load(found.token)


def stamper() -> Stamper | None:
    """Return what asks this node's time-stamping authority; ``None`` where it has none."""
    wanted: TimeSettings | None = settings.NODE.time
    return None if wanted is None else Stamper(wanted)
