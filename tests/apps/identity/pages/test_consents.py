"""What a person is asked, what they agree to, and how they take it back."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.identity.pages.conftest import BROWSER, CLAIMS, CLINIC
from kouan.apps.identity import consents, keys, receipts, register
from kouan.apps.identity.domain import Level
from kouan.apps.identity.errors import ConsentNeeded, InteractionOver, NotThisStep, UnknownConsent
from kouan.apps.identity.models import ConsentReceipt, HomeSession, Interaction, Resident, SignIn, SigningKey
from kouan.apps.identity.provider import interactions
from kouan.apps.identity.provider.clients import get_client, of_service
from kouan.core.policy import Proposal

pytestmark = pytest.mark.django_db
OFFERED = ["name", "name#zh-Hant", "birthdate", "document_type"]
"""Neither the e-mail that nobody knows, nor the number that never crosses."""


def give(interaction, *ticked):
    return consents.give(key=interaction.key, browser=BROWSER, ticked=ticked)


def jwks():
    return [row.public for row in SigningKey.objects.filter(use="receipt")]


def test_a_person_sees_what_would_be_told_and_nothing_is_ticked(interaction, guangdong):
    offer = consents.offer(interaction())
    assert [each.name for each in offer.claims] == OFFERED
    assert offer.claims[1].value == "李嘉欣"
    assert not any(each.ticked for each in offer.claims)
    assert offer.missing == ("email", "document_number")
    assert (offer.peer, offer.level, offer.before, offer.link) == ("gd", Level.SUBSTANTIAL, None, False)


def test_a_weaker_sign_in_may_tell_less(interaction, guangdong, session):
    HomeSession.objects.update(level=Level.LOW)
    assert [each.name for each in consents.offer(interaction_again(interaction())).claims] == OFFERED[:-1]


def interaction_again(row):
    return Interaction.objects.select_related("home_session__resident").get(pk=row.pk)


def test_what_is_agreed_to_is_registered_and_asked_for_and_ticked(interaction, guangdong, resident):
    done = give(interaction(), "birthdate", "name", "gender", "document_number", "email", "nonsense")
    assert (done.stage, done.granted) == ("done", ["name", "birthdate"])
    receipt = receipts.read(done.receipt.jws, keys=jwks())
    assert (receipt.id, receipt.home, receipt.side, receipt.service) == (
        done.receipt.key,
        "hk",
        "gd",
        "clinic",
    )
    assert receipt.claims == ("name", "birthdate")
    assert receipt.principal == resident.subjects.get(sector="peer:gd:service:clinic").subject
    assert receipt.expires_at - receipt.given_at == receipts.VALID_FOR
    assert "LEE Ka" not in str(receipts.content(done.receipt.jws))
    assert receipts.signer(done.receipt.jws).kid == keys.current(SigningKey.Use.RECEIPT).kid


def test_a_service_of_this_side_is_told_what_it_is_registered_for(interaction, library):
    service = of_service(library).service
    row = interaction(client="library", service=service, claims=("name", "birthdate", "gender"))
    assert [each.name for each in consents.offer(row).claims] == ["name", "birthdate"]
    assert give(row, "gender", "birthdate").granted == ["birthdate"]


def test_the_number_of_a_document_is_told_to_a_service_that_may_have_it(interaction, registration):
    made = register.add(
        registration=registration(claims=("document_number",), legal_reason="Cap. 177 s. 5"), by=None
    )
    row = interaction(client="library", service=of_service(made).service, claims=("document_number",))
    assert [each.name for each in consents.offer(row).claims] == ["document_number"]


def test_a_form_sent_twice_takes_effect_once(interaction, guangdong):
    row = interaction()
    give(row, "name")
    with pytest.raises(NotThisStep):
        give(row, *OFFERED)
    assert [each.claims for each in ConsentReceipt.objects.all()] == [["name"]]


def test_another_browser_cannot_agree(interaction, guangdong):
    row = interaction()
    with pytest.raises(InteractionOver):
        consents.give(key=row.key, browser=b"\0" * 32, ticked=OFFERED)
    assert not ConsentReceipt.objects.exists()


def test_who_has_signed_out_meanwhile_is_not_asked(interaction, guangdong, session):
    row = interaction()
    HomeSession.objects.update(ended_at=timezone.now())
    with pytest.raises(InteractionOver):
        give(row, "name")
    with pytest.raises(NotThisStep):
        consents.offer(interaction(stage="home"))


def test_an_earlier_consent_to_all_of_it_serves_again(interaction, guangdong):
    first = give(interaction(), *OFFERED).receipt
    offer = consents.offer(interaction())
    assert all(each.ticked for each in offer.claims)
    assert (offer.before, offer.partly_before) == (first.given_at, None)
    assert give(interaction(), *OFFERED).receipt == first


def test_less_than_before_is_a_consent_of_its_own(interaction, guangdong):
    first = give(interaction(), *OFFERED).receipt
    second = give(interaction(), "name").receipt
    assert (second == first, second.claims) == (False, ["name"])
    offer = consents.offer(interaction())
    assert [each.name for each in offer.claims if each.ticked] == ["name"]
    assert (offer.before, offer.partly_before) == (None, second.given_at)


def agreed_before(row):
    request, client = interactions.request_of(row), get_client(row.client)
    return consents.agreed_before(session=row.home_session, client=client, request=request)


def test_nobody_is_passed_over_on_the_way_to_another_side(interaction, guangdong):
    give(interaction(), *OFFERED)
    with pytest.raises(ConsentNeeded):
        agreed_before(interaction())


def test_without_asking_only_what_was_agreed_to(interaction, library):
    service = of_service(library).service
    whole = {"client": "library", "service": service, "claims": ("name", "birthdate")}
    with pytest.raises(ConsentNeeded):
        agreed_before(interaction(**whole))
    receipt = give(interaction(**whole), "name").receipt
    with pytest.raises(ConsentNeeded):
        agreed_before(interaction(**whole))
    assert agreed_before(interaction(**whole | {"claims": ("name",)})) == (["name"], receipt)


def sign_in(receipt, resident):
    now = timezone.now()
    return SignIn.objects.create(
        client="urn:kouan:node:gd",
        service=CLINIC.to_json(),
        home_side="hk",
        resident=resident,
        subject="x",
        level=3,
        authenticated_at=now,
        receipt=receipt,
        at=now,
    )


def test_taking_it_back_ends_what_rests_on_it(interaction, guangdong, resident):
    first, second = give(interaction(), *OFFERED).receipt, give(interaction(), "name").receipt
    under_way = interaction()
    give(under_way, "name", "birthdate")
    rests = sign_in(first, resident)
    assert consents.withdraw(resident=resident, key=second.key) == 3
    assert not ConsentReceipt.objects.filter(withdrawn_at__isnull=True).exists()
    assert not Interaction.objects.filter(pk=under_way.pk).exists()
    rests.refresh_from_db()
    assert (rests.ended_at is not None, rests.ended_by) == (True, "consent-withdrawn")
    assert consents.withdraw(resident=resident, key=second.key) == 0


def test_nobody_takes_back_what_another_agreed_to(interaction, guangdong, resident):
    receipt = give(interaction(), "name").receipt
    stranger = Resident.objects.create(created_at=timezone.now())
    with pytest.raises(UnknownConsent):
        consents.withdraw(resident=stranger, key=receipt.key)
    receipt.refresh_from_db()
    assert receipt.withdrawn_at is None


def proposal(reference, **changes):
    return Proposal(
        **{
            "type": "identity.sign-in",
            "legal_basis": "identity-authentication",
            "sender": "hk",
            "receiver": "gd",
            "declared_senders": "any",
            "declared_receivers": "any",
            "consent_required": True,
            "consent_reference": reference,
            "at": timezone.now(),
        }
        | changes
    )


def test_the_register_covers_what_stands_for_that_side(interaction, guangdong, resident):
    register_, receipt = consents.ConsentRegister(), give(interaction(), "name").receipt
    good = receipt.reference
    assert register_.covers(proposal(good))
    assert not register_.covers(proposal(good, receiver="mo"))
    assert not register_.covers(proposal(good, at=receipt.expires_at))
    for other in (None, "", str(receipt.key), f"identity:{uuid.uuid4()}", good.upper(), good + " "):
        assert not register_.covers(proposal(other))
    consents.withdraw(resident=resident, key=receipt.key)
    assert not register_.covers(proposal(good))


def test_what_another_side_relies_on_is_its_own_to_know(db):
    register_ = consents.ConsentRegister()
    assert register_.covers(proposal(f"identity:{uuid.uuid4()}", sender="gd", receiver="hk"))
    assert not register_.covers(proposal("identity:nothing", sender="gd", receiver="hk"))


def test_a_receipt_that_was_changed_is_none(interaction, guangdong):
    text = give(interaction(), "name").receipt.jws
    head, body, signature = text.split(".")
    other = give(interaction(), *OFFERED).receipt.jws.split(".")
    bad = [
        "",
        "a.b.c",
        f"{head}.{other[1]}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        text + "=",
        "é" + text,
        text * 10,
    ]
    for each in bad:
        with pytest.raises(receipts.BadReceipt):
            receipts.read(each, keys=jwks())
    with pytest.raises(receipts.BadReceipt):
        receipts.read(text, keys=[])
    SigningKey.objects.filter(use="receipt").update(use="token")
    assert receipts.signer(text) is None


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_fail_otherwise(text):
    with pytest.raises(receipts.BadReceipt):
        receipts.read(text, keys=[])


def test_the_longest_texts_fit(settings):
    from dataclasses import replace  # noqa: PLC0415 - used once

    from kouan.core.text import Localised  # noqa: PLC0415 - used once

    long = Localised("𠮷" * 300, "𠮷" * 300, "𠮷" * 300)
    now = timezone.now()
    text = receipts.sign(
        id=uuid.uuid4(),
        principal="p" * 43,
        service=replace(CLINIC, id="x" * 64, name=long, purpose=long, department="𠮷" * 200),
        claims=CLAIMS,
        language="zh-hant",
        given_at=now,
        expires_at=now + timedelta(days=1),
    )
    assert len(text) <= receipts.MAX_RECEIPT
    assert receipts.read(text, keys=jwks()).claims == CLAIMS


def test_a_link_needs_all_that_it_asks_for(interaction, guangdong):
    row = interaction(claims=("document_type",), link=str(uuid.uuid4()))
    assert [each.ticked for each in consents.offer(row).claims] == [True]
    assert give(row).granted == ["document_type"]
