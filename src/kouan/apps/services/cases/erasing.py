"""Cases that ended long ago: what they hold of the person is erased once the department's term is over.

Number, service, dates, outcome, who did what when, and the fingerprints of what was issued stay. A case
that was restricted goes by the same rule as any other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.services import sealing
from kouan.apps.services.cases import issued, telling
from kouan.apps.services.cases.clock import Turn
from kouan.apps.services.domain import Role
from kouan.apps.services.models import Case, CaseResult
from kouan.core.exchange import bodies

AT_ONCE: Final = 50


def run() -> bool:
    """Erase a portion of the cases that are over, each by itself (a chore); return whether more may be."""
    over = timezone.now() - timedelta(days=settings.NODE.services.keep_cases_days)
    due = Case.objects.filter(turn=Turn.NOBODY, decided_at__lt=over, erased_at__isnull=True)
    keys = list(due.order_by("decided_at").values_list("pk", flat=True)[:AT_ONCE])
    for key in keys:
        with transaction.atomic():
            case = due.select_for_update(skip_locked=True).filter(pk=key).first()
            if case is not None:  # nobody else has erased it or opened it again meanwhile
                _erase(case)
    return len(keys) == AT_ONCE


def _erase(case: Case) -> None:
    case.evidence.all().delete()
    case.files.all().delete()
    case.events.update(told=b"")
    result = CaseResult.objects.filter(case=case).first()
    if result is not None:
        _strip(case, result)
    case.answers = case.told = case.consent = b""
    case.subject, case.erased_at = "", timezone.now()
    case.changed += 1
    telling.note(case, "erased", role=Role.CLOCK)
    case.save()
    bodies.erase_conversation(case.home, case.key)


def _strip(case: Case, result: CaseResult) -> None:
    """Leave of a result what it can be taken back by: the credential's token, which has digests alone."""
    token, _mark, _disclosures = sealing.unseal(result.credential, of=issued.of(case)).decode().partition("~")
    result.pdf, result.credential = b"", sealing.seal(f"{token}~".encode(), of=issued.of(case))
    result.save(update_fields=["pdf", "credential"])
