"""Keeping the texts on which messages crossed: evidence needs them when their files are long gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone

from kouan.core.exchange.models import KeptAgreement
from kouan.core.policy import policy_of
from kouan.core.policy.agreements import AgreementFileError, load_agreements

if TYPE_CHECKING:
    from pathlib import Path

KEEP_EVERY: Final = 60.0


def keep_all() -> bool:
    """Keep each text that is in the folder now, once; nothing is ever removed."""
    folder: Path = settings.NODE.agreements
    try:
        held = load_agreements(folder)
    except AgreementFileError:
        # A file that is being edited stops no process that runs; starting one says what is wrong.
        return False
    known = {bytes(each) for each in KeptAgreement.objects.values_list("digest", flat=True)}
    KeptAgreement.objects.bulk_create(
        [
            KeptAgreement(digest=each.digest, agreement=each.id, source=each.source, kept_at=timezone.now())
            for each in held
            if each.digest not in known
        ],
        ignore_conflicts=True,
    )
    return False


def keep(*, digest: bytes, agreement: str, source: bytes) -> None:
    """Keep the text of a contract of institutions, on which messages will cross as on an agreement."""
    KeptAgreement.objects.get_or_create(
        digest=digest, defaults={"agreement": agreement, "source": source, "kept_at": timezone.now()}
    )


def text_of(digest: bytes) -> tuple[str, bytes] | None:
    """Return id and text of the agreement or contract with this digest, if this node ever held it."""
    for agreement in policy_of(settings.NODE.agreements).agreements:
        if agreement.digest == digest:
            return agreement.id, agreement.source
    row = KeptAgreement.objects.filter(digest=digest).first()
    return None if row is None else (row.agreement, bytes(row.source))
