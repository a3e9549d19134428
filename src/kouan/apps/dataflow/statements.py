"""A side's signature under a contract's terms (``core.exchange.statements``)."""

from __future__ import annotations

from typing import Final

from kouan.apps.dataflow.errors import BadSignature
from kouan.core.exchange import statements
from kouan.core.exchange.statements import MAX, Statement
from kouan.core.trust.errors import BadSignature as Unsound

__all__ = ["MAX", "TYPE", "Statement", "read", "sign"]

TYPE: Final = "application/kouan-contract-signature+cbor"


def sign(statement: Statement) -> bytes:
    """Return the statement under this side's key; raises ``NoUsableKey``."""
    return statements.sign(statement, content_type=TYPE)


def read(data: bytes, *, side: str, digest: bytes) -> Statement:
    """Return a side's statement about these terms; raises ``BadSignature`` for anything else."""
    try:
        return statements.read(data, side=side, digest=digest, content_type=TYPE)
    except Unsound:
        raise BadSignature from None
