"""Receipts of erasures: what was erased because a person asked, or why not, signed by the side that had it.

COSE_Sign1 over JSON. It names messages by their ids and says what stays of them; never what they held.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone

from kouan.apps.dataflow import errors
from kouan.core.trust.receipts import Receipts, written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.apps.dataflow.models import ErasureRequest
    from kouan.apps.dataflow.rules import ErasureRules

SCHEMA: Final = "urn:kouan:erasure-receipt:1"
_KIND: Final = Receipts(SCHEMA, "application/erasure-receipt+json")
NAMED: Final = 200
"""Messages that a receipt names, the first ones; it says how many there are in all."""
STAYS: Final = ("consent", "decision", "header", "ledger-entry", "receipt")
"""What both sides keep of each message, none of which says what it held."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a receipt says."""

    request: uuid.UUID
    consent: uuid.UUID
    outcome: str
    reason: str
    records: range
    """As many as were erased."""


def sign(request: ErasureRequest, rules: ErasureRules | None, gone: Sequence[uuid.UUID]) -> bytes:
    """Return the signed receipt of an answer that is given now."""
    refusal = rules.refusals.get(request.reason) if rules is not None else None
    said: dict[str, Any] = {
        "schema_version": SCHEMA,
        "request": str(request.key),
        "consent": str(request.consent.key),
        "contract": str(request.consent.contract),
        "side": settings.NODE.side,
        "outcome": request.state,
        "reason": request.reason,
        "law": "" if rules is None else refusal.source if refusal is not None else rules.source,
        "asked_at": written(request.asked_at),
        "answered_at": written(timezone.now()),
        "count": len(gone),
        "messages": [str(each) for each in gone[:NAMED]],
        "stays": list(STAYS),
    }
    return _KIND.sign(said)


def read(data: bytes, *, side: str, at: datetime) -> Said:
    """Return what a side's receipt says; raises ``BadSignature`` for anything that it did not sign."""
    try:
        value = _KIND.read(data, side=side, at=at)
        if value["side"] != side:
            raise errors.BadSignature
        return Said(
            request=uuid.UUID(value["request"]),
            consent=uuid.UUID(value["consent"]),
            outcome=str(value["outcome"]),
            reason=str(value["reason"]),
            records=range(int(value["count"])),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise errors.BadSignature from None


def content(data: bytes) -> dict[str, Any]:
    """Return what a receipt says that is kept here, without checking it."""
    return _KIND.content(data)
