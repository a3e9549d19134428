"""The worker: carries what waits to each peer, runs handlers, and has the ledger witnessed.

One process, one asyncio loop for the network, one thread for the database. Every step is a
transaction of its own, so the process may be killed at any line: the next one finds the same state.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from django.db import close_old_connections
from django.utils import timezone

from kouan.core import chores
from kouan.core.errors import KouanError
from kouan.core.exchange import handling, outbox, wake, witness
from kouan.core.exchange.models import Stream
from kouan.core.exchange.peers import write_peers_file
from kouan.core.exchange.recovery.halts import doubt, may_go
from kouan.core.exchange.sender import Sender
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
HANDLER: Final = "handler"
COMPANY: Final = 0.02
"""Seconds that the handler leaves after a small group, so that under load messages share a commit."""


class Worker:
    """Everything that a node does by itself; ``run`` returns when ``stop`` was called."""

    def __init__(self) -> None:
        self._database = ThreadPoolExecutor(1, thread_name_prefix="worker-db")
        self._stopping = asyncio.Event()
        self._bells: dict[str, asyncio.Event] = {}
        self._lines: dict[str, Line] = {}
        self._witness_problems: dict[str, str] = {}
        self._senders: dict[str, asyncio.Task[None]] = {}

    @property
    def stopping(self) -> bool:
        """Whether the worker has been asked to end."""
        return self._stopping.is_set()

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
            asyncio.create_task(self._forever(HANDLER, self._handle)),
            asyncio.create_task(self._forever("sweeper", self._sweep)),
            asyncio.create_task(self._forever("members", self._follow_members)),
            asyncio.create_task(self._forever("ledger", self._witness)),
            *(asyncio.create_task(self._do(chore)) for chore in chores.registered()),
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
            self._bell(HANDLER).set()

    def _bell(self, name: str) -> asyncio.Event:
        return self._bells.setdefault(name, asyncio.Event())

    def _ring_senders(self) -> None:
        for peer in self._lines:
            self._bell(f"send {peer}").set()

    async def db(self, function: Callable[..., T], *args: object) -> T:
        """Run a function of the database on the one thread that may."""

        def call() -> T:
            close_old_connections()
            return function(*args)

        return await asyncio.get_running_loop().run_in_executor(self._database, call)

    async def rest(self, name: str, seconds: float = IDLE_LOOK) -> None:
        """Wait for a ring, at most ``seconds``."""
        bell = self._bell(name)
        if not self._stopping.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await bell.wait()
            except TimeoutError:
                pass
        bell.clear()

    async def _forever(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat one step; a step that breaks is logged and tried again, the worker goes on."""
        while not self._stopping.is_set():
            try:
                await step()
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("the worker's %s failed; it goes on in a second", name)
                await self.rest(f"{name} recovery", 1.0)

    async def _handle(self) -> None:
        ended = await self.db(handling.handle_waiting)
        if not ended:
            await self.rest(HANDLER)
        elif ended < handling.GROUP:
            await self.pause(COMPANY)

    async def _do(self, chore: chores.Chore) -> None:
        """Run a chore again and again, on a thread of its own."""
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"worker-{chore.name}")

        def run() -> bool:
            close_old_connections()
            return chore.run()

        async def step() -> None:
            if not await asyncio.get_running_loop().run_in_executor(thread, run):
                await self.pause(chore.every)

        try:
            await self._forever(chore.name, step)
        finally:
            thread.shutdown(wait=False, cancel_futures=True)

    async def _sweep(self) -> None:
        """Turn what waited too long into dead letters, and tell the apps of what failed."""
        now = timezone.now()
        if not await self.db(outbox.expire_waiting, now) + await self.db(handling.report_undelivered):
            await self.pause(SWEEP_EVERY)

    async def _follow_members(self) -> None:
        """Keep one line and one sender for each member, made anew when its trust document changed."""
        for member in await self.db(members):
            line = self._lines.get(member.side)
            # A sender only ends by itself when not even its failure could be written down.
            ended = line is not None and self._senders[member.side].done()
            if line is None or ended or line.member.document != member.document:
                if line is not None:
                    self._senders[member.side].cancel()
                    await asyncio.gather(self._senders[member.side], return_exceptions=True)
                    await line.close()
                await self.db(write_peers_file)
                self._lines[member.side] = Line(member)
                self._senders[member.side] = asyncio.create_task(
                    Sender(member.side, self._lines[member.side], self).run()
                )
        await self.pause(1.0)

    async def pause(self, seconds: float) -> None:
        """Wait ``seconds`` whatever rings, unless the worker stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def _witness(self) -> None:
        """Publish a checkpoint if the ledger grew, and ask every member to co-sign it."""
        await self.db(witness.publish)
        for peer, line in list(self._lines.items()):
            if not may_go(peer):
                continue
            problem = ""
            try:
                await self._ask_witness(peer, line)
            except KouanError as error:
                problem = str(error)[:300]
                doubt(peer)
            if self._witness_problems.get(peer) != problem:
                await self.db(_note_witness, peer, problem)
                self._witness_problems[peer] = problem
        await self.pause(CHECKPOINT_EVERY)

    async def _ask_witness(self, peer: str, line: Line) -> None:
        request = await self.db(witness.request_for, peer)
        if request is None:
            return
        answer = await line.post("/add-checkpoint", request[1], "text/plain")
        if answer.status == HTTPStatus.CONFLICT:
            known = WitnessAnswer(answer.status, answer.content_type, answer.body).conflict_size()
            request = await self.db(functools.partial(witness.request_for, peer, known_size=known))
            if request is None:
                return
            answer = await line.post("/add-checkpoint", request[1], "text/plain")
        if answer.status != HTTPStatus.OK:
            raise line.refusal(answer)
        await self.db(witness.take_cosignature, peer, request[0], answer.body)


def _note_witness(peer: str, problem: str) -> None:
    Stream.objects.filter(peer=peer).exclude(witness_error=problem).update(witness_error=problem)
