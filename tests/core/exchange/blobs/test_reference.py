"""What a message may say of files, and that a declaration has to allow it."""

from __future__ import annotations

import pytest

from kouan.core.cbor import encode
from kouan.core.exchange import Payload
from kouan.core.exchange.blobs import stream
from kouan.core.exchange.blobs.errors import OversizedBlob
from kouan.core.exchange.blobs.reference import MAX_BLOB, Blob, BlobLimit, blobs_in, names_blobs
from kouan.core.exchange.crossing import IllFormedPayload


class Inner(Payload):
    scans: list[Blob] = []


class Outer(Payload):
    text: str
    inner: Inner | None = None
    more: dict[str, Blob] = {}


class Endless(Payload):
    again: Endless | None = None


class Plain(Payload):
    text: str


def blob(number=1, **changed):
    fields = {
        "id": number.to_bytes(16),
        "sha256": bytes(32),
        "size": 5,
        "media_type": "text/plain",
        "kid": bytes(16),
        "key": bytes(80),
    }
    return Blob(**fields | changed)


def test_files_are_found_wherever_they_are_named():
    assert names_blobs(Outer)
    assert names_blobs(Inner)
    assert not names_blobs(Plain)
    assert not names_blobs(Endless)
    payload = Outer(text="x", inner=Inner(scans=[blob(1), blob(2)]), more={"a": blob(3)})
    assert [each.id[-1] for each in blobs_in(payload)] == [1, 2, 3]
    assert blobs_in(Outer(text="x")) == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"id": bytes(15)},
        {"sha256": bytes(33)},
        {"size": -1},
        {"size": MAX_BLOB + 1},
        {"size": True},
        {"media_type": "text/plain; name=../x"},
        {"media_type": "text"},
        {"media_type": "a/b\n"},
        {"kid": b""},
        {"key": bytes(79)},
        {"path": "/etc/passwd"},
    ],
    ids=str,
)
def test_an_ill_formed_reference_is_refused(changed):
    with pytest.raises(ValueError, match="Blob"):
        blob(**changed)


def test_a_declaration_says_whether_files_may_go_beside_it(declare):
    with pytest.raises(ValueError, match="blobs"):
        declare("test.files", payload=Inner)
    with pytest.raises(ValueError, match="blobs"):
        declare("test.plain", payload=Plain, blobs=BlobLimit(1, 10))
    for most, each in ((0, 1), (17, 1), (1, 0), (1, MAX_BLOB + 1)):
        with pytest.raises(ValueError, match="files"):
            BlobLimit(most, each)


def test_number_and_size_are_held_to_the_declaration_at_both_ends(declare):
    crossing = declare("test.files", payload=Inner, blobs=BlobLimit(2, 10))
    good = Inner(scans=[blob(1, size=10), blob(2)])
    assert crossing.decode_bytes(crossing.encode(good)) == good
    for wrong, error in (
        (Inner(scans=[blob(1), blob(2), blob(3)]), IllFormedPayload),
        (Inner(scans=[blob(1), blob(1)]), IllFormedPayload),
        (Inner(scans=[blob(1, size=11)]), OversizedBlob),
    ):
        with pytest.raises(error):
            crossing.encode(wrong)
        with pytest.raises(error):
            crossing.decode_bytes(encode(wrong.model_dump()))


def test_a_chunk_is_a_mebibyte_and_its_nonce_is_that_of_age():
    assert (stream.CHUNK, stream.SEALED_CHUNK) == (1 << 20, (1 << 20) + 16)
    assert stream._nonce(258, last=True) == bytes(9) + b"\x01\x02\x01"
    assert stream._nonce(0, last=False) == bytes(12)
    assert stream.chunks_of(0) == stream.chunks_of(1) == stream.chunks_of(1 << 20) == 1
    assert stream.chunks_of((1 << 20) + 1) == 2
    assert stream.sealed_length(1, (1 << 20) + 5) == 21
    assert stream.sealed_size((1 << 20) + 5) == (1 << 20) + 5 + 32
