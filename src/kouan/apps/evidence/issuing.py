"""Issuing credentials: SD-JWT VCs of this side's departments, each with a place in a status list."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.evidence import keys, statuses
from kouan.apps.evidence.domain import State, begins, expiry, wire_name
from kouan.apps.evidence.errors import OfferGone
from kouan.apps.evidence.models import Credential, EvidenceRecord
from kouan.apps.evidence.sdjwt.making import Made, make

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from joserfc.jwk import ECKey

    from kouan.apps.evidence.domain import EvidenceType
    from kouan.core.text import Localised

TYPES_PATH: Final = "/evidence/types/"
Kind = Credential.Kind


def vct_of(code: str) -> str:
    """Return what credentials call a type of this side; its description is at that address."""
    return f"{settings.NODE.portal_origin}{TYPES_PATH}{code}"


@transaction.atomic
def from_record(  # noqa: PLR0913 - all that a credential is made of, by name
    *,
    record: EvidenceRecord,
    type_: EvidenceType,
    claims: Mapping[str, str],
    kind: Credential.Kind,
    audience: str,
    holder: ECKey | None,
    now: datetime,
) -> tuple[Made, Credential, bool]:
    """Issue a credential from a record; say also whether nobody has heard of its status list yet.

    Raises ``OfferGone`` where the record was suspended, revoked or replaced since it was read. Who changes it
    waits until this transaction has ended, and so finds the credential among those to be taken back.
    """
    rows = EvidenceRecord.objects.select_for_update()
    if rows.filter(pk=record.pk, state=State.VALID, version=record.version).first() is None:
        raise OfferGone
    authority = {"id": type_.department, "name": type_.department_name.as_mapping()}
    # What it says is as old as the record, whenever it is shown; no such time is before 1970 (RFC 7519).
    since = max(0, math.floor(begins(record.valid_from).timestamp()))
    return _issued(
        payload={"vct": vct_of(type_.code), "issuing_authority": authority, "nbf": since},
        hidden=claims,
        expires_at=expiry(now, type_.counts_days, record.valid_until),
        audience=audience,
        holder=holder,
        now=now,
        row=Credential(kind=kind, record=record, type=type_.code),
    )


def decision(  # noqa: PLR0913 - all that a decision is, by name
    *,
    type_: str,
    title: Localised,
    department: str,
    claims: Mapping[str, str],
    titles: Mapping[str, Localised],
    expires_at: datetime | None,
    registered: Mapping[str, str] | None = None,
) -> str:
    """Issue a credential that stands on no record, with all its claims disclosed.

    ``registered`` is its place on the register of documents, which is said openly (claim ``kouan``).
    """
    now = timezone.now()
    about = {
        "title": title.as_mapping(),
        "labels": {wire_name(name): text.as_mapping() for name, text in titles.items()},
    }
    made, _row, _fresh = _issued(
        payload={
            "vct": vct_of(type_),
            "issuing_authority": {"id": department},
            **about,
            **({"kouan": dict(registered)} if registered else {}),
        },
        hidden=claims,
        expires_at=expires_at,
        audience="",
        holder=None,
        now=now,
        row=Credential(kind=Kind.DECISION, type=type_, about=about),
    )
    return made.whole()


def digest_of(token: str) -> bytes:
    """Return what a credential is found by: SHA-256 of its signed part."""
    return hashlib.sha256(token.encode()).digest()


@transaction.atomic
def _issued(  # noqa: PLR0913 - as above
    *,
    payload: dict[str, Any],
    hidden: Mapping[str, str],
    expires_at: datetime | None,
    audience: str,
    holder: ECKey | None,
    now: datetime,
    row: Credential,
) -> tuple[Made, Credential, bool]:
    place = statuses.place(audience=audience, expires_at=expires_at)
    key = keys.current(now=now)
    payload |= {
        "iss": settings.NODE.portal_origin,
        "iat": math.floor(now.timestamp()),
        "status": {"status_list": {"idx": place.index, "uri": place.uri}},
    }
    if expires_at is not None:
        payload["exp"] = math.floor(expires_at.timestamp())
    if holder is not None:
        public = holder.as_dict(private=False)
        payload["cnf"] = {"jwk": {name: public[name] for name in ("kty", "crv", "x", "y")}}
    named = {wire_name(name): value for name, value in hidden.items()}
    made = make(payload=payload, hidden=named, key=key.jwk, kid=key.kid)
    row.list, row.index, row.digest = place.list, place.index, digest_of(made.token)
    row.issued_at, row.expires_at = now, expires_at
    row.save()
    return made, row, place.fresh
