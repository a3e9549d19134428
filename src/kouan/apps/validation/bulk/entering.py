"""Entering rows of a file into the register: not on it yet, until the whole file was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kouan.apps.validation.bulk.errors import OtherFingerprint
from kouan.apps.validation.bulk.rows import RowProblem
from kouan.apps.validation.models import RegisteredDocument
from kouan.core.database.rows import among, fetch, insert_many

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.apps.validation.bulk.rows import Registration
    from kouan.apps.validation.models import BulkJob

_FIELDS: Final = (
    "reference", "institution_id", "type", "algorithm", "digest", "carried_as", "issued_on", "expires_on",
    "registered_at", "registered_by_id", "registered_with_id", "revocation_reason", "job_id",
)  # fmt: skip
_KNOWN: Final = ("reference", "institution_id", "algorithm", "digest")


def enter(job: BulkJob, rows: Sequence[Registration], now: datetime) -> tuple[int, int, list[RowProblem]]:
    """Enter rows; return how many are new, how many say what is known, and those that contradict it.

    The same reference with the same fingerprint is no news, be it from another file or from this one.
    """
    if not rows:
        return 0, 0, []
    where, params = among("reference", [row.reference for row in rows])
    known = {
        one.reference: (one.institution_id, one.algorithm, bytes(one.digest))
        for one in fetch(RegisteredDocument, where, params, names=_KNOWN)
    }
    fresh, unchanged, problems = [], 0, []
    for row in rows:
        said = (job.institution_id, row.algorithm, row.digest)
        there = known.setdefault(row.reference, said)
        if there is said:
            fresh.append(row)
        elif there == said:
            unchanged += 1
        else:
            problems.append(RowProblem(row.line, "reference", OtherFingerprint(reference=row.reference)))
    insert_many(
        RegisteredDocument,
        _FIELDS,
        [
            (
                row.reference, job.institution_id, row.type, row.algorithm, row.digest, row.carried_as,
                row.issued_on, row.expires_on, now, job.by_id, job.token_id, "", job.pk,
            )
            for row in fresh
        ],
    )  # fmt: skip
    return len(fresh), unchanged, problems
