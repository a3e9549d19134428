"""A file that arrived, opened as a stream."""

from __future__ import annotations

import io
import os
import uuid

import pytest

from kouan.core.exchange.blobs import folder
from kouan.core.exchange.blobs.errors import BlobNotHere, DamagedChunk
from kouan.core.exchange.blobs.reading import open_blob

MIB = 1 << 20


def test_it_reads_and_seeks_as_a_file_does(arrive, fetch):
    coming = arrive(size=2 * MIB + 9)
    fetch()
    plain = io.BytesIO(coming.content)
    with open_blob(sender="gd", message_id=coming.message, blob_id=coming.blob["id"]) as file:
        for place, whence, count in (
            (0, 0, 10),
            (MIB - 5, 0, 10),
            (-9, 2, 100),
            (-MIB, 1, 7),
            (0, 2, 5),
            (0, 0, -1),
        ):
            assert file.seek(place, whence) == plain.seek(place, whence)
            assert file.read(count) == plain.read(count)
        with pytest.raises(ValueError, match="beginning"):
            file.seek(-1)


def test_what_is_not_complete_or_not_named_is_not_there(arrive, fetch):
    coming = arrive(size=5)
    asked = {"sender": "gd", "message_id": coming.message, "blob_id": coming.blob["id"]}
    with pytest.raises(BlobNotHere):
        open_blob(**asked)
    fetch()
    for other in ({"sender": "mo"}, {"message_id": uuid.uuid4()}, {"blob_id": bytes(16)}):
        with pytest.raises(BlobNotHere):
            open_blob(**asked | other)
    with open_blob(**asked) as file:
        assert file.read() == coming.content
    path = folder.incoming(coming.row.file)
    os.truncate(path, 10)
    with open_blob(**asked) as file, pytest.raises(DamagedChunk):
        file.read()
    path.unlink()
    with pytest.raises(BlobNotHere):
        open_blob(**asked)
