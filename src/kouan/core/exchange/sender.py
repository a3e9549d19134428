"""Carries batches to one peer, in order, and the same bytes again until their receipt is here.

While a batch is on its way, the last receipt is recorded and the next batch sealed, so that neither
the network nor the database waits for the other. Only one batch is posted at a time.
"""

from __future__ import annotations

import asyncio
import logging
import random
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.exchange import sealing
from kouan.core.exchange.models import Batch, Stream
from kouan.core.exchange.recovery.halts import doubt, may_go
from kouan.core.exchange.transport import PeerRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from kouan.core.exchange.transport import Line

log = logging.getLogger(__name__)

_IN_DOUBT: Final = (HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE)
"""Answers after which both sides first tell each other where they stand."""


class Host(Protocol):
    """What a sender needs of the worker that it runs in."""

    @property
    def stopping(self) -> bool:
        """Whether the worker has been asked to end."""

    async def db(self, function: Callable[..., Any], *args: object) -> Any:
        """Run a function of the database on the worker's database thread."""

    async def rest(self, name: str) -> None:
        """Wait until somebody rings for ``name``, a moment at most."""

    async def pause(self, seconds: float) -> None:
        """Wait, unless the worker is asked to end."""


class Sender:
    """One peer's sender; ``run`` returns when the worker stops."""

    def __init__(self, peer: str, line: Line, host: Host) -> None:
        self._peer = peer
        self._line = line
        self._host = host
        self._behind = True
        """Whether batches may lie sealed from before: after a start, and after anything went wrong."""

    async def run(self) -> None:
        """Carry what there is, rest when there is nothing, try again when something went wrong."""
        failures = 0
        while not self._host.stopping:
            try:
                # Before this node knows that it has forgotten nothing, it says nothing new.
                sealed = await self._next() if may_go(self._peer) else None
                if sealed is None:
                    await self._host.rest(f"send {self._peer}")
                    continue
                await self._carry(sealed)
                failures = 0
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever went wrong, the same bytes go again
                failures += 1
                self._behind = True
                await self._failed(error)
                await self._host.pause(_back_off(failures))

    async def _carry(self, sealed: sealing.Sealed | None) -> None:
        """Post a batch, and after it what has gathered meanwhile, until nothing is left."""
        answered: tuple[sealing.Sealed, bytes] | None = None
        while sealed is not None and not self._host.stopping:
            post = asyncio.create_task(self._line.post_batch(sealed.wire))
            await asyncio.sleep(0)  # the bytes leave before the database thread asks for the processor
            try:
                following = await self._next(after=sealed.pk, answered=answered)
                answered = (sealed, await post)
            except BaseException:
                post.cancel()
                await asyncio.gather(post, return_exceptions=True)
                raise
            sealed = following
        if answered is not None:
            await self._host.db(sealing.take_receipt, *answered)

    async def _next(
        self, *, after: int = 0, answered: tuple[sealing.Sealed, bytes] | None = None
    ) -> sealing.Sealed | None:
        """Record the last receipt, and return the batch to post next: sealed before, or sealed now."""
        sealed: sealing.Sealed | None
        if self._behind:
            if answered is not None:
                await self._host.db(sealing.take_receipt, *answered)
                answered = None
            sealed = await self._host.db(partial(sealing.unreceipted, self._peer, after=after))
            if sealed is not None:
                return sealed
            self._behind = False
        await self._linger()
        sealed = await self._host.db(sealing.advance, self._peer, answered)
        return sealed

    async def _linger(self) -> None:
        """Let a small batch wait a moment for company."""
        exchange = settings.NODE.exchange
        if exchange.linger_ms and exchange.batch_max > 1:
            there = await self._host.db(partial(sealing.waiting, self._peer, limit=exchange.batch_max))
            if 0 < there.messages < exchange.batch_max:
                await self._host.pause(exchange.linger_ms / 1000)

    async def _failed(self, error: Exception) -> None:
        if isinstance(error, PeerRefused) and error.params["answer_status"] in _IN_DOUBT:
            doubt(self._peer)
        if isinstance(error, KouanError):
            log.warning("sending to %s: %s", self._peer, error)
        else:
            log.error("sending to %s failed", self._peer, exc_info=error)
        await self._host.db(_note_failure, self._peer, str(error)[:300] or type(error).__name__)


def _back_off(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: exponential, bounded, with jitter."""
    exchange = settings.NODE.exchange
    longest = min(exchange.retry_first_s * 2.0 ** min(failures - 1, 16), exchange.retry_longest_s)
    return longest * random.uniform(0.75, 1.25)  # noqa: S311 - jitter keeps no secret


def _note_failure(peer: str, problem: str) -> None:
    Stream.objects.get_or_create(peer=peer)
    Stream.objects.filter(peer=peer).update(last_error=problem, last_error_at=timezone.now())
    Batch.objects.filter(peer=peer, receipt__isnull=True).update(attempts=F("attempts") + 1)
