"""What is removed, when, and what is not."""

from __future__ import annotations

import os
import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.core.exchange import handling, outbox
from kouan.core.exchange.blobs import attaching, cleaning, folder
from kouan.core.exchange.blobs.errors import BlobNotHere
from kouan.core.exchange.blobs.models import ReceivedBlob, SentBlob
from kouan.core.exchange.blobs.queries import Stage, transfers
from kouan.core.exchange.blobs.reading import open_blob
from kouan.core.exchange.models import InboxMessage, OutboxMessage

DAY = timedelta(days=1)


def old(path):
    past = time.time() - 2 * cleaning.UNCLAIMED_AFTER
    os.utime(path, (past, past))


@pytest.fixture
def sent(send, tmp_path):
    (tmp_path / "scan").write_bytes(b"12345")
    message, blob = send(tmp_path / "scan")
    return message, folder.outgoing(uuid.UUID(bytes=blob.id))


def end(state, *, days=0, **more):
    OutboxMessage.objects.update(state=state, finished_at=timezone.now() - days * DAY, **more)


@pytest.mark.parametrize("state", ["waiting", "sealed", "accepted"])
def test_what_is_under_way_is_kept(sent, state):
    old(sent[1])
    SentBlob.objects.update(created_at=timezone.now() - 30 * DAY)
    OutboxMessage.objects.update(state=state)
    cleaning.clean()
    assert sent[1].exists()


def test_what_was_handled_is_removed_at_once(sent):
    end("handled")
    assert not cleaning.clean()
    assert not sent[1].exists()
    assert SentBlob.objects.get().state == "gone"
    assert transfers(limit=9)[0].stage is Stage.DELIVERED


def test_what_was_refused_stays_for_a_retry_for_a_while(sent):
    end("refused", days=6, code="blob-quota")
    cleaning.clean()
    assert sent[1].exists()
    again = outbox.retry(sent[0])
    cleaning.clean()
    assert sent[1].exists()
    assert SentBlob.objects.get().message_id == again
    OutboxMessage.objects.filter(message_id=again).update(
        state="refused", finished_at=timezone.now() - 8 * DAY
    )
    cleaning.clean()
    assert not sent[1].exists()


def test_a_dead_letter_that_is_put_away_takes_its_file_along(sent):
    end("refused", code="x")
    outbox.cancel(sent[0])
    cleaning.clean()
    assert not sent[1].exists()


def test_a_received_file_is_kept_for_its_time_and_then_not_even_its_key(arrive, fetch):
    coming = arrive(size=5)
    fetch()
    handling.handle_waiting()
    cleaning.clean()
    place = folder.incoming(coming.row.file)
    assert place.exists()
    InboxMessage.objects.update(finished_at=timezone.now() - 8 * DAY)
    cleaning.clean()
    assert not place.exists()
    assert (coming.row.state, coming.row.key) == ("gone", None)
    with pytest.raises(BlobNotHere):
        open_blob(sender="gd", message_id=coming.message, blob_id=coming.blob["id"])


def test_a_file_whose_message_was_refused_is_removed_and_its_room_is_free(arrive, fetch, door, blobs):
    blobs(quota_bytes=1_000_000)
    coming = arrive(size=900_000)
    arrive(size=900_000, expected="blob-quota")
    door.answer = door.refuses(404)
    fetch(5)
    handling.handle_waiting()
    cleaning.clean()
    assert not folder.incoming(coming.row.file).exists()
    assert transfers(limit=1)[0].stage is Stage.FAILED
    arrive(size=900_000)


def test_a_file_of_a_message_that_was_set_aside_is_kept(arrive, fetch):
    coming = arrive(size=5)
    fetch()
    InboxMessage.objects.update(state="failed", finished_at=timezone.now() - 30 * DAY)
    cleaning.clean()
    assert folder.incoming(coming.row.file).exists()


def test_a_file_that_no_message_took_is_removed(scans, gd, tmp_path):
    (tmp_path / "scan").write_bytes(b"12345")
    blob = attaching.attach(scans, tmp_path / "scan", to="gd", media_type="image/tiff")
    path = folder.outgoing(uuid.UUID(bytes=blob.id))
    cleaning.clean()
    assert path.exists()
    SentBlob.objects.update(created_at=timezone.now() - DAY)
    cleaning.clean()
    assert not path.exists()
    assert not SentBlob.objects.exists()


def test_one_that_is_still_being_sealed_is_left_alone(scans, gd, tmp_path):
    (tmp_path / "scan").write_bytes(b"12345")
    blob = attaching.attach(scans, tmp_path / "scan", to="gd", media_type="image/tiff")
    path = folder.outgoing(uuid.UUID(bytes=blob.id))
    SentBlob.objects.update(created_at=timezone.now() - DAY, state="sealing")
    cleaning.clean()
    assert path.exists()
    old(path)  # nobody has written to it for an hour: whoever did so was killed
    cleaning.clean()
    assert not path.exists()
    assert not SentBlob.objects.exists()


def test_remains_of_killed_processes_are_removed_and_nothing_else(arrive, blobs):
    coming = arrive(size=5)
    out, into = folder.both()
    for place in (out, into):
        place.mkdir(parents=True, exist_ok=True)
        for name in (uuid.uuid4().hex, "notes.txt"):
            (place / name).write_bytes(b"x")
            old(place / name)
        (place / uuid.uuid4().hex).write_bytes(b"fresh")
    kept = folder.incoming(coming.row.file)
    kept.write_bytes(b"x")
    old(kept)
    cleaning.clean()
    assert sorted(path.read_bytes() for path in out.iterdir()) == [b"fresh", b"x"]
    assert kept.exists()
    assert (into / "notes.txt").exists()
    assert len(list(into.iterdir())) == 3
    assert ReceivedBlob.objects.count() == 1
