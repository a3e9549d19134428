"""What the journeys of evidence do inside a node (see ``station.py``)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from kouan.apps.evidence import records
from kouan.apps.evidence.domain import Change
from kouan.apps.evidence.models import EvidenceRecord, PeerIssuer, PeerStatusList
from kouan.core.credentials import Holder, broker


def knows(side: str) -> bool:
    """Whether a side's issuer and a list of its are known here."""
    return PeerIssuer.objects.filter(side=side).exists() and PeerStatusList.objects.filter(side=side).exists()


def show(number: str, to: str, matter: str) -> tuple[str, str]:
    """Show the name of an identity to another side; return the record's reference, and the text."""
    holder = Holder("somebody", 4, number)
    (offer,) = broker().offers(holder, "identity", to=to)
    with transaction.atomic():
        presented = broker().present(holder, offer.id, claims=["name"], to=to, matter=matter)
    return EvidenceRecord.objects.get(key=offer.id).reference, presented.text


def check(text: str, sender: str, matter: str) -> tuple[str, dict[str, str]]:
    """Return what a check comes to, and what it says."""
    found = broker().check(text, sender=sender, matter=matter, now=timezone.now(), requirement="identity")
    return found.verdict.value, dict(found.claims)


def change(reference: str, what: str) -> None:
    """Suspend, resume or revoke a record."""
    row = EvidenceRecord.objects.get(reference=reference)
    records.change(record=row, change=Change(what), by="journey", departments=None)
