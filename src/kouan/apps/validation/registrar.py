"""The register of documents for this node's other apps, whose departments issue papers."""

from __future__ import annotations

import hashlib
import io
import re
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from kouan.apps.validation import marks, queries
from kouan.apps.validation.domain import DocumentType, Reference, RevocationReason
from kouan.apps.validation.errors import AlreadyRegistered
from kouan.apps.validation.marks import INSTITUTION_CODE, Mark
from kouan.apps.validation.models import Institution, RegisteredDocument
from kouan.core.documents import Prepared

if TYPE_CHECKING:
    from datetime import date

    from kouan.core.text import Localised

_LONGEST = 40


class DocumentRegister:
    """``kouan.core.documents.Register``, over this app's tables."""

    def named(self, department: str) -> dict[str, str]:
        """Return a fresh reference, and whose it is."""
        side = settings.NODE.side
        return {"reference": str(Reference.new(side)), "issuer": code_of(department), "side": side}

    def prepare(self, data: bytes, *, department: str, name: str) -> Prepared:
        """Put the mark into a document, and take its fingerprint."""
        mark = Mark.new(side=settings.NODE.side, issuer=code_of(department))
        carried = io.BytesIO()
        made = marks.carry(io.BytesIO(data), carried, mark, name=name)
        return Prepared(
            reference=str(made.reference),
            department=department,
            data=carried.getvalue(),
            digest=made.digest,
            carried_as=made.carried_as.value,
            algorithm=made.algorithm.value,
        )

    def enter(self, prepared: Prepared, *, issuer: Localised, expires_on: date | None) -> None:
        """Enter it under the department's institution, which is made when it is first needed."""
        now = timezone.now()
        institution, _made = Institution.objects.get_or_create(
            code=code_of(prepared.department),
            defaults={
                "name_en": issuer.en[:200],
                "name_zh_hant": issuer.zh_hant[:200],
                "name_zh_hans": issuer.zh_hans[:200],
                "created_at": now,
            },
        )
        try:
            with transaction.atomic():
                RegisteredDocument.objects.create(
                    reference=prepared.reference,
                    institution=institution,
                    type=DocumentType.OTHER.value,
                    algorithm=prepared.algorithm,
                    digest=prepared.digest,
                    carried_as=prepared.carried_as,
                    issued_on=queries.today(now),
                    expires_on=expires_on,
                    registered_at=now,
                )
        except IntegrityError:
            raise AlreadyRegistered(reference=prepared.reference) from None

    def revoke(self, reference: str) -> None:
        """Revoke it; the first revocation stands."""
        now = timezone.now()
        RegisteredDocument.objects.filter(reference=reference, revoked_on__isnull=True).update(
            revoked_at=now,
            revoked_on=queries.today(now),
            revocation_reason=RevocationReason.WITHDRAWN.value,
        )


def code_of(department: str) -> str:
    """Return the institution's code of a department: its own, or a short one where that does not fit."""
    if re.fullmatch(INSTITUTION_CODE, department):
        return department
    short = hashlib.sha256(department.encode()).hexdigest()[:8]
    return f"{department[: _LONGEST - 9]}-{short}"
