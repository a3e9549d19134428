"""Which archived documents want a new time-stamp, and which have wanted one for too long.

Asked often by processes that renew nothing, so nothing here loads what reads a PDF.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.models import ArchivedDocument
from kouan.core.watch.concerns import Concern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

AGAIN: Final = timedelta(hours=1)
"""How long after a try that failed a document is tried again."""
_COUNTED: Final = 1000
"""More late documents are not counted: they call for a person all the same."""


def due(now: datetime) -> QuerySet[ArchivedDocument]:
    """Return the documents to renew now: their day has come, and the last try is long enough ago."""
    return ArchivedDocument.objects.filter(renew_at__lte=now).exclude(tried_at__gt=now - AGAIN)


def late(now: datetime) -> Iterator[Concern]:
    """Yield how many documents have been due for longer than a second try takes: that calls for a person.

    It is asked every few seconds, so it looks at the index of days alone and at no document.
    """
    behind = ArchivedDocument.objects.filter(renew_at__lt=now - AGAIN)
    if count := behind.values("pk")[:_COUNTED].count():
        yield Concern("renewal-late", "", count)
