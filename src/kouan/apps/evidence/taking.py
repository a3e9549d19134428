"""Taking a credential out: the person's own copy, which any verifier can check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone

from kouan.apps.evidence import issuing
from kouan.apps.evidence.broker import record_of
from kouan.apps.evidence.errors import NotAHoldersKey
from kouan.apps.evidence.models import Credential, Showing
from kouan.apps.evidence.records import claims_of
from kouan.apps.evidence.sdjwt.signing import Malformed, public_key

if TYPE_CHECKING:
    import uuid

    from joserfc.jwk import ECKey

    from kouan.core.credentials import Holder

MEDIA_TYPE: Final = "application/dc+sd-jwt"
_MOST_KEY: Final = 2000


def take_out(*, holder: Holder, key: uuid.UUID, jwk: str = "") -> str:
    """Return a whole credential of a person's own record, bound to their public key if they give one.

    Raises ``OfferGone``, ``EvidenceLevelTooLow`` or ``NotAHoldersKey``.
    """
    theirs = _key(jwk)
    now = timezone.now()
    with transaction.atomic():
        row, type_ = record_of(holder, key)
        claims = claims_of(row)
        made, credential, _fresh = issuing.from_record(
            record=row,
            type_=type_,
            claims=claims,
            kind=Credential.Kind.TAKEN,
            audience="",
            holder=theirs,
            now=now,
        )
        Showing.objects.create(
            person=holder.key, record=row, credential=credential, type=type_.code, to="", matter="",
            claims=[claim.name for claim in type_.claims if claim.name in claims], level=holder.level, at=now,
        )  # fmt: skip
    return made.whole()


def _key(jwk: str) -> ECKey | None:
    if not jwk.strip():
        return None
    try:
        value = json.loads(jwk[:_MOST_KEY])
        if isinstance(value, dict) and "d" in value:  # the private half has no business here
            raise NotAHoldersKey
        return public_key(value)
    except (Malformed, ValueError, RecursionError):
        raise NotAHoldersKey from None
