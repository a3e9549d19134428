"""News for applicants: shown in the portal until it is read, and sent by e-mail where they asked for it."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from kouan.apps.services.models import Application, ApplicationNotice


def tell(row: Application, kind: str) -> None:
    """Tell an applicant that there is news, in the caller's transaction.

    An e-mail says no more than that there is some: until it is read, one is enough.
    """
    now = timezone.now()
    told = Q(mail_due_at__isnull=False) | Q(tries__gt=0)
    written = ApplicationNotice.objects.filter(told, application=row, read_at__isnull=True).exists()
    ApplicationNotice.objects.create(
        person=row.person,
        application=row,
        kind=kind,
        at=now,
        mail_due_at=now if row.email and settings.MAIL_IS_SENT and not written else None,
    )


def read(row: Application) -> None:
    """Note that the applicant has seen an application's news."""
    ApplicationNotice.objects.filter(application=row, read_at__isnull=True).update(read_at=timezone.now())


def unread(person: str) -> int:
    """Return how many pieces of news a person has not seen."""
    return ApplicationNotice.objects.filter(person=person, read_at__isnull=True).count()
