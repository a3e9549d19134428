"""The operator's pages about attached systems."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from apps.attached.conftest import TYPE
from kouan.apps.attached import services
from kouan.apps.attached.models import Delivery, System, SystemToken, Try
from kouan.web.access import grant_role


@pytest.fixture
def operator(client, db):
    user = User.objects.create_user("operator")
    grant_role(user=user, role="operator")
    client.force_login(user)
    return client


@pytest.fixture
def hooked(desk):
    services.set_webhook(system=desk, url="https://desk.example/kouan")
    desk.refresh_from_db()
    return desk


@pytest.fixture
def delivery(hooked):
    now = timezone.now()
    made = Delivery.objects.create(
        system=hooked,
        event="message.received",
        message_id=uuid.uuid4(),
        body=b"{}",
        created_at=now,
        next_at=now,
        state="given-up",
    )
    Try.objects.create(delivery=made, at=now, status=None, problem="Timeout", milliseconds=10_000)
    return made


def test_only_operators_see_them(client, desk):
    for path in ("", "vessel-desk/", "vessel-desk/rotate"):
        assert client.get(f"/attached/{path}").status_code == 302
    user = User.objects.create_user("issuer")
    grant_role(user=user, role="issuer")
    client.force_login(user)
    for path in ("", "vessel-desk/", "vessel-desk/rotate"):
        assert client.get(f"/attached/{path}").status_code == 403
    assert client.post("/attached/vessel-desk/rotate").status_code == 403
    assert SystemToken.objects.count() == 1


def test_the_list_says_what_waits_and_what_is_declared(operator, hooked, arrive):
    arrive()
    System.objects.update(webhook_disabled_at=timezone.now(), webhook_disabled_why="failing")
    page = operator.get("/attached/").content.decode()
    for text in ("vessel-desk", "Marine", TYPE, "Webhook off", "Nothing arrived there for three days."):
        assert text in page


def test_a_systems_page_shows_no_secret_and_no_content(operator, hooked, delivery, arrive):
    arrive()
    page = operator.get("/attached/vessel-desk/").content.decode()
    assert "no answer in time" in page
    assert delivery.webhook_id in page
    for hidden in (hooked.token, "Pearl Star", "whsec_"):
        assert hidden not in page


def test_a_new_token_is_shown_once_and_works(operator, desk, api):
    assert "Make a new token" in operator.get("/attached/vessel-desk/rotate").content.decode()
    page = operator.post("/attached/vessel-desk/rotate")
    assert "no-store" in page["Cache-Control"]
    token = page.content.decode().partition('data-copy="')[2].partition('"')[0]
    assert api(token, "GET", "/inbox").status_code == 200
    assert token not in operator.get("/attached/vessel-desk/").content.decode()


def test_off_and_on_again(operator, desk, api):
    operator.post("/attached/vessel-desk/disable")
    assert api(desk, "GET", "/inbox").status_code == 401
    assert operator.get("/attached/vessel-desk/disable").status_code == 404
    operator.post("/attached/vessel-desk/enable")
    assert api(desk, "GET", "/inbox").status_code == 200


def test_an_event_is_posted_again(operator, delivery):
    address = f"/attached/vessel-desk/deliveries/{delivery.key}/again"
    assert operator.get(address).status_code == 405
    operator.post(address)
    delivery.refresh_from_db()
    assert delivery.state == "waiting"


def test_what_is_not_there(operator, desk):
    for path in ("nobody/", "vessel-desk/explode", "vessel-desk/webhook"):
        assert operator.get(f"/attached/{path}").status_code == 404
