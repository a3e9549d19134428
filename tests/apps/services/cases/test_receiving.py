from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
import rfc8785
from django.utils import timezone
from pydantic import ValidationError

from apps.services.cases.made import (
    ANSWERS,
    FEE,
    KINDS,
    PDF,
    PNG,
    arrived,
    cosigner,
    presentation,
    published,
    word,
)
from kouan.apps.services.cases import (
    attachments,
    errors,
    labels,
    proving,
    queries,
    receiving,
    telling,
    working,
)
from kouan.apps.services.crossings import SERVICE_PUBLISHED
from kouan.apps.services.models import Case, CaseCounter, CaseEvidence, CaseFile, ServiceVersion
from kouan.apps.services.payloads import FILE_KIND, Attachment
from kouan.core.credentials import Verdict, asked_for
from kouan.core.errors import KouanError
from kouan.core.exchange import Undelivered
from kouan.core.trust import queries as queries_of_trust


def refusal(application, **how):
    with pytest.raises(KouanError) as caught:
        receiving.opened(message=application.message(**how))
    assert not Case.objects.exists()
    assert not CaseCounter.objects.filter(last__gt=0).exists()
    assert str(caught.value)
    return caught.value.code


def archive():
    """A small ZIP archive, of a file that is stored as it is."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        target.writestr("run.sh", "#!/bin/sh\n")
    return made.getvalue()


ZIP = archive()
OF_ANSWERS, OF_EVIDENCE = ["person.vehicle"], ["person.residence-status"]
"""What ``KINDS`` come from."""


def test_a_case_is_opened_and_the_applicant_is_told(sent, told):
    application = sent()
    receiving.opened(message=application.message())
    case = Case.objects.get()
    year = queries.clock.today().year
    assert case.reference == f"HK-{year}-000001"
    assert (case.state, case.turn, case.department) == ("received", "office", "transport")
    assert queries.answers_of(case) == ANSWERS
    assert case.due_on == queries.clock.day_after(queries.clock.today(), 5)
    ((type_, payload),) = told()
    assert type_ == "services.case"
    assert (payload["kind"], payload["seq"], payload["reference"]) == ("received", 1, case.reference)
    assert payload["due_on"] == case.due_on.isoformat()
    assert b"AB 1234" not in bytes(case.answers)


def test_the_same_application_twice_is_one_case(sent, told):
    application = sent()
    receiving.opened(message=application.message())
    application.id = uuid.uuid4()
    receiving.opened(message=application.message())
    assert Case.objects.count() == 1
    assert len(told()) == 1


def test_another_application_cannot_take_a_cases_number(sent):
    application = sent()
    receiving.opened(message=application.message())
    application.values["subject"] = "z" * 43
    with pytest.raises(errors.ApplicationOfAnother):
        receiving.opened(message=application.message())


def test_numbers_have_no_gap_where_one_is_refused(sent):
    receiving.opened(message=sent().message())
    bad = sent(level=1)
    with pytest.raises(errors.LevelTooLow):
        receiving.opened(message=bad.message())
    receiving.opened(message=sent().message())
    assert [each.reference[-6:] for each in Case.objects.order_by("pk")] == ["000001", "000002"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"level": 1}, "level-too-low"),
        ({"acts_for": "company"}, "not-acting-for"),
        ({"acts_for": "person"}, "evidence-missing"),
        ({"answers": ANSWERS | {"plate": "no such!"}}, "answers-do-not-fit"),
        ({"answers": {"plate": "AB 1234"}}, "answers-do-not-fit"),
        ({"answers": ANSWERS | {"unasked": "x"}}, "answers-do-not-fit"),
        ({"answers": b"{}x"}, "not-answers"),
        ({"answers": b'{"copies": 2}'}, "not-answers"),
        ({"answers": b"[" * 100_000}, "not-answers"),
        ({"answers": b"[]"}, "not-answers"),
        ({"kinds": ["person.residence-status"]}, "kinds-differ"),
        ({"evidence": []}, "evidence-missing"),
        ({"evidence": [presentation("tax-residency")]}, "not-asked-for"),
        ({"evidence": [presentation(), presentation()]}, "not-asked-for"),
        ({"evidence": [presentation(verdict=Verdict.MALFORMED)]}, "evidence-unusable"),
        ({"evidence": [presentation(verdict=Verdict.BAD_BINDING)]}, "evidence-unusable"),
        ({"cosigners": [cosigner(), cosigner("c")]}, "cosigners"),
        ({"cosigners": [cosigner("a")]}, "cosigners"),
        ({"cosigners": [cosigner(level=1)]}, "level-too-low"),
        ({"version": 2}, "application-of-unknown-version"),
        ({"digest": bytes(32)}, "application-of-unknown-version"),
    ],
)
def test_what_does_not_fit_becomes_no_case(sent, changes, code):
    assert refusal(sent(**changes)) == code


def test_the_consent_is_this_persons_to_this_application(sent, receipt):
    assert refusal(sent(), consent=str(uuid.uuid4())) == "consent-not-for-this"
    assert refusal(sent(), consent=None) == "consent-not-for-this"
    assert refusal(sent(consent=b"no receipt")) == "consent-not-for-this"
    for changes in (
        {"subject": "z" * 43},
        {"application": str(uuid.uuid4())},
        {"service": "another"},
        {"digest": "00"},
        {"schema_version": "another"},
        {"kinds": None},
        {"kinds": [*KINDS, {"a": 1}]},
        {"signer": queries_of_trust.own().signer(timezone.now())},
    ):
        application = sent()
        application.receipt = lambda one, values, changes=changes: receipt(one, values, **changes)
        assert refusal(application) == "consent-not-for-this"


def test_a_receipt_for_other_data_is_none(sent, receipt):
    application = sent()
    values = application.values | {"kinds": ["person.vehicle"]}
    application.receipt = lambda one, _values: receipt(one, values)
    assert refusal(application) == "consent-not-for-this"


def test_the_conversation_is_the_applications(sent):
    assert refusal(sent(), conversation=uuid.uuid4()) == "other-conversation"


def test_residents_of_other_sides_are_not_served(sent, definition):
    application = sent(published(version=2, homes=["mo"], state="replaced"))
    assert refusal(application) == "home-not-served"


def test_a_draft_cannot_be_applied_for(sent, gd, broker):
    draft = published("draft", version=2)
    assert refusal(sent(draft)) == "application-of-unknown-version"


def test_a_service_withdrawn_meanwhile_still_takes_what_was_sent_before(sent, definition):
    ServiceVersion.objects.update(state="withdrawn", ended_at=timezone.now() + timedelta(hours=1))
    receiving.opened(message=sent().message())
    assert Case.objects.count() == 1


def test_a_service_withdrawn_before_takes_nothing(sent, definition):
    ServiceVersion.objects.update(state="withdrawn", ended_at=timezone.now() - timedelta(hours=1))
    assert refusal(sent()) == "application-after-withdrawal"


def test_a_replaced_version_is_followed_to_its_end(sent, definition):
    ServiceVersion.objects.update(state="replaced", ended_at=timezone.now())
    published(version=2, fee=FEE)
    receiving.opened(message=sent().message())
    assert Case.objects.get().version == 1


def test_a_version_that_was_replaced_is_applied_for_while_its_side_may_not_know_of_the_next(sent, definition):
    week = SERVICE_PUBLISHED.expires_after
    ServiceVersion.objects.update(state="replaced", ended_at=timezone.now() - week - timedelta(hours=1))
    published(version=2, fee=FEE)
    assert refusal(sent()) == "application-of-replaced-version"
    ServiceVersion.objects.filter(version=1).update(ended_at=timezone.now() - week)
    receiving.opened(message=sent().message())
    assert Case.objects.get().version == 1


@pytest.mark.parametrize("again", [False, True], ids=["not offered", "offered anew"])
def test_a_service_that_was_withdrawn_is_not_applied_for_by_an_older_version(sent, definition, again):
    withdrawn = timezone.now() - timedelta(hours=1)
    ServiceVersion.objects.update(state="replaced", ended_at=withdrawn - timedelta(hours=1))
    published("withdrawn", version=2, fee=FEE)
    ServiceVersion.objects.filter(version=2).update(ended_at=withdrawn)
    if again:
        published(version=3)
    assert refusal(sent()) == "application-after-withdrawal"
    receiving.opened(message=replace(sent().message(), sent_at=withdrawn - timedelta(minutes=5)))
    assert Case.objects.get().version == 1


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict.EXPIRED, Verdict.REVOKED, Verdict.SUSPENDED, Verdict.UNKNOWN_ISSUER, Verdict.BAD_SIGNATURE,
        Verdict.STATUS_UNKNOWN,
    ],
)  # fmt: skip
def test_bad_evidence_refuses_nothing_and_is_kept_as_bad(case, verdict):
    (shown,) = proving.shown(case(evidence=[presentation(verdict=verdict)]))
    assert (shown.verdict, shown.good, shown.claims) == (verdict, False, ())


def test_evidence_that_proves_something_else_is_refused_once_its_side_has_told_what_it_proves(sent, case):
    other = {"verdict": Verdict.NOT_ASKED}
    assert refusal(sent(evidence=[presentation(**other)])) == "evidence-of-another-type"
    (shown,) = proving.shown(case(evidence=[presentation(**other, announced=False)]))
    assert (shown.verdict, shown.claims) == (Verdict.NOT_ASKED, ())


def test_evidence_that_counts_may_still_be_too_weak_too_old_or_lack_something(case):
    old = (timezone.now() - timedelta(days=400)).isoformat()
    (shown,) = proving.shown(
        case(evidence=[presentation(level=1, issued_at=old, claims={"city": "Shenzhen"})])
    )
    assert shown.remarks == ("level", "age", "lacks name")
    assert (shown.title.en, shown.department.en) == ("Residence permit", "Public Security")
    assert labels.remark("lacks city", shown.titles) == "It does not show: City"
    (good,) = proving.shown(case(evidence=[presentation(claims={"name": "WANG Fang", "city": "Shenzhen"})]))
    assert good.good
    assert [title.en for title, _value in good.claims] == ["Name", "City"]  # as its issuer has them


@pytest.mark.parametrize(
    ("acts_for", "asked"),
    [("person", "representation-of-person"), ("company", "representation-of-company")],
)
def test_who_acts_for_another_shows_that_they_may_act_for_such_a_one(acts_for, asked):
    assert asked_for("representation", acts_for=acts_for) == asked
    assert asked_for("residence", acts_for=acts_for) == "residence"


def test_an_upload_stands_for_evidence(sent):
    application = sent(evidence=[], kinds=["person.vehicle", "person.file"])
    application.attach("needs.residence")
    receiving.opened(message=application.message())
    row = CaseFile.objects.get()
    assert (row.fault, attachments.opened(row)) == ("", PDF)
    assert PDF not in bytes(row.content)


def test_an_upload_for_what_is_not_needed_is_refused(sent):
    application = sent(kinds=[*KINDS, "person.file"])
    application.attach("needs.tax-residency")
    assert refusal(application) == "not-asked-for"


@pytest.mark.parametrize(
    ("content", "name", "media_type", "fault"),
    [
        (b"MZ" + bytes(100), "paper.pdf", "application/pdf", "other-bytes"),
        (PNG, "paper.pdf", "application/pdf", "other-bytes"),
        (PDF, "paper.png", "application/pdf", "other-name"),
        (PDF, "paper.html", "text/html", "other-type"),
        (PNG + b"PK\x03\x04" + bytes(30), "a.png", "image/png", "two-in-one"),
        (PDF + b"\nMZ\x90\0", "a.pdf", "application/pdf", "two-in-one"),
        (PNG + b"PK\x03\x04" + bytes(30) + PNG[-8:], "a.png", "image/png", "two-in-one"),
        (PDF + b"\nMZ\x90\0\n%%EOF\n", "a.pdf", "application/pdf", "two-in-one"),
        (PNG[:-8], "a.png", "image/png", "two-in-one"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_kept_and_not_opened(sent, content, name, media_type, fault):
    application = sent(kinds=[*KINDS, "person.file"])
    application.attach("needs.vehicle-licence", content, name, media_type)
    receiving.opened(message=application.message())
    row = CaseFile.objects.get()
    assert row.fault == fault
    with pytest.raises(errors.FileNotSafe):
        attachments.opened(row)


def test_a_file_of_the_form_is_the_one_that_the_answer_names(sent):
    application = sent(kinds=[*KINDS, "person.file"])
    blob = application.attach("answers.paper")
    answers = ANSWERS | {"paper": blob.sha256.hex()}
    assert refusal(application) == "files-differ"
    again = sent(kinds=[*KINDS, "person.file"], answers=answers)
    assert refusal(again) == "files-differ"
    again.attach("answers.paper")
    receiving.opened(message=again.message())
    assert CaseFile.objects.get().place == "answers.paper"


def test_an_archive_is_found_however_far_behind_it_stands():
    fault_of = attachments.fault_of
    for content in (
        PDF + bytes(5000) + ZIP,
        PDF + bytes(5000) + ZIP + bytes(70_000) + b"%%EOF\n",  # too far from the end to be opened as it is
        PDF[:9] + ZIP + PDF[9:],
    ):
        assert fault_of("a.pdf", "application/pdf", content) == "two-in-one"
    assert fault_of("a.png", "image/png", PNG + bytes(5000) + ZIP) == "two-in-one"
    chance = PDF + bytes(5000) + b"PK\x03\x04 by chance, and PK\x05\x06 too\n%%EOF\n"
    assert fault_of("a.pdf", "application/pdf", chance) is None


def test_files_are_declared_as_files(sent):
    application = sent()
    application.attach("needs.residence")
    assert refusal(application) == "kinds-differ"
    alone = sent(evidence=[], kinds=[*KINDS, "person.file"])  # and no evidence that would bring the rest
    alone.attach("needs.residence")
    assert refusal(alone) == "kinds-differ"


@pytest.mark.parametrize(
    ("elements", "kinds", "refused"),
    [
        (["person.residence-status"], KINDS, False),
        (["person.residence-status"], [*KINDS, "person.health"], True),  # which is nowhere
        (["person.residence-status", "person.name"], KINDS, True),
        (["person.residence-status", "person.name"], [*KINDS, "person.name"], False),
        (["person.residence-status", "sex"], KINDS, True),  # a claim of which its side has told nothing
        ([], ["person.vehicle"], False),
        (None, [*KINDS, "person.health"], False),  # its side has told no kinds
    ],
)
@pytest.mark.parametrize("verdict", [Verdict.GOOD, Verdict.EXPIRED])
def test_the_kinds_of_what_evidence_says_are_those_that_are_declared(sent, elements, kinds, refused, verdict):
    application = sent(evidence=[presentation(elements=elements, verdict=verdict)], kinds=kinds)
    if refused:
        assert refusal(application) == "kinds-differ"
    else:
        receiving.opened(message=application.message())
        assert CaseEvidence.objects.get().verdict == verdict.value


def test_beside_told_evidence_other_evidence_may_bring_more(sent):
    told = presentation(elements=["person.residence-status"])
    untold = presentation("vehicle-licence")
    receiving.opened(message=sent(evidence=[told, untold], kinds=[*KINDS, "person.name"]).message())
    assert CaseEvidence.objects.count() == 2


@pytest.mark.parametrize("name", ["a\0.pdf", "a\n.pdf", "\x7f.pdf"])
def test_names_have_no_control_characters(name):
    with pytest.raises(ValidationError):
        type(cosigner()).model_validate(cosigner().model_dump() | {"name": name})
    with pytest.raises(ValidationError):
        type(presentation()).model_validate(presentation().model_dump() | {"type": name})


def test_what_the_sender_says_of_its_clock_does_not_count(sent, definition, case, officer):
    ServiceVersion.objects.update(state="withdrawn", ended_at=timezone.now() - timedelta(hours=1))
    before = int((timezone.now() - timedelta(days=1)).timestamp())
    assert refusal(sent(at=before)) == "application-after-withdrawal"
    ServiceVersion.objects.update(state="published", ended_at=None)
    row, _worker = refused(case, officer)
    late = word(row, "appeal", words="Late.", at=timezone.now() + timedelta(days=61))
    in_time = late.payload.model_copy(update={"at": int(timezone.now().timestamp())})
    with pytest.raises(errors.AppealOver):
        receiving.acted(message=replace(late, payload=in_time))


# What the applicant does after that


def state_of(case):
    case.refresh_from_db()
    return case.state


def asked(case, officer):
    return working.ask_correction(
        case=case, officer=officer(), changed=case.changed, ask=["answers.plate"], words="Look again."
    )


def test_a_correction_goes_back_to_the_officer_with_what_changed(case, officer, told, agreed):
    row = asked(case(), officer)
    told()
    answers = rfc8785.dumps(ANSWERS | {"plate": "CD 99", "copies": 3})
    receipt = agreed(row, OF_ANSWERS)
    mended = word(row, "correct", answers=answers, kinds=OF_ANSWERS, words="Mended.", receipt=receipt)
    receiving.acted(message=mended)
    assert state_of(row) == "in-review"
    assert queries.answers_of(row)["plate"] == "CD 99"
    ((_type, payload),) = told()
    assert (payload["kind"], payload["state"]) == ("correct", "in-review")
    shown = queries.shown(row, "en")
    changed = {each.title: (each.before, each.now, each.asked) for each in shown.story[0].changed}
    assert changed == {
        "Registration mark": ("AB 1234", "CD 99", True),
        "How many copies": ("2", "3", False),
    }
    assert shown.story[0].words == "Mended."


def test_a_correction_that_does_not_fit_changes_nothing(case, officer, agreed):
    row = asked(case(), officer)
    wrong = word(row, "correct", answers=b'{"plate":"x"}', kinds=KINDS, receipt=agreed(row, KINDS))
    with pytest.raises(errors.AnswersDoNotFit):
        receiving.acted(message=wrong)
    assert state_of(row) == "correction"
    assert queries.answers_of(row) == ANSWERS


@pytest.mark.parametrize("action", ["correct", "message", "appeal"])
def test_nothing_is_added_without_a_consent_to_just_that(case, officer, agreed, action):
    row = asked(case(), officer)
    more = [*KINDS, "person.health"]
    answers = rfc8785.dumps(ANSWERS)
    for receipt in (
        b"",
        bytes(row.consent),  # of the application, which says nothing of health
        agreed(row, more, subject="z" * 43),
        agreed(row, more, application=str(uuid.uuid4())),
        agreed(row, more, digest="00" * 32),
    ):
        with pytest.raises(errors.ConsentNotHers):
            receiving.acted(
                message=word(row, action, words="So.", answers=answers, kinds=more, receipt=receipt)
            )
    assert state_of(row) == "correction"


@pytest.mark.parametrize("action", ["message", "appeal", "withdraw", "correct"])
def test_what_is_added_is_declared_whatever_is_done_with_it(case, officer, agreed, action):
    row, files = asked(case(), officer), uuid.uuid4()
    file = Attachment(place="needs.residence", name="a.pdf", file=arrived(PDF, message_id=files))
    for more in (
        {"attachments": [file]},
        {"attachments": [file], "kinds": OF_EVIDENCE},
        {"evidence": [presentation()]},
        {"evidence": [presentation()], "attachments": [file], "kinds": OF_EVIDENCE},
        {"evidence": [presentation(elements=["person.name"])], "kinds": OF_EVIDENCE},
    ):
        added = word(row, action, words="So.", id_=files, receipt=agreed(row, more.get("kinds", ())), **more)
        with pytest.raises(errors.KindsDiffer):
            receiving.acted(message=added)
    assert (state_of(row), row.files.count()) == ("correction", 0)


@pytest.mark.parametrize("action", ["message", "appeal", "withdraw"])
def test_answers_come_with_a_correction_alone(case, agreed, action):
    row, answers = case(), rfc8785.dumps(ANSWERS)
    receipt = agreed(row, OF_ANSWERS)
    with pytest.raises(errors.EvidenceNotAsked):
        receiving.acted(
            message=word(row, action, words="So.", answers=answers, kinds=OF_ANSWERS, receipt=receipt)
        )
    assert state_of(row) == "received"


def test_the_receipt_of_what_was_added_is_kept(case, officer, agreed):
    row = asked(case(), officer)
    receipt = agreed(row, OF_ANSWERS)
    added = word(row, "correct", answers=rfc8785.dumps(ANSWERS), kinds=OF_ANSWERS, receipt=receipt)
    receiving.acted(message=added)
    row.refresh_from_db()
    assert bytes(row.consent) == receipt


def shown_again(row, agreed):
    receipt = agreed(row, OF_EVIDENCE)
    return word(row, "correct", evidence=[presentation()], kinds=OF_EVIDENCE, receipt=receipt)


def test_a_correction_brings_other_evidence(case, officer, agreed):
    row = asked(case(evidence=[presentation(verdict=Verdict.EXPIRED)]), officer)
    receiving.acted(message=shown_again(row, agreed))
    before, now = proving.shown(row)
    assert (before.verdict, now.good) == (Verdict.EXPIRED, True)
    assert before.replaced_at is not None
    assert now.replaced_at is None
    seen = queries.shown(row, "en")
    assert (seen.evidence, seen.replaced) == ((now,), (before,))


def test_what_was_replaced_is_looked_at_no_more(case, officer, agreed, broker):
    row = asked(case(evidence=[presentation()]), officer)
    receiving.acted(message=shown_again(row, agreed))
    row.evidence.filter(replaced_at=None).delete()
    assert proving.look_again(row) == []


def found_now(row, broker, *verdicts):
    """What the case shows after each check that finds this."""
    for verdict in verdicts:
        broker.now["residence"] = verdict
        proving.look_again(row)
    (shown,) = proving.shown(row)
    return shown


def test_what_counted_before_its_side_fell_silent_counts_after_its_end(case, broker):
    row = case()
    (before,) = proving.shown(row)
    silent = found_now(row, broker, Verdict.STATUS_UNKNOWN)
    assert (silent.verdict, silent.claims) == (Verdict.STATUS_UNKNOWN, ())
    after = found_now(row, broker, Verdict.EXPIRED)
    assert (after.verdict, after.claims, after.good) == (Verdict.GOOD, before.claims, True)
    assert found_now(row, broker, Verdict.SUSPENDED, Verdict.EXPIRED).good
    assert found_now(row, broker, Verdict.REVOKED).verdict is Verdict.REVOKED
    assert not found_now(row, broker, Verdict.STATUS_UNKNOWN, Verdict.EXPIRED).good


def test_what_never_was_found_good_is_not_so_after_its_end(case, broker):
    row = case(evidence=[presentation(verdict=Verdict.STATUS_UNKNOWN)])
    assert found_now(row, broker, Verdict.EXPIRED).verdict is Verdict.EXPIRED


def test_after_the_end_a_withdrawn_consent_closes_what_was_sent(case, officer, told):
    row = case()
    with pytest.raises(errors.NotNow):
        receiving.acted(message=word(row, "withdraw-consent"))
    worker = officer()
    row = working.take_up(case=row, officer=worker, changed=row.changed)
    row = working.refuse(case=row, officer=worker, changed=row.changed, words="No.")
    assert queries.shown(row, "en").passages
    told()
    message = word(row, "withdraw-consent", words="I have moved.")
    receiving.acted(message=message)
    receiving.acted(message=message)
    row.refresh_from_db()
    seen = queries.shown(row, "en")
    assert (seen.passages, seen.evidence, seen.files, seen.needs) == ([], (), (), ())
    assert (row.state, seen.story[0].kind, seen.story[0].words) == ("refused", "restrict", "I have moved.")
    assert [payload["kind"] for _type, payload in told()] == ["restrict"]
    with pytest.raises(errors.NotNow):
        receiving.acted(message=word(row, "withdraw-consent"))


def test_a_withdrawn_consent_closes_who_signed_and_what_the_applicant_wrote(case, officer):
    row = case(cosigners=[cosigner()])
    receiving.acted(message=word(row, "message", words="I need it soon."))
    row.refresh_from_db()
    before = queries.shown(row, "en")
    assert [each["name"] for each in before.cosigners] == ["LI Wei"]
    assert [each.words for each in before.story if each.kind == "message"] == ["I need it soon."]
    receiving.acted(message=word(row, "withdraw"))
    receiving.acted(message=word(row, "withdraw-consent", words="I have moved."))
    receiving.acted(message=word(row, "message", words="Is it closed?"))
    row.refresh_from_db()
    seen = queries.shown(row, "en")
    assert seen.cosigners == ()
    assert [each.words for each in seen.story] == ["Is it closed?", "I have moved.", "", "", ""]


def test_of_two_files_for_one_question_none_is_taken(sent):
    application = sent(
        answers=ANSWERS | {"paper": hashlib.sha256(PDF).hexdigest()}, kinds=[*KINDS, FILE_KIND]
    )
    application.attach("answers.paper", PNG, name="a.png", media_type="image/png")
    application.attach("answers.paper", PDF)
    assert refusal(application) == "files-differ"


def test_a_file_of_a_case_without_consent_is_not_opened(case):
    row = case()
    file = CaseFile(case=row, fault="")
    row.restricted_at = timezone.now()
    with pytest.raises(errors.CaseRestricted):
        attachments.opened(file)


def test_nothing_is_corrected_that_nobody_asked_for(case):
    row = case()
    with pytest.raises(errors.NotNow):
        receiving.acted(message=word(row, "correct", answers=b""))


def test_a_message_is_kept_once(case):
    row = case()
    message = word(row, "message", words="How long will it take?")
    receiving.acted(message=message)
    receiving.acted(message=message)
    events = row.events.filter(kind="message")
    assert [telling.said(row, event)["said"] for event in events] == ["How long will it take?"]
    with pytest.raises(errors.WordsNeeded):
        receiving.acted(message=word(row, "message", words=" "))


def test_a_case_is_withdrawn_and_then_over(case, told):
    row = case()
    receiving.acted(message=word(row, "withdraw"))
    assert state_of(row) == "withdrawn"
    assert (row.turn, row.due_on) == ("nobody", None)
    assert told()[-1][1]["kind"] == "withdraw"
    with pytest.raises(errors.NotNow):
        receiving.acted(message=word(row, "withdraw"))


def test_nobody_else_acts_on_a_case(case):
    row = case()
    with pytest.raises(errors.UnknownCase):
        receiving.acted(message=word(row, "withdraw", sender="mo"))
    with pytest.raises(errors.ConsentNotHers):
        receiving.acted(message=word(row, "withdraw", consent=str(uuid.uuid4())))
    assert state_of(row) == "received"


def refused(case, officer):
    row = case()
    worker = officer()
    row = working.take_up(case=row, officer=worker, changed=row.changed)
    return working.refuse(case=row, officer=worker, changed=row.changed, words="No such vehicle."), worker


def test_an_appeal_in_time_opens_a_new_clock(case, officer):
    row, _worker = refused(case, officer)
    with pytest.raises(errors.WordsNeeded):
        receiving.acted(message=word(row, "appeal"))
    receiving.acted(message=word(row, "appeal", words="There is one."))
    assert state_of(row) == "appealed"
    assert row.due_on == queries.clock.day_after(queries.clock.today(), 5)


def test_an_appeal_too_late_or_after_it_was_upheld_is_refused(case, officer):
    row, worker = refused(case, officer)
    late = timezone.now() + timedelta(days=61)
    with pytest.raises(errors.AppealOver):
        receiving.acted(message=word(row, "appeal", words="Late.", at=late))
    receiving.acted(message=word(row, "appeal", words="In time."))
    row.refresh_from_db()
    row = working.uphold(case=row, officer=worker, changed=row.changed, words="It stands.")
    with pytest.raises(errors.AppealOver):
        receiving.acted(message=word(row, "appeal", words="Again."))


def test_an_officer_sees_that_the_applicants_side_did_not_take_what_it_was_told(case, officer):
    row = asked(case(), officer)
    event = row.events.get(kind="ask-correction")
    refused = Undelivered(event.message_id, "gd", row.key, "expired")
    for _again in range(2):
        telling.not_told(message=refused)
    (told,) = row.events.filter(kind=telling.NOT_TOLD)
    assert telling.said(row, told) == {"said": "ask-correction (expired)"}
    shown = queries.shown(row, "en").story[0]
    assert "did not take" in str(shown.title)
    telling.not_told(message=Undelivered(uuid.uuid4(), "gd", row.key, "expired"))
    assert row.events.filter(kind=telling.NOT_TOLD).count() == 1


@pytest.mark.parametrize("action", ["correct", "withdraw", "appeal", "withdraw-consent"])
def test_an_officer_sees_so_too_of_a_step_that_the_applicant_brought_about(case, officer, agreed, action):
    row = asked(case(), officer) if action in {"correct", "withdraw"} else refused(case, officer)[0]
    receipt = agreed(row, OF_ANSWERS)
    more = {"answers": rfc8785.dumps(ANSWERS), "kinds": OF_ANSWERS, "receipt": receipt}
    message = word(row, action, words="So.", **(more if action == "correct" else {}))
    receiving.acted(message=message)
    event = row.events.get(caused_by=message.id)
    assert event.message_id not in {None, message.id}
    telling.not_told(message=Undelivered(event.message_id, "gd", row.key, "expired"))
    (told,) = row.events.filter(kind=telling.NOT_TOLD)
    assert telling.said(row, told) == {"said": f"{event.kind} (expired)"}
