"""The sealed form of a file: whatever is done to it, it does not open as anything else."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kouan.core.exchange.blobs import stream
from kouan.core.exchange.blobs.errors import DamagedChunk


@pytest.fixture(autouse=True, scope="module")
def _small_chunks():
    """Chunks of eight bytes: the laws do not depend on how large a chunk is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "CHUNK", 8)
        patch.setattr(stream, "SEALED_CHUNK", 8 + stream.TAG)
        yield


def seal(key, content):
    cipher = stream.Chunks(key)
    count = stream.chunks_of(len(content))
    return [
        cipher.seal(
            index, content[index * stream.CHUNK : (index + 1) * stream.CHUNK], last=index == count - 1
        )
        for index in range(count)
    ]


def open_all(key, size, sealed):
    """Open as the receiver does, which knows the size by the signed message."""
    cipher, count, parts = stream.Chunks(key), stream.chunks_of(size), []
    data = b"".join(sealed)
    at = 0
    for index in range(count):
        length = stream.sealed_length(index, size)
        parts.append(cipher.open(index, data[at : at + length], last=index == count - 1))
        at += length
    if at != len(data):
        raise DamagedChunk(chunk=count)
    return b"".join(parts)


@st.composite
def files(draw, least=0):
    """A file of up to five chunks, sealed."""
    content = draw(st.binary(min_size=least, max_size=40))
    key = stream.new_key()
    return key, content, seal(key, content)


def refused(key, size, sealed):
    with pytest.raises(DamagedChunk):
        open_all(key, size, sealed)


@given(files())
def test_what_was_sealed_opens(file):
    key, content, sealed = file
    assert open_all(key, len(content), sealed) == content
    assert sum(map(len, sealed)) == stream.sealed_size(len(content))
    assert [len(each) for each in sealed] == [
        stream.sealed_length(index, len(content)) for index in range(len(sealed))
    ]


@given(files(), st.data())
def test_a_changed_bit_is_noticed(file, data):
    key, content, sealed = file
    whole = bytearray(b"".join(sealed))
    at = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[at // 8] ^= 1 << at % 8
    refused(key, len(content), [bytes(whole)])


@given(files(), st.data())
def test_a_cut_is_noticed_even_where_the_size_is_believed(file, data):
    key, content, sealed = file
    whole = b"".join(sealed)
    refused(key, len(content), [whole[: data.draw(st.integers(0, len(whole) - 1))]])
    kept = data.draw(st.integers(0, len(sealed) - 1))
    # Somebody who could also lie about the size: the last chunk that is left is not marked as the last.
    if kept:
        refused(key, kept * stream.CHUNK, sealed[:kept])


@given(files(least=9), st.data())
def test_another_order_is_noticed(file, data):
    key, content, sealed = file
    order = data.draw(st.permutations(range(len(sealed))))
    assume(order != list(range(len(sealed))))
    refused(key, len(content), [sealed[place] for place in order])


@given(files(), st.data())
def test_a_repeated_chunk_is_noticed(file, data):
    key, content, sealed = file
    again = data.draw(st.integers(0, len(sealed) - 1))
    place = data.draw(st.integers(0, len(sealed)))
    longer = [*sealed[:place], sealed[again], *sealed[place:]]
    refused(key, len(content), longer)
    refused(key, len(content) + stream.CHUNK, longer)
    if len(sealed) > 1 and place < len(sealed) and place != again:
        refused(key, len(content), [*sealed[:place], sealed[again], *sealed[place + 1 :]])


@given(files(), files(), st.data())
def test_a_chunk_of_another_file_is_noticed(file, other, data):
    key, content, sealed = file
    place = data.draw(st.integers(0, len(sealed) - 1))
    foreign = data.draw(st.sampled_from(other[2]))
    refused(key, len(content), [*sealed[:place], foreign, *sealed[place + 1 :]])


@given(files(), st.binary(min_size=1, max_size=30))
def test_something_behind_the_end_is_noticed(file, more):
    key, content, sealed = file
    refused(key, len(content), [*sealed, more])


def test_a_wrapped_key_is_bound_to_everything_about_its_file():
    base = {"sender": "hk", "receiver": "gd", "blob_id": bytes(16), "size": 1, "sha256": bytes(32)}
    others = [
        {"sender": "mo"}, {"receiver": "mo"}, {"blob_id": b"\1" * 16}, {"size": 2}, {"sha256": b"\1" * 32}
    ]  # fmt: skip
    assert len({stream.key_info(**base | other) for other in [{}, *others]}) == 6
