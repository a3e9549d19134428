"""A side's signature under a text: a signed statement of who signed, for whom, and when.

The statement is a COSE_Sign1 (RFC 9052) under the side's own signing key, as its batches are, over the
deterministic CBOR of the text's digest and the officer. The trust documents that both sides hold verify it.
Each kind of text has a content type of its own, so that no signature passes for one under another kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange.times import from_milliseconds, milliseconds
from kouan.core.trust import cose
from kouan.core.trust.errors import BadSignature
from kouan.core.trust.queries import get_member, own

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.core.trust.member import MemberKeys

MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Statement:
    """That a side signs a text."""

    digest: bytes
    """SHA-256 of the canonical text."""
    side: str
    officer: str
    """The officer's name, and the post in which they sign."""
    at: datetime


def sign(statement: Statement, *, content_type: str) -> bytes:
    """Return the statement under this side's key; raises ``NoUsableKey``."""
    content = cbor.encode(
        {
            "digest": statement.digest,
            "side": statement.side,
            "officer": statement.officer,
            "at": milliseconds(statement.at),
        }
    )
    return cose.sign1(content, own().signer(statement.at), content_type=content_type)


def read(data: bytes, *, side: str, digest: bytes, content_type: str) -> Statement:
    """Return a side's statement about this text; raises ``trust.errors.BadSignature`` for anything else."""
    try:
        unverified = cose.read1(data, content_type=content_type, max_bytes=MAX)
        value = cbor.decode(unverified.payload, max_bytes=MAX, max_depth=2)
        match value:
            case {
                "digest": bytes() as found,
                "side": str() as who,
                "officer": str() as officer,
                "at": int() as at,
            }:
                statement = Statement(found, who, officer[:200], from_milliseconds(at))
            case _:
                raise BadSignature
        unverified.verify(_keys(side).verification_key(unverified.kid, statement.at))
    except (KouanError, OverflowError, ValueError):
        raise BadSignature from None
    if (statement.side, statement.digest) != (side, digest):
        raise BadSignature
    return statement


def _keys(side: str) -> MemberKeys:
    keys = own()
    return keys.public if side == keys.side else get_member(side)
