"""The worker: carries what waits to each peer, runs handlers, and has the ledger witnessed.

One process, one asyncio loop for the network, one thread for the database. Every step is a
transaction of its own, so the process may be killed at any line: the next one finds the same state.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from django.conf import settings
from django.db import close_old_connections
from django.db.models import F
from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.exchange import handling, outbox, sealing, wake, witness
from kouan.core.exchange.models import Batch, Stream
from kouan.core.exchange.peers import write_peers_file
from kouan.core.exchange.transport import Line
from kouan.core.ledger.witness import WitnessAnswer
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

T = TypeVar("T")

IDLE_LOOK: Final = 0.1
"""Seconds after which the worker looks for work although nobody rang; a look takes no lock."""
SWEEP_EVERY: Final = 0.5
CHECKPOINT_EVERY: Final = 1.0


class Worker:
    """Everything that a node does by itself; ``run`` returns when ``stop`` was called."""

    def __init__(self) -> None:
        self._database = ThreadPoolExecutor(1, thread_name_prefix="worker-db")
        self._stopping = asyncio.Event()
        self._bells: dict[str, asyncio.Event] = {}
        self._lines: dict[str, Line] = {}
        self._witness_problems: dict[str, str] = {}
        self._senders: dict[str, asyncio.Task[None]] = {}

    def stop(self) -> None:
        """Ask every loop to end after its present step."""
        self._stopping.set()
        for bell in self._bells.values():
            bell.set()

    async def run(self) -> None:
        """Work until ``stop``."""
        bell = wake.hang_bell()
        loop = asyncio.get_running_loop()
        loop.add_reader(bell.fileno(), self._rung, bell)
        tasks = [
            asyncio.create_task(self._forever("handler", self._handle)),
            asyncio.create_task(self._forever("sweeper", self._sweep)),
            asyncio.create_task(self._forever("members", self._follow_members)),
            asyncio.create_task(self._forever("ledger", self._witness)),
        ]
        await self._stopping.wait()
        everything = [*tasks, *self._senders.values()]
        _done, late = await asyncio.wait(everything, timeout=1.5)
        for task in late:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        loop.remove_reader(bell.fileno())
        bell.close()
        wake.bell_path().unlink(missing_ok=True)
        for line in self._lines.values():
            await line.close()
        self._database.shutdown(wait=True, cancel_futures=True)

    def _rung(self, bell: socket.socket) -> None:
        what = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                what.add(bell.recv(16))
        if wake.OUTBOX in what:
            self._ring_senders()
        if wake.INBOX in what:
            self._bell("handler").set()

    def _bell(self, name: str) -> asyncio.Event:
        return self._bells.setdefault(name, asyncio.Event())

    def _ring_senders(self) -> None:
        for peer in self._lines:
            self._bell(f"send {peer}").set()

    async def _db(self, function: Callable[..., T], *args: object) -> T:
        def call() -> T:
            close_old_connections()
            return function(*args)

        return await asyncio.get_running_loop().run_in_executor(self._database, call)

    async def _rest(self, name: str, seconds: float) -> None:
        """Wait for a ring, at most ``seconds``."""
        bell = self._bell(name)
        if not self._stopping.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await bell.wait()
            except TimeoutError:
                pass
        bell.clear()

    async def _forever(self, name: str, step: Callable[[str], Awaitable[None]]) -> None:
        """Repeat one step; a step that breaks is logged and tried again, the worker goes on."""
        while not self._stopping.is_set():
            try:
                await step(name)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("the worker's %s failed; it goes on in a second", name)
                await self._rest(f"{name} recovery", 1.0)

    async def _handle(self, name: str) -> None:
        if not await self._db(handling.handle_waiting):
            await self._rest(name, IDLE_LOOK)

    async def _sweep(self, name: str) -> None:
        """Turn what waited too long into dead letters, and tell the apps of what failed."""
        now = timezone.now()
        if not await self._db(outbox.expire_waiting, now) + await self._db(handling.report_undelivered):
            await self._pause(name, SWEEP_EVERY)

    async def _follow_members(self, name: str) -> None:
        """Keep one line and one sender for each member, made anew when its trust document changed."""
        for member in await self._db(members):
            line = self._lines.get(member.side)
            # A sender only ends by itself when not even its failure could be written down.
            ended = line is not None and self._senders[member.side].done()
            if line is None or ended or line.member.document != member.document:
                if line is not None:
                    self._senders[member.side].cancel()
                    await asyncio.gather(self._senders[member.side], return_exceptions=True)
                    await line.close()
                await self._db(write_peers_file)
                self._lines[member.side] = Line(member)
                self._senders[member.side] = asyncio.create_task(self._send(member.side))
        await self._pause(name, 1.0)

    async def _pause(self, name: str, seconds: float) -> None:
        """Wait ``seconds`` whatever rings, unless the worker stops."""
        del name
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _send(self, peer: str) -> None:
        """Carry batches to one peer, one after the other, until stopped."""
        line, name, failures = self._lines[peer], f"send {peer}", 0
        # What an earlier process had under way is only looked for once: afterwards it is known here.
        begin: Callable[[str, str], Awaitable[sealing.Sealed | None]] = self._resume
        under_way: sealing.Sealed | None = None
        while not self._stopping.is_set():
            try:
                under_way = under_way or await begin(peer, name)
                begin = self._seal
                if under_way is None:
                    await self._rest(name, IDLE_LOOK)
                    continue
                receipt = await line.post_batch(under_way.wire)
                await self._db(sealing.take_receipt, under_way, receipt)
                under_way, failures = None, 0
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever went wrong, the same bytes go again
                failures += 1
                begin = self._resume  # a batch may have been sealed although no answer came back
                await self._failed(peer, error)
                await self._pause(name, _back_off(failures))

    async def _resume(self, peer: str, name: str) -> sealing.Sealed | None:
        return await self._db(sealing.unreceipted, peer) or await self._seal(peer, name)

    async def _seal(self, peer: str, name: str) -> sealing.Sealed | None:
        """Return the next batch for a peer, if there is anything to send; wait a moment for company."""
        exchange = settings.NODE.exchange
        there = await self._db(functools.partial(sealing.waiting, peer, limit=exchange.batch_max))
        if not any(there):
            return None
        if exchange.linger_ms and 0 < there.messages < exchange.batch_max:
            await self._pause(name, exchange.linger_ms / 1000)
        return await self._db(sealing.seal_batch, peer)

    async def _failed(self, peer: str, error: Exception) -> None:
        if isinstance(error, KouanError):
            log.warning("sending to %s: %s", peer, error)
        else:
            log.error("sending to %s failed", peer, exc_info=error)
        await self._db(_note_failure, peer, str(error)[:300] or type(error).__name__)

    async def _witness(self, name: str) -> None:
        """Publish a checkpoint if the ledger grew, and ask every member to co-sign it."""
        await self._db(witness.publish)
        for peer, line in list(self._lines.items()):
            problem = ""
            try:
                await self._ask_witness(peer, line)
            except KouanError as error:
                problem = str(error)[:300]
            if self._witness_problems.get(peer) != problem:
                await self._db(_note_witness, peer, problem)
                self._witness_problems[peer] = problem
        await self._pause(name, CHECKPOINT_EVERY)

    async def _ask_witness(self, peer: str, line: Line) -> None:
        request = await self._db(witness.request_for, peer)
        if request is None:
            return
        answer = await line.post("/add-checkpoint", request[1], "text/plain")
        if answer.status == HTTPStatus.CONFLICT:
            known = WitnessAnswer(answer.status, answer.content_type, answer.body).conflict_size()
            request = await self._db(functools.partial(witness.request_for, peer, known_size=known))
            if request is None:
                return
            answer = await line.post("/add-checkpoint", request[1], "text/plain")
        if answer.status != HTTPStatus.OK:
            raise line.refusal(answer)
        await self._db(witness.take_cosignature, peer, request[0], answer.body)


def _back_off(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: exponential, bounded, with jitter."""
    exchange = settings.NODE.exchange
    longest = min(exchange.retry_first_s * 2.0 ** min(failures - 1, 16), exchange.retry_longest_s)
    return longest * random.uniform(0.75, 1.25)  # noqa: S311 - jitter keeps no secret


def _note_failure(peer: str, problem: str) -> None:
    Stream.objects.get_or_create(peer=peer)
    Stream.objects.filter(peer=peer).update(last_error=problem, last_error_at=timezone.now())
    Batch.objects.filter(peer=peer, receipt__isnull=True).update(attempts=F("attempts") + 1)


def _note_witness(peer: str, problem: str) -> None:
    Stream.objects.filter(peer=peer).exclude(witness_error=problem).update(witness_error=problem)
