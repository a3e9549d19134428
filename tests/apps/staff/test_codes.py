from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from kouan.apps.staff import codes, vault
from kouan.apps.staff.errors import LastFactor, UnreadableSecret, WrongCode
from kouan.apps.staff.models import Officer, RecoveryCode, SignIn
from kouan.web.models import Attempt

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - of an account that lives as long as a test


@pytest.fixture
def clock(monkeypatch):
    """Stop the time, in the middle of a step; ``clock(30)`` moves it on."""
    now = [1_800_000_015.0]
    monkeypatch.setattr(codes.time, "time", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def code(offset=0):
    return pyotp.TOTP(SECRET).at(int(codes.time.time()) + offset)


@pytest.fixture
def app(officer, clock):
    """Set up an authenticator app; returns the recovery codes."""
    made = codes.set_up(user=officer, secret=SECRET, code=code())
    clock(60)
    return made


def test_the_first_code_shows_that_the_app_has_the_secret(officer, clock):
    with pytest.raises(WrongCode):
        codes.set_up(user=officer, secret=SECRET, code="000000")
    assert not Officer.objects.filter(user=officer).exclude(totp_secret=None).exists()
    codes.set_up(user=officer, secret=SECRET, code=code())
    with pytest.raises(WrongCode):
        codes.check(user=officer, typed=code())


def test_a_code_counts_once(officer, app):
    assert codes.check(user=officer, typed=code()) == "password-totp"
    with pytest.raises(WrongCode):
        codes.check(user=officer, typed=code())


def test_an_older_code_does_not_count_after_a_newer_one(officer, app):
    codes.check(user=officer, typed=code(30))
    for offset in (0, -30, 30):
        with pytest.raises(WrongCode):
            codes.check(user=officer, typed=code(offset))


@pytest.mark.parametrize(("offset", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_a_step_away(officer, app, clock, offset, taken):
    clock(60)
    if taken:
        assert codes.check(user=officer, typed=code(offset)) == "password-totp"
    else:
        with pytest.raises(WrongCode):
            codes.check(user=officer, typed=code(offset))


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "１２３４５６", "abcdef", "-12345", "\0"])
def test_what_is_no_code(officer, app, typed):
    with pytest.raises(WrongCode):
        codes.check(user=officer, typed=typed)


def test_a_recovery_code_counts_once_and_for_its_account_alone(officer, app):
    other = User.objects.create_user("other")
    with pytest.raises(WrongCode):
        codes.check(user=other, typed=app[0])
    assert codes.check(user=officer, typed=app[0].upper()) == "password-recovery"
    with pytest.raises(WrongCode):
        codes.check(user=officer, typed=app[0])
    assert codes.check(user=officer, typed=app[1]) == "password-recovery"


def test_new_recovery_codes_end_the_old_ones(officer, app):
    fresh = codes.renew_recovery_codes(user=officer)
    with pytest.raises(WrongCode):
        codes.check(user=officer, typed=app[0])
    assert codes.check(user=officer, typed=fresh[0])


def test_neither_secret_nor_code_is_stored_as_it_is(officer, app):
    row = Officer.objects.get(user=officer)
    assert SECRET.encode() not in bytes(row.totp_secret)
    stored = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert not {each for digest in stored for each in app if each.replace("-", "") in digest}


def test_a_secret_opens_for_its_account_and_under_the_nodes_secret_alone(officer, app, configure, settings):
    sealed = bytes(Officer.objects.get(user=officer).totp_secret)
    assert vault.unseal(sealed, account=officer.pk) == SECRET
    with pytest.raises(UnreadableSecret):
        vault.unseal(sealed, account=officer.pk + 1)
    settings.NODE = replace(settings.NODE, secret_key="another secret of the node 0123456789")  # noqa: S106 - guards nothing
    with pytest.raises(UnreadableSecret):
        vault.unseal(sealed, account=officer.pk)


def test_the_last_factor_stays_where_one_is_compulsory(officer, app, configure):
    configure(require_second_factor=True)
    with pytest.raises(LastFactor):
        codes.remove(user=officer)
    configure(require_second_factor=False)
    codes.remove(user=officer)
    assert not RecoveryCode.objects.exists()


# On the pages


def test_a_password_alone_no_longer_signs_in(client, sign_in, officer, app):
    answer = sign_in("officer", next="/accessibility")
    assert answer.headers["Location"] == "/sign-in/second-step"
    assert "Signed in as" not in client.get("/").content.decode()
    answer = client.post("/sign-in/second-step", {"code": code()})
    assert answer.headers["Location"] == "/accessibility"
    assert SignIn.objects.get().way == "password-totp"
    assert "Signed in as" in client.get("/").content.decode()


def test_the_second_step_needs_the_first(client, sign_in, officer, app):
    assert client.get("/sign-in/second-step").headers["Location"] == "/sign-in"
    assert client.post("/sign-in/second-step", {"code": code()}).headers["Location"] == "/sign-in"
    sign_in("officer")
    client.get("/sign-in")  # whoever goes back begins anew
    assert client.post("/sign-in/second-step", {"code": code()}).headers["Location"] == "/sign-in"
    assert not SignIn.objects.exists()


@pytest.mark.parametrize("what", ["password", "closed", "time"])
def test_the_first_step_counts_no_longer(client, sign_in, officer, app, what):
    sign_in("officer")
    if what == "password":
        officer.set_password("another long password 2")
        officer.save()
    elif what == "closed":
        User.objects.update(is_active=False)
    else:
        session = client.session
        session["staff_pending"] |= {"at": int(time.time()) - 601}
        session.save()
    assert client.post("/sign-in/second-step", {"code": code()}).headers["Location"] == "/sign-in"
    assert not SignIn.objects.exists()


def test_guessing_codes_is_slowed_from_wherever_it_comes(client, sign_in, officer, app):
    sign_in("officer")
    wrong = "000000" if code() != "000000" else "111111"
    for number in range(5):
        answer = client.post("/sign-in/second-step", {"code": wrong}, REMOTE_ADDR=f"10.0.0.{number}")
        assert answer.status_code == 422
    answer = client.post("/sign-in/second-step", {"code": code()}, REMOTE_ADDR="10.0.0.9")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    Attempt.objects.update(at=timezone.now() - timedelta(seconds=301))
    assert client.post("/sign-in/second-step", {"code": code()}).status_code == 302


def test_an_app_is_set_up_on_a_page(client, sign_in, officer, clock):
    sign_in("officer")
    shown = client.get("/account/app").content.decode()
    assert "<svg" in shown
    assert "style=" not in shown.partition("<svg")[2].partition("</svg>")[0]
    secret = re.search(r'staff-secret">([A-Z2-7 ]+)<', shown)[1].replace(" ", "")
    assert client.post("/account/app", {"code": "12"}).status_code == 422
    made = client.post("/account/app", {"code": pyotp.TOTP(secret).at(int(codes.time.time()))})
    assert made.content.decode().count("<li><code>") == 10
    shown = client.get("/account/").content.decode()
    assert "Recovery codes" in shown
    assert "<li><code>" not in shown
    before = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert client.post("/account/codes").content.decode().count("<li><code>") == 10
    assert not before & set(RecoveryCode.objects.values_list("digest", flat=True))
    assert client.post("/account/app", {"remove": "1"}).headers["Location"] == "/account/"
    assert not RecoveryCode.objects.exists()


def test_where_a_second_factor_is_compulsory_it_comes_first(client, sign_in, operator, clock, configure):
    configure(require_second_factor=True)
    sign_in("operator")
    for path in ("/staff/", "/operations/", "/"):
        assert client.get(path).headers["Location"] == "/account/"
    assert client.get("/api/v1/operations/alarms").status_code in {401, 403}
    assert "Set one up to go on" in client.get("/account/").content.decode()
    shown = client.get("/account/app").content.decode()
    secret = re.search(r'staff-secret">([A-Z2-7 ]+)<', shown)[1].replace(" ", "")
    client.post("/account/app", {"code": pyotp.TOTP(secret).at(int(codes.time.time()))})
    assert client.get("/staff/").status_code == 200
