"""What the door answers about standings and recalls."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from kouan.core.exchange.models import Channel
from kouan.core.exchange.pressure import check_sender
from kouan.core.exchange.recovery import recall, resync
from kouan.core.exchange.recovery.forms import (
    MAX_HELLO,
    MAX_RECALL,
    MAX_STANDING,
    RECALL_TYPE,
    STANDING_TYPE,
    Recall,
    Standing,
    decode_hello,
    encode_hello,
)
from kouan.core.exchange.recovery.halts import channel, halt, release
from kouan.core.exchange.recovery.judging import open_standing, our_standing
from kouan.core.exchange.times import check_clock, milliseconds
from kouan.core.trust import cose
from kouan.core.trust.queries import get_member

HELLO: Final = "/standing"
RECALL: Final = "/recall"
LIMITS: Final = {HELLO: MAX_HELLO, RECALL: MAX_RECALL}
"""The paths of this module, and how long a request to each may be."""
CONTENT_TYPE: Final = "application/cbor"


def answer(path: str, body: bytes, caller: str | None = None) -> bytes:
    """Answer the request of ``caller`` to one of ``LIMITS``; raises the ``KouanError`` that refuses it."""
    if path == RECALL:
        asked = Recall.decode(cose.read1(body, content_type=RECALL_TYPE, max_bytes=MAX_RECALL).payload)
        check_sender(asked.sender, caller, body)
        return recall.answer_recall(body, get_member(asked.sender[:16]))
    signed, agreement = decode_hello(body)
    said = Standing.decode(cose.read1(signed, content_type=STANDING_TYPE, max_bytes=MAX_STANDING).payload)
    member = get_member(said.sender[:16])
    standing = open_standing(signed, member)
    check_sender(said.sender, caller, signed)
    check_clock(milliseconds(timezone.now()), standing.at, past=True)
    take_word(standing)
    if agreement:
        resync.take_agreement(agreement, member)
    row = channel(member.side)
    return encode_hello(our_standing(member.side), bytes(row.ours) if row.cause else b"")


def take_word(standing: Standing) -> None:
    """Follow the peer's word that it has halted the channel, or that it is well again."""
    peer = standing.sender
    if standing.halted == Channel.Cause.RESTORED:
        halt(peer, Channel.Cause.PEER_RESTORED)
    elif standing.halted is None:
        release(peer)
