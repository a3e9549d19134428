"""Applications that ended long ago: what they hold of the person is erased once this side's term is over.

For what it was, the case's number, the dates and the outcome stay, as long as the person's own list does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.services import domain
from kouan.apps.services.applying import drafts
from kouan.apps.services.models import Application, ApplicationEvent
from kouan.core.exchange import bodies

AT_ONCE: Final = 50


def run() -> bool:
    """Erase a portion of what is over (the worker's chore), each by itself; return whether more may be."""
    over = timezone.now() - timedelta(days=settings.NODE.services.keep_applications_days)
    due = (
        Application.objects.filter(updated_at__lt=over, erased_at__isnull=True)
        .filter(state__in=[state.value for state in domain.OVER])
        .exclude(pk__in=ApplicationEvent.objects.filter(at__gte=over).values("application"))
    )
    keys = list(due.order_by("updated_at").values_list("pk", flat=True)[:AT_ONCE])
    for key in keys:
        with transaction.atomic():
            row = due.select_for_update(skip_locked=True).filter(pk=key).first()
            if row is not None:  # nothing has happened with it meanwhile
                _erase(row)
    return len(keys) == AT_ONCE


def _erase(row: Application) -> None:
    row.files.all().delete()
    row.cosignatures.all().delete()
    row.notices.all().delete()
    row.events.update(told=b"")
    row.answers = row.picks = row.email = row.receipt = row.result = row.credential = b""
    row.subject, row.erased_at = "", timezone.now()
    drafts.note(row, "erased", at=row.erased_at)
    row.save()
    bodies.erase_conversation(row.peer, row.key)
