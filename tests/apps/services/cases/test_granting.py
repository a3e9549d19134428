from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
import rfc8785
from asn1crypto import pem, x509
from django.contrib.auth.models import User
from django.utils import timezone
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from apps.services.cases.made import ANSWERS, FEE, opened_pdf, presentation, published, word
from kouan.apps.evidence.broker import EvidenceBroker
from kouan.apps.services import papers, sealing
from kouan.apps.services.cases import (
    clock,
    deadlines,
    erasing,
    errors,
    granting,
    issued,
    proving,
    queries,
    receiving,
    results,
    working,
)
from kouan.apps.services.models import Case, CaseFee, CaseResult
from kouan.apps.validation import registrar
from kouan.apps.validation import services as validation
from kouan.apps.validation.models import Institution, RegisteredDocument
from kouan.core import credentials, documents
from kouan.core.credentials import Verdict
from kouan.core.exchange.blobs.models import SentBlob
from kouan.core.exchange.models import OutboxMessage
from kouan.core.text import Localised
from kouan.core.trust.queries import authorities

# A file is sealed for the other side outside any transaction.
pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = {"make": "TOYOTA"}


@pytest.fixture
def reviewed(transactional_db, case, officer):
    def make(of=None, **changes):
        worker = User.objects.filter(username="officer").first() or officer()
        row = case(of, **changes)
        return working.take_up(case=row, officer=worker, changed=row.changed), worker

    return make


@pytest.fixture
def granted(reviewed):
    def make(of=None, **changes):
        row, worker = reviewed(of, **changes)
        return granting.grant(
            case=row, officer=worker, changed=row.changed, given=GIVEN, words="Done."
        ), worker

    return make


def text_of(data):
    return b"".join(
        page.get_object()["/Contents"].get_object().data for page in opened_pdf(data).root["/Pages"]["/Kids"]
    )


def test_the_result_is_signed_registered_and_handed_over(granted, broker, told):
    row, _worker = granted()
    assert (row.state, row.turn, row.due_on) == ("granted", "nobody", None)
    type_, payload = told()[-1]
    assert type_ == "services.result"
    assert (payload["reference"], payload["words"], payload["by"]) == (row.reference, "Done.", "transport")
    pdf = issued.pdf(row)
    assert payload["document"]["size"] == len(pdf)
    assert SentBlob.objects.get().state == "sent"
    ((text, department, claims),) = broker.issued
    assert payload["credential"] == text
    assert department == "transport"
    assert claims == {"plate": "AB 1234", "purpose": "sale", "case": row.reference, "make": "TOYOTA"}


def test_the_signature_holds_for_any_reader_of_pdf_files(granted):
    row, _worker = granted()
    pdf = issued.pdf(row)
    (signature,) = opened_pdf(pdf).embedded_signatures
    roots = [x509.Certificate.load(der) for _k, _h, der in pem.unarmor(authorities("hk"), multiple=True)]
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=roots, allow_fetching=False))
    assert status.valid
    assert status.intact
    assert status.trusted
    assert status.signing_cert.subject.native["common_name"] == "Transport Department"
    broken = pdf.replace(b"/Contents", b"/Contemts", 1)
    assert broken != pdf


@pytest.mark.parametrize("which", ["paper", "credential"])
def test_both_are_valid_at_validate_a_document(granted, broker, which):
    granted()
    data = issued.pdf(CaseResult.objects.get().case) if which == "paper" else broker.issued[0][0].encode()
    found = validation.validate_file(source=io.BytesIO(data))
    assert (found.outcome, found.issuer_name) == (
        "match", Localised("Transport Department", "運輸署", "运输署"),
    )  # fmt: skip
    if which == "paper":
        changed = data.replace(b"/Kouan (", b"/Kouan  (")
        assert changed != data


def test_a_result_that_is_taken_back_is_revoked_as_both(granted, broker, told):
    row, worker = granted()
    told()
    row = granting.revoke(case=row, officer=worker, changed=row.changed, words="Issued for another vehicle.")
    for data in (issued.pdf(row), broker.issued[0][0].encode()):
        assert validation.validate_file(source=io.BytesIO(data)).outcome == "revoked"
    assert broker.revoked == [broker.issued[0][0]]
    ((_type, payload),) = told()
    assert (payload["kind"], payload["words"]) == ("message", "Issued for another vehicle.")
    with pytest.raises(errors.NoResult):
        granting.revoke(case=row, officer=worker, changed=row.changed, words="Again.")


def test_evidence_that_was_revoked_meanwhile_is_seen_before_anything_is_granted(reviewed, broker):
    row, worker = reviewed(evidence=[presentation()])
    broker.now = {"residence": Verdict.REVOKED}
    with pytest.raises(errors.EvidenceChanged) as caught:
        granting.grant(case=row, officer=worker, changed=row.changed, given=GIVEN)
    assert "residence" in str(caught.value).lower()
    (shown,) = proving.shown(row)
    assert shown.verdict is Verdict.REVOKED
    assert not shown.claims
    seen = Case.objects.get(pk=row.pk)
    assert seen.state == "in-review"
    assert not CaseResult.objects.filter(case=row).exists()
    # Who has seen it may still decide.
    assert granting.grant(case=seen, officer=worker, changed=seen.changed, given=GIVEN).state == "granted"


def test_evidence_that_expired_meanwhile_counted_when_it_came(reviewed, broker):
    row, worker = reviewed(evidence=[presentation()])
    broker.now = {"residence": Verdict.EXPIRED}
    assert granting.grant(case=row, officer=worker, changed=row.changed, given=GIVEN).state == "granted"
    (shown,) = proving.shown(row)
    assert shown.verdict is Verdict.GOOD


def test_every_line_is_filled_in(reviewed):
    row, worker = reviewed()
    with pytest.raises(errors.ClaimMissing, match="Make"):
        granting.grant(case=row, officer=worker, changed=row.changed, given={"make": " "})
    row.refresh_from_db()
    assert row.state == "in-review"


def test_nothing_is_left_where_it_cannot_be_granted(case, officer, broker):
    row, worker = case(), officer()
    sent = OutboxMessage.objects.count()
    with pytest.raises(errors.NotNow):
        granting.grant(case=row, officer=worker, changed=row.changed, given=GIVEN)
    with pytest.raises(errors.CaseChanged):
        granting.grant(case=row, officer=worker, changed=row.changed + 1, given=GIVEN)
    assert not CaseResult.objects.exists()
    assert not RegisteredDocument.objects.exists()
    assert not SentBlob.objects.exists()
    assert OutboxMessage.objects.count() == sent
    assert broker.issued == []


def test_a_result_waits_for_the_fee(gd, broker, reviewed):
    row, worker = reviewed(published("replaced", version=2, fee=FEE))
    with pytest.raises(errors.FeeNotPaid):
        granting.grant(case=row, officer=worker, changed=row.changed, given=GIVEN)
    row = working.ask_payment(case=row, officer=worker, changed=row.changed)
    working.paid(fee=CaseFee.objects.get(), payment="P")
    row.refresh_from_db()
    granting.grant(case=row, officer=worker, changed=row.changed, given=GIVEN)
    assert CaseResult.objects.exists()


def test_a_case_that_is_granted_anew_after_an_appeal_has_one_result(granted, broker):
    row, worker = granted()
    first = CaseResult.objects.get().reference
    receiving.acted(message=word(row, "appeal", words="The make is wrong."))
    row.refresh_from_db()
    row = working.reopen(case=row, officer=worker, changed=row.changed, words="We look again.")
    row = granting.grant(case=row, officer=worker, changed=row.changed, given={"make": "HONDA"})
    result = CaseResult.objects.get()
    assert result.reference != first
    assert broker.revoked == [broker.issued[0][0]]
    assert RegisteredDocument.objects.get(reference=first).revoked_on is not None


@pytest.mark.parametrize(("decide", "state"), [(working.uphold, "granted"), (working.refuse, "refused")])
def test_after_an_appeal_a_result_stands_or_is_taken_back(granted, broker, decide, state):
    row, worker = granted()
    receiving.acted(message=word(row, "appeal", words="The make is wrong."))
    row.refresh_from_db()
    if decide is working.refuse:
        row = working.reopen(case=row, officer=worker, changed=row.changed, words="We look again.")
    row = decide(case=row, officer=worker, changed=row.changed, words="So it is.")
    assert row.state == state
    assert issued.counts(row) is (state == "granted")
    assert len(broker.revoked) == (state == "refused")


@pytest.fixture
def reopened(granted):
    def make():
        row, worker = granted()
        receiving.acted(message=word(row, "appeal", words="The make is wrong."))
        row.refresh_from_db()
        return working.reopen(case=row, officer=worker, changed=row.changed, words="We look again."), worker

    return make


def ended(row, told):
    """What a case came to, what its applicant's side was told last, and whether its result counts."""
    row.refresh_from_db()
    last = told()[-1][1]
    return (row.state, row.turn, last["kind"], last["state"], issued.counts(row))


def test_what_was_granted_stays_so_where_a_reopened_case_is_withdrawn(reopened, told):
    row, _worker = reopened()
    receiving.acted(message=word(row, "withdraw"))
    assert ended(row, told) == ("granted", "nobody", "withdraw", "granted", True)


def test_where_the_result_was_taken_back_before_a_reopened_case_is_withdrawn(reopened, told):
    row, worker = reopened()
    row = granting.revoke(case=row, officer=worker, changed=row.changed, words="Wrong.")
    receiving.acted(message=word(row, "withdraw"))
    assert ended(row, told) == ("withdrawn", "nobody", "withdraw", "withdrawn", False)


def test_what_was_granted_stays_so_where_a_reopened_case_lapses(reopened, told, agreed):
    row, worker = reopened()
    row = working.ask_correction(
        case=row, officer=worker, changed=row.changed, ask=["answers.plate"], words="Look."
    )
    tomorrow = timedelta(days=1)
    Case.objects.update(due_on=clock.today())
    assert deadlines._lapse(clock.today() + tomorrow) == 1
    assert ended(row, told) == ("granted", "nobody", "lapse", "granted", True)
    # A correction that was sent in time counts all the same.
    kinds = ["person.vehicle"]
    mended = word(row, "correct", answers=rfc8785.dumps(ANSWERS), kinds=kinds, receipt=agreed(row, kinds))
    with pytest.raises(errors.NotNow):
        receiving.acted(message=replace(mended, sent_at=mended.sent_at + tomorrow))
    receiving.acted(message=mended)
    assert ended(row, told) == ("in-review", "office", "correct", "in-review", True)


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
def test_the_paper_is_in_the_applicants_script_and_in_english(case, language):
    row = case(language=language)
    definition = queries.versions.of_case(row)
    found = results.lines(row, definition, GIVEN, row.received_at)
    assert [line.shown.in_language(language) for line in found][1] == {
        "en": "Selling the vehicle", "zh-hant": "出售車輛", "zh-hans": "出售车辆",
    }[language]  # fmt: skip
    paper = results.paper(row, definition, found, words="", at=row.received_at, credential="HK-1")
    again = results.paper(row, definition, found, words="", at=row.received_at, credential="HK-1")
    assert paper == again
    assert paper.startswith(b"%PDF-")
    passages = results._passages(row, definition, found, language, "", row.received_at, "HK-1")
    assert passages[0][0] == definition.result.title.text.in_language(language)


def test_what_a_line_may_come_from(case):
    row = case()
    definition = queries.versions.of_case(row)
    for name in results.CASE_SOURCES:
        shown, value = results._of_case(row, definition, name, row.received_at)
        assert shown.en
        assert value
    assert results._answer({"a": [{"b": True}]}, "a.0.b") == "true"
    assert results._answer({"a": [{"b": True}]}, "a.1.b") == ""
    assert results._answer({"a": {"b": 3}}, "a.b") == "3"


def test_the_app_that_keeps_credentials_issues_and_takes_back(reviewed, broker):
    row, worker = reviewed()
    credentials.kept_by(EvidenceBroker())  # until now, what came was played, and so proves nothing to it
    row.evidence.all().delete()
    row = granting.grant(case=row, officer=worker, changed=row.changed, given=GIVEN)
    text = sealing.unseal(CaseResult.objects.get().credential, of=issued.of(row))
    found = validation.validate_file(source=io.BytesIO(text))
    assert (found.outcome, found.reference) == ("match", CaseResult.objects.get().credential_reference)
    granting.revoke(case=row, officer=worker, changed=row.changed, words="Wrong.")
    assert validation.validate_file(source=io.BytesIO(text)).outcome == "revoked"
    assert broker.issued == []


# The register


def test_a_department_with_a_long_code_is_an_institution_with_a_short_one(node):
    code = "a" + "b" * 60
    assert len(registrar.code_of(code)) == 40
    assert registrar.code_of(code) != registrar.code_of(code + "c")
    assert registrar.code_of("transport") == "transport"


def test_a_prepared_document_is_on_the_register_once_it_is_entered(node):
    register = documents.register()
    prepared = register.prepare(json.dumps({"a": 1}).encode(), department="transport", name="a.json")
    assert not Institution.objects.exists()
    register.enter(prepared, issuer=Localised("Transport", "運輸", "运输"), expires_on=None)
    assert validation.validate_file(source=io.BytesIO(prepared.data)).outcome == "match"
    register.revoke(prepared.reference)
    register.revoke(prepared.reference)
    assert validation.validate_file(source=io.BytesIO(prepared.data)).outcome == "revoked"


@pytest.mark.parametrize(
    "value", ["多" * 4000, "line\n" * 2000, "x" * 4000], ids=["Han", "lines", "one word"]
)
def test_an_answer_may_be_longer_than_a_page(value):
    paper = papers.paper(
        title="T", lead="L", passages=[("P", [("What", value), (value, "v")])], foot="F", language="zh-hant"
    )
    assert paper.startswith(b"%PDF-")


class Killed(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize("where", ["register", "outbox", "telling"])
def test_who_is_killed_while_granting_has_granted_all_or_nothing(reviewed, told, broker, monkeypatch, where):
    row, worker = reviewed()
    told()

    def killed(*_args, **_how):
        raise Killed

    with monkeypatch.context() as patch:
        match where:
            case "register":
                patch.setattr(registrar.DocumentRegister, "enter", killed)
            case "outbox":
                patch.setattr(granting.outbox, "send", killed)
            case _:
                patch.setattr(granting.telling, "note", killed)
        with pytest.raises(Killed):
            granting.grant(case=row, officer=worker, changed=row.changed, given=GIVEN)
    row.refresh_from_db()
    assert (row.state, row.decided_at) == ("in-review", None)
    assert not CaseResult.objects.exists()
    assert not RegisteredDocument.objects.exists()
    assert told() == []
    done = granting.grant(case=row, officer=worker, changed=row.changed, given=GIVEN)
    assert done.state == "granted"
    assert [type_ for type_, _payload in told()] == ["services.result"]


def test_a_result_whose_case_was_erased_can_still_be_taken_back(granted, broker):
    row, worker = granted()
    Case.objects.update(decided_at=timezone.now() - timedelta(days=9000))
    erasing.run()
    row.refresh_from_db()
    with pytest.raises(errors.NoResult):
        issued.pdf(row)
    with pytest.raises(errors.CaseErased):
        working.note(case=row, officer=worker, changed=row.changed, words="Looked again.")
    granting.revoke(case=row, officer=worker, changed=row.changed, words="It was wrong.")
    (text,) = broker.revoked
    token, mark, disclosures = text.partition("~")
    assert (token, mark, disclosures) == (broker.issued[0][0].partition("~")[0], "~", "")
