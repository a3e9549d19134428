"""A node with witnesses, a time-stamp and comparisons that ended in every way, for pages to show."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from kouan.core import cbor
from kouan.core.exchange.models import Difference, OutboxMessage, Reconciliation
from kouan.core.ledger.models import Helper, SignedCheckpoint, TimeStamp
from kouan.core.ledger.notes import VerifierKey
from kouan.sections import TimeSettings, WitnessSettings

WITNESS = "witness.example/kouan"


@pytest.fixture
def compared(node, settings):
    """Return the comparisons by how they ended."""
    key = str(VerifierKey.for_witness(WITNESS, Ed25519PrivateKey.generate().public_key()))
    settings.NODE = replace(
        settings.NODE,
        time=TimeSettings("https://time.example/stamp", Path("tsa.pem")),
        witnesses=(WitnessSettings(WITNESS, "https://witness.example", key),),
        quorum=1,
    )
    node.deliver(3)
    node.witnessed()
    now = timezone.now()
    TimeStamp.objects.create(
        checkpoint=SignedCheckpoint.objects.get(),
        token=b"",
        chain=cbor.encode([]),
        authority="Common Name: Example stamps, Organization: Example",
        at=now,
        stored_at=now,
    )
    Helper.objects.create(name="time-stamp", asked_at=now, answered_at=now)
    Helper.objects.create(
        name=WITNESS, asked_at=now, problem="witness.example does not answer as it should: TimeoutError."
    )
    streams = {
        "hk": {"first": 1, "last": 1_204, "count": 1_204, "settled": 1_204},
        "gd": {"first": 900, "last": 1_711, "count": 811, "settled": 812},
    }
    rows = {}
    for days, (state, more) in enumerate(
        {
            "under-way": {"streams": {"hk": streams["hk"]}},
            "differs": {"streams": streams, "unnamed": 300},
            "agrees": {"streams": {**streams, "gd": {"first": 1, "last": 0, "count": 0, "settled": 0}}},
            "failed": {"code": "no-agreement"},
        }.items(),
        start=1,
    ):
        rows[state] = Reconciliation.objects.create(
            run=uuid.uuid4(),
            peer="gd",
            day=now.date() - timedelta(days=days),
            started_by="hk" if days % 2 else "gd",
            started_at=now - timedelta(days=days - 1),
            finished_at=None if state == "under-way" else now - timedelta(days=days - 1),
            state=state,
            **more,
        )
    sent = OutboxMessage.objects.order_by("pk")[0]
    for number, (stream, message, what) in enumerate(
        [
            ("hk", sent.message_id, "not-received"),
            ("hk", uuid.uuid4(), "not-sent"),
            ("gd", uuid.uuid4(), "other-content"),
            ("gd", uuid.uuid4(), "other-outcome"),
        ],
        start=1_000,
    ):
        Difference.objects.create(
            reconciliation=rows["differs"], stream=stream, number=number, message_id=message, what=what
        )
    return rows
