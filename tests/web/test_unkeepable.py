"""Texts that no database keeps are refused before an app is asked, on every address alike."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User

from kouan.web.access import grant_role
from kouan.web.unkeepable import UnkeepableText, require_keepable

pytestmark = pytest.mark.django_db


@pytest.fixture
def caseworker(client):
    user = User.objects.create_user("officer")
    grant_role(user=user, role="caseworker")
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/cases/?number=%00", 400),
        ("/cases/?service=%00", 400),
        ("/services/?q=a%00b", 400),
        ("/cases/%00/", 404),
        ("/nowhere%00", 404),
        ("/api/v1/services/cases/%00", 404),
        ("/api/v1/services/cases?service=%00", 400),
        ("/api/v1/evidence/records/hk.identity/%00", 404),
        ("/api/v1/services?q=%00", 400),
    ],
)
def test_an_address_with_such_a_character_leads_nowhere(caseworker, path, status):
    response = caseworker.get(path)
    assert response.status_code == status
    if path.startswith("/api/"):
        code = "unkeepable-address" if status == 404 else "unkeepable-text"
        assert (response["Content-Type"], response.json()["code"]) == ("application/problem+json", code)
    else:
        assert response["Content-Type"].startswith("text/html")


def test_a_percent_sign_that_stands_for_itself_is_none(caseworker):
    assert caseworker.get("/cases/?number=%2500").status_code == 200


def test_a_form_with_such_a_character_is_refused(caseworker):
    kind = "application/x-www-form-urlencoded"
    posted = caseworker.post("/cases/HK-2026-000001/assign", "to=a%00&changed=1", content_type=kind)
    assert posted.status_code == 400


@pytest.mark.parametrize("text", ["a\0", "\ud800", {"b\0": "x"}, ["x", {"y": ["\udfff"]}]])
def test_the_api_takes_no_such_text(caseworker, text):
    body = json.dumps({"action": "assign", "changed": 1, "to": text})
    path = "/api/v1/services/cases/HK-2026-000001/actions"
    response = caseworker.post(path, body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "unkeepable-text")


def test_what_every_database_keeps_is_sound():
    require_keepable({"a": ["香港", "\U0001f600", 1, None, True, {"b": ""}]})
    with pytest.raises(UnkeepableText):
        require_keepable([{"a": ["\0"]}])


def test_a_body_that_is_no_json_is_said_to_be_none(caseworker):
    response = caseworker.post(
        "/api/v1/services/cases/HK-2026-000001/actions", "{", content_type="application/json"
    )
    assert (response.status_code, response.json()["code"]) == (400, "http-error")
