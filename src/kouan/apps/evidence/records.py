"""Records of departments: put in, replaced, suspended, revoked; each change is written down."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from kouan.apps.evidence import errors, statuses
from kouan.apps.evidence.domain import FIRST_DAY, LAST_DAY, NEXT, Change, State, is_reference, problems
from kouan.apps.evidence.kinds import get_type
from kouan.apps.evidence.labels import PROBLEMS, STATES
from kouan.apps.evidence.models import EvidenceRecord, RecordChange
from kouan.apps.evidence.sdjwt import status
from kouan.core.database.locks import take_turn
from kouan.core.errors import KouanError
from kouan.core.sides.recognising import recognised
from kouan.core.vault import Unsealable, Vault

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from kouan.core.credentials import Holder
    from kouan.core.sides import DocumentNumber

_VAULT: Final = Vault("evidence/claims/1")
_PERSON: Final = b"kouan/evidence/persons/1"
_STATUS: Final[Mapping[State, int]] = {
    State.VALID: status.VALID,
    State.SUSPENDED: status.SUSPENDED,
    State.REVOKED: status.INVALID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a department says of one person."""

    type: str
    reference: str
    document_number: str
    claims: Mapping[str, str]
    valid_from: date
    valid_until: date | None = None
    document: str = ""
    """The kind of the person's document (``core.sides.DocumentFormat.code``); empty: as the number says."""


def put(*, entry: Entry, by: str, departments: Collection[str] | None) -> EvidenceRecord:
    """Keep what a department says; again under the same type and reference, it replaces what was said before.

    ``departments`` are those that the caller acts for, ``None`` for all. What was issued from a replaced
    record is revoked; the very same again changes nothing. Raises ``UnknownType``, ``OtherDepartment``,
    ``IllFormedRecord``, ``BadDocumentNumber``, ``ReferenceTaken``, or what ``recognised`` raises.
    """
    type_ = get_type(entry.type)
    if departments is not None and type_.department not in departments:
        raise errors.OtherDepartment
    if not is_reference(entry.reference):
        raise errors.IllFormedRecord(field="reference", detail=str(PROBLEMS["reference"]))
    _days_can_be(entry)
    claims = {name: value for name, value in entry.claims.items() if value}
    for field, problem in problems(type_, claims):
        raise errors.IllFormedRecord(field=field, detail=str(PROBLEMS[problem]))
    number = recognised(entry.document_number, side=settings.NODE.side, kind=entry.document)
    if number is None:
        raise errors.BadDocumentNumber
    person = person_of(number)
    now = timezone.now()
    with transaction.atomic():
        take_turn(f"evidence-record {entry.type} {entry.reference}")
        row = EvidenceRecord.objects.filter(type=entry.type, reference=entry.reference).first()
        if row is None:
            row = EvidenceRecord(type=entry.type, reference=entry.reference, version=0)
            change = Change.PUT
        elif not hmac.compare_digest(bytes(row.person), person if row.document else _without_kind(number)):
            raise errors.ReferenceTaken
        elif (row.state, row.document, row.valid_from, row.valid_until, claims_of(row)) == (
            State.VALID, number.document.code, entry.valid_from, entry.valid_until, claims
        ):  # fmt: skip
            return row
        else:
            change = Change.REPLACED
        row.person, row.document = person, number.document.code
        row.department, row.state = type_.department, State.VALID
        row.valid_from, row.valid_until = entry.valid_from, entry.valid_until
        row.version, row.changed_at = row.version + 1, now
        row.claims = _VAULT.seal(json.dumps(claims, ensure_ascii=False).encode(), of=_name(row))
        row.save()
        _note(row, change, by=by, reason="")
        if change is Change.REPLACED:
            # What had ended by now was true while it counted: it is only that something else is true today.
            statuses.mark(record=row, status=status.INVALID, after=now)
    return row


def change(
    *, record: EvidenceRecord, change: Change, by: str, reason: str = "", departments: Collection[str] | None
) -> EvidenceRecord:
    """Suspend, resume or revoke a record and all that was issued from it; other sides are told at once.

    Raises ``UnknownRecord`` for another department's, ``RecordCannotChange`` for a wrong state.
    """
    with transaction.atomic():
        row = EvidenceRecord.objects.select_for_update().get(pk=record.pk)
        if departments is not None and row.department not in departments:
            raise errors.UnknownRecord
        target = NEXT[State(row.state)].get(change)
        if target is None:
            raise errors.RecordCannotChange(state=str(STATES[State(row.state)]))
        row.state, row.changed_at = target.value, timezone.now()
        row.save(update_fields=["state", "changed_at"])
        _note(row, change, by=by, reason=reason)
        statuses.mark(record=row, status=_STATUS[target])
    return row


def claims_of(row: EvidenceRecord) -> dict[str, str]:
    """Return what a record says; raises ``UnreadableSecret``."""
    try:
        found: dict[str, str] = json.loads(_VAULT.unseal(bytes(row.claims), of=_name(row)))
    except Unsealable:
        raise errors.UnreadableSecret from None
    return found


def person_of(number: DocumentNumber) -> bytes:
    """Return what a person is found by: a digest of their document's kind and number under the node's key."""
    return _digest(f"{number.document.code}:{number.reveal()}")


def records_of(holder: Holder) -> Q:
    """Return the condition for a person's records.

    Those from before the kind was asked for are found by the number alone, until they are replaced.
    """
    try:
        number = recognised(holder.document_number, side=settings.NODE.side, kind=holder.document_type)
    except KouanError:
        number = None
    if number is None:
        return Q(pk__in=())
    return Q(person=person_of(number)) | Q(person=_without_kind(number), document="")


def _without_kind(number: DocumentNumber) -> bytes:
    return _digest(number.reveal())


def _digest(text: str) -> bytes:
    return hmac.digest(_person_key(settings.NODE.secret_key), text.encode(), "sha256")


def _person_key(secret: str) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PERSON).derive(secret.encode())


def _days_can_be(entry: Entry) -> None:
    for field, day in (("valid_from", entry.valid_from), ("valid_until", entry.valid_until)):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise errors.IllFormedRecord(field=field, detail=str(PROBLEMS["day"]))
    if entry.valid_until is not None and entry.valid_until < entry.valid_from:
        raise errors.IllFormedRecord(field="valid_until", detail=str(PROBLEMS["ends-before"]))


def _name(row: EvidenceRecord) -> str:
    return f"{row.key}/{row.version}"


def _note(row: EvidenceRecord, change: Change, *, by: str, reason: str) -> None:
    values: dict[str, Any] = {"change": change.value, "by": by[:150], "reason": reason[:300]}
    RecordChange.objects.create(record=row, version=row.version, at=row.changed_at, **values)
