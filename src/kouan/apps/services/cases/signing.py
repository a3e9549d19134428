"""A result's signature: PAdES (ETSI EN 319 142-1), so that any reader of PDF files can check it.

It is made with a key for this one signature, certified by this side's own CA, whose certificate every trust
document holds (``core.trust.onetime``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.core.sides import get_side
from kouan.core.trust.papers import signed_paper
from kouan.core.trust.queries import own

if TYPE_CHECKING:
    from datetime import datetime

FIELD: Final = "Department"


def signed(paper: bytes, *, department: str, reason: str, at: datetime) -> bytes:
    """Return a PDF with this side's signature as an update; ``department`` is who decides, in English."""
    place = get_side(settings.NODE.side).name.en
    key = own().one_time_signer(officer=department, organisation=place, at=at)
    return signed_paper(paper, key, field=FIELD, name=department, place=place, reason=reason)
