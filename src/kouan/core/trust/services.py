"""Changing trust: exporting this side's document, importing another's."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.core.database.locks import take_turn
from kouan.core.sides import get_side
from kouan.core.trust import certificates, document, keylist, rotation, tokens
from kouan.core.trust.errors import (
    AnchorChanged,
    ConflictingDocument,
    FingerprintMismatch,
    FingerprintNeeded,
    KeyCompromised,
    OwnSide,
    StaleDocument,
    StillAskedFor,
)
from kouan.core.trust.keys import kid_of
from kouan.core.trust.models import HeldDocument, Member, MemberHistory, ReportedKey
from kouan.core.trust.queries import forget_members, own
from kouan.core.trust.store import OVERLAP, KeyStore

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from kouan.core.trust.document import TrustDocument
    from kouan.core.trust.keylist import StoredKey
    from kouan.core.trust.keys import KeyUse
    from kouan.core.trust.own import OwnKeys


def export_document() -> bytes:
    """Return this side's trust document: the same bytes until a key or the door's address changes."""
    return own().document


def check_keys() -> OwnKeys:
    """Open and check every private key of this side, before a node's processes open those that they use.

    A list of keys from an older version is written anew with the public halves, without which it cannot be
    read but by opening all of them. Raises ``UnsafeKeyFile`` or ``KeyStoreDamaged``, naming the file.
    """
    store = _store()
    if not keylist.names_public_halves(store.directory):
        with store.lock():
            keylist.write(store.directory, _store().content_list)
    return own()


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
        require_fingerprint(actual, expected_fingerprint)
    with transaction.atomic(durable=True):
        take_turn(f"trust {trust.side}")
        row = Member.objects.select_for_update().filter(side=trust.side).first()
        if row is None:
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
        row = install(data, trust, by=imported_by)
    forget_members()
    return row


def require_fingerprint(actual: str, told: str) -> None:
    """Compare a fingerprint with what a person typed; raises ``FingerprintMismatch``."""
    expected = document.normalised_fingerprint(told)
    if not hmac.compare_digest(expected.encode(), actual.encode()):
        raise FingerprintMismatch(fingerprint=document.grouped(actual))


def install(data: bytes, trust: TrustDocument, *, by: str, acknowledgement: bytes = b"") -> Member:
    """Take a checked document into use inside the caller's transaction; return the member's row.

    What it reports compromised stays reported. Raises ``KeyCompromised`` when its anchor was reported.
    """
    actual = document.fingerprint(trust)
    kid = kid_of(trust.content.anchor_spki)
    report = ReportedKey.objects.filter(side=trust.side, kid=kid.hex()).first()
    if report is not None:
        raise KeyCompromised(
            kid=kid.hex(), side=trust.side, since=report.since.isoformat(), at=report.at.isoformat()
        )
    now = timezone.now()
    row = Member.objects.filter(side=trust.side).first() or Member(side=trust.side)
    row.fingerprint, row.serial, row.document = actual, trust.serial, data
    row.imported_at, row.imported_by = now, by
    row.save()
    MemberHistory.objects.update_or_create(
        side=trust.side,
        fingerprint=actual,
        serial=trust.serial,
        defaults={
            "digest": trust.digest,
            "document": data,
            "imported_at": now,
            "imported_by": by,
            "acknowledgement": acknowledgement,
        },
    )
    HeldDocument.objects.filter(side=trust.side, serial__lte=trust.serial).delete()
    keep_reports(trust)
    transaction.on_commit(forget_members)
    return row


def keep_reports(trust: TrustDocument) -> None:
    """Keep what a document reports compromised; what is known already stays as it was first said."""
    now = timezone.now()
    ReportedKey.objects.bulk_create(
        [
            ReportedKey(
                side=trust.side,
                use=item.use.value,
                kid=item.kid.hex(),
                since=item.since,
                at=item.at,
                reason=item.reason,
                received_at=now,
            )
            for item in trust.content.revoked
        ],
        ignore_conflicts=True,
    )
    transaction.on_commit(forget_members)


def rotate_key(use: KeyUse, *, overlap: timedelta = OVERLAP, soon: bool = False) -> OwnKeys:
    """Give one of this side's keys a successor; returns the keys as they are then.

    The trust document has a new serial (except after TLS alone), which the worker carries to the other
    sides. ``soon`` ends the old key when all of them have acknowledged it, else ``overlap`` does.
    """
    rotation.rotate(_store(), use, hosts=_hosts(), overlap=overlap, soon=soon)
    return own()


def report_compromised(use: KeyUse, kid: str, *, since: datetime, reason: str) -> OwnKeys:
    """Report one of this side's keys compromised; see ``rotation.compromise``."""
    rotation.compromise(_store(), use, kid, since=since, reason=reason, hosts=_hosts())
    return own()


def finish_rotation() -> OwnKeys:
    """End the old keys that wait for it: every peer has acknowledged their successors."""
    rotation.finish(_store())
    return own()


def end_second_signature() -> OwnKeys:
    """Sign once from now on; raises ``StillAskedFor`` while the settings ask for two signatures.

    The other sides learn of it by the trust document, and show it to their operators.
    """
    if settings.NODE.second_signature:
        raise StillAskedFor
    rotation.end_second(_store())
    return own()


def prune_keys() -> list[StoredKey]:
    """Delete the private halves of keys long ended; the caller has seen that all peers know."""
    return rotation.prune(_store())


def _store() -> KeyStore:
    node = settings.NODE
    return KeyStore.open(node.keys, token=tokens.configured(node.token))


def _hosts() -> tuple[str, ...]:
    node = settings.NODE
    return certificates.door_hosts(node.door_url, node.door_listen.host)


def _require_newer(trust: TrustDocument, row: Member) -> None:
    if trust.serial == row.serial:
        raise ConflictingDocument(side=trust.side, serial=trust.serial)
    if trust.serial < row.serial:
        raise StaleDocument(side=trust.side, serial=trust.serial, known=row.serial)
