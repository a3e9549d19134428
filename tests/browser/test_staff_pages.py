"""How officers sign in, as they meet it; passkeys are held by Chromium's virtual authenticator."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from urllib.parse import urlsplit

import pyotp
import pytest
from django.contrib.auth.models import User

from kouan.apps.staff import codes, services
from kouan.core.text import Localised
from kouan.web.access import grant_role

PASSWORD = "a long enough password 1"  # noqa: S105 - of an account that lives as long as a test
WORKS = Localised("Works Department", "工務部門", "工务部门")


@pytest.fixture
def portal(portal, settings):
    """The portal, reached by a name: browsers let passkeys be used there alone."""
    address = f"http://localhost:{urlsplit(portal).port}"
    settings.NODE = replace(settings.NODE, portal_origin=address)
    return address


@pytest.fixture
def officer(transactional_db):
    user = User.objects.create_user("officer", password=PASSWORD)
    grant_role(user=user, role="operator")
    return user


def authenticator(page):
    """Give the browser a security key that verifies its user without asking."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def with_password(visitor, path="/sign-in"):
    page = visitor.open(path)
    page.locator("#id_username").fill("officer")
    page.locator("#id_password").fill(PASSWORD)
    page.locator("main form").first.locator("button[type=submit]").click()
    return page


def add_passkey(visitor, name="Office laptop"):
    page = visitor.open("/account/passkey")
    page.locator("#id_name").fill(name)
    page.get_by_role("button", name=re.compile("passkey|通行密鑰|通行密钥")).click()
    page.wait_for_url(visitor.portal + "/account/")
    return page


def test_a_passkey_is_made_and_signs_in_by_itself(visit, officer):
    visitor = visit()
    page = with_password(visitor)
    page.wait_for_url(visitor.portal + "/")
    authenticator(page)
    add_passkey(visitor)
    assert "Office laptop" in page.inner_text("main")
    visitor.check("staff-mine-passkey")
    page.locator(".kouan-account form button").click()
    page.goto(visitor.portal + "/sign-in?next=/accessibility")
    visitor.check("staff-sign-in")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(visitor.portal + "/accessibility")
    assert officer.sign_ins.first().way == "passkey"
    assert officer.passkeys.get().sign_count > 1


def test_a_passkey_is_the_second_step_after_a_password(visit, officer):
    visitor = visit()
    page = with_password(visitor)
    page.wait_for_url(visitor.portal + "/")
    authenticator(page)
    add_passkey(visitor)
    page.locator(".kouan-account form button").click()
    with_password(visitor)
    page.wait_for_url(visitor.portal + "/sign-in/second-step")
    visitor.check("staff-second-step-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(visitor.portal + "/")
    assert officer.sign_ins.first().way == "password-passkey"


def test_a_device_that_says_no_is_told_on_the_page(visit, officer):
    visitor = visit()
    page = visitor.open("/sign-in")
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")  # and no authenticator in it
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                     "hasUserVerification": True, "isUserVerified": False}},
    )  # fmt: skip
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("The passkey did not answer").wait_for()


def test_an_authenticator_app_is_set_up_and_asked_for(visit, language, officer):
    visitor = visit(language=language)
    page = with_password(visitor)
    page.wait_for_url(visitor.portal + "/")
    page = visitor.open("/account/app")
    visitor.check("staff-app")
    secret = page.locator(".staff-secret").inner_text().replace(" ", "")
    page.locator("#id_code").fill("000000" if pyotp.TOTP(secret).now() != "000000" else "111111")
    page.locator("main form button[type=submit]").click()
    page.locator(".govuk-error-summary").wait_for()
    assert page.locator(".staff-secret").inner_text().replace(" ", "") == secret
    page.locator("#id_code").fill(pyotp.TOTP(secret).now())
    page.locator("main form button[type=submit]").click()
    page.locator(".staff-codes").wait_for()
    visitor.check("staff-codes")
    recovery = page.locator(".staff-codes code").first.inner_text()
    visitor.open("/account/")
    visitor.check("staff-mine-app")
    page.locator(".kouan-account form button").click()
    with_password(visitor)
    page.wait_for_url(visitor.portal + "/sign-in/second-step")
    visitor.check("staff-second-step")
    page.locator("#id_code").fill(pyotp.TOTP(secret).at(int(time.time()) - 300))
    page.locator("main form button[type=submit]").click()
    page.locator(".govuk-error-summary").wait_for()
    visitor.check("staff-second-step-wrong")
    page.locator("#id_code").fill(recovery)
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(visitor.portal + "/")
    assert officer.sign_ins.first().way == "password-recovery"


def test_the_pages_about_passkeys(visit, language, officer):
    visitor = visit(language=language)
    page = visitor.open("/sign-in")
    visitor.check("staff-sign-in")
    page = with_password(visitor)
    page.wait_for_url(visitor.portal + "/")
    authenticator(page)
    visitor.open("/account/")
    visitor.check("staff-mine")
    visitor.open("/account/passkey")
    visitor.check("staff-passkey-new")
    page = add_passkey(visitor)
    visitor.check("staff-mine-passkey")
    page.locator(".govuk-summary-card__actions a").click()
    visitor.check("staff-passkey")


def test_without_scripts_the_pages_say_what_to_do(visit, officer):
    visitor = visit(scripts=False)
    page = visitor.open("/sign-in")
    assert "Passkeys need JavaScript" in page.inner_text("main")
    assert not page.locator("form[data-passkey]").is_visible()
    with_password(visitor)
    page = visitor.open("/account/passkey")
    assert "set up an authenticator app" in page.inner_text("main")
    assert not page.locator("form[data-passkey]").is_visible()


def test_departments_officers_and_posts(visit, language, officer):
    other = User.objects.create_user("chan-tai-man", password=PASSWORD)
    department = services.add_department(code="works", name=WORKS)
    services.grant_post(user=other, department=department, role="issuer", by="kouan user")
    codes.set_up(user=other, secret=(secret := codes.new_secret()), code=pyotp.TOTP(secret).now())
    visitor = visit(language=language)
    page = with_password(visitor)
    page.wait_for_url(visitor.portal + "/")
    page = visitor.open("/staff/")
    visitor.check("staff-people")
    page.locator(f"a[href='/staff/{other.pk}/']").click()
    visitor.check("staff-officer")
    page.locator("#id_department").select_option("works")
    page.locator("#id_role").select_option("registrar")
    page.locator("main form").last.locator("button[type=submit]").click()
    page.locator(".govuk-notification-banner").wait_for()
    visitor.check("staff-officer-granted")
    assert {post.role for post in other.posts.all()} == {"issuer", "registrar"}
    page.locator(".staff-link").first.click()
    page.locator(".govuk-notification-banner").wait_for()
    assert {post.role for post in other.posts.all()} == {"registrar"}
