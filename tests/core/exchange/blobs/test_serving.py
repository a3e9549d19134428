"""The door hands sealed chunks out to whom they are for, and to nobody else."""

from __future__ import annotations

import asyncio
import os
import uuid

import pytest

from core.exchange.test_door import SameConnection, ask, code_of
from kouan.core import cbor
from kouan.core.exchange.blobs import folder, request, serving
from kouan.core.exchange.blobs.models import SentBlob
from kouan.core.exchange.door import Door
from kouan.core.exchange.entrance.roll import Caller
from kouan.core.trust import cose

MIB = 1 << 20
SEALED = MIB + 16
TYPE = "application/kouan-blob-request+cose"


@pytest.fixture
def served(db):
    made = Door()
    made._blobs._hands = SameConnection()
    return made


@pytest.fixture
def sent(send, tmp_path):
    """A file of two chunks and some bytes that is on its way to Guangdong."""
    (tmp_path / "scan").write_bytes(os.urandom(2 * MIB + 5))
    return send(tmp_path / "scan")[1]


def body(peer, blob, /, *, typ=TYPE, signer=None, **changed):
    fields = {
        "v": 1,
        "from": peer.side,
        "to": "hk",
        "blob": blob.id,
        "first": 0,
        "n": 1,
        "at": peer.now(),
    } | changed
    return cose.sign1(cbor.encode(fields), signer or peer.signer(), content_type=typ)


def post(door, data, peer):
    """Post a request; returns (status, headers, body), however many pieces the body came in."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/blob",
        "state": {"caller": Caller(peer.side, b"")},
        "headers": [(b"content-length", str(len(data)).encode()), (b"kouan-sent", str(peer.now()).encode())],
    }
    asyncio.run(door(scope, receive, send))
    assert [one["type"] for one in sent[1:]] == ["http.response.body"] * (len(sent) - 1)
    assert not sent[-1].get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(one["body"] for one in sent[1:])


@pytest.mark.parametrize(("first", "count"), [(0, 1), (0, 3), (1, 2), (2, 1)])
def test_the_receiver_gets_the_chunks_that_it_asks_for(served, gd, sent, first, count):
    whole = folder.outgoing(uuid.UUID(bytes=sent.id)).read_bytes()
    status, headers, data = post(served, body(gd, sent, first=first, n=count), gd)
    assert status == 200
    assert headers["content-length"] == str(len(data))
    assert data == whole[first * SEALED : (first + count) * SEALED]
    assert SentBlob.objects.get().served == first + count


def test_nobody_else_gets_anything(served, gd, peer_of, sent):
    mo = peer_of("mo")
    assert code_of(post(served, body(mo, sent), mo)) == (404, "unknown-blob")
    # Macao says that it is Guangdong.
    assert code_of(post(served, body(gd, sent, signer=mo.signer()), mo)) == (403, "unknown-key")
    assert code_of(post(served, body(gd, sent, to="mo"), gd)) == (403, "bad-signature")
    assert code_of(post(served, body(gd, sent, **{"from": "xx"}), gd)) == (404, "unknown-member")


def test_a_request_does_not_last(served, gd, sent):
    old = body(gd, sent, at=gd.now() - 10**6)
    assert code_of(post(served, old, gd)) == (400, "clock-apart")


def test_another_signed_thing_is_no_request(served, gd, sent):
    data = body(gd, sent, typ="application/kouan-receipt+cose")
    assert code_of(post(served, data, gd)) == (400, "malformed-signature")


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"blob": b"../../../keys/x"},
        {"blob": "../../keys"},
        {"first": -1},
        {"first": True},
        {"n": "1"},
        {"n": 1.5},
        {"at": -1},
        {"first": 2**60},
        {"path": "../keys"},
    ],
    ids=str,
)
def test_an_ill_formed_request_is_refused(served, gd, sent, changed):
    status, code = code_of(post(served, body(gd, sent, **changed), gd))
    assert status == 400
    assert code in {"malformed-wire", "not-deterministic-cbor"}


@pytest.mark.parametrize(("first", "count"), [(0, 0), (3, 1), (2, 2), (0, 9), (2**53 - 1, 1)])
def test_what_the_file_does_not_have_is_refused(served, gd, sent, first, count):
    assert code_of(post(served, body(gd, sent, first=first, n=count), gd)) == (416, "blob-range")


def test_bytes_that_are_no_request(served, gd):
    assert code_of(post(served, b"", gd)) == (400, "malformed-signature")
    assert code_of(post(served, bytes(request.MAX_REQUEST + 1), gd)) == (413, "body-too-large")
    assert code_of(ask(served, "GET", "/blob")) == (404, "not-found")
    assert code_of(ask(served, "POST", "/blob/../keys")) == (404, "not-found")


def test_a_file_that_is_not_sent_yet_or_gone_is_not_there(served, gd, sent):
    for state in ("sealing", "ready", "gone"):
        SentBlob.objects.update(state=state)
        assert code_of(post(served, body(gd, sent), gd)) == (404, "unknown-blob")
    SentBlob.objects.update(state="sent")
    folder.outgoing(uuid.UUID(bytes=sent.id)).unlink()
    assert code_of(post(served, body(gd, sent), gd)) == (404, "unknown-blob")


def test_a_file_that_became_shorter_ends_early(served, gd, sent):
    os.truncate(folder.outgoing(uuid.UUID(bytes=sent.id)), SEALED + 5)
    pieces = []

    async def go():
        async def send(message):
            pieces.append(message)

        await served._blobs.serve(body(gd, sent, n=3), send)

    asyncio.run(go())
    assert pieces[0]["status"] == 200
    assert pieces[-1]["more_body"]


def test_streams_are_bounded_for_a_peer_and_in_all(served, gd, sent):
    served._blobs._streams["gd"] = serving.MAX_STREAMS_PER_PEER
    assert code_of(post(served, body(gd, sent), gd)) == (503, "blob-streams")
    served._blobs._streams.clear()
    served._blobs._streams["mo"] = serving.MAX_STREAMS
    assert code_of(post(served, body(gd, sent), gd)) == (503, "blob-streams")
    served._blobs._streams.clear()
    assert post(served, body(gd, sent), gd)[0] == 200
    assert served._blobs._streams.total() == 0


def test_a_peer_that_does_not_take_its_answer_is_left(served, gd, sent, monkeypatch):
    monkeypatch.setattr(serving, "STREAM_WITHIN", 0.1)

    async def go():
        async def send(message):
            if message["type"] == "http.response.body":
                await asyncio.sleep(30)

        await served._blobs.serve(body(gd, sent, n=3), send)

    asyncio.run(asyncio.wait_for(go(), 10))
    assert served._blobs._streams.total() == 0
