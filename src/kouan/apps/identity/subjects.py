"""What services and peers know a resident by: made once for each sector, and kept (see ``domain``)."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import IntegrityError, transaction

from kouan.apps.identity.domain import pairwise_subject
from kouan.apps.identity.models import PairwiseSubject, Resident
from kouan.core.database.rows import fetch

_INFO: Final = b"kouan/identity/subjects/1"


def subject_of(*, resident: Resident, sector: str) -> str:
    """Return what a sector knows a resident by; the first time it is made, and from then on it stays."""
    kept = fetch(PairwiseSubject, "resident_id = %s AND sector = %s", (resident.pk, sector))
    found = kept[0] if kept else None
    if found is None:
        made = pairwise_subject(subject_key(), sector=sector, person=resident.key.bytes)
        try:
            with transaction.atomic():
                found = PairwiseSubject.objects.create(resident=resident, sector=sector, subject=made)
        except IntegrityError:  # another process made the same one a moment before
            found = PairwiseSubject.objects.get(resident=resident, sector=sector)
    return found.subject


def subject_key() -> bytes:
    """Return the key of this node's subjects, derived from its secret."""
    key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_INFO)
    return key.derive(settings.NODE.secret_key.encode())
