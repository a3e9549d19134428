from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.apps.validation import queries, services
from kouan.apps.validation.domain import DocumentState, DocumentType, Outcome, Reference, RevocationReason
from kouan.apps.validation.errors import (
    AlreadyRevoked,
    BadInstitutionCode,
    BadToken,
    DifferentReference,
    ExpiryInThePast,
    InstitutionExists,
    MistypedReference,
    NoMark,
    NotAMember,
    UnknownDocument,
    UnknownSide,
)
from kouan.apps.validation.models import AccessToken, RegisteredDocument, Validation
from kouan.core.exchange.models import OutboxMessage
from kouan.core.text import Localised

pytestmark = pytest.mark.django_db


def validate(data: bytes, **options):
    return services.validate_file(source=io.BytesIO(data), **options)


def test_the_register_keeps_neither_document_nor_salt(issue):
    document, carried = issue(b"my secret grades")
    assert b"my secret grades" in carried
    salt = carried.split(b'"salt": "')[1][:64]
    kept = repr(RegisteredDocument.objects.filter(pk=document.pk).values()).encode()
    assert salt not in kept
    assert bytes.fromhex(salt.decode()).hex().encode() not in kept
    assert b"secret" not in kept


def test_a_file_of_this_side_is_answered_here(issue):
    document, carried = issue()
    item = validate(carried)
    assert (item.outcome, item.local, item.reference) == (Outcome.MATCH, True, document.reference)
    assert item.issuer_name == Localised("Harbour University", "海港大學", "海港大学")
    assert item.size == len(carried)
    assert not OutboxMessage.objects.exists()


def test_a_changed_file_is_a_mismatch_and_learns_nothing(issue):
    document, carried = issue()
    services.revoke(document=document, reason=RevocationReason.FRAUD)
    item = validate(carried.replace(b"a degree", b"a Degree"))
    assert item.outcome == Outcome.MISMATCH
    assert (item.issuer_code, item.issuer_names, item.document_type) == ("", None, "")
    assert (item.issued_on, item.expires_on, item.revoked_on) == (None, None, None)


def test_an_unknown_reference_is_unknown(issue):
    document, carried = issue()
    document.delete()
    item = validate(carried)
    assert (item.outcome, item.issuer_names) == (Outcome.UNKNOWN, None)


def test_a_revoked_document_says_when_and_the_first_revocation_stands(issue):
    document, carried = issue()
    revoked = services.revoke(document=document, reason=RevocationReason.SUPERSEDED)
    assert validate(carried).outcome == Outcome.REVOKED
    assert validate(carried).revoked_on == revoked.revoked_on == queries.today()
    with pytest.raises(AlreadyRevoked):
        services.revoke(document=document, reason=RevocationReason.FRAUD)
    revoked.refresh_from_db()
    assert revoked.revocation_reason == "superseded"


def test_a_document_expires_after_its_last_day(issue):
    today = queries.today()
    document, carried = issue(expires_on=today)
    assert validate(carried).outcome == Outcome.MATCH
    RegisteredDocument.objects.filter(pk=document.pk).update(expires_on=today - timedelta(1))
    assert validate(carried).outcome == Outcome.EXPIRED
    with pytest.raises(ExpiryInThePast):
        issue(expires_on=today - timedelta(1))


def test_a_file_without_mark_needs_the_typed_reference(issue):
    document, _ = issue(b"a degree")
    with pytest.raises(NoMark):
        validate(b"a degree")
    with pytest.raises(MistypedReference):
        validate(b"a degree", typed=f"GD{document.reference[2:]}")
    item = validate(b"a degree", typed=document.reference.lower().replace("-", " "))
    assert (item.reference, item.outcome) == (document.reference, Outcome.MISMATCH)


def test_the_typed_reference_must_be_the_carried_one(issue):
    document, carried = issue()
    assert validate(carried, typed=document.reference).outcome == Outcome.MATCH
    with pytest.raises(DifferentReference, match=document.reference):
        validate(carried, typed=str(Reference.new("hk")))


def test_a_side_that_this_node_does_not_know_is_named(node):
    with pytest.raises(UnknownSide, match="MO"):
        services.ask(reference=Reference.new("mo"), digest=bytes(32))
    assert not Validation.objects.exists()


def test_a_question_for_the_other_side_is_queued_with_its_row(peer):
    item = services.ask(reference=Reference.new(peer), digest=bytes(32))
    message = OutboxMessage.objects.get()
    assert (message.peer, message.conversation) == ("gd", item.conversation)
    assert message.clause == "2.1"
    assert item.pk not in (message.message_id, message.conversation)
    assert queries.progress(item).open
    assert queries.crossed(item) == [message.message_id]


def test_a_question_that_nobody_answers_is_given_up(peer):
    item = services.ask(reference=Reference.new(peer), digest=bytes(32))
    item.asked_at = timezone.now() - timedelta(hours=50)
    assert queries.progress(item).failure == "no-answer"


@pytest.mark.parametrize("code", ["", "a", "A", "1bank", "a b", "a" * 41, "bänk"])
def test_an_institutions_code_is_plain(code, node):
    with pytest.raises(BadInstitutionCode):
        services.add_institution(code=code, name=Localised("a", "b", "c"))


def test_an_institution_is_added_once(university):
    with pytest.raises(InstitutionExists):
        services.add_institution(code=university.code, name=Localised("a", "b", "c"))


def test_officers_act_for_their_own_institution_alone(officer, university, bank, issue, django_user_model):
    document, _ = issue()
    assert queries.institutions_of(officer) == [university]
    assert queries.document(document.reference.lower(), of=[university]) == document
    with pytest.raises(UnknownDocument):
        queries.document(document.reference, of=[bank])
    with pytest.raises(NotAMember):
        queries.institutions_of(django_user_model.objects.create_user("stranger"))
    services.remove_officer(institution=university, user=officer)
    with pytest.raises(NotAMember):
        queries.institutions_of(officer)


def test_a_token_works_until_it_is_revoked_or_expires(university):
    token = services.issue_token(institution=university, name="system")
    assert token.startswith("kouan_hk_")
    used = services.use_token(token)
    assert used.institution == university
    used.refresh_from_db()
    assert used.last_used_at is not None
    assert token.encode() not in repr(AccessToken.objects.values()).encode()
    for wrong in ("", "kouan_hk_", token[:-1], token + "x", token.upper()):
        with pytest.raises(BadToken):
            services.use_token(wrong)
    assert services.revoke_token(institution=university, prefix=used.prefix) == 1
    with pytest.raises(BadToken):
        services.use_token(token)
    old = services.issue_token(institution=university, name="old", life=timedelta(0))
    with pytest.raises(BadToken):
        services.use_token(old)


def test_the_register_is_searched_and_filtered(university, issue):
    valid, _ = issue()
    expired, _ = issue()
    RegisteredDocument.objects.filter(pk=expired.pk).update(expires_on=queries.today() - timedelta(1))
    revoked, _ = issue()
    services.revoke(document=revoked, reason=RevocationReason.OTHER)

    def found(**options):
        return list(queries.documents(of=[university], **options))

    assert [item.pk for item in found()] == [revoked.pk, expired.pk, valid.pk]
    assert found(state=DocumentState.VALID) == [valid]
    assert found(state=DocumentState.EXPIRED) == [expired]
    assert found(state=DocumentState.REVOKED) == [revoked]
    assert found(search=valid.reference.replace("-", " ").lower()) == [valid]
    assert valid in found(search=valid.reference[3:7])
    assert found(search="nothing") == []


def test_a_document_is_known_by_its_institution(issue):
    document, _ = issue(type=DocumentType.KYC)
    assert document.institution.code == "harbour-university"
    assert document.file_name == f"{document.reference}.zip"
