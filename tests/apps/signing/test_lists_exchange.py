"""Lists over the door: what continues a side's list is taken, anything else refused, shown and answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from apps.signing.made import DAY, authority, edition, entry, signed
from kouan.apps.operations.alarms import WatchFacts, alarms
from kouan.apps.signing.lists import changes, hearing, queries, telling
from kouan.apps.signing.lists.domain import Seen, Status, StatusChange
from kouan.apps.signing.models import ListEdition, ListTold, RefusedEdition
from kouan.core.exchange.models import Incident
from kouan.core.trust import queries as queries_of_trust
from kouan.core.trust import sm2
from kouan.core.trust.errors import Sm2Unavailable
from kouan.core.trust.models import ReportedKey
from kouan.core.trust.own import load
from kouan.demo.authorities import issue_signer
from kouan.sections import WatchSettings

HOUR = timedelta(hours=1)


@pytest.fixture
def at():
    """When Guangdong's editions are issued: some days ago, in whole seconds."""
    return (datetime.now(UTC) - 3 * DAY).replace(microsecond=0)


def outcomes():
    return list(RefusedEdition.objects.order_by("pk").values_list("sequence", "why"))


def test_editions_that_follow_each_other_are_taken(gd, at):
    answer, first = gd.tell(edition(at=at))
    assert (answer["sequence"], answer["outcome"], answer["newest"]) == (1, "taken", 1)
    assert answer["digest"] == first.digest
    answer, second = gd.tell(edition(sequence=2, previous=first, at=at + HOUR))
    assert (answer["outcome"], answer["newest"]) == ("taken", 2)
    assert queries.newest("gd") == second
    assert ListEdition.objects.get(side="gd", sequence=2).officer == "LI Wei"
    assert not outcomes()


def test_a_replay_and_a_rollback_change_nothing(gd, at):
    jws, first = signed(edition(at=at), gd.keys)
    gd.tell_jws(jws)
    assert gd.tell_jws(jws)["outcome"] == "replay"
    gd.tell(edition(sequence=2, previous=first, at=at + HOUR))
    answer = gd.tell_jws(jws)
    assert (answer["outcome"], answer["newest"]) == ("rollback", 2)
    assert outcomes() == [(1, "replay"), (1, "rollback")]
    assert not Incident.objects.exists()


def test_a_gap_is_told_with_the_number_from_which_to_go_on(gd, at):
    _answer, first = gd.tell(edition(at=at))
    second = replace(edition(sequence=2, previous=first, at=at + HOUR))
    _jws, second = signed(second, gd.keys)
    answer, _third = gd.tell(edition(sequence=3, previous=second, at=at + 2 * HOUR))
    assert (answer["outcome"], answer["newest"]) == ("gap", 1)
    assert queries.newest("gd").sequence == 1


def test_two_editions_of_one_number_are_an_incident_with_both_as_proof(gd, at):
    gd.tell(edition(at=at))
    answer, other = gd.tell(edition(entry("other"), at=at))
    assert answer["outcome"] == "equivocation"
    incident = Incident.objects.get()
    assert (incident.peer, incident.kind) == ("gd", "trust-list")
    assert other.digest.hex() in incident.detail
    held = ListEdition.objects.get(side="gd")
    assert bytes(incident.counterpart).decode() == held.jws
    assert bytes(incident.evidence) != bytes(incident.counterpart)


def test_an_edition_of_another_history_is_equivocation(gd, at):
    gd.tell(edition(at=at))
    _jws, stranger = signed(edition(entry("other"), at=at), gd.keys)
    answer, _second = gd.tell(edition(entry("other"), sequence=2, previous=stranger, at=at + HOUR))
    assert answer["outcome"] == "equivocation"
    assert Incident.objects.count() == 1


@pytest.mark.parametrize(
    "after",
    [
        lambda: entry("other"),
        lambda: entry(of=authority("Other")),
        lambda: replace(entry(), history=(replace(entry().history[0], reason="changed"),)),
    ],
)
def test_what_takes_back_the_past_is_refused(gd, at, after):
    _answer, first = gd.tell(edition(at=at))
    answer, _second = gd.tell(edition(after(), sequence=2, previous=first, at=at + HOUR))
    assert answer["outcome"] == "rewritten"
    assert Incident.objects.count() == 1


def test_dates_that_cannot_be_are_refused(gd, at):
    future = datetime.now(UTC).replace(microsecond=0) + HOUR
    assert gd.tell(edition(at=future))[0]["outcome"] == "backdated"
    assert gd.tell(edition(at=at, next_update=at))[0]["outcome"] == "next-update"
    assert gd.tell(edition(at=at, next_update=at + 200 * DAY))[0]["outcome"] == "next-update"
    _answer, first = gd.tell(edition(at=at))
    assert gd.tell(edition(sequence=2, previous=first, at=at))[0]["outcome"] == "backdated"
    assert queries.newest("gd").sequence == 1


def test_whoever_names_an_edition_of_ours_that_never_was_is_refused(gd, at, publish):
    row = publish(entry())
    wrong = edition(at=at, others=(Seen("hk", 1, b"\x01" * 32),))
    assert gd.tell(wrong)[0]["outcome"] == "seen-another"
    assert Incident.objects.count() == 1
    right = edition(at=at, others=(Seen("hk", 1, bytes(row.digest)),))
    assert gd.tell(right)[0]["outcome"] == "taken"


def test_another_signer_another_side_and_no_list_are_refused(gd, at, stores):
    hk = load(stores["hk"].directory, side="hk", door_url="https://127.0.0.1:18101")
    assert gd.tell(edition(at=at), keys=hk)[0]["outcome"] == "signature"
    assert gd.tell(edition(at=at, side="mo"))[0]["outcome"] == "malformed"
    assert gd.tell_jws("a.b.c")["outcome"] == "signature"
    assert outcomes() == [(0, "signature"), (1, "malformed"), (0, "signature")]
    assert queries.newest("gd") is None


def test_a_second_signature_that_is_named_must_hold(gd, at):
    key = sm2.PrivateKey.generate()
    named = edition(at=at, sm2_key=key.public_key().spki)
    jws, _made = signed(named, gd.keys)
    assert gd.tell_jws(jws)["outcome"] == "signature"
    assert gd.tell_jws(jws, sm2=key.sign(b"something else"))["outcome"] == "signature"
    plain, _made = signed(edition(at=at), gd.keys)
    assert gd.tell_jws(plain, sm2=key.sign(plain.encode()))["outcome"] == "signature"
    assert not Incident.objects.exists()
    assert gd.tell_jws(jws, sm2=key.sign(jws.encode()))["outcome"] == "taken"
    assert queries.second_signatures("gd") == {1: False}


def test_only_who_holds_the_second_key_changes_it_or_goes_without(gd, at):
    key, other = sm2.PrivateKey.generate(), sm2.PrivateKey.generate()
    jws, first = signed(edition(at=at, sm2_key=key.public_key().spki), gd.keys)
    assert gd.tell_jws(jws, sm2=key.sign(jws.encode()))["outcome"] == "taken"

    def following(number, previous, public):
        made = edition(sequence=number, previous=previous, at=at + number * HOUR / 60, sm2_key=public)
        return signed(made, gd.keys)

    forged, _made = following(2, first, other.public_key().spki)
    bare, _made = following(2, first, b"")
    for jws, signature in ((forged, other.sign(forged.encode())), (bare, b""), (forged, b"")):
        assert gd.tell_jws(jws, sm2=signature)["outcome"] == "signature"
    assert [each.kind for each in Incident.objects.all()] == ["signed-once"] * 2  # each edition once
    assert gd.tell_jws(forged, sm2=key.sign(forged.encode()))["outcome"] == "taken"
    assert gd.tell_jws(forged, sm2=key.sign(forged.encode()))["outcome"] == "replay"
    second = queries.newest("gd")
    last, third = following(3, second, b"")
    assert gd.tell_jws(last, sm2=other.sign(last.encode()))["outcome"] == "taken"
    once, _made = following(4, third, b"")
    assert gd.tell_jws(once, sm2=b"")["outcome"] == "taken"


def test_a_node_without_sm2_says_what_it_did_not_check_and_takes_no_other_key(gd, at, monkeypatch, client):
    def unavailable(*_given):
        raise Sm2Unavailable

    key, other = sm2.PrivateKey.generate(), sm2.PrivateKey.generate()
    jws, first = signed(edition(at=at, sm2_key=key.public_key().spki), gd.keys)
    made = edition(sequence=2, previous=first, at=at + HOUR / 60, sm2_key=other.public_key().spki)
    forged, _made = signed(made, gd.keys)
    with monkeypatch.context() as without:
        without.setattr(sm2.PublicKey, "verify", unavailable)
        assert gd.tell_jws(jws, sm2=b"")["outcome"] == "signature"
        assert gd.tell_jws(jws, sm2=b"something")["outcome"] == "taken"
        assert gd.tell_jws(forged, sm2=other.sign(forged.encode()))["outcome"] == "signature"
    assert queries.second_signatures("gd") == {1: True}
    assert "not checked" in client.get("/trust-lists/gd/").content.decode()


def test_no_edition_takes_recognition_back_for_the_past(gd, at):
    was = entry()
    _answer, first = gd.tell(edition(was, at=at))
    later = at + HOUR / 60

    def answer(**given):
        return gd.tell(edition(replace(was, **given), sequence=2, previous=first, at=later))[0]["outcome"]

    def withdrawn(since):
        return (*was.history, StatusChange(Status.WITHDRAWN, since, "Key lost"))

    assert answer(recognised_until=was.recognised_from + 10 * DAY) == "rewritten"
    assert answer(recognised_until=later - HOUR) == "rewritten"
    assert answer(history=withdrawn(was.recognised_from + DAY)) == "rewritten"
    assert answer(history=withdrawn(at - 2 * DAY)) == "rewritten"
    ended = replace(was, recognised_until=at - DAY)
    (revived,) = changes.rewritten(
        replace(first, entries=(ended,)), (replace(ended, recognised_until=later + HOUR),), at=later
    )
    assert revived == was.code
    # Days begin at midnight: what is withdrawn from the day of the edition before is no rewriting.
    assert answer(history=withdrawn(at - HOUR), recognised_until=later + HOUR) == "taken"


def test_a_list_of_what_cannot_be_shown_or_is_made_up_is_refused(gd, at, settings):
    broken = replace(entry(), issuing_ca=b"\x30\x03\x02\x01\x01")
    assert gd.tell(edition(broken, at=at))[0]["outcome"] == "malformed"
    leaf, _key = issue_signer(authority(), "CHAN Siu Ming")
    of_nobody = replace(entry(), issuing_ca=x509.load_pem_x509_certificate(leaf).public_bytes(Encoding.DER))
    assert gd.tell(edition(of_nobody, at=at))[0]["outcome"] == "malformed"
    settings.NODE = replace(settings.NODE, demonstration=False)
    assert gd.tell(edition(at=at))[0]["outcome"] == "malformed"
    details = list(RefusedEdition.objects.order_by("pk").values_list("detail", flat=True))
    assert details == [
        "entry harbour-personal: issuing_ca: no-certificate",
        "entry harbour-personal: issuing_ca: no-ca",
        "entry harbour-personal: made up",
    ]


def test_a_ca_that_its_side_reported_compromised_vouches_for_nobody(gd, at):
    ca = x509.load_pem_x509_certificate(gd.keys.public.tls_ca_pem)
    now = datetime.now(UTC)
    ReportedKey.objects.create(
        side="gd", use="tls-ca", kid=hearing._kid(ca).hex(), since=now, at=now, reason="stolen",
        received_at=now,
    )  # fmt: skip
    queries_of_trust.forget_members()
    assert gd.tell(edition(at=at))[0]["outcome"] == "signature"


# Telling


def lists(heard):
    return [said for type_, said in heard if type_ == "signing.trust-list"]


def test_every_edition_is_told_once_and_in_order(gd, publish):
    rows = [publish(entry()), publish(entry("other"))]
    while telling.tell():
        pass
    told = lists(gd.hear())
    assert [each["jws"] for each in told] == [row.jws for row in rows]
    assert not telling.tell()
    assert gd.hear() == []
    gd.answer(bytes(rows[1].digest), "taken", sequence=2, newest=2)
    row = ListTold.objects.get(side="gd")
    assert (row.sequence, row.taken, row.refused) == (2, 2, "")


def test_what_is_missing_there_is_sent_again(gd, publish):
    rows = [publish(entry()), publish()]
    while telling.tell():
        pass
    gd.hear()
    gd.answer(bytes(rows[1].digest), "gap", sequence=2, newest=0)
    assert not telling.tell()
    later = datetime.now(UTC) + timedelta(minutes=2)
    while telling.tell(now=later):
        pass
    assert [each["jws"] for each in lists(gd.hear())] == [row.jws for row in rows]


def test_a_refusal_is_shown_and_not_repeated(gd, publish):
    row = publish(entry())
    telling.tell()
    gd.hear()
    gd.answer(bytes(row.digest), "rewritten", newest=0)
    assert ListTold.objects.get(side="gd").refused == "rewritten"
    assert not telling.tell(now=datetime.now(UTC) + 2 * DAY)
    assert gd.hear() == []


def test_what_may_pass_is_tried_again_in_an_hour(gd, publish):
    row = publish(entry())
    telling.tell()
    gd.hear()
    gd.answer(bytes(row.digest), "signature", sequence=0, newest=0)
    assert ListTold.objects.get(side="gd").refused == "signature"
    telling.tell(now=datetime.now(UTC) + timedelta(minutes=50))
    assert gd.hear() == []
    telling.tell(now=datetime.now(UTC) + timedelta(minutes=70))
    assert len(lists(gd.hear())) == 1


def test_an_answer_to_what_we_never_said_changes_nothing(gd, publish):
    publish(entry())
    telling.tell()
    gd.hear()
    gd.answer(b"\x05" * 32, "gap", newest=0)
    assert gd.answer(b"\x05" * 32, "perhaps")[0] == "handled"
    row = ListTold.objects.get(side="gd")
    assert (row.sequence, row.taken, row.refused) == (1, 0, "")


def test_a_message_that_did_not_arrive_is_sent_again(gd, publish):
    publish(entry())
    telling.tell()
    gd.hear()
    telling.not_told(side="gd")
    telling.tell(now=datetime.now(UTC) + timedelta(minutes=2))
    assert len(lists(gd.hear())) == 1


def test_our_next_edition_names_theirs_as_it_was_last_seen(gd, at, publish):
    _answer, theirs = gd.tell(edition(at=at))
    publish(entry())
    assert queries.newest("hk").others == (Seen("gd", 1, theirs.digest),)


# Watching


def test_a_list_that_is_due_or_overdue_is_an_alarm(gd, at):
    gd.tell(edition(at=at, next_update=at + 10 * DAY))

    def raised(now):
        facts = WatchFacts(deadlines=tuple(hearing.overdue(now)))
        found = alarms(facts, WatchSettings(), now)
        return [(str(each.kind), each.about, each.value) for each in found]

    assert raised(at + 2 * DAY) == []
    assert raised(at + 4 * DAY) == [("trust-list-due", "gd", 6)]
    assert raised(at + 11 * DAY + HOUR) == [("trust-list-late", "gd", 2)]
