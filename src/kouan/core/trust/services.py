"""Changing trust: exporting this side's document, importing another's."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.core.database.locks import take_turn
from kouan.core.sides import get_side
from kouan.core.trust import certificates, document
from kouan.core.trust.errors import (
    AnchorChanged,
    ConflictingDocument,
    FingerprintMismatch,
    FingerprintNeeded,
    OwnSide,
    StaleDocument,
)
from kouan.core.trust.models import Member, MemberHistory
from kouan.core.trust.queries import forget_members, own
from kouan.core.trust.store import OVERLAP, KeyStore

if TYPE_CHECKING:
    from datetime import timedelta

    from kouan.core.trust.document import TrustDocument
    from kouan.core.trust.keys import KeyUse
    from kouan.core.trust.own import OwnKeys


def export_document() -> bytes:
    """Return this side's trust document: the same bytes until a key or the door's address changes."""
    return own().document


def import_document(
    data: bytes,
    *,
    expected_fingerprint: str | None = None,
    imported_by: str = "",
    replace_anchor: bool = False,
) -> Member:
    """Take another side's trust document into use and return its row.

    The first of a side needs the fingerprint that people compared by another way. Later ones are
    accepted under the same anchor if their serial is higher; the one in use again changes nothing.
    Another anchor needs its own compared fingerprint and ``replace_anchor``.

    Raises what ``document.parse`` raises, ``OwnSide``, ``UnknownSideError``, ``FingerprintMismatch``,
    ``FingerprintNeeded``, ``AnchorChanged``, ``StaleDocument`` or ``ConflictingDocument``. Must not
    be called inside a transaction: whoever trusts a side sees it committed.
    """
    trust = document.parse(data)
    if trust.side == settings.NODE.side:
        raise OwnSide(side=trust.side)
    get_side(trust.side)
    actual = document.fingerprint(trust)
    compared = expected_fingerprint is not None
    if expected_fingerprint is not None:
        expected = document.normalised_fingerprint(expected_fingerprint)
        if not hmac.compare_digest(expected.encode(), actual.encode()):
            raise FingerprintMismatch(fingerprint=document.grouped(actual))
    with transaction.atomic(durable=True):
        take_turn(f"trust {trust.side}")
        row = Member.objects.select_for_update().filter(side=trust.side).first()
        if row is None:
            row = Member(side=trust.side)
            if not compared:
                raise FingerprintNeeded(side=trust.side, fingerprint=document.grouped(actual))
        elif row.fingerprint != actual:
            if not (compared and replace_anchor):
                raise AnchorChanged(
                    side=trust.side,
                    known=document.grouped(row.fingerprint),
                    fingerprint=document.grouped(actual),
                )
        elif bytes(row.document) == data:
            return row
        else:
            _require_newer(trust, row)
        row.fingerprint, row.serial, row.document = actual, trust.serial, data
        row.imported_at, row.imported_by = timezone.now(), imported_by
        row.save()
        MemberHistory.objects.create(
            side=trust.side,
            fingerprint=actual,
            serial=trust.serial,
            digest=trust.digest,
            document=data,
            imported_at=row.imported_at,
            imported_by=imported_by,
        )
    forget_members()
    return row


def rotate_key(use: KeyUse, *, overlap: timedelta = OVERLAP) -> OwnKeys:
    """Give this side's sign, decrypt or TLS key a successor; returns the keys as they are then.

    The trust document has a new serial (except after TLS alone), for the other sides to import before
    ``overlap`` has passed. Raises ``ValueError`` for a use that does not rotate.
    """
    node = settings.NODE
    hosts = certificates.door_hosts(node.door_url, node.door_listen.host)
    KeyStore.open(node.keys).rotate(use, hosts=hosts, overlap=overlap)
    return own()


def _require_newer(trust: TrustDocument, row: Member) -> None:
    if trust.serial == row.serial:
        raise ConflictingDocument(side=trust.side, serial=trust.serial)
    if trust.serial < row.serial:
        raise StaleDocument(side=trust.side, serial=trust.serial, known=row.serial)
