"""Fetching from a door that is honest, broken, or hostile."""

from __future__ import annotations

import fcntl
import time

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from kouan.core.exchange import handling, inbox
from kouan.core.exchange.blobs import fetching, folder, line
from kouan.core.exchange.blobs.models import ReceivedBlob
from kouan.core.exchange.blobs.reading import open_blob
from kouan.core.exchange.models import InboxMessage
from pace import patience

MIB = 1 << 20
SEALED = MIB + 16


def handled(arriving):
    handling.handle_waiting()
    return Group.objects.filter(name=str(arriving.message)).exists()


def ended(arriving):
    handling.handle_waiting()
    row = InboxMessage.objects.get(message_id=arriving.message)
    return row.state, row.code


def content_of(arriving):
    with open_blob(sender="gd", message_id=arriving.message, blob_id=arriving.blob["id"]) as file:
        return file.read()


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 9 * MIB + 5])
def test_a_file_is_fetched_whole_and_then_its_message_is_handled(arrive, fetch, door, size):
    coming = arrive(size=size)
    assert not handled(coming)
    fetch()
    assert handled(coming)
    assert content_of(coming) == coming.content
    assert [asked["n"] for asked in door.asked] == ([8, 2] if size > 8 * MIB else [coming.row.chunks])
    assert not list(folder.both()[1].glob("*.partial"))


def test_what_is_here_is_not_fetched_again_after_a_cut(arrive, fetch, door):
    coming = arrive(size=5 * MIB + 9)
    door.answer = door.cuts_after(2 * SEALED + 1000)
    fetch()
    assert coming.row.chunks == 2
    assert coming.row.attempts == 1
    assert "IncompleteRead" in coming.row.error
    door.answer = door.honest
    fetch()
    assert handled(coming)
    assert [asked["first"] for asked in door.asked] == [0, 2]
    assert content_of(coming) == coming.content


def test_a_killed_process_has_written_more_than_it_noted(arrive, fetch, door):
    coming = arrive(size=5 * MIB)
    door.answer = door.cuts_after(4 * SEALED)
    fetch()
    # As if it had been killed before the note, in the middle of a write.
    ReceivedBlob.objects.update(chunks=1)
    with folder.incoming(coming.row.file).open("ab") as file:
        file.write(b"half a chunk")
    fetching._sums._sums.clear()
    door.answer = door.honest
    fetch()
    assert handled(coming)
    assert door.asked[-1]["first"] == 4
    assert content_of(coming) == coming.content


def test_what_our_own_disk_lost_is_fetched_again(arrive, fetch, door):
    coming = arrive(size=4 * MIB)
    door.answer = door.cuts_after(3 * SEALED)
    fetch()
    with folder.incoming(coming.row.file).open("r+b") as file:
        file.seek(SEALED + 5)
        byte = file.read(1)[0]
        file.seek(SEALED + 5)
        file.write(bytes([byte ^ 1]))
    fetching._sums._sums.clear()
    door.answer = door.honest
    fetch()
    assert handled(coming)
    assert [asked["first"] for asked in door.asked] == [0, 3, 1]


def test_an_emptied_folder_begins_anew(arrive, fetch, door):
    coming = arrive(size=3 * MIB)
    door.answer = door.cuts_after(2 * SEALED)
    fetch()
    folder.incoming(coming.row.file).unlink()
    fetching._sums._sums.clear()
    door.answer = door.honest
    fetch()
    assert handled(coming)
    assert [asked["first"] for asked in door.asked] == [0, 0]


CHANGES = {
    "a bit": lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
    "two chunks swapped": lambda data: data[SEALED : 2 * SEALED] + data[:SEALED] + data[2 * SEALED :],
    "the last chunk first": lambda data: data[-SEALED:] + data[SEALED:],
    "zeros": lambda data: bytes(len(data)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_file_is_never_handled(arrive, fetch, door, what):
    coming = arrive(size=3 * MIB)
    door.answer = door.changes(CHANGES[what])
    fetch(fetching.MAX_FAULTS)
    assert coming.row.state == "failed"
    assert ended(coming) == ("refused", "blob-damaged")
    assert not Group.objects.exists()
    assert len(door.asked) == fetching.MAX_FAULTS


def test_one_chunk_over_and_over_is_never_handled(arrive, fetch, door):
    coming = arrive(size=3 * MIB)
    first = door.files[coming.blob["id"]][:SEALED]
    door.answer = door.changes(lambda data: (3 * first)[: len(data)])
    fetch(fetching.MAX_FAULTS)
    assert ended(coming) == ("refused", "blob-damaged")
    assert {asked["first"] for asked in door.asked} == {0, 1}


def test_a_content_other_than_the_signed_one_is_never_handled(arrive, fetch):
    # Its chunks open, since its sender sealed them; but it signed for something else.
    coming = arrive(size=MIB, sha256=bytes(32))
    fetch()
    assert ended(coming) == ("refused", "blob-damaged")


def test_a_file_that_is_not_there_is_given_up(arrive, fetch, door):
    coming = arrive(size=10)
    door.answer = door.refuses(404)
    fetch(fetching.MAX_FAULTS - 1)
    assert coming.row.state == "fetching"
    fetch()
    assert ended(coming) == ("refused", "blob-unavailable")


@pytest.mark.parametrize("status", [301, 403, 429, 500, 503])
def test_a_door_that_refuses_is_asked_again_later(arrive, fetch, door, status):
    coming = arrive(size=10)
    door.answer = door.refuses(status, b"not \x1b[31mnow")
    fetch(8)
    assert (coming.row.state, coming.row.attempts, coming.row.faults) == ("fetching", 8, 0)
    assert "\x1b" not in coming.row.error
    door.answer = door.honest
    fetch()
    assert handled(coming)


@pytest.mark.parametrize("wrong", ["shorter", "longer", "endless"])
def test_a_body_of_another_size_is_not_read(arrive, fetch, door, wrong):
    coming = arrive(size=2 * MIB)
    door.answer = {
        "shorter": door.changes(lambda data: data[:-1]),
        "longer": door.changes(lambda data: data + b"x"),
        "endless": door.never_ends(),
    }[wrong]
    fetch()
    assert coming.row.state == "fetching"
    assert "another length" in coming.row.error
    assert folder.incoming(coming.row.file).stat().st_size == 0


def test_a_drip_does_not_hold_the_thread(arrive, fetch, door, monkeypatch):
    monkeypatch.setattr(line, "CHUNK_WITHIN", 0.3)
    coming = arrive(size=MIB)
    door.answer = door.drips(0.02)
    began = time.monotonic()
    fetch()
    assert time.monotonic() - began < patience(60)
    assert "TimeoutError" in coming.row.error


def test_a_dead_line_waits(arrive, fetch, door):
    coming = arrive(size=10)
    door.close()
    fetch()
    assert (coming.row.state, coming.row.attempts) == ("fetching", 1)
    assert "does not answer" in coming.row.error


def test_a_door_with_another_certificate_gets_no_request(arrive, fetch, stores, door, monkeypatch):
    monkeypatch.setattr("kouan.core.exchange.transport.certificates.node_name", lambda _side: "mo.node.kouan")
    coming = arrive(size=10)
    fetch()
    assert "SSLCertVerificationError" in coming.row.error
    assert not door.asked


def test_a_file_that_another_worker_fetches_is_left_alone(arrive, fetch, door):
    coming = arrive(size=10)
    with folder.open_for_appending(folder.incoming(coming.row.file)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        fetch()
        assert not door.asked
    fetch()
    assert handled(coming)


def test_a_low_disk_pauses_a_file(arrive, fetch, door, blobs):
    coming = arrive(size=10)
    blobs(min_free_bytes=1 << 60)
    fetch()
    assert "must keep" in coming.row.error
    assert not door.asked
    blobs(min_free_bytes=0)
    fetch()
    assert handled(coming)


def test_files_take_turns(arrive, fetch, door, monkeypatch):
    monkeypatch.setattr(fetching, "TURN", 0.0001)  # one request
    large, small = arrive(size=16 * MIB), arrive(size=10)
    fetch()
    assert [asked["blob"] for asked in door.asked] == [
        large.blob["id"], small.blob["id"], large.blob["id"]
    ]  # fmt: skip
    assert handled(large)
    assert handled(small)


def test_the_rest_of_the_conversation_waits_behind_a_file(arrive, fetch, gd, note):
    coming = arrive(size=10)
    conversation = InboxMessage.objects.get(message_id=coming.message).conversation
    for other in (conversation.bytes, None):
        draft = gd.say(**({"conv": other} if other else {}))
        posted = gd.batch(draft)
        inbox.accept(posted.wire)
        gd.advance(posted)
    handling.handle_waiting()
    assert Group.objects.count() == 1
    fetch()
    handling.handle_waiting()
    assert Group.objects.count() == 3
    assert InboxMessage.objects.filter(state="waiting", next_attempt_at__gt=timezone.now()).count() == 0
