"""A person is asked, answers once, and may take it back; nobody answers for somebody else."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.dataflow.guangdong import values_of
from apps.dataflow.made import CHAN, OTHER, PURPOSE, VALUES, case
from apps.dataflow.made import consent as agreed
from apps.dataflow.sending import send_record
from apps.dataflow.test_contracts import BACK, proposal
from kouan.apps.dataflow import consents, contracts, decisions, errors, receipts
from kouan.apps.dataflow.judging import judge
from kouan.apps.dataflow.models import ConsentRequest, Contract, DataConsent, Decision
from kouan.core import chores
from kouan.core.exchange import outbox
from kouan.core.exchange.models import OutboxMessage
from kouan.core.sides import UnknownDocumentError
from kouan.core.sides.documents import DocumentNumberError
from kouan.core.trust import cose
from kouan.core.trust.receipts import CONSENT, BadReceipt

# Asked


def test_the_number_of_the_document_is_kept_nowhere(signed, asked):
    asked(signed())
    (row,) = ConsentRequest.objects.values()
    assert "123456" not in repr(row)
    assert len(bytes(row["document_digest"])) == len(bytes(row["document_salt"])) == 32


def test_two_requests_about_one_person_do_not_look_alike(signed, asked):
    made = signed()
    first, second = asked(made), asked(made)
    assert bytes(first.document_digest) != bytes(second.document_digest)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"elements": ["person.health"]}, errors.ScopeDrift),
        ({"purposes": [PURPOSE, OTHER]}, errors.OtherPurpose),
        ({"document_number": " ( ) "}, errors.NoDocumentNumber),
    ],
)
def test_no_more_is_asked_than_the_contract_names(signed, asked, changes, error):
    with pytest.raises(error):
        asked(signed(), **changes)
    assert not ConsentRequest.objects.exists()


# Answered


def test_a_number_counts_together_with_the_kind_of_document_that_is_named(signed, asked, given, chan):
    """A home return permit may have a passport's number, and is then somebody else's."""
    made = signed()
    permit = replace(chan, document_type="home-return-permit", document_number="H12345678")
    passport = replace(chan, document_type="hk-passport", document_number="H12345678")
    request = asked(made, document_number="H12345678", document_type="home-return-permit")
    with pytest.raises(errors.NotThisPerson):
        given(made, person=passport, request=request)
    assert given(made, person=permit, request=request) is not None
    for kind, error in (("hkid", DocumentNumberError), ("library-card", UnknownDocumentError)):
        with pytest.raises(error):
            asked(made, document_number="H12345678", document_type=kind)


@pytest.mark.parametrize("written", ["A1234563", "a123456(3)", " A 123456 (3) ", "Ａ１２３４５６（３）"])
def test_the_person_is_known_however_the_number_is_written(signed, asked, given, written):
    made = signed()
    assert given(made, request=asked(made, document_number=written)) is not None


def test_what_was_ticked_is_agreed_to_and_told_there(signed, given, gd, chan):
    made = signed()
    gd.hear()
    consent = given(made, ticked=["person.credit", "person.health"])
    assert (consent.elements, consent.separate) == (["person.credit"], ["person.credit"])
    assert (consent.person, consent.level, consent.purposes) == (chan.key, 4, [PURPOSE])
    ((kind, payload),) = gd.hear()
    assert kind == "dataflow.consent"
    assert (payload["consent"], payload["elements"]) == (consent.key.bytes, ["person.credit"])
    assert payload["subject"] == consent.subject
    assert chan.key not in repr(payload)
    assert "CHAN Siu" not in repr(payload)


def test_the_receipt_says_what_the_person_agreed_to(signed, given):
    made = signed()
    consent = given(made)
    said = receipts.read(bytes(consent.receipt), side="hk", at=timezone.now())
    assert said == receipts.content(bytes(consent.receipt))
    (purpose,) = said["pii_processing"]["purposes"]
    assert purpose["lawful_basis"] == "dpv:Consent"
    assert {each["pii_attribute_id"]: each["sensitive"] for each in purpose["pii_information"]} == {
        "person.credit": True,
        "person.name": False,
    }
    assert str(consent.key) in purpose["withdrawal_method"]
    assert said["pii_principal_id"] == consent.subject
    assert "CHAN Siu" not in repr(said)
    assert "123456(3)" not in repr(said)


def test_a_receipt_of_another_side_or_with_a_bit_changed(signed, given, gd):
    receipt = bytes(given(signed()).receipt)
    with pytest.raises(BadReceipt):
        receipts.read(receipt, side="gd", at=timezone.now())
    for place in range(0, len(receipt), 7):
        changed = receipt[:place] + bytes([receipt[place] ^ 1]) + receipt[place + 1 :]
        with pytest.raises(BadReceipt):
            receipts.read(changed, side="hk", at=timezone.now())


def test_each_contract_knows_a_person_by_another_name(signed, given, terms):
    first = given(signed())
    other = signed(terms(contract=str(uuid.uuid4()), purposes=[OTHER]))
    request = consents.ask(
        contract=other, terms=contracts.terms_of(other), reference="customer 1", document_number="A1234563",
        elements=sorted(VALUES), purposes=[OTHER],
    )  # fmt: skip
    second = given(other, request=request)
    assert len({first.subject, second.subject}) == 2


@pytest.mark.parametrize(
    "who",
    [
        replace(CHAN, document_number="B123456(6)"),
        replace(CHAN, document_number="A123456"),
        replace(CHAN, document_number=""),
        replace(CHAN, document_number="()"),
    ],
    ids=["another", "not all of it", "none", "brackets"],
)
def test_another_person_can_neither_see_nor_answer_it(signed, asked, given, who):
    made = signed()
    request = asked(made)
    with pytest.raises(errors.NotThisPerson):
        consents.open_request(request.key, who)
    with pytest.raises(errors.NotThisPerson):
        given(made, person=who, request=request)
    assert not DataConsent.objects.exists()
    assert given(made, request=request)


@pytest.mark.parametrize(
    ("kind", "meant"), [("hk-passport", True), ("", True), ("home-return-permit", False), ("hkid", False)]
)
def test_the_same_number_of_another_kind_of_document_is_somebody_else(  # noqa: PLR0913, PLR0917 - fixtures
    signed, asked, given, chan, kind, meant
):
    made = signed()
    request = asked(made, document_number="H12345678")
    who = replace(chan, document_number="H12345678", document_type=kind)
    if meant:
        assert given(made, person=who, request=request)
    else:
        with pytest.raises(errors.NotThisPerson):
            given(made, person=who, request=request)


def test_a_number_that_no_known_document_has_is_compared_as_it_is(signed, asked, given, chan):
    made = signed()
    request = asked(made, document_number="x-9")
    assert given(made, person=replace(chan, document_number="X9", document_type="hkid"), request=request)


@pytest.mark.parametrize(("level", "ticked"), [(2, ["person.credit"]), (1, ["person.name"])])
def test_a_sign_in_that_is_not_sure_enough(  # noqa: PLR0913, PLR0917 - fixtures
    signed, asked, given, chan, level, ticked
):
    made = signed()
    request = asked(made)
    with pytest.raises(errors.LevelTooLow) as caught:
        given(made, person=replace(chan, level=level), ticked=ticked, request=request)
    assert caught.value.params["needed"] == level + 1
    assert given(made, person=replace(chan, level=level + 1), ticked=ticked, request=request)


def test_it_is_answered_once(signed, asked, given, gd):
    made = signed()
    request = asked(made)
    gd.hear()
    assert given(made, request=request)
    with pytest.raises(errors.UnknownRequest):
        given(made, request=request)
    assert len(gd.hear()) == DataConsent.objects.count() == 1


def test_nothing_ticked_is_a_refusal_for_good(signed, asked, given, gd):
    made = signed()
    request = asked(made)
    gd.hear()
    assert given(made, ticked=[], request=request) is None
    with pytest.raises(errors.UnknownRequest):
        given(made, request=request)
    assert not DataConsent.objects.exists()
    assert not gd.hear()


def test_a_request_of_a_month_ago_and_one_of_a_contract_that_has_ended(signed, asked, given):
    made = signed()
    request = asked(made)
    ConsentRequest.objects.update(expires_at=timezone.now())
    with pytest.raises(errors.UnknownRequest):
        given(made, request=request)
    ConsentRequest.objects.update(expires_at=timezone.now() + timedelta(days=1))
    Contract.objects.update(expires=contracts.today() - timedelta(days=1))
    with pytest.raises(errors.UnknownRequest):
        given(made, request=request)
    Contract.objects.update(expires=contracts.today())
    contracts.end(digest=bytes(made.digest), reason="The bank closes.")
    with pytest.raises(errors.UnknownRequest):
        given(made, request=request)


# What a later version changes


FOSHAN = {"name": "Foshan Branch", "place": "gd:foshan"}


@pytest.mark.parametrize(
    ("changes", "clause"),
    [({"retention_days": 31}, "consent retention"), ({"onward": [FOSHAN]}, "consent onward")],
)
def test_a_consent_does_not_follow_a_version_that_goes_further(  # noqa: PLR0913, PLR0917 - fixtures
    signed, given, terms, gd, changes, clause
):
    first = signed()
    before = given(first)
    second = signed(terms(version=2, replaces=bytes(first.digest).hex(), **changes))
    with pytest.raises(errors.ConsentForOther) as denied:
        send_record(contract=second, consent=before, purpose=PURPOSE, values=VALUES)
    assert denied.value.params["clause"] == clause
    assert decisions.replay(Decision.objects.get()).same
    assert send_record(contract=second, consent=given(second), purpose=PURPOSE, values=VALUES)


def test_a_consent_follows_a_version_that_goes_less_far(signed, given, terms):
    first = signed(onward=[FOSHAN])
    consent = given(first)
    second = signed(terms(version=2, replaces=bytes(first.digest).hex(), retention_days=29))
    assert send_record(contract=second, consent=consent, purpose=PURPOSE, values=VALUES)


def test_a_receipt_without_terms_holds_a_version_to_its_retention(signed, given, terms):
    """The first receipts named none, and still said how long."""
    first = signed()
    consent = given(first)
    said = receipts.content(bytes(consent.receipt))
    del said["pii_processing"]["terms"]
    DataConsent.objects.update(receipt=receipts._KIND.sign(said))
    second = signed(terms(version=2, replaces=bytes(first.digest).hex(), onward=[FOSHAN]))
    assert send_record(contract=second, consent=consent, purpose=PURPOSE, values=VALUES)
    third = signed(terms(version=3, replaces=bytes(second.digest).hex(), retention_days=31))
    with pytest.raises(errors.ConsentForOther):
        send_record(contract=third, consent=consent, purpose=PURPOSE, values=VALUES)


# Taken back


def test_it_is_taken_back_once_and_told_once(signed, given, gd, chan):
    consent = given(signed())
    gd.hear()
    at = consents.withdraw(key=consent.key, person=chan.key).withdrawn_at
    assert consents.withdraw(key=consent.key, person=chan.key).withdrawn_at == at
    assert gd.hear() == [
        ("dataflow.consent-withdrawn", {"consent": consent.key.bytes, "at": int(at.timestamp())})
    ]


def test_it_is_taken_back_though_no_more_may_wait_and_told_later(  # noqa: PLR0913, PLR0917 - fixtures
    signed, given, gd, chan, node, settings
):
    consent = given(signed())
    gd.hear()
    settings.NODE = replace(node, exchange=replace(node.exchange, outbox_max=0))
    at = consents.withdraw(key=consent.key, person=chan.key).withdrawn_at
    consent.refresh_from_db()
    assert consent.withdrawn_at == at
    assert not consents.tell_withdrawn()
    assert not gd.hear()
    settings.NODE = node
    assert not consents.tell_withdrawn()
    assert gd.hear() == [
        ("dataflow.consent-withdrawn", {"consent": consent.key.bytes, "at": int(at.timestamp())})
    ]
    assert not consents.tell_withdrawn()
    assert not gd.hear()
    assert consents.tell_withdrawn in {chore.run for chore in chores.registered()}


def test_a_withdrawal_that_waited_too_long_to_leave_is_told_again(signed, given, gd, chan):
    consent = given(signed())
    gd.hear()
    consents.withdraw(key=consent.key, person=chan.key)
    assert outbox.expire_waiting(timezone.now() + timedelta(days=31)) == 1
    consents.tell_withdrawn()
    assert [kind for kind, _payload in gd.hear()] == ["dataflow.consent-withdrawn"]
    assert not consents.tell_withdrawn()
    assert not gd.hear()


@pytest.fixture
def withdrawn(signed, given, gd, chan):
    """A consent that was taken back, of which Guangdong refuses to hear."""

    def refuse(code, **changes):
        consent = given(signed())
        gd.hear()
        consents.withdraw(key=consent.key, person=chan.key)
        gd.hear(code)
        told = OutboxMessage.objects.get(type="dataflow.consent-withdrawn")
        assert (told.state, told.code) == ("refused", code)
        assert not consents.tell_withdrawn()
        assert not gd.hear()  # not at once: it would be refused again
        changes["created_at"] = timezone.now() - timedelta(hours=7)
        OutboxMessage.objects.filter(pk=told.pk).update(**changes)

    return refuse


@pytest.mark.parametrize(
    "code",
    ["expired", "no-agreement", "other-agreement-text", "agreement-not-in-force", "party-not-named"],
)
def test_a_withdrawal_that_was_refused_for_what_may_change_is_told_again(withdrawn, gd, code):
    withdrawn(code)
    consents.tell_withdrawn()
    told = OutboxMessage.objects.filter(type="dataflow.consent-withdrawn")
    for status in (code, None):  # refused once more, and then heard
        assert [kind for kind, _payload in gd.hear(status)] == ["dataflow.consent-withdrawn"]
        assert not told.order_by("pk").last().dismissed
        told.update(created_at=timezone.now() - timedelta(hours=7))
        consents.tell_withdrawn()
    assert not gd.hear()
    assert told.filter(state="refused", dismissed=True).count() == 2


@pytest.mark.parametrize(
    ("code", "dismissed"), [("unknown-data-consent", False), ("no-agreement", True)], ids=str
)
def test_a_withdrawal_that_they_do_not_know_or_an_operator_put_away_is_left_alone(
    withdrawn, gd, code, dismissed
):
    withdrawn(code, dismissed=dismissed)
    consents.tell_withdrawn()
    assert not gd.hear()


@pytest.mark.parametrize("who", ["", "somebody else", str(uuid.UUID(int=2))])
def test_nobody_takes_back_anothers(signed, given, who):
    consent = given(signed())
    with pytest.raises(errors.UnknownConsent):
        consents.withdraw(key=consent.key, person=who)
    consent.refresh_from_db()
    assert consent.withdrawn_at is None


# What the other side says of its persons


@pytest.fixture
def theirs(gd, terms):
    """A contract by which Guangdong's institution sends data to ours."""
    said = terms(**BACK, contract=str(uuid.uuid4()))
    assert proposal(gd, said) == ("handled", "")
    contracts.sign(digest=said.digest(), officer="CHEUNG")
    return said


def say(gd, said):
    return gd.say("dataflow.consent", said, conversation=uuid.UUID(bytes=said["consent"]))


def test_a_consent_of_the_other_side_is_kept(gd, theirs):
    said = gd.consent(theirs)
    assert say(gd, said) == ("handled", "")
    row = DataConsent.objects.get(key=uuid.UUID(bytes=said["consent"]))
    assert (row.person, row.peer, row.subject, row.level) == ("", "gd", "g" * 43, 3)
    assert say(gd, said) == ("handled", "")
    assert DataConsent.objects.count() == 1


def test_a_consent_of_the_other_side_does_not_follow_a_version_that_goes_further(gd, terms, theirs):
    said = gd.consent(theirs)
    assert say(gd, said) == ("handled", "")
    wider = terms(
        **BACK, contract=theirs.contract, version=2, replaces=theirs.digest().hex(), retention_days=31
    )
    assert proposal(gd, wider) == ("handled", "")
    contracts.sign(digest=wider.digest(), officer="CHEUNG")
    payload = {"subject": said["subject"], "purpose": PURPOSE, "values": values_of(VALUES)}
    key = uuid.UUID(bytes=said["consent"])
    record = gd.draft("dataflow.record", payload, conversation=key, contract=wider, consent=f"dataflow:{key}")
    assert gd.post(record) == [("refused", "consent-for-other")]
    assert Decision.objects.get().clause == "consent retention"


def test_a_consent_under_terms_that_are_no_version_here(gd, theirs):
    said = gd.consent(theirs)
    receipt = gd.receipt(said, terms=theirs.model_copy(update={"persons": 7}))
    assert say(gd, said | {"receipt": receipt}) == ("refused", "unknown-contract")


@pytest.mark.parametrize(
    "changes",
    [
        {"elements": ["person.credit"]},
        {"level": 4},
        {"subject": "h" * 43},
        {"purposes": [OTHER]},
        {"separate": []},
        {"separate": ["person.credit", "person.name"]},
        {"expires_at": int(timezone.now().timestamp()) + 86_400},
        {"receipt": b""},
        {"receipt": b"\xd2\x84"},
    ],
    ids=[
        "less",
        "a higher level",
        "somebody else",
        "another purpose",
        "none by itself",
        "more by itself",
        "for longer",
        "no receipt",
        "half a receipt",
    ],
)
def test_a_consent_that_says_other_than_its_receipt(gd, theirs, changes):
    assert say(gd, gd.consent(theirs) | changes) == ("refused", "bad-signature")
    assert not DataConsent.objects.exists()


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("given_at", (1 << 37) - 1), ("given_at", 0), ("expires_at", 1 << 37), ("expires_at", -1)],
)
def test_a_time_that_cannot_be_is_refused_and_not_tried_again(gd, theirs, name, seconds):
    said = gd.consent(theirs)
    assert say(gd, said | {name: seconds})[0] == "refused"
    assert not DataConsent.objects.exists()


def test_a_receipt_of_another_structure(gd, theirs):
    said = gd.consent(theirs)
    for data in (
        b"[]",
        b"{}",
        b'"x"',
        b"[" * 5000,
        b'{"schema_version": "urn:kouan:data-consent-receipt:1"}',
    ):
        receipt = cose.sign1(data, gd.peer.signer(), content_type=CONSENT)
        assert say(gd, said | {"receipt": receipt}) == ("refused", "bad-signature")


def test_a_consent_for_a_contract_that_nobody_has(gd, theirs):
    said = gd.consent(theirs, contract=uuid.uuid4().bytes)
    assert say(gd, said) == ("refused", "unknown-contract")
    wrong = gd.say("dataflow.consent", gd.consent(theirs), conversation=uuid.uuid4())
    assert wrong == ("refused", "unknown-contract")


def test_the_other_side_takes_back_none_of_our_persons_consents(signed, given, gd):
    consent = given(signed())
    said = {"consent": consent.key.bytes, "at": 1}
    ended = gd.say("dataflow.consent-withdrawn", said, conversation=consent.key)
    assert ended == ("refused", "unknown-data-consent")
    consent.refresh_from_db()
    assert consent.withdrawn_at is None


def test_another_consent_does_not_come_under_a_number_that_is_taken(signed, given, gd, theirs):
    """Neither under that of the other side's own consent nor under that of one of our persons."""
    first = gd.consent(theirs)
    assert say(gd, first) == ("handled", "")
    more = gd.consent(theirs, consent=first["consent"], level=4)
    assert say(gd, more) == ("refused", "consent-differs")
    assert DataConsent.objects.get(key=uuid.UUID(bytes=first["consent"])).level == 3
    ours = given(signed())
    assert say(gd, gd.consent(theirs, consent=ours.key.bytes)) == ("refused", "consent-differs")
    ours.refresh_from_db()
    assert ours.person


def test_the_day_of_a_withdrawal_is_told_as_people_here_count_days():
    """At four in the afternoon by UTC it is the next day here."""
    taken_back = datetime(2026, 9, 14, 16, 30, tzinfo=UTC)
    with pytest.raises(errors.ConsentWithdrawn) as denied:
        judge(case(consent=agreed(withdrawn_at=taken_back)))
    assert denied.value.params["day"] == "2026-09-15"
