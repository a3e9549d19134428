"""Room, keys and time: what is decided when a message that names files arrives."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from kouan.core.exchange import handling
from kouan.core.exchange.blobs.models import ReceivedBlob
from kouan.core.exchange.models import InboxMessage

MIB = 1 << 20
SEALED = MIB + 16


def test_quota_is_promised_before_a_byte_is_fetched(arrive, blobs, door):
    blobs(quota_bytes=2 * SEALED)
    arrive(size=MIB)
    arrive(size=MIB)
    arrive(size=0, expected="blob-quota")
    assert ReceivedBlob.objects.count() == 2
    assert not door.asked


def test_a_disk_that_would_be_low_refuses_at_once(arrive, blobs, monkeypatch):
    monkeypatch.setattr("kouan.core.exchange.blobs.folder.free_bytes", lambda: 5 * SEALED)
    blobs(min_free_bytes=2 * SEALED)
    arrive(size=2 * MIB)
    # The first file has not come yet, but its room is promised.
    arrive(size=2 * MIB, expected="blob-disk-low")
    arrive(size=MIB)


def test_a_refused_message_promises_nothing_and_the_rest_of_its_batch_goes_on(arrive, blobs):
    blobs(quota_bytes=1)
    arrive(size=MIB, expected="blob-quota")
    assert not ReceivedBlob.objects.exists()
    row = InboxMessage.objects.get()
    assert (row.state, row.code, row.next_attempt_at) == ("refused", "blob-quota", None)


@pytest.mark.parametrize(
    "changed", [{"key": bytes(80)}, {"kid": bytes(16)}, {"key": b"\x07" * 80}], ids=["zeros", "kid", "other"]
)
def test_a_key_that_does_not_open_refuses_the_message(arrive, changed):
    arrive(size=5, expected="cannot-open", **changed)
    assert not ReceivedBlob.objects.exists()


def test_more_than_the_declaration_allows_is_refused(arrive):
    arrive(size=16 * MIB + 1, expected="oversized-blob")


def test_a_file_that_does_not_come_in_time_refuses_its_message(arrive):
    coming = arrive(size=5)
    handling.handle_waiting(now=timezone.now() + timedelta(days=6))
    assert InboxMessage.objects.get().state == "waiting"
    handling.handle_waiting(now=timezone.now() + timedelta(days=8))
    row = InboxMessage.objects.get(message_id=coming.message)
    assert (row.state, row.code) == ("refused", "blob-late")
    assert not Group.objects.exists()


def test_the_same_batch_again_promises_nothing_twice(arrive, gd):
    from kouan.core.exchange import inbox  # noqa: PLC0415 - beside its use

    kept = {}
    real = inbox.accept

    def accept(data, **more):
        kept["data"] = data
        return real(data, **more)

    inbox.accept = accept
    try:
        arrive(size=5)
    finally:
        inbox.accept = real
    inbox.accept(kept["data"])
    assert ReceivedBlob.objects.count() == 1
