from __future__ import annotations

import io
import os
import time

import pytest

from kouan.apps.validation import store
from kouan.apps.validation.errors import CarriedFileGone

pytestmark = pytest.mark.usefixtures("node")

CHUNK = 1 << 20


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_is_put_comes_out(size, node):
    data = os.urandom(size)
    key = store.put("HK-1", io.BytesIO(data))
    waiting = store.read("HK-1", key)
    assert waiting.size == size
    assert b"".join(waiting.pieces) == data


def test_the_disk_holds_neither_document_nor_key(node):
    key = store.put("HK-1", io.BytesIO(b"my secret grades" * 100))
    (path,) = (node.run / "carried").iterdir()
    assert b"secret" not in path.read_bytes()
    assert key not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_another_key_or_a_changed_file_gives_nothing(node):
    key = store.put("HK-1", io.BytesIO(b"data"))
    with pytest.raises(CarriedFileGone):
        store.read("HK-1", bytes(32))
    (path,) = (node.run / "carried").iterdir()
    kept = path.read_bytes()
    path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    with pytest.raises(CarriedFileGone):
        store.read("HK-1", key)


def test_a_shortened_file_is_not_taken_for_whole(node):
    key = store.put("HK-1", io.BytesIO(bytes(2 * CHUNK)))
    (path,) = (node.run / "carried").iterdir()
    os.truncate(path, CHUNK + 16)
    with pytest.raises(CarriedFileGone):
        store.read("HK-1", key)


def test_it_is_gone_when_removed_or_after_a_while(node):
    key = store.put("HK-1", io.BytesIO(b"data"))
    store.remove("HK-1")
    store.remove("HK-1")
    assert not store.holds("HK-1")
    key = store.put("HK-1", io.BytesIO(b"data"))
    (path,) = (node.run / "carried").iterdir()
    past = time.time() - store.KEPT.total_seconds() - 1
    os.utime(path, (past, past))
    assert not store.holds("HK-1")
    with pytest.raises(CarriedFileGone):
        store.read("HK-1", key)
    store.put("HK-2", io.BytesIO(b"data"))
    assert not path.exists()
