"""Receipts that a side signs and either side reads: JSON under COSE_Sign1 (RFC 9052).

Receipts of consents follow the structure of ISO/IEC TS 27560 (a consent record and its receipt) in the words
of the W3C Data Privacy Vocabulary. They name kinds of data and never what these are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone

from kouan.core.errors import KouanError
from kouan.core.trust import cose
from kouan.core.trust.queries import get_member, own

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

CONSENT: Final = "application/consent-receipt+json"
"""The content type of a receipt of a consent."""
MAX: Final = 16 * 1024
"""Bytes of a signed receipt."""


class BadReceipt(ValueError):
    """No receipt that the side's keys signed."""


@dataclass(frozen=True, slots=True)
class Receipts:
    """One sort of receipts."""

    schema: str
    """What ``schema_version`` names in each of them."""
    content_type: str = CONSENT

    def sign(self, content: Mapping[str, Any]) -> bytes:
        """Return a receipt of this content, signed by this node now."""
        return cose.sign1(written_out(content), own().signer(timezone.now()), content_type=self.content_type)

    def read(self, data: bytes, *, side: str, at: datetime) -> Mapping[str, Any]:
        """Return what a receipt of a side says; raises ``BadReceipt`` for anything that it did not sign.

        ``at`` is when it is said to have been signed: the key has to be the side's then.
        """
        try:
            unverified = cose.read1(data, content_type=self.content_type, max_bytes=MAX)
            keys = own().public if side == settings.NODE.side else get_member(side)
            unverified.verify(keys.verification_key(unverified.kid, at))
            value = json.loads(unverified.payload)
        except (KouanError, RecursionError, ValueError) as error:
            raise BadReceipt(type(error).__name__) from None
        if not isinstance(value, dict) or value.get("schema_version") != self.schema:
            raise BadReceipt("another structure")
        return value

    def content(self, data: bytes) -> dict[str, Any]:
        """Return what a receipt says that is kept here, without checking it."""
        signed = cose.read1(data, content_type=self.content_type, max_bytes=MAX)
        value: dict[str, Any] = json.loads(signed.payload)
        return value


def consent(  # noqa: PLR0913 - all that such a receipt says, by name
    *,
    schema: str,
    record: object,
    principal: str,
    language: str,
    processing: Mapping[str, Any],
    parties: Sequence[Mapping[str, Any]],
    event: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the content of a consent's receipt.

    ``record`` is the consent's number, ``principal`` what the receiver knows the person by.
    """
    return {
        "schema_version": schema,
        "record_id": str(record),
        "pii_principal_id": principal,
        "language": language,
        "pii_processing": processing,
        "party_identification": list(parties),
        "events": [event],
    }


def given(at: datetime, *, kind: str = "explicit", **more: Any) -> dict[str, Any]:
    """Return the event with which a consent begins."""
    return {"event_type": kind, "event_state": "given", "event_time": written(at), **more}


def keeper(role: str = "consent-keeper") -> dict[str, str]:
    """Return this node as a party to a consent."""
    party = f"urn:kouan:node:{settings.NODE.side}"
    return {"party_id": party, "party_role": role, "party_url": settings.NODE.portal_origin}


def written(at: datetime) -> str:
    """Return a time as receipts say it: UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def written_out(content: Mapping[str, Any]) -> bytes:
    """Return a receipt's content as the bytes that are signed."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
