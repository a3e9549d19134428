"""Whatever bytes arrive: a ``KouanError``, and nothing has changed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kouan.core.errors import KouanError
from kouan.core.exchange import inbox, wire
from kouan.core.exchange.bundle import Bundle
from kouan.core.exchange.verify import verify_bundle

pytestmark = pytest.mark.usefixtures("note")
QUICK = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def refused(data, unchanged):
    with unchanged(), pytest.raises(KouanError) as caught:
        inbox.accept(data)
    assert str(caught.value)
    assert 400 <= caught.value.status < 500


@QUICK
@given(data=st.binary(max_size=400))
@example(data=b"")
@example(data=b"\x82\x40\x80")
@example(data=b"\x82" * 5000)
@example(data=bytes.fromhex("82d81c81d81d0080"))
@example(data=b"\x9f\xff")
def test_any_bytes(data, gd, unchanged):
    refused(data, unchanged)


@QUICK
@given(draw=st.data())
def test_a_valid_batch_with_something_changed(draw, gd, unchanged):
    posted = gd.batch(gd.say(), gd.say())
    data = bytearray(posted.wire)
    match draw.draw(st.sampled_from(["flip", "cut", "more", "splice", "repeat"])):
        case "flip":
            at = draw.draw(st.integers(0, len(data) * 8 - 1))
            data[at // 8] ^= 1 << at % 8
        case "cut":
            del data[draw.draw(st.integers(0, len(data) - 1)) :]
        case "more":
            data += draw.draw(st.binary(min_size=1, max_size=40))
        case "splice":
            start = draw.draw(st.integers(0, len(data) - 1))
            end = draw.draw(st.integers(start + 1, min(len(data), start + 60)))
            new = draw.draw(st.binary(max_size=60).filter(lambda piece: piece != bytes(data[start:end])))
            data[start:end] = new
        case "repeat":
            start = draw.draw(st.integers(0, len(data) - 2))
            end = draw.draw(st.integers(start + 1, len(data)))
            data[end:end] = data[start:end]
    if bytes(data) == posted.wire * 2:
        return  # the same batch twice is one batch and the same again: no news
    refused(bytes(data), unchanged)


@QUICK
@given(draw=st.data())
def test_a_signed_statement_with_anything_in_it(draw, gd, unchanged):
    """A peer that signs nonsense is told so; nothing breaks on the way."""
    anything = st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(1 << 64), (1 << 64) - 1)
        | st.floats()
        | st.text()
        | st.binary(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=8,
    )
    name = draw.draw(
        st.sampled_from(["v", "suite", "from", "to", "first", "n", "root", "prev", "at", "rkid", "key"])
    )
    value = draw.draw(anything)
    good = gd.batch(gd.say())
    if value == good.statement[name] or (name == "at" and type(value) is int):
        return
    statement = {**good.statement, name: value}
    from kouan.core import cbor  # noqa: PLC0415 - only here
    from kouan.core.trust import cose  # noqa: PLC0415 - only here

    signed = cose.sign1(cbor.encode(statement), gd.signer(), content_type=wire.BATCH_TYPE)
    refused(cbor.encode([signed, good.pairs]), unchanged)


@QUICK
@given(draw=st.data())
def test_a_header_with_anything_in_it_is_refused_alone(draw, gd):
    values = (
        st.none()
        | st.booleans()
        | st.integers(-(1 << 64), (1 << 64) - 1)
        | st.text()
        | st.binary()
        | st.floats()
    )
    name = draw.draw(
        st.sampled_from(["v", "id", "from", "to", "type", "tv", "basis", "made", "until", "body"])
    )
    value = draw.draw(values)
    bad = gd.say()
    if name in {"made", "until", "id"} and type(value) is type(bad.header[name]):
        return
    bad.key_of = bad.header["id"]
    bad.header[name] = value
    posted = gd.batch(gd.say(), bad)
    status = gd.read_receipt(inbox.accept(posted.wire), posted)["status"]
    assert status[0] is None
    assert status[1] is not None
    gd.advance(posted)


@pytest.mark.parametrize("frame", ["80" * 3_000_000, "a0" * 3_000_000, "f6" * 3_000_000])
def test_millions_of_tiny_items_cost_nothing(gd, unchanged, frame):
    """Bytes that nobody signed are not turned into objects."""
    count = len(frame) // 2
    refused(b"\x82\x41\x00\x9a" + count.to_bytes(4) + bytes.fromhex(frame), unchanged)


@QUICK
@given(
    parts=st.dictionaries(st.text(max_size=20), st.binary(max_size=80), max_size=5),
    contents=st.binary(max_size=80),
)
@example(parts={"1" * 5000 + "/header": b""}, contents=b"")
@example(parts={"0/header": b"", "-1/header": b"", "١/header": b""}, contents=b"")
@example(parts={"trust/hk": b"\xd8\x1c\x81\xd8\x1d\x00"}, contents=bytes.fromhex("d81c81d81d00"))
def test_verifying_never_raises(parts, contents):
    assert not verify_bundle(Bundle(contents, parts).encode()).holds


@QUICK
@given(data=st.binary(max_size=200))
def test_verifying_any_bytes_never_raises(data):
    assert not verify_bundle(data).holds
