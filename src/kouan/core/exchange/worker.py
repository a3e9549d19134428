"""The worker: carries what waits to each peer, runs handlers, has the ledger witnessed, does chores.

One thread for each of these, a few for all chores, each with a database connection of its own. One more asks
the database ten times a second whether anything has changed, and has the others look: so they rest long where
nothing happens, and a ring that was lost, or work that nobody rang for, costs a moment. Every step is a
transaction, so the process may be killed at any line: the next one finds the same state. Several
workers may run: they share out the handlers' messages, and one of them leads in each thing that only one
may do.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import connections
from django.utils import timezone

from kouan.core import chores
from kouan.core.database.changes import Changes
from kouan.core.database.fresh import refresh_connection
from kouan.core.exchange import handling, outbox, refusals, wake
from kouan.core.exchange.errands import SHARE, THREADS, Errands
from kouan.core.exchange.pulse import Pulse
from kouan.core.exchange.sender import Sender
from kouan.core.exchange.transport import Line
from kouan.core.exchange.witnessing import Witnessing
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from collections.abc import Callable

    from kouan.core.trust.member import MemberKeys

log = logging.getLogger(__name__)

IDLE_LOOK: Final = 0.1
"""Seconds after which the worker looks whether anything has changed although nobody rang."""
LONGEST_REST: Final = 1.0
"""Seconds after which a thread looks for work although nothing has changed: some of it waits for its time."""
SWEEP_EVERY: Final = 0.5
LONGEST_SWEEP: Final = 2.0
MEMBERS_EVERY: Final = 1.0
HANDLER: Final = "handler"
COMPANY: Final = 0.02
"""Seconds that the handler leaves after a small group, so that under load messages share a commit."""
STOP_LOOK: Final = 0.2
"""Seconds in which a signal to stop is noticed."""
GRACE: Final = 1.5
"""Seconds that the threads get to end their present step; what they hold is in the database anyway."""


class Loop:
    """One of the worker's threads: repeats a step, and can be woken and stopped."""

    def __init__(self, name: str, step: Callable[[Loop], None]) -> None:
        self.name = name
        self._step = step
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._rung_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"worker-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def stopping(self) -> bool:
        """Whether it has been asked to end."""
        return self._stopping.is_set()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    def ring(self) -> None:
        """End the present rest, or the next one at once."""
        self._rung_at = time.monotonic()
        self._bell.set()

    def stop(self) -> None:
        """Ask it to end after the present step."""
        self._stopping.set()
        self._bell.set()

    def join(self, seconds: float) -> None:
        """Wait for its end, so long at most."""
        self._thread.join(max(0.0, seconds))

    def rest(self, _name: str = "", seconds: float | None = None) -> None:
        """Wait for a ring: ``seconds`` at most, or the longer, the longer nobody has rung, up to a second."""
        if not self.stopping:
            quiet = time.monotonic() - self._rung_at
            self._bell.wait(min(max(quiet / SHARE, IDLE_LOOK), LONGEST_REST) if seconds is None else seconds)
        self._bell.clear()

    def pause(self, seconds: float) -> None:
        """Wait ``seconds`` whatever rings, unless asked to end."""
        self._stopping.wait(seconds)

    def _run(self) -> None:
        """Repeat the step; one that breaks is logged and tried again, the worker goes on."""
        try:
            while not self.stopping:
                try:
                    refresh_connection()
                    self._step(self)
                except Exception:
                    log.exception("the worker's %s failed; it goes on in a second", self.name)
                    self.pause(1.0)
        finally:
            connections.close_all()


@dataclass(slots=True)
class _Carrier:
    """The thread that sends to one member, and the trust document that it was made for."""

    loop: Loop
    line: Line
    document: bytes


class Worker:
    """Everything that a node does by itself; ``run`` returns when ``stop`` was called."""

    def __init__(self) -> None:
        self._stop = False
        self._carriers: dict[str, _Carrier] = {}
        self._handler = Loop(HANDLER, _handle)
        self._errands = Errands(chores.registered())
        self._changes = Changes()
        self._resting = [self._handler, Loop("sweeper", _sweep), Loop("ledger", Witnessing().step)]
        self._loops = [
            *self._resting,
            Loop("look", self._look),
            Loop("members", self._follow_members),
            Loop("pulse", Pulse().step),
            *(Loop(f"errands-{number}", self._errands.step) for number in range(THREADS)),
        ]

    def stop(self, *_: object) -> None:
        """Ask every thread to end after its present step; fit for a signal handler."""
        self._stop = True

    def run(self) -> None:
        """Work until ``stop``."""
        bell = wake.Bell()
        try:
            for loop in self._loops:
                loop.start()
            while not self._stop:
                if select.select([bell], [], [], STOP_LOOK)[0]:
                    self._rung(bell.heard())
        finally:
            self._end()
            bell.close()

    def _end(self) -> None:
        until = time.monotonic() + GRACE
        loops = [*self._loops, *(carrier.loop for carrier in self._carriers.values())]
        for loop in loops:
            loop.stop()
        self._errands.wake()
        for loop in loops:
            loop.join(until - time.monotonic())

    def _rung(self, what: set[bytes]) -> None:
        self._errands.hurry()
        if wake.OUTBOX in what:
            for carrier in list(self._carriers.values()):
                carrier.loop.ring()
        if wake.INBOX in what:
            self._handler.ring()

    def _look(self, loop: Loop) -> None:
        """Have everybody look when anything has changed: whoever changed it need not have rung here."""
        if self._changes.look():
            self._errands.look_soon()
            for each in (*self._resting, *(carrier.loop for carrier in list(self._carriers.values()))):
                each.ring()
        loop.pause(IDLE_LOOK)

    def _follow_members(self, loop: Loop) -> None:
        """Keep one line and one sender for each member, made anew when its trust document changed."""
        for member in members():
            carrier = self._carriers.get(member.side)
            if carrier is not None and carrier.loop.alive and carrier.document == member.document:
                continue
            if carrier is not None:
                carrier.loop.stop()
                carrier.loop.join(60.0)
                carrier.line.close()
            self._carriers[member.side] = _carrier(member)
        loop.pause(MEMBERS_EVERY)


def _carrier(member: MemberKeys) -> _Carrier:
    line = Line(member)
    loop = Loop(f"sender-{member.side}", lambda host: Sender(member.side, line, host).run())
    loop.start()
    return _Carrier(loop, line, member.document)


def _handle(loop: Loop) -> None:
    ended = handling.handle_waiting()
    if not ended:
        loop.rest()
    elif 1 < ended < handling.GROUP:
        loop.pause(COMPANY)


def _sweep(loop: Loop) -> None:
    """Turn what waited too long into dead letters, and tell the apps of what failed, or did not leave."""
    refusals.tell_held_back()
    if not outbox.expire_waiting(timezone.now()) + handling.report_undelivered() + handling.report_again():
        loop.pause(SWEEP_EVERY)
        loop.rest(seconds=LONGEST_SWEEP)
