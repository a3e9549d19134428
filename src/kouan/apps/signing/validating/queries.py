"""Reads: reports, and what a page shows of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from kouan.apps.signing.models import RevocationData, SignatureReport
from kouan.apps.signing.validating.errors import UnknownReport
from kouan.apps.signing.validating.report import FileReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.apps.signing.validating.report import Signature


@dataclass(frozen=True, slots=True)
class Kept:
    """A report that is kept, and which pages are drawn."""

    key: UUID
    created_at: datetime
    expires_at: datetime
    report: FileReport
    pages: tuple[int, ...]

    def on(self, page: int) -> list[tuple[int, Signature]]:
        """Return the signatures that stand on a page, with their numbers."""
        return [
            (number, each)
            for number, each in enumerate(self.report.signatures, 1)
            if each.place is not None and each.place.page == page
        ]


def kept(key: UUID) -> Kept:
    """Return a report; raises ``UnknownReport``."""
    row = SignatureReport.objects.filter(pk=key, expires_at__gt=timezone.now()).first()
    if row is None:
        raise UnknownReport
    return Kept(
        key=row.key,
        created_at=row.created_at,
        expires_at=row.expires_at,
        report=FileReport.model_validate_json(row.report),
        pages=tuple(row.pages.values_list("number", flat=True)),
    )


def found(key: str) -> Kept | None:
    """Return a report by the key that a query names, if it is one and the report is still here."""
    try:
        return kept(UUID(key))
    except (ValueError, UnknownReport):
        return None


def picture(key: UUID, number: int) -> bytes:
    """Return a page of a report, as PNG; raises ``UnknownReport``."""
    row = SignatureReport.objects.filter(pk=key, expires_at__gt=timezone.now()).first()
    page = None if row is None else row.pages.filter(number=number).first()
    if page is None:
        raise UnknownReport
    return bytes(page.picture)


def revocation() -> Sequence[RevocationData]:
    """Return what revocation data is here, without the data."""
    return list(RevocationData.objects.defer("data"))
