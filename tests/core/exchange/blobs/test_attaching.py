"""Sealing a file for the other side, and giving it to one message."""

from __future__ import annotations

import errno
import io
import os
import threading
import uuid

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction

from core.exchange.blobs.playing import Scans
from kouan.core.exchange import outbox
from kouan.core.exchange.blobs import attaching, folder
from kouan.core.exchange.blobs.errors import (
    BlobNotAttached,
    DiskLow,
    NoRoomForBlob,
    OversizedBlob,
    SourceChanged,
)
from kouan.core.exchange.blobs.models import SentBlob
from kouan.core.exchange.models import OutboxMessage
from kouan.core.trust import sealing

MIB = 1 << 20


def attach(scans, source, to="gd"):
    return attaching.attach(scans, source, to=to, media_type="image/tiff")


def nothing_left():
    return not SentBlob.objects.exists() and not [
        path for place in folder.both() if place.exists() for path in place.iterdir()
    ]


@pytest.mark.parametrize("size", [0, 1, MIB, 2 * MIB + 3])
def test_only_the_receiver_opens_what_was_sealed(scans, gd, tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "scan").write_bytes(content)
    blob = attach(scans, tmp_path / "scan")
    info = b"kouan-blob-key/1\0" + f"hk\0gd\0{size}\0".encode() + blob.id + blob.sha256
    key = sealing.unwrap_batch_key(blob.key, gd.store.decryption_key(blob.kid), info=info)
    sealed = folder.outgoing(uuid.UUID(bytes=blob.id)).read_bytes()
    row = SentBlob.objects.get()
    assert (row.size, row.sealed_size, row.state) == (size, len(sealed), "ready")
    parts = [sealed[at : at + MIB + 16] for at in range(0, len(sealed), MIB + 16)]
    opened = [
        AESGCM(key).decrypt(index.to_bytes(11, "big") + bytes([index == len(parts) - 1]), part, None)
        for index, part in enumerate(parts)
    ]
    assert b"".join(opened) == content
    assert len(content) < 64 or content[:64] not in sealed  # a byte or two turn up in anything
    assert folder.outgoing(row.blob_id).stat().st_mode & 0o777 == 0o600


def test_a_pipe_is_read_to_its_end(scans, gd):
    reading, writing = os.pipe()
    content = os.urandom(MIB + 10)

    def write():
        with os.fdopen(writing, "wb") as file:
            file.write(content)

    threading.Thread(target=write, daemon=True).start()
    with os.fdopen(reading, "rb", buffering=0) as source:
        assert attach(scans, source).size == len(content)


class Endless(io.RawIOBase):
    def readable(self):
        return True

    def readinto(self, buffer):
        return len(buffer)

    def tell(self):
        raise OSError


class Growing(io.BytesIO):
    """Says another size than it has."""

    def seek(self, offset, whence=os.SEEK_SET):
        return super().seek(offset, whence) - 1 if whence == os.SEEK_END else super().seek(offset, whence)


def test_what_is_too_large_leaves_nothing(scans, gd, tmp_path, blobs):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(16 * MIB + 1)
    with pytest.raises(OversizedBlob):
        attach(scans, tmp_path / "sparse")
    with pytest.raises(OversizedBlob):
        attach(scans, Endless())
    with pytest.raises(SourceChanged):
        attach(scans, Growing(b"12345"))
    blobs(quota_bytes=20)
    with pytest.raises(NoRoomForBlob):
        attach(scans, io.BytesIO(b"12345"))
    attach(scans, io.BytesIO(b"1234"))
    SentBlob.objects.all().delete()
    blobs(min_free_bytes=1 << 60)
    with pytest.raises(DiskLow):
        attach(scans, io.BytesIO(b""))
    assert not SentBlob.objects.exists()


def test_a_full_disk_leaves_nothing(scans, gd, monkeypatch):
    def full(_file, _data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder, "write_all", full)
    with pytest.raises(DiskLow):
        attach(scans, io.BytesIO(b"12345"))
    assert nothing_left()


@pytest.mark.django_db(transaction=True)
def test_sealing_inside_a_transaction_is_refused(scans, gd):
    with transaction.atomic(), pytest.raises(RuntimeError):
        attach(scans, io.BytesIO(b"12345"))
    assert nothing_left()


def test_a_message_takes_its_file_in_its_own_transaction(scans, gd, send, tmp_path):
    (tmp_path / "scan").write_bytes(b"12345")
    message, _ = send(tmp_path / "scan")
    row = SentBlob.objects.get()
    assert (row.state, row.message_id) == ("sent", message)


def test_a_file_goes_with_one_message_to_the_side_it_was_sealed_for(scans, gd, peer_of, send, tmp_path):
    peer_of("mo")
    (tmp_path / "scan").write_bytes(b"12345")
    _, taken = send(tmp_path / "scan")
    other = attach(scans, tmp_path / "scan", to="mo")
    unknown = taken.model_copy(update={"id": bytes(16)})
    changed = attach(scans, tmp_path / "scan").model_copy(update={"sha256": bytes(32)})
    for blob in (taken, other, unknown, changed):
        with pytest.raises(BlobNotAttached), transaction.atomic():
            outbox.send(scans, to="gd", payload=Scans(scans=[blob]))
    assert OutboxMessage.objects.count() == 1


def test_a_transaction_that_fails_gives_the_file_back(scans, gd, tmp_path):
    blob = attach(scans, io.BytesIO(b"12345"))
    with transaction.atomic():
        outbox.send(scans, to="gd", payload=Scans(scans=[blob]))
        transaction.set_rollback(True)
    assert SentBlob.objects.get().state == "ready"
