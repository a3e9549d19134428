"""Files between this node (Hong Kong) and Guangdong, whose door is played over real TLS."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from core.exchange.blobs.playing import PlayedDoor, Scans, reference
from core.exchange.peer import Peer
from kouan.config import BlobSettings
from kouan.core.exchange import inbox, outbox
from kouan.core.exchange.blobs import attaching, fetching
from kouan.core.exchange.blobs.models import ReceivedBlob
from kouan.core.exchange.blobs.reference import BlobLimit
from kouan.core.policy import policy_of
from kouan.core.trust import queries
from kouan.core.trust.services import import_document

MIB = 1 << 20


@pytest.fixture
def blobs(node, settings, tmp_path):
    """The node with a folder of its own for files; call it to change a setting."""

    def change(**changed):
        settings.NODE = replace(settings.NODE, blobs=replace(settings.NODE.blobs, **changed))

    settings.NODE = replace(
        settings.NODE,
        blobs=BlobSettings(min_free_bytes=0),
        blobs_folder=tmp_path / "blobs",
        exchange=replace(settings.NODE.exchange, retry_first_s=30.0),
    )
    return change


@pytest.fixture
def scans(declare, blobs):
    """A declaration with files, whose handler notes that it was called."""
    crossing = declare("test.large", payload=Scans, blobs=BlobLimit(3, 16 * MIB), max_bytes=4096)

    @crossing.handler
    def _handle(received):
        Group.objects.create(name=str(received.id))

    return crossing


@pytest.fixture
def door(stores):
    """Guangdong's door, with its true certificate; it does as the test says."""
    played = PlayedDoor(stores["gd"], side="gd")
    yield played
    played.close()


@pytest.fixture
def gd(node, blobs, stores, door):
    """Guangdong, reached at the played door."""
    agreement = next(each for each in policy_of(node.agreements).agreements if each.id == "tests")
    peer = Peer("gd", stores["gd"], queries.own().public, agreement, door_url=door.url)
    import_document(peer.document, expected_fingerprint=peer.fingerprint)
    door.node = queries.own().public
    return peer


class Arriving:
    """A file that Guangdong's message names."""

    def __init__(self, message, blob, content):
        self.message = message
        self.blob = blob
        self.content = content

    @property
    def row(self):
        return ReceivedBlob.objects.get(message_id=self.message)


@pytest.fixture
def arrive(gd, door, scans):
    """Have a message with a file come to this node; what the door hands out can be changed."""

    def come(*, size=3 * MIB + 77, expected=None, **changed):
        content = secrets.token_bytes(size)
        blob, sealed = reference(content, sender="gd", receiver="hk", to=queries.own().public, **changed)
        door.files[blob["id"]] = sealed
        draft = gd.say({"scans": [blob]}, type_="test.large")
        posted = gd.batch(draft)
        receipt = gd.read_receipt(inbox.accept(posted.wire), posted)
        gd.advance(posted)
        assert receipt["status"] == [expected]
        return Arriving(uuid.UUID(bytes=draft.header["id"]), blob, content)

    return come


@pytest.fixture
def fetch():
    """Do what the worker's chore does, until nothing is due."""

    def go(times=1):
        for _ in range(times):
            ReceivedBlob.objects.filter(state="fetching").update(
                next_attempt_at=timezone.now() - timedelta(seconds=1)
            )
            fetching.fetch_due("gd")

    yield go
    fetching._sums._sums.clear()


@pytest.fixture
def send(gd, scans):
    """Send a file to Guangdong; returns (message id, reference)."""

    def go(path):
        blob = attaching.attach(scans, path, to="gd", media_type="image/tiff")
        with transaction.atomic():
            return outbox.send(scans, to="gd", payload=Scans(scans=[blob])), blob

    return go
