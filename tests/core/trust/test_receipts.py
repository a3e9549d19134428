"""Receipts that a side signs: read by either side, and by nobody else's word."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from kouan.core.trust import cose, receipts
from kouan.core.trust.queries import own
from kouan.core.trust.receipts import BadReceipt, Receipts

KIND = Receipts("urn:kouan:test-receipt:1")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("node")]


def test_what_is_signed_is_read_again():
    now = timezone.now()
    said = receipts.consent(
        schema=KIND.schema,
        record=7,
        principal="someone",
        language="zh-hant",
        processing={"purposes": []},
        parties=[receipts.keeper()],
        event=receipts.given(now, assurance_level=2),
    )
    signed = KIND.sign(said)
    assert KIND.read(signed, side="hk", at=now) == KIND.content(signed) == said
    assert said["events"] == [
        {
            "event_type": "explicit",
            "event_state": "given",
            "event_time": receipts.written(now),
            "assurance_level": 2,
        }
    ]


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"\xff", b"[" * 9000, b'{"schema_version": "urn:kouan:test-receipt:2"}'],
    ids=["empty", "cut", "list", "bytes", "deep", "another-sort"],
)
def test_a_signature_under_something_else_is_no_receipt(payload):
    now = timezone.now()
    with pytest.raises(BadReceipt):
        KIND.read(cose.sign1(payload, own().signer(now), content_type=receipts.CONSENT), side="hk", at=now)


def test_another_content_type_or_too_many_bytes():
    now, said = timezone.now(), {"schema_version": KIND.schema}
    other = Receipts(KIND.schema, "application/erasure-receipt+json").sign(said)
    large = cose.sign1(
        json.dumps({**said, "more": "x" * receipts.MAX}).encode(),
        own().signer(now),
        content_type=receipts.CONSENT,
    )
    for each in (other, large, b"", b"\x00" * 64):
        with pytest.raises(BadReceipt):
            KIND.read(each, side="hk", at=now)
