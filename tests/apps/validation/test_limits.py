from __future__ import annotations

import json
from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from kouan.apps.validation.domain import Reference
from kouan.apps.validation.limits import TOKENS
from kouan.sections import ValidationSettings
from kouan.web.throttle import Bucket, TooManyTriesError

pytestmark = pytest.mark.django_db


@pytest.fixture
def limits(settings, node):
    settings.NODE = replace(
        settings.NODE,
        validation=ValidationSettings(anonymous_per_minute=2, institution_per_minute=3, token_per_minute=24),
    )
    TOKENS._left.clear()


def ask_page(client, **headers):
    file = SimpleUploadedFile("x.bin", b"no mark")
    return client.post(reverse("validation:start"), {"file": file}, headers=headers)


def ask_api(client, **options):
    body = json.dumps({"reference": str(Reference.new("hk")), "algorithm": "sha-256", "digest": "00" * 32})
    return client.post("/api/v1/validations?wait=0", body, content_type="application/json", **options)


def refused(response) -> bool:
    if response.status_code != 429:
        return False
    assert 1 <= int(response["Retry-After"]) <= 60
    assert "Too many tries. Wait" in response.content.decode()
    return True


@pytest.mark.usefixtures("limits")
def test_an_address_is_limited_and_others_are_not():
    client = Client()
    assert [refused(ask_page(client)) for _ in range(3)] == [False, False, True]
    assert refused(ask_api(client))
    assert not refused(ask_api(client, REMOTE_ADDR="192.0.2.7"))


@pytest.mark.usefixtures("limits")
def test_the_officers_of_an_institution_share_a_limit_wherever_they_are(
    client, officer, bank, django_user_model
):
    client.force_login(officer)
    asked = [
        refused(client.post(reverse("validation:start"), {}, REMOTE_ADDR=f"192.0.2.{n}")) for n in range(4)
    ]
    assert asked == [False, False, False, True]
    other = django_user_model.objects.create_user("other")
    client.force_login(other)
    assert [refused(ask_page(client)) for _ in range(3)] == [False, False, True], "an account alone is nobody"


@pytest.mark.usefixtures("limits")
def test_a_token_is_limited_by_itself(client, token):
    headers = {"Authorization": f"Bearer {token}"}
    asked = [refused(ask_api(client, headers=headers)) for _ in range(5)]
    assert asked == [False] * 4 + [True]
    assert not refused(ask_api(client))


def test_a_bucket_fills_again(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("kouan.web.throttle.time.monotonic", lambda: now[0])
    bucket = Bucket()
    for _ in range(10):
        bucket.take(1, 60)
    with pytest.raises(TooManyTriesError) as caught:
        bucket.take(1, 60)
    assert caught.value.params == {"seconds": 1}
    bucket.take(2, 60)
    now[0] += 1.0
    bucket.take(1, 60)
