"""Erasing what crossed because the person whom it is about asks for it, on the importer's side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from kouan.apps.dataflow import errors, records
from kouan.apps.dataflow.models import DataConsent

if TYPE_CHECKING:
    import uuid


def erase_asked(*, contract: uuid.UUID, consent: uuid.UUID) -> int:
    """Erase what a consent had let cross here, and tell the other side; return how many records.

    The consent itself stays: withdrawing it is for the person, on their own side. Raises ``NoSuchConsent``.
    """
    with transaction.atomic():
        held = (
            DataConsent.objects.select_for_update().filter(key=consent, contract=contract, person="").first()
        )
        if held is None:
            raise errors.NoSuchConsent
        return records.erase(consent=held, because="asked")
