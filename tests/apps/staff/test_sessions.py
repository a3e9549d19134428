from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from kouan.apps.staff import codes, services
from kouan.apps.staff.models import RecoveryCode, SignIn, Spent

pytestmark = pytest.mark.django_db
WORD = "a long enough password 1"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - of an account that lives as long as a test


def signed_in(client):
    return "Signed in as" in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("changes", "lasts"),
    [
        ({"seen_at": 29}, True),
        ({"seen_at": 30}, False),
        ({"began_at": 12 * 60 - 1}, True),
        ({"began_at": 12 * 60}, False),
    ],
)
def test_a_session_ends_unused_and_at_last(client, sign_in, officer, changes, lasts):
    sign_in("officer")
    now = timezone.now()
    SignIn.objects.update(**{name: now - timedelta(minutes=minutes) for name, minutes in changes.items()})
    assert signed_in(client) is lasts
    assert (SignIn.objects.get().ended_at is None) is lasts
    if not lasts:
        assert not Session.objects.filter(session_key=client.cookies["kouan_hk_session"].value).exists()


def test_using_a_session_is_noted_by_the_minute(client, sign_in, officer, django_assert_num_queries):
    sign_in("officer")
    earlier = timezone.now() - timedelta(minutes=5)
    SignIn.objects.update(seen_at=earlier)
    assert signed_in(client)
    noted = SignIn.objects.get().seen_at
    assert noted > earlier
    assert signed_in(client)
    assert SignIn.objects.get().seen_at == noted


def test_signing_in_changes_the_sessions_key_each_time(client, sign_in, officer):
    session = client.session
    session["fixed"] = "by somebody else"
    session.save()
    planted = session.session_key
    client.cookies["kouan_hk_session"] = planted
    sign_in("officer")
    first = client.session.session_key
    assert first != planted
    sign_in("officer", again="1")
    assert client.session.session_key != first
    assert [each.ended_at is None for each in SignIn.objects.order_by("id")] == [False, True]
    assert not Session.objects.filter(session_key__in=[planted, first]).exists()


def test_signing_out_is_noted(client, sign_in, officer):
    sign_in("officer")
    assert "You are signed out" in client.post("/sign-out").content.decode()
    assert SignIn.objects.get().ended_at is not None


def test_all_other_sessions_can_be_ended(client, sign_in, officer):
    elsewhere = Client()
    elsewhere.post("/sign-in", {"username": "officer", "password": WORD})
    sign_in("officer")
    assert client.post("/account/").headers["Location"] == "/account/"
    assert signed_in(client)
    assert not signed_in(elsewhere)


def test_the_page_says_when_and_with_what_one_signed_in(client, sign_in, officer):
    sign_in("officer")
    shown = client.get("/account/").content.decode()
    for words in ("Signed in at", "password alone", "This one", "127.0.0.1"):
        assert words in shown


def test_a_session_that_was_not_recorded_goes_on_but_is_never_fresh(client, officer, configure):
    client.force_login(officer)
    assert signed_in(client)
    assert SignIn.objects.get().way == "unrecorded"
    assert client.get("/account/app").headers["Location"].startswith("/sign-in?again=1")
    other = Client()
    other.force_login(officer)
    configure(require_second_factor=True)
    assert not signed_in(other)


def test_a_reset_ends_everything(client, sign_in, officer):
    sign_in("officer")
    services.reset_factors(user=officer)
    assert not signed_in(client)


def test_a_visitor_without_a_session_costs_no_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/accessibility")


def test_what_no_longer_matters_is_forgotten(officer, client, sign_in):
    services.spend(what="a", value="old", keep=timedelta(seconds=-1))
    services.spend(what="a", value="new", keep=timedelta(hours=1))
    sign_in("officer")
    client.post("/sign-out")
    assert services.tidy() is False
    assert Spent.objects.count() == SignIn.objects.count() == 1
    SignIn.objects.update(seen_at=timezone.now() - timedelta(days=91))
    services.tidy()
    assert not SignIn.objects.exists()


def test_a_password_alone_sets_up_no_second_factor_beside_another(client, sign_in, officer, configure):
    """Two sessions wait for a second factor: once one has it, the other one has to show it."""
    configure(require_second_factor=True)
    elsewhere = Client()
    elsewhere.post("/sign-in", {"username": "officer", "password": WORD})
    sign_in("officer")
    assert client.get("/account/app").status_code == 200
    codes.set_up(user=officer, secret=SECRET, code=pyotp.TOTP(SECRET).now())
    for path in ("/account/app", "/account/passkey"):
        assert elsewhere.get(path).headers["Location"].startswith("/sign-in?again=1")
        assert elsewhere.post(path, {"code": "000000"}).headers["Location"].startswith("/sign-in?again=1")
    kept = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert elsewhere.post("/account/codes").headers["Location"].startswith("/sign-in?again=1")
    assert set(RecoveryCode.objects.values_list("digest", flat=True)) == kept
    answer = elsewhere.post("/sign-in", {"username": "officer", "password": WORD, "again": "1"})
    assert answer.headers["Location"] == "/sign-in/second-step"
