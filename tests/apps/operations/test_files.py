"""The operator's page of files: how far each has come, never its name or content."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from kouan.core.exchange.blobs.models import ReceivedBlob, SentBlob
from kouan.core.exchange.ids import new_id

MIB = 1 << 20


@pytest.fixture
def coming(node):
    """Two of five chunks of a file have come; one of ours has not begun."""
    now = timezone.now()
    message = node.receive()[0]
    ReceivedBlob.objects.create(
        peer="gd",
        message_id=message,
        blob_id=uuid.uuid4(),
        file=uuid.uuid4(),
        type="trial.note",
        size=5 * MIB,
        sealed_size=5 * (MIB + 16),
        sha256=bytes(32),
        key=bytes(32),
        chunks=2,
        error="The door of gd does not answer (TimeoutError).",
        next_attempt_at=now,
        until=now,
        created_at=now,
    )
    SentBlob.objects.create(
        blob_id=uuid.uuid4(),
        peer="gd",
        message_id=new_id(),
        type="other.thing",
        size=3_000_000_000,
        sealed_size=3_000_000_000,
        state="sent",
        created_at=now,
    )
    return message


def test_each_file_is_shown_with_its_share(page, coming):
    shown = page(reverse("operations:files")).content.decode()
    assert f'max="{5 * MIB}" value="{2 * MIB}"' in shown
    assert "40 %" in shown
    assert "Note for trying out" in shown
    assert "The door of gd does not answer" in shown
    assert "other.thing" in shown
    assert reverse("operations:crossing", args=[coming]) in shown


def test_the_page_asks_again_until_nothing_is_under_way(client, page, coming):
    address = reverse("operations:files")
    assert f'hx-get="{address}"' in page(address).content.decode()
    part = client.get(address, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.content.decode()
    ReceivedBlob.objects.update(state="failed", code="blob-damaged")
    SentBlob.objects.update(state="gone")
    part = client.get(address, headers={"HX-Request": "true"})
    assert part.status_code == 286
    assert "The file is not the one that its sender signed for." in part.content.decode()
    assert "hx-get" not in page(address).content.decode()
