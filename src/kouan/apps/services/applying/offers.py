"""What departments of this side hold that meets a need: for the page that shows it and for what sends it."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from kouan.core.credentials import asked_for, broker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.services.definition.model import Need
    from kouan.core.credentials import Holder


def offers_for(need: Need, holder: Holder, *, to: str, acts_for: str = "self") -> list[dict[str, Any]]:
    """Return what may be shown for a need: those claims alone that the department asks for."""
    if holder.level < need.level:
        return []
    found = []
    oldest = need.max_age_days and timezone.now() - timedelta(days=need.max_age_days)
    for offer in broker().offers(holder, asked_for(need.requirement, acts_for=acts_for), to=to):
        claims = [claim for claim in offer.claims if claim.name in {*need.claims, *need.optional}]
        if not claims or (oldest and offer.issued_at < oldest):
            continue
        must = {name for name in need.claims if name not in need.optional}
        here = {claim.name for claim in claims}
        found.append(
            {
                "offer": offer,
                "claims": [(claim, claim.name in must) for claim in claims],
                "lacks": must - here,
            }
        )
    return found


class Standing(Enum):
    """How evidence that was picked stands now."""

    SAME = "offer"
    """It says what the person saw when they picked it, and is neither too old nor a claim too many."""
    CHANGED = "changed"
    """The department has replaced it since; what it says now has been seen by nobody."""
    GONE = "gone"


def standing(
    pick: Mapping[str, Any], need: Need, holder: Holder, *, to: str, acts_for: str
) -> tuple[Standing, dict[str, Any] | None]:
    """Return how what was picked stands now, and what the page offers in its place (``offers_for``)."""
    offers = offers_for(need, holder, to=to, acts_for=acts_for)
    found = next((each for each in offers if each["offer"].id == pick["offer"]), None)
    if found is None:
        return Standing.GONE, None
    if found["offer"].version != pick.get("version"):
        return Standing.CHANGED, found
    must = {claim.name for claim, needed in found["claims"] if needed}
    if not must <= set(pick["claims"]) <= {claim.name for claim, _needed in found["claims"]}:
        return Standing.GONE, None
    return Standing.SAME, found


def fits(pick: Mapping[str, Any], need: Need) -> bool:
    """Whether what was picked for one version of a need answers another: neither more nor less than asked."""
    if pick.get("upload"):
        return need.upload
    picked = set(pick.get("claims", ()))
    return bool(picked) and set(need.claims) - set(need.optional) <= picked <= {*need.claims, *need.optional}
