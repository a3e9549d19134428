"""Carries batches to one peer, in order, and the same bytes again until their receipts are here.

While a request is on its way, the last receipts are recorded and the next batches sealed, so that neither
the network nor the database waits for the other. Only one request is posted at a time, by the one among
the node's workers that leads for this peer.
"""

from __future__ import annotations

import logging
import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from kouan.core.database.fresh import refresh_connection
from kouan.core.errors import KouanError
from kouan.core.exchange import receipts, resigning, sealing, wire
from kouan.core.exchange.leadership import LOOK, Leadership
from kouan.core.exchange.models import Batch, Stream
from kouan.core.exchange.recovery.halts import doubt, may_go
from kouan.core.exchange.transport import PeerRefused
from kouan.core.watch import channel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.core.exchange.transport import DoorAnswer, Line

log = logging.getLogger(__name__)

_IN_DOUBT: Final = (HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE)
"""Answers after which both sides first tell each other where they stand."""


class Host(Protocol):
    """What a sender needs of the worker that it runs in."""

    @property
    def stopping(self) -> bool:
        """Whether the sender has been asked to end."""

    def rest(self, name: str) -> Any:
        """Wait until somebody rings for ``name``, a moment at most."""

    def pause(self, seconds: float) -> Any:
        """Wait, unless asked to end."""


class Sender:
    """One peer's sender; ``run`` returns when the worker stops."""

    def __init__(self, peer: str, line: Line, host: Host) -> None:
        self._peer = peer
        self._line = line
        self._host = host
        self._lead = Leadership(f"send {peer}")
        self._term = 0
        self._behind = True
        """Whether batches may lie sealed from before: after a start, and after anything went wrong."""

    def run(self) -> None:
        """Carry what there is, rest when there is nothing, try again when something went wrong."""
        try:
            self._run()
        finally:
            self._lead.release()

    def _run(self) -> None:
        failures = 0
        while not self._host.stopping:
            try:
                if not self._leads():
                    self._host.pause(LOOK)
                    continue
                # Before this node knows that it has forgotten nothing, it says nothing new.
                sealed = self._next() if may_go(self._peer) else []
                if not sealed:
                    self._host.rest(f"send {self._peer}")
                    continue
                self._carry(sealed)
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever went wrong, the same bytes go again
                failures += 1
                self._behind = True
                self._line.close()
                self._failed(error)
                refresh_connection()  # a database that was restarted is connected to again
                self._host.pause(_back_off(failures, error))

    def _leads(self) -> bool:
        leads = self._lead.held()
        if self._lead.term != self._term:
            self._term, self._behind = self._lead.term, True
        return leads

    def _carry(self, sealed: list[sealing.Sealed]) -> None:
        """Post batches, and after them what has gathered meanwhile, until nothing is left."""
        answered: list[receipts.Answered] = []
        while sealed and not self._host.stopping:
            self._line.begin("/batch", b"".join(batch.wire for batch in sealed), wire.REQUEST_TYPE)
            following = self._next(after=sealed[-1].pk, answered=answered)
            answered = receipts.answers_to(sealed, self._expected(self._line.finish()))
            if len(answered) < len(sealed):
                # The peer stopped at one of them; posted first, it will say why.
                receipts.take(receipts.check(answered))
                answered, following = [], sealed[len(answered) :]
                self._behind = True
            sealed = following
        if answered:
            receipts.take(receipts.check(answered))

    def _expected(self, answer: DoorAnswer) -> bytes:
        if answer.status != HTTPStatus.OK or answer.content_type != wire.ANSWER_TYPE:
            raise self._line.refusal(answer)
        return answer.body

    def _next(self, *, after: int = 0, answered: Sequence[receipts.Answered] = ()) -> list[sealing.Sealed]:
        """Record the last receipts, and return the batches to post next: sealed before, or sealed now."""
        if self._behind:
            if answered:
                receipts.take(receipts.check(answered))
                answered = ()
            sealed = sealing.unreceipted(self._peer, after=after)
            if sealed:
                return sealed
            self._behind = False
        self._linger()
        return sealing.advance(self._peer, answered)

    def _linger(self) -> None:
        """Let a small batch wait a moment for company."""
        exchange = settings.NODE.exchange
        if exchange.linger_ms and exchange.batch_max > 1:
            there = sealing.waiting(self._peer, limit=exchange.batch_max)
            if 0 < there.messages < exchange.batch_max:
                self._host.pause(exchange.linger_ms / 1000)

    def _failed(self, error: Exception) -> None:
        channel.post_failed(self._peer)
        if isinstance(error, PeerRefused) and error.params["answer_status"] in _IN_DOUBT:
            doubt(self._peer)
        if isinstance(error, KouanError):
            log.warning("sending to %s: %s", self._peer, error)
        else:
            log.error("sending to %s failed", self._peer, exc_info=error)
        try:
            resigning.after_refusal(self._peer, error)
            _note_failure(self._peer, str(error)[:300] or type(error).__name__)
        except Exception:
            log.exception("the failure of sending to %s could not be noted", self._peer)


def _back_off(failures: int, error: Exception) -> float:
    """Return the seconds to wait after so many failures in a row: exponential, bounded, with jitter.

    At least what the peer asked for, if it did, within the same bound.
    """
    exchange = settings.NODE.exchange
    pause = min(exchange.retry_first_s * 2.0 ** min(failures - 1, 16), exchange.retry_longest_s)
    pause *= random.uniform(0.75, 1.25)  # noqa: S311 - jitter keeps no secret
    asked = error.retry_after if isinstance(error, PeerRefused) else None
    return max(pause, min(asked or 0.0, exchange.retry_longest_s))


def _note_failure(peer: str, problem: str) -> None:
    Stream.objects.get_or_create(peer=peer)
    Stream.objects.filter(peer=peer).update(last_error=problem, last_error_at=timezone.now())
    Batch.objects.filter(peer=peer, receipt__isnull=True).update(attempts=F("attempts") + 1)
