"""Taking documents back, or letting them expire, by rows of a file. Neither can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kouan.apps.validation import queries
from kouan.apps.validation.bulk.errors import LaterExpiry
from kouan.apps.validation.bulk.rows import EXPIRED, RowProblem
from kouan.apps.validation.errors import AlreadyRevoked, UnknownDocument
from kouan.apps.validation.models import RegisteredDocument
from kouan.core.database.rows import update_many

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.apps.validation.bulk.rows import Withdrawal
    from kouan.apps.validation.models import BulkJob
    from kouan.core.errors import KouanError

_KNOWN: Final = ("reference", "expires_on", "revoked_at", "revoked_on", "revocation_reason")
_REVOKED: Final = ("revoked_at", "revoked_on", "revocation_reason", "revoked_by_id", "revoked_with_id")


def withdraw(
    job: BulkJob, rows: Sequence[Withdrawal], now: datetime, *, change: bool
) -> tuple[int, int, list[RowProblem]]:
    """Look at rows and, if ``change``, do what they say.

    Return how many documents change, how many rows say what is so already, and what is wrong with others.
    """
    if not rows:
        return 0, 0, []
    mine = RegisteredDocument.objects.filter(institution_id=job.institution_id).order_by("pk").only(*_KNOWN)
    found = (mine.select_for_update() if change else mine).filter(
        reference__in=[row.reference for row in rows]
    )
    known = {one.reference: one for one in found}
    revoked: dict[int, RegisteredDocument] = {}
    ended: dict[int, RegisteredDocument] = {}
    unchanged, problems = 0, []
    for row in rows:
        document = known.get(row.reference)
        error = _wrong(document, row)
        if document is None or error is not None:
            if error is not None:
                problems.append(RowProblem(row.line, "reference", error))
        elif _is_so(document, row):
            unchanged += 1
        elif not change:
            continue
        elif row.reason == EXPIRED:
            document.expires_on = row.expires_on
            ended[document.pk] = document
        else:
            document.revoked_at, document.revoked_on = now, queries.today(now)
            document.revocation_reason = row.reason
            revoked[document.pk] = document
    update_many(
        RegisteredDocument,
        _REVOKED,
        [
            (one.revoked_at, one.revoked_on, one.revocation_reason, job.by_id, job.token_id, key)
            for key, one in revoked.items()
        ],
    )
    update_many(RegisteredDocument, ("expires_on",), [(one.expires_on, key) for key, one in ended.items()])
    return len(revoked.keys() | ended.keys()), unchanged if change else 0, problems


def _wrong(document: RegisteredDocument | None, row: Withdrawal) -> KouanError | None:
    if document is None:
        return UnknownDocument(reference=row.reference)
    if document.revoked_on is not None and document.revocation_reason != row.reason:
        return AlreadyRevoked(reference=row.reference, on=document.revoked_on.isoformat())
    until = document.expires_on
    if row.reason == EXPIRED and until is not None and until < row.expires_on:
        return LaterExpiry(reference=row.reference, until=until.isoformat())
    return None


def _is_so(document: RegisteredDocument, row: Withdrawal) -> bool:
    if row.reason == EXPIRED:
        return document.expires_on == row.expires_on
    return document.revoked_on is not None
