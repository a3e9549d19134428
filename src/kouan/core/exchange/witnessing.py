"""Has this side's ledger witnessed: publishes checkpoints and asks every member to co-sign them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from kouan.core.errors import KouanError
from kouan.core.exchange import witness
from kouan.core.exchange.leadership import LOOK, Leadership
from kouan.core.exchange.models import Stream
from kouan.core.exchange.recovery.halts import doubt, may_go
from kouan.core.exchange.transport import Line, PeerUnreachable
from kouan.core.ledger.witness import WitnessAnswer
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from kouan.core.trust.member import MemberKeys

CHECKPOINT_EVERY: Final = 1.0
LONGEST_REST: Final = 5.0
"""Seconds after which the ledger is looked at although nothing has changed."""


class Host(Protocol):
    """What this needs of the thread that it runs in."""

    def pause(self, seconds: float) -> object:
        """Wait, unless asked to end."""

    def rest(self, *, seconds: float) -> object:
        """Wait for a change in the database, so long at most."""


class Witnessing:
    """Keeps a line of its own to each member, so that no batch holds up a checkpoint."""

    def __init__(self) -> None:
        self._lead = Leadership("witnessing")
        self._lines: dict[str, Line] = {}
        self._problems: dict[str, str] = {}

    def step(self, host: Host) -> None:
        """Publish, ask everybody, wait a second; one of the node's workers is enough for it.

        Where everything is published and co-signed, the next thing to do comes with a change.
        """
        if not self._lead.held():
            host.pause(LOOK)
            return
        done = not witness.publish()
        for member in members():
            if not may_go(member.side):
                done = False
                continue
            problem = ""
            try:
                done &= not _ask(member.side, self._line(member))
            except KouanError as error:
                problem, done = str(error)[:300], False
                if not isinstance(error, PeerUnreachable):
                    doubt(member.side)  # it may know a longer ledger of ours
            if self._problems.get(member.side) != problem:
                Stream.objects.filter(peer=member.side).exclude(witness_error=problem).update(
                    witness_error=problem
                )
                self._problems[member.side] = problem
        host.pause(CHECKPOINT_EVERY)
        if done:
            host.rest(seconds=LONGEST_REST)

    def _line(self, member: MemberKeys) -> Line:
        line = self._lines.get(member.side)
        if line is None or line.member.document != member.document:
            if line is not None:
                line.close()
            line = self._lines[member.side] = Line(member)
        return line


def _ask(peer: str, line: Line) -> bool:
    """Have a peer co-sign our newest checkpoint; return whether there was anything to co-sign."""
    request = witness.request_for(peer)
    if request is None:
        return False
    answer = line.post("/add-checkpoint", request[1], "text/plain")
    if answer.status == HTTPStatus.CONFLICT:
        known = WitnessAnswer(answer.status, answer.content_type, answer.body).conflict_size()
        request = witness.request_for(peer, known_size=known)
        if request is None:
            return False
        answer = line.post("/add-checkpoint", request[1], "text/plain")
    if answer.status != HTTPStatus.OK:
        raise line.refusal(answer)
    witness.take_cosignature(peer, request[0], answer.body)
    return True
