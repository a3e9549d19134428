from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from kouan.web.models import Attempt

pytestmark = pytest.mark.django_db
WORD = "a long enough password 1"


@pytest.fixture(autouse=True)
def officer():
    return User.objects.create_user("officer", password=WORD)


def attempt(client, password, username="officer", **extra):
    return client.post("/sign-in", {"username": username, "password": password, **extra})


def test_who_is_no_officer_is_shown_where_to_sign_in(client):
    page = client.get("/sign-in").content.decode()
    assert re.findall('<li><a class="govuk-link" href="(/[a-z]+/)">', page) == [
        "/applications/",
        "/identity/",
    ]


def test_the_right_password_leads_home(client):
    response = attempt(client, WORD)
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert "Signed in as" in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ("/accessibility", "/accessibility"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example", "/"),
        ("javascript:x", "/"),
    ],
)
def test_next_leads_only_to_our_own_pages(client, wanted, taken):
    assert attempt(client, WORD, next=wanted).headers["Location"] == taken


def test_a_wrong_password_and_an_unknown_account_read_the_same(client):
    known, unknown = attempt(client, "wrong"), attempt(client, "wrong", username="nobody")
    assert known.status_code == unknown.status_code == 422
    words = "The user name or the password is wrong."
    assert words in known.content.decode()
    assert words in unknown.content.decode()


def test_the_sixth_wrong_try_in_a_minute_is_refused_even_with_the_right_password(client):
    for _ in range(5):
        assert attempt(client, "wrong").status_code == 422
    response = attempt(client, WORD)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert "Too many tries" in response.content.decode()
    Attempt.objects.update(at=timezone.now() - timedelta(seconds=61))
    assert attempt(client, WORD).status_code == 302


def test_writing_the_name_otherwise_does_not_start_a_new_count(client):
    for name in ("officer", "Officer", " officer", "OFFICER", "officer "):
        attempt(client, "wrong", username=name)
    assert attempt(client, WORD).status_code == 429


def test_one_account_blocked_leaves_others_and_other_addresses_alone(client):
    User.objects.create_user("other", password=WORD)
    for _ in range(5):
        attempt(client, "wrong")
    assert attempt(client, WORD, username="other").status_code == 302
    assert (
        client.post("/sign-in", {"username": "officer", "password": WORD}, REMOTE_ADDR="10.0.0.9").status_code
        == 302
    )


def test_many_accounts_from_one_address_are_slowed_too(client):
    for number in range(30):
        attempt(client, "wrong", username=f"name-{number}")
    assert attempt(client, WORD).status_code == 429


def test_empty_fields_are_named_and_not_counted(client):
    for _ in range(6):
        response = attempt(client, "", username="")
    assert response.status_code == 422
    assert "Enter your user name." in response.content.decode()
    assert not Attempt.objects.exists()


def test_neither_name_nor_address_is_stored(client):
    attempt(client, "wrong")
    for row in Attempt.objects.values_list("subject", flat=True):
        assert len(row) == 64
        assert "officer" not in row


def test_signing_out_needs_a_form_and_says_that_it_is_done(client):
    attempt(client, WORD)
    assert client.get("/sign-out").status_code == 405
    response = client.post("/sign-out")
    assert "You are signed out" in response.content.decode()
    assert "Signed in as" not in client.get("/").content.decode()


def test_other_addresses_of_one_network_are_no_fresh_tries(client):
    for host in range(5):
        client.post(
            "/sign-in", {"username": "officer", "password": "wrong"}, REMOTE_ADDR=f"2001:db8::{host + 1}"
        )
    response = client.post(
        "/sign-in", {"username": "officer", "password": WORD}, REMOTE_ADDR="2001:db8::ffff:1"
    )
    assert response.status_code == 429


def test_a_file_in_a_form_that_asks_for_none_is_not_kept(client, tmp_path, settings):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    file = SimpleUploadedFile("a", b"x" * (3 << 20))
    response = client.post("/sign-in", {"username": "officer", "password": WORD, "file": file})
    assert response.status_code == 302
    assert not response.wsgi_request.FILES
    assert not list(tmp_path.iterdir())
