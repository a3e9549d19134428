"""Back-pressure from the handlers of one side to the producers of the other, and what is never taken in."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import transaction
from django.utils import timezone

from core.exchange.peer import sha256
from core.exchange.test_door import ask, door, post  # noqa: F401 - a fixture and what goes with it
from kouan.core.exchange import (
    credit,
    handling,
    inbox,
    incidents,
    outbox,
    pressure,
    receipts,
    sealing,
    witness,
)
from kouan.core.exchange.inbox import Backdated
from kouan.core.exchange.models import Batch, InboxMessage, Incident, OutboxMessage, Stream
from kouan.core.exchange.pressure import InboxFull, OtherSender
from kouan.core.exchange.receipts import take_receipt
from kouan.core.trust.errors import BadSignature, UnknownSuite
from kouan.core.trust.queries import get_member

pytestmark = pytest.mark.usefixtures("note")


def problem(answer):
    return answer[0], json.loads(answer[2])["code"]


# Whose it is


def test_only_the_sender_itself_brings_its_batch(door, gd, peer_of, state):  # noqa: F811 - the fixture
    peer_of("mo")
    posted = gd.batch(gd.say())
    before = state()
    assert problem(post(door, gd, posted.wire, caller="mo")) == (403, "other-sender")
    assert post(door, gd, posted.wire)[0] == 200
    assert problem(post(door, gd, posted.wire, caller="mo")) == (403, "other-sender"), "a stored receipt too"
    assert before[0][3] == 0
    incident = Incident.objects.get()
    assert (incident.peer, incident.kind, bytes(incident.evidence)) == ("mo", "other-sender", posted.signed)


def test_only_the_log_itself_brings_its_checkpoint(gd, peer_of):
    mo = peer_of("mo")
    request = gd.add_checkpoint(gd.checkpoint([b"a"]), old_size=0)
    with pytest.raises(OtherSender):
        witness.add_checkpoint(request, mo.side)
    assert witness.add_checkpoint(request, gd.side).status == 200


# How much


@pytest.fixture
def credits_of(settings):
    def set_to(size):
        settings.NODE = replace(settings.NODE, exchange=replace(settings.NODE.exchange, inbox_credit=size))

    return set_to


def test_who_overdraws_its_credit_twice_waits_for_our_handlers(gd, credits_of, unchanged):
    first = gd.batch(*[gd.say({"text": "x" * 3000}) for _ in range(4)])
    credits_of(5000)
    assert gd.read_receipt(inbox.accept(first.wire), first)["credits"] == 0
    gd.advance(first)
    second = gd.batch(gd.say())
    pressure._held.forget()
    with unchanged(), pytest.raises(InboxFull) as caught:
        inbox.accept(second.wire)
    assert (caught.value.status, caught.value.retry_after) == (503, 5)
    assert inbox.accept(first.wire), "what was receipted stays receipted"
    handling.handle_waiting()
    pressure._held.forget()
    assert gd.read_receipt(inbox.accept(second.wire), second)["credits"] > 0


def test_notices_are_taken_in_by_a_full_inbox(gd, credits_of):
    first = gd.batch(*[gd.say({"text": "x" * 3000}) for _ in range(4)])
    inbox.accept(first.wire)
    gd.advance(first)
    credits_of(1)
    pressure._held.forget()
    told = gd.batch(notices=[(bytes(16), None, gd.now())])
    assert inbox.accept(told.wire)


@pytest.fixture
def queue(note):
    def send(*texts):
        with transaction.atomic():
            return [outbox.send(note, to="gd", payload=note.payload(text=text)) for text in texts]

    return send


def test_no_more_is_sealed_than_the_peer_gives_credit_for(gd, queue):
    queue("first")
    sealed = sealing.seal_batch("gd")
    given = 4 * (credit.MESSAGE + 100)
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire), credits=given))
    queue(*["x" * 40] * 20)
    under_way = []
    while made := sealing.advance("gd"):
        under_way += made
    assert given / 2 < sum(len(each.wire) for each in under_way) <= given
    assert OutboxMessage.objects.filter(state="waiting").count() >= 10
    for each in under_way:
        take_receipt(each, gd.receipt(gd.open(each.wire), credits=0))
    assert sealing.advance("gd") == []


def test_without_credit_one_message_a_second_asks_for_more(gd, queue):
    queue("first")
    sealed = sealing.seal_batch("gd")
    take_receipt(sealed, gd.receipt(gd.open(sealed.wire), credits=0))
    queue(*["x"] * 5)
    assert sealing.advance("gd") == []
    Batch.objects.update(sealed_at=timezone.now() - timedelta(seconds=2))
    (probe,) = sealing.advance("gd")
    assert probe.count == 1
    Batch.objects.update(sealed_at=timezone.now() - timedelta(seconds=2))
    assert sealing.advance("gd") == [], "one at a time"
    take_receipt(probe, gd.receipt(gd.open(probe.wire), credits=64 << 20))
    assert sum(each.count for each in sealing.advance("gd")) == 4


def test_a_flood_of_refused_messages_ends_with_429(door, gd, settings):  # noqa: F811 - the fixture
    settings.NODE = replace(settings.NODE, door=replace(settings.NODE.door, refusals_per_s=1))
    answers = []
    for _ in range(30):
        posted = gd.batch(*[gd.say(type_="test.unknown") for _ in range(10)])
        answers.append(post(door, gd, posted.wire))
        if answers[-1][0] == 200:
            gd.advance(posted)
    refused = [answer for answer in answers if answer[0] == 429]
    assert refused
    assert 1 <= int(refused[-1][1]["retry-after"]) <= 60
    assert InboxMessage.objects.count() <= 110
    assert post(door, gd, gd.batch(gd.say()).wire, caller="mo")[0] == 403, "another member is still heard"


def test_a_message_waits_for_a_full_outbox_however_long(gd, note, monkeypatch):
    posted = gd.batch(gd.say())
    inbox.accept(posted.wire)

    def full(_received):
        raise outbox.OutboxFull(waiting=1, peer="gd")

    monkeypatch.setattr(handling.registry.get(note.type, note.version), "handle", full)
    for _ in range(handling.MAX_ATTEMPTS + 4):
        handling.handle_waiting(now=timezone.now() + timedelta(hours=1))
        InboxMessage.objects.update(next_attempt_at=None)
    assert InboxMessage.objects.get().state == "waiting"


def test_nothing_is_decompressed(door, gd, unchanged):  # noqa: F811 - the fixture
    with unchanged():
        for coding in ("gzip", "identity", "br", ""):
            answer = post(door, gd, gd.batch(gd.say()).wire, headers={"content-encoding": coding})
            assert problem(answer) == (415, "content-encoded")


# What is never taken in


def test_a_batch_is_not_older_than_the_one_before_it(gd):
    first = gd.batch(gd.say())
    inbox.accept(first.wire)
    gd.advance(first)
    a_little = gd.batch(gd.say(), at=gd.now() - 200_000)
    inbox.accept(a_little.wire)
    gd.advance(a_little)
    backdated = gd.batch(gd.say(), at=gd.now() - 310_000)
    with pytest.raises(Backdated):
        inbox.accept(backdated.wire)
    incident = Incident.objects.get()
    assert (incident.kind, bytes(incident.evidence)) == ("backdated", backdated.signed)


@pytest.mark.parametrize("ahead", [60, 300, 600])
def test_our_own_time_goes_back_no_further_than_the_peer_takes(gd, queue, settings, ahead):
    before = gd.now() + ahead * 1000
    Stream.objects.update_or_create(peer="gd", defaults={"out_at": before})
    queue("one")
    at = gd.open(sealing.seal_batch("gd").wire).statement["at"]
    tolerance = settings.NODE.exchange.clock_tolerance_s * 1000
    assert at >= before - tolerance, "or the peer would take it for backdated"
    assert at <= gd.now() + tolerance, "or the peer would find our clock ahead"
    assert Stream.objects.get(peer="gd").out_at == max(before, at)


def test_a_suite_that_the_senders_document_does_not_list(gd, monkeypatch, unchanged):
    listed = replace(get_member("gd"), suites=(2,))
    monkeypatch.setattr("kouan.core.exchange.opening.get_member", lambda _side: listed)
    with unchanged(), pytest.raises(UnknownSuite):
        inbox.accept(gd.batch(gd.say()).wire)


def test_an_es256_signature_is_no_eddsa(gd, peer_of, unchanged):
    from kouan.core import cbor  # noqa: PLC0415 - only here

    posted = gd.batch(gd.say())
    protected, empty, payload, signature = cbor.decode(posted.signed, max_bytes=1 << 20)
    as_other = cbor.encode(
        [cbor.encode({**cbor.decode(protected, max_bytes=100), 1: -8}), empty, payload, signature]
    )
    with unchanged(), pytest.raises(BadSignature):
        inbox.accept(cbor.encode([as_other, posted.pairs]))


def test_a_second_receipt_for_a_batch_is_kept_as_an_incident(gd, queue):
    queue("one")
    sealed = sealing.seal_batch("gd")
    opened = gd.open(sealed.wire)
    first, second = gd.receipt(opened), gd.receipt(opened, take=False, log=99)
    take_receipt(sealed, first)
    receipts.take(receipts.check([receipts.Answered(sealed, second)]))
    incident = Incident.objects.get()
    assert (incident.kind, bytes(incident.evidence), bytes(incident.counterpart)) == (
        "receipt-conflict",
        second,
        first,
    )
    assert bytes(Batch.objects.get().receipt) == first


def test_a_fork_is_kept_with_both_statements_and_handed_out(gd):
    one, other = gd.batch(gd.say()), gd.batch(gd.say())
    inbox.accept(one.wire)
    for _ in range(2):
        with pytest.raises(inbox.SequenceGap):
            inbox.accept(other.wire)
    row = Incident.objects.get()
    with zipfile.ZipFile(BytesIO(incidents.evidence_file(row.pk))) as archive:
        assert archive.read("brought.cose") == other.signed
        assert archive.read("held-here.cose") == one.signed
        assert archive.read("trust/gd-0.trust") == gd.document


def test_two_checkpoints_of_one_size_are_an_incident_with_both_notes(gd):
    leaves = [sha256(bytes([at])) for at in range(3)]
    kept, other = gd.checkpoint(leaves), gd.checkpoint([*leaves[:2], sha256(b"x")])
    assert witness.add_checkpoint(gd.add_checkpoint(kept, old_size=0), "gd").status == 200
    for _ in range(2):
        assert witness.add_checkpoint(gd.add_checkpoint(other, old_size=3), "gd").status == 422
    row = Incident.objects.get()
    assert row.kind == "equivocation"
    assert bytes(row.evidence).decode().startswith(other.split("\n\n", maxsplit=1)[0])
    assert bytes(row.counterpart).decode().startswith(kept.split("\n\n", maxsplit=1)[0])
    incidents.settle(row.pk, operator="wong", remark="called them")
    witness.add_checkpoint(gd.add_checkpoint(other, old_size=0), "gd")
    assert Incident.objects.count() == 1


def test_a_flood_of_incidents_fills_no_table(gd, caplog):
    now = timezone.now()
    for number in range(incidents.OPEN_MOST + 5):
        incidents.note("gd", "stream-fork", f"number {number}", b"x", now=now)
    assert Incident.objects.count() == incidents.OPEN_MOST
    assert "are open already" in caplog.text


@pytest.mark.parametrize("remark", ["", "   ", "x" * 2001])
def test_acknowledging_takes_a_word(gd, remark):
    incidents.note("gd", "stream-fork", "number 1", b"x", now=timezone.now())
    with pytest.raises(incidents.RemarkMissing):
        incidents.settle(Incident.objects.get().pk, operator="wong", remark=remark)
    with pytest.raises(incidents.NoSuchIncident):
        incidents.settle(10**6, operator="wong", remark="seen")
