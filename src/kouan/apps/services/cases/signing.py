"""A result's signature: PAdES (ETSI EN 319 142-1), so that any reader of PDF files can check it.

It is made with the key of the office that signs for the department, wherever that key is (a token, a remote
service, a file): then its certificate is one that the trust lists may recognise. Where no office does, it is
made with a key for this one signature, certified by this side's own CA, whose certificate every trust
document holds (``core.trust.onetime``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.core.sides import get_side
from kouan.core.trust import offices
from kouan.core.trust.papers import signed_paper
from kouan.core.trust.queries import own

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.services.definition.model import Department

FIELD: Final = "Department"


def signed(  # noqa: PLR0913 - what a signature says, by name
    paper: bytes, *, department: Department, reason: str, name: str, by: str, at: datetime
) -> bytes:
    """Return a PDF with a signature of who decides, as an update; ``by`` is the officer's account.

    ``name`` is what the file is called on record. Raises a ``KouanError`` where an office's key cannot be
    used.
    """
    place = get_side(settings.NODE.side).name.en
    title = department.name.en
    wanted = offices.Wanted(field=FIELD, name=title, place=place, reason=reason, file_name=name, by=by)
    done = offices.signed(paper, wanted, department=department.code)
    if done is not None:
        return done
    key = own().one_time_signer(officer=title, organisation=place, at=at)
    return signed_paper(paper, key, field=FIELD, name=title, place=place, reason=reason)
