from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from apps.identity.nodes.conftest import CLINIC
from apps.identity.nodes.guangdong import signed
from kouan.apps.identity import consents, signouts
from kouan.apps.identity.crossings import ServiceNamed, SignedIn
from kouan.apps.identity.models import LogoutDelivery, SignInRecord
from kouan.apps.identity.nodes import record
from kouan.apps.identity.nodes.errors import RecordedAlready
from kouan.apps.operations.alarms import alarms
from kouan.apps.operations.facts import watch_facts
from kouan.core.exchange.models import Incident, OutboxBody, OutboxMessage
from kouan.core.policy.decide import ConsentMissing
from kouan.core.watch import missing
from kouan.sections import WatchSettings

ID_TOKEN, USERINFO = (hashlib.sha256(text).digest() for text in (b"an id token", b"userinfo"))
SUBJECT = "s" * 43
TOKENS = {"id_token": "an id token", "userinfo": "userinfo"}


def receipt(gd, *, key="receipt", **changes):
    """A consent's receipt as Guangdong's node signs it (ISO/IEC TS 27560)."""
    now = timezone.now()
    said = {
        "id": str(uuid.uuid4()), "principal": SUBJECT, "home": "gd", "service": "hk:library",
        "claims": ["name"], "given": now, "until": now + timedelta(days=1),
    } | changes  # fmt: skip
    content = {
        "schema_version": "urn:kouan:consent-receipt:1",
        "record_id": said["id"],
        "pii_principal_id": said["principal"],
        "pii_processing": {
            "purposes": [
                {
                    "pii_information": [{"pii_attribute_id": name} for name in said["claims"]],
                    "pii_controllers": [f"urn:kouan:node:{said['home']}"],
                    "recipient_third_parties": [f"urn:kouan:service:{said['service']}"],
                }
            ]
        },
        "events": [
            {
                "event_state": "given",
                "event_time": said["given"].isoformat(),
                "valid_until": said["until"].isoformat(),
            }
        ],
    }
    return signed(content, gd.keys[key], typ="consent-receipt+jws")


def said_of(sid, gd, **changes):
    names = {f"name_{script}": "Library" for script in ("en", "zh_hant", "zh_hans")}
    values = {
        "sign_in": sid.bytes, "service": ServiceNamed(id="library", **names), "subject": SUBJECT,
        "acr": "urn:gba:loa:3", "claims": ["name"], "id_token": ID_TOKEN, "userinfo": USERINFO,
    } | changes  # fmt: skip
    return SignedIn(**{"receipt": receipt(gd)} | values)


@pytest.fixture
def here(at_library):
    def make(sid):
        return at_library(sid, id_token_digest=ID_TOKEN, userinfo_digest=USERINFO)

    return make


def test_the_record_of_a_sign_in_that_is_here(gd, arrived, here):
    sid = uuid.uuid4()
    row = here(sid)
    message = arrived(said_of(sid, gd))
    record.keep(message=message)
    row.refresh_from_db()
    assert row.witnessed_at is not None
    assert (row.message_id, row.ended_at) == (message.id, None)
    with pytest.raises(RecordedAlready):
        record.keep(message=arrived(said_of(sid, gd)))


def test_the_record_comes_before_the_person(gd, arrived, here):
    sid = uuid.uuid4()
    record.keep(message=arrived(said_of(sid, gd)))
    assert not record.match_records()
    row = here(sid)
    record.match_records()
    row.refresh_from_db()
    assert row.witnessed_at is not None
    assert not SignInRecord.objects.filter(settled_at=None).exists()


def test_a_person_who_never_came_back(gd, arrived):
    record.keep(message=arrived(said_of(uuid.uuid4(), gd)))
    record.match_records(now=timezone.now() + record.WAIT + timedelta(minutes=1))
    (row,) = SignInRecord.objects.all()
    assert row.settled_at is not None
    assert row.sign_in is None
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("id-token", {"id_token": bytes(32)}),
        ("userinfo", {"userinfo": bytes(32)}),
        ("level", {"acr": "urn:gba:loa:4"}),
        ("receipt-not-signed", {"receipt": ""}),
        ("receipt-not-signed", {"receipt": "a.b.c"}),
        ("receipt-of-another", {"subject": "t" * 43}),
        ("receipt-too-narrow", {"claims": ["name", "birthdate"]}),
    ],
)
def test_a_record_that_differs_ends_the_sign_in(gd, arrived, here, what, changes):
    sid = uuid.uuid4()
    row = here(sid)
    record.keep(message=arrived(said_of(sid, gd, **changes)))
    row.refresh_from_db()
    assert (row.witnessed_at, row.ended_by) == (None, "record")
    (incident,) = Incident.objects.all()
    assert (incident.kind, incident.detail.split(":")[0]) == ("sign-in-conflict", what)
    assert LogoutDelivery.objects.filter(sign_in=row).exists()
    assert OutboxMessage.objects.filter(type="identity.sign-out", peer="gd").exists()


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("receipt-not-signed", {"key": "token"}),
        ("receipt-of-another", {"home": "mo"}),
        ("receipt-of-another", {"service": "mo:library"}),
        ("receipt-of-another", {"service": "hk:clinic"}),
        ("receipt-of-another", {"principal": "t" * 43}),
        ("receipt-too-narrow", {"claims": []}),
        ("receipt-expired", {"until": timezone.now() - timedelta(days=1)}),
        ("receipt-key", {"given": timezone.now() - timedelta(days=2)}),
    ],
)
def test_a_receipt_that_does_not_hold(gd, arrived, here, what, changes):
    sid = uuid.uuid4()
    here(sid)
    record.keep(message=arrived(said_of(sid, gd, receipt=receipt(gd, **changes))))
    assert Incident.objects.get().detail.startswith(f"{what}:")


def test_more_told_than_was_agreed_to(gd, arrived, at_library):
    """The digests agree, but the tokens hold more than record and receipt name."""
    sid = uuid.uuid4()
    row = at_library(sid, id_token_digest=ID_TOKEN, userinfo_digest=USERINFO, claims=["name", "birthdate"])
    record.keep(message=arrived(said_of(sid, gd)))
    row.refresh_from_db()
    assert (row.witnessed_at, row.ended_by) == (None, "record")
    assert Incident.objects.get().detail.startswith("claims:")


def test_over_before_the_person_is_back(gd, arrived, here):
    sid = uuid.uuid4()
    record.keep(message=arrived(said_of(sid, gd)))
    record.ended(side="gd", sid=sid)
    row = here(sid)
    record.match_records()
    row.refresh_from_db()
    assert row.ended_by == "peer"
    assert not OutboxMessage.objects.filter(type="identity.sign-out").exists(), "it told us itself"


def test_a_withdrawn_consent(gd, arrived, here):
    consent, first, second, other = (uuid.uuid4() for _ in range(4))
    for sid, of in ((first, consent), (second, consent), (other, uuid.uuid4())):
        record.keep(message=arrived(said_of(sid, gd, receipt=receipt(gd, id=str(of)))))
    rows = [here(sid) for sid in (first, other)]
    record.match_records()
    record.withdrawn(side="mo", consent=consent, service="library")
    record.withdrawn(side="gd", consent=consent, service="clinic")
    rows[0].refresh_from_db()
    assert rows[0].ended_at is None
    record.withdrawn(side="gd", consent=consent, service="library")
    late = here(second)
    record.match_records()
    for row in (*rows, late):
        row.refresh_from_db()
    assert [row.ended_by for row in (*rows, late)] == ["consent-withdrawn", "", "peer"]


def test_what_the_channel_has_of_a_sign_in_goes_with_its_consent(node, told_to_clinic):
    row = told_to_clinic()
    with transaction.atomic():
        record.signed_in(row, **TOKENS)
    OutboxMessage.objects.update(state="handled")
    consents.withdraw(resident=row.resident, key=row.receipt.key)
    assert set(OutboxBody.objects.values_list("message__type", flat=True)) <= {
        "identity.consent-withdrawn", "identity.sign-out",
    }  # fmt: skip


def test_our_own_record_goes_with_the_tokens(node, told_to_clinic):
    row = told_to_clinic()
    with transaction.atomic():
        record.signed_in(row, **TOKENS)
    row.refresh_from_db()
    assert (bytes(row.id_token_digest), bytes(row.userinfo_digest)) == (ID_TOKEN, USERINFO)
    (message,) = OutboxMessage.objects.all()
    assert (message.message_id, message.type, message.peer) == (row.message_id, "identity.sign-in", "gd")
    assert message.consent == row.receipt.reference
    assert message.conversation == row.key


def test_no_consent_no_record_and_so_no_tokens(node, told_to_clinic):
    row = told_to_clinic()
    row.receipt.withdrawn_at = timezone.now()
    row.receipt.save()
    with pytest.raises(ConsentMissing), transaction.atomic():
        record.signed_in(row, **TOKENS)
    assert not OutboxMessage.objects.exists()
    assert CLINIC.side == "gd"


def test_a_sign_in_ends_once_and_everywhere(node, told_to_clinic, at_library):
    ours, theirs = told_to_clinic(), at_library()
    assert signouts.end(sign_ins=[ours, theirs], by="resident") == 2
    assert signouts.end(sign_ins=[ours, theirs], by="resident") == 0
    told = {(row.conversation, row.peer) for row in OutboxMessage.objects.all()}
    assert told == {(ours.key, "gd"), (uuid.UUID(theirs.peer_sid), "gd")}
    assert LogoutDelivery.objects.get().uri == "https://library.example/ended"


def test_a_side_ends_only_what_it_has_a_part_in(node, told_to_clinic, at_library):
    ours, theirs = told_to_clinic(), at_library()
    assert signouts.ended_there(side="mo", sid=ours.key) == 0
    assert signouts.ended_there(side="mo", sid=uuid.UUID(theirs.peer_sid)) == 0
    assert signouts.ended_there(side="gd", sid=theirs.key) == 0, "that is our own name for it"
    assert signouts.ended_there(side="gd", sid=ours.key) == 1
    assert signouts.ended_there(side="gd", sid=uuid.UUID(theirs.peer_sid)) == 1
    assert not OutboxMessage.objects.exists(), "who told us is not told"


def test_ending_a_session_ends_what_rests_on_it(node, told_to_clinic):
    row = told_to_clinic()
    assert signouts.end_session(session=row.home_session, by="expired") == 1
    row.refresh_from_db()
    assert row.ended_by == "expired"


def test_a_record_that_does_not_come_is_missed(gd, arrived, at_library):
    now = timezone.now()
    sid = uuid.uuid4()
    late = at_library(sid, at=now - timedelta(minutes=10), id_token_digest=ID_TOKEN, userinfo_digest=USERINFO)
    at_library(at=now - timedelta(minutes=1))
    at_library(at=now - record.MISSED_FOR)
    at_library(at=now - timedelta(hours=1), peer_sid="")  # of a resident of this side: nothing is to come
    assert missing.since(now) == record.awaited(now) == {"gd": late.at}
    (peer,) = (each for each in watch_facts(now).peers if each.peer == "gd")
    assert peer.unrecorded_since == late.at
    assert ("record-missing", "gd") in raised(now)
    record.keep(message=arrived(said_of(sid, gd)))
    assert ("record-missing", "gd") not in raised(now)


def raised(now):
    return {(each.kind, each.about) for each in alarms(watch_facts(now), WatchSettings(), now)}
