from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse

from kouan.web.access import grant_role, has_role, require_role, withdraw_role

pytestmark = pytest.mark.django_db


@require_role("operator")
def engine_room(request):
    return HttpResponse("inside")


def test_a_visitor_is_sent_to_sign_in_and_comes_back(client, with_views):
    with_views(engine=engine_room)
    response = client.get("/engine?page=2")
    assert response.status_code == 302
    assert response.headers["Location"] == "/sign-in?next=/engine%3Fpage%3D2"


def test_who_sent_a_form_comes_back_to_its_page(client, with_views):
    with_views(engine=engine_room)
    sent = {"headers": {"referer": "http://testserver/accessibility?page=2"}}
    assert client.post("/engine", **sent).headers["Location"] == "/sign-in?next=/accessibility%3Fpage%3D2"
    elsewhere = {"headers": {"referer": "https://elsewhere.example/accessibility"}}
    assert client.post("/engine", **elsewhere).headers["Location"] == "/sign-in?next=/engine"


def test_another_role_gets_the_page_that_explains(client, with_views):
    with_views(engine=engine_room)
    user = User.objects.create_user("officer")
    grant_role(user=user, role="issuer")
    client.force_login(user)
    response = client.get("/engine")
    assert response.status_code == 403
    assert "Your account may not open this page" in response.content.decode()


def test_the_role_opens_the_page_and_its_withdrawal_closes_it(client, with_views):
    with_views(engine=engine_room)
    user = User.objects.create_user("officer")
    grant_role(user=user, role="operator")
    grant_role(user=user, role="operator")
    client.force_login(user)
    assert client.get("/engine").content == b"inside"
    withdraw_role(user=user, role="operator")
    assert client.get("/engine").status_code == 403


def test_a_superuser_and_a_closed_account_hold_no_role():
    chief = User.objects.create_superuser("chief")
    assert not has_role(chief, "operator")
    gone = User.objects.create_user("gone", is_active=False)
    grant_role(user=gone, role="operator")
    assert not has_role(gone, "operator")


def test_roles_are_asked_of_the_database_once(django_assert_num_queries):
    user = User.objects.create_user("officer")
    with django_assert_num_queries(1):
        has_role(user, "operator")
        has_role(user, "issuer")
