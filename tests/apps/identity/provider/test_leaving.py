"""Signing out at a service's wish."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.test import Client as Browser

from apps.identity.provider.person import Person
from apps.identity.provider.software import (
    BACK,
    FORM,
    OTHER,
    OUT,
    claims_of,
    signed,
)
from kouan.apps.identity import residents
from kouan.apps.identity.models import (
    HomeSession,
    SignIn,
)


def test_an_id_token_of_the_person_signs_them_out_at_once(software, person):
    client = software("public")
    token = client.redeem(person.sign_in(client.way())["code"]).json()["id_token"]
    query = urlencode({"id_token_hint": token, "post_logout_redirect_uri": OUT, "state": "s t"})
    answer = person.browser.get(f"/oidc/end_session?{query}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{OUT}?state=s+t")
    assert SignIn.objects.get().ended_by == "service"
    assert HomeSession.objects.get().ended_at is not None


@pytest.mark.parametrize(
    "uri",
    ["https://attacker.example/", f"{OUT}/", f"{OUT}?x", BACK, "javascript:alert(1)", "//attacker.example"],
)
def test_signing_out_leads_to_registered_addresses_alone(uri, software, person):
    client = software("public")
    token = client.redeem(person.sign_in(client.way())["code"]).json()["id_token"]
    for hint in ({"id_token_hint": token}, {"client_id": client.client_id}, {}):
        answer = person.browser.get(
            f"/oidc/end_session?{urlencode({'post_logout_redirect_uri': uri, **hint})}"
        )
        assert answer.status_code == 400
        assert "location" not in answer.headers
    assert SignIn.objects.get().ended_at is None


def entered(person, rf):
    request = rf.get("/")
    request.session = person.browser.session
    residents.enter(request, person.session())
    request.session.save()
    person.browser.cookies["kouan_hk_session"] = request.session.session_key


def test_without_an_id_token_of_ours_the_person_is_asked_first(software, person, rf):
    client = software("public")
    client.redeem(person.sign_in(client.way())["code"])
    forged = signed({"alg": "ES256", "kid": "x"}, {"iss": "http://127.0.0.1:18100"}, OTHER)
    entered(person, rf)
    query = {
        "post_logout_redirect_uri": OUT,
        "client_id": client.client_id,
        "state": "s",
        "id_token_hint": forged,
    }
    asking = Browser(enforce_csrf_checks=True)
    asking.cookies = person.browser.cookies
    answer = asking.get(f"/oidc/end_session?{urlencode(query)}")
    assert answer.status_code == 200
    assert not HomeSession.objects.filter(ended_at__isnull=False).exists()
    form = {"sign_out": "yes", "client_id": client.client_id, "post_logout_redirect_uri": OUT, "state": "s"}
    assert asking.post("/oidc/end_session", urlencode(form), content_type=FORM).status_code == 403
    assert not HomeSession.objects.filter(ended_at__isnull=False).exists()
    token = answer.content.decode().partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
    answer = asking.post(
        "/oidc/end_session", urlencode({**form, "csrfmiddlewaretoken": token}), content_type=FORM
    )
    assert answer.status_code == 200
    assert f'href="{OUT}?state=s"' in answer.content.decode()
    assert HomeSession.objects.filter(ended_at__isnull=False).count() == 1


def test_an_attackers_own_id_token_signs_nobody_else_out(software, person, rf):
    client = software("public")
    attacker = Person()
    token = client.redeem(attacker.sign_in(client.way())["code"]).json()["id_token"]
    entered(person, rf)
    person.browser.get(f"/oidc/end_session?{urlencode({'id_token_hint': token})}")
    assert HomeSession.objects.get(resident=person.resident).ended_at is None
    assert HomeSession.objects.get(resident=attacker.resident).ended_at is not None


def test_other_tokens_of_ours_are_no_hints(software, person):
    client = software("public")
    tokens = client.redeem(person.sign_in(client.way())["code"]).json()
    told = client.ask(tokens["access_token"], Accept="application/jwt").body.decode()
    assert claims_of(told)["iss"] == "http://127.0.0.1:18100"
    person.browser.get(f"/oidc/end_session?{urlencode({'id_token_hint': told})}")
    assert SignIn.objects.get().ended_at is None


@pytest.mark.parametrize("kid", ["\0", "\ud800", 1, None])
def test_a_hint_by_a_key_that_nobody_can_have(kid, software, person, refused):
    forged = signed({"alg": "ES256", "kid": kid}, {"iss": "http://127.0.0.1:18100"}, OTHER)
    query = urlencode({"id_token_hint": forged})
    assert person.browser.get(f"/oidc/end_session?{query}").status_code == 200
    answer = person.browser.get(software("public").way(id_token_hint=forged))
    assert refused(answer) == "invalid_request"


def test_a_sign_in_with_a_linked_account_ends_without_the_session_here(software, person, rf):
    """It rests on the other side's session; that the person is signed in here as well is another matter."""
    client = software("public")
    token = client.redeem(person.sign_in(client.way())["code"]).json()["id_token"]
    SignIn.objects.update(home_side="gd", home_session=None, peer_sid="f" * 32)
    entered(person, rf)
    person.browser.get(f"/oidc/end_session?{urlencode({'id_token_hint': token})}")
    assert SignIn.objects.get().ended_by == "service"
    assert not HomeSession.objects.filter(ended_at__isnull=False).exists()
