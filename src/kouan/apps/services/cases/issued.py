"""Results that were handed over: opened again, and taken back as a paper and as a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from kouan.apps.services import sealing
from kouan.apps.services.cases.errors import NoResult
from kouan.apps.services.domain import State
from kouan.apps.services.models import CaseResult
from kouan.core import documents
from kouan.core.credentials import broker

if TYPE_CHECKING:
    from kouan.apps.services.models import Case


def of(case: Case) -> str:
    """Return what a case's result is sealed for."""
    return f"case {case.key} result"


def pdf(case: Case) -> bytes:
    """Return a case's signed paper; raises ``NoResult``."""
    row = CaseResult.objects.filter(case=case).first()
    if row is None or not row.pdf:
        raise NoResult
    return sealing.unseal(row.pdf, of=of(case))


def counts(case: Case) -> bool:
    """Whether a case has a result that was not taken back."""
    return CaseResult.objects.filter(case=case, revoked_at__isnull=True).exists()


def stands(case: Case) -> None:
    """Leave a held case granted where it ends without another decision and what was granted still counts."""
    if counts(case):
        case.state = State.GRANTED.value


def take_back(case: Case) -> bool:
    """Revoke what a case's applicant holds, in the caller's transaction; return whether it was there."""
    row = CaseResult.objects.select_for_update().filter(case=case, revoked_at__isnull=True).first()
    if row is None:
        return False
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])
    broker().revoke(sealing.unseal(row.credential, of=of(case)).decode())
    for reference in (row.reference, row.credential_reference):
        documents.register().revoke(reference)
    return True
