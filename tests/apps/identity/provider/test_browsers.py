"""The person who was asked for, in the browser that began."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone

from apps.identity.provider.person import Person
from kouan.apps.identity import residents
from kouan.apps.identity.models import (
    AuthorizationCode,
    HomeSession,
    Interaction,
    Service,
    SignIn,
)
from kouan.apps.identity.provider import interactions

# Levels, freshness, who


def test_a_level_that_was_asked_for_and_not_reached_gives_no_code(software, person, refused):
    client = software("public")
    row = person.arrive(client.way(acr_values="urn:gba:loa:4 urn:gba:loa:3"))
    person.agree(row)
    HomeSession.objects.update(level=2)  # whatever let it pass on the way
    assert (
        refused(person.browser.get(f"/identity/sign-in/{row.key}/done"))
        == "unmet_authentication_requirements"
    )
    assert not SignIn.objects.exists()
    assert not Interaction.objects.exists()


def test_a_service_gets_nobody_below_its_own_level_whatever_the_request_says(software, person):
    client = software("public", level=3)
    row = person.arrive(client.way(acr_values="urn:gba:loa:1"))
    assert interactions.request_of(row).level == 3


def test_an_essential_level_raises_what_acr_values_say(software, person):
    client = software("public")
    wanted = '{"id_token": {"acr": {"essential": true, "values": ["urn:gba:loa:4", "urn:gba:loa:3"]}}}'
    row = person.arrive(client.way(acr_values="urn:gba:loa:2", claims=wanted))
    assert interactions.request_of(row).level == 3


@pytest.mark.parametrize("asked", [{"max_age": "60"}, {"prompt": "login"}])
def test_an_old_sign_in_gives_no_code_where_a_fresh_one_was_asked_for(asked, software, person, refused):
    client = software("public")
    row = person.arrive(client.way(**asked))
    person.agree(row, authenticated_at=timezone.now() - timedelta(minutes=10))
    assert refused(person.browser.get(f"/identity/sign-in/{row.key}/done")) == "login_required"
    row = person.arrive(client.way(**asked))
    person.agree(row)
    assert "code" in person.leave(row)


def test_somebody_else_than_the_hint_names_is_not_let_through(software, person, refused):
    client = software("public")
    hint = client.redeem(person.sign_in(client.way())["code"]).json()["id_token"]
    assert "code" in person.sign_in(client.way(id_token_hint=hint))
    another = Person()
    row = another.arrive(client.way(id_token_hint=hint))
    another.agree(row)
    assert refused(another.browser.get(f"/identity/sign-in/{row.key}/done")) == "login_required"
    stranger = software("public", "stranger")
    assert refused(person.browser.get(stranger.way(id_token_hint=hint))) == "invalid_request"


# Browsers


def test_an_interaction_goes_on_in_its_own_browser_alone(software, person):
    client = software("public")
    row = person.arrive(client.way())
    person.agree(row)
    thief = Browser()
    for path in (f"/identity/sign-in/{row.key}", f"/identity/sign-in/{row.key}/done"):
        answer = thief.get(path)
        assert answer.status_code == 410
        assert b"sign-in-over" in answer.content
    assert "code" in person.leave(row)


def test_a_code_is_given_once_and_only_when_all_is_done(software, person):
    client = software("public")
    row = person.arrive(client.way())
    done = f"/identity/sign-in/{row.key}/done"
    assert person.browser.get(done).status_code == 409
    person.agree(row)
    person.leave(row)
    assert person.browser.get(done).status_code == 410
    assert AuthorizationCode.objects.count() == 1


def test_a_session_that_an_attacker_planted_is_worth_nothing_after_signing_in(software, person, rf):
    client = software("public")
    row = person.arrive(client.way())
    planted = person.browser.cookies["kouan_hk_session"].value
    person.agree(row)
    request = rf.get("/")
    request.session = person.browser.session
    residents.enter(request, person.session())  # what the home provider's callback does
    request.session.save()
    attacker = Browser()
    attacker.cookies["kouan_hk_session"] = planted
    assert attacker.get(f"/identity/sign-in/{row.key}/done").status_code == 410
    person.browser.cookies["kouan_hk_session"] = request.session.session_key
    assert "code" in person.leave(row)


def test_a_person_who_signed_out_on_the_way_gets_no_code(software, person):
    client = software("public")
    row = person.arrive(client.way())
    person.agree(row)
    HomeSession.objects.update(ended_at=timezone.now())
    assert person.browser.get(f"/identity/sign-in/{row.key}/done").status_code == 410
    assert not SignIn.objects.exists()


def test_a_service_that_was_switched_off_on_the_way_gets_no_code(software, person):
    client = software("public")
    row = person.arrive(client.way())
    person.agree(row)
    Service.objects.update(disabled_at=timezone.now())
    assert person.browser.get(f"/identity/sign-in/{row.key}/done").status_code == 404
    assert not SignIn.objects.exists()
