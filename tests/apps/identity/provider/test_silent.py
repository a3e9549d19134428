"""``prompt=none``: somebody who is signed in and has agreed is let through, and nobody is asked anything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from apps.identity.provider.software import query_of
from kouan.apps.identity import residents
from kouan.apps.identity.models import ConsentReceipt, HomeSession, Interaction, Service
from kouan.apps.identity.provider import interactions, silent
from kouan.apps.identity.provider.clients import get_client


@pytest.fixture
def entered(person, rf):
    """Have the person signed in in their browser."""

    def enter(**session):
        request = rf.get("/")
        request.session = person.browser.session
        residents.enter(request, person.session(**session))
        request.session.save()
        person.browser.cookies["kouan_hk_session"] = request.session.session_key

    return enter


def followed(person, way):
    """Follow redirects of the node's own and return what the client is told."""
    for _ in range(6):
        answer = person.browser.get(way)
        assert answer.status_code in {302, 303}, answer.content
        way = answer.headers["location"]
        if way.startswith("https://"):
            return query_of(way)
    raise AssertionError(way)


def test_nobody_signed_in_is_told_to_the_client(software, person):
    said = followed(person, software("public").way(prompt="none"))
    assert said["error"] == "login_required"
    assert not Interaction.objects.exists()


def test_who_has_agreed_before_goes_through(software, person, entered):
    client = software("public")
    person.sign_in(client.way())
    entered()
    said = followed(person, client.way(prompt="none"))
    assert client.redeem(said["code"]).status == 200


def test_who_has_not_agreed_to_all_of_it_is_not_asked(software, person, entered):
    client = software("public")
    entered()
    assert followed(person, client.way(prompt="none"))["error"] == "consent_required"
    person.sign_in(client.way(), ticked=["name"])
    assert followed(person, client.way(prompt="none"))["error"] == "consent_required"
    ConsentReceipt.objects.all().update(withdrawn_at=timezone.now())
    assert followed(person, client.way(prompt="none"))["error"] == "consent_required"
    assert not Interaction.objects.exists()


def test_an_old_or_a_weak_sign_in_does_not_do(software, person, entered):
    client = software("public")
    person.sign_in(client.way())
    entered(authenticated_at=timezone.now() - timedelta(minutes=10))
    assert followed(person, client.way(prompt="none", max_age="60"))["error"] == "login_required"
    assert (
        followed(person, client.way(prompt="none", acr_values="urn:gba:loa:4"))["error"] == "login_required"
    )
    HomeSession.objects.all().update(expires_at=timezone.now())
    assert followed(person, client.way(prompt="none"))["error"] == "login_required"


def test_another_side_cannot_be_gone_to_silently(software, person, entered):
    client = software("public", sides=["gd"])
    assert followed(person, client.way(prompt="none", kouan_side="gd"))["error"] == "interaction_required"
    assert followed(person, client.way(prompt="none"))["error"] == "interaction_required"
    person.sign_in(client.way(kouan_side="hk"))
    entered()
    assert "code" in followed(person, client.way(prompt="none"))


def test_another_purpose_was_not_agreed_to(software, person, entered):
    client = software("public")
    person.sign_in(client.way())
    entered()
    assert "code" in followed(person, client.way(prompt="none"))
    Service.objects.update(purpose_en="To send advertisements.")
    assert followed(person, client.way(prompt="none"))["error"] == "consent_required"
    person.sign_in(client.way())
    assert "code" in followed(person, client.way(prompt="none"))
    assert ConsentReceipt.objects.count() == 2


def test_who_is_signed_out_meanwhile_is_told_to_the_client(software, person):
    client = software("public")
    person.sign_in(client.way())
    request = interactions.request_of(person.arrive(client.way()))
    session = person.session()
    HomeSession.objects.update(ended_at=timezone.now())
    with transaction.atomic():
        location = silent.answer(get_client(client.client_id), request, session)
    assert query_of(location)["error"] == "login_required"
