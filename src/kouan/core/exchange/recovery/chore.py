"""The worker's part: greet every peer before sending to it, and carry a resynchronisation through."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.exchange.models import Channel, Stream
from kouan.core.exchange.recovery import recall, resync
from kouan.core.exchange.recovery.door import CONTENT_TYPE, HELLO, RECALL, take_word
from kouan.core.exchange.recovery.forms import MAX_HELLO, MAX_RECALLED, decode_hello, encode_hello
from kouan.core.exchange.recovery.halts import (
    Loss,
    channel,
    doubt,
    greeted,
    halt,
    halted,
    note_greeting,
)
from kouan.core.exchange.recovery.judging import judge, open_standing, our_standing
from kouan.core.exchange.shapes import MalformedWire
from kouan.core.exchange.transport import Line
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from kouan.core.trust.member import MemberKeys

log = logging.getLogger(__name__)

EVERY: Final = 0.25
"""Seconds between two looks; a look at peers that were greeted costs nothing."""
IDLE: Final = 1.0
"""The same while nothing happens: when a peer is tried again, only this process knows."""
GREET_EVERY: Final = 60.0
"""Seconds after which a peer is greeted again: a machine can be set back while its programs run."""
HALTED_EVERY: Final = 1.0
_LONGEST_PAUSE: Final = 15.0

_next_try: dict[str, tuple[float, float]] = {}
"""For each peer that did not answer: when to try again, and the pause before that."""


def look_after() -> bool:
    """Greet the peers that are due; return False, since there is never more to do at once."""
    for member in members():
        at, pause = _next_try.get(member.side, (0.0, 0.0))
        if time.monotonic() < at:
            continue
        try:
            wait = _look_after(member)
        except KouanError as error:
            wait = pause = min(max(2 * pause, EVERY), _LONGEST_PAUSE)
            _note_failure(member.side, error)
        else:
            pause = 0.0
        _next_try[member.side] = (time.monotonic() + wait, pause)
    return False


def _look_after(member: MemberKeys) -> float:
    """Do what is due for one peer, and return after how many seconds to look again."""
    peer = member.side
    if not halted(peer):
        if not greeted(peer, within=GREET_EVERY):
            greet(member)
        return 0.0
    doubt(peer)
    greet(member)
    if not resync.may_begin(channel(peer)):
        return HALTED_EVERY
    newest, seen = b"", set[bytes]()
    while newest := recall.take_recalled(
        peer, _post(member, RECALL, recall.ask_recall(peer, newest=newest), MAX_RECALLED)
    ):
        if newest in seen:  # or it would never end
            raise MalformedWire(what="recalled batch", detail="it came before")
        seen.add(newest)
    resync.begin(peer)
    log.warning("the streams with %s have begun anew", peer)
    return 0.0


def greet(member: MemberKeys) -> None:
    """Exchange standings with a peer; halt if its standing proves that this node has forgotten something."""
    peer = member.side
    row = channel(peer)
    ours = bytes(row.ours) if row.cause else b""
    answer = _post(member, HELLO, encode_hello(our_standing(peer), ours), MAX_HELLO)
    if ours:
        Channel.objects.filter(peer=peer, ours=ours).update(delivered=True)
    hear(member, answer)


def hear(member: MemberKeys, answer: bytes) -> None:
    """Take the peer's answer to a greeting; see ``greet``."""
    peer = member.side
    signed, agreement = decode_hello(answer)
    standing = open_standing(signed, member)
    row = channel(peer)
    if agreement and not row.cause and agreement == bytes(row.theirs):
        return  # its streams have not begun anew yet, as ours have: what it says is of before
    loss = judge(standing)
    if loss is not None:
        _halt_everywhere(peer, loss, signed)
    take_word(standing)
    if agreement:
        resync.take_agreement(agreement, member)
    Channel.objects.filter(peer=peer, evidence=b"").exclude(cause="").update(evidence=signed)
    if not halted(peer):
        note_greeting(peer)
        Stream.objects.filter(peer=peer).exclude(last_error="").update(
            last_error="", last_error_at=None, last_contact_at=timezone.now()
        )


def _halt_everywhere(peer: str, loss: Loss, evidence: bytes) -> None:
    """Halt all channels: the database that has forgotten something is everybody's."""
    if halt(peer, Channel.Cause.RESTORED, loss=loss, evidence=evidence):
        log.error(
            "HALTED: this database is older than what %s holds of it: %s. Run `kouan channel show`.",
            peer,
            loss,
        )
    for member in members():
        if member.side != peer:
            halt(member.side, Channel.Cause.RESTORED, loss=Loss(proved_by=peer))


def _post(member: MemberKeys, path: str, body: bytes, most: int) -> bytes:
    line = Line(member)
    try:
        answer = line.post(path, body, CONTENT_TYPE, most=most)
    finally:
        line.close()
    if answer.status != HTTPStatus.OK:
        raise line.refusal(answer)
    return answer.body


def _note_failure(peer: str, error: KouanError) -> None:
    if not greeted(peer):
        Stream.objects.get_or_create(peer=peer)
        Stream.objects.filter(peer=peer).update(last_error=str(error)[:300], last_error_at=timezone.now())
        log.warning("greeting %s: %s", peer, error)
