from __future__ import annotations

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.test import Client
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.web.throttle import TooManyTriesError

LANGUAGES = {"en": "en", "zh-HK": "zh-Hant-HK", "zh-CN": "zh-Hans-CN", "fr": "en"}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/sign-in", "/accessibility"])
@pytest.mark.parametrize(("asked", "given"), LANGUAGES.items())
def test_base_pages_answer_in_the_readers_language(client, path, asked, given):
    response = client.get(path, headers={"accept-language": asked})
    assert response.status_code == 200
    assert f'<html lang="{given}"' in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/zh-hant/", "/api/v1/nothing"])
def test_an_answer_says_its_language_and_that_it_depends_on_the_reader(client, path):
    response = client.get(path, headers={"accept-language": "zh-HK"})
    assert response.headers["Content-Language"] == "zh-hant"
    assert "Accept-Language" in response.headers["Vary"]
    assert "Location" not in response.headers  # no address of ours begins with a language


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "has"), [("/", True), ("/api/v1/nothing", False)])
def test_only_pages_have_a_place_for_messages_to_their_reader(client, path, has):
    assert hasattr(client.get(path).wsgi_request, "_messages") is has


def test_health_asks_nothing_of_the_database(client):
    response = client.get("/health")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert response.headers["Content-Type"] == "text/plain"


@pytest.mark.django_db
def test_headers_allow_nothing_inline_and_nothing_foreign(client):
    response = client.get("/")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    text = response.content.decode()
    assert " style=" not in text
    assert "<style" not in text
    assert "onclick" not in text
    assert text.count("<script") == text.count('<script type="module" src="/static/')


@pytest.mark.django_db
def test_a_signed_in_page_is_kept_by_no_cache(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("officer"))
    assert "no-store" in client.get("/").headers["Cache-Control"]


def test_the_language_switch_keeps_the_page_and_follows_no_foreign_address():
    client = Client(enforce_csrf_checks=True)
    response = client.post("/language", {"language": "zh-hans", "next": "/accessibility?a=1"})
    assert response.headers["Location"] == "/accessibility?a=1"
    assert client.cookies["kouan_language"].value == "zh-hans"
    response = client.post("/language", {"language": "en", "next": "https://elsewhere.example/"})
    assert response.headers["Location"] == "/"
    response = client.post("/language", {"language": "xx", "next": "/"})
    assert client.cookies["kouan_language"].value == "en"
    assert client.get("/language").status_code == 405


class _LostError(KouanError):
    code = "lost-parcel"
    status = 409
    message = _("The parcel %(number)s is lost.")


def _raise(error):
    def view(request):
        raise error

    return view


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (_LostError(number="<7>"), 409, "The parcel &lt;7&gt; is lost."),
        (TooManyTriesError(seconds=9), 429, "Wait 9 seconds"),
        (RequestDataTooBig(), 413, "What you sent is too large"),
        (SuspiciousOperation(), 400, "The request could not be read"),
    ],
    ids=["kouan", "throttled", "large", "suspicious"],
)
def test_an_error_in_a_view_becomes_a_page_with_its_status(client, with_views, error, status, words):
    with_views(broken=_raise(error))
    response = client.get("/broken")
    assert response.status_code == status
    assert words in response.content.decode()
    assert 'id="main-content"' in response.content.decode()


@pytest.mark.django_db
def test_a_throttled_answer_says_when_to_come_back(client, with_views):
    with_views(broken=_raise(TooManyTriesError(seconds=9)))
    assert client.get("/broken").headers["Retry-After"] == "9"


# No database mark: a page that touched the database would fail here, as it would when it is down.
@pytest.mark.parametrize(
    ("asked", "words"),
    [("en", "Something went wrong on our side"), ("zh-HK", "系統出現故障"), ("zh-CN", "系统出现故障")],
)
def test_the_500_page_stands_without_the_database(client, with_views, asked, words):
    with_views(broken=_raise(OperationalError("disk I/O error at /secret/path")))
    client.raise_request_exception = False
    response = client.get("/broken", headers={"accept-language": asked})
    assert response.status_code == 500
    assert words in response.content.decode()
    assert "secret" not in response.content.decode()


def test_a_foreign_host_name_gets_the_400_page_without_the_database(client):
    response = client.get("/", headers={"host": "elsewhere.example"})
    assert response.status_code == 400
    assert "The request could not be read" in response.content.decode()


@pytest.mark.django_db
def test_a_form_without_its_token_is_explained():
    response = Client(enforce_csrf_checks=True).post("/sign-in", {"username": "a", "password": "b"})
    assert response.status_code == 403
    assert "The form was not accepted" in response.content.decode()


@pytest.mark.django_db
def test_an_unknown_address_gets_the_404_page(client, with_views):
    with_views()
    response = client.get("/no-such-page")
    assert response.status_code == 404
    assert "There is no page at this address" in response.content.decode()


@pytest.mark.django_db
def test_the_address_of_a_form_says_so_to_a_browser_and_nothing_to_a_program(client):
    answer = client.get("/language", headers={"accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "This address is opened only by sending a form" in answer.content.decode()
    assert client.get("/language", headers={"accept": "application/json"}).content == b""
