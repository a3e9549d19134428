"""The evidence broker: what a service asks for, the types that meet it, the records that are held."""

from __future__ import annotations

import math
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from django.db.models import Q
from django.utils import timezone
from joserfc.jwk import ECKey

from kouan.apps.evidence import announcing, checking, errors, issuing, statuses
from kouan.apps.evidence.domain import ZONE, State, begins, ends, wire_name
from kouan.apps.evidence.kinds import catalogue
from kouan.apps.evidence.models import Credential, EvidenceRecord, Showing
from kouan.apps.evidence.records import claims_of, records_of
from kouan.apps.evidence.sdjwt import status
from kouan.apps.evidence.sdjwt.making import bind
from kouan.apps.evidence.sdjwt.reading import split
from kouan.core.credentials import ClaimShown, Offer, Presented

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from kouan.apps.evidence.domain import EvidenceType
    from kouan.core.credentials import Checked, Holder
    from kouan.core.text import Localised

MAX_PRESENTATION: Final = 48 * 1024
"""Characters; the boundary carries no more (``services.application``)."""
AUDIENCE: Final = "urn:kouan:side:"
"""Whom a presentation is for: this and the side's code."""
ACR: Final = "urn:gba:loa:"


class EvidenceBroker:
    """Implements ``kouan.core.credentials.Broker``."""

    def offers(self, holder: Holder, requirement: str, *, to: str) -> Sequence[Offer]:
        """Return what departments hold for a person that meets a requirement and may go to a side.

        What the person has not signed in surely enough to see is not there.
        """
        types = {each.code: each for each in catalogue().meeting(requirement) if each.may_go_to(to)}
        return [offer_of(row, types[row.type]) for row in held(holder, types)]

    def present(  # noqa: PLR0913 - as the protocol has it
        self,
        holder: Holder,
        offer: str,
        *,
        claims: Collection[str],
        to: str,
        matter: str,
        version: str = "",
    ) -> Presented:
        """Issue a credential for one showing, disclose the ticked claims, and bind it to receiver and matter.

        Raises ``OfferGone``, ``OfferChanged``, ``EvidenceLevelTooLow``, ``UnknownClaim``, ``NothingTicked``
        or ``EvidenceTooLarge``.
        """
        row, type_ = record_of(holder, offer)
        if not type_.may_go_to(to):
            raise errors.OfferGone
        whole = offer_of(row, type_)
        if version not in {"", whole.version}:
            raise errors.OfferChanged
        said = claims_of(row)
        for name in claims:
            if name not in said:
                raise errors.UnknownClaim(claim=str(name)[:40])
        if not claims:
            raise errors.NothingTicked
        now = timezone.now()
        key = ECKey.generate_key("P-256")  # for this one showing, and then forgotten
        made, credential, fresh = issuing.from_record(
            record=row, type_=type_, claims=said, kind=Credential.Kind.SHOWN, audience=to, holder=key, now=now
        )
        text = bind(
            made.showing({wire_name(name) for name in claims}),
            key=key,
            audience=AUDIENCE + to,
            nonce=matter,
            at=math.floor(now.timestamp()),
            acr=f"{ACR}{holder.level}",
        )
        if len(text) > MAX_PRESENTATION:
            raise errors.EvidenceTooLarge
        if fresh:  # else the other side has its list already
            announcing.tell_list(credential.list, to, now=now)
        ticked = tuple(claim for claim in whole.claims if claim.name in claims)
        Showing.objects.create(
            person=holder.key, record=row, credential=credential, type=type_.code, to=to, matter=matter[:200],
            claims=[claim.name for claim in ticked], level=holder.level, at=now,
        )  # fmt: skip
        return Presented(text, replace(whole, claims=ticked))

    def check(self, text: str, *, sender: str, matter: str, now: datetime, requirement: str = "") -> Checked:
        """Check what a side presented; with ``requirement``, also that its type meets it (``NOT_ASKED``)."""
        return checking.check(text, sender=sender, matter=matter, now=now, requirement=requirement)

    def issue(  # noqa: PLR0913 - as the protocol has it
        self,
        *,
        type_: str,
        title: Localised,
        department: str,
        claims: Mapping[str, str],
        titles: Mapping[str, Localised],
        expires_at: datetime | None,
        registered: Mapping[str, str] | None = None,
    ) -> str:
        """Issue a decision; raises ``TypeTaken`` for the name of a type that departments keep records of."""
        if type_ in catalogue().types:  # it would pass for that evidence, whoever keeps it
            raise errors.TypeTaken(type=type_)
        return issuing.decision(
            type_=type_,
            title=title,
            department=department,
            claims=claims,
            titles=titles,
            expires_at=expires_at,
            registered=registered,
        )

    def revoke(self, text: str) -> None:
        """Take an issued credential back; raises ``NotACredential`` for none of this side's."""
        try:
            token = split(text).token
        except ValueError:
            raise errors.NotACredential from None
        row = Credential.objects.filter(digest=issuing.digest_of(token)).first()
        if row is None:
            raise errors.NotACredential
        statuses.mark(status=status.INVALID, credential=row)


def held(holder: Holder, types: Mapping[str, EvidenceType]) -> list[EvidenceRecord]:
    """Return the records of a person that count now and that they may see, in the order of the types."""
    seen = {code: place for place, (code, each) in enumerate(types.items()) if each.level <= holder.level}
    if not seen:
        return []
    today = timezone.now().astimezone(ZONE).date()
    rows = EvidenceRecord.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=today), records_of(holder),
        type__in=list(seen), state=State.VALID, valid_from__lte=today,
    )  # fmt: skip
    return sorted(rows, key=lambda row: (seen[row.type], row.pk))


def record_of(holder: Holder, offer: str | uuid.UUID) -> tuple[EvidenceRecord, EvidenceType]:
    """Return a person's own record that counts now; raises ``OfferGone`` or ``EvidenceLevelTooLow``."""
    key = _uuid(offer)
    row = EvidenceRecord.objects.filter(records_of(holder), key=key).first() if key else None
    type_ = catalogue().types.get(row.type) if row is not None else None
    today = timezone.now().astimezone(ZONE).date()
    if row is None or type_ is None or row.state != State.VALID or row.valid_from > today:
        raise errors.OfferGone
    if row.valid_until is not None and row.valid_until < today:
        raise errors.OfferGone
    if holder.level < type_.level:
        raise errors.EvidenceLevelTooLow(needed=type_.level, level=holder.level)
    return row, type_


def _uuid(offer: str | uuid.UUID) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(offer))
    except ValueError:
        return None


def offer_of(row: EvidenceRecord, type_: EvidenceType) -> Offer:
    """Return a record as the person sees it."""
    said = claims_of(row)
    return Offer(
        id=str(row.key),
        version=str(row.version),
        type=type_.code,
        title=type_.title,
        issuer=type_.department_name,
        issued_at=begins(row.valid_from),
        expires_at=None if row.valid_until is None else ends(row.valid_until),
        claims=tuple(
            ClaimShown(each.name, each.title, said[each.name], each.element)
            for each in type_.claims
            if each.name in said
        ),
    )
