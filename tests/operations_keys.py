"""A node whose keys have been through everything that its operator may see."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.core.exchange import keynews
from kouan.core.trust import services
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.models import HeldDocument, KeyNews, ReportedKey
from kouan.core.trust.queries import own

HOUR = timedelta(hours=1)


@pytest.fixture
def eventful(node, settings, tmp_path):
    """Keys rotated, one stolen after a batch went under it, the peer's anchor waiting; returns its id."""
    shutil.copytree(settings.NODE.keys, tmp_path / "keys")
    settings.NODE = replace(settings.NODE, keys=tmp_path / "keys", run=tmp_path / "run")
    node.deliver(2)
    now = timezone.now()
    services.rotate_key(KeyUse.DECRYPT)
    services.rotate_key(KeyUse.LOG, soon=True)
    stolen = own().signer(now).kid.hex()
    services.report_compromised(KeyUse.SIGN, stolen, since=now - HOUR, reason="A laptop was lost")
    keynews.announce(own())
    KeyNews.objects.update(verdict="installed", acknowledged_at=now)
    HeldDocument.objects.create(
        side="gd",
        known="ab" * 32,
        fingerprint="cd" * 32,
        serial=7,
        document=b"",
        acknowledgement=b"",
        held_at=now,
    )
    ReportedKey.objects.create(
        side="gd",
        use="witness",
        kid="ef" * 16,
        since=now - HOUR,
        at=now,
        reason="A disk was sold",
        received_at=now,
    )
    return stolen
